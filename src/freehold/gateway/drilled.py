"""One drill as a gateway's process has it in force: who is struck, how that is learnt, and what is known meanwhile.

Requests in it learn for themselves how struck endpoints are doing: no breaker, retry or conversation of the others
knows of the fault, and none of it is left when the drill is over. What survivors are given to do, and what they
answer, is everybody's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace as with_fields
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from freehold.catalog.knowledge import Knowledge
from freehold.catalog.resolve import Resolved
from freehold.catalog.subjects import Subject
from freehold.config import clock
from freehold.config.schema import Config, Limit
from freehold.gateway.counters import Counters
from freehold.gateway.drill_order import Mode, Order, Plain, Struck
from freehold.gateway.faulty import FaultyDoor, Strikes
from freehold.gateway.keys import Key
from freehold.gateway.permit import InForce
from freehold.gateway.rulebook import Rulebook
from freehold.gateway.snapshot import Ruling, Snapshot
from freehold.routing.limits import Load
from freehold.routing.plan import Lane
from freehold.routing.router import Router
from freehold.upstream.door import Door
from freehold.vocabulary.decision import Refusal
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import INJECTED, Attempt
from freehold.vocabulary.facts import Basis, Fact, Facts, RequestFacts, from_plain

SOURCE = "a drill"  # of facts that it changes

At = Callable[[str], Struck | None]


class Around(NamedTuple):
    """What of a gateway a drill is put around."""

    config: Config
    resolved: Resolved
    router: Router
    door: Door
    in_force: InForce


class Drilled:
    """One drill in force."""

    def __init__(self, order: Order, around: Around, lease_ms: int) -> None:
        struck = {one.endpoint: one for one in order.struck}
        self.order = order
        self.strikes = Strikes(struck, (order.from_ms, order.until_ms), lease_ms)
        self.door = FaultyDoor(around.door, self.strikes, _loads(order, around.config.server.workers))
        self.router = around.router.beside(_dearer(around.config, struck), self.strikes.hits)
        self._own = around.in_force
        says_more = any(one.facts or one.replaced_by for one in order.struck)
        self._overlay = Overlay(order, around, self.strikes) if says_more else None

    @property
    def id(self) -> str:
        """The drill's."""
        return self.order.id

    def in_force(self, at_ms: int) -> InForce:
        """What holds for its request of a moment: policies over what is known, or over what it changes of that."""
        return self._overlay if self._overlay is not None and self.strikes.rages(at_ms) else self._own

    @staticmethod
    def settled(attempts: Iterable[Attempt]) -> list[Attempt]:
        """The attempts as budgets are to see them: what never went out has cost nothing."""
        return [
            replace(one, outcome=Fault.CONNECT.value) if INJECTED in one.detail else one for one in attempts
        ]


class Overlay:
    """An `InForce` of policies over changed facts. What was sent and spent is the gateway's own."""

    def __init__(self, order: Order, around: Around, strikes: Strikes) -> None:
        self._around, self._strikes, self._order = around, strikes, order
        self._real = around.in_force.snapshot(clock.now_ms())
        self._snapshot = self._changed(datetime.now(UTC))

    def snapshot(self, now_ms: int) -> Snapshot:
        """Policies over facts, as of `now_ms` (Unix milliseconds)."""
        real = self._around.in_force.snapshot(now_ms)
        if real is not self._real or now_ms >= self._snapshot.valid_until_ms:
            self._real = real
            self._snapshot = self._changed(clock.utc(now_ms))
        return self._snapshot

    def counters(self, endpoint: Endpoint) -> Counters:
        """What was sent and spent."""
        return self._around.in_force.counters(endpoint)

    def lapsed(self, key: Key) -> bool:
        """Whether a key that was good when its request came in no longer is."""
        return self._around.in_force.lapsed(key)

    def _changed(self, now: datetime) -> Snapshot:
        rules = self._real.rulebook
        known = Changed(rules.knowledge, self._order.id, self._strikes.at)
        changed = with_fields(rules, knowledge=known)
        return Stricter(changed, self._around.resolved, now, self._real, self._strikes.at)


class Stricter(Snapshot):
    """Policies over what a drill says and over what is so: it shuts doors and opens none.

    The model that is asked in an endpoint's place is one that policy would allow under its own name.
    """

    def __init__(self, rulebook: Rulebook, resolved: Resolved, now: datetime, real: Snapshot, at: At) -> None:
        super().__init__(rulebook, resolved, now)
        self._real, self._at = real, at

    def ruled(self, request: RequestFacts, lane: Lane) -> Ruling:
        """Who of `lane` may see a request, and why the others may not."""
        found = super().ruled(request, lane)
        why = {**self._real.ruled(request, lane).why, **self._of_others(request, lane)}
        shut = {name: why[name] for name in found.allowed if name in why}
        if not shut:
            return found
        left = tuple(one for one in lane.pool if one.id not in shut)
        return replace(
            super().ruled(request, lane.narrowed(left, {})),
            why={**found.why, **shut},
            refused=(*found.refused, *(self.refused(name, refusal) for name, refusal in shut.items())),
            shadow=found.shadow,
            lines=self.lines(len(found.allowed) - len(shut), len(lane.pool)),
        )

    def _of_others(self, request: RequestFacts, lane: Lane) -> dict[str, Refusal]:
        """By endpoint, what counts most against the model that is asked in its place."""
        others = {}
        for one in lane.pool:
            struck = self._at(one.id)
            if struck is not None and struck.replaced_by is not None:
                name = f"{one.provider}/{struck.replaced_by}"
                others[one.id] = with_fields(one, id=name, model=struck.replaced_by)
        if not others:
            return {}
        why = self._real.ruled(request, with_fields(lane, pool=tuple(others.values()), weights=())).why
        return {name: why[other.id] for name, other in others.items() if other.id in why}


class Changed(Knowledge):
    """What is known, less what a drill says otherwise."""

    def __init__(self, known: Knowledge, drill: str, at: At) -> None:
        super().__init__(())
        self._below, self._at, self._drill = known, at, drill
        self.digest = f"{known.digest}+{drill}"

    def facts(self, subject: Subject) -> Facts:
        """What is known of an endpoint."""
        known, struck = self._below.facts(subject), self._at(f"{subject.provider}/{subject.model}")
        if struck is None or not struck.facts:
            return known
        return {**known, **{name: self._fact(name, value) for name, value in struck.facts.items()}}

    def _fact(self, name: str, value: Plain) -> Fact:
        source, today = f"{SOURCE} {self._drill}", datetime.now(UTC).date()
        return Fact(name, from_plain(name, value), Basis.ACCOUNT_SETTING, source, today)


def _loads(order: Order, workers: int) -> dict[str, Load]:
    """The limits as far as this process's part of the drill may use them up."""
    part = (1.0 if order.mode is Mode.MARKED else order.share) / workers
    loads = {}
    for one in order.struck:
        limit = Limit(None, _part(one.requests_per_minute, part), _part(one.tokens_per_minute, part))
        if limit != Limit():
            loads[one.endpoint] = Load(limit)
    return loads


def _part(limit: int | None, part: float) -> int | None:
    return None if limit is None else max(1, round(limit * part))


def _dearer(config: Config, struck: Mapping[str, Struck]) -> Config:
    """The settings with the prices of the drill, by which the cheapest is asked first."""
    prices = {
        name: replace(price, input=price.input * struck[name].price, output=price.output * struck[name].price)
        if name in struck
        else price
        for name, price in config.prices.items()
    }
    return replace(config, prices=prices)
