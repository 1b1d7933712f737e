"""Approximate power: moments as numpy has them, growth beside the best bet found by search, rules that agree."""

import math

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from freehold.stats.power import HEDGE_COST, Moments, detectable_shift, growth, kl, more_values, values_needed


def of(values: list[float]) -> Moments:
    seen = Moments()
    for value in values:
        seen.add(value)
    return seen


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_moments_are_those_of_all_values(values: list[float]) -> None:
    seen = of(values)

    assert seen.n == len(values)
    assert seen.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert seen.squares == pytest.approx(np.var(values) * len(values), abs=1e-9)
    assert 0 < seen.spread <= 1


@given(st.floats(0, 1), st.floats(0.01, 0.99))
def test_divergence_is_scipys(p: float, q: float) -> None:
    assert kl(p, q) == pytest.approx(
        scipy.special.kl_div(p, q) + scipy.special.kl_div(1 - p, 1 - q), abs=1e-9
    )


def best_growth(values: list[float], chances: list[float], null: float) -> float:
    """By search over all fractions."""
    fractions = np.linspace(0, 0.98, 2_000)[:, None]
    return float((np.log1p(fractions * (np.array(values) / null - 1)) @ np.array(chances)).max())


@pytest.mark.parametrize(("null", "shift"), [(0.5, 0.1), (0.1, 0.1), (0.3, 0.02)])
def test_growth_is_that_of_the_best_bet_on_zeros_and_ones(null: float, shift: float) -> None:
    mean = null + shift

    assert growth(shift, null, 1.0) == pytest.approx(best_growth([0, 1], [1 - mean, mean], null), rel=1e-3)


def test_growth_is_about_that_of_the_best_bet_on_narrower_values() -> None:
    values, chances, null = [0.3, 0.5, 0.8], [0.3, 0.4, 0.3], 0.5
    mean = float(np.dot(values, chances))
    spread = float(np.dot(np.square(values), chances) - mean**2) / (mean * (1 - mean))

    assert growth(mean - null, null, spread) == pytest.approx(best_growth(values, chances, null), rel=0.15)


@pytest.mark.parametrize("power", [0.5, 0.8, 0.9])
def test_after_the_values_needed_capital_has_passed_with_that_chance(power: float) -> None:
    random, needed = np.random.default_rng(1), values_needed(0.02, math.log(20), power)

    capital = random.normal(0.02 * needed, math.sqrt(2 * 0.02 * needed), 20_000)

    assert (capital >= math.log(20) + HEDGE_COST).mean() == pytest.approx(power, abs=0.02)
    assert values_needed(0.0, math.log(20)) == math.inf


def test_what_is_detectable_needs_as_many_values_as_were_seen() -> None:
    seen = of([0.0, 1.0] * 200)

    shift = detectable_shift(seen, 0.5, 1, math.log(20))

    assert values_needed(growth(shift, 0.5, 1.0), math.log(20)) == pytest.approx(400, rel=1e-6)
    assert detectable_shift(seen, 0.5, -1, math.log(20)) == pytest.approx(shift, rel=1e-6)
    assert detectable_shift(of([0.5]), 0.5, 1, math.log(20)) == math.inf


def test_more_values_are_what_is_missing_at_the_rate_so_far() -> None:
    seen = of([1.0, 1.0, 1.0, 0.0] * 10)
    rate = growth(0.25, 0.5, seen.spread)

    assert more_values(seen, 0.5, 1, 1.0, 3.0) == math.ceil(2.0 / rate)
    assert more_values(seen, 0.5, -1, 0.0, 3.0) is None
    assert more_values(seen, 0.5, 1, 3.5, 3.0) == 0
    assert more_values(Moments(), 0.4, 1, 0.0, 3.0) is None
