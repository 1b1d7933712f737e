"""A scenario: what is lost or changes, from when, and for how long.

A selector is a set of words that must all hold of an endpoint. A word is a fact of the registry, or one of:
`endpoint` (its id), `hosted_by` (its parent, its cloud, or whose cloud that is), `jurisdiction` (of entity, parent,
storage or inference), `retires_within_days`. Each has one text or several, of which one must fit; `*` stands for
anything. `@most-used` and `@second-most-used` stand for the values that most of the traffic went to.
"""

from datetime import date
from enum import StrEnum

from msgspec import Struct

CHEAPEST = "@cheapest"  # in place of a model: the cheapest of the same provider that is in use
Words = tuple[tuple[str, tuple[str, ...]], ...]  # by name


class Way(StrEnum):
    """How a lost endpoint shows that it is gone."""

    UNREACHABLE = "unreachable"  # no connection
    TIMEOUT = "timeout"  # a connection, and then nothing
    UNAVAILABLE = "unavailable"  # status 503
    FORBIDDEN = "forbidden"  # status 403: the account or the country is shut out
    GONE = "gone"  # status 404: no such model


class Loss(Struct, frozen=True):
    """Endpoints that are gone."""

    where: Words
    way: Way = Way.UNREACHABLE


class Change(Struct, frozen=True):
    """Endpoints that are still there, and no longer what they were. None: as before."""

    where: Words
    price: float | None = None  # times what it was
    latency: float | None = None  # times what it was
    limits: float | None = None  # known rate limits, times what they were
    retention_days: float | None = None  # inf: without limit
    deprecated_on: date | None = None
    replaced_by: str | None = None  # the model that answers under the old name, as its provider knows it
    refuses: str | None = None  # prompts with this word, in any case, are refused
    refuses_share: float | None = None  # this share of all prompts is refused, where no bodies are to be had


class Scenario(Struct, frozen=True):
    """One what-if."""

    name: str  # of its file, without the ending
    title: str
    why: str  # what has happened, or could
    lost: tuple[Loss, ...] = ()
    changed: tuple[Change, ...] = ()
    begins: date | None = None  # None: at once
    days: float | None = None  # None: for good
    retest_days: int = 365  # a drill of it is out of date after this
    source: str = ""  # the text of the file, as it was read
