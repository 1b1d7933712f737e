"""What a drill asks of a running gateway: a file that the command behind it holds up, and that falls when it lets go.

The lease is a dead man's switch. Nothing that a drill does outlives it, or the run of the gateway that it names.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from tempfile import mkstemp
from typing import Literal

import msgspec
from msgspec import Struct

FILE = "drill.json"
BYTES_MAX = 16 << 20
LEASE_MS = 4_000  # after a command that was killed a fault lasts no longer than this
TOKEN_HEADER = "x-freehold-drill"  # noqa: S105 - a header's name

Way = Literal["unreachable", "timeout", "unavailable", "forbidden", "gone"]
Plain = bool | int | float | str | tuple[str, ...] | None  # "inf" stands for a number without limit


class Mode(StrEnum):
    """Which requests are in a drill."""

    SHARE = "share"  # a share of all
    SHADOW = "shadow"  # copies of a share of all, once their callers have their answers
    MARKED = "marked"  # those that show its token


class Struck(Struct, frozen=True, omit_defaults=True):
    """What becomes of an endpoint while the fault lasts."""

    endpoint: str  # its id; of a pool's pattern, with the `*`
    way: Way | None = None  # how it is gone; None: it is still there
    latency: float = 1.0  # times what an answer takes to begin
    price: float = 1.0  # times what the configuration says, for who asks the cheapest
    requests_per_minute: int | None = None  # beyond which it answers 429
    tokens_per_minute: int | None = None
    replaced_by: str | None = None  # the model that is asked instead
    refuses: str | None = None  # prompts with this word, in any case
    refuses_share: float = 0.0  # of all prompts
    facts: Mapping[str, Plain] = {}  # what is known of it then, where that differs

    @property
    def spared(self) -> bool:
        """Whether nothing becomes of it, though a pattern that fits it is struck."""
        return self == Struck(self.endpoint)


class Order(Struct, frozen=True):
    """One drill. Moments are Unix milliseconds."""

    id: str
    run: str  # of the gateway that it is meant for
    scenario: str  # its name
    mode: Mode
    share: float  # of all requests, 0 to 1; of marked ones it says nothing
    token: str  # SHA-256 of the token of marked requests, in hex; "" of other modes
    from_ms: int  # when the fault begins
    until_ms: int  # and ends
    struck: tuple[Struck, ...]


def put(state: Path, order: Order) -> None:
    """Put it there, all of it at once. Raises FileExistsError where there is another."""
    descriptor, name = mkstemp(dir=state)  # which only this user may read
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(order))
        (state / FILE).hardlink_to(name)
    finally:
        Path(name).unlink()


def renew(state: Path) -> None:
    """Hold it up for another lease. Raises FileNotFoundError where somebody has taken it away."""
    os.utime(state / FILE)


def lease_ms(state: Path) -> int:
    """Until when it holds, Unix milliseconds; 0: there is none."""
    try:
        return (state / FILE).stat().st_mtime_ns // 1_000_000 + LEASE_MS
    except FileNotFoundError:
        return 0


def read(state: Path) -> Order | None:
    """The drill that is asked for; None: there is none, or it cannot be read."""
    try:
        with (state / FILE).open("rb") as file:
            return msgspec.json.decode(file.read(BYTES_MAX), type=Order)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def remove(state: Path) -> bool:
    """Take it away; whether there was one."""
    try:
        (state / FILE).unlink()
    except (FileNotFoundError, IsADirectoryError):
        return False
    return True
