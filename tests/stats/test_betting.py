"""Bets on bounded means: fair by enumeration, the same as a naive implementation, and bounds that agree with
the bets."""

import itertools
import math
import pickle
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.stats.betting import (
    FRACTIONS,
    WEIGHTS,
    BoundedMean,
    ConfidenceSequence,
    PairedMean,
    Side,
    mean_chance,
)

Law = dict[float, float]  # value -> chance

VALUES = st.lists(st.floats(-1, 1), min_size=1, max_size=30)
GRID = st.lists(st.integers(0, 200).map(lambda step: step / 200), min_size=1, max_size=60)


def expected_e(make: Callable[[], BoundedMean], law: Law, length: int) -> float:
    """The mean of the e-value over all sequences."""
    total = 0.0
    for sequence in itertools.product(law.items(), repeat=length):
        test = make()
        for value, _ in sequence:
            test.update(value)
        total += math.prod(chance for _, chance in sequence) * math.exp(test.log_e)
    return total


def best_stop(test: BoundedMean, laws: Sequence[Law], looks: int) -> float:
    """The most that the e-value can be expected to be for who chooses when to stop, and each value's law."""
    now = math.exp(test.log_e)
    if not looks:
        return now

    def after(value: float) -> float:
        following = deepcopy(test)
        following.update(value)
        return best_stop(following, laws, looks - 1)

    return max(now, *(sum(chance * after(value) for value, chance in law.items()) for law in laws))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    "law", [{0.0: 0.7, 1.0: 0.3}, {0.0: 0.5, 0.4: 0.25, 0.8: 0.25}, {0.3: 1.0}, {0.0: 0.4, 0.5: 0.6}]
)
def test_where_the_mean_is_the_one_in_question_the_expected_e_value_is_one(side: Side, law: Law) -> None:
    for length in (1, 3, 6):
        assert expected_e(lambda: BoundedMean(0.3, side=side), law, length) == pytest.approx(1)


@pytest.mark.parametrize(("side", "mean"), [(Side.ABOVE, 0.2), (Side.BELOW, 0.4)])
def test_where_the_mean_is_on_the_other_side_the_expected_e_value_is_less(side: Side, mean: float) -> None:
    law = {0.0: 1 - mean, 1.0: mean}

    assert expected_e(lambda: BoundedMean(0.3, side=side), law, 6) < 1


def test_no_rule_of_stopping_and_no_choice_of_laws_makes_it_more_than_one() -> None:
    laws = [{0.0: 0.7, 1.0: 0.3}, {0.3: 1.0}, {0.0: 0.4, 0.5: 0.6}, {0.0: 0.9, 1.0: 0.1}]

    assert best_stop(BoundedMean(0.3), laws, 4) == pytest.approx(1)


@given(VALUES, st.floats(-0.9, 0.9), st.sampled_from(Side))
def test_the_evidence_is_that_of_a_naive_product(values: list[float], mean: float, side: Side) -> None:
    test = BoundedMean(mean, -1, 1, side)
    for value in values:
        test.update(value)

    null, capitals = (mean + 1) / 2, dict.fromkeys((Side.ABOVE, Side.BELOW), 0.0)
    for fraction, weight in zip(FRACTIONS.tolist(), WEIGHTS.tolist(), strict=True):
        up = math.prod(1 + fraction * ((value + 1) / 2 - null) / null for value in values)
        down = math.prod(1 - fraction * ((value + 1) / 2 - null) / (1 - null) for value in values)
        capitals[Side.ABOVE] += up * weight
        capitals[Side.BELOW] += down * weight
    naive = capitals[side] if side in capitals else sum(capitals.values()) / 2

    assert test.log_e == pytest.approx(math.log(naive), abs=1e-6)
    assert test.estimate == pytest.approx(np.mean(values), abs=1e-9)
    assert test.peak >= max(test.log_e, 0.0)


