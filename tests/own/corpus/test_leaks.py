"""A column that tells the label by itself is found; one that is merely good, or an accident, is not."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.corpus.leaks import LEAKING, see_leaks, told
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest

Value = str | float | None


def rows(
    label: Callable[[int], str | float], column: Callable[[int, str | float], Value], count: int = 200
) -> list[Row]:
    """Rows with this label, this column and one without meaning."""
    draw = random.Random(1)
    return [
        Row(str(number), values={"it": column(number, said), "noise": draw.random()}, label=said)
        for number, said in ((number, label(number)) for number in range(count))
    ]


def coin(number: int) -> str:
    return "yes" if random.Random(number).random() < 0.4 else "no"


def size(number: int) -> float:
    return random.Random(number).gauss(0, 3)


LEAKS: dict[str, tuple[Callable[[int], str | float], Callable[[int, str | float], Value]]] = {
    "a code of the class": (
        coin,
        lambda number, said: f"{said[0]}{number % 3}" if isinstance(said, str) else "",
    ),
    "a number on either side": (coin, lambda number, said: random.Random(number).random() + (said == "yes")),
    "missing for one class": (coin, lambda number, said: None if said == "yes" else float(number)),
    "the same number in other units": (size, lambda number, said: 2.54 * float(said) + 1),
    "a flag": (coin, lambda number, said: float(said == "yes")),
}
HONEST: dict[str, tuple[Callable[[int], str | float], Callable[[int, str | float], Value]]] = {
    "an id": (coin, lambda number, said: f"case {number}"),
    "its number": (coin, lambda number, said: float(number)),
    "nine of ten": (coin, lambda number, said: said if number % 10 else "no"),
    "a good guess": (size, lambda number, said: float(said) + random.Random(number + 9_999).gauss(0, 1)),
    "always missing": (coin, lambda number, said: None),
    "always the same": (coin, lambda number, said: 1.0),
}


@pytest.mark.parametrize("case", LEAKS)
def test_what_is_known_only_with_the_label_is_found(case: str) -> None:
    with pytest.raises(BadRequest, match=r"leaking column `it` \(\d+\.\d%\)") as error:
        see_leaks(rows(*LEAKS[case]), "outcome")
    assert "`outcome`" in error.value.remedy


@pytest.mark.parametrize("case", HONEST)
def test_what_is_merely_good_is_not_accused(case: str) -> None:
    found = {one.column: one.removed for one in see_leaks(rows(*HONEST[case]), "outcome")}

    assert set(found) == {"it", "noise"}
    assert all(removed < LEAKING for removed in found.values())


def test_nothing_is_said_of_few_rows_or_of_rows_without_a_label() -> None:
    assert told(rows(*LEAKS["a flag"], count=19)) == []
    assert told([Row(str(number), values={"it": 1.0}) for number in range(50)]) == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["x", "y"])), min_size=20, max_size=60
    )
)
def test_no_column_takes_away_more_than_all_errors(pairs: list[tuple[str | None, str]]) -> None:
    found = told(
        [Row(str(number), values={"it": it}, label=label) for number, (it, label) in enumerate(pairs)]
    )

    assert all(one.removed <= 1 for one in found)
