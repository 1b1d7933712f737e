"""The last exchanges of the ledger, and what they say of endpoints. Never the whole ledger."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

from msgspec import Struct

from freehold.console.later import LATER
from freehold.ledger.exposure import Held, Kept, exposure
from freehold.ledger.query import reader, tail
from freehold.ledger.segment import exchange_of, journals, segments
from freehold.vocabulary.exchange import PASSED_OVER, Exchange

EXCHANGES_MAX = 5_000
EXPOSURE_MAX = 50_000  # they are only counted, none is kept; it takes most of a second
EXPOSURE_EVERY_S = 300
_OK = "ok"


class Health(Struct, frozen=True):
    """What a number of exchanges say of one endpoint."""

    asked: int = 0  # attempts
    answered: int = 0
    faults: tuple[tuple[str, int], ...] = ()  # why the others were not, the most frequent first
    passed_over: tuple[tuple[str, int], ...] = ()  # how often it was not asked at all, and why
    median_ms: float | None = None  # of attempts that were answered
    p95_ms: float | None = None
    findings: tuple[tuple[str, int], ...] = ()
    cost_usd: float | None = None  # None: of none is it known

    @property
    def share(self) -> float | None:
        """Of attempts that were answered; None: nobody asked."""
        return self.answered / self.asked if self.asked else None


NEVER_ASKED = Health()


class Recent(Struct, frozen=True):
    """A number of exchanges, oldest first, and what they say."""

    exchanges: tuple[Exchange, ...]
    health: Mapping[str, Health]

    @property
    def since_ms(self) -> int | None:
        """When the first of them began."""
        return self.exchanges[0].at_ms if self.exchanges else None


class Exposed(Struct, frozen=True):
    """What providers hold of a number of exchanges."""

    held: tuple[Held, ...]
    exchanges: int
    since_ms: int | None  # when the first of them began

    def of(self, provider: str) -> Held | None:
        """One provider's part."""
        return next((one for one in self.held if one.provider == provider), None)


def recent(state: Path) -> Recent | None:
    """The last exchanges; None: they are being read."""
    return LATER.get(("recent", state), written(state), lambda: _read(state))


def written(state: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells one state of the ledger from another."""
    last = [paths[-1] for directory in journals(state) if (paths := segments(directory))]
    found = [(path.name, path.stat()) for path in last]
    return tuple((name, one.st_size, one.st_mtime_ns) for name, one in found)


def _read(state: Path) -> Recent:
    exchanges = tuple(tail(state, EXCHANGES_MAX))
    return Recent(exchanges, health(exchanges))


def health(exchanges: Iterable[Exchange]) -> dict[str, Health]:
    """What exchanges say of each endpoint that was asked, or passed over, in one."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    findings: dict[str, Counter[str]] = defaultdict(Counter)
    times: dict[str, list[int]] = defaultdict(list)
    costs: dict[str, float] = {}
    for exchange in exchanges:
        for attempt in exchange.attempts:
            if exchange.reached(attempt) and not (exchange.drill and attempt.outcome in PASSED_OVER):
                outcomes[attempt.endpoint][attempt.outcome] += 1
                if attempt.outcome == _OK:
                    times[attempt.endpoint].append(attempt.took_us)
        for finding in exchange.findings:
            if whose := finding.endpoint or exchange.endpoint:
                findings[whose][finding.kind] += 1
        if exchange.endpoint is not None and exchange.cost_usd is not None:
            costs[exchange.endpoint] = costs.get(exchange.endpoint, 0.0) + exchange.cost_usd
    return {name: _health(outcomes[name], findings[name], times[name], costs.get(name)) for name in outcomes}


def _health(
    outcomes: "Counter[str]", findings: "Counter[str]", times_us: list[int], cost_usd: float | None
) -> Health:
    answered = outcomes.pop(_OK, 0)
    passed_over = Counter({word: outcomes.pop(word) for word in PASSED_OVER if word in outcomes})
    return Health(
        answered + outcomes.total(),
        answered,
        tuple(outcomes.most_common()),
        tuple(passed_over.most_common()),
        median(times_us) / 1000 if times_us else None,
        quantiles(times_us, n=20, method="inclusive")[-1] / 1000 if len(times_us) > 1 else None,
        tuple(findings.most_common()),
        cost_usd,
    )


def held(state: Path, kept: Kept, made_of: str, now: datetime) -> Exposed | None:
    """What providers hold of the last exchanges; None: it is being added up. Not looked at anew all the time."""
    return LATER.get(
        ("exposure", state),
        (made_of, int(now.timestamp()) // EXPOSURE_EVERY_S),
        lambda: _exposed(state, kept, now),
    )


def _exposed(state: Path, kept: Kept, now: datetime) -> Exposed:
    taken: list[int] = []

    def noted(exchange: Exchange) -> Exchange:
        taken.append(exchange.at_ms)
        return exchange

    with reader(state) as moment:
        newest = chain(moment.fresh(), moment.indexed("ORDER BY id DESC LIMIT ?", EXPOSURE_MAX))
        found = exposure((noted(exchange_of(body)) for *_, kind, body in newest if not kind), kept, now)
    return Exposed(found, len(taken), min(taken, default=None))
