"""MMD: the statistic written out pair by pair, its permutations, and its level."""

from collections.abc import Sequence

import numpy as np
import pytest
from benchmarks.mmd import encode, gram_test, hamming_gram, mmd_test, statistics
from hypothesis import given, settings
from hypothesis import strategies as st

texts = st.lists(st.text("ab£中😀", max_size=6), min_size=2, max_size=5)


def equal_places(one: str, other: str, length: int) -> float:
    padded = [(text[:length] + "\0" * length)[:length] for text in (one, other)]
    return sum(float(a == b) for a, b in zip(*padded, strict=True)) / length


def pair_by_pair(x: Sequence[Sequence[str]], y: Sequence[Sequence[str]], length: int) -> float:
    """The unbiased estimate as three means over pairs of answers to one question."""

    def mean(pairs: list[tuple[str, str]]) -> float:
        return sum(equal_places(a, b, length) for a, b in pairs) / len(pairs)

    def own(side: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
        return [(a, b) for group in side for i, a in enumerate(group) for j, b in enumerate(group) if i != j]

    across = [(a, b) for ours, theirs in zip(x, y, strict=True) for a in ours for b in theirs]
    return mean(own(x)) - 2 * mean(across) + mean(own(y))


@settings(max_examples=50)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=3), st.integers(1, 7))
def test_the_statistic_is_the_one_written_out_pair_by_pair(
    questions: list[tuple[list[str], list[str]]], length: int
) -> None:
    x, y = [one for one, _ in questions], [other for _, other in questions]

    found = mmd_test(x, y, permutations=3, length=length)
    assert found.statistic == pytest.approx(pair_by_pair(x, y, length), abs=1e-9)


@given(st.tuples(texts, texts), st.integers(0, 99))
def test_every_permuted_statistic_is_that_of_the_permuted_answers(
    sides: tuple[list[str], list[str]], seed: int
) -> None:
    x, y = sides
    pooled = np.array([*x, *y], dtype=object)
    gram = hamming_gram(encode(list(pooled), 6))
    members = np.zeros((4, len(pooled)), dtype=bool)
    random = np.random.default_rng(seed)
    for row in members:
        row[random.permutation(len(pooled))[: len(x)]] = True

    by_hand = [pair_by_pair([list(pooled[row])], [list(pooled[~row])], 6) for row in members]
    assert statistics([gram], [members]) == pytest.approx(np.array(by_hand), abs=1e-9)


def made(random: np.random.Generator, count: int, a: float) -> list[str]:
    return ["".join(random.choice(["a", "b"], 8, p=[a, 1 - a])) for _ in range(count)]


def test_answers_of_one_source_are_told_apart_no_more_often_than_promised() -> None:
    random, rounds = np.random.default_rng(5), 200
    alike = [
        mmd_test(
            [made(random, 6, 0.5), made(random, 6, 0.8)],
            [made(random, 6, 0.5), made(random, 6, 0.8)],
            39,
            seed,
        )
        for seed in range(rounds)
    ]

    assert min(one.p_value for one in alike) >= 1 / 40
    error = (0.05 * 0.95 / rounds) ** 0.5
    assert sum(one.p_value <= 0.05 for one in alike) / rounds <= 0.05 + 3 * error


def test_another_source_is_found() -> None:
    random = np.random.default_rng(6)
    x, y = [[made(random, 20, a) for _ in range(5)] for a in (0.5, 0.75)]

    assert mmd_test(x, y, 199).p_value == 1 / 200


def test_the_same_seed_gives_the_same_and_any_kernel_will_do() -> None:
    random = np.random.default_rng(7)
    points = random.normal(size=(12, 2))
    gram = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2))

    assert gram_test([gram], [6], 50, 3) == gram_test([gram], [6], 50, 3)
    shifted = points + np.repeat([[0.0], [3.0]], 6, axis=0)
    apart = np.exp(-((shifted[:, None] - shifted[None]) ** 2).sum(axis=2))
    assert gram_test([apart], [6], 199, 3).p_value < 0.02


def test_places_beyond_a_byte_of_different_characters_still_compare() -> None:
    words = ["".join(chr(0x4E00 + 300 * row + place) for place in range(300)) for row in range(3)]

    assert hamming_gram(encode([*words, words[0]], 300)).tolist() == [
        [1, 0, 0, 1],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [1, 0, 0, 1],
    ]


@pytest.mark.parametrize(
    ("x", "y", "length", "why"),
    [
        ([["a", "b"]], [], 5, "same questions"),
        ([["a"]], [["a", "b"]], 5, "two answers"),
        ([["a", "b"], []], [[], ["a", "b"]], 5, "both answered"),
        ([["a", "b"]], [["a", "b"]], 0, "one character"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    x: list[list[str]], y: list[list[str]], length: int, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        mmd_test(x, y, 5, length=length)
