"""API formats: the byte-exact passthrough, and a reader and a writer for each dialect. No I/O."""
