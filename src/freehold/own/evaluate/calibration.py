"""How far a classifier's probabilities can be taken at their word."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freehold.own.evaluate.report import Bin, Calibration

BINS, DRAWS = 10, 200
LEAST = 1e-12  # a probability below counts as this in the log loss


def calibration(
    subject: str, shares: NDArray[np.float64], right: NDArray[np.int64], bins: int = BINS
) -> Calibration:
    """Rows x classes, and each row's class (-1: one that it does not know).

    Bins hold about equally many predictions, by the confidence in the class that was told (Nguyen & O'Connor 2015);
    those as sure as each other share one. The Brier score is the sum over classes, from 0 to 2.
    """
    confidence, told = shares.max(1), shares.argmax(1) == right
    edges = np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(edges, confidence, "right")
    parts = [part for part in (np.flatnonzero(place == at) for at in range(bins)) if len(part)]
    found = tuple(Bin(float(confidence[at].mean()), float(told[at].mean()), len(at)) for at in parts)
    gaps = sum(abs(one.confidence - one.right) * one.rows for one in found)
    true = sum(_gap_by_chance(confidence[at]) * len(at) for at in parts)
    given = given_to(shares, right)
    return Calibration(
        subject,
        expected_error=gaps / max(1, len(right)),
        by_chance=true / max(1, len(right)),
        brier=float(np.mean(brier(shares, right))),
        log_loss=float(np.mean(-np.log(np.maximum(given, LEAST)))),
        bins=found,
    )


def _gap_by_chance(confidence: NDArray[np.float64]) -> float:
    """How far a bin's confidence and its share of hits lie apart on average where every confidence is true.

    It is never 0: a bin of n rows is off by about the root of 2 p (1 - p) / (pi n).
    """
    drawn = np.random.default_rng(0).random((DRAWS, len(confidence))) < confidence
    return float(np.abs(drawn.mean(1) - confidence.mean()).mean())


def given_to(shares: NDArray[np.float64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probability that each row's own class was given."""
    known: NDArray[np.float64] = np.where(right >= 0, shares[np.arange(len(right)), right], 0.0)
    return known


def brier(shares: NDArray[np.float64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each row's squared distance from certainty in its class."""
    found: NDArray[np.float64] = (shares**2).sum(1) - 2 * given_to(shares, right) + 1
    return found


def places_of(classes: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """Each name's place among the classes; -1 for one that is none of them."""
    found = {name: at for at, name in enumerate(classes)}
    return np.array([found.get(name, -1) for name in names], np.int64)
