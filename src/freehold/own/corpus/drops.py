"""What was left out of a corpus, and why: counted by reason, and each named."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from freehold.own.rows import printable

FILE = "dropped.jsonl"  # in RUN/corpus


class Reason(StrEnum):
    """Why something is not in the corpus."""

    NOT_READ = "not read"  # hidden, a link, of no known kind, too large
    UNREADABLE = "unreadable"
    TOO_SHORT = "too short"
    EXACT = "exact duplicate"
    NEAR = "near duplicate"
    SECRET = "secret"  # noqa: S105 - a reason, not one
    CONTAMINATED = "in an evaluation set"
    LICENCE_UNKNOWN = "licence unknown"
    TERMS_FORBID = "terms forbid training"
    TERMS_UNKNOWN = "terms unknown"
    NO_BODY = "body not kept"
    FINDING = "answer with a finding"
    SCORE = "score too low or unknown"
    UNLABELLED = "no label"


class Dropped(Struct, frozen=True, omit_defaults=True):
    """One thing that was left out."""

    id: str
    origin: str  # a file, or an exchange's id
    reason: Reason
    detail: str = ""  # e.g. whose duplicate, or whose terms; never what was secret


class Drops:
    """What was left out so far."""

    def __init__(self) -> None:
        self._all: list[Dropped] = []

    def add(self, id: str, origin: str, reason: Reason, detail: str = "") -> None:
        """Leave something out."""
        self._all.append(Dropped(printable(id), printable(origin), reason, printable(detail)))

    def __iter__(self) -> Iterator[Dropped]:
        return iter(self._all)

    @property
    def counts(self) -> dict[str, int]:
        """How many, by reason; the most first."""
        return dict(Counter(one.reason.value for one in self._all).most_common())

    def write(self, folder: Path) -> None:
        """Name each, one a line."""
        with (folder / FILE).open("wb") as file:
            for one in self._all:
                file.write(msgspec.json.encode(one) + b"\n")
