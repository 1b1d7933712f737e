"""Intervals for a sample of fixed size: means, rates; clustered where values come in groups.

They hold for one look at the end. Who looks more often needs a confidence sequence (`betting.py`).
"""

from collections.abc import Sequence
from math import inf, lgamma, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from freehold.stats.quantiles import beta_quantile, normal_quantile, t_quantile

Floats = NDArray[np.float64]
Labels = Sequence[object] | NDArray[Any]


class Bounds(NamedTuple):
    """An estimate and the interval around it."""

    estimate: float
    low: float
    high: float


def mean_interval(x: ArrayLike, clusters: Labels | None = None, confidence: float = 0.95) -> Bounds:
    """The mean of x, by Student's t; with `clusters`, one label for each value, values of one label may hang together.

    Clustered: the CR2 variance with Satterthwaite's degrees of freedom (Bell & McCaffrey 2002, Survey
    Methodology 28), which for a mean has the closed form below. Without clusters it is the t interval.

    Raises ValueError for fewer than two values or clusters.
    """
    values = _values(x)
    sizes, sums = _cluster_sums(values - values.mean(), clusters)
    error, freedom = _mean_error(sizes, sums)
    return _around(float(values.mean()), t_quantile((1 + confidence) / 2, freedom) * error if error else 0.0)


def ratio_interval(
    estimate: float, moved: ArrayLike, weights: ArrayLike, clusters: Labels, confidence: float = 0.95
) -> Bounds:
    """A ratio of two sums, or a difference of two, from what each row moves it by; these sum to nothing.

    The Taylor linearisation (Cochran, Sampling Techniques, 3rd ed. 1977, sec. 6.4) with the correction and the freedom
    of `mean_interval`, where a cluster counts by its share of all weights, and its own mean is what varies: so a few
    large clusters have few degrees of freedom (the working model of Imbens & Kolesar 2016, Review of Economics and
    Statistics 98, with clusters that hang together wholly).

    Raises ValueError for fewer than two clusters.
    """
    sums, shares = _values(moved), _values(weights)
    _, sums = _cluster_sums(sums, clusters)
    _, shares = _cluster_sums(shares / shares.sum(), clusters)
    even = float(shares @ shares)
    left = 1 - 2 * shares + even  # of a cluster's variance in its residual
    terms = shares**2 / left
    trace = float(terms @ left)
    # The residuals' covariances are those of means less their weighted mean: 1 (if the same) - share - share + even.
    zero, one, two = terms.sum(), terms @ shares, terms @ shares**2
    square = even**2 * zero**2 - 4 * even * zero * one + 2 * zero * two + 2 * one**2
    square += terms**2 @ (1 + 2 * (even - 2 * shares))
    error = sqrt(float((sums**2 / left).sum()))
    return _around(
        estimate, t_quantile((1 + confidence) / 2, float(trace**2 / square)) * error if error else 0.0
    )


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Bounds:
    """A rate of independent trials (Wilson 1927): near the nominal coverage on average, at no size empty."""
    _counts(successes, trials)
    z = normal_quantile((1 + confidence) / 2)
    rate = successes / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * sqrt(rate * (1 - rate) / trials + (z / (2 * trials)) ** 2) / (1 + z * z / trials)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Bounds(rate, low if successes else 0.0, high if successes < trials else 1.0)


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Bounds:
    """A rate of independent trials, never below the nominal coverage (Clopper & Pearson 1934)."""
    _counts(successes, trials)
    tail, failures = (1 - confidence) / 2, trials - successes
    low = beta_quantile(tail, successes, failures + 1) if successes else 0.0
    high = beta_quantile(1 - tail, successes + 1, failures) if failures else 1.0
    return Bounds(successes / trials, low, high)


def predicted(successes: float, trials: float, further: int, confidence: float = 0.95) -> Bounds:
    """The rate of so many further trials, after a sample of earlier ones at the same unknown rate.

    Never below the nominal coverage (A. R. Thatcher 1964, Relationships between Bayesian and confidence limits for
    predictions): the limits are those of a beta-binomial, its shape one success more or one failure more.
    """
    failures, tail = trials - successes, (1 - confidence) / 2
    if further < 1 or min(successes, failures) < 0 or trials <= 0:
        raise ValueError(f"{further} trials after {successes} successes of {trials} cannot be")
    low = _beta_binomial_quantile(tail, further, successes, failures + 1) if successes else 0
    high = _beta_binomial_quantile(1 - tail, further, successes + 1, failures) if failures else further
    return Bounds(successes / trials, low / further, high / further)


def _beta_binomial_quantile(probability: float, trials: int, a: float, b: float) -> int:
    k = np.arange(trials)
    # Each chance is the one before it, times this (Johnson, Kemp & Kotz 2005, sec. 6.2.2).
    ratios = (trials - k) * (a + k) / ((k + 1) * (b + trials - 1 - k))
    chances = np.exp(np.concatenate(([0.0], np.cumsum(np.log(ratios)))) + _log_of_none(trials, a, b))
    return min(trials, int(np.searchsorted(np.cumsum(chances), probability)))


def _log_of_none(trials: int, a: float, b: float) -> float:
    return lgamma(a + b) - lgamma(b) + lgamma(b + trials) - lgamma(a + b + trials)


def _mean_error(sizes: Floats, sums: Floats) -> tuple[float, float]:
    """Standard error of a mean, and its degrees of freedom, from each cluster's size and sum of residuals.

    A cluster's residuals are divided by the root of what the common mean leaves them, 1 - size / n. The
    variance is then a quadratic form whose matrix is diag(d) - v v' / n, and the freedom tr^2 / ||.||^2 of it.
    """
    count = sizes.sum()
    scale = 1 / (count * np.sqrt(1 - sizes / count))
    d, v = scale**2 * sizes, scale * sizes
    trace = d.sum() - (v @ v) / count
    square = d @ d - 2 * (d @ v**2) / count + ((v @ v) / count) ** 2
    return float(np.sqrt(((scale * sums) ** 2).sum())), float(trace**2 / square) if square else inf


def _cluster_sums(residuals: Floats, clusters: Labels | None) -> tuple[Floats, Floats]:
    _, places = np.unique(_labels(clusters, len(residuals)), return_inverse=True)
    sizes = np.bincount(places).astype(float)
    if len(sizes) < 2:
        raise ValueError("an interval needs two clusters or more; there is one")
    return sizes, np.asarray(np.bincount(places, weights=residuals), dtype=float)


def _labels(clusters: Labels | None, count: int) -> NDArray[Any]:
    labels = np.arange(count) if clusters is None else np.asarray(clusters)
    if labels.shape != (count,):
        raise ValueError(f"every value needs a cluster: {count} values, {len(labels)} labels")
    return labels


def _values(x: ArrayLike) -> Floats:
    values = np.asarray(x, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"an interval needs two values or more in one row; given was the shape {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError("some values are not finite numbers")
    return values


def _counts(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes of {trials} trials cannot be")


def _around(estimate: float, half: float) -> Bounds:
    return Bounds(estimate, estimate - half, estimate + half)
