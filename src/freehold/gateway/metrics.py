"""Counters for Prometheus. Counting is a dictionary entry; `exposition.py` tells them.

Each worker process counts for itself and leaves its counts in the state directory once a second; whichever
worker is asked for /metrics adds them up.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from freehold.vocabulary.exchange import Exchange, Outcome

Labels: TypeAlias = tuple[str, ...]

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
BUCKETS_US = tuple(int(bound * 1e6) for bound in BUCKETS_S)
SERIES_MAX = 10_000  # of one metric; callers choose part of the labels, and memory must not follow them


class Family(NamedTuple):
    """A metric: its name without suffix, what it says, and its labels."""

    name: str
    help: str
    labels: Labels


EXCHANGES = Family(
    "freehold_exchanges", "Exchanges by their end.", ("dialect", "endpoint", "outcome", "status", "code")
)
ATTEMPTS = Family("freehold_attempts", "Attempts at endpoints by how they went.", ("endpoint", "outcome"))
FINDINGS = Family("freehold_findings", "What answers did not tell their callers.", ("endpoint", "kind"))
TOKENS = Family("freehold_tokens", "Tokens as providers counted them.", ("endpoint", "direction"))
CACHED = Family("freehold_cached", "Exchanges answered from memory.", ("endpoint",))
CONTINUED = Family(
    "freehold_continued", "Streams that broke off and were gone on with.", ("endpoint", "continued_by")
)
DURATION = Family(
    "freehold_exchange_seconds", "From the request's arrival to the answer's end.", ("dialect",)
)
FIRST_BYTE = Family(
    "freehold_first_byte_seconds", "From the request's arrival to the answer's beginning.", ("dialect",)
)
REFUSED = Family(
    "freehold_refused", "Endpoints that policy kept requests from, by the rule.", ("endpoint", "rule")
)
COST = Family("freehold_cost_usd", "What answers have cost, as far as it is known.", ("endpoint",))
UNWATCHED = Family("freehold_unwatched", "Answers that the watch could not read for a fault of its own.", ())
PEERS = Family(
    "freehold_peers",
    "Sampled answers beside other labs' models, by what came of it.",
    ("endpoint", "outcome"),
)
COUNTERS = (EXCHANGES, ATTEMPTS, FINDINGS, TOKENS, CACHED, CONTINUED, REFUSED, COST, UNWATCHED, PEERS)
HISTOGRAMS = (DURATION, FIRST_BYTE)
CONDITIONS = {  # 1 while they hold in every worker
    "ledger_healthy": "1 while the journal can be written.",
    "ledger_searchable": "1 while the database keeps up with the journal.",
    "ledger_signed": "1 while the signed log keeps up, and reaches those who keep its checkpoints.",
    "rules_current": "1 while the policies and facts on disk are those in force.",
}
INTERRUPTED: Labels = ("", "", Outcome.INTERRUPTED.value, "0", "")  # as an exchange without an end is counted


class Snapshot(msgspec.Struct):
    """One worker's counts, as they lie in its file. Histograms: counts per bucket, then seconds in all."""

    counters: dict[str, list[tuple[Labels, float]]]
    histograms: dict[str, list[tuple[Labels, list[float]]]]
    in_flight: int
    conditions: dict[str, bool]


class _Tally:
    """The exchanges that ended alike."""

    __slots__ = ("cost_usd", "count", "first", "first_us", "input", "lone", "output", "took", "took_us")

    def __init__(self) -> None:
        self.cost_usd = 0.0
        self.count = self.input = self.output = self.took_us = self.first_us = 0
        self.lone = 0  # with one attempt, and that went well
        self.took = [0] * (len(BUCKETS_US) + 1)
        self.first = [0] * (len(BUCKETS_US) + 1)


