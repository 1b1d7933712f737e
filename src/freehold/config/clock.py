"""What this machine's clock says, as the ledger writes it: Unix milliseconds. Values do not read it."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """This moment."""
    return time.time_ns() // 1_000_000


def utc(at_ms: float) -> datetime:
    """A moment as a date and a time of day, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