@settings(max_examples=30)
@given(VALUES)
def test_the_bounds_contain_the_running_mean(values: list[float]) -> None:
    bounds = ConfidenceSequence(-1, 1)
    for count, value in enumerate(values, 1):
        bounds.update(value)
        low, high = bounds.interval
        assert -1 <= low <= np.mean(values[:count]) + 1e-9
        assert high <= 1
        assert high >= np.mean(values[:count]) - 1e-9


@settings(max_examples=50)
@given(GRID, st.sampled_from([0.01, 0.05, 0.3]))
def test_the_bounds_are_where_a_bet_on_either_side_has_just_won(values: list[float], alpha: float) -> None:
    bounds = ConfidenceSequence(alpha=alpha)
    for value in values:
        bounds.update(value)
    low, high = bounds.interval

    def evidence(mean: float, side: Side) -> float:
        test = BoundedMean(mean, side=side)
        for value in values:
            test.update(value)
        return test.log_e

    for bound, side, inside in ((low, Side.ABOVE, 1e-6), (high, Side.BELOW, -1e-6)):
        if 1e-6 < bound < 1 - 1e-6:
            assert evidence(bound, side) >= math.log(2 / alpha) - 1e-4
            assert evidence(bound + inside, side) < math.log(2 / alpha)
    for mean in (0.0, 0.25, bounds.estimate, 0.75, 1.0):
        if min(abs(mean - low), abs(mean - high)) > 1e-6:
            assert bounds.covers(mean) == (low <= mean <= high)


@settings(max_examples=30)
@given(VALUES, st.randoms(use_true_random=False))
def test_the_bounds_do_not_depend_on_the_order(values: list[float], random: Any) -> None:
    shuffled = random.sample(values, len(values))
    one, other = ConfidenceSequence(-1, 1), ConfidenceSequence(-1, 1)
    for value, another in zip(values, shuffled, strict=True):
        one.update(value)
        other.update(another)

    assert one.interval == pytest.approx(other.interval, abs=1e-9)


def test_values_between_two_points_of_the_grid_widen_the_bounds() -> None:
    fine, coarse = ConfidenceSequence(), ConfidenceSequence()
    for _ in range(500):
        fine.update(0.5)
        coarse.update(0.50031)

    assert coarse.interval[0] <= fine.interval[0] + 0.00031
    assert coarse.interval[1] >= fine.interval[1] + 0.00031


def test_what_is_remembered_stays_small() -> None:
    sizes, sequence = [], ConfidenceSequence()
    for value in np.random.default_rng(1).uniform(0, 1, 20_000):
        sequence.update(value)
        if sequence.n in (5_000, 20_000):
            sizes.append(len(pickle.dumps(sequence)))

    assert sizes[1] < 1.5 * sizes[0]


@pytest.mark.parametrize("value", [1.01, -0.01, math.nan, math.inf])
def test_a_value_outside_its_bounds_is_refused(value: float) -> None:
    for test in (BoundedMean(0.5), ConfidenceSequence()):
        with pytest.raises(ValueError, match="promised"):
            test.update(value)
        assert test.n == 0


def test_what_cannot_be_tested_is_refused() -> None:
    for mean in (0, 1, 2):
        with pytest.raises(ValueError, match="must lie between"):
            BoundedMean(mean)
    for bad in ((1.0, 0.0, 0.05), (0.0, 1.0, 0.0), (0.0, 1.0, 1.0)):
        with pytest.raises(ValueError, match="no confidence sequence"):
            ConfidenceSequence(*bad)
    with pytest.raises(ValueError, match="margin"):
        PairedMean(1.0)
    with pytest.raises(ValueError, match="no margin"):
        _ = PairedMean().log_e_equivalent


def fed(test: PairedMean, differences: Sequence[float]) -> PairedMean:
    for difference in differences:
        test.update(difference)
    return test


@settings(max_examples=40)
@given(VALUES)
def test_each_of_a_pairs_claims_is_a_bet_of_its_own(differences: list[float]) -> None:
    test = fed(PairedMean(0.2), differences)
    lower, upper = BoundedMean(-0.2, -1, 1, Side.ABOVE), BoundedMean(0.2, -1, 1, Side.BELOW)
    for difference in differences:
        lower.update(difference)
        upper.update(difference)

    assert test.log_e_equivalent == pytest.approx(min(lower.log_e, upper.log_e))
    assert test.is_equivalent() == (min(lower.peak, upper.peak) >= math.log(20))
    assert not test.is_equivalent() or test.is_not_worse()


