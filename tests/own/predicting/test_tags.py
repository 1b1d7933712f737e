from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from freehold.own.predicting.shape import Input, Method, Shape, Weights
from freehold.own.predicting.tags import best_path, features_of, shape_of, spans_of, tokens_of

TAGS = 5  # O, and two kinds that begin and go on


def lawful(path: tuple[int, ...]) -> bool:
    return all(
        tag == 0 or tag % 2 or before in (tag - 1, tag) for before, tag in zip((0, *path), path, strict=False)
    )


@given(st.lists(st.lists(st.integers(-50, 50), min_size=TAGS, max_size=TAGS), min_size=1, max_size=4))
def test_the_best_path_is_the_lawful_one_with_the_greatest_sum(rows: list[list[int]]) -> None:
    logits = np.array(rows, float)
    sums = {
        path: sum(logits[at, tag] for at, tag in enumerate(path))
        for path in product(range(TAGS), repeat=len(rows))
        if lawful(path)
    }

    found = tuple(best_path(logits))

    assert lawful(found)
    assert sums[found] == max(sums.values())


@given(st.text(max_size=60))
def test_tokens_lie_in_order_and_hold_everything_but_space(text: str) -> None:
    tokens = tokens_of(text)

    assert [text[one.begin : one.end] for one in tokens] == [one.text for one in tokens]
    assert all(a.end <= b.begin for a, b in pairwise(tokens))
    assert "".join(one.text for one in tokens) == "".join(text.split())


def tagger_of(text: str, place: int, tag: int) -> Weights:
    """One that gives a tag to the token at this place, and O to all others of the text."""
    tokens = tokens_of(text)
    features = [set(features_of(text, tokens, at, 1 << 16).tolist()) for at in range(len(tokens))]
    others = set[int]().union(*(each for at, each in enumerate(features) if at != place))
    weights = np.zeros((1 << 16, TAGS), np.float32)
    weights[list(features[place] - others), tag] = 1.0
    bias = np.array([8.0, 0, 0, 0, 0])
    return Weights(Shape(Input.TEXT, Method.LINEAR, buckets=1 << 16), {"weights": weights, "bias": bias})


def test_a_span_is_given_in_characters_with_its_probability() -> None:
    found = spans_of(tagger_of("x Ada", 1, 3), "x Ada", ("mail", "person"))

    assert [(one.begin, one.end, one.kind) for one in found] == [(2, 5, "person")]
    assert 0.5 < found[0].probability <= 1


def test_a_text_without_words_has_no_spans() -> None:
    assert spans_of(tagger_of("Ada", 0, 3), " \n ", ("mail", "person")) == []


def test_a_word_has_the_shape_of_its_letters() -> None:
    assert [shape_of(one) for one in ("Anna", "IBM", "x", "X", "1999", "-", "and")] == [
        "Xx",
        "XX",
        "x",
        "X",
        "d4",
        "-",
        "xx",
    ]
