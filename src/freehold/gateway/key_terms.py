"""What people write of a key that is to be made: when it ends, and how sensitive what is sent with it is."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from freehold.config.shape import nearest
from freehold.vocabulary.errors import BadRequest

_HOURS = {"h": 1, "d": 24, "w": 7 * 24}
_DURATION = re.compile(r"([1-9]\d{0,4})([hdw])")


def known_class(word: str | None, known: Sequence[str]) -> str | None:
    """The data class itself. Raises BadRequest for one that the configuration does not know."""
    if word is None or word in known:
        return word
    meant = nearest(word, list(known))
    raise BadRequest(
        f'no data class is called "{word}"' + (f'; did you mean "{meant}"?' if meant else ""),
        remedy=f"Name one of {', '.join(known)}, the least sensitive first.",
    )


def ending_ms(written: str, now_ms: int) -> int:
    """The moment that "30d" or "2027-01-31" means; a day without a time ends as it begins, in UTC.

    Raises BadRequest for one that is over, and for what is no time.
    """
    remedy = "Write how long, like 12h, 30d or 8w, or a day to come, like 2027-01-31."
    if duration := _DURATION.fullmatch(written):
        return now_ms + int(duration[1]) * _HOURS[duration[2]] * 3_600_000
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise BadRequest(f'"{written}" is no time', remedy=remedy) from None
    at_ms = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if at_ms <= now_ms:
        raise BadRequest(f'"{written}" is over already', remedy=remedy)
    return at_ms
