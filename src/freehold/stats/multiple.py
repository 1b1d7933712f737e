"""Evidence merged, and many hypotheses under one budget of false discoveries.

e-values: nonnegative, with mean 1 at most where their hypothesis holds. Their average is one whatever their
dependence; their product is one where each holds given those before (Vovk & Wang, "E-values: calibration,
combination and applications", Annals of Statistics 49, 2021).
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]


def log_mean(log_values: ArrayLike, weights: ArrayLike | None = None) -> float:
    """log of the (weighted) mean of exp(values), whatever their size."""
    values = np.asarray(log_values, float)
    shares = np.full(values.shape, 1 / values.size) if weights is None else _shares(weights, values.size)
    top = float(values.max())
    if math.isinf(top):
        return top
    return top + math.log(float(shares @ np.exp(values - top)))


def e_mean(e_values: ArrayLike) -> float:
    """One e-value of several for the same hypothesis, however they depend on each other.

    Raises ValueError for what is no e-value.
    """
    return float(_checked(e_values).mean())


def e_bh(e_values: ArrayLike, alpha: float) -> NDArray[np.bool_]:
    """Which hypotheses are rejected with a false-discovery rate of alpha at most, however the evidence depends.

    The k largest are, for the largest k whose least is K / (alpha k) or more (Wang & Ramdas, "False discovery
    rate control with e-values", JRSS B 84, 2022). Raises ValueError for what is no e-value, and for an alpha
    outside (0, 1].
    """
    found = _checked(e_values)
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is {alpha:g}, and must be in (0, 1]")
    if not found.size:
        return np.zeros(0, bool)
    falling = np.sort(found)[::-1]
    passes = falling * np.arange(1, found.size + 1) >= found.size / alpha
    if not passes.any():
        return np.zeros(found.size, bool)
    least = falling[np.flatnonzero(passes)[-1]]
    return np.asarray(found >= least)


def discovery_levels(e_values: ArrayLike) -> list[float]:
    """For each hypothesis the least alpha at which `e_bh` rejects it; above 1: at none."""
    found = _checked(e_values)
    order = np.argsort(-found, kind="stable")
    with np.errstate(divide="ignore", over="ignore"):
        at_rank = found.size / (found[order] * np.arange(1, found.size + 1))
    levels = np.empty(found.size)
    levels[order] = np.minimum.accumulate(at_rank[::-1])[::-1]
    return [float(level) for level in levels]


def _checked(e_values: ArrayLike) -> Vector:
    found = np.asarray(e_values, float)
    if found.ndim != 1 or np.isnan(found).any() or (found < 0).any():
        raise ValueError("an e-value is a number of 0 or more, and there must be a list of them")
    return found


def _shares(weights: ArrayLike, size: int) -> Vector:
    shares = np.asarray(weights, float)
    if shares.size != size or (shares < 0).any() or shares.sum() <= 0:
        raise ValueError(f"{size} weights of 0 or more are needed, not all of them 0")
    return np.asarray(shares / shares.sum())
