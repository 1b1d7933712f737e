"""What is said of a request before its body is read: how sensitive it is, what it is for, where its user is.

A caller can raise the class of its data, and never lower it. Nobody checks that what is said is true.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from freehold.config.schema import Application, Config
from freehold.config.shape import nearest
from freehold.gateway.client import OUR_HEADERS
from freehold.gateway.drill_order import TOKEN_HEADER
from freehold.gateway.keys import Key
from freehold.vocabulary.errors import BadRequest, ConfigError

CLASS, PURPOSE, REGION = b"x-freehold-data-class", b"x-freehold-purpose", b"x-freehold-user-region"
PROVENANCE = b"x-freehold-provenance"  # says nothing of the request, only what its answer is to hold
KNOWN = (CLASS, PURPOSE, REGION, PROVENANCE, TOKEN_HEADER.encode())
WORD_CHARS_SHOWN = 100
_PURPOSE = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?")
_REGION = re.compile(rb"[A-Za-z]{2}")
_ANY_APPLICATION = Application()


class Stated(NamedTuple):
    """What was said of a request; None: nobody did."""

    data_class: str | None
    purpose: str | None
    user_region: str | None


class Classes:
    """The configuration's data classes, and what its applications say of all their requests."""

    def __init__(self, config: Config) -> None:
        self._words = config.data_classes
        self._ranks = {word: rank for rank, word in enumerate(config.data_classes)}
        self._default = config.policy.default_class
        self._applications = config.applications
        self._stated: dict[tuple[str, str | None, bytes | None], Stated] = {}

    def stated(self, application: str, key_class: str | None, headers: Mapping[bytes, bytes]) -> Stated:
        """What is said of a request. Raises BadRequest for a header that says nothing known.

        One whose name is misspelt would else say nothing at all, and nobody would know.
        """
        for name in headers:
            if name.startswith(OUR_HEADERS) and name not in KNOWN:
                raise _unknown(name)
        word = headers.get(CLASS)
        kept = self._stated.get((application, key_class, word))
        if kept is None:
            kept = self._of(application, key_class, word)
            if word is None or word.decode("latin-1") in self._ranks:  # or callers could fill the memory
                self._stated[application, key_class, word] = kept
        if PURPOSE in headers:
            kept = kept._replace(purpose=_purpose(headers[PURPOSE]))
        if REGION in headers:
            kept = kept._replace(user_region=_region(headers[REGION]))
        return kept

    def _of(self, application: str, key_class: str | None, word: bytes | None) -> Stated:
        settings = self._applications.get(application, _ANY_APPLICATION)
        if key_class is not None and key_class not in self._ranks:
            key_class = self._words[-1]  # nobody knows any more how much it was: it may have been the most
        said = None if word is None else self._class(word)
        data_class = self._highest(settings.data_class, key_class, said) or self._default
        return Stated(data_class, settings.purpose, settings.user_region)

    def _highest(self, *words: str | None) -> str | None:
        said = [word for word in words if word is not None]
        return max(said, key=self._ranks.__getitem__, default=None)

    def _class(self, value: bytes) -> str:
        word = value.decode("latin-1").strip()
        if word in self._ranks:
            return word
        meant = nearest(word[:WORD_CHARS_SHOWN], self._ranks)
        raise BadRequest(
            f"`x-freehold-data-class`: no data class is called {word[:WORD_CHARS_SHOWN]!r}"
            + (f"; did you mean `{meant}`?" if meant else ""),
            remedy=f"Send one of {', '.join(self._words)}, the least sensitive first.",
        )


def key_problems(keys: Iterable[Key], words: Sequence[str]) -> Iterator[ConfigError]:
    """Keys in force whose data class is none of the configuration's any more."""
    for key in keys:
        if key.data_class is not None and key.data_class not in words and key.revoked_ms is None:
            yield ConfigError(
                f'the key {key.id} of `{key.name}` has the data class "{key.data_class}", which is not known',
                remedy=f"Until it is revoked, all that is sent with it counts as {words[-1]}.",
            )


def _unknown(name: bytes) -> BadRequest:
    word = name.decode("latin-1")[:WORD_CHARS_SHOWN]
    known = [one.decode() for one in KNOWN]
    meant = nearest(word, known)
    said = f"`{word}`: no header is called so" + (f"; did you mean `{meant}`?" if meant else "")
    return BadRequest(said, remedy=f"Send {', '.join(known)}, or none of them.")


def _purpose(value: bytes) -> str:
    if _PURPOSE.fullmatch(value) is None:
        raise BadRequest(
            "`x-freehold-purpose` is not 1 to 100 printable ASCII characters",
            remedy="Send a short word, like support or credit-scoring.",
        )
    return value.decode("ascii")


def _region(value: bytes) -> str:
    if _REGION.fullmatch(value) is None:
        raise BadRequest(
            "`x-freehold-user-region` is not a country's code",
            remedy="Send the two letters of ISO 3166-1, like DE or BR; EU for somewhere in the Union.",
        )
    return value.decode("ascii").upper()
