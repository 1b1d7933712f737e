"""Strengths from pairwise comparisons (Bradley & Terry 1952), with ties (Rao & Kupper 1967) and intervals.

Fitted by the MM algorithm of Hunter (2004, Annals of Statistics 32, sections 2 and 4): every step raises the
likelihood, and it needs no step size. Intervals come from the observed information.
"""

from math import exp, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from freehold.stats.intervals import Bounds
from freehold.stats.quantiles import normal_quantile

Floats = NDArray[np.float64]


class Ratings(NamedTuple):
    """Strengths in nats that sum to zero: i beats j with odds exp(strength i - strength j), ties apart."""

    strengths: Floats
    covariance: Floats
    tie: float  # Rao and Kupper's theta as a logarithm; 0: no ties

    def interval(self, one: int, confidence: float = 0.95) -> Bounds:
        """One strength, against the average of all."""
        estimate = float(self.strengths[one])
        half = normal_quantile((1 + confidence) / 2) * sqrt(float(self.covariance[one, one]))
        return Bounds(estimate, estimate - half, estimate + half)


def bradley_terry(wins: ArrayLike, ties: ArrayLike | None = None, pseudo_wins: float = 0.0) -> Ratings:
    """Fit strengths to counts.

    Args:
        wins: row i, column j: how often i beat j.
        ties: a symmetric matrix: how often i and j were equal; None: it did not happen.
        pseudo_wins: added to every pair in both directions, so that no strength is infinite.

    Raises:
        ValueError: the matrices are no counts, or some group never lost to, or never met, the others (Ford 1957):
            then no finite strengths are the most likely, and `pseudo_wins` (0.5, say) is needed.
    """
    won, tied = _counts(wins, ties)
    won = won + pseudo_wins * (1 - np.eye(len(won)))
    scored = won + tied
    _connected(scored)
    draws = float(tied.sum()) / 2
    strength, tie = _climb(scored, draws)
    logs = np.log(strength) - np.log(strength).mean()
    return Ratings(logs, _covariance(scored, logs, log(tie), draws), log(tie))


def _climb(scored: Floats, draws: float) -> tuple[Floats, float]:
    """Hunter's updates, until no strength moves by 1e-12 of itself."""
    strength, tie, total = np.ones(len(scored)), 1.0, scored.sum(axis=1)
    if draws:
        tie = 1.5
    for _ in range(100_000):
        ahead = scored / (strength[:, None] + tie * strength[None, :])
        new = total / (ahead.sum(axis=1) + tie * ahead.sum(axis=0))
        new /= np.exp(np.log(new).mean())
        if draws:
            # s_ij gamma_j / (gamma_i + theta gamma_j), summed at the new strengths
            behind = float((scored * new[None, :] / (new[:, None] + tie * new[None, :])).sum())
            tie = draws / behind + sqrt(1 + (draws / behind) ** 2)
        moved = np.abs(new / strength - 1).max()
        strength = new
        if moved < 1e-12:
            break
    return strength, tie


def _covariance(scored: Floats, logs: Floats, tie: float, draws: float) -> Floats:
    """The inverse of the observed information, of strengths that sum to zero."""
    count = len(logs)
    p = 1 / (1 + np.exp(-(logs[:, None] - logs[None, :] - tie)))
    weight = scored * p * (1 - p)
    both = weight + weight.T
    information = np.zeros((count + 1, count + 1))
    information[:count, :count] = np.diag(both.sum(axis=1)) - both
    if draws:
        cross = weight.sum(axis=0) - weight.sum(axis=1)
        information[:count, count] = information[count, :count] = cross
        square = exp(2 * tie)
        information[count, count] = weight.sum() + draws * 4 * square / (square - 1) ** 2
    # The direction in which all strengths rise together is not estimated; the pseudo-inverse leaves it at zero.
    return np.asarray(np.linalg.pinv(information, hermitian=True)[:count, :count])


def _counts(wins: ArrayLike, ties: ArrayLike | None) -> tuple[Floats, Floats]:
    won = np.array(wins, dtype=float)
    tied = np.zeros_like(won) if ties is None else np.array(ties, dtype=float)
    if won.ndim != 2 or won.shape[0] != won.shape[1] or tied.shape != won.shape or len(won) < 2:
        raise ValueError(f"wins and ties are square and alike: {won.shape} and {tied.shape}")
    if (won < 0).any() or (tied < 0).any() or (tied != tied.T).any():
        raise ValueError("wins and ties are counts, and ties are mutual")
    np.fill_diagonal(won, 0)
    np.fill_diagonal(tied, 0)
    return won, tied


def _connected(scored: Floats) -> None:
    reach = (scored > 0) | np.eye(len(scored), dtype=bool)
    for _ in range(len(scored).bit_length()):
        reach = (reach.astype(float) @ reach.astype(float)) > 0
    if not reach.all():
        raise ValueError("some never lost to, or never met, the others: give pseudo_wins, 0.5 for example")
