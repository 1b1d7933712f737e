"""Bets on ranks: fair by enumeration, ranks as in a naive implementation, and changes of any shape found."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.stats import conformal
from freehold.stats.conformal import ConformalMartingale, tie_break

TIES = 10  # points at which a tie-break is enumerated; a rank's cell is then never cut


@pytest.mark.parametrize("scores", [(0.1, 0.9), (0.5, 0.5), (0.1, 0.1, 0.9)])
def test_over_all_orders_and_tie_breaks_the_expected_capital_is_one(
    scores: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    total, count = 0.0, 0
    for breaks in itertools.product((np.arange(TIES) + 0.5) / TIES, repeat=len(scores)):
        monkeypatch.setattr(conformal, "tie_break", lambda _seed, place, breaks=breaks: breaks[place - 1])
        for order in set(itertools.permutations(scores)):
            test = ConformalMartingale.between(0, 1, 10)
            for score in order:
                test.update(score)
            total, count = total + math.exp(test.log_e), count + 1

    assert total / count == pytest.approx(1, abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 9))
def test_a_rank_is_the_share_of_bins_above_with_ties_broken(scores: list[float], seed: int) -> None:
    test = ConformalMartingale.between(0, 1, 8, seed)
    edges = np.linspace(0, 1, 9)[1:-1]
    for n, score in enumerate(scores, 1):
        bins = [sum(one >= edge for edge in edges) for one in scores[:n]]
        above, ties = sum(one > bins[-1] for one in bins), bins.count(bins[-1])
        assert test._rank(score) == pytest.approx((above + tie_break(seed, n) * ties) / n)


def test_ranks_of_exchangeable_scores_are_uniform() -> None:
    random, test = np.random.default_rng(5), ConformalMartingale.between(0, 1, 4)
    ranks = [test._rank(score) for score in random.random(4_000) ** 3]

    found, _ = np.histogram(ranks, 10, (0, 1))
    assert abs(found / 4_000 - 0.1).max() < 0.02


@pytest.mark.parametrize(
    "after",
    [lambda r: r.random(300) * 0.5 + 0.5, lambda r: r.random(300) * 0.5, lambda r: 0.4 + 0.2 * r.random(300)],
    ids=["higher", "lower", "narrower"],
)
def test_a_change_is_found_whatever_its_direction(after: object) -> None:
    random = np.random.default_rng(6)
    test = ConformalMartingale.after(random.random(200).tolist(), bins=20)
    for score in random.random(300):
        test.update(score)
    assert test.peak < math.log(20)
    for score in after(random):  # type: ignore[operator]
        test.update(score)

    assert test.peak > math.log(1_000)


def test_a_baseline_makes_an_early_change_visible() -> None:
    random = np.random.default_rng(7)
    bare, informed = ConformalMartingale.between(0, 1), ConformalMartingale.between(0, 1)
    for score in random.random(200):
        informed.learn(score)
    assert informed.log_e == pytest.approx(0)
    for score in random.random(60) * 0.2 + 0.8:
        bare.update(score)
        informed.update(score)

    assert informed.log_e > math.log(1_000) > bare.log_e


def test_the_share_said_to_be_detectable_is_found_with_about_that_power() -> None:
    random, quiet = np.random.default_rng(8), ConformalMartingale.between(0, 2)
    assert quiet.detectable() == math.inf
    assert quiet.more() is None
    for score in random.random(200):
        quiet.learn(score)
    for score in random.random(60):
        quiet.update(score)
    share, found, said = quiet.detectable(), 0, []
    assert 0.05 < share < 0.9
    for _ in range(40):
        test = ConformalMartingale.between(0, 2)
        for score in random.random(200):
            test.learn(score)
        for score in random.random(60) + (random.random(60) < share):
            test.update(score)
        found += test.peak >= math.log(20)
        said.append(test.more())

    assert 24 <= found <= 40
    assert 0 in said


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValueError, match="rank"):
        ConformalMartingale.between(0, 1).update(math.nan)
    with pytest.raises(ValueError, match="rise"):
        ConformalMartingale([1.0, 1.0])
