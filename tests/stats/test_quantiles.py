"""Quantiles, against scipy."""

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from freehold.stats.quantiles import (
    beta_quantile,
    binomial_quantile,
    incomplete_beta,
    normal_quantile,
    t_quantile,
)

probabilities = st.floats(1e-6, 1 - 1e-6)
shapes = st.floats(0.3, 500)


@given(probabilities, st.floats(0.5, 1e5))
def test_quantiles_of_t_are_those_of_scipy(probability: float, freedom: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(
        scipy.stats.t.ppf(probability, freedom), rel=1e-6, abs=1e-7
    )


@given(probabilities, shapes, shapes)
def test_quantiles_of_beta_are_those_of_scipy(probability: float, a: float, b: float) -> None:
    assert beta_quantile(probability, a, b) == pytest.approx(
        scipy.stats.beta.ppf(probability, a, b), rel=1e-6, abs=1e-9
    )


@given(probabilities, st.integers(1, 300), st.floats(0.001, 0.999))
def test_quantiles_of_successes_are_those_of_scipy(probability: float, trials: int, rate: float) -> None:
    found = binomial_quantile(probability, trials, rate)

    assert scipy.stats.binom.cdf(found, trials, rate) >= probability - 1e-12
    assert scipy.stats.binom.cdf(found - 1, trials, rate) < probability + 1e-12


@given(st.floats(0, 1), shapes, shapes)
def test_the_incomplete_beta_function_is_that_of_scipy(x: float, a: float, b: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(scipy.special.betainc(a, b, x), rel=1e-9, abs=1e-12)


def test_t_of_endless_freedom_is_normal() -> None:
    assert t_quantile(0.975, float("inf")) == normal_quantile(0.975) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("probability", [0.0, 1.0, -1.0, 2.0])
def test_what_is_no_probability_has_no_quantile(probability: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_quantile(probability, 5)
