"""What Prometheus reads. Loaded when it is first asked for: its library would be a tenth of the gateway's start."""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from freehold.gateway.metrics import (
    BUCKETS_S,
    CONDITIONS,
    COUNTERS,
    HISTOGRAMS,
    Family,
    Labels,
    Snapshot,
    merge,
)


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
        for name, told in CONDITIONS.items():
            holds = all(snapshot.conditions.get(name, True) for snapshot in self._snapshots)
            yield GaugeMetricFamily(f"freehold_{name}", told, value=holds)

    def _histogram(self, family: Family) -> Metric:
        total: dict[Labels, list[float]] = {}
        for snapshot in self._snapshots:
            for labels, counts in snapshot.histograms.get(family.name, ()):
                merge(total, labels, counts)
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, counts in total.items():
            buckets, seen = [], 0.0
            for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=False):
                seen += count
                buckets.append((bound, seen))
            metric.add_metric(labels, buckets, counts[-1])
        return metric
