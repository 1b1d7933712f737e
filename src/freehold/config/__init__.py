"""Every knob in one place. `freehold.toml` is read here, and the environment only here."""
