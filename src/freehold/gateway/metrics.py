"""Counters for Prometheus. Counting is a dictionary entry; the exposition format is prometheus-client's work.

Each worker process counts for itself and leaves its counts in the state directory once a second; whichever
worker is asked for /metrics adds them up.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec
from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from freehold.vocabulary.exchange import Exchange

Labels: TypeAlias = tuple[str, ...]

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
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
DURATION = Family(
    "freehold_exchange_seconds", "From the request's arrival to the answer's end.", ("dialect",)
)
FIRST_BYTE = Family(
    "freehold_first_byte_seconds", "From the request's arrival to the answer's beginning.", ("dialect",)
)
COUNTERS = (EXCHANGES, ATTEMPTS, FINDINGS, TOKENS)
HISTOGRAMS = (DURATION, FIRST_BYTE)


class Snapshot(msgspec.Struct):
    """One worker's counts, as they lie in its file. Histograms: counts per bucket, then seconds in all."""

    counters: dict[str, list[tuple[Labels, float]]]
    histograms: dict[str, list[tuple[Labels, list[float]]]]
    in_flight: int
    ledger_healthy: bool


class Metrics:
    """The counts of this process."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.ledger_healthy = True
        self._counters: dict[Family, Counter[Labels]] = {family: Counter() for family in COUNTERS}
        self._histograms: dict[Family, dict[Labels, list[float]]] = {family: {} for family in HISTOGRAMS}
        self._exchanges = self._counters[EXCHANGES]
        self._attempts = self._counters[ATTEMPTS]

    def count(self, exchange: Exchange) -> None:
        """Take note of an exchange that is over."""
        endpoint = exchange.endpoint or ""
        labels = (exchange.dialect, endpoint, exchange.outcome, str(exchange.status), exchange.code or "")
        _add(self._exchanges, labels, 1)
        for attempt in exchange.attempts:
            _add(self._attempts, (attempt.endpoint, attempt.outcome), 1)
        for finding in exchange.findings:
            _add(self._counters[FINDINGS], (endpoint, finding.kind), 1)
        usage = exchange.served.usage if exchange.served is not None else None
        if usage is not None:
            _add(self._counters[TOKENS], (endpoint, "input"), usage.input_tokens or 0)
            _add(self._counters[TOKENS], (endpoint, "output"), usage.output_tokens or 0)
        self._observe(DURATION, exchange.dialect, exchange.took_us)
        if exchange.first_byte_us is not None:
            self._observe(FIRST_BYTE, exchange.dialect, exchange.first_byte_us)

    def snapshot(self) -> Snapshot:
        """All counts as plain values."""
        return Snapshot(
            {family.name: list(counts.items()) for family, counts in self._counters.items()},
            {family.name: list(series.items()) for family, series in self._histograms.items()},
            self.in_flight,
            self.ledger_healthy,
        )

    def _observe(self, family: Family, dialect: str, took_us: int) -> None:
        series = self._histograms[family]
        counts = series.get((dialect,))
        if counts is None:
            counts = series[(dialect,)] = [0.0] * (len(BUCKETS_S) + 2)
        seconds = took_us / 1e6
        counts[bisect_left(BUCKETS_S, seconds)] += 1
        counts[-1] += seconds


def _add(counts: Counter[Labels], labels: Labels, amount: float) -> None:
    if labels not in counts and len(counts) >= SERIES_MAX:
        labels = ("other",) * len(labels)
    counts[labels] += amount  # type: ignore[assignment]


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


def exposition(snapshots: Iterable[Snapshot]) -> tuple[bytes, str]:
    """The text that Prometheus reads, and its content type."""
    registry = CollectorRegistry()
    registry.register(_Collected(tuple(snapshots)))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Collected:
    """prometheus-client asks a collector for its metrics by calling `collect`."""

    def __init__(self, snapshots: tuple[Snapshot, ...]) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterator[Metric]:
        for family in COUNTERS:
            total: Counter[Labels] = Counter()
            for snapshot in self._snapshots:
                for labels, count in snapshot.counters.get(family.name, ()):
                    total[labels] += count  # type: ignore[assignment]
            counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
            for labels, amount in total.items():
                counter.add_metric(labels, amount)
            yield counter
        for family in HISTOGRAMS:
            yield self._histogram(family)
        in_flight = sum(snapshot.in_flight for snapshot in self._snapshots)
        yield GaugeMetricFamily("freehold_in_flight", "Requests being served now.", value=in_flight)
        healthy = all(snapshot.ledger_healthy for snapshot in self._snapshots)
        yield GaugeMetricFamily(
            "freehold_ledger_healthy", "1 while the journal can be written.", value=healthy
        )

    def _histogram(self, family: Family) -> Metric:
        total: dict[Labels, list[float]] = {}
        for snapshot in self._snapshots:
            for labels, counts in snapshot.histograms.get(family.name, ()):
                known = total.get(labels)
                total[labels] = list(map(sum, zip(known, counts, strict=True))) if known else list(counts)
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, counts in total.items():
            buckets, seen = [], 0.0
            for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=False):
                seen += count
                buckets.append((bound, seen))
            metric.add_metric(labels, buckets, counts[-1])
        return metric
