"""The page on drills says what a scenario can say, and no more."""

from freehold.drills.loading import parsed, shipped
from freehold.drills.scenario import Change, Way
from freehold.drills.selecting import MOST_USED, SELECTORS
from freehold.vocabulary.facts import REGISTRY
from tests.docs.pages import blocks, code, rows, sections, text_of

NUMBERS = {18: "Eighteen", 19: "Nineteen", 20: "Twenty"}
PAGE = text_of("docs/drills.md")
SCENARIOS = sections(PAGE)["Scenarios"]


def test_the_scenario_that_is_shown_holds() -> None:
    (shown,) = blocks(PAGE, "TOML")

    assert len(parsed(shown, "shown.toml").lost) == 1


def test_every_word_and_every_change_has_a_row() -> None:
    named = {name for row in rows(SCENARIOS) for name in code(row[0])}
    words = {name for name in SELECTORS if name not in REGISTRY}

    assert named == words | set(Change.__struct_fields__) - {"where"}
    assert set(MOST_USED) <= set(code(SCENARIOS))


def test_every_way_is_named() -> None:
    (shown,) = blocks(PAGE, "TOML")

    assert all(way in shown for way in Way)


def test_it_counts_what_comes_along() -> None:
    assert f"{NUMBERS[len(shipped())]} come along" in SCENARIOS
