"""A model behind an endpoint: its files, signed, and the engine that serves them."""
