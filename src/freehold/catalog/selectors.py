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
    """Whether some text fits both patterns."""
    reached = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        at, to = waiting.pop()
        if at == len(one) and to == len(other):
            return True
        for step in _steps(one[at : at + 1], other[to : to + 1]):
            after = (at + step[0], to + step[1])
            if after not in reached:
                reached.add(after)
                waiting.append(after)
    return False


def _steps(one: str, other: str) -> list[tuple[int, int]]:
    """How far both patterns go on: a `*` ends, or swallows what stands in the other."""
    steps = []
    if one == "*":
        steps += [(1, 0)] + ([(0, 1)] if other else [])
    if other == "*":
        steps += [(0, 1)] + ([(1, 0)] if one else [])
    if one and one == other:
        steps.append((1, 1))
    return steps
