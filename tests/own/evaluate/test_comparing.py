"""What a subject scores, and by how much one is better, with intervals that keep their word."""

import math
import random
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.own.evaluate.comparing import compared, measured, paired
from freehold.own.evaluate.scores import RowScore, Scores

FEW = settings(max_examples=30)
VALUES = st.lists(st.floats(0, 8), min_size=2, max_size=40)


def scores(
    values: list[float],
    subject: str = "own/small",
    better: Literal["lower", "higher"] = "lower",
    cluster: Callable[[int], object] = int,
) -> Scores:
    rows = tuple(RowScore(str(at), str(cluster(at)), value) for at, value in enumerate(values))
    best, worst = (0.0, 8.0) if better == "lower" else (8.0, 0.0)
    return Scores(subject, "bits per byte", better, best, worst, rows)


@FEW
@given(st.lists(st.tuples(st.floats(0, 8), st.floats(0.5, 100)), min_size=1, max_size=40))
def test_a_metric_is_the_sum_of_values_by_the_sum_of_weights(rows: list[tuple[float, float]]) -> None:
    known = tuple(RowScore(str(at), str(at), rate * weight, weight) for at, (rate, weight) in enumerate(rows))
    found = measured(replace(scores([]), rows=known))
    expected = sum(row.value for row in known) / sum(row.weight for row in known)
    assert found.value.estimate == pytest.approx(expected)
    assert found.value.low - 1e-6 <= expected <= found.value.high + 1e-6


@FEW
@given(VALUES, VALUES)
def test_the_better_one_is_above_nothing_in_either_sense_of_better(
    one: list[float], other: list[float]
) -> None:
    lower = compared(scores(one), scores(other, "xz"))
    higher = compared(scores(one, better="higher"), scores(other, "xz", better="higher"))
    back = compared(scores(other, "xz"), scores(one))
    assert lower is not None and higher is not None and back is not None
    assert lower.value.estimate == pytest.approx(-higher.value.estimate)
    assert (back.value.low, back.value.high) == pytest.approx((-lower.value.high, -lower.value.low))
    assert lower.rows == min(len(one), len(other))


def test_what_is_alike_on_both_sides_cancels() -> None:
    chance = random.Random(1)
    easy = [chance.uniform(1, 7) for _ in range(60)]
    found = compared(scores(easy), scores([value + 0.1 + chance.gauss(0, 0.01) for value in easy], "xz"))
    assert found is not None
    assert 0.09 < found.value.low < found.value.high < 0.11


def test_rows_that_hang_together_widen_the_interval() -> None:
    chance = random.Random(2)
    levels = [chance.uniform(1, 3) for _ in range(20)]
    values = [levels[at // 10] for at in range(200)]
    alone, together = measured(scores(values)), measured(scores(values, cluster=lambda at: at // 10))
    assert (alone.clusters, together.clusters) == (200, 20)
    assert together.value.high - together.value.low > 2 * (alone.value.high - alone.value.low)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    chance = random.Random(4)
    covered = 0
    for _ in range(300):
        means = [chance.gauss(2, 0.3) for _ in range(12)]
        rows = tuple(
            RowScore(f"{at}/{row}", str(at), chance.gauss(mean, 0.2) * weight, weight)
            for at, mean in enumerate(means)
            for row, weight in enumerate([1.0] * 5)
        )
        found = measured(replace(scores([]), rows=rows)).value
        covered += found.low <= 2 <= found.high
    assert covered >= 275  # 285 expected; fewer than 275 once in 200 times


@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_intervals_of_documents_of_very_different_lengths_cover_the_truth(spread: float) -> None:
    chance = random.Random(5)
    covered, bets = 0, 0
    for _ in range(200):
        sizes = [1000 * math.exp(chance.gauss(0, spread)) for _ in range(20)]
        rows = tuple(
            RowScore(str(at), str(at), chance.gauss(2, 0.3) * size, size) for at, size in enumerate(sizes)
        )
        found = measured(replace(scores([]), rows=rows)).value
        covered += found.low <= 2 <= found.high
        bets += found.anytime
    assert covered >= 184  # 190 expected; fewer than 184 once in 50 times
    assert bets < 100  # those where one document is most of all bytes


def test_an_interval_holds_its_estimate_whatever_lies_beyond_the_worst() -> None:
    found = measured(scores([9.0, 10.0]))
    assert found.value.low <= found.value.estimate == 9.5 <= found.value.high


def marked(subject: str, *rows: tuple[float, float]) -> Scores:
    """Hits and how many could be hit, as F1 has them."""
    told = tuple(RowScore(str(at), str(at), *row) for at, row in enumerate(rows))
    return Scores(subject, "F1", "higher", 1.0, 0.0, told)


def test_who_marks_what_is_nothing_is_worse_than_who_does_not() -> None:
    careless, careful = marked("own/a", (2, 2), (0, 3)), marked("rival/b", (2, 2), (0, 0))
    found = compared(careless, careful)
    assert found is not None and found.value.estimate == pytest.approx(0.4 - 1)
    assert [(one.own, one.incumbent) for one in paired(careless, careful)] == [(1, 1), (0, 1)]
    assert [(one.own, one.incumbent) for one in paired(careful, careless)] == [(1, 1), (1, 0)]


def test_a_row_that_only_the_incumbent_could_be_asked_about_is_a_miss() -> None:
    short = replace(scores([2.0]), rows=(RowScore("0", "0", 20.0, 10.0),))
    long = replace(short, subject="own/old", rows=(*short.rows, RowScore("1", "1", 40.0, 10.0)))
    assert [(one.id, one.own, one.incumbent) for one in paired(short, long)] == [
        ("0", 0.75, 0.75),
        ("1", 0, 0.5),
    ]
    assert len(list(paired(long, short))) == 1


def test_where_hardly_any_cluster_differs_the_interval_is_a_bets() -> None:
    found = measured(replace(scores([1.0] * 98 + [0.0] * 2, better="higher"), best=1.0, worst=0.0))
    assert found.value.anytime
    assert found.value.low < 0.98 < found.value.high <= 1.0


def test_one_row_says_next_to_nothing() -> None:
    found = measured(scores([2.0]))
    assert (found.value.low, found.value.high) == pytest.approx((0.0, 8.0), abs=0.5)


def test_a_subject_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="own/small has no rows in bits per byte, held out"):
        measured(scores([]))


def test_other_metrics_and_other_rows_are_not_compared() -> None:
    one = scores([1.0, 2.0])
    assert compared(one, replace(one, metric="accuracy")) is None
    assert compared(one, replace(one, on="Salmonella")) is None
    assert compared(one, replace(one, rows=(RowScore("else", "else", 1.0),))) is None


@FEW
@given(st.floats(-2, 10), st.floats(-2, 10))
def test_pairs_lie_between_the_worst_and_the_best(own: float, other: float) -> None:
    (found,) = paired(scores([own]), scores([other], "rival/large"))
    assert 0 <= found.own <= 1 and 0 <= found.incumbent <= 1
    assert (found.own >= found.incumbent) or own > other
    assert (found.against, found.source) == ("rival/large", "held out")
    assert next(paired(scores([0.0]), scores([8.0]))).own == 1.0
