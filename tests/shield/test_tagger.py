"""The shipped tagger finds what has no form, wherever it stands, and says where."""

from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.shield.tagger import (
    HASHES,
    KINDS,
    TOKENS_MAX,
    WEIGHTS,
    WordList,
    best_path,
    places_of,
    shape_of,
    shipped,
)


def told(text: str) -> list[tuple[str, str]]:
    return [(text[one.begin : one.end], one.kind) for one in shipped().find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Please ask Rebecca Thornton for the invoice.", [("Rebecca Thornton", "person")]),
        ("Sehr geehrte Frau Lindemann, anbei die Unterlagen.", [("Lindemann", "person")]),
        ("Bonjour Camille, le serveur est en panne.", [("Camille", "person")]),
        ("hola soy beatriz, no funciona la web", [("beatriz", "person")]),
        ("Patient: Marco Ferri, born 12 May 1961", [("Marco Ferri", "person"), ("12 May 1961", "birth")]),
        ("The Kubernetes upgrade in Frankfurt failed on Monday.", []),
        ("Return True if the value is a Mapping, otherwise False.", []),
        ("", []),
    ],
)
def test_plain_cases_are_found_and_plain_words_are_not(text: str, found: list[tuple[str, str]]) -> None:
    assert told(text) == found


def test_a_name_is_found_in_each_piece_of_a_long_text() -> None:
    line = "Dear Rebecca Thornton, thank you for your letter.\n"
    many = 2 * TOKENS_MAX // 10

    found = [text for text, _ in told(line * many)]

    assert found.count("Rebecca Thornton") > 0.95 * many


@given(st.text(max_size=80))
def test_what_is_found_lies_in_the_text_in_order_and_apart(text: str) -> None:
    found = shipped().find(text)

    assert all(0 <= one.begin < one.end <= len(text) and one.kind in KINDS for one in found)
    assert all(one.end <= other.begin for one, other in pairwise(found))


@given(st.sets(st.text(min_size=1, max_size=9), min_size=1, max_size=40))
def test_a_list_of_words_holds_each_of_its_words(held: set[str]) -> None:
    bits = np.zeros(100, np.uint8)
    for word in held:
        for place in places_of(word, 800):
            bits[place >> 3] |= 1 << (place & 7)

    assert all(word in WordList(bits) for word in held)
    assert len(places_of("word", 800)) == HASHES


def test_the_best_path_obeys_the_steps_where_scores_do_not() -> None:
    scores = np.array([[0, 1, 0], [0, 0, 2]], np.float32)
    never = np.array([[0, 0, -9], [0, 0, -9], [0, 0, 0]], np.float32)
    free = np.zeros((3, 3), np.float32)

    assert best_path(scores, free, free[0]) == [1, 2]
    assert best_path(scores, never, never[0]) == [1, 0]


def test_shapes_tell_names_from_codes_and_numbers() -> None:
    assert [shape_of(one) for one in ("Anna", "anna", "ANNA", "BMW", "McKay", "1999", "-", "A")] == [
        "Xx", "xx", "XX", "XX3", "XxX", "d4", "-", "X",
    ]  # fmt: skip


def test_the_file_is_small() -> None:
    assert len((files("freehold.shield") / WEIGHTS).read_bytes()) < 1_000_000
