"""DNA as numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.dna import codes, letters, reverse_complement

TEXTS = st.text("ACGTN", max_size=40)


@given(TEXTS)
def test_text_comes_back_as_it_was(text: str) -> None:
    assert letters(codes(text)) == text


@given(TEXTS)
def test_the_other_strand_of_the_other_strand_is_the_first(text: str) -> None:
    assert np.array_equal(reverse_complement(reverse_complement(codes(text))), codes(text))


def test_small_letters_and_rna_are_read_and_all_else_is_not_known() -> None:
    assert codes("acguRn-é").tolist() == [0, 1, 2, 3, -1, -1, -1, -1]
    assert letters(reverse_complement(codes("AACGN"))) == "NCGTT"
