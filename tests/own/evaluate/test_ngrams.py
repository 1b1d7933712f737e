"""Mixed n-grams: probabilities, and what they learn from."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.evaluate.ngrams import Mixture

DOCUMENTS = [f"pump {number % 7} is in hall {number % 3}\n".encode() * 3 for number in range(30)]


@pytest.fixture(scope="module")
def grams() -> Mixture:
    return Mixture(DOCUMENTS)


@pytest.mark.parametrize("before", [b"", b"pump 4 is", b"\x00\xff"])
def test_all_that_may_follow_has_probability_one(grams: Mixture, before: bytes) -> None:
    likely = [2 ** (grams.bits(before) - grams.bits(before + bytes([one]))) for one in range(256)]

    assert math.fsum(likely) == pytest.approx(1)


@given(document=st.binary(max_size=40))
def test_any_document_has_its_bits(grams: Mixture, document: bytes) -> None:
    assert 0 <= grams.bits(document) < 60 * (len(document) + 1)


def test_it_foretells_what_is_like_its_corpus_and_learns_names_as_it_reads(grams: Mixture) -> None:
    name = b"Xylokarp-Qz9"

    assert grams.bits(DOCUMENTS[4]) < len(DOCUMENTS[4])
    assert grams.bits(name + name) - grams.bits(name) < 0.5 * grams.bits(name)


def test_a_single_document_is_enough_to_learn_from() -> None:
    assert Mixture([b"abcabc"]).bits(b"abc") < 24
