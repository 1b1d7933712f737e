"""How well a subject does, how much better one does than another on the same rows, and the pairs promotion rests on.

A metric over rows is a ratio of two sums. Its interval is that of a mean, of what each row moves it by (Taylor
linearisation: Cochran, Sampling Techniques, 3rd ed. 1977, sec. 6.4), clustered. Where too few clusters differ for
Student's t to be trusted, it is a bet's bounds, which are wider and always hold.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from freehold.bench.stopping import Clusters
from freehold.own.evaluate.report import Compared, Measured, Pair
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.stats.betting import ConfidenceSequence
from freehold.stats.intervals import mean_interval
from freehold.vocabulary.report import Interval

DIFFERING_MIN = 10  # clusters that differ from the usual one; where there are fewer clusters, all but one
CLUSTERS_MIN = 5
HELD_OUT = "held out"
Vector = NDArray[np.float64]


def measured(scores: Scores) -> Measured:
    """A subject by itself. Raises ValueError where it has no rows, or none that weighs anything."""
    rows = list(_known(scores).values())
    if not rows:
        raise ValueError(f"{scores.subject} has no rows in {scores.metric}, {scores.on}")
    moved, estimate = _moved(rows)
    labels = [row.cluster for row in rows]
    means = _by_cluster(rows)
    if _enough(list(means.values()), len(rows)):
        value = Interval(*mean_interval(moved + estimate, labels))
    else:
        placed = {name: (_placed(scores, mean),) for name, mean in means.items()}
        low, high = sorted(
            scores.worst + at * (scores.best - scores.worst)
            for at in _bets(placed, _weights(rows), (0.0, 1.0))
        )
        value = Interval(estimate, low, high, anytime=True)
    return Measured(
        scores.subject,
        scores.metric,
        scores.on,
        scores.better,
        value,
        len(rows),
        len(means),
        scores.baseline,
    )


def compared(first: Scores, second: Scores) -> Compared | None:
    """Two subjects on the rows that both have; None where they share none, or are of different metrics."""
    if (first.metric, first.on) != (second.metric, second.on):
        return None
    of = _known(second)
    mine = [row for row in _known(first).values() if row.id in of]
    if not mine:
        return None
    theirs = [of[row.id] for row in mine]
    value = _difference(first, mine, theirs)
    clusters = len({row.cluster for row in mine})
    return Compared(first.subject, second.subject, first.metric, first.on, value, len(mine), clusters)


def paired(own: Scores, incumbent: Scores) -> Iterator[Pair]:
    """Each row that both have, put between the metric's worst and best; what lies beyond counts as these."""
    of = _known(incumbent)
    for row in _known(own).values():
        if row.id in of:
            points = (_placed(own, it.value / it.weight) for it in (row, of[row.id]))
            yield Pair(row.id, row.cluster, incumbent.subject, own.on, *points)


def _known(scores: Scores) -> dict[str, RowScore]:
    return {row.id: row for row in scores.rows if row.weight > 0}


def _difference(scores: Scores, mine: Sequence[RowScore], theirs: Sequence[RowScore]) -> Interval:
    sign = 1.0 if scores.better == "higher" else -1.0
    (first, one), (second, other) = _moved(mine), _moved(theirs)
    moved, estimate = sign * (first - second), sign * (one - other)
    here, there = _by_cluster(mine), _by_cluster(theirs)
    if _enough([here[name] - there[name] for name in here], len(mine)):
        return Interval(*mean_interval(moved + estimate, [row.cluster for row in mine]))
    points = {name: (_placed(scores, here[name]) - _placed(scores, there[name]),) for name in here}
    span = abs(scores.best - scores.worst)
    low, high = _bets(points, _weights(mine), (-1.0, 1.0))
    return Interval(estimate, low * span, high * span, anytime=True)


def _moved(rows: Sequence[RowScore]) -> tuple[Vector, float]:
    """By how much each row moves the ratio, times the number of rows; and the ratio."""
    values = np.array([row.value for row in rows])
    weights = np.array([row.weight for row in rows])
    total = weights.sum()
    ratio = float(values.sum() / total)
    return (values - ratio * weights) * (len(rows) / total), ratio


def _by_cluster(rows: Sequence[RowScore]) -> dict[str, float]:
    values: dict[str, float] = defaultdict(float)
    for row in rows:
        values[row.cluster] += row.value
    weights = _weights(rows)
    return {name: value / weights[name] for name, value in values.items()}


def _weights(rows: Sequence[RowScore]) -> Mapping[str, float]:
    found: dict[str, float] = defaultdict(float)
    for row in rows:
        found[row.cluster] += row.weight
    return found


def _enough(means: Sequence[float], rows: int) -> bool:
    usual = Counter(means).most_common(1)[0][1]
    return (
        rows > 1 and len(means) >= CLUSTERS_MIN and len(means) - usual >= min(DIFFERING_MIN, len(means) - 1)
    )


def _placed(scores: Scores, value: float) -> float:
    return min(1.0, max(0.0, (value - scores.worst) / (scores.best - scores.worst)))


def _bets(
    points: Mapping[str, Sequence[float]], weights: Mapping[str, float], ends: tuple[float, float]
) -> tuple[float, float]:
    sequence, clusters = ConfidenceSequence(*ends), Clusters(weights)
    for name, inside in points.items():
        sequence.update(clusters.term(name, inside))
    return clusters.stretched(sequence.interval, *ends)
