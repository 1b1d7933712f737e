"""Learners: odd functions, and one in two forms that must agree."""

import math

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.stats.experts import DEFERRED, Kernel, Linear, log_normal_cdf, slope_and_curve

SEEDS = st.integers(0, 2**32 - 1)


@given(st.floats(-1e4, 30))
def test_the_logarithm_of_the_normal_distribution_is_scipys(z: float) -> None:
    assert log_normal_cdf(z) == pytest.approx(float(scipy.special.log_ndtr(z)), rel=1e-5, abs=1e-12)


@given(st.floats(-6, 6), st.floats(1, 5))
def test_slope_and_curve_are_derivatives(mean: float, spread: float) -> None:
    step = 1e-4
    values = [log_normal_cdf((mean + by) / spread) for by in (-step, 0.0, step)]
    slope, curve = slope_and_curve(mean / spread, spread)

    assert slope == pytest.approx((values[2] - values[0]) / (2 * step), rel=1e-4, abs=1e-6)
    assert curve == pytest.approx((values[2] - 2 * values[1] + values[0]) / step**2, rel=1e-2, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.05, 3))
def test_a_kernel_of_inner_products_guesses_as_linear_weights_do(seed: int, deviation: float) -> None:
    count, size = 3 * DEFERRED + 2, 5
    rows = np.random.default_rng(seed).normal(0.3, 1.0, (count, size))
    linear, kernel = Linear(np.zeros(size), deviation), Kernel(deviation**2, count)

    for at, row in enumerate(rows):
        assert kernel.guess(rows[:at] @ row, float(row @ row)) == pytest.approx(linear.guess(row), abs=1e-7)
        linear.learn(row)
        kernel.learn()


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_pair_turned_around_turns_the_guess_around(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(0.3, 1.0, (20, 4))
    linear, kernel = Linear(np.full(4, 0.2), 1.0), Kernel(1.0, 20)
    for at, row in enumerate(rows):
        own, past = float(row @ row), rows[:at] @ row
        assert kernel.guess(-past, own) == pytest.approx(-kernel.guess(past, own), abs=1e-12)
        assert linear.guess(-row) == pytest.approx(-linear.guess(row), abs=1e-12)
        linear.learn(row)
        kernel.learn()


def test_what_is_learned_is_used() -> None:
    linear = Linear(np.zeros(1), 1.0)
    guesses = []
    for _ in range(30):
        guesses.append(linear.guess(np.ones(1)))
        linear.learn(np.ones(1))

    assert guesses[0] == 0.0
    assert guesses == sorted(guesses)
    assert guesses[-1] > 1.0


def test_beyond_its_capacity_a_kernel_guesses_on_and_learns_no_more() -> None:
    kernel = Kernel(1.0, 2)
    for at in range(5):
        guess = kernel.guess(np.ones(min(at, 2)), 1.0)
        kernel.learn()

    assert kernel.size == 2
    assert guess == kernel.guess(np.ones(2), 1.0)
    assert math.isfinite(guess)
