"""Where in a TOML text each key stands, so that an error can point at it.

Reads only text that `tomllib` has accepted: it finds keys, it does not judge the text.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # up to two quotes may stand right before the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^,\]}\s#]+|[^,\]}\s#]+")


class Place(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


def places(text: str) -> Mapping[KeyPath, Place]:
    """Every key path of the document, tables and array elements included, with its first place."""
    finder = _Finder(text)
    finder.document()
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]

    def place(offset: int) -> Place:
        line = bisect_right(starts, offset)
        return Place(line, offset - starts[line - 1] + 1)

    return {path: place(offset) for path, offset in finder.found.items()}


class _Finder:
    """Walks over the text once; `found` maps each path to the offset where it was first written."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[KeyPath, int] = {}
        self._last: dict[KeyPath, int] = {}  # for each array of tables, the index of its newest element

    def document(self) -> None:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> KeyPath:
        opened = self.at
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        keys = self._keys()
        self.at += brackets
        path: KeyPath = ()
        for key, offset in keys:
            path = self._note((*path, key), offset)
            if path in self._last and not (brackets == 2 and key is keys[-1][0]):
                path = (*path, self._last[path])
        if brackets == 2:
            self._last[path] = self._last.get(path, -1) + 1
            path = self._note((*path, self._last[path]), opened)
        return path

    def _pair(self, table: KeyPath) -> None:
        path = table
        for key, offset in self._keys():
            path = self._note((*path, key), offset)
        self.at += len("=")
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[tuple[str, int]]:
        """A dotted key, each part with its offset; stops behind the space that follows it."""
        keys = []
        while True:
            self._skip(_SPACE)
            offset = self.at
            keys.append((self._key(), offset))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += len(".")

    def _key(self) -> str:
        if self.text[self.at] in "\"'":
            written = self._skip(_STRING)
            return str(tomllib.loads(f"key = {written}")["key"])
        return self._skip(_BARE_KEY)

    def _value(self, path: KeyPath) -> None:
        match self.text[self.at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self.at += len("[")
        index = 0
        while not self._closed("]"):
            self._value(self._note((*path, index), self.at))
            index += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += len("{")
        while not self._closed("}"):
            self._pair(path)

    def _closed(self, bracket: str) -> bool:
        """Step over blanks and a comma; over the closing bracket too, if that is what comes."""
        self._skip(_BLANK)
        if self.text.startswith(",", self.at):
            self.at += len(",")
            self._skip(_BLANK)
        closed = self.text.startswith(bracket, self.at)
        self.at += closed
        return closed

    def _note(self, path: KeyPath, offset: int) -> KeyPath:
        self.found.setdefault(path, offset)
        return path

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"offset {self.at}: not the TOML that tomllib accepts")
        self.at = match.end()
        return match.group()
