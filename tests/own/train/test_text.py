"""A tokenizer of the corpus's own, and rows without padding."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

TEXTS = [
    "the pump is in hall A\n" * 3,
    "def pump(hall):\n    return hall\n",
    "Grüße, 世界!",
    "x",
    "the end " * 40,
]


@pytest.fixture(scope="module")
def words() -> Any:
    from freehold.own.train import tokenizer

    return tokenizer.learn(TEXTS * 5, 300)


@given(text=st.text())
def test_any_text_comes_back(words: Any, text: str) -> None:
    assert words.decode(words.encode(text).ids, skip_special_tokens=False) == text


def test_a_document_that_holds_the_word_for_its_end_does_not_end(words: Any) -> None:
    from freehold.own.train.tokenizer import END, end_of

    assert end_of(words) not in words.encode(f"one {END} two").ids


def test_the_same_texts_make_the_same_tokenizer(words: Any) -> None:
    from freehold.own.train import tokenizer

    assert tokenizer.learn(TEXTS * 5, 300).to_str() == words.to_str()


def test_what_is_asked_begins_a_document(words: Any, tmp_path: Path) -> None:
    from freehold.own.train import tokenizer

    tokenizer.save(tmp_path, words, 16)
    read = tokenizer.load(tmp_path)

    assert read.encode("the pump").ids == [tokenizer.end_of(read), *words.encode("the pump").ids]


CONTEXT = 8


@pytest.fixture(scope="module")
def rows() -> Any:
    """Seven documents of which each token is told apart: the document's number times 100 and its place; 0 is END."""
    import numpy as np

    from freehold.own.train.knobs import Text
    from freehold.own.train.llama import Llama, Shape
    from freehold.own.train.text import Rows, Stream

    documents = [[100 * number + place for place in range(1, 2 + 5 * number)] for number in range(1, 8)]
    tokens = [token for one in documents for token in (0, *one)] + [0]
    starts = [0]
    for one in documents:
        starts.append(starts[-1] + len(one) + 1)
    stream = Stream(np.array(tokens, np.uint32), np.array(starts))
    knobs = Text(batch=3, context=CONTEXT)
    return Rows(Llama(Shape(1000, 8, 1, 2, CONTEXT)), stream, knobs, seed=4)


def told(batch: Any) -> list[list[tuple[int, int]]]:
    """Each piece of a batch: what is seen and what follows it."""
    pairs, pieces, begin = list(zip(batch.tokens.tolist(), batch.targets.tolist(), strict=True)), [], 0
    for length in batch.lengths:
        pieces.append(pairs[begin : begin + length])
        begin += length
    return pieces


def test_no_row_holds_padding_and_no_document_sees_another(rows: Any) -> None:
    for step in range(20):
        batch = rows.batch(step, range(3))
        assert sum(batch.lengths) == len(batch.tokens) == 3 * CONTEXT
        for piece in told(batch):
            assert len({seen // 100 for seen, _ in piece if seen}) <= 1
            assert all(follows in (0, seen + 1) or seen == 0 for seen, follows in piece)
            assert all(here[1] == there[0] for here, there in pairwise(piece))


def test_an_epoch_asks_for_each_place_at_most_once_and_leaves_out_less_than_a_row(rows: Any) -> None:
    per_epoch = rows._stream.rows(CONTEXT)
    asked = [
        pair
        for row in range(per_epoch)
        for piece in told(rows.batch(row // 3, range(row % 3, row % 3 + 1)))
        for pair in piece
        if pair[0]
    ]

    assert len(asked) == len(set(asked))
    assert int(rows._stream.starts[-1]) - per_epoch * CONTEXT < CONTEXT


def test_a_row_is_the_same_whoever_asks_and_whenever(rows: Any) -> None:
    def sorted_pieces(*asked: Any) -> list[Any]:
        return sorted(piece for batch in asked for piece in told(batch))

    whole = sorted_pieces(rows.batch(9, range(3)))
    rows.batch(100, range(3))

    assert sorted_pieces(rows.batch(9, range(2)), rows.batch(9, range(2, 3))) == whole
    assert sorted_pieces(rows.batch(10, range(3))) != whole
