"""Whether what a record is about is what an endpoint is: yes, no, or it cannot be told.

A selector is a name in which `*` stands for any text; upper and lower case are the same.
"""

from enum import Enum
from functools import lru_cache
from typing import NoReturn

_REMEMBERED = 65_536  # pairs of names; callers choose models' names, and memory must not follow them


class Match(Enum):
    """What comes of comparing a selector with a name."""

    YES, NO, MAYBE = "yes", "no", "maybe"  # maybe: the name is not known, or it is a pattern itself

    def __bool__(self) -> NoReturn:
        raise TypeError("compare a Match with `is`")


@lru_cache(_REMEMBERED)
def match(pattern: str, name: str) -> Match:
    """Whether `pattern` matches `name`. A `*` in the name is text that is not known yet."""
    pattern, name = pattern.casefold(), name.casefold()
    if _meets(pattern, name):  # a `*` of the name can only fall on one of the pattern
        return Match.YES
    return Match.MAYBE if "*" in name and _can_meet(pattern, name) else Match.NO


def precision(pattern: str) -> tuple[int, bool]:
    """How closely a pattern describes a name: its letters without `*`, then whether it leaves nothing open."""
    return len(pattern.replace("*", "")), "*" not in pattern


def _meets(pattern: str, name: str) -> bool:
    """Whether a name fits. A regular expression would try every way to share it out among many `*`."""
    first, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    last = middle.pop()
    at, end = len(first), len(name) - len(last)
    if at > end or not (name.startswith(first) and name.endswith(last)):
        return False
    for part in middle:
        if (found := name.find(part, at, end)) < 0:
            return False
        at = found + len(part)
    return True


def _can_meet(one: str, other: str) -> bool:
    """Whether some text fits both patterns: what stands between the first and the last `*` fits side by side."""
    if "*" not in one or "*" not in other:
        return _meets(one, other) or _meets(other, one)
    (begins, *_, ends), (also_begins, *_, also_ends) = one.split("*"), other.split("*")
    from_there = begins.startswith(also_begins) or also_begins.startswith(begins)
    return from_there and (ends.endswith(also_ends) or also_ends.endswith(ends))
