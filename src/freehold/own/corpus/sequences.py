"""FASTA and FASTQ, plain or gzipped. A file that is not whole is named with its line, and nothing is made of it.

What can be seen: a compressed stream that ends too early, a last line without its end, a record without bases or with
fewer than its header states, a line that is shorter than its neighbours. Not seen: a plain file that lacks whole
records, or the last whole lines of one.
"""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NoReturn

from msgspec.structs import replace

from freehold.own.corpus.drops import Drops, Reason
from freehold.own.rows import Row
from freehold.vocabulary.errors import ConfigError

SUFFIXES = (".fa", ".fasta", ".fna", ".ffn", ".fas", ".fq", ".fastq")
_LETTERS = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv"  # IUPAC's, for nucleotides
_STATED = re.compile(rb"(?:^|[\s_|;\[])len(?:gth)?[=_](\d{1,18})", re.IGNORECASE)  # in a header
_GZIP, _BLOCKED = (
    b"\x1f\x8b",
    b"BC\x02\x00",
)  # the extra field of a gzip file in blocks (SAM specification, 4.1)
_LAST_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_LINE_BYTES_MAX = (
    1 << 30
)  # more than any chromosome that is known has in a line of its own, but for some of plants
_NAME_CHARS_MAX = 200
_AGAIN = "Get the file again, and compare its checksum."

Lines = Iterator[tuple[int, bytes]]  # number, from 1, and content without its end


def is_sequences(path: Path) -> bool:
    """Whether a file's name says that it holds sequences."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read(paths: Iterable[Path], licence: str, drops: Drops) -> Iterator[Row]:
    """Each record as a row, its bases in capitals. Raises ConfigError, with file and line, for one that is not whole.

    Without a licence nothing is taken.
    """
    for path in paths:
        for row in records(path):
            if licence:
                yield replace(row, licence=licence)
            else:
                drops.add(row.id, row.origin, Reason.LICENCE_UNKNOWN, "`licence` in [corpus] is empty")


def records(path: Path) -> Iterator[Row]:
    """The records of one file."""
    with path.open("rb") as raw:
        for name, bases in _parsed(path, raw):
            yield Row(f"{path.name}#{name}", text=bases.upper(), origin=str(path.resolve()))


def _parsed(path: Path, raw: BinaryIO) -> Iterator[tuple[str, str]]:
    lines = _lines(path, raw)
    first = next(((number, line) for number, line in lines if line.strip()), (1, b""))
    if first[1][:1] == b">":
        yield from _fasta(path, first, lines)
    elif first[1][:1] == b"@":
        yield from _fastq(path, first, lines)
    else:
        said = "begins with neither `>` (FASTA) nor `@` (FASTQ)" if first[1] else "is empty"
        _stop(path, first[0], f"this file {said}", "Name FASTA or FASTQ files in `sequences`.")


def _lines(path: Path, raw: BinaryIO) -> Lines:
    """The lines of a file. Raises ConfigError where it ends too early."""
    head = raw.read(16)
    compressed = head.startswith(_GZIP)
    if compressed and head[12:16] == _BLOCKED:
        raw.seek(-min(len(_LAST_BLOCK), path.stat().st_size), 2)
        if raw.read() != _LAST_BLOCK:
            _stop(path, 0, "truncated: its last block, which marks its end, is missing", _AGAIN)
    raw.seek(0)
    number = 0
    try:
        with gzip.open(raw) if compressed else nullcontext(raw) as file:
            for number, line in enumerate(iter(partial(file.readline, _LINE_BYTES_MAX + 1), b""), 1):
                if len(line) > _LINE_BYTES_MAX:
                    _stop(path, number, f"a line of more than {_LINE_BYTES_MAX:,} bytes", "Wrap its lines.")
                if not line.endswith(b"\n"):
                    said = "truncated: the file ends in the middle of a line"
                    _stop(path, number, said, f"{_AGAIN} If it is whole, end its last line.")
                yield number, line.rstrip()
    except EOFError:
        _stop(path, number + 1, "truncated: the compressed stream ends before its end mark", _AGAIN)
    except (zlib.error, gzip.BadGzipFile) as error:
        _stop(path, number + 1, f"damaged: {error}", _AGAIN)


def _fasta(path: Path, first: tuple[int, bytes], lines: Lines) -> Iterator[tuple[str, str]]:
    number, header = first
    parts: list[bytes] = []
    short = 0  # the line that is shorter than those before it: only the last of a record may be
    for number, line in lines:
        if line[:1] == b">":
            yield _record(path, number, header, parts)
            header, parts, short = line, [], 0
            continue
        if not line:
            continue
        if short:
            had, width = len(parts[-1]), len(parts[0])
            said = f"truncated: {had} bases in a line within a record, {width} in its first"
            _stop(path, short, said, f"{_AGAIN} If it is whole, wrap its lines alike.")
        _see_bases(path, number, line)
        parts.append(line)
        short = number if len(line) != len(parts[0]) else 0
    yield _record(path, number, header, parts)


def _record(path: Path, number: int, header: bytes, parts: Sequence[bytes]) -> tuple[str, str]:
    name = (header[1:].split() or [b"unnamed"])[0].decode("utf-8", "replace")[:_NAME_CHARS_MAX]
    bases = b"".join(parts).decode("ascii")
    stated = _STATED.search(header)
    if not bases or (stated is not None and int(stated[1]) != len(bases)):
        wanted = f"{int(stated[1]):,} bases by its header" if stated else "no bases at all"
        said = f"truncated: `{name}` has {wanted}" + (f", and {len(bases):,} in the file" if stated else "")
        _stop(path, number, said, _AGAIN)
    return name, bases


def _fastq(path: Path, first: tuple[int, bytes], lines: Lines) -> Iterator[tuple[str, str]]:
    number, header = first
    while header:
        rest = list(islice(lines, 3))
        if len(rest) < 3:
            said = f"truncated: the record that begins here has {1 + len(rest)} of its 4 lines"
            _stop(path, number, said, _AGAIN)
        (at, bases), (_, plus), (end, quality) = rest
        if header[:1] != b"@" or plus[:1] != b"+":
            said = "a record is a line with `@`, its bases, a line with `+`, and as many qualities"
            _stop(path, number, said, f"{_AGAIN} Write each record in four lines.")
        _see_bases(path, at, bases)
        if len(quality) != len(bases):
            said = f"truncated: {len(quality):,} qualities for {len(bases):,} bases"
            _stop(path, end, said, _AGAIN)
        yield _record(path, number, header, [bases])
        number, header = next((one for one in lines if one[1]), (0, b""))


def _see_bases(path: Path, number: int, line: bytes) -> None:
    if wrong := line.translate(None, _LETTERS):
        letter = wrong[:1].decode("latin-1")
        remedy = (
            "Take the file away, or correct it: nucleotides are ACGT, U, and IUPAC's letters for several."
        )
        _stop(path, number, f"{letter!r} is no base", remedy, line.index(wrong[:1]) + 1)


def _stop(path: Path, line: int, message: str, remedy: str, column: int = 1) -> NoReturn:
    raise ConfigError(message, remedy=remedy, file=str(path), line=line, column=column)
