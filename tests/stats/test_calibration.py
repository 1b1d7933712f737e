"""Calibration, against scipy's optimiser and in simulation with few labels."""

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.stats.calibration import Calibration, calibration_error


def few(seed: int, count: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that are too sure of themselves, labels, and the true probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=count)
    truth = 1 / (1 + np.exp(-logits))
    labels = (random.random(count) < truth).astype(float)
    return 1 / (1 + np.exp(-(3 * logits + 1.5))), labels, truth


@settings(max_examples=30)
@given(st.integers(0, 200), st.floats(0.1, 10))
def test_platt_is_the_optimum_that_scipy_finds(seed: int, strength: float) -> None:
    scores, labels, _ = few(seed)
    logits = np.log(scores / (1 - scores))
    ones = labels.sum()
    wanted = np.where(labels == 1, (ones + 1) / (ones + 2), 1 / (len(labels) - ones + 2))

    def loss(at: np.ndarray) -> float:
        z = at[0] * logits + at[1]
        fit = (np.logaddexp(0, z) - wanted * z).sum()
        return float(fit + strength * ((at[0] - 1) ** 2 + at[1] ** 2) / 2)

    found, best = (
        Calibration.platt(scores, labels, strength),
        scipy.optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead"),
    )
    assert found.a == found.b
    assert loss(np.array([found.a, found.c])) <= best.fun + 1e-6


def test_perfect_probabilities_have_no_error_and_others_a_known_one() -> None:
    assert calibration_error([0.0, 1.0, 1.0], [0, 1, 1]) == 0
    assert calibration_error(np.full(10, 0.5), [0, 1] * 5, bins=1) == 0
    assert calibration_error([0.9, 0.9, 0.1, 0.1], [0, 0, 0, 1], bins=2) == pytest.approx(
        (2 * 0.4 + 2 * 0.9) / 4
    )


def test_eighty_labels_make_scores_keep_their_word() -> None:
    before, after = [], []
    for seed in range(30):
        scores, labels, _ = few(seed)
        found = Calibration.platt(scores, labels)
        fresh, came, _ = few(1000 + seed, 2000)
        before.append(calibration_error(fresh, came))
        after.append(calibration_error(found.probabilities(fresh), came))

    assert np.mean(after) < 0.08
    assert np.mean(before) > 0.2


def test_labels_that_are_all_alike_still_give_finite_probabilities() -> None:
    found = Calibration.platt([0.2, 0.4, 0.9], [1, 1, 1])

    assert 0.5 < found.probability(0.5) < 1


def test_one_score_and_many_agree_and_the_ends_are_finite() -> None:
    found = Calibration(1.3, 0.7, -0.4)
    scores = [0.0, 1e-9, 0.3, 0.99, 1.0]

    assert found.probabilities(scores) == pytest.approx([found.probability(one) for one in scores])
    assert Calibration().probabilities([0.25, 0.75]) == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    ("scores", "labels", "why"),
    [
        ([0.5, 1.5], [0, 1], "between 0 and 1"),
        ([0.5, 0.5], [0, 2], "zeros and ones"),
        ([0.5, 0.5], [0], "2 scores and 1 labels"),
        ([0.5], [1], "two of each"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(scores: list[float], labels: list[float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Calibration.platt(scores, labels)
