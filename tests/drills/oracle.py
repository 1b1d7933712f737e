"""Simulations worked out once more, slowly: exchange by exchange and minute by minute, with nothing put together.

The gateway's own code decides (`Aliases`, `Snapshot`), over a configuration and facts that are changed here by hand.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from freehold.catalog.knowledge import Knowledge
from freehold.catalog.subjects import Subject
from freehold.config.schema import Application, Limit, Price, Strategy
from freehold.drills.world import World
from freehold.gateway.aliases import Aliases
from freehold.gateway.rulebook import Rulebook
from freehold.gateway.snapshot import Ruling, Snapshot
from freehold.routing.plan import Lane
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import NoEligibleEndpoint, NoEndpointSpeaks, UnknownModel
from freehold.vocabulary.exchange import Exchange, Outcome
from freehold.vocabulary.facts import Fact, Facts
from freehold.vocabulary.report import Interval

Shares = dict[str, float]
MEMORY, AS_RECORDED = "(memory)", "(as recorded)"


class What(Struct, frozen=True):
    """What happens: losses by one fact, and changes of some endpoints."""

    lost: tuple[tuple[str, str], ...] = ()  # name of a fact, or "endpoint", and its value
    changed: frozenset[str] = frozenset()
    price: float = 1.0
    latency: float = 1.0
    limits: float | None = None
    retention_days: float | None = None


class Fate(Struct):
    """What becomes of one exchange."""

    exchange: Exchange
    who: Shares = {}
    refused: str | None = None
    lost: float = 0.0
    limited: float = 0.0
    failed: float = 0.0


class Told(Struct):
    """What it all comes to, in exchanges, dollars and milliseconds."""

    exchanges: int = 0
    before: Shares = {}
    after: Shares = {}
    refused: Shares = {}
    lost: float = 0.0
    limited: float = 0.0
    failed: float = 0.0
    usd: float = 0.0
    unpriced: float = 0.0
    ms: float = 0.0
    timed: float = 0.0
    moved: float = 0.0
    unmeasured: float = 0.0
    compared: float = 0.0
    gains: Shares = {}


class _Then(Knowledge):
    """What is known, with other prices and terms of some endpoints."""

    def __init__(self, under: Knowledge, what: What) -> None:
        self.records, self.digest = under.records, "then"
        self._under, self._what = under, what

    def facts(self, subject: Subject) -> Facts:
        facts = dict(self._under.facts(subject))
        if f"{subject.provider}/{subject.model}" not in self._what.changed:
            return facts
        for name in ("input_usd_per_mtok", "output_usd_per_mtok"):
            if name in facts and isinstance(facts[name].value, int | float):
                facts[name] = replace(facts[name], value=facts[name].value * self._what.price)  # type: ignore[operator]
        if self._what.retention_days is not None:
            old = next(iter(facts.values()))
            facts["retention_days"] = Fact(
                "retention_days", self._what.retention_days, old.basis, "a test", old.read
            )
        return facts


class Oracle:
    """Both sides of a scenario."""

    def __init__(self, world: World, what: What) -> None:
        self.world, self.what = world, what
        self.spilled = False  # whether anybody found no room
        self.resolved, rules = world.resolved, world.rules
        self.aliases = Aliases(self.resolved)
        then = Rulebook(_Then(rules.knowledge, what), rules.enforced, ())
        config = self.resolved.config
        dearer = {
            name: Price(one.input * what.price, one.output * what.price) if name in what.changed else one
            for name, one in config.prices.items()
        }
        under = dataclasses.replace(self.resolved, config=replace(config, prices=dearer))
        self.before = Snapshot(Rulebook(rules.knowledge, rules.enforced, ()), self.resolved, world.now)
        self.after = Snapshot(then, under, world.now)

    def is_lost(self, endpoint: str) -> bool:
        facts = self.world.facts(endpoint)
        for name, value in self.what.lost:
            known = endpoint if name == "endpoint" else _value(facts, name, self.world)
            own = _value(facts, "own", self.world) is True and name in ("parent", "cloud", "provider")
            if known == value or (known is None and not own):
                return True
        return False

    def fates(self, exchanges: Sequence[Exchange]) -> list[Fate]:
        found = [fate for one in exchanges if counts(one) and (fate := self._fate(one)) is not None]
        by_minute: dict[int, list[Fate]] = defaultdict(list)
        for fate in found:
            by_minute[fate.exchange.at_ms // 60_000].append(fate)
        for there in by_minute.values():
            self._let_in(there)
        return found

    def _fate(self, one: Exchange) -> Fate | None:
        sides = [self._ruling(snapshot, one) for snapshot in (self.before, self.after)]
        if sides[0] is None or sides[1] is None:
            return None
        fate, allowed = Fate(one), sides[1].allowed
        left = [name for name in _names(sides[1]) if not self.is_lost(name)]
        if not allowed:
            fate.refused = "rule"
        elif not left:
            fate.lost = 1.0
        elif not served(one) and one.outcome is not Outcome.REJECTED:
            fate.failed = 1.0
        elif not served(one) and sides[0].allowed:
            fate.refused = AS_RECORDED
        elif one.cached:
            fate.who = {MEMORY: 1.0}
        else:
            now = self._first(sides[1], left, self.what.price)
            then = self._first(sides[0], _names(sides[0]), 1.0)
            fate.who = _moved(str(one.endpoint), then, now, left) if served(one) else now
        return fate

    def _ruling(self, snapshot: Snapshot, one: Exchange) -> Ruling | None:
        try:
            lane = self.aliases.lane(one.alias, Dialect(one.dialect))
        except (UnknownModel, NoEndpointSpeaks):
            return None
        return snapshot.ruled(one.request, lane)

    def _first(self, ruling: Ruling, left: Sequence[str], times: float) -> Shares:
        """Who of those that are left is asked first."""
        if not left or ruling.lane is None:
            return {}
        lane: Lane = ruling.lane
        if lane.settings.strategy is Strategy.WEIGHTED:
            weights = {e.id: w for e, w in zip(lane.pool, lane.weights, strict=True) if e.id in left}
            return {name: weight / sum(weights.values()) for name, weight in weights.items()}
        if lane.settings.strategy is Strategy.CHEAPEST:
            return {min(left, key=lambda name: self._usd(name, times)): 1.0}
        return {left[0]: 1.0}

    def _usd(self, name: str, times: float) -> float:
        price: Price | None = self.resolved.config.prices.get(name)
        factor = times if name in self.what.changed else 1.0
        return float("inf") if price is None else (3 * price.input + price.output) * factor

    def _let_in(self, fates: Sequence[Fate]) -> None:
        """One minute: who finds no room goes to the next, priorities first, in proportion within each."""
        was = defaultdict[str, int](int)
        for fate in fates:
            if served(fate.exchange) and not fate.exchange.cached:
                was[str(fate.exchange.endpoint)] += 1
        load, given = defaultdict[str, float](float), [defaultdict[str, float](float) for _ in fates]
        wants = [
            (at, name, share, {name})
            for at, fate in enumerate(fates)
            for name, share in fate.who.items()
            if name != MEMORY
        ]
        while wants:
            further = []
            for name in {want[1] for want in wants}:
                here = [want for want in wants if want[1] == name]
                for priority in sorted({self._priority(fates[at]) for at, *_ in here}, reverse=True):
                    alike = [want for want in here if self._priority(fates[want[0]]) == priority]
                    asked = sum(share for _, _, share, _ in alike)
                    part = min(1.0, max(0.0, self._room(name, was[name]) - load[name]) / asked)
                    load[name] += part * asked
                    for at, _, share, tried in alike:
                        given[at][name] += share * part
                        if part < 1:
                            further.append((at, share * (1 - part), tried))
            self.spilled = self.spilled or bool(further)
            wants = []
            for at, share, tried in further:
                ruling = self._ruling(self.after, fates[at].exchange)
                assert ruling is not None
                left = [n for n in _names(ruling) if not self.is_lost(n) and n not in tried]
                others = self._first(ruling, left, self.what.price)
                fates[at].limited += 0.0 if others else share
                wants += [(at, name, share * part, tried | {name}) for name, part in others.items()]
        for fate, who in zip(fates, given, strict=True):
            if MEMORY not in fate.who:
                fate.who = {name: share for name, share in who.items() if share}

    def _room(self, name: str, was: int) -> float:
        limit = self.resolved.config.limits.get(name, Limit()).requests_per_minute
        if limit is None:
            return float("inf")
        if name in self.what.changed and self.what.limits is not None:
            return max(1, int(limit * self.what.limits))
        return max(limit, was)

    def _priority(self, fate: Fate) -> int:
        none = Application()
        return self.resolved.config.applications.get(fate.exchange.application, none).priority

    def told(
        self, exchanges: Sequence[Exchange], qualities: Mapping[str, Interval]
    ) -> dict[tuple[str, str], Told]:
        """By application and alias; under two empty names, all."""
        found = self.fates(exchanges)
        took = defaultdict[str, list[float]](list)
        for one in exchanges:
            if counts(one) and one.outcome is Outcome.ANSWERED and not one.cached:
                took[str(one.endpoint)].append(one.took_us / 1000)
        told: dict[tuple[str, str], Told] = defaultdict(
            lambda: Told(before=_zero(), after=_zero(), refused=_zero(), gains=_zero())
        )
        for fate in found:
            for key in ((fate.exchange.application, fate.exchange.alias), ("", "")):
                self._add(told[key], fate, took, qualities)
        return told

    def _add(
        self, to: Told, fate: Fate, took: Mapping[str, list[float]], qualities: Mapping[str, Interval]
    ) -> None:
        one = fate.exchange
        to.exchanges += 1
        if served(one):
            to.before[MEMORY if one.cached else str(one.endpoint)] += 1
        if fate.refused is not None:
            to.refused[fate.refused] += 1
        to.lost, to.failed, to.limited = (
            to.lost + fate.lost,
            to.failed + fate.failed,
            to.limited + fate.limited,
        )
        for name, share in fate.who.items():
            to.after[name] += share
            usd, ms = self._usd_of(one, name), self._ms(one, name, took)
            to.usd, to.unpriced = to.usd + share * (usd or 0.0), to.unpriced + (share if usd is None else 0)
            to.ms, to.timed = to.ms + share * (ms or 0.0), to.timed + (0 if ms is None else share)
            if not served(one):
                continue
            if name in (MEMORY, one.endpoint):
                to.compared += share
                continue
            to.moved += share
            if name in qualities and one.endpoint in qualities:
                to.compared += share
                to.gains[name] += share
                to.gains[str(one.endpoint)] -= share
            else:
                to.unmeasured += share

    def _usd_of(self, one: Exchange, name: str) -> float | None:
        if name == MEMORY:
            return 0.0
        changes = name in self.what.changed and self.what.price != 1
        if name == one.endpoint and not changes and one.cost_usd is not None:
            return one.cost_usd
        usage = None if one.served is None else one.served.usage
        facts = self.after.facts_of(self._endpoint(name)).facts
        read, written = (
            _value(facts, word, self.world) for word in ("input_usd_per_mtok", "output_usd_per_mtok")
        )
        if usage is None or usage.input_tokens is None or read is None or written is None:
            return None
        return float((usage.input_tokens * read + (usage.output_tokens or 0) * written) / 1e6)

    def _endpoint(self, name: str) -> Any:
        found = self.world.resolved.endpoint(name)
        assert found is not None
        return found

    def _ms(self, one: Exchange, name: str, took: Mapping[str, list[float]]) -> float | None:
        times = self.what.latency if name in self.what.changed else 1.0
        if name == MEMORY:
            return one.took_us / 1000
        if name == one.endpoint and one.outcome is Outcome.ANSWERED:
            return one.took_us / 1000 * times
        return sum(took[name]) / len(took[name]) * times if took.get(name) else None


def counts(one: Exchange) -> bool:
    """Whether an application asked, and policy was."""
    turned_down = one.outcome is Outcome.REJECTED and one.code != NoEligibleEndpoint.code
    return one.node.startswith("node-") and one.drill is None and not turned_down


def served(one: Exchange) -> bool:
    """Whether somebody answered, if only with a no."""
    took = (Outcome.ANSWERED, Outcome.DECLINED, Outcome.ABANDONED)
    return one.endpoint is not None and one.outcome in took


def _moved(endpoint: str, then: Shares, now: Shares, left: Sequence[str]) -> Shares:
    """Nobody moves who need not; who has to goes to those who gain, as much as they do."""
    gains = {n: now[n] - then.get(n, 0.0) for n in now if n != endpoint and now[n] > then.get(n, 0.0) + 1e-12}
    if endpoint in left:
        stays = now.get(endpoint, 0.0) / then[endpoint] if then.get(endpoint) else 1.0
        stays = 1.0 if not gains else min(1.0, stays)
    else:
        stays = 0.0
        gains = gains or now
    more = {n: (1 - stays) * gain / sum(gains.values()) for n, gain in gains.items()} if stays < 1 else {}
    return {n: share for n, share in {endpoint: stays, **more}.items() if share}


def _names(ruling: Ruling) -> list[str]:
    return [] if ruling.lane is None else [one.id for one in ruling.lane.pool]


def _value(facts: Facts, name: str, world: World) -> Any:
    fact = facts.get(name)
    return None if fact is None else fact.at(world.now)


def _zero() -> Shares:
    return defaultdict(float)
