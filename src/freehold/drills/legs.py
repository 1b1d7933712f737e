"""On how many legs each alias stands: whom policy allows, who is left, and how many of them do not depend on another.

Counted for the worst of the requests that were made: an alias stands as firmly as its weakest request does. What is
not known of an endpoint is no leg of its own.
"""

from collections.abc import Iterable

from msgspec import Struct

from freehold.drills.independence import value
from freehold.drills.traffic import Traffic
from freehold.drills.world import World
from freehold.vocabulary.facts import RequestFacts

GROUPINGS = ("parent", "cloud", "entity_jurisdiction", "weights_family")

Asked = tuple[RequestFacts, str]  # a request, and the dialect that it is in


class Legs(Struct, frozen=True):
    """The fewest that could answer any request for one alias, as things are and under a scenario."""

    alias: str
    endpoints_before: int
    endpoints_after: int
    before: dict[str, int]  # by grouping
    after: dict[str, int]

    @property
    def firm(self) -> bool:
        """Whether two are left that do not belong to one company."""
        return self.endpoints_after > 1 and self.after["parent"] > 1


def legs(before: World, after: World, traffic: Traffic) -> tuple[Legs, ...]:
    """Of each alias that somebody asked for and somebody may serve, in the order of their names."""
    asked: dict[str, set[Asked]] = {}
    for kind in traffic.groups:
        asked.setdefault(kind.alias, set()).add((kind.request, kind.dialect))
    found = (_legs(alias, before, after, requests) for alias, requests in sorted(asked.items()))
    return tuple(one for one in found if one is not None)


def _legs(alias: str, before: World, after: World, requests: Iterable[Asked]) -> Legs | None:
    sides = [(one, after.left(*asked) or ()) for asked in requests if (one := before.left(*asked))]
    if not sides:
        return None
    return Legs(
        alias,
        min(len(one) for one, _ in sides),
        min(len(other) for _, other in sides),
        {name: min(_distinct(before, one, name) for one, _ in sides) for name in GROUPINGS},
        {name: min(_distinct(before, other, name) for _, other in sides) for name in GROUPINGS},
    )


def _distinct(world: World, endpoints: Iterable[str], name: str) -> int:
    """How many known values there are."""
    return len({value(world, one, name) for one in endpoints} - {None})
