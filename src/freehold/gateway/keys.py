"""Applications' keys: shown once, kept as hashes, looked up in memory.

Does not protect against somebody who can write the state directory or read the gateway's memory.
Does not limit how much the holder of a key may use it.
"""

import fcntl
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

import msgspec

from freehold.config import clock
from freehold.config.document import signature
from freehold.vocabulary.errors import BadRequest, ConfigError, ExpiredKey, InvalidKey, MissingKey, NotFound

FILE = "keys.json"
VERSION = 2  # 2: some keys have a data class, which an older Freehold would pass over
NAME_CHARS_MAX = 100
ALLOWED_MAX = 10_000  # answers remembered; callers choose the names, and memory must not follow them
PREFIX_BYTES = 8  # of a hash, enough to find it

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """What may be told of a key. Neither its text nor the hash of that is in here."""

    id: str
    name: str  # of the application that holds it
    created_ms: int
    aliases: tuple[str, ...] = ()  # globs of the aliases it may ask for; none: all
    expires_ms: int | None = None  # None: never
    revoked_ms: int | None = None  # None: it is in force
    data_class: str | None = None  # of everything that is sent with it, at least

    def state(self, now_ms: int) -> str:
        """Whether it is good: "in force", "revoked" or "expired"."""
        if self.revoked_ms is not None:
            return "revoked"
        return "expired" if self.expires_ms is not None and self.expires_ms <= now_ms else "in force"


NOBODY = (b"", Key("", "", 0))  # found where no key is


class _File(msgspec.Struct):
    """The whole of keys.json: each key under the sha256 of its text.

    A fast hash is right here. Slow ones protect passwords, which can be guessed; 256 random bits cannot.
    """

    keys: dict[str, Key]
    version: int = 1


class KeyStore:
    """The keys on disk, as the command line changes them. Any number of processes may do so at once."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    def create(
        self,
        name: str,
        aliases: tuple[str, ...] = (),
        expires_ms: int | None = None,
        data_class: str | None = None,
    ) -> tuple[Key, str]:
        """Make a key: what may be told of it, and its text, which cannot be had again."""
        if not name.isprintable() or not 0 < len(name) <= NAME_CHARS_MAX:
            raise BadRequest(f"an application's name is 1 to {NAME_CHARS_MAX} printable characters")
        secret = f"fh_{secrets.token_urlsafe(32)}"
        with self._changed() as keys:
            key = Key(
                f"key_{secrets.token_hex(4)}",
                name,
                clock.now_ms(),
                aliases,
                expires_ms,
                data_class=data_class,
            )
            keys[sha256(secret.encode()).hexdigest()] = key
        return key, secret

    def list(self) -> list[Key]:
        """All keys, revoked and expired ones too, oldest first."""
        return sorted(_read(self._path).values(), key=lambda key: (key.created_ms, key.id))

    def revoke(self, id_or_name: str) -> tuple[Key, ...]:
        """End a key, or all keys of an application; those that this call ended. Raises NotFound."""
        with self._changed() as keys:
            named = {hashed: key for hashed, key in keys.items() if id_or_name in (key.id, key.name)}
            if not named:
                raise NotFound(
                    f"no key has the id or name {id_or_name!r}", remedy="`freehold keys list` shows them."
                )
            ended = {
                hashed: replace(key, revoked_ms=clock.now_ms())
                for hashed, key in named.items()
                if key.revoked_ms is None
            }
            keys.update(ended)
        return tuple(ended.values())

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Key]]:
        """Read, let the caller change, and write, while no other process does the same."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = _read(self._path)
            yield keys
            _write(self._path, keys)
        finally:
            os.close(lock)


class KeyRing:
    """The keys in memory, as the gateway asks for them.

    A file that cannot be read at the start is an error; one that breaks or disappears later leaves the keys
    that were known in force. No state of the file turns a gateway that asks for keys into one that does not.
    """

    def __init__(self, path: Path) -> None:
        self.trouble = ""  # why the file's present state is not in force; "" when it is
        self._path = path
        self._seen = signature(path)
        self._keys = _by_prefix(_read(path))
        self._good = _good(self._keys)
        self._allowed: dict[tuple[str, str], bool] = {}

    @property
    def empty(self) -> bool:
        """Whether no key was ever made. Keys that were revoked or have expired keep the door shut."""
        return not self._keys

    def find(self, secret: bytes, now_ms: int) -> Key:
        """The key with this text. Raises MissingKey, InvalidKey, ExpiredKey.

        The first bytes of the hash find the entry, and the whole hash is compared in constant time.
        """
        if not secret:
            raise MissingKey("the request carries an empty key")
        digest = sha256(secret).digest()
        hashed, key = self._keys.get(digest[:PREFIX_BYTES], NOBODY)
        if not compare_digest(hashed, digest) or key.revoked_ms is not None:
            raise InvalidKey("the key is not known here, or was revoked")
        if key.expires_ms is not None and now_ms >= key.expires_ms:
            raise ExpiredKey(f"the key {key.id} has expired")
        return key

    def in_force(self, key: Key, now_ms: int) -> bool:
        """Whether a key that was found before is still good."""
        if key.expires_ms is not None and now_ms >= key.expires_ms:
            return False
        return key.id in self._good

    def allows(self, key: Key, alias: str) -> bool:
        """Whether a key may ask for an alias."""
        if not key.aliases:
            return True
        allowed = self._allowed.get((key.id, alias))
        if allowed is None:
            allowed = any(fnmatchcase(alias, glob) for glob in key.aliases)
            if len(self._allowed) < ALLOWED_MAX:
                self._allowed[key.id, alias] = allowed
        return allowed

    def refresh(self) -> None:
        """Take the file's present state if it changed. Never raises; see `trouble`."""
        seen = signature(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            keys = _by_prefix(_read(self._path))
            if self._keys and not keys:
                raise ConfigError("the keys are gone", file=str(self._path))
        except ConfigError as error:
            self.trouble = str(error)
            log.error("%s; the keys known before stay in force", error)
        else:
            self._keys, self._good, self.trouble = keys, _good(keys), ""
            self._allowed.clear()


def _by_prefix(keys: dict[str, Key]) -> dict[bytes, tuple[bytes, Key]]:
    digests = {bytes.fromhex(hashed): key for hashed, key in keys.items()}
    return {digest[:PREFIX_BYTES]: (digest, key) for digest, key in digests.items()}


def _good(keys: dict[bytes, tuple[bytes, Key]]) -> frozenset[str]:
    return frozenset(key.id for _, key in keys.values() if key.revoked_ms is None)


def _read(path: Path) -> dict[str, Key]:
    """The keys under their hashes; none if there is no file. Raises ConfigError."""
    remedy = "Restore it from a backup; or move it away, and create every application a new key."
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_File)
        if any(len(bytes.fromhex(hashed)) != 32 for hashed in content.keys):
            raise ValueError("a hash has the wrong length")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"the keys cannot be read: {why}", remedy=remedy, file=str(path)) from error
    if content.version > VERSION:
        raise ConfigError(
            f"the keys have version {content.version}, and this Freehold knows {VERSION}",
            remedy="Use the Freehold that wrote them, or a newer one.",
            file=str(path),
        )
    return content.keys


def _write(path: Path, keys: dict[str, Key]) -> None:
    """Replace the file in one step, and only when the new one is durable."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)  # left by a process that was killed here
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        version = VERSION if any(key.data_class is not None for key in keys.values()) else 1
        file.write(msgspec.json.format(msgspec.json.encode(_File(keys, version))))
        file.flush()
        os.fsync(descriptor)
    fresh.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
