"""What exchanges come to: how many, how they ended, what they used, what it cost, what was noticed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from freehold.config import clock
from freehold.vocabulary.exchange import Exchange

NOBODY = "(nobody)"  # the endpoint of exchanges that nobody answered


class Sum(Struct, frozen=True):
    """Some exchanges together. What is unknown of some is missing from the sum, and counted beside it."""

    exchanges: int
    outcomes: dict[str, int]
    input_tokens: int
    output_tokens: int
    uncounted: int  # exchanges that somebody answered, whose tokens nobody counted
    cost_usd: float
    unpriced: int  # exchanges that somebody answered, whose cost is unknown
    findings: dict[str, int]  # by kind
    refused: int  # endpoints that policy did not allow, over all exchanges


@dataclass(slots=True)
class _Tally:
    exchanges: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def add(self, it: Exchange) -> None:
        self.exchanges += 1
        self.outcomes[it.outcome.value] += 1
        self.findings.update(finding.kind for finding in it.findings)
        self.refused += len(it.refused)
        if it.endpoint is None or it.cached:
            return  # nothing was used for it
        usage = it.served.usage if it.served is not None else None
        if usage is None or usage.input_tokens is None:
            self.uncounted += 1
        else:
            self.input_tokens += usage.input_tokens
            self.output_tokens += usage.output_tokens or 0
        if it.cost_usd is None:
            self.unpriced += 1
        else:
            self.cost_usd += it.cost_usd

    def sum(self) -> Sum:
        outcomes, found = dict(sorted(self.outcomes.items())), dict(sorted(self.findings.items()))
        used = (self.input_tokens, self.output_tokens, self.uncounted, round(self.cost_usd, 9), self.unpriced)
        return Sum(self.exchanges, outcomes, *used, found, self.refused)


class Tallies(Struct, frozen=True):
    """All exchanges of a period, and the same by application, by who answered, and by UTC day."""

    total: Sum
    applications: dict[str, Sum]
    endpoints: dict[str, Sum]
    days: dict[str, Sum]


def tallied(exchanges: Iterable[Exchange]) -> Tallies:
    """Add them up, one after the other."""
    total = _Tally()
    by: tuple[dict[str, _Tally], ...] = (defaultdict(_Tally), defaultdict(_Tally), defaultdict(_Tally))
    for it in exchanges:
        total.add(it)
        day = clock.utc(it.at_ms).date()
        for groups, name in zip(by, (it.application, it.endpoint or NOBODY, str(day)), strict=True):
            groups[name].add(it)
    return Tallies(
        total.sum(), *({name: group.sum() for name, group in sorted(groups.items())} for groups in by)
    )
