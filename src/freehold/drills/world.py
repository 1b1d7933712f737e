"""What decides, and over which facts: as it is, and as it would be under a scenario.

The decisions are the gateway's own, by the same code. Policy looks at every endpoint, the lost ones too, so that what
is refused by rule and what is lost can be told apart. Facts are those of `now`; a scenario that begins later does not
make them older, but who has retired by then is lost.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from freehold.catalog.knowledge import knowledge
from freehold.catalog.resolve import Resolved
from freehold.drills.applying import NOTHING, Applied, Overlaid, affected
from freehold.drills.scenario import Change, Loss, Scenario, Way
from freehold.drills.simulation import Fate
from freehold.drills.traffic import Traffic
from freehold.gateway.aliases import Aliases
from freehold.gateway.cost import ONLY_INPUT
from freehold.gateway.rulebook import Rulebook, rulebook
from freehold.gateway.snapshot import Ruling, Snapshot
from freehold.routing.plan import Lane
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.errors import NoEndpointSpeaks, UnknownModel
from freehold.vocabulary.facts import EndpointFacts, Facts, RequestFacts


class World:
    """A configuration, its policies and facts at one moment. Remembers what it decided, and never changes it.

    Under a scenario, `resolved` holds its prices and limits, and `rules` its facts.
    """

    def __init__(
        self,
        resolved: Resolved,
        rules: Rulebook,
        now: datetime,
        applied: "tuple[World, Applied] | None" = None,
    ) -> None:
        """`applied`: the world as it is without the scenario, and the scenario."""
        self.resolved, self.rules, self.now = resolved, rules, now
        self.endpoints = resolved.endpoints
        self._before: World = applied[0] if applied else self
        self._applied: Applied | None = applied[1] if applied else None
        self._aliases = Aliases(resolved)
        self._snapshot = Snapshot(rules, resolved, now)
        self._named: dict[str, Endpoint | None] = dict(self.endpoints)

    @property
    def digest(self) -> str:
        """Of the facts that it decides by."""
        return self.rules.knowledge.digest

    @property
    def fates(self) -> tuple[Fate, ...]:
        """What becomes of each endpoint; of none where there is no scenario."""
        return () if self._applied is None else self._applied.fates

    @property
    def lost(self) -> frozenset[str]:
        """The endpoints that are gone, or of which that is not known."""
        return frozenset(fate.endpoint for fate in self.fates if fate.fate in ("lost", "unknown"))

    @property
    def unsettled(self) -> tuple[str, ...]:
        """The scenario's words whose `@most-used` stands for nothing: no value of them is known of who is in use."""
        scenario = None if self._applied is None else self._applied.scenario
        parts: tuple[Loss | Change, ...] = () if scenario is None else (*scenario.lost, *scenario.changed)
        return tuple(dict.fromkeys(name for one in parts for name, texts in one.where if not texts))

    def is_lost(self, endpoint: str) -> bool:
        """Whether an endpoint is gone, also one that only a caller has named."""
        return self.way(endpoint) is not None

    def way(self, endpoint: str) -> Way | None:
        """How it shows that a lost endpoint is gone; None: it is not lost."""
        return None if self._applied is None else self._applied.way(self._before.about(endpoint))

    def change(self, endpoint: str) -> Change:
        """All that changes of an endpoint, in one."""
        return NOTHING if self._applied is None else self._applied.change(self._before.about(endpoint))

    def about(self, endpoint: str) -> EndpointFacts:
        """An endpoint with its facts, also one that only a caller has named; of one that is unknown here: none."""
        if endpoint not in self._named:
            self._named[endpoint] = self.resolved.endpoint(endpoint)
        found = self._named[endpoint]
        return EndpointFacts(endpoint, {}) if found is None else self._snapshot.facts_of(found)

    def facts(self, endpoint: str) -> Facts:
        """What is known of an endpoint."""
        return self.about(endpoint).facts

    def lane(self, alias: str, dialect: str) -> Lane | None:
        """The pool that an alias stands for in a dialect; None: nobody serves it."""
        try:
            return self._aliases.lane(alias, Dialect(dialect))
        except (UnknownModel, NoEndpointSpeaks, ValueError):
            return None

    def ruling(self, request: RequestFacts, dialect: str) -> Ruling | None:
        """What policy says, and in `lane` who of the allowed is left; None: the alias or the dialect is not served.

        Nobody in `allowed`: refused by rule. Somebody there, and no `lane`: lost.
        """
        lane = self.lane(request.alias, dialect)
        if lane is None:
            return None
        ruling = self._snapshot.ruling(request, lane, Dialect(dialect))
        if self._applied is None or ruling.lane is None:
            return ruling
        pool = tuple(one for one in ruling.lane.pool if not self.is_lost(one.id))
        if len(pool) == len(ruling.lane.pool):
            return ruling
        return replace(ruling, lane=ruling.lane.narrowed(pool, ruling.lane.scores) if pool else None)

    def left(self, request: RequestFacts, dialect: str) -> tuple[str, ...] | None:
        """Who of the allowed is left, in the order of preference; None: the alias or the dialect is not served."""
        ruling = self.ruling(request, dialect)
        if ruling is None:
            return None
        return () if ruling.lane is None else tuple(one.id for one in ruling.lane.pool)

    def under(self, scenario: Scenario, traffic: Traffic | None = None) -> "World":
        """The world as it is, under a scenario; `traffic` says who is most used, else the order of the pools does."""
        before = self._before
        about = [before.about(name) for name in dict.fromkeys([*before.endpoints, *_asked(traffic)])]
        applied = Applied(scenario, about, _used(before.resolved, traffic), self.now)
        rules = Rulebook(
            Overlaid(before.rules.knowledge, applied), before.rules.enforced, before.rules.shadow
        )
        return World(affected(before.resolved, applied, about), rules, self.now, (before, applied))


def world(resolved: Resolved, state: Path, now: datetime) -> World:
    """The world as it is in the files that the configuration names. Raises ConfigError for the first problem."""
    rules = rulebook(resolved.config, state)
    # Where no policy asks, a gateway knows only prices; a scenario asks for the rest.
    known = knowledge(resolved.config, state, now.date())
    return World(resolved, Rulebook(known, rules.enforced, rules.shadow), now)


def _asked(traffic: Traffic | None) -> list[str]:
    return [] if traffic is None else sorted({kind.endpoint for kind in traffic.groups if kind.endpoint})


def _used(resolved: Resolved, traffic: Traffic | None) -> Mapping[str, float]:
    """How many answers in words each endpoint gave, or where there are none, how much else it did.

    Without traffic, each place in a pool counts half of the one before it.
    """
    if traffic is not None and traffic.exchanges:
        return _answers(traffic, words=True) or _answers(traffic, words=False)
    used: dict[str, float] = defaultdict(float)
    for pool in (resolved.aliases or resolved.pools).values():
        for place, endpoint in enumerate(pool):
            used[endpoint.id] += 0.5**place
    return used


def _answers(traffic: Traffic, *, words: bool) -> Mapping[str, float]:
    found: dict[str, float] = defaultdict(float)
    for kind, group in traffic.groups.items():
        if kind.endpoint is not None and (kind.dialect not in ONLY_INPUT) is words:
            found[kind.endpoint] += group.exchanges
    return found
