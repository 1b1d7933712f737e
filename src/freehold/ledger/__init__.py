"""What happened, kept: a journal that is written first, and a database that is searched."""
