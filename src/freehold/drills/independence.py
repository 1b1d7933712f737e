"""On how many independent legs each alias stands under the enforced policy, and what one loss or two would leave.

What is not known of an endpoint never counts as independent of anything: not as one more leg, and not as a survivor.
Machines of this company have no other company behind them and count as one leg, "(own)". Each loss has two numbers:
what is still served for sure, and what would be at best, if all that is unknown turned out well.

The index of concentration and its inverse are those of `spreading`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from msgspec import Struct

from freehold.drills.scenario import Words
from freehold.drills.selecting import hit, value_of
from freehold.drills.spreading import GROUPINGS, grouped, index
from freehold.drills.traffic import Traffic
from freehold.drills.world import World
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Outcome
from freehold.vocabulary.facts import RequestFacts
from freehold.vocabulary.report import Interval

OWN = "(own)"
LEGS = ("parent", "cloud", "parent_jurisdiction", "weights_family")
LOSSES = ("parent", "cloud", "parent_jurisdiction")
# What can be lost at once. A provider is always known, also one whose parent is not.
POINTS = (*LOSSES, "weights_family", "weights_origin", "provider")
_ANYBODY = "(anybody)"  # an application that no configuration names
_OF_COMPANIES = ("provider", "parent", "cloud")


class Candidate(Struct, frozen=True):
    """An endpoint that may serve."""

    endpoint: str
    quality: Interval | None  # None: no bench has measured it


class Standing(Struct, frozen=True):
    """Who may serve an alias, for all requests that policy lets the same endpoints serve."""

    alias: str
    applications: tuple[str, ...]
    data_classes: tuple[str | None, ...]  # None: nobody said
    exchanges: int  # recorded ones
    candidates: tuple[Candidate, ...]  # in the order of preference
    known: dict[str, tuple[str, ...]]  # by what they can depend on: the distinct known values
    unknown: dict[str, int]  # of how many candidates it is not known
    retired: tuple[str, ...]  # allowed, and by their facts no longer served: they count for nothing
    elsewhere: Interval | None  # the best known quality without the first one's parent; None: not known

    @property
    def one_leg(self) -> bool:
        """Whether fewer than two known parents may serve it."""
        return len(self.known["parent"]) < 2


class Loss(Struct, frozen=True):
    """What is left after one or several values are gone. Shares are of recorded requests, or of cases without any."""

    by: str
    lost: tuple[str, ...]
    aliases: int  # for which all requests are still served, for sure
    aliases_at_best: int
    requests: float
    requests_at_best: float


class Spread(Struct, frozen=True):
    """How what is asked for is spread."""

    by: str
    hhi: float | None  # Herfindahl-Hirschman index, 0 to 1; None: there is nothing
    effective: float | None  # 1 / HHI
    shares: dict[str, float]


class Independence(Struct, frozen=True):
    """The whole picture."""

    policy: str | None
    facts: str  # digest
    exchanges: int  # recorded ones that it rests on; 0: the pools alone
    aliases: int  # that somebody may serve
    standings: tuple[Standing, ...]
    without_one: tuple[Loss, ...]  # the worst first, of each grouping
    without_two: tuple[Loss, ...]
    worst: Loss | None  # the single point that hurts most; None: there is none
    spreads: tuple[Spread, ...]


class _Case(NamedTuple):
    """A request as policy sees it, who is allowed and still there, and how often it was made."""

    request: RequestFacts
    allowed: tuple[str, ...]
    retired: tuple[str, ...]
    exchanges: int


def independence(
    world: World, qualities: Mapping[str, Interval], traffic: Traffic | None = None
) -> Independence:
    """Who depends on whom today. Without traffic, every alias is asked once for each application and data class."""
    cases = _cases(world, traffic)
    served = [one for one in cases if one.allowed]
    stakes = _stakes(served)
    ones = [loss for by in POINTS for loss in _losses(world, stakes, by, 1)]
    return Independence(
        world.rules.label,
        world.digest,
        sum(case.exchanges for case in cases),
        len({one.request.alias for one in served}),
        tuple(_standings(world, cases, qualities)),
        tuple(sorted((one for one in ones if one.by in LOSSES), key=_order)),
        tuple(sorted((loss for by in LOSSES for loss in _losses(world, stakes, by, 2)), key=_order)),
        min(ones, key=_hurt, default=None),
        tuple(_spreads(world, _asked(served, traffic))),
    )


def standings(
    world: World, qualities: Mapping[str, Interval], traffic: Traffic | None = None
) -> tuple[Standing, ...]:
    """Who may serve each alias; under a scenario, who of them is left."""
    return tuple(_standings(world, _cases(world, traffic), qualities))


def _standings(world: World, cases: Iterable[_Case], qualities: Mapping[str, Interval]) -> Iterable[Standing]:
    """The cases of each alias, put together where the same endpoints may serve them."""
    alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[_Case]] = defaultdict(list)
    for case in cases:
        alike[case.request.alias, case.allowed, case.retired].append(case)
    for (alias, allowed, retired), group in sorted(alike.items()):
        values = {by: [value(world, name, by) for name in allowed] for by in LEGS}
        requests = [case.request for case in group]
        yield Standing(
            alias,
            tuple(sorted({one.application for one in requests})),
            tuple(sorted({one.data_class for one in requests}, key=lambda one: one or "")),
            sum(case.exchanges for case in group),
            tuple(Candidate(name, qualities.get(name)) for name in allowed),
            {by: tuple(sorted({one for one in found if one is not None})) for by, found in values.items()},
            {by: found.count(None) for by, found in values.items()},
            retired,
            _elsewhere(allowed, values["parent"], qualities),
        )


def _elsewhere(
    allowed: Sequence[str], parents: Sequence[str | None], qualities: Mapping[str, Interval]
) -> Interval | None:
    if not allowed or parents[0] is None:
        return None
    others = [name for name, parent in zip(allowed, parents, strict=True) if parent not in (None, parents[0])]
    measured = [qualities[name] for name in others if name in qualities]
    return max(measured, key=lambda one: one.estimate, default=None)


def _cases(world: World, traffic: Traffic | None) -> list[_Case]:
    return _recorded(world, traffic) if traffic is not None and traffic.exchanges else _supposed(world)


def _recorded(world: World, traffic: Traffic) -> list[_Case]:
    counts: dict[tuple[RequestFacts, str], int] = defaultdict(int)
    for kind, group in traffic.groups.items():
        counts[kind.request, kind.dialect] += group.exchanges
    found = (_case(world, request, dialect, many) for (request, dialect), many in counts.items())
    return [one for one in found if one is not None]


def _supposed(world: World) -> list[_Case]:
    config, found = world.resolved.config, []
    for alias in world.resolved.aliases:
        for name, settings in {**config.applications, _ANYBODY: None}.items():
            least = settings.data_class if settings else None
            begins = config.data_classes.index(least) if least in config.data_classes else 0
            unsaid = least or config.policy.default_class
            for word in dict.fromkeys((unsaid, *config.data_classes[begins:])):
                purpose, region = (settings.purpose, settings.user_region) if settings else (None, None)
                request = RequestFacts(name, alias, word, purpose, region)
                cases = (_case(world, request, dialect, 0) for dialect in (Dialect.CHAT, Dialect.EMBEDDINGS))
                found += [next((one for one in cases if one is not None), _Case(request, (), (), 0))]
    return found


def _case(world: World, request: RequestFacts, dialect: str, exchanges: int) -> _Case | None:
    if (left := world.left(request, dialect)) is None:
        return None
    retired = tuple(name for name in left if _is_retired(world, name))
    return _Case(request, tuple(name for name in left if name not in retired), retired, exchanges)


def _is_retired(world: World, endpoint: str) -> bool:
    ends = value_of(world.facts(endpoint), "deprecated_on", world.now)
    return ends is not None and ends <= world.now.date()


def value(world: World, endpoint: str, by: str) -> str | None:
    """What an endpoint depends on; None: unknown. Nobody is behind machines of this company but itself."""
    facts = world.facts(endpoint)
    found = value_of(facts, by, world.now)
    if found is None and by in _OF_COMPANIES and value_of(facts, "own", world.now) is True:
        return OWN
    return None if found is None else str(found)


class _Stakes(NamedTuple):
    """What is at stake, by the endpoints of which any may serve it: many requests have the same."""

    requests: Mapping[frozenset[str], int]  # how many
    aliases: Mapping[str, frozenset[frozenset[str]]]

    def left(self, survivors: frozenset[str]) -> tuple[int, float]:
        """For how many aliases, and what share of the requests, somebody survives."""
        gone = {those for those in self.requests if those.isdisjoint(survivors)}
        total = sum(self.requests.values())
        share = (total - sum(self.requests[those] for those in gone)) / total if total else 0.0
        return sum(gone.isdisjoint(all_of) for all_of in self.aliases.values()), share


def _stakes(cases: Iterable[_Case]) -> _Stakes:
    requests: dict[frozenset[str], int] = defaultdict(int)
    aliases: dict[str, set[frozenset[str]]] = defaultdict(set)
    for case in cases:
        those = frozenset(case.allowed)
        requests[those] += case.exchanges or 1
        aliases[case.request.alias].add(those)
    return _Stakes(requests, {alias: frozenset(all_of) for alias, all_of in aliases.items()})


def _losses(world: World, stakes: _Stakes, by: str, many: int) -> Iterable[Loss]:
    """What is left after each loss of `many` values at once, of those that anybody who may serve is known to have."""
    endpoints = sorted(frozenset[str]().union(*stakes.requests))
    values = sorted({one for name in endpoints if (one := value(world, name, by)) not in (None, OWN)})
    hits = {one: {name: _hit(world, name, by, one) for name in endpoints} for one in values}
    sure = {one: frozenset(name for name in endpoints if hits[one][name] is False) for one in values}
    best = {one: frozenset(name for name in endpoints if hits[one][name] is not True) for one in values}
    for lost in combinations(values, many):
        (aliases, requests), (aliases_at_best, requests_at_best) = (
            stakes.left(frozenset.intersection(*(survive[one] for one in lost))) for survive in (sure, best)
        )
        yield Loss(by, lost, aliases, aliases_at_best, requests, requests_at_best)


def _hit(world: World, endpoint: str, by: str, value: str) -> bool | None:
    """Whether an endpoint is gone with a parent (and all that its cloud hosts), a cloud, a jurisdiction..."""
    words: Words = (("hosted_by" if by == "parent" else by, (value,)),)
    return hit(words, world.about(endpoint), world.now).holds


def _hurt(loss: Loss) -> tuple[float, int, float, int]:
    """What is known to be lost counts before what may be."""
    return loss.requests_at_best, loss.aliases_at_best, loss.requests, loss.aliases


def _order(loss: Loss) -> tuple[int, tuple[float, int, float, int], tuple[str, ...]]:
    return LOSSES.index(loss.by), _hurt(loss), loss.lost


def _asked(cases: Iterable[_Case], traffic: Traffic | None) -> Mapping[str, float]:
    """How much each endpoint answered; without traffic, each place in the order counts half of the one before."""
    found: dict[str, float] = defaultdict(float)
    if traffic is None or not traffic.exchanges:
        for case in cases:
            for place, name in enumerate(case.allowed):
                found[name] += 0.5**place
        return found
    for kind, group in traffic.groups.items():
        if kind.endpoint is not None and kind.outcome == Outcome.ANSWERED and not kind.cached:
            found[kind.endpoint] += group.exchanges
    return found


def _spreads(world: World, asked: Mapping[str, float]) -> Iterable[Spread]:
    for by in GROUPINGS:
        shares = grouped(asked, by, world)
        hhi = index(shares)
        yield Spread(by, hhi, None if hhi is None else 1 / hhi, shares)
