"""What the console is lent of drills: scenarios, simulations at a click, and the command that runs one for real."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from msgspec import Struct, convert
from msgspec.structs import asdict, replace

from freehold.bench.results import qualities
from freehold.catalog.resolve import Resolved
from freehold.config import clock
from freehold.config.shape import nearest
from freehold.console.current import Current
from freehold.console.cutoff import Wish
from freehold.console.cutoff_picture import OWN, WORDS, Seen
from freehold.drills import folder
from freehold.drills.legs import Legs, legs
from freehold.drills.loading import SCENARIOS, SUFFIX, parsed, scenarios, shipped, written
from freehold.drills.rehearsal import Rehearsal
from freehold.drills.scenario import Loss, Scenario
from freehold.drills.simulating import simulate
from freehold.drills.simulation import Simulation
from freehold.drills.traffic import INVENTED, LEFT_OUT, Group, Kind, Traffic
from freehold.drills.world import World, world
from freehold.gateway.rulebook import Rulebook
from freehold.ledger.durable import replace as put
from freehold.ledger.query import events
from freehold.ledger.search import Search
from freehold.ledger.search_rows import KIND
from freehold.vocabulary.errors import BadRequest, FreeholdError, NotFound
from freehold.vocabulary.exchange import Outcome
from freehold.vocabulary.facts import Facts, RequestFacts
from freehold.vocabulary.report import Interval

DAY_MS = 86_400_000
KEPT_S = 60.0  # traffic and facts are read again after this
PERIODS_KEPT = 4  # their traffic is what takes memory
WORLD_KEPT_S = 300.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


class Choice(NamedTuple):
    """A scenario that can be chosen."""

    name: str
    title: str
    why: str
    is_own: bool


class Past(Struct, frozen=True):
    """A drill that was kept."""

    id: str
    at_ms: int
    scenario: str
    kind: str
    said: str


class Period(NamedTuple):
    """The traffic of some days, and how good endpoints were in the newest bench."""

    traffic: Traffic
    qualities: Mapping[str, Interval]
    is_recorded: bool  # else each alias counts once


class Looking:
    """Simulations for whoever looks: fast, over what the index has added up, and nothing is kept."""

    def __init__(self, current: Current) -> None:
        self._current, self._state = current, current.state
        self._lock = Lock()
        self._periods: dict[int, tuple[float, World, Period]] = {}
        self._world: tuple[float, Resolved, Rulebook, World] | None = None
        self._past: dict[str, Past] = {}

    def scenarios(self) -> Sequence[Choice]:
        """One's own first."""
        own, every = {one.name for one in scenarios(self._state / SCENARIOS)}, self._scenarios().values()
        found = [Choice(one.name, one.title, one.why, one.name in own) for one in every]
        return sorted(found, key=lambda one: (not one.is_own, one.title))

    def _scenarios(self) -> Mapping[str, Scenario]:
        """By name; one's own win over those that come along."""
        return {one.name: one for one in (*_shipped(), *scenarios(self._state / SCENARIOS))}

    def endpoints(self) -> Sequence[Seen]:
        """The endpoints of all pools, by what they hang on."""
        found = self._now()
        pools = {alias: {one.id for one in pool} for alias, pool in found.resolved.pools.items()}
        return [
            Seen(
                name,
                tuple(alias for alias, pool in pools.items() if name in pool),
                {word: _text(found.facts(name), word, found.now) for word in WORDS[1:]},
            )
            for name in found.endpoints
        ]

    def simulate(self, wish: Wish) -> tuple[Simulation, Sequence[Legs], bool]:
        """What is left, on what it stands, and whether that is of recorded traffic."""
        here = self._now()
        scenario, period = self.scenario(wish), self._period(wish.days, here)
        found = simulate(here, scenario, period.traffic, period.qualities)
        under = here.under(scenario, period.traffic)
        return found, legs(here, under, period.traffic), period.is_recorded

    def scenario(self, wish: Wish) -> Scenario:
        """What a wish comes to as one scenario. Raises NotFound: who looks at pages must not name files."""
        lost = tuple(Loss(((word, (value,)),)) for word, value in wish.lost)
        if not wish.scenario:
            return Scenario("clicked", "Taken away in the console", "Somebody wanted to know.", lost)
        every = self._scenarios()
        if wish.scenario not in every:
            meant = nearest(wish.scenario, list(every))
            remedy = f"Did you mean {meant}?" if meant else "Choose one of those that the page offers."
            raise NotFound(f"no scenario is called {wish.scenario[:80]!r}", remedy=remedy)
        found = every[wish.scenario]
        return replace(found, lost=(*found.lost, *lost)) if lost else found

    def save(self, wish: Wish, name: str, title: str, note: Callable[[str], None]) -> None:
        """Write it down once that is recorded. Raises BadRequest, and ConfigError for what cannot be a scenario."""
        if not _NAME.fullmatch(name):
            remedy = "Use small letters, digits and hyphens, 60 at most."
            raise BadRequest(f"{name[:80]!r} is no name for a scenario", remedy=remedy)
        if name in {one.name for one in _shipped()}:
            raise BadRequest(f"{name} comes along with Freehold", remedy="Choose another name.")
        file = self._state / SCENARIOS / f"{name}{SUFFIX}"
        text = written(replace(self.scenario(wish), name=name, title=title))
        parsed(text, str(file))
        note(str(file.relative_to(self._state)))
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        put(file, text.encode())

    def past(self) -> Sequence[Past]:
        """The drills that were kept, the newest first."""
        return [found for drill in reversed(folder.listed(self._state)) if (found := self._told(drill))]

    def _told(self, drill: str) -> Past | None:
        if drill not in self._past:
            try:
                found = _past(self._state, drill)
            except FreeholdError as error:
                found = Past(drill, int(drill[1:12], 16), "unknown", "damaged", error.message)
            if found is None:
                return None  # it is not over yet
            self._past[drill] = found
        return self._past[drill]

    def _now(self) -> World:
        """The world as it is; the same for as long as the files are, and some minutes at most."""
        resolved, rules = self._current.resolved(), self._current.rules()
        with self._lock:
            kept = self._world
            if kept is None or kept[0] < time.monotonic() or kept[1] is not resolved or kept[2] is not rules:
                found = world(resolved, self._state, datetime.now(UTC))
                kept = self._world = (time.monotonic() + WORLD_KEPT_S, resolved, rules, found)
            return kept[3]

    def _period(self, days: int, here: World) -> Period:
        with self._lock:
            kept = self._periods.get(days)
            if kept is None or kept[0] < time.monotonic() or kept[1] is not here:
                kept = (time.monotonic() + KEPT_S, here, self._read(days, here))
                others = [one for one in self._periods.items() if one[0] != days]
                self._periods = dict([*others[1 - PERIODS_KEPT :], (days, kept)])
            return kept[2]

    def _read(self, days: int, here: World) -> Period:
        until_ms = clock.now_ms()
        since_ms = until_ms - days * DAY_MS
        traffic = recorded(self._state, since_ms, until_ms)
        is_recorded = bool(traffic.groups)
        if not is_recorded:
            traffic = from_pools(here, since_ms, until_ms)
        return Period(traffic, qualities(self._state), is_recorded)


