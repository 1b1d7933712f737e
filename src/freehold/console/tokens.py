"""Tokens that people sign in to the console with: shown once, kept as hashes in STATE/console.json.

Does not protect against somebody who can write the state directory or read the console's memory.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

import msgspec
from msgspec import Struct

from freehold.config import clock
from freehold.ledger.durable import replace
from freehold.vocabulary.errors import BadRequest, ConfigError, NotFound

FILE = "console.json"
VERSION = 1
NAME_CHARS_MAX = 100
ROLES = ("viewer", "operator", "admin")  # each may do what those before it may


class Token(Struct, frozen=True):
    """What may be told of a token. The hash is a fast one: 256 random bits cannot be guessed."""

    name: str  # who holds it
    role: str
    created_ms: int
    digest: str  # SHA-256 of its text, in hex


class _File(Struct):
    tokens: dict[str, Token]
    version: int = VERSION


class Tokens:
    """The tokens on disk. Any number of processes may change them at once."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    def first(self) -> str | None:
        """The text of an admin's token where there never was any; None where there was."""
        if self._path.exists():
            return None
        with self._changed() as tokens:
            return None if tokens else _added(tokens, "admin", "admin")

    def make(self, name: str, role: str) -> str:
        """Make a token and return its text, which cannot be had again. One of the same name ends."""
        if not name.isprintable() or not 0 < len(name) <= NAME_CHARS_MAX:
            raise BadRequest(f"a name is 1 to {NAME_CHARS_MAX} printable characters")
        with self._changed() as tokens:
            return _added(tokens, name, role)

    def end(self, name: str) -> Token:
        """End a token, and with it every session that was opened with it. Raises NotFound."""
        with self._changed() as tokens:
            if name not in tokens:
                known = ", ".join(sorted(tokens)) or "none"
                raise NotFound(f"no token of the console is called {name!r}", remedy=f"There are: {known}.")
            return tokens.pop(name)

    def listed(self) -> Mapping[str, Token]:
        """All tokens by name. Raises ConfigError for a file that cannot be read."""
        remedy = "Restore it from a backup; or move it away, and `freehold console token` makes new tokens."
        try:
            content = msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            said = f"the console's tokens cannot be read: {error}"
            raise ConfigError(said, remedy=remedy, file=str(self._path)) from error
        if content.version > VERSION:
            said = f"the console's tokens have version {content.version}, and this Freehold knows {VERSION}"
            raise ConfigError(said, remedy="Use the Freehold that wrote them.", file=str(self._path))
        return content.tokens

    def find(self, text: str) -> Token | None:
        """The token with this text. Every one is compared, each in constant time."""
        digest = sha256(text.encode()).hexdigest()
        found = [one for one in self.listed().values() if compare_digest(one.digest, digest)]
        return found[0] if found else None

    def good(self, digest: str) -> bool:
        """Whether a token that was shown before is still one."""
        return any(one.digest == digest for one in self.listed().values())

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Token]]:
        """Read, let the caller change, and write in one step, while no other process does the same."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".json.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tokens = dict(self.listed())
            yield tokens
            replace(self._path, msgspec.json.format(msgspec.json.encode(_File(tokens))))
        finally:
            os.close(lock)


def _added(tokens: dict[str, Token], name: str, role: str) -> str:
    text = f"fhc_{secrets.token_urlsafe(32)}"
    digest = sha256(text.encode()).hexdigest()
    tokens[name] = Token(name, role, clock.now_ms(), digest)
    return text
