import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.evaluate.calibration import calibration, places_of


def test_probabilities_that_keep_their_word_have_nearly_no_error_and_boastful_ones_have() -> None:
    random = np.random.default_rng(0)
    chance = random.uniform(0.5, 1, 20_000)
    right = (random.uniform(size=20_000) < chance).astype(int)
    shares = np.column_stack([1 - chance, chance])
    boastful = np.column_stack([(1 - chance) / 5, 1 - (1 - chance) / 5])

    honest, bold = calibration("a", shares, right), calibration("b", boastful, right)

    assert honest.expected_error < 0.015
    assert bold.expected_error > 0.15
    assert honest.expected_error < 2 * honest.by_chance and bold.expected_error > 10 * bold.by_chance
    assert honest.log_loss < bold.log_loss
    assert honest.brier < bold.brier


def test_an_error_that_chance_alone_makes_is_told_beside_it() -> None:
    random = np.random.default_rng(1)
    found = []
    for _ in range(100):
        chance = random.uniform(0.5, 1, 80)
        right = (random.uniform(size=80) < chance).astype(int)
        found.append(calibration("a", np.column_stack([1 - chance, chance]), right))

    errors, expected = ([getattr(one, name) for one in found] for name in ("expected_error", "by_chance"))
    assert np.mean(errors) > 0.08  # with probabilities that are exactly right
    assert np.mean(expected) == pytest.approx(np.mean(errors), rel=0.15)


def test_whoever_always_says_the_same_is_one_bin() -> None:
    shares = np.tile([0.6, 0.4], (1000, 1))
    right = np.repeat([0, 1], [600, 400])

    found = calibration("a", shares, right)

    assert [one.rows for one in found.bins] == [1000]
    assert found.expected_error == pytest.approx(0)
    assert found.brier == pytest.approx(2 * 0.6 * 0.4)


def test_a_class_that_was_never_learnt_counts_as_wholly_missed() -> None:
    shares, right = np.array([[1.0, 0.0]]), places_of(("a", "b"), ["c"])

    found = calibration("a", shares, right)

    assert (found.expected_error, found.brier) == (1, 2)
    assert found.log_loss > 20


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40), st.integers(1, 12))
def test_bins_hold_every_row_once(rows: list[tuple[float, int]], bins: int) -> None:
    first = np.array([share for share, _ in rows])

    found = calibration("a", np.column_stack([first, 1 - first]), np.array([one for _, one in rows]), bins)

    assert sum(one.rows for one in found.bins) == len(rows)
    assert 0 <= found.expected_error <= 1