@cache
def _shipped() -> tuple[Scenario, ...]:
    return shipped()


def recorded(state: Path, since_ms: int, until_ms: int) -> Traffic:
    """The traffic of a period's whole minutes, as far as the index has taken it in: no exchange is read.

    Copies that peers were asked for count as traffic here, because the index does not know them from their originals.
    """
    groups: dict[Kind, Group] = {}
    minutes: dict[Kind, dict[int, int]] = {}
    left_out: dict[str, int] = {}
    for one in Search(state).grouped(since_ms, until_ms):
        words = dict(zip(KIND, one.sum.by, strict=True))
        if why := LEFT_OUT.get(str(words["aside"])):
            left_out[why] = left_out.get(why, 0) + one.sum.exchanges
            continue
        kind, sums = convert(words, Kind), asdict(one.sum)
        groups[kind] = Group(**{name: sums[name] for name in Group.__struct_fields__})
        minutes[kind] = one.minutes
    return Traffic(since_ms, until_ms, groups, minutes, left_out, bool(events(state, INVENTED)))


def from_pools(here: World, since_ms: int, until_ms: int) -> Traffic:
    """One request for each alias, answered by whom policy and the pool's order would ask first."""
    groups, minute = dict[Kind, Group](), until_ms // 60_000
    level = here.resolved.config.policy.default_class
    for alias, pool in here.resolved.aliases.items():
        dialect = pool[0].dialects[0].value
        first = next(iter(here.left(RequestFacts("", alias, level), dialect) or ()), None)
        outcome = Outcome.ANSWERED if first else Outcome.REJECTED
        kind = Kind("", alias, dialect, level, None, None, None, first, outcome.value)
        groups[kind] = Group(exchanges=1)
    return Traffic(since_ms, until_ms, groups, {kind: {minute: 1} for kind in groups})


def _text(facts: Facts, word: str, now: datetime) -> str | None:
    """A fact as a box is called. On own machines, nobody else is behind an endpoint unless its facts say so."""
    value = facts[word].at(now) if word in facts else None
    if value is None:
        is_own = "own" in facts and facts["own"].at(now) is True
        return OWN if is_own and word in ("parent", "cloud") else None
    return str(value)


def _past(state: Path, drill: str) -> Past | None:
    at_ms = int(drill[1:12], 16)
    if folder.has(state, drill, folder.REHEARSAL):
        tried = folder.read(state, drill, folder.REHEARSAL, Rehearsal)
        return Past(drill, at_ms, tried.scenario, f"for real, {tried.mode}", tried.ended)
    if folder.has(state, drill, folder.SIMULATION):
        found = folder.read(state, drill, folder.SIMULATION, Simulation)
        left, before = found.total.served_after, found.total.served_before
        said = f"{left:.1%} of {found.exchanges:,} exchanges served, before {before:.1%}"
        return Past(drill, at_ms, found.scenario, "simulation", said)
    return None
