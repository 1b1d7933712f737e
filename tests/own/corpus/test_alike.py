"""Sequences that are alike stay together; long ones are cut at their end."""

import csv
import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.corpus.alike import WORK_MAX, clustered, compared, cut
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest
from tests.own.corpus.plans import bases
from tests.own.corpus.test_kmers import reverse_complement

SPLICE = Path(__file__).parents[4] / "shared" / "data" / "dna" / "splice.data.csv.gz"


def groups(*texts: str) -> list[int]:
    """Which sequences are in one cluster, by the first of them."""
    found = [row.cluster for row in clustered([Row(str(number), text) for number, text in enumerate(texts)])]
    return [int(one) for one in found]


def changed(text: str, count: int) -> str:
    """So many bases are others."""
    letters, draw = list(text), random.Random(0)
    for at in draw.sample(range(len(text)), count):
        letters[at] = draw.choice([base for base in "ACGT" if base != letters[at]])
    return "".join(letters)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 20), st.integers(0, 100))
def test_a_shifted_copy_with_seven_of_ten_bases_is_found_wherever_it_overlaps(
    seed: int, shift: int, more: int
) -> None:
    text = bases(seed, 60)
    copy = changed(text, 16)[shift:] + bases(seed + 5_000, shift)  # 44 of 60 are the same before it is cut

    alike = sum(a == b for a, b in zip(text[shift:], copy, strict=False)) >= 0.7 * (60 - shift)
    found = groups(text, bases(seed + 9_000, 40 + more), copy)

    assert found[1] == 1
    assert found[2] == 0 or not alike


def test_strangers_are_apart_and_a_short_overlap_needs_more() -> None:
    one, other = bases(1, 60), bases(2, 60)
    tail = one[-24:]

    assert groups(one, other) == [0, 1]
    assert groups(one, tail + bases(3, 36)) == [0, 0]
    assert groups(one, changed(tail, 6) + bases(3, 36)) == [0, 1]


def test_the_other_strand_and_what_came_together_stay_together() -> None:
    one = bases(1, 80)
    assert groups(one, reverse_complement(one)) == [0, 0]

    rows = [Row("a", bases(4, 60), cluster="locus"), Row("b", bases(5, 60), cluster="locus")]
    assert {row.cluster for row in clustered(rows)} == {"a"}


def test_what_may_be_any_base_is_like_none() -> None:
    assert groups("N" * 60, "N" * 60, "ACGT" * 15) == [0, 1, 2]
    assert groups() == []


def test_many_long_sequences_are_told_by_shared_words_alone() -> None:
    count = 2 + int((WORK_MAX / 4) ** 0.5 / 10_000)
    texts = [bases(number, 10_000) for number in range(4)] * (count // 4 + 1)

    assert compared(texts[:4])
    assert not compared(texts)


@pytest.mark.skipif(not SPLICE.exists(), reason="the splice junctions are not beside this checkout")
def test_near_duplicates_of_the_splice_junctions_are_found() -> None:
    """Of the first 400; all 3,190 are 2,615 groups."""
    with gzip.open(SPLICE, "rt") as file:
        texts = [row[2].strip() for row in list(csv.reader(file))[1:401]]

    found = groups(*texts)

    first = {text: number for number, text in reversed(list(enumerate(texts)))}
    assert all(found[number] == found[first[text]] for number, text in enumerate(texts))
    assert (len(first), len(set(found))) == (357, 303)


@given(st.integers(10_000, 40_000), st.floats(0.01, 0.99))
@settings(max_examples=20, deadline=None)
def test_the_end_of_a_long_sequence_is_held_out_and_nothing_is_lost(length: int, share: float) -> None:
    row = Row("f#s", bases(1, length))

    (learnt,), (held,) = cut([row], share)

    assert learnt.text + held.text == row.text
    assert len(held.text) == round(share * length)
    assert (learnt.id, held.id) == (f"f#s:1-{len(learnt.text)}", f"f#s:{len(learnt.text) + 1}-{length}")


def test_short_sequences_are_not_cut() -> None:
    short = Row("s", bases(1, 500))

    with pytest.raises(BadRequest, match="the longest here has 500") as error:
        cut([short], 0.1)
    assert 'split = "identity"' in error.value.remedy
    assert cut([short, Row("l", bases(2, 20_000))], 0.1)[0][0] is short
