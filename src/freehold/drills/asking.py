"""Who would be asked: routing's strategies as shares of many requests, where the gateway draws for each one.

Pure. A strategy is written as tiers: everybody of one tier is asked before anybody of the next, and within a tier in
proportion to the weights among those left. That is how the gateway draws without replacement.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from math import inf

from freehold.config.schema import Price, Strategy
from freehold.routing.plan import Lane
from freehold.routing.strategy import cheapest

Shares = dict[str, float]  # by endpoint
Tiers = tuple[tuple[tuple[str, float], ...], ...]  # endpoints with their weights

_ALIKE = 1.0
_ROUNDING = 1e-12


def tiers(lane: Lane, prices: Mapping[str, Price], seconds: Callable[[str], float | None]) -> Tiers:
    """In which order a lane's endpoints are asked. `seconds`: until an endpoint's answer begins; None: unknown.

    Policy's preference comes first, the strategy among those that policy likes alike.
    """
    strategy = lane.settings.strategy
    if strategy is Strategy.ORDERED:
        return tuple(((one.id, _ALIKE),) for one in lane.pool)  # the pool is in policy's order already
    weights = dict(zip((one.id for one in lane.pool), lane.weights, strict=False))
    found: list[tuple[tuple[str, float], ...]] = []
    for liked in _by_preference(lane):
        if strategy is Strategy.WEIGHTED:
            found.append(tuple((name, weights[name]) for name in liked))
        elif strategy is Strategy.LEAST_BUSY:
            found.append(tuple((name, _ALIKE) for name in liked))
        elif strategy is Strategy.CHEAPEST:
            order = cheapest(tuple(one for one in lane.pool if one.id in liked), prices)
            found += [((one.id, _ALIKE),) for one in order]
        else:
            found += [((name, _ALIKE),) for name in sorted(liked, key=lambda name: _known(seconds(name)))]
    return tuple(found)


def asked(order: Tiers, without: Collection[str] = ()) -> Shares:
    """Who is asked first, but for some that were tried already; nobody's share where nobody is left."""
    for tier in order:
        left = [(name, weight) for name, weight in tier if name not in without]
        if left:
            total = sum(weight for _, weight in left)
            return {name: weight / total for name, weight in left}
    return {}


def moved(endpoint: str, before: Shares, after: Shares, *, there: bool) -> Shares:
    """Who answers what an endpoint was recorded with, if who is asked first changes from `before` to `after`.

    As much as can be stays where it is: what the change does not touch goes on as it was recorded. What has to move
    goes to whoever gains, in proportion. Thorisson, Coupling, Stationarity, and Regeneration (2000), section 1.4:
    of all pairs of draws with these two distributions, the one that differs least often. `there`: whether the
    endpoint may still be asked at all.
    """
    had, has = before.get(endpoint, 0.0), after.get(endpoint, 0.0)
    stays = 0.0 if not there else min(1.0, has / had) if had else 1.0
    gains = {name: share - before.get(name, 0.0) for name, share in after.items() if name != endpoint}
    gains = {name: gain for name, gain in gains.items() if gain > _ROUNDING}
    gained = sum(gains.values())
    if not gains:
        return {endpoint: 1.0} if there else dict(after)
    if stays >= 1.0:
        return {endpoint: 1.0}
    found = {name: (1.0 - stays) * gain / gained for name, gain in gains.items()}
    return {endpoint: stays, **found} if stays else found


def heeded(
    order: Tiers, shares: Shares, refuses: Mapping[str, float], *, elsewhere: bool
) -> tuple[Shares, float]:
    """The same where some endpoints' models decline a share of what they are asked: who answers, and what nobody does.

    `elsewhere`: whether a prompt that was declined may go to whoever is next.
    """
    answered: Shares = {}
    declined = 0.0
    waiting = [(name, share, frozenset[str]()) for name, share in shares.items()]
    while waiting:
        name, share, tried = waiting.pop()
        no = share * refuses.get(name, 0.0)
        if share > no:
            answered[name] = answered.get(name, 0.0) + share - no
        if not no:
            continue
        tried |= {name}
        others = asked(order, tried) if elsewhere else {}
        waiting += [(other, no * part, tried) for other, part in others.items()]
        declined += 0.0 if others else no
    return answered, declined


def _by_preference(lane: Lane) -> Sequence[Collection[str]]:
    """The lane's endpoints in groups that policy likes alike, the most liked first."""
    if not lane.scores:
        return [[one.id for one in lane.pool]]
    order = sorted((one.id for one in lane.pool), key=lambda name: lane.scores[name], reverse=True)
    return [list(group) for _, group in groupby(order, key=lambda name: lane.scores[name])]


def _known(seconds: float | None) -> float:
    return inf if seconds is None else seconds
