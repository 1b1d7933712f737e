"""What a corpus's files hold, one JSON object a line: the same form for texts, conversations, sequences and tables."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

TRAIN, HELD_OUT = "train.jsonl", "held_out.jsonl"  # in RUN/corpus


class Turn(NamedTuple):
    """One turn of a conversation."""

    role: str  # system, user or assistant
    text: str


class Span(NamedTuple):
    """What a tagger is to find: characters from `begin` up to `end`."""

    begin: int
    end: int
    kind: str


class Row(Struct, frozen=True, omit_defaults=True):
    """One document, conversation, sequence or row of a table."""

    id: str  # unique in the corpus
    text: str = ""  # also the bases of a sequence, in capitals
    turns: tuple[Turn, ...] = ()
    values: Mapping[str, str | float | None] = {}
    label: str | float | None = None
    spans: tuple[Span, ...] = ()
    cluster: str = ""  # near-duplicates share it; what is compared is clustered by it
    at_ms: int = 0
    origin: str = ""  # a file, or an exchange's id
    licence: str = ""


def printable(name: str) -> str:
    """A file's name as text, for those whose bytes are not UTF-8."""
    return name.encode(errors="backslashreplace").decode()


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows, one a line."""
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")


def read(path: Path) -> Iterator[Row]:
    """Read rows, one after the other. Raises msgspec.ValidationError for a line that is none."""
    decoder = msgspec.json.Decoder(Row)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
