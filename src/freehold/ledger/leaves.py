"""What stands in the tree for a line of the journal: its kind, its time, and a salted commitment to it.

Whoever has the tree learns how many records there are and when they were made, and nothing else. A record's salt
opens that one record. The seed that salts come from opens a whole segment, and lies beside it.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Annotated, NamedTuple
from zlib import crc32

import msgspec

from freehold.ledger.durable import replace
from freehold.ledger.faultpoints import reached
from freehold.ledger.segment import CHUNK_BYTES
from freehold.vocabulary.errors import Unverified

VERSION = 1
RECORD, DAMAGED = 1, 2
SALT_BYTES = 16
SEED_BYTES = 32
_BLOCK_BYTES = 64  # of SHA-256, for HMAC
_entry = Struct(">BBQ32s")


class Leaf(NamedTuple):
    """An entry of the log."""

    kind: int  # RECORD, or DAMAGED: a line that is not what was written
    at_ms: int  # of the record; 0 of a damaged line
    commitment: bytes  # SHA-256(salt || the record's JSON, or the damaged line without its line feed)


class _Time(msgspec.Struct, gc=False):
    at_ms: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


_time = msgspec.json.Decoder(_Time).decode
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)  # what bytes can do to a reader of JSON


def leaf_of(entry: bytes) -> Leaf:
    """Read an entry. Raises Unverified for what this version does not know."""
    if len(entry) != _entry.size or entry[0] != VERSION or entry[1] not in (RECORD, DAMAGED):
        raise Unverified(f"{entry[:48].hex()} is not an entry of version {VERSION}")
    return Leaf(*_entry.unpack(entry)[1:])


def commitment(salt: bytes, content: bytes) -> bytes:
    """What an entry says of a record."""
    return sha256(salt + content).digest()


def content_of(line: bytes) -> tuple[int, bytes]:
    """What of a line is committed to, and as what."""
    body = line[9:]
    return (RECORD, body) if line[:9] == b"%08x " % crc32(body) else (DAMAGED, line)


def entry_of(line: bytes, salt: bytes) -> bytes:
    """The entry for a line of the journal, without its line feed."""
    kind, content = content_of(line)
    if kind == RECORD:
        try:
            return _entry.pack(VERSION, RECORD, _time(content).at_ms, sha256(salt + content).digest())
        except UNREADABLE:
            kind, content = DAMAGED, line
    return _entry.pack(VERSION, kind, 0, commitment(salt, content))


def entry_of_record(record: bytes, salt: bytes) -> bytes:
    """The entry for a record that was opened. Raises Unverified if it has no time, so that it can be none."""
    try:
        return _entry.pack(VERSION, RECORD, _time(record).at_ms, commitment(salt, record))
    except UNREADABLE as error:
        raise Unverified("what was opened is not a record") from error


class Salts:
    """The salts of a segment's lines: the first 16 bytes of HMAC-SHA256(seed, number of the line in 8 bytes).

    By number and not by offset, so that the lines behind one that was removed can still be told.
    """

    def __init__(self, seed: bytes) -> None:
        key = seed.ljust(_BLOCK_BYTES, b"\0")
        # Both halves of RFC 2104 are prepared once: `hmac.digest` would cost three times as much for each line.
        self._inner = sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in key))

    def __call__(self, number: int) -> bytes:
        """The salt of a line; the first of a segment has number 0."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(number.to_bytes(8, "big"))
        outer.update(inner.digest())
        return outer.digest()[:SALT_BYTES]


def seed_file(segment: Path) -> Path:
    """Where a segment's seed lies."""
    return segment.with_suffix(".seed")


def salts_of(segment: Path) -> Salts:
    """The salts of a segment that the log has begun with. Raises Unverified if its seed is gone."""
    try:
        seed = seed_file(segment).read_bytes()
    except FileNotFoundError as error:
        raise Unverified(f"{seed_file(segment)} is missing: its records cannot be told any more") from error
    if len(seed) != SEED_BYTES:
        raise Unverified(f"{seed_file(segment)} is not a seed of {SEED_BYTES} bytes")
    return Salts(seed)


def new_salts(segment: Path) -> Salts:
    """The salts of a segment that no leaf was made of yet; the seed is durable when this returns."""
    if not seed_file(segment).exists():
        replace(seed_file(segment), os.urandom(SEED_BYTES))
        reached("log.seeded")
    return salts_of(segment)


def lines_from(descriptor: int, offset: int, end: int) -> Iterator[list[bytes]]:
    """The whole lines between two offsets of a segment, some at a time."""
    size = CHUNK_BYTES
    while offset < end:
        chunk = os.pread(descriptor, min(size, end - offset), offset)
        whole = chunk.rfind(b"\n")
        if whole >= 0:
            yield chunk[:whole].split(b"\n")
            offset += whole + 1
            size = CHUNK_BYTES
        elif len(chunk) < size:
            return  # a line that was never finished
        else:
            size *= 4
