"""What takes long is made beside the request: remembered, made anew when it is of something else, and never lost."""

from threading import Event

import pytest

from freehold.console.later import REMEMBERED, Later
from freehold.vocabulary.errors import NotFound

PATIENCE_S = 30.0


def test_what_was_made_is_remembered_until_it_is_made_of_something_else() -> None:
    later, made = Later(), list[int]()

    def make() -> int:
        made.append(1)
        return len(made)

    assert [later.get("n", "a", make, PATIENCE_S) for _ in range(3)] == [1, 1, 1]
    assert later.get("n", "b", make, PATIENCE_S) == 2


def test_while_it_is_made_there_is_nothing_and_while_it_is_made_again_there_is_what_was_before() -> None:
    later, go_on = Later(), Event()

    def slow(value: str) -> str:
        assert go_on.wait(PATIENCE_S)
        return value

    assert later.get("n", "a", lambda: slow("first"), 0.0) is None
    go_on.set()
    assert later.get("n", "a", lambda: slow("never"), PATIENCE_S) == "first"
    go_on.clear()
    assert later.get("n", "b", lambda: slow("second"), 0.0) == "first"
    go_on.set()
    assert later.get("n", "b", lambda: slow("never"), PATIENCE_S) == "second"


def test_what_fails_is_raised_and_tried_again() -> None:
    later = Later()

    def fails() -> str:
        raise NotFound("gone", remedy="Look elsewhere.")

    for _ in range(2):
        with pytest.raises(NotFound):
            later.get("n", "a", fails, PATIENCE_S)
    assert later.get("n", "a", lambda: "there", PATIENCE_S) == "there"


def test_only_so_much_is_remembered() -> None:
    later, made = Later(), list[int]()

    def make(number: int) -> int:
        made.append(number)
        return number

    for number in [*range(REMEMBERED + 1), 0]:
        later.get(number, "a", lambda number=number: make(number), PATIENCE_S)  # type: ignore[misc]
    assert made.count(0) == 2 and made.count(REMEMBERED) == 1
