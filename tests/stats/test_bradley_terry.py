"""Strengths, against a general optimiser and in simulation."""

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.stats.bradley_terry import bradley_terry


def log_likelihood(strengths: np.ndarray, tie: float, won: np.ndarray, tied: np.ndarray) -> float:
    """Rao and Kupper's, written out."""
    total = 0.0
    for i in range(len(won)):
        for j in range(len(won)):
            if i != j:
                gap = strengths[i] - strengths[j]
                beats, beaten = 1 / (1 + np.exp(tie - gap)), 1 / (1 + np.exp(tie + gap))
                total += won[i, j] * np.log(beats)
                total += tied[i, j] / 2 * (np.log(1 - beats - beaten) if tied[i, j] else 0)
    return float(total)


@settings(max_examples=25)
@given(st.integers(0, 60), st.booleans())
def test_no_other_strengths_are_more_likely(seed: int, with_ties: bool) -> None:
    random = np.random.default_rng(seed)
    won = random.integers(1, 9, (4, 4)).astype(float)
    half = np.triu(random.integers(1, 5, (4, 4)), 1) * with_ties
    tied = (half + half.T).astype(float)
    found = bradley_terry(won, tied)

    def loss(at: np.ndarray) -> float:
        return -log_likelihood(at[:4], abs(at[4]) if with_ties else 0.0, won, tied)

    best = scipy.optimize.minimize(loss, [0.0, 0, 0, 0, 0.5], method="BFGS")
    assert loss(np.array([*found.strengths, found.tie])) <= best.fun + 1e-5
    assert abs(found.strengths.sum()) < 1e-9


def test_the_covariance_is_the_inverse_of_the_numerical_hessian() -> None:
    won = np.array([[0, 8, 6], [4, 0, 7], [3, 5, 0]], dtype=float)
    tied = np.array([[0, 2, 3], [2, 0, 1], [3, 1, 0]], dtype=float)
    found = bradley_terry(won, tied)
    at, step = np.array([*found.strengths, found.tie]), 1e-4
    axes = step * np.eye(4)

    def value(place: np.ndarray) -> float:
        return log_likelihood(place[:3], place[3], won, tied)

    hessian = np.array(
        [
            [
                (value(at + a + b) - value(at + a - b) - value(at - a + b) + value(at - a - b))
                / (4 * step**2)
                for a in axes
            ]
            for b in axes
        ]
    )
    expected = np.linalg.pinv(-hessian, rcond=1e-4, hermitian=True)[:3, :3]
    assert found.covariance == pytest.approx(expected, abs=1e-4)


def test_two_players_are_a_rate() -> None:
    found = bradley_terry([[0, 30], [10, 0]])

    one = found.interval(0)
    assert one.estimate == pytest.approx(np.log(3) / 2)
    assert one.high - one.estimate == pytest.approx(1.959964 * (1 / 30 + 1 / 10) ** 0.5 / 2, rel=1e-4)


def test_intervals_cover() -> None:
    random, truth, hits, rounds = np.random.default_rng(4), np.array([0.6, 0.0, -0.2, -0.4]), 0, 150
    chance = 1 / (1 + np.exp(truth[None, :] - truth[:, None]))
    for _ in range(rounds):
        upper = np.triu(random.binomial(40, chance), 1)
        won = upper + np.tril(40 - upper.T, -1)
        found = bradley_terry(won).interval(0)
        hits += found.low <= 0.6 <= found.high

    assert 0.9 <= hits / rounds <= 0.99


def test_who_never_lost_needs_pseudo_wins() -> None:
    won = [[0, 3, 2], [0, 0, 2], [0, 1, 0]]

    with pytest.raises(ValueError, match="pseudo_wins"):
        bradley_terry(won)
    assert np.argmax(bradley_terry(won, pseudo_wins=0.5).strengths) == 0


@pytest.mark.parametrize(
    ("won", "tied", "why"),
    [
        ([[0, 1]], None, "square"),
        ([[0, -1], [1, 0]], None, "counts"),
        ([[0, 1], [1, 0]], [[0, 1], [2, 0]], "mutual"),
    ],
)
def test_what_are_no_counts_is_refused(won: object, tied: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bradley_terry(won, tied)  # type: ignore[arg-type]
