"""What becomes of each kind of exchange: decided as it was recorded, and again under a scenario.

A kind is either answered, or refused by a rule, or lost, or failed for reasons of its own; limits of rate come after.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from freehold.drills.asking import Shares, Tiers, asked, heeded, moved, tiers
from freehold.drills.traffic import Group, Kind, Traffic
from freehold.drills.world import World
from freehold.gateway.cost import ONLY_INPUT
from freehold.gateway.snapshot import Ruling
from freehold.policy.rules import worst_first
from freehold.vocabulary.decision import Refusal
from freehold.vocabulary.exchange import Outcome
from freehold.vocabulary.facts import RequestFacts

AS_RECORDED = "(as recorded)"  # refused then, for what the policies in force would not refuse now
DECLINED = "(declined by the model)"
_TOOK = frozenset((Outcome.ANSWERED.value, Outcome.DECLINED.value, Outcome.ABANDONED.value))

Seconds = Callable[[str], float | None]


class Case(Struct, frozen=True):
    """What is decided for requests that look alike: before, and under the scenario."""

    first_before: Shares  # who is asked first
    first_after: Shares
    order: Tiers  # of who is left
    left: frozenset[str]
    allowed_before: frozenset[str]  # by policy, without the scenario
    refused_by: str | None  # the rule that leaves nobody; None: policy allows somebody


@dataclass(slots=True)
class Row:
    """One kind of exchange and what becomes of it. The shares add up to one."""

    kind: Kind
    group: Group
    order: Tiers = ()
    who: Shares = field(default_factory=dict)
    refused: Shares = field(default_factory=dict)  # by rule
    lost: float = 0.0
    limited: float = 0.0
    failed: float = 0.0
    memory: float = 0.0  # answered again from what was kept

    @property
    def was_served(self) -> bool:
        """Whether somebody answered it."""
        return was_served(self.kind)

    @property
    def as_before(self) -> bool:
        """Whether whoever answered it still does."""
        return len(self.who) == 1 and self.kind.endpoint in self.who and self.who[self.kind.endpoint] == 1.0


def was_served(kind: Kind) -> bool:
    """Whether somebody answered, if only with a no, or would have until the caller left."""
    return kind.endpoint is not None and kind.outcome in _TOOK


class Deciding:
    """Two worlds, side by side. Remembers what it decided."""

    def __init__(self, before: World, after: World, seconds: Seconds) -> None:
        self._worlds = (
            (before, seconds),
            (after, lambda name: _times(seconds(name), after.change(name).latency)),
        )
        self._before, self._after = before, after
        self._elsewhere = bool(before.resolved.config.policy.refused_elsewhere)
        self._refuses: dict[str, float] = {}  # which share, by endpoint
        self._cases: dict[tuple[RequestFacts, str], Case | None] = {}

    def rows(self, traffic: Traffic) -> Iterator[Row]:
        """What becomes of each kind; of those whose alias nobody serves any more, nothing is said."""
        for kind, group in traffic.groups.items():
            case = self.case(kind)
            if case is not None:
                yield self._row(kind, group, case)

    def case(self, kind: Kind) -> Case | None:
        """What is decided for requests of a kind; None: nobody serves its alias in its dialect."""
        key = kind.request, kind.dialect
        if key not in self._cases:
            self._cases[key] = self._decided(*key)
        return self._cases[key]

    def _decided(self, request: RequestFacts, dialect: str) -> Case | None:
        rulings = [world.ruling(request, dialect) for world, _ in self._worlds]
        before, after = rulings
        if before is None or after is None:
            return None
        orders = [
            ()
            if ruling is None or ruling.lane is None
            else tiers(ruling.lane, world.resolved.config.prices, how)
            for ruling, (world, how) in zip(rulings, self._worlds, strict=True)
        ]
        left = frozenset(name for tier in orders[1] for name, _ in tier)
        if dialect not in ONLY_INPUT:  # there are no words to refuse with
            shares = {name: self._after.change(name).refuses_share for name in left}
            self._refuses |= {name: share for name, share in shares.items() if share is not None}
        return Case(
            asked(orders[0]),
            asked(orders[1]),
            orders[1],
            left,
            before.allowed,
            None if after.allowed else _rule(after),
        )

    def _row(self, kind: Kind, group: Group, case: Case) -> Row:
        row = Row(kind, group, case.order)
        served = row.was_served
        if case.refused_by is not None:
            row.refused[case.refused_by] = 1.0
        elif not case.left:
            row.lost = 1.0
        elif not served and kind.outcome != Outcome.REJECTED:
            row.failed = 1.0
        elif not served and case.allowed_before:
            row.refused[AS_RECORDED] = 1.0
        elif kind.cached:
            row.memory = 1.0
        else:
            self._answer(row, case)
        return row

    def _answer(self, row: Row, case: Case) -> None:
        endpoint = row.kind.endpoint
        row.who = case.first_after
        if row.was_served and endpoint is not None:
            row.who = moved(endpoint, case.first_before, case.first_after, there=endpoint in case.left)
        if row.kind.dialect not in ONLY_INPUT and self._refuses.keys() & row.who.keys():
            row.who, declined = heeded(case.order, row.who, self._refuses, elsewhere=self._elsewhere)
            if declined:
                row.refused[DECLINED] = declined


def _rule(ruling: Ruling) -> str:
    """The rule that refuses most of a pool; of several the one that counts most, then the one that is named first."""
    worst: dict[tuple[str, str], Refusal] = {}
    for refusal in ruling.why.values():
        worst.setdefault((refusal.policy, refusal.rule), refusal)
    counts = Counter((refusal.policy, refusal.rule) for refusal in ruling.why.values())
    policy, rule = min(counts, key=lambda one: (-counts[one], worst_first(worst[one])))
    return f"{policy}/{rule}"


def _times(seconds: float | None, factor: float | None) -> float | None:
    return None if seconds is None else seconds * (factor or 1.0)
