"""Rows added up: shares, cost, latency and quality of an application's requests for an alias.

The change in quality is a sum of endpoints' scores, each times the share that it gains or loses; scores are taken to
be independent. Its interval is that of G. Y. Zou, J. Huang, X. Zhang, A note on confidence interval estimation for a
linear function of binomial proportions (2009), which does not need them to be symmetric.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from math import sqrt

from freehold.drills.asking import Shares
from freehold.drills.deciding import Row
from freehold.drills.simulation import Line
from freehold.drills.timing import Timing
from freehold.drills.traffic import Group, Kind
from freehold.drills.world import World
from freehold.gateway.cost import Rates, cost_usd, terms
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Usage
from freehold.vocabulary.report import Interval

MEMORY = "(memory)"


class Scales:
    """What is known of endpoints that a sum needs: prices, times and scores, before and under a scenario."""

    def __init__(
        self, before: World, after: World, timings: Mapping[str, Timing], qualities: Mapping[str, Interval]
    ) -> None:
        self._before, self._after = before, after
        self._timings, self._qualities = timings, qualities
        self._rates: dict[tuple[str, bool], Rates] = {}
        self._scores: dict[str, str | None] = {}

    def rates(self, endpoint: str, *, after: bool = True) -> Rates:
        """What an endpoint charges."""
        key = endpoint, after
        if key not in self._rates:
            world = self._after if after else self._before
            self._rates[key] = terms(world.facts(endpoint), _ms(world.now)).rates
        return self._rates[key]

    def latency(self, endpoint: str) -> float:
        """How many times longer it takes than before."""
        return self._after.change(endpoint).latency or 1.0

    def took_ms(self, endpoint: str, group: Group) -> float | None:
        """How long answers like these take it under the scenario; None: nobody has ever seen it answer."""
        timing = self._timings.get(endpoint)
        return None if timing is None else timing.took_ms(group) * self.latency(endpoint)

    def replaced(self, endpoint: str) -> str | None:
        """The model that answers under an endpoint's name."""
        return self._after.change(endpoint).replaced_by

    def measured(self, endpoint: str, *, after: bool) -> str | None:
        """Whose score says how well an endpoint does; None: nobody's."""
        other = self.replaced(endpoint) if after else None
        if other is None:
            return endpoint if endpoint in self._qualities else None
        if endpoint not in self._scores:
            names = (
                f"{endpoint.partition('/')[0]}/{other}",
                *(one for one in self._qualities if one.partition("/")[2] == other),
            )
            self._scores[endpoint] = next((one for one in names if one in self._qualities), None)
        return self._scores[endpoint]

    def score(self, measured: str) -> Interval:
        """How well an endpoint did where it was measured, from 0 to 1."""
        return self._qualities[measured]


class Known:
    """A mean or a sum over exchanges, and for how many of them it is known."""

    __slots__ = ("known", "total", "unknown")

    def __init__(self) -> None:
        self.total = self.known = self.unknown = 0.0

    def add(self, total: float, known: float, unknown: float = 0.0) -> None:
        """More of them."""
        self.total += total
        self.known += known
        self.unknown += unknown

    def absorb(self, other: "Known") -> None:
        """All of another's."""
        self.add(other.total, other.known, other.unknown)

    @property
    def sum(self) -> float | None:
        """What is known of it; None: nothing is."""
        return self.total if self.known else None

    @property
    def mean(self) -> float | None:
        """Of those of which it is known."""
        return self.total / self.known if self.known else None


