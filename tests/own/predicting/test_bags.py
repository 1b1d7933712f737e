import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.predicting.bags import bags_of, dimensions
from freehold.own.predicting.columns import encoded, objection, width_of
from freehold.own.predicting.shape import Column, Input, Method, Shape

TEXT = Shape(Input.TEXT, Method.LINEAR, buckets=1024)
ALIGNED = Shape(Input.SEQUENCE, Method.LINEAR, alphabet="ACGT", length=6)
LOOSE = Shape(Input.SEQUENCE, Method.LINEAR, alphabet="ACGT")
COLUMNS = (Column("age", 40, 10, True), Column("colour", values=("blue", "red")))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=4))
def test_bags_times_weights_are_dense_rows_times_weights(texts: list[str]) -> None:
    weights = np.random.default_rng(0).normal(size=(1024, 3))
    bags = bags_of(TEXT, texts)
    dense = np.zeros((len(texts), 1024))
    for row in range(len(texts)):
        at = slice(bags.starts[row], bags.starts[row + 1])
        dense[row, bags.features[at]] = bags.amounts[at]

    assert np.allclose(bags.times(weights), dense @ weights)
    assert np.allclose((dense**2).sum(1), [bool(text.strip()) for text in texts])


@given(st.lists(st.text(alphabet="ACGTN", min_size=6, max_size=6), min_size=1, max_size=4))
def test_an_aligned_sequence_has_each_of_its_words_at_its_place(texts: list[str]) -> None:
    bags = bags_of(ALIGNED, texts)
    words = [
        (at, text[at : at + k]) for text in texts for k in (1, 2, 3) for at in range(7 - k)
        if "N" not in text[at : at + k]
    ]  # fmt: skip

    assert len(bags.features) == len(words)
    assert len(set(bags.features.tolist())) == len(set(words))
    assert not len(bags.features) or bags.features.max() < dimensions(ALIGNED)


def test_where_a_sequence_is_not_aligned_only_the_shares_of_its_words_count() -> None:
    one, other = (bags_of(LOOSE, [text]) for text in ("ACGTACGT" * 2, "ACGTACGT" * 3))

    assert set(one.features) == set(other.features)
    assert (bags_of(LOOSE, ["A"]).features == [0]).all()


def test_a_row_is_standardised_and_what_is_missing_or_new_is_nothing() -> None:
    rows: list[dict[object, object]] = [
        {"age": 50, "colour": "red"},
        {"age": "30", "colour": None},
        {"colour": "green", "else": 1},
        {"age": "unknown", "colour": "blue"},
    ]

    found = encoded(COLUMNS, rows)

    assert found.tolist() == [[1, 0, 0, 1], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0]]
    assert width_of(COLUMNS) == 4


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"age": 50, "colour": "red", "id": 7}, ""),
        ({"colour": None}, ""),  # no age, as in training
        ({"age": "", "colour": "green"}, ""),
        ({"age": 50, "color": "red"}, "has no column `colour`"),
        ({"age": "old", "colour": "red"}, "has 'old' in the column `age`, which is for numbers"),
    ],
)
def test_a_row_that_is_not_of_the_table_is_named_with_its_column(row: dict[object, object], why: str) -> None:
    assert objection(COLUMNS, row) == why


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1e999", [], {}])
def test_what_is_no_number_is_missing(value: object) -> None:
    assert encoded(COLUMNS[:1], [{"age": value}]).tolist() == [[0, 1]]
