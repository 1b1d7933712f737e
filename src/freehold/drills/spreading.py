"""How what is answered is spread over providers, owners, places and families of weights.

The index is the sum of the squares of all shares: O. C. Herfindahl, Concentration in the Steel Industry (1950). Its
inverse is the effective number: as many groups of equal size would have the same index. Everybody whose group is
unknown is taken to be in one and the same group, which can only make the index higher.
"""

from collections import defaultdict
from collections.abc import Mapping

from freehold.drills.asking import Shares
from freehold.drills.simulation import Concentration, Line
from freehold.drills.summing import MEMORY
from freehold.drills.world import World

GROUPINGS = (
    "provider",
    "parent",
    "cloud",
    "inference_region",
    "entity_jurisdiction",
    "weights_origin",
    "weights_family",
)
UNKNOWN = "(unknown)"


def concentrations(total: Line, before: World, after: World) -> tuple[Concentration, ...]:
    """The spread by endpoint, and by each grouping, of what is answered by somebody."""
    found = [_concentration("endpoint", _answered(total.by_before), _answered(total.by_after))]
    for by in GROUPINGS:
        shares = grouped(total.by_before, by, before), grouped(total.by_after, by, after)
        found.append(_concentration(by, *shares))
    return tuple(found)


def grouped(shares: Mapping[str, float], by: str, world: World) -> Shares:
    """Shares by a fact of the endpoints, in place of the endpoints; they add up to one, or are none."""
    found: dict[str, float] = defaultdict(float)
    for endpoint, share in _answered(shares).items():
        fact = world.facts(endpoint).get(by)
        value = None if fact is None else fact.at(world.now)
        found[UNKNOWN if value is None else _text(value)] += share
    return {name: round(found[name], 12) for name in sorted(found, key=lambda name: (-found[name], name))}


def index(shares: Mapping[str, float]) -> float | None:
    """Herfindahl and Hirschman's; None: nobody answered."""
    return sum(share * share for share in shares.values()) if shares else None


def _concentration(by: str, before: Shares, after: Shares) -> Concentration:
    was, now = index(before), index(after)
    return Concentration(by, was, now, _inverse(was), _inverse(now), before, after)


def _inverse(found: float | None) -> float | None:
    return None if found is None else 1 / found


def _answered(shares: Mapping[str, float]) -> Shares:
    """Of what somebody answered; what was kept in memory went to nobody."""
    total = sum(share for name, share in shares.items() if name != MEMORY)
    return {name: share / total for name, share in shares.items() if name != MEMORY} if total else {}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