class Metrics:
    """The counts of this process."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.unwatched = 0  # answers at which the watch failed
        self.interrupted = 0  # exchanges whose end an earlier process did not come to record
        self.conditions = dict.fromkeys(CONDITIONS, True)
        self._tallies: dict[tuple[str, str | None, str, int, str | None], _Tally] = {}
        self._attempts: Counter[Labels] = Counter()
        self._findings: Counter[Labels] = Counter()
        self._cached: Counter[Labels] = Counter()
        self._continued: Counter[Labels] = Counter()
        self._refused: Counter[Labels] = Counter()
        self._peers: Counter[Labels] = Counter()

    def found(self, endpoint: str, kind: str) -> None:
        """Take note of what was found in an answer after its exchange was over."""
        _add(self._findings, (endpoint, kind))

    def beside(self, endpoint: str, outcome: str) -> None:
        """Take note of what came of putting an endpoint's answer beside its peers'."""
        _add(self._peers, (endpoint, outcome))

    def count(self, exchange: Exchange) -> None:
        """Take note of an exchange that is over."""
        key = (exchange.dialect, exchange.endpoint, exchange.outcome, exchange.status, exchange.code)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._new_tally(key)
        tally.count += 1
        tally.took_us += exchange.took_us
        tally.took[bisect_left(BUCKETS_US, exchange.took_us)] += 1
        if exchange.first_byte_us is not None:
            tally.first_us += exchange.first_byte_us
            tally.first[bisect_left(BUCKETS_US, exchange.first_byte_us)] += 1
        if exchange.served is not None and (usage := exchange.served.usage) is not None:
            tally.input += usage.input_tokens or 0
            tally.output += usage.output_tokens or 0
        if len(exchange.attempts) == 1 and exchange.attempts[0].outcome == "ok":
            tally.lone += 1
        else:
            for attempt in exchange.attempts:
                _add(self._attempts, (attempt.endpoint, attempt.outcome))
        tally.cost_usd += exchange.cost_usd or 0.0
        if exchange.findings or exchange.refused or exchange.cached or exchange.continued_by is not None:
            self._count_oddities(exchange)

    def _count_oddities(self, exchange: Exchange) -> None:
        for finding in exchange.findings:
            _add(self._findings, (finding.endpoint or exchange.endpoint or "", finding.kind))
        for refused in exchange.refused:
            _add(self._refused, (refused.endpoint, refused.by))
        if exchange.cached:
            _add(self._cached, (exchange.endpoint or "",))
        if exchange.continued_by is not None:
            _add(self._continued, (exchange.endpoint or "", exchange.continued_by))

    def snapshot(self) -> Snapshot:
        """All counts as plain values."""
        counters: dict[Family, Counter[Labels]] = {family: Counter() for family in COUNTERS}
        histograms: dict[Family, dict[Labels, list[float]]] = {family: {} for family in HISTOGRAMS}
        counters[ATTEMPTS].update(self._attempts)
        counters[FINDINGS].update(self._findings)
        counters[CACHED].update(self._cached)
        counters[CONTINUED].update(self._continued)
        counters[REFUSED].update(self._refused)
        counters[PEERS].update(self._peers)
        counters[UNWATCHED][()] = self.unwatched
        if self.interrupted:
            counters[EXCHANGES][INTERRUPTED] = self.interrupted
        for (dialect, endpoint, outcome, status, code), tally in self._tallies.items():
            counters[EXCHANGES][dialect, endpoint or "", outcome, str(status), code or ""] += tally.count
            if endpoint is not None:
                counters[ATTEMPTS][endpoint, "ok"] += tally.lone
                counters[TOKENS][endpoint, "input"] += tally.input
                counters[TOKENS][endpoint, "output"] += tally.output
                counters[COST][(endpoint,)] += tally.cost_usd  # type: ignore[assignment]
            merge(histograms[DURATION], (dialect,), [*tally.took, tally.took_us / 1e6])
            merge(histograms[FIRST_BYTE], (dialect,), [*tally.first, tally.first_us / 1e6])
        return Snapshot(
            {family.name: list(counts.items()) for family, counts in counters.items()},
            {family.name: list(series.items()) for family, series in histograms.items()},
            self.in_flight,
            dict(self.conditions),
        )

    def _new_tally(self, key: tuple[str, str | None, str, int, str | None]) -> _Tally:
        if len(self._tallies) >= SERIES_MAX:
            key = (key[0], "other", key[2], key[3], key[4])
        return self._tallies.setdefault(key, _Tally())


def _add(counts: Counter[Labels], labels: Labels) -> None:
    if labels not in counts and len(counts) >= SERIES_MAX:
        labels = ("other",) * len(labels)
    counts[labels] += 1


def merge(series: dict[Labels, list[float]], labels: Labels, counts: list[float]) -> None:
    """Add a histogram's counts to those of the same labels."""
    known = series.get(labels)
    series[labels] = counts if known is None else [a + b for a, b in zip(known, counts, strict=True)]


def leave(snapshot: Snapshot, directory: Path, worker: int) -> None:
    """Put a worker's counts where the others find them."""
    path = directory / f"metrics-{worker}.json"
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(snapshot))
    fresh.replace(path)


def left_by_others(directory: Path, workers: int, me: int) -> Iterator[Snapshot]:
    """The other workers' counts, at most about a second old."""
    for worker in range(workers):
        if worker != me:
            with suppress(OSError, msgspec.DecodeError):
                yield msgspec.json.decode((directory / f"metrics-{worker}.json").read_bytes(), type=Snapshot)
