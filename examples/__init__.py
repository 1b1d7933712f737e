"""Own models from end to end: each folder is one run, from raw data to an answer under an alias."""
