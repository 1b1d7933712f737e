"""The plans that docs/own.md shows can be used."""

from pathlib import Path

from freehold.own.corpus.knobs import Corpus, Split
from freehold.own.plan import Recipe, load_plan
from tests.docs.pages import blocks, rows, sections, text_of

PAGE = text_of("docs/own.md")


def test_a_plan_that_is_shown_holds(tmp_path: Path) -> None:
    shown = blocks(PAGE, "plan")

    for plan in shown:
        (tmp_path / "own.toml").write_text(plan)
        assert load_plan(tmp_path).corpus != Corpus()
    assert shown


def test_every_recipe_and_every_split_has_its_row() -> None:
    assert {row[0].strip("`") for row in rows(sections(PAGE)["Own models"])} == set(Recipe)
    assert set(Split) <= {row[0].strip("`") for row in rows(sections(PAGE)["Corpus"])}
