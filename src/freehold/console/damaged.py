"""Lists that one damaged file does not make unreadable."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from freehold.vocabulary.errors import FreeholdError

T = TypeVar("T")
Line = TypeVar("Line")


def readable(of: Iterable[T], read: Callable[[T], Line]) -> tuple[list[Line], list[FreeholdError]]:
    """What can be read, and what is wrong with the others."""
    lines, damaged = list[Line](), list[FreeholdError]()
    for one in of:
        try:
            lines.append(read(one))
        except FreeholdError as error:
            damaged.append(error)
    return lines, damaged
