"""Prediction-powered rates: what they cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from freehold.stats.intervals import Bounds, wilson
from freehold.stats.ppi import ppi_rate

Floats = NDArray[np.float64]


def drawn(random: np.random.Generator, rate: float, count: int, flipped: float) -> tuple[Floats, Floats]:
    """Labels, and predictions that are wrong with the chance `flipped`."""
    labels = (random.random(count) < rate).astype(float)
    right = np.where(random.random(count) < flipped, 1 - labels, labels)
    return labels, np.clip(0.8 * right + 0.1 + 0.05 * random.normal(size=count), 0, 1)


def covers(found: Bounds, value: float) -> bool:
    return found.low <= value <= found.high


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.95])
def test_a_rate_of_fifty_labels_is_covered_and_shorter_than_by_labels_alone(rate: float) -> None:
    random, rounds = np.random.default_rng(2), 60
    hits, careful, ours, alone = 0, 0, 0.0, 0.0
    for seed in range(rounds):
        y, f = drawn(random, rate, 1050, 0.1)
        found = ppi_rate(y[:50], f[:50], f[50:], seed=seed)
        hits += covers(found, rate)
        careful += covers(ppi_rate(y[:50], f[:50], f[50:], careful=True, seed=seed), rate)
        counted = wilson(int(y[:50].sum()), 50)
        ours, alone = ours + found.high - found.low, alone + counted.high - counted.low

    error = (0.95 * 0.05 / rounds) ** 0.5
    assert hits / rounds >= 0.95 - 3 * error
    assert careful / rounds >= 0.95 - error
    assert ours < 0.9 * alone


def test_misleading_predictions_do_not_mislead() -> None:
    random, rounds, hits = np.random.default_rng(3), 60, 0
    for seed in range(rounds):
        y, f = drawn(random, 0.2, 1080, 0.1)
        found = ppi_rate(y[:80], 1 - f[:80], 1 - f[80:], seed=seed)
        hits += covers(found, 0.2)

    assert hits / rounds >= 0.9


@settings(max_examples=25)
@given(st.integers(2, 60), st.booleans())
def test_where_all_labels_are_alike_the_interval_reaches_the_end(count: int, positive: bool) -> None:
    found = ppi_rate(np.full(count, float(positive)), np.full(count, 0.5), np.full(100, 0.5))

    assert (found.high if positive else found.low) == float(positive)
    assert 0 <= found.low < found.high <= 1


@pytest.mark.parametrize(
    ("labels", "labelled", "rest", "why"),
    [
        ([0, 1], [0.5], [0.5, 0.5], "its prediction"),
        ([0], [0.5], [0.5, 0.5], "two labels"),
        ([0, 1], [0.5, 0.5], [0.5], "two predictions"),
        ([0, 2], [0.5, 0.5], [0.5, 0.5], "0 or 1"),
        ([0, 1], [0.5, 1.5], [0.5, 0.5], "between 0 and 1"),
    ],
)
def test_what_is_no_rate_is_refused(
    labels: list[float], labelled: list[float], rest: list[float], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        ppi_rate(labels, labelled, rest)