class Sums:
    """The rows of one line, added up."""

    def __init__(self, scales: Scales) -> None:
        self._scales = scales
        self.exchanges = 0
        self._before, self._after, self._refused = (defaultdict[str, float](float) for _ in range(3))
        self._lost = self._limited = self._failed = 0.0
        self._cost_before, self._cost_after = Known(), Known()
        self._took_before, self._took_after = Known(), Known()
        self._gains: dict[str, float] = defaultdict(float)  # exchanges, by whose score counts for them
        self._compared = self._moved = self._unmeasured = 0.0

    def add(self, row: Row) -> None:
        """One more kind."""
        count = row.group.exchanges
        self.exchanges += count
        if row.was_served:
            self._before[_answerer(row.kind)] += count
            self._count_before(row)
        for rule, share in row.refused.items():
            self._refused[rule] += share * count
        self._lost += row.lost * count
        self._limited += row.limited * count
        self._failed += row.failed * count
        if row.memory:
            self._after[MEMORY] += row.memory * count
            self._cost_after.add(0.0, row.memory * count)
            self._took_after.add(row.group.took_us / 1000, row.group.timed, count - row.group.timed)
            self._compared += row.memory * count
        for endpoint, share in row.who.items():
            self._after[endpoint] += share * count
            self._count_after(row, endpoint, share)

    def absorb(self, other: "Sums") -> None:
        """All of another's."""
        self.exchanges += other.exchanges
        for mine, others in zip(self._by_name(), other._by_name(), strict=True):
            for name, count in others.items():
                mine[name] += count
        for own, more in zip(self._known(), other._known(), strict=True):
            own.absorb(more)
        for key, gain in other._gains.items():
            self._gains[key] += gain
        self._lost += other._lost
        self._limited += other._limited
        self._failed += other._failed
        self._compared += other._compared
        self._moved += other._moved
        self._unmeasured += other._unmeasured

    def line(self, application: str, alias: str) -> Line:
        """What they come to."""
        count = max(1, self.exchanges)
        was_served, served = sum(self._before.values()), sum(self._after.values())
        return Line(
            application,
            alias,
            self.exchanges,
            _whole(was_served / count),
            _whole(served / count),
            _shares(self._before, count),
            _shares(self._after, count),
            _shares(self._refused, count),
            _whole(self._lost / count),
            _whole(self._limited / count),
            self._cost_before.sum if was_served else 0.0,
            self._cost_after.sum if served else 0.0,
            _part(self._cost_after.unknown, served),
            self._took_before.mean,
            self._took_after.mean,
            self._quality(),
            _whole(self._unmeasured / count),
            _whole(self._failed / count),
            _part(self._took_after.unknown, served),
            _part(self._cost_before.unknown, was_served),
            _part(self._took_before.unknown, was_served),
        )

    def _by_name(self) -> tuple[dict[str, float], ...]:
        return self._before, self._after, self._refused

    def _known(self) -> tuple[Known, ...]:
        return self._cost_before, self._cost_after, self._took_before, self._took_after

    def _count_before(self, row: Row) -> None:
        kind, group = row.kind, row.group
        if kind.cached:
            self._cost_before.add(0.0, group.exchanges)
        else:
            self._cost_before.add(group.cost_usd, group.priced, group.exchanges - group.priced)
        self._took_before.add(group.took_us / 1000, group.timed, group.exchanges - group.timed)

    def _count_after(self, row: Row, endpoint: str, share: float) -> None:
        group, stays = row.group, endpoint == row.kind.endpoint
        usd, priced = self._cost(row, endpoint, stays=stays)
        self._cost_after.add(usd * share, priced * share, (group.exchanges - priced) * share)
        if stays and group.timed:
            took = group.took_us / 1000 * self._scales.latency(endpoint)
            self._took_after.add(took * share, group.timed * share, (group.exchanges - group.timed) * share)
        elif (took_ms := self._scales.took_ms(endpoint, group)) is not None:
            self._took_after.add(took_ms * share * group.exchanges, share * group.exchanges)
        else:
            self._took_after.add(0.0, 0.0, share * group.exchanges)
        self._compare(row, endpoint, share * group.exchanges)

    def _cost(self, row: Row, endpoint: str, *, stays: bool) -> tuple[float, int]:
        """What a kind costs at an endpoint, and of how many exchanges that is known."""
        kind, group, rates = row.kind, row.group, self._scales.rates(endpoint)
        if stays and group.priced and rates == self._scales.rates(endpoint, after=False):
            return group.cost_usd, group.priced
        usage = Usage(group.input_tokens, group.output_tokens) if group.counted else None
        usd = cost_usd(rates, usage, Dialect(kind.dialect))
        return (0.0, 0) if usd is None else (usd, group.counted)

    def _compare(self, row: Row, after: str, count: float) -> None:
        """Scores before and after; the same where the same model answers, measured or not."""
        before = row.kind.endpoint
        if before is None or not row.was_served:
            return
        if before == after and self._scales.replaced(after) is None:
            self._compared += count
            return
        was, is_now = self._scales.measured(before, after=False), self._scales.measured(after, after=True)
        self._moved += count
        if was is None or is_now is None:
            self._unmeasured += count
            return
        self._compared += count
        self._gains[was] -= count
        self._gains[is_now] += count

    def _quality(self) -> Interval | None:
        """The mean change of what can be compared; None: nothing can, or nothing of what moved."""
        if not self._compared or (self._moved and not self._gains):
            return None
        estimate = below = above = 0.0
        for name, count in self._gains.items():
            score, weight = self._scales.score(name), count / self._compared
            low, high = sorted((weight * score.low, weight * score.high))
            middle = weight * score.estimate
            estimate += middle
            below += (middle - low) ** 2
            above += (high - middle) ** 2
        return Interval(estimate, estimate - sqrt(below), estimate + sqrt(above))


def _answerer(kind: Kind) -> str:
    return MEMORY if kind.cached else str(kind.endpoint)


def _whole(share: float) -> float:
    """Without what adding up in floating point leaves over."""
    return min(1.0, max(0.0, round(share, 12)))


def _part(some: float, of_all: float) -> float:
    return _whole(some / of_all) if of_all else 0.0


def _shares(counts: Mapping[str, float], total: float) -> Shares:
    found = {name: _whole(count / total) for name, count in counts.items()}
    return {name: found[name] for name in sorted(found, key=lambda name: (-found[name], name)) if found[name]}


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
