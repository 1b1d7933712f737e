"""Words of bases are the same for both strands, and know where they stand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.corpus.kmers import K, words_of
from tests.own.corpus.plans import bases

SEQUENCES = st.lists(st.text("ACGTN", max_size=90), max_size=4)


def reverse_complement(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def number(word: str) -> int:
    """The lesser of both strands, two bits a base."""
    strands = (word, reverse_complement(word))
    return min(int("".join(f"{'ACGT'.index(base):02b}" for base in one), 2) for one in strands)


@settings(max_examples=80, deadline=None)
@given(SEQUENCES)
def test_every_word_without_an_ambiguous_base_is_there(texts: list[str]) -> None:
    found = words_of(texts)

    expected = [
        (number(text[at : at + K]), owner, at)
        for owner, text in enumerate(texts)
        for at in range(len(text) - K + 1)
        if "N" not in text[at : at + K]
    ]
    assert (
        list(zip(found.words.tolist(), found.texts.tolist(), found.places.tolist(), strict=True)) == expected
    )


def test_both_strands_have_the_same_words() -> None:
    text = bases(3, 500)

    forward, backward = words_of([text]), words_of([reverse_complement(text)])

    assert sorted(forward.words.tolist()) == sorted(backward.words.tolist())
    assert len(set(forward.words.tolist())) == 500 - K + 1
