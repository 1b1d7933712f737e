"""Documents as rows: plain text, Markdown, HTML, PDF, source code, and jsonl, from files and folders.

What is not read is named with the reason: hidden, a link, binary, too large, of no known kind. Nothing outside the
given paths is read, whatever links lead there.
"""

import codecs
import logging
import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace
from pypdf import PdfReader

from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.markup import visible_text
from freehold.own.corpus.records import Unlabelled, Unusable, row_of
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest

FILE_BYTES_MAX = 64 << 20  # of a file that is one document
LINE_BYTES_MAX = 16 << 20  # of a line of jsonl, whose files may be of any size


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT = _words(".adoc .asciidoc .log .markdown .md .mdx .org .rst .tex .text .txt")
_CODE = _words(
    ".asm .awk .bash .bat .c .cc .cfg .clj .cmake .cpp .cs .css .cu .cxx .d .dart .ex .exs .f .f90 .fs .go .gradle "
    ".graphql .groovy .h .hcl .hh .hpp .hs .ini .java .jl .js .jsx .kt .kts .less .lisp .lua .m .mjs .ml .nim .nix "
    ".pas .php .pl .pm .proto .ps1 .pxd .py .pyi .pyw .pyx .r .rb .rs .s .scala .scm .scss .sh .sql .swift .tcl .tf "
    ".toml .ts .tsx .v .vb .vhd .vim .vue .yaml .yml .zig .zsh"
)
_HTML = _words(".htm .html .xhtml")
_RECORDS = _words(".jsonl .ndjson")
_NAMES = _words("AUTHORS CHANGELOG COPYING Dockerfile LICENSE Makefile NOTICE README")
_DERIVED = _words("__pycache__ node_modules")

# The longer come first: UTF-32's little-endian mark begins as UTF-16's does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMED = re.compile(rb"(?:charset|coding|encoding)\s*[:=]\s*[\"']?([-\w.]{2,20})")
_SPDX = re.compile(r"^\W{0,6}SPDX-License-Identifier:\s*([\w.+() -]*[\w.+)])", re.MULTILINE)
_LIGATURE = re.compile("[\ufb00-\ufb06]")

Decided = defaultdict[str, list[str]]


class _Unreadable(Exception):
    pass


def read(
    paths: Sequence[Path], licence: str, drops: Drops, label: str = "", decided: Decided | None = None
) -> Iterator[Row]:
    """All documents in files and folders, in the order of their names, a folder's own before those in folders within.

    An id is the path from the given one on; a line of jsonl adds its own id, or its number. The time is the file's,
    or a line's own `at`. The licence is the given one, or that which a source file or a line names itself; without
    any, a document is dropped. `label` is the field of jsonl that is to be told. Where bytes are not UTF-8, the
    encoding that was taken is noted in `decided`, with the documents' ids.
    Raises BadRequest for a path that is not there.
    """
    reader = _Reader(licence, drops, label, defaultdict(list) if decided is None else decided)
    for path in paths:
        if not path.exists():
            raise BadRequest(f"{path} is not there", remedy="Correct `documents` in [corpus] of own.toml.")
        name = Path(os.path.abspath(path)).name  # noqa: PTH100 - a link's name, not that of what it leads to
        files = _below(name, path.resolve(), drops) if path.is_dir() else [(name, path.resolve())]
        for id, file in files:
            yield from reader.rows(id, file)


def _below(name: str, root: Path, drops: Drops) -> Iterator[tuple[str, Path]]:
    """Files in a folder and its folders, each with its id."""

    def named(path: str | Path) -> str:
        return f"{name}/{Path(path).relative_to(root).as_posix()}"

    def left_out(path: str | Path, reason: Reason, why: str) -> None:
        drops.add(named(path), named(path), reason, why)

    def refused(error: OSError) -> None:
        left_out(error.filename, Reason.UNREADABLE, error.strerror or "")

    for folder, folders, files in os.walk(root, onerror=refused):
        here, within = Path(folder), frozenset(folders)
        folders[:] = sorted(one for one in folders if not _not_entered(here / one))
        for one in sorted((*files, *within)):
            why = _not_entered(here / one)
            if why:
                left_out(here / one, Reason.NOT_READ, why)
            elif one not in within:
                yield named(here / one), here / one


def _not_entered(path: Path) -> str:
    """Why a file or folder is passed by; empty if it is not."""
    if path.name.startswith("."):
        return "hidden"
    if path.name in _DERIVED:
        return "derived"
    return "a link" if path.is_symlink() else ""


