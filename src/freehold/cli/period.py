"""Days and lengths of time as commands take them; days are those of UTC."""

import re
from datetime import UTC, date, datetime, time, timedelta

from freehold.vocabulary.errors import BadRequest


def day_in(text: str, flag: str) -> date:
    """The day that was written. Raises BadRequest, which names the flag."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        remedy = "Write it like 2026-11-23; days are those of UTC."
        raise BadRequest(f"{flag} {text!r} is no day", remedy=remedy) from None


def span_in(text: str, flag: str) -> timedelta:
    """The length of time that was written, of a minute to a year. Raises BadRequest, which names the flag."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})([mhd])", text)
    unit = {"m": "minutes", "h": "hours", "d": "days"}
    span = timedelta(**{unit[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < span <= timedelta(days=366):
        raise BadRequest(f"{flag} {text!r} is no length of time", remedy="Write it like 90m, 24h or 7d.")
    return span


def begin_of(day: date) -> datetime:
    """The first moment of a day."""
    return datetime.combine(day, time(), UTC)


def unix_ms(at: datetime) -> int:
    """A moment as the ledger writes it."""
    return int(at.timestamp() * 1000)
