"""What a pattern says of a name, and of a name that is a pattern itself."""

from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.catalog.selectors import Match, match, precision

PATTERNS = st.text("ab*", max_size=6)
NAMES = st.text("ab", max_size=6)
SHORT = st.text("ab*", max_size=4)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("gpt-5*", "GPT-5-mini", Match.YES),
        ("gpt-5", "gpt-5-mini", Match.NO),
        ("claude[1m]", "claude[1m]", Match.YES),
        ("a.b", "axb", Match.NO),
        ("gpt-*", "gpt-5*", Match.YES),
        ("gpt-5*", "gpt-*", Match.MAYBE),
        ("*-mini", "gpt-*", Match.MAYBE),
        ("gpt-5", "gpt-*", Match.MAYBE),
        ("o3*", "gpt-*", Match.NO),
        ("*", "", Match.YES),
        ("*a" * 40 + "b", "a" * 400, Match.NO),  # in no time
        ("*" * 60 + "b", "a" * 400, Match.NO),
        ("*a" * 50_000 + "b", "*c" * 50_000, Match.NO),
        ("*a" * 50_000, "*b" * 50_000 + "*", Match.MAYBE),
    ],
)
def test_a_pattern_matches_a_name_or_may(pattern: str, name: str, expected: Match) -> None:
    assert match(pattern, name) is expected


@given(PATTERNS, NAMES)
def test_of_a_name_it_says_what_the_shell_says(pattern: str, name: str) -> None:
    assert match(pattern, name) is (Match.YES if fnmatchcase(name, pattern) else Match.NO)


@given(PATTERNS, PATTERNS, NAMES)
def test_what_it_says_of_a_pattern_holds_for_every_name_that_fits(one: str, other: str, name: str) -> None:
    if fnmatchcase(name, other):
        fits = Match.YES if fnmatchcase(name, one) else Match.NO

        assert match(one, other) in (fits, Match.MAYBE)


@given(SHORT, SHORT)
def test_two_patterns_meet_where_some_text_fits_both(one: str, other: str) -> None:
    texts = ("".join(letters) for length in range(9) for letters in product("ab", repeat=length))
    meet = any(fnmatchcase(text, one) and fnmatchcase(text, other) for text in texts)

    assert (match(one, other) is not Match.NO) == meet


@given(PATTERNS, PATTERNS)
def test_two_patterns_meet_from_either_side(one: str, other: str) -> None:
    assert (match(one, other) is Match.NO) == (match(other, one) is Match.NO)


def test_a_name_is_more_precise_than_a_pattern_of_its_length() -> None:
    assert precision("gpt-5") > precision("gpt-5*") > precision("gpt-*") > precision("*")


def test_a_match_is_no_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(match("a", "a"))
