"""Freehold: a self-hosted gateway between applications and every AI model they use."""

__version__ = "0.1.0"
