"""Quantiles of Student's t, of the beta and of the binomial distribution, by bisection on the incomplete beta function.

The incomplete beta function is the continued fraction DLMF 8.17.22, evaluated by the modified Lentz algorithm
(Thompson & Barnett 1986). Absolute error of a quantile: below 1e-9 for the freedoms and shapes that occur here.
"""

from functools import lru_cache
from math import exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist

TINY = 1e-300


def normal_quantile(probability: float) -> float:
    """The value a standard normal variable stays below with this probability."""
    return NormalDist().inv_cdf(probability)


@lru_cache(maxsize=1024)
def t_quantile(probability: float, freedom: float) -> float:
    """The value Student's t with `freedom` > 0 degrees of freedom (they may be broken) stays below."""
    _inside(probability)
    if freedom == inf:
        return normal_quantile(probability)
    tail = 2 * min(probability, 1 - probability)
    # P(|T| > t) is I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2).
    x = beta_quantile(tail, freedom / 2, 0.5)
    size = sqrt(freedom * (1 / x - 1)) if x > 0 else inf
    return size if probability > 0.5 else -size


@lru_cache(maxsize=1024)
def beta_quantile(probability: float, a: float, b: float) -> float:
    """The value a Beta(a, b) variable stays below with this probability."""
    if probability >= 1:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def binomial_quantile(probability: float, trials: int, rate: float) -> int:
    """The least number of successes that so many trials stay at or below with this probability, or more."""
    low, high = 0, trials
    while low < high:
        middle = (low + high) // 2
        # P(successes <= k) is I_(1 - rate)(trials - k, k + 1); DLMF 8.17.5.
        if incomplete_beta(1 - rate, trials - middle, middle + 1) < probability:
            low = middle + 1
        else:
            high = middle
    return low


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b): the chance that a Beta(a, b) variable is below x."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly, its mirror converges fast
        return 1 - incomplete_beta(1 - x, b, a)
    front = exp(a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)) / a
    return front / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)), by the modified Lentz algorithm."""
    value, c, d = 1.0, 1.0, 0.0
    for step in range(1, 2000):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d or TINY)
        c = 1 + term / c or TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _inside(probability: float) -> None:
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {probability}")
