"""What happened, kept: a journal that is written first, and a database that is searched."""

from freehold.ledger.ledger import Ledger

__all__ = ["Ledger"]