class _Reader:
    """Makes rows of files, no two with the same id."""

    def __init__(self, licence: str, drops: Drops, label: str, decided: Decided) -> None:
        self._licence, self._drops, self._label, self._decided = licence, drops, label, decided
        self._read: set[Path] = set()
        self._ids: set[str] = set()

    def rows(self, id: str, path: Path) -> Iterator[Row]:
        """A file's rows; what holds none is dropped."""
        if path in self._read:  # given twice, or within another that was given
            return
        self._read.add(path)
        try:
            for row in self._of_file(id, path):
                if row.licence or self._licence:
                    name = self._unique(row.id)
                    yield replace(row, id=name, licence=row.licence or self._licence)
                else:
                    self._drops.add(row.id, id, Reason.LICENCE_UNKNOWN)
        except (_Unreadable, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._drops.add(id, id, Reason.UNREADABLE, why or "")

    def _unique(self, id: str) -> str:
        name, number = id, 1
        while name in self._ids:
            number += 1
            name = f"{id}~{number}"
        self._ids.add(name)
        return name

    def _of_file(self, id: str, path: Path) -> Iterator[Row]:
        found = path.stat()
        kind = path.suffix.lower()
        why = _unfit(path, found)
        if why:
            self._drops.add(id, id, Reason.NOT_READ, why)
        elif kind in _RECORDS:
            with path.open("rb") as file:
                for row in self._of_lines(id, path, file):
                    yield row if row.at_ms else replace(row, at_ms=found.st_mtime_ns // 1_000_000)
        elif self._label:
            self._drops.add(id, id, Reason.UNLABELLED, "not a jsonl file")
        else:
            text = _of_pdf(path) if kind == ".pdf" else self._decoded(id, path.read_bytes())
            text = _seen(text) if kind in _HTML else text
            spdx = _SPDX.search(text, 0, 4096) if kind in _CODE else None
            yield Row(
                id,
                text,
                at_ms=found.st_mtime_ns // 1_000_000,
                origin=str(path),
                licence=spdx[1].strip() if spdx else "",
            )

    def _of_lines(self, id: str, path: Path, file: BinaryIO) -> Iterator[Row]:
        number = 0
        while line := file.readline(LINE_BYTES_MAX + 1):
            number += 1
            if not line.strip():
                continue
            try:
                if len(line) > LINE_BYTES_MAX:
                    _skip_line(file, line)
                    raise Unusable(f"longer than {LINE_BYTES_MAX >> 20} MiB")
                row = row_of(line.removeprefix(codecs.BOM_UTF8), self._label)
            except Unusable as error:
                reason = Reason.UNLABELLED if isinstance(error, Unlabelled) else Reason.UNREADABLE
                self._drops.add(f"{id}:{number}", id, reason, f"line {number}: {error}")
            else:
                yield replace(row, id=f"{id}:{row.id or number}", origin=str(path))

    def _decoded(self, id: str, data: bytes) -> str:
        """Text by its mark, as UTF-8, or else by the encoding that it names or that most such texts have."""
        for mark, encoding in _MARKS:
            if data.startswith(mark):
                self._decided[f"read as {encoding}, by its mark"].append(id)
                return _strictly(data, encoding)
        if b"\0" in data:
            raise _Unreadable("binary")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding, why = _guessed(data)
        self._decided[f"read as {encoding}, {why}"].append(id)
        return data.decode(encoding)


def _unfit(path: Path, found: os.stat_result) -> str:
    """Why a file is not looked into; empty if it is."""
    if not stat.S_ISREG(found.st_mode):
        return "not a file"
    kind = path.suffix.lower()
    if kind not in _TEXT | _CODE | _HTML | _RECORDS | {".pdf"} and path.name not in _NAMES:
        return f"of no known kind ({kind or path.name})"
    if kind not in _RECORDS and found.st_size > FILE_BYTES_MAX:
        return f"larger than {FILE_BYTES_MAX >> 20} MiB"
    return ""


def _skip_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(LINE_BYTES_MAX)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise _Unreadable(f"not {encoding}, though its mark says so") from None


def _guessed(data: bytes) -> tuple[str, str]:
    """An encoding that fits the bytes, and why that one."""
    named = _NAMED.search(data, 0, 1024)
    for encoding, why in (
        (named[1].decode() if named else "", "as it says itself"),
        ("cp1252", "as it is not UTF-8"),
        ("latin-1", "as it is neither UTF-8 nor cp1252"),
    ):
        try:
            data.decode(encoding)
        except (LookupError, ValueError):
            continue
        return encoding, why
    raise AssertionError("latin-1 takes any bytes")


def _seen(html: str) -> str:
    try:
        return visible_text(html)
    except AssertionError as error:  # of html.parser, for a declaration that it does not know
        raise _Unreadable(f"not HTML that can be read ({error})"[:200]) from None


def _of_pdf(path: Path) -> str:
    """The text of a PDF's pages, without ligatures. Words that a line's end divides are whole again."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is wrong with a file is told by its drop
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise _Unreadable("encrypted")
        pages: list[str] = []
        for page in reader.pages:  # many may be made of the same few bytes
            pages.append(page.extract_text())
            if sum(map(len, pages)) > FILE_BYTES_MAX:
                raise _Unreadable(f"more than {FILE_BYTES_MAX:,} characters")
        text = "\n\n".join(pages).strip()
    except (_Unreadable, OSError):
        raise
    except Exception as error:  # pypdf raises whatever a damaged file brings it to
        raise _Unreadable(f"not a PDF that can be read ({type(error).__name__})") from None
    if not text:
        raise _Unreadable("no text in it: scanned?")
    text = _LIGATURE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return re.sub(r"(?<=[^\W\d_])-\n(?=[a-zß-ÿ])", "", text)
