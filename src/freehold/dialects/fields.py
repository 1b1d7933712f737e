"""A JSON object being read: what is asked for is checked, and what nobody asked for is reported."""

import re
from collections.abc import Iterator
from typing import Annotated, Self, TypeVar

import msgspec
from msgspec import Meta

from freehold.vocabulary.errors import BadRequest, InvalidJSON, UnsupportedField

T = TypeVar("T")
EXACT_MAX = 1 << 53  # beyond it a whole number may have no float of its own, or none at all
Count = Annotated[
    int, Meta(ge=-EXACT_MAX, le=EXACT_MAX)
]  # one beyond is no count, and breaks what adds them up
_INDEX = re.compile(r"\[\d+\]")

_NAMES: dict[type, str] = {
    str: "str",
    bool: "bool",
    int: "int",
    float: "float",
    list: "array",
    dict: "object",
    type(None): "null",
}


class Fields:
    """One object of a request. Each `take` marks a field as read; `close` reports the rest.

    A null counts as a field that is not there: it is how SDKs write a default.
    """

    def __init__(self, value: object, path: str, lost: dict[str, None]) -> None:
        if not isinstance(value, dict):
            raise BadRequest(f"{_quoted(path)}: expected object, got {_NAMES[type(value)]}")
        self.path = path
        self._values: dict[str, object] = value
        self._unread = dict.fromkeys(key for key, held in value.items() if held is not None)
        self._lost = lost  # shared by all objects of one request; a dict keeps the order, and each path once

    def take(self, name: str, kind: type[T]) -> T | None:
        """The field's value, or None when it is not there. Raises BadRequest on another type."""
        self._unread.pop(name, None)
        value = self._values.get(name)
        if value is None or type(value) is kind:
            return value
        if kind is float and type(value) is int and abs(value) <= EXACT_MAX:
            return float(value)  # type: ignore[return-value]
        raise BadRequest(f"{_quoted(self.at(name))}: expected {_NAMES[kind]}, got {_NAMES[type(value)]}")

    def need(self, name: str, kind: type[T]) -> T:
        """The field's value. Raises BadRequest when it is not there."""
        value = self.take(name, kind)
        if value is None:
            raise BadRequest(f"{_quoted(self.at(name))}: required, but missing")
        return value

    def either(self, name: str, one: type[T], other: type[T]) -> T | None:
        """The field's value, which may have one of two types."""
        value = self._values.get(name)
        if value is None or type(value) in (one, other):
            self._unread.pop(name, None)
            return value  # type: ignore[return-value]
        raise BadRequest(
            f"{_quoted(self.at(name))}: expected {_NAMES[one]} or {_NAMES[other]}, got {_NAMES[type(value)]}"
        )

    def is_one_of(self, name: str, harmless: tuple[object, ...]) -> bool:
        """Whether a field is not there, or has one of the values that ask for nothing."""
        self._unread.pop(name, None)
        value = self._values.get(name)
        return value is None or value in harmless

    def object(self, name: str) -> Self | None:
        """The object in a field."""
        self._unread.pop(name, None)
        value = self._values.get(name)
        return None if value is None else type(self)(value, self.at(name), self._lost)

    def need_object(self, name: str) -> Self:
        """The object in a field. Raises BadRequest when it is not there."""
        held = self.object(name)
        if held is None:
            raise BadRequest(f"{_quoted(self.at(name))}: required, but missing")
        return held

    def objects(self, name: str) -> Iterator[Self]:
        """The objects in an array."""
        for index, item in enumerate(self.take(name, list) or ()):
            yield type(self)(item, f"{self.at(name)}[{index}]", self._lost)

    def strings(self, name: str) -> tuple[str, ...]:
        """The strings in an array."""
        items = self.take(name, list) or []
        for index, item in enumerate(items):
            if type(item) is not str:
                at = _quoted(f"{self.at(name)}[{index}]")
                raise BadRequest(f"{at}: expected str, got {_NAMES[type(item)]}")
        return tuple(items)

    def at(self, name: str) -> str:
        """A field's path."""
        return f"{self.path}.{name}" if self.path else name

    def lose(self, *names: str) -> None:
        """Report fields that could not be carried: once for all items of an array."""
        for name in names:
            self._lost[_INDEX.sub("[]", self.at(name))] = None

    def refuse(self, name: str, why: str) -> UnsupportedField:
        """The error for a field that changes the meaning and has no place in the other dialect."""
        return UnsupportedField(f"{_quoted(self.at(name))}: {why}")

    def unread(self) -> tuple[str, ...]:
        """The fields that nobody has asked for."""
        return tuple(self._unread)

    def close(self) -> None:
        """Everything of use has been read; whatever is left is lost."""
        self.lose(*self._unread)


def present(**said: object) -> dict[str, object]:
    """What an object says: its fields without those that have no value."""
    return {name: value for name, value in said.items() if value is not None}


def read_object(body: bytes, lost: dict[str, None]) -> Fields:
    """The top level of a request."""
    return Fields(read_json(body), "", lost)


def read_json(body: bytes) -> object:
    """What a body says. Raises InvalidJSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidJSON(f"the body is not JSON: {error}") from None


def _quoted(path: str) -> str:
    return f"`{path}`" if path else "the body"