def test_claims_follow_the_data() -> None:
    random = np.random.default_rng(2)
    same = fed(PairedMean(0.1), random.choice([-1.0, 0.0, 1.0], 600, p=[0.05, 0.9, 0.05]).tolist())
    worse = fed(PairedMean(0.1), random.choice([-1.0, 0.0, 1.0], 600, p=[0.3, 0.65, 0.05]).tolist())

    assert same.is_equivalent()
    assert not same.is_different()
    assert worse.is_different()
    assert not worse.is_not_worse()
    assert worse.zero.log_e_below > worse.log_e > worse.zero.log_e_above
    assert worse.interval[1] < 0


@pytest.mark.parametrize(("mean", "length", "side"), [(0.5, 150, Side.ABOVE), (0.1, 200, Side.EITHER)])
def test_what_is_said_to_be_detectable_is_found_with_about_that_power(
    mean: float, length: int, side: Side
) -> None:
    random = np.random.default_rng(3)
    quiet = BoundedMean(mean, side=side)
    for value in (random.random(length) < mean) * 1.0:
        quiet.update(value)
    shift = quiet.detectable()

    found = 0
    for _ in range(80):
        test = BoundedMean(mean, side=side)
        for value in (random.random(length) < mean + shift) * 1.0:
            test.update(value)
        found += test.peak >= math.log(20)

    assert 0.65 <= found / 80 <= 0.97


def test_few_values_detect_nothing_and_more_detect_more() -> None:
    test, shifts = BoundedMean(0.5), []
    assert test.detectable() == math.inf
    assert test.more() is None
    for place in range(1_000):
        test.update(place % 2)
        shifts.append(test.detectable())

    assert shifts[0] == math.inf
    assert shifts[99] > shifts[999] > 0


def test_how_many_more_values_is_about_right() -> None:
    random = np.random.default_rng(4)
    errors = []
    for _ in range(40):
        test = BoundedMean(0.5)
        values = iter((random.random(5_000) < 0.65) * 1.0)
        for _ in range(60):
            test.update(next(values))
        said = test.more()
        if said:
            taken = next(count for count in itertools.count(1) if test.update(next(values)) >= math.log(20))
            errors.append(math.log(taken / said))

    assert abs(np.median(errors)) < 1


def test_evidence_that_suffices_needs_no_more_values() -> None:
    test = BoundedMean(0.5)
    for _ in range(30):
        test.update(1.0)

    assert test.more() == 0


bounds = cache(mean_chance)  # there are few of them, and many sequences that lead to each


@pytest.mark.parametrize("alpha", [0.05, 0.3])
@pytest.mark.parametrize("step", [-0.25, 0.0, 0.1, 0.3])
def test_bounds_on_a_mean_of_chances_hold_though_each_chance_follows_from_what_came_before(
    alpha: float, step: float
) -> None:
    missed = 0.0
    for sequence in itertools.product((0.0, 1.0), repeat=9):
        chances, weight, out = list[float](), 1.0, False
        for place, value in enumerate(sequence):
            chance = min(max(0.5 + step * (sum(sequence[:place]) - 1), 0.05), 0.95)
            chances.append(chance)
            weight *= chance if value else 1 - chance
            low, high = bounds(int(sum(sequence[: place + 1])), place + 1, alpha)
            out |= not low <= sum(chances) / len(chances) <= high
        missed += weight * out

    assert missed <= alpha


def test_who_is_right_fourteen_times_in_a_row_does_not_guess() -> None:
    assert mean_chance(14, 14)[0] > 0.65
    assert mean_chance(0, 14)[1] < 0.35
    assert mean_chance(0, 0) == (0.0, 1.0)
    assert mean_chance(500, 1_000) == pytest.approx((0.446, 0.554), abs=1e-3)
