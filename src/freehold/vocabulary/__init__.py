"""The project's words as frozen values. No I/O, no clock, no imports from other rooms."""
