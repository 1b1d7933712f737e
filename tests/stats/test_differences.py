"""Rows: inner products of sparse rows, against dictionaries and loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.stats.differences import Rows, difference, total

ROWS = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-5, 5), max_size=6), max_size=8)
ROW = st.dictionaries(st.sampled_from("abcdefghij"), st.floats(-5, 5))


def kept(rows: list[dict[str, float]]) -> Rows:
    found = Rows()
    for row in rows:
        found.append(found.numbered(row))
    return found


@given(ROWS, ROW)
def test_products_are_those_of_the_rows_as_dictionaries(
    rows: list[dict[str, float]], row: dict[str, float]
) -> None:
    expected = [sum(value * row.get(name, 0.0) for name, value in each.items()) for each in rows]

    found = kept(rows)

    assert found.products(found.numbered(row)) == pytest.approx(np.array(expected), abs=1e-9)


@given(ROW, ROW)
def test_difference_and_total_are_taken_name_by_name(one: dict[str, float], other: dict[str, float]) -> None:
    names = one.keys() | other.keys()

    assert difference(one, other) == {
        name: value for name in names if (value := one.get(name, 0.0) - other.get(name, 0.0))
    }
    assert total(one, other) == {
        name: value for name in names if (value := one.get(name, 0.0) + other.get(name, 0.0))
    }


def test_rows_outgrow_their_first_room() -> None:
    rows = kept([{f"{row} {column}": 1.0 for column in range(3_000)} for row in range(3)])

    assert len(rows) == 3
    assert rows.products(rows.numbered({"0 7": 2.0, "2 9": 3.0, "new": 1.0})).tolist() == [2.0, 0.0, 3.0]
