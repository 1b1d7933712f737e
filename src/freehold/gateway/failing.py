"""What a failed attempt tells, and for how long it asks to be left alone."""

import math
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from freehold.dialects.errors import ProviderError
from freehold.gateway.client import Headers
from freehold.gateway.faulty import Made
from freehold.upstream.door import Incoming
from freehold.vocabulary.errors import Fault, UpstreamFailed
from freehold.vocabulary.exchange import INJECTED

RETRY_AFTER_S_MAX = 3_600.0
_WORD = re.compile(r"[\w.:/-]{1,64}", re.ASCII)


def failed(fault: Fault, message: str, incoming: Incoming, said: str = "") -> UpstreamFailed:
    """The error for an answer that is none, with its status and the wait that it asks for."""
    wait_s = retry_after_s(header(incoming.headers, b"retry-after"), time.time)
    return UpstreamFailed(fault, message, said=said, http_status=incoming.status, retry_after_s=wait_s)


def word(error: ProviderError, incoming: Incoming) -> str:
    """An error's code or type, if it is one: what is no single word could be anything.

    A provider that was asked could say that a drill did it, and would be taken to hold nothing of the prompt.
    """
    told = error.code or error.type
    if INJECTED in told and not isinstance(incoming, Made):
        return "a code that only a drill may use"
    return told if _WORD.fullmatch(told) else f"a code of {len(told)} characters" if told else "no code"


def retry_after_s(value: bytes, wall_clock: Callable[[], float]) -> float | None:
    """Seconds to wait, from seconds or an HTTP date (RFC 9110, section 10.2.3); None when it says nothing."""
    text = value.decode("latin-1").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - wall_clock()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), RETRY_AFTER_S_MAX)


def header(headers: Headers, name: bytes) -> bytes:
    """A header's value; b"" where there is none."""
    return next((value for given, value in headers if given == name), b"")
