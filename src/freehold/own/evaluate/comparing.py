"""How well a subject does, how much better one does than another on the same rows, and the pairs promotion rests on.

A metric over rows is a ratio of two sums (`stats.intervals.ratio_interval`), clustered. Where too few clusters differ
for Student's t to be trusted, or one has most of the weight, it is a bet's bounds, which are wider and always hold.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from freehold.bench.stopping import Clusters
from freehold.own.evaluate.report import Compared, Measured, Pair
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.stats.betting import ConfidenceSequence
from freehold.stats.intervals import ratio_interval
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
    weights, means = _weights(rows), _by_cluster(rows)
    if _enough(list(means.values()), weights):
        labels = [row.cluster for row in rows]
        value = Interval(*ratio_interval(estimate, moved, [row.weight for row in rows], labels))
    else:
        placed = {name: (_placed(scores, mean),) for name, mean in means.items()}
        bounds = (
            scores.worst + at * (scores.best - scores.worst) for at in _bets(placed, weights, (0.0, 1.0))
        )
        low, *_, high = sorted((*bounds, estimate))  # what lies beyond the worst was put there
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
    both = _both(first, second)
    mine, theirs = ([pair[side] for pair in both] for side in (0, 1))
    if not any(row.weight for row in mine) or not any(row.weight for row in theirs):
        return None
    value = _difference(first, mine, theirs)
    clusters = len({row.cluster for row in mine})
    return Compared(first.subject, second.subject, first.metric, first.on, value, len(mine), clusters)


def paired(own: Scores, incumbent: Scores) -> Iterator[Pair]:
    """Each row that both have, put between the metric's worst and best; what lies beyond counts as these.

    A row that only the incumbent could be asked about is the worst for the model. Where one of them has nothing that
    weighs, as who marks nothing in a text without marks, it has made no mistake.
    """
    for row, other in _both(own, incumbent):
        mine, theirs = (_placed(own, it.value / it.weight) if it.weight else 1.0 for it in (row, other))
        weight = max(row.weight, other.weight)
        yield Pair(row.id, row.cluster, incumbent.subject, own.on, mine, theirs, weight, own.bits)
    asked = {row.id for row in own.rows}
    for row in incumbent.rows:
        if row.id not in asked and row.weight:
            theirs = _placed(own, row.value / row.weight)
            yield Pair(row.id, row.cluster, incumbent.subject, own.on, 0.0, theirs, row.weight, own.bits)


def _both(first: Scores, second: Scores) -> list[tuple[RowScore, RowScore]]:
    """Rows of both, but for those that weigh nothing in either."""
    of = {row.id: row for row in second.rows}
    found = ((row, of[row.id]) for row in {row.id: row for row in first.rows}.values() if row.id in of)
    return [(row, other) for row, other in found if row.weight or other.weight]


def _known(scores: Scores) -> dict[str, RowScore]:
    return {row.id: row for row in scores.rows if row.weight > 0}


def _difference(scores: Scores, mine: Sequence[RowScore], theirs: Sequence[RowScore]) -> Interval:
    sign = 1.0 if scores.better == "higher" else -1.0
    (first, one), (second, other) = _moved(mine), _moved(theirs)
    moved, estimate = sign * (first - second), sign * (one - other)
    here, there = _by_cluster(mine), _by_cluster(theirs)
    heavier = [max(pair, key=_weight) for pair in zip(mine, theirs, strict=True)]
    weights = _weights(heavier)
    if _enough([here[name] - there[name] for name in here], weights):
        labels = [row.cluster for row in mine]
        return Interval(*ratio_interval(estimate, moved, [row.weight for row in heavier], labels))
    points = {name: (_placed(scores, here[name]) - _placed(scores, there[name]),) for name in here}
    span = abs(scores.best - scores.worst)
    bounds = (at * span for at in _bets(points, weights, (-1.0, 1.0)))
    low, *_, high = sorted((*bounds, estimate))
    return Interval(estimate, low, high, anytime=True)


def _moved(rows: Sequence[RowScore]) -> tuple[Vector, float]:
    """By how much each row moves the ratio; and the ratio."""
    values = np.array([row.value for row in rows])
    weights = np.array([row.weight for row in rows])
    total = weights.sum()
    ratio = float(values.sum() / total)
    return (values - ratio * weights) / total, ratio


def _by_cluster(rows: Sequence[RowScore]) -> dict[str, float]:
    values: dict[str, float] = defaultdict(float)
    for row in rows:
        values[row.cluster] += row.value
    weights = _weights(rows)
    return {name: value / weights[name] if weights[name] else 0.0 for name, value in values.items()}


def _weights(rows: Sequence[RowScore]) -> Mapping[str, float]:
    found: dict[str, float] = defaultdict(float)
    for row in rows:
        found[row.cluster] += row.weight
    return found


def _enough(means: Sequence[float], weights: Mapping[str, float]) -> bool:
    differing = len(means) - Counter(means).most_common(1)[0][1]
    evenly = 2 * max(weights.values()) <= sum(weights.values())
    return len(means) >= CLUSTERS_MIN and differing >= min(DIFFERING_MIN, len(means) - 1) and evenly


def _weight(row: RowScore) -> float:
    return row.weight


def _placed(scores: Scores, value: float) -> float:
    return min(1.0, max(0.0, (value - scores.worst) / (scores.best - scores.worst)))


def _bets(
    points: Mapping[str, Sequence[float]], weights: Mapping[str, float], ends: tuple[float, float]
) -> tuple[float, float]:
    sequence, clusters = ConfidenceSequence(*ends), Clusters(weights)
    for name, inside in points.items():
        sequence.update(clusters.term(name, inside))
    return clusters.stretched(sequence.interval, *ends)
