"""The pair-swap bet: fair whatever it learned, and quick to learn what differs."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from benchmarks.replay import read, replay
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.stats.pairswap import MOST_SCORES, PairSwap, gain_per_pair

SUBJECTS = ["river", "stone", "cloud", "engine", "garden", "letter", "market", "window", "bridge", "season"]
TEXT = st.text(alphabet="abc ,.\n-*1", max_size=40)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=6)


def answers(seed: int, count: int, habit: str = "") -> list[str]:
    """Answers of a source whose only habit is one word that others do not use."""
    chance = random.Random(seed)
    sentences = (" ".join(chance.choices(SUBJECTS, k=chance.randint(4, 9))) for _ in range(count))
    return [f"{habit} {sentence}." if chance.random() < 0.8 else f"{sentence}." for sentence in sentences]


def after(pairs: Sequence[tuple[str, str]], prompt: str = "") -> PairSwap:
    bets = PairSwap(capacity=50)
    for a, b in pairs:
        bets.update(a, b, prompt)
    return bets


@settings(max_examples=40, deadline=None)
@given(PAIRS, TEXT, TEXT, TEXT, st.floats(-1, 1))
def test_what_a_pair_pays_and_what_it_pays_turned_around_are_fair_together(
    past: list[tuple[str, str]], a: str, b: str, prompt: str, score: float
) -> None:
    straight, turned = after(past, prompt), after(past, prompt)
    before = straight.log_e

    gain = straight.update(a, b, prompt, {"judge": (score, 0.0)}) - before
    other = turned.update(b, a, prompt, {"judge": (0.0, score)}) - before

    assert math.exp(gain) + math.exp(other) == pytest.approx(2.0, abs=1e-9)


def test_evidence_is_rare_where_labels_are_a_coin() -> None:
    known = read(answers(1, 40, "indeed"), answers(2, 40, "however"))
    chance = np.random.default_rng(3)
    paths = [replay(known, chance.permutation(40).tolist(), chance.random(40) < 0.5) for _ in range(60)]
    alarms = sum(path.max() >= math.log(20) for path in paths)

    assert alarms <= 60 * (0.05 + 2 * math.sqrt(0.05 * 0.95 / 60))


def test_two_sources_with_different_habits_are_told_apart() -> None:
    bets = after(list(zip(answers(1, 50, "indeed"), answers(2, 50, "however"), strict=True)))

    assert bets.log_e > math.log(1_000)
    assert bets.effect().low > 0.5
    assert bets.more() == 0


def test_one_source_with_itself_gains_nothing_much() -> None:
    bets = after(list(zip(answers(1, 50, "indeed"), answers(2, 50, "indeed"), strict=True)))

    assert bets.peak < math.log(20)
    assert bets.effect().low < 0.5 < bets.effect().high


def test_equal_answers_neither_pay_nor_count_as_right() -> None:
    bets = after([("a habit", "another"), ("same", "same")])

    assert bets.history[1] == bets.history[0]
    assert after([("same", "same")] * 4).effect().accuracy == 0.5


def test_a_score_alone_can_carry_the_evidence() -> None:
    bets = PairSwap()
    for _ in range(60):
        bets.update("same", "same", scores={"judge": (0.9, 0.1)})

    assert bets.log_e > math.log(20)


def test_more_kinds_of_scores_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="one kind of score too many"):
        PairSwap().update("a", "b", scores={f"judge {index}": (1.0, 0.0) for index in range(MOST_SCORES + 1)})


def test_nothing_is_known_before_the_first_pair() -> None:
    bets = PairSwap()

    assert (bets.n, bets.log_e, bets.effect().low, bets.effect().high) == (0, 0.0, 0.0, 1.0)
    assert bets.detectable() == 1.0
    assert bets.more() is None


def test_more_pairs_can_show_smaller_effects() -> None:
    bets, seen = PairSwap(), []
    for a, b in zip(answers(1, 30), answers(2, 30), strict=True):
        bets.update(a, b)
        seen.append(bets.detectable())

    assert seen == sorted(seen, reverse=True)
    assert 0.5 < seen[-1] < 1.0


@pytest.mark.parametrize(("accuracy", "gain"), [(0.5, 0.0), (1.0, math.log(2)), (0.9, 0.3681)])
def test_a_known_chance_gains_what_the_entropy_leaves(accuracy: float, gain: float) -> None:
    assert gain_per_pair(accuracy) == pytest.approx(gain, abs=1e-4)


def test_bets_go_on_beyond_the_capacity() -> None:
    bets = PairSwap(capacity=10)
    for a, b in zip(answers(1, 40, "indeed"), answers(2, 40, "however"), strict=True):
        bets.update(a, b)

    assert bets.n == 40
    assert bets.history[-1] > bets.history[10]
