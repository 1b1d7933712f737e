"""A TOML text with its places: what errors about a configuration are made from."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freehold.config.places import KeyPath, Place, places
from freehold.vocabulary.errors import ConfigError

Signature = tuple[int, int, int] | None

_TOML_PLACE = re.compile(r" \((?:at line (\d+), column (\d+)|at end of document)\)$")
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_DEEP = re.compile(rf"""(?<![\w."'-])(?:{_PART}){{64}}""")  # a key of so many parts
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Document:
    """The text as plain values, the file it came from, and where each of its keys stands."""

    file: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[KeyPath, Place] = field(default_factory=dict)
    text: str = ""

    def problem(self, path: KeyPath, message: str, remedy: str) -> ConfigError:
        """An error that points at `path`, or at the nearest table above it that the file does write."""
        written = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in self.places), None)
        line, column = self.places[written] if written else (0, 0)
        return ConfigError(message, remedy=remedy, file=self.file, line=line, column=column)


def dotted(path: KeyPath) -> str:
    """A key path as one would write it in TOML, array elements in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            text += f".{key}" if text else key
    return text


def signature(path: Path) -> Signature:
    """What tells one state of a file from another; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def read(path: Path) -> Document:
    """Read a TOML file. Raises ConfigError, with its place, when there is none or it is not TOML."""
    return parse(text_of(path), str(path))


def text_of(path: Path) -> str:
    """The text of a file. Raises ConfigError, with its place, when there is none or it is not UTF-8."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file",
            remedy="Name another file, or let `freehold init` write one.",
            file=str(path),
        ) from None
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", remedy="Make the file readable.", file=str(path)
        ) from None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        raise ConfigError(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            remedy="Save the file as UTF-8.",
            file=str(path),
            line=before.count("\n") + 1,
            column=len(before) - before.rfind("\n"),
        ) from None


def parse(text: str, file: str) -> Document:
    """The document that `text` is. Raises ConfigError when it is not TOML."""
    text = text.replace("\r\n", "\n")
    try:
        if _DEEP.search(text):  # the parser would take time and memory by the square of its parts
            raise RecursionError
        raw = tomllib.loads(text)
        return Document(file, raw, places(text), text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, file) from None
    except RecursionError:
        raise ConfigError(
            "tables lie too deep in one another", remedy="Write them flat.", file=file
        ) from None


def _syntax_error(said: str, text: str, file: str) -> ConfigError:
    at = _TOML_PLACE.search(said)
    if at is None or at[1] is None:
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    else:
        line, column = int(at[1]), int(at[2])
    message = said[: at.start()] if at else said
    return ConfigError(
        f"this is not TOML: {message[:1].lower()}{message[1:]}",
        remedy=f"Correct line {line}; strings need quotes, and each table and key may stand only once.",
        file=file,
        line=line,
        column=column,
    )
