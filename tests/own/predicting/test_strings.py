from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.predicting.strings import DEGREE, SHIFTS, SPECTRUM, codes_of, gram, word_lengths

ALPHABET = "ACGT"


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two sequences as long as each other, some longer than a word of 64, some with letters for several bases."""
    length = draw(st.one_of(st.integers(6, 20), st.integers(58, 70), st.integers(120, 130)))
    letters = st.text(alphabet="ACGTN", min_size=length, max_size=length)
    return draw(letters), draw(letters)


def by_definition(one: str, other: str) -> float:
    """Both kernels, letter by letter."""

    def words_in_place(left: str, right: str) -> float:
        total = 0.0
        for k in range(1, DEGREE + 1):
            weight = 2 * (DEGREE - k + 1) / DEGREE / (DEGREE + 1)
            for at in range(min(len(left), len(right)) - k + 1):
                word = left[at : at + k]
                total += weight * (word == right[at : at + k] and "N" not in word)
        return total

    def degree(left: str, right: str) -> float:
        shifted = sum(
            (words_in_place(left[s:], right) + words_in_place(left, right[s:])) / (2 * (s + 1))
            for s in range(1, SHIFTS + 1)
        )
        return words_in_place(left, right) + shifted

    def spectrum(text: str, k: int) -> list[int]:
        half = len(text) // 2
        return [
            sum(part[at : at + k] == "".join(word) for at in range(len(part)))
            for part in (text[:half], text[half:])
            for word in product(ALPHABET, repeat=k)
        ]

    total = 0.0
    for k in word_lengths(4):
        a, b = np.array(spectrum(one, k), float), np.array(spectrum(other, k), float)
        total += a @ b / np.sqrt(max(a @ a, 1) * max(b @ b, 1)) / len(word_lengths(4))
    own = max(degree(one, one) * degree(other, other), 1e-24)
    return degree(one, other) ** 2 / own + SPECTRUM * total


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_the_kernel_is_what_its_definition_says(pair: tuple[str, str]) -> None:
    codes = codes_of(pair, ALPHABET)

    found = gram(codes, codes, 4)

    assert found[0, 1] == pytest.approx(by_definition(*pair), abs=1e-9)
    assert np.allclose(found, found.T)


def test_a_kernel_of_many_sequences_is_that_of_each_pair_and_has_no_negative_eigenvalue() -> None:
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list(ALPHABET), 24)) for _ in range(300)]  # more than a block
    codes = codes_of(texts, ALPHABET)

    found = gram(codes, codes, 4)

    assert found[7, 290] == pytest.approx(gram(codes[7:8], codes[290:291], 4)[0, 0])
    assert np.allclose(np.diag(found), 1 + SPECTRUM)
    assert np.linalg.eigvalsh(found).min() > -1e-9
