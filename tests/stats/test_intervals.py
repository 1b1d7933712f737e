"""Intervals, against the formulas written out in full, against scipy, and in simulation."""

from typing import Any

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from freehold.stats.intervals import clopper_pearson, mean_interval, predicted, ratio_interval, wilson
from freehold.stats.quantiles import t_quantile

Floats = NDArray[np.float64]

samples = arrays(float, st.integers(2, 30), elements=st.integers(-8, 8).map(float))


@given(samples)
def test_without_clusters_it_is_the_t_interval_of_scipy(x: Floats) -> None:
    found = mean_interval(x)

    if np.ptp(x) == 0:
        assert found == (x[0], x[0], x[0])
    else:
        low, high = scipy.stats.t.interval(0.95, len(x) - 1, x.mean(), scipy.stats.sem(x))
        assert found == pytest.approx((x.mean(), low, high), abs=1e-6)


def cr2_in_full(x: Floats, labels: NDArray[Any]) -> tuple[float, float]:
    """Bell and McCaffrey's variance and degrees of freedom by their matrices, without the closed form."""
    count = len(x)
    hat = np.full((count, count), 1 / count)
    residuals = x - x.mean()
    variance, columns = 0.0, []
    for label in np.unique(labels):
        inside = np.flatnonzero(labels == label)
        left = np.eye(len(inside)) - hat[np.ix_(inside, inside)]
        values, vectors = np.linalg.eigh(left)
        adjust = vectors @ np.diag(values**-0.5) @ vectors.T
        weights = adjust @ np.full(len(inside), 1 / count)
        variance += float(weights @ residuals[inside]) ** 2
        columns.append((np.eye(count) - hat)[:, inside] @ weights)
    both = np.array(columns) @ np.array(columns).T
    return variance, float(np.trace(both) ** 2 / (both**2).sum())


@given(st.data(), st.integers(3, 20))
def test_clustered_intervals_are_those_of_the_matrices(data: st.DataObject, count: int) -> None:
    x = data.draw(arrays(float, count, elements=st.floats(-5, 5)))
    labels = data.draw(arrays(int, count, elements=st.integers(0, 5)))
    labels[:2] = (0, 1)
    variance, freedom = cr2_in_full(x, labels)

    half = scipy.stats.t.ppf(0.975, freedom) * variance**0.5
    assert mean_interval(x, labels.tolist()) == pytest.approx(
        (x.mean(), x.mean() - half, x.mean() + half), abs=1e-6, rel=1e-6
    )


def test_clustered_intervals_cover_where_plain_ones_do_not() -> None:
    random, plain, clustered, rounds = np.random.default_rng(1), 0, 0, 400
    labels = np.repeat(np.arange(12), 10)
    for _ in range(rounds):
        x = np.repeat(random.normal(size=12), 10) + 0.5 * random.normal(size=120)
        plain += mean_interval(x).low <= 0 <= mean_interval(x).high
        found = mean_interval(x, labels)
        clustered += found.low <= 0 <= found.high

    assert plain / rounds < 0.7
    assert 0.92 <= clustered / rounds <= 0.98


@given(st.integers(0, 40), st.integers(0, 40))
def test_rates_are_those_of_scipy(successes: int, failures: int) -> None:
    trials = max(1, successes + failures)
    for ours, name in ((wilson, "wilson"), (clopper_pearson, "exact")):
        theirs = scipy.stats.binomtest(min(successes, trials), trials).proportion_ci(0.95, name)
        found = ours(min(successes, trials), trials)
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-7)


@given(st.integers(1, 60), st.integers(1, 80), st.data())
def test_predicted_rates_are_those_of_beta_binomials(trials: int, further: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    found = predicted(successes, trials, further)
    low, high = round(found.low * further), round(found.high * further)
    below = scipy.stats.betabinom(further, max(successes, 1e-9), trials - successes + 1)
    above = scipy.stats.betabinom(further, successes + 1, max(trials - successes, 1e-9))

    assert below.cdf(low - 1) <= 0.025 + 1e-9
    assert below.cdf(low) >= 0.025 - 1e-9
    assert above.cdf(high - 1) <= 0.975 + 1e-9
    assert above.cdf(high) >= 0.975 - 1e-9


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: mean_interval([1.0]), "two values"),
        (lambda: mean_interval([1.0, np.nan]), "finite"),
        (lambda: mean_interval([1.0, 2.0], ["a", "a"]), "two clusters"),
        (lambda: mean_interval([1.0, 2.0], ["a"]), "every value needs a cluster"),
        (lambda: wilson(3, 2), "cannot be"),
        (lambda: clopper_pearson(0, 0), "cannot be"),
        (lambda: predicted(3, 2, 5), "cannot be"),
    ],
)
def test_what_has_no_interval_is_refused(call: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        call()


def linearised(values: list[float], weights: list[float]) -> tuple[float, list[float]]:
    ratio, total = sum(values) / sum(weights), sum(weights)
    moved = [(value - ratio * weight) / total for value, weight in zip(values, weights, strict=True)]
    return ratio, moved


def test_a_ratio_with_weights_that_are_all_alike_is_a_mean() -> None:
    values = [1.0, 2.5, 2.0, 4.0, 3.5, 1.5]
    ratio, moved = linearised(values, [1.0] * 6)

    assert ratio_interval(ratio, moved, [1.0] * 6, list(range(6))) == pytest.approx(mean_interval(values))


def test_a_ratios_freedom_is_that_of_its_clusters_means() -> None:
    values, weights = [4.0, 90.0, 3.0, 22.0, 9.0, 30.0], [2.0, 40.0, 1.0, 10.0, 5.0, 12.0]
    clusters = [0, 1, 2, 2, 3, 4]
    ratio, moved = linearised(values, weights)

    shares = np.bincount(clusters, weights=weights) / sum(weights)
    residuals = np.eye(5) - shares  # of clusters' means, from them
    covariance = residuals @ residuals.T
    scaled = np.diag(shares / np.sqrt(np.diag(covariance)))
    form = scaled @ covariance @ scaled
    freedom = np.trace(form) ** 2 / (form**2).sum()
    error = np.sqrt((np.bincount(clusters, weights=moved) ** 2 / np.diag(covariance)).sum())

    found = ratio_interval(ratio, moved, weights, clusters)
    assert found.high - ratio == pytest.approx(t_quantile(0.975, freedom) * error)
    assert found.low == pytest.approx(2 * ratio - found.high)
