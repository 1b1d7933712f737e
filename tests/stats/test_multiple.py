"""e-values merged, and e-BH beside a naive implementation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.stats.multiple import discovery_levels, e_bh, e_mean, log_mean

E_VALUES = st.lists(
    st.one_of(st.floats(0, 200), st.sampled_from([0.0, 20.0, 40.0, math.inf])), min_size=1, max_size=12
)
ALPHAS = st.sampled_from([0.01, 0.05, 0.2, 1.0])


def naive_e_bh(e_values: list[float], alpha: float) -> list[bool]:
    """By the definition, trying every number of rejections."""
    total, best = len(e_values), 0
    for count in range(1, total + 1):
        if sum(one >= total / (alpha * count) for one in e_values) >= count:
            best = count
    return [best > 0 and one >= total / (alpha * best) for one in e_values]


@given(E_VALUES, ALPHAS)
def test_e_bh_rejects_what_its_definition_says(e_values: list[float], alpha: float) -> None:
    assert e_bh(e_values, alpha).tolist() == naive_e_bh(e_values, alpha)


@given(E_VALUES, ALPHAS)
def test_a_hypothesis_is_rejected_from_its_level_upwards(e_values: list[float], alpha: float) -> None:
    for level, rejected in zip(discovery_levels(e_values), e_bh(e_values, alpha), strict=True):
        if abs(level - alpha) > 1e-9:
            assert (level < alpha) == rejected


def test_among_many_nulls_few_are_rejected() -> None:
    random = np.random.default_rng(0)
    false = sum(bool(e_bh(np.exp(random.normal(-2, 2, 30)), 0.1).any()) for _ in range(2_000))

    assert false / 2_000 <= 0.1


@given(st.lists(st.floats(-300, 300), min_size=1, max_size=9))
def test_the_mean_of_logs_is_the_log_of_the_mean(logs: list[float]) -> None:
    assert log_mean(logs) == pytest.approx(math.log(np.mean(np.exp(logs))), abs=1e-9)


def test_the_mean_of_logs_bears_any_size() -> None:
    assert log_mean([5_000.0, 5_000.0]) == 5_000.0
    assert log_mean([-math.inf, -math.inf]) == -math.inf
    assert log_mean([-5_000.0, 0.0], weights=[1, 3]) == pytest.approx(math.log(0.75))


def test_merging_keeps_an_e_value_an_e_value() -> None:
    coin = [(0.5, 2.0), (0.5, 0.0)]  # chance, e-value: mean 1

    assert sum(p * q * e_mean([a, b]) for p, a in coin for q, b in coin) == pytest.approx(1)
    assert e_mean([2.0, 4.0]) == 3.0


@pytest.mark.parametrize("bad", [[-1.0], [math.nan], [[1.0]]])
def test_what_is_no_e_value_is_refused(bad: list[float]) -> None:
    for merge in (e_mean, discovery_levels, lambda e_values: e_bh(e_values, 0.05)):
        with pytest.raises(ValueError, match="e-value"):
            merge(bad)


def test_no_hypotheses_give_no_rejections_and_bad_settings_are_refused() -> None:
    assert e_bh([], 0.05).tolist() == []
    with pytest.raises(ValueError, match="alpha"):
        e_bh([1.0], 0.0)
    with pytest.raises(ValueError, match="weights"):
        log_mean([1.0, 2.0], [0.0, 0.0])
