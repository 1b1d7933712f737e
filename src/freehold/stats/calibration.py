"""Turn scores into probabilities with 50 to 100 labels, and measure how well they then keep their word.

Platt (1999) fits a logistic curve to the score's logit. With few labels it overfits, so it is drawn towards "leave the
score as it is" by a normal prior, and nobody's label counts as certain (Platt's smoothed targets).
"""

from math import exp, log
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
EDGE = 1e-6  # a score nearer to 0 or 1 than this is taken as this


class Calibration(NamedTuple):
    """logit p = a ln s - b ln (1 - s) + c for a score s in (0, 1), as beta calibration has it; Platt's has a = b."""

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def probability(self, score: float) -> float:
        """One score's probability, without numpy."""
        inside = min(max(score, EDGE), 1 - EDGE)
        logit = self.a * log(inside) - self.b * log(1 - inside) + self.c
        return 1 / (1 + exp(-logit)) if logit > -700 else 0.0

    def probabilities(self, scores: ArrayLike) -> Floats:
        """The probabilities of many scores."""
        low, high = _logs(scores)
        return _sigmoid(self.a * low - self.b * high + self.c)

    @classmethod
    def platt(cls, scores: ArrayLike, labels: ArrayLike, strength: float = 1.0) -> Self:
        """One slope. `strength` is how many times as hard as a standard normal prior it is held to the identity.

        Raises ValueError for scores outside [0, 1], labels other than 0 and 1, or fewer than two labels.
        """
        low, high = _logs(scores)
        slope, offset = _fit(np.column_stack([low - high, np.ones_like(low)]), labels, (1.0, 0.0), strength)
        return cls(slope, slope, offset)


def calibration_error(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> float:
    """The expected calibration error: promised against observed, in `bins` of equally many; 0 is perfect.

    Nguyen & O'Connor 2015.
    """
    promised, came = np.asarray(probabilities, dtype=float), _binary(labels)
    if promised.shape != came.shape:
        raise ValueError(f"{len(promised)} probabilities, but {len(came)} labels")
    groups = np.array_split(np.argsort(promised, kind="stable"), bins)
    return sum(abs(float(promised[one].sum() - came[one].sum())) for one in groups) / len(came)


def _fit(columns: Floats, labels: ArrayLike, prior: tuple[float, ...], strength: float) -> Floats:
    """The most probable coefficients: Newton's method, halved wherever a step would go uphill."""
    came = _binary(labels)
    if len(came) != len(columns) or len(came) < 2:
        raise ValueError(f"{len(columns)} scores and {len(came)} labels; it takes two of each or more")
    positive = came.sum()
    wanted = np.where(came == 1, (positive + 1) / (positive + 2), 1 / (len(came) - positive + 2))
    centre = np.array(prior)

    def loss(at: Floats) -> float:
        logits = columns @ at
        fit = np.logaddexp(0, logits) - wanted * logits
        return float(fit.sum() + strength * ((at - centre) ** 2).sum() / 2)

    at = centre.copy()
    for _ in range(100):
        p = _sigmoid(columns @ at)
        slope = columns.T @ (p - wanted) + strength * (at - centre)
        bend = (columns * (p * (1 - p))[:, None]).T @ columns + strength * np.eye(len(at))
        step = np.linalg.solve(bend, slope)
        while np.abs(step).max() > 1e-10 and loss(at - step) > loss(at):
            step /= 2
        at = at - step
        if np.abs(step).max() < 1e-9:
            break
    return at


def _logs(scores: ArrayLike) -> tuple[Floats, Floats]:
    values = np.asarray(scores, dtype=float)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError("scores are a row of numbers between 0 and 1")
    inside = np.clip(values, EDGE, 1 - EDGE)
    return np.log(inside), np.log1p(-inside)


def _binary(labels: ArrayLike) -> Floats:
    values = np.asarray(labels, dtype=float)
    if values.ndim != 1 or not np.isin(values, (0.0, 1.0)).all():
        raise ValueError("labels are a row of zeros and ones")
    return values


def _sigmoid(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(logits, -700, 700)))
