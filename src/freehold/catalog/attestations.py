"""What providers said of themselves when they were asked: a facts file that a program writes, in the state directory.

Does not prove that a provider does as it says; it records that it said so, when, and until when we believe it.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from msgspec.structs import replace

from freehold.catalog.records import UNKNOWN, FactRecord, Layer, Reading, read_all, reading
from freehold.vocabulary.facts import Value

FILE = "attestations.toml"
_HEAD = "# Written by `freehold catalog attest`. It wins over what comes along and over your own facts.\n"


def attestations(state: Path) -> Reading:
    """What was attested, as it stands in the state directory; nothing where nobody asked."""
    path = state / FILE
    return read_all(path, Layer.ATTESTATION) if path.exists() else Reading((), ())


def write_attestation(state: Path, record: FactRecord) -> None:
    """Add a record of the attestation layer, in place of what was attested before for the same selectors and names.

    The file is replaced as a whole and is on the disk when this returns; any number of processes may write at once.
    Raises ConfigError when the record is no sound attestation, and when the file that is there cannot be read.
    """
    with _locked(state / FILE) as path:
        before = attestations(state)
        if before.problems:
            raise before.problems[0]
        names = {name for name, _ in record.values}
        selectors = set(record.selectors)
        kept = (_without(old, names) if set(old.selectors) == selectors else old for old in before.records)
        text = _HEAD + "".join(map(as_toml, (*(old for old in kept if old.values), record)))
        if problems := reading(text, str(path), Layer.ATTESTATION).problems:
            raise problems[-1]
        _replace(path, text)


def _without(record: FactRecord, names: set[str]) -> FactRecord:
    return replace(record, values=tuple((name, value) for name, value in record.values if name not in names))


def as_toml(record: FactRecord) -> str:
    """A record as the block of a facts file."""
    lines = ["", "[[fact]]"]
    lines += [f"{selector} = {_array(written)}" for selector, written in record.selectors]
    texts = {"basis": record.basis.value, "source": record.source, "who": record.who, "why": record.why}
    lines += [f"{key} = {_toml(text)}" for key, text in texts.items() if text]
    lines.append(f"read = {record.read.isoformat()}")
    if record.expires is not None:
        lines.append(f"expires = {record.expires.isoformat()}")
    lines.append("[fact.values]")
    lines += [f"{name} = {_toml(value)}" for name, value in record.values]
    return "\n".join(lines) + "\n"


def _toml(value: Value | None) -> str:
    match value:
        case None:
            return _toml(UNKNOWN)
        case bool():
            return "true" if value else "false"
        case str():
            # JSON's escapes are TOML's, but for DEL, which TOML wants to see escaped as well.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case tuple():
            return _array(value)
        case date():
            return value.isoformat()
        case _:
            return repr(value)


def _array(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_toml, texts))}]"


@contextmanager
def _locked(path: Path) -> Iterator[Path]:
    """The file, while no other process writes it. The lock is a file of its own, since this one is replaced."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
    finally:
        os.close(lock)


def _replace(path: Path, text: str) -> None:
    """Put a new file in the old one's place: whoever reads meanwhile, or after a power cut, finds one of the two."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the new name, too, must survive a power cut
    finally:
        os.close(folder)
