"""A run begins with a plan that explains itself."""

import re
from pathlib import Path

import pytest

from freehold.cli.main import main
from freehold.own.plan import Recipe, load_plan
from freehold.own.train.knobs import RECIPES


@pytest.mark.parametrize("recipe", Recipe)
def test_a_plan_holds_as_it_is_written_and_with_every_knob_at_its_default(
    recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "Support Bot"

    assert main(["own", "init", str(run), "--recipe", recipe]) == 0
    plan = load_plan(run)

    written = run / "own.toml"
    text = written.read_text()
    assert (plan.name, plan.recipe, plan.licence) == ("support-bot", recipe, "proprietary")
    assert all(f"\n# {name} = " in text for name in RECIPES[recipe].__struct_fields__ if name != "checkpoint")
    written.write_text(
        re.sub(r"^# (?=\w+ = (?!.*unset; this is an example$)|\[)", "", text, flags=re.MULTILINE)
    )
    said = load_plan(run)
    assert not re.search(r"judge = [^#\n]*\n", text), "each of several lines of knobs has its sentence"
    assert 'split = "cluster"  # document, cluster, time, identity, position' in text
    assert (said.training(), said.promote) == (plan.training(), plan.promote)
    assert said.corpus.exchanges is not None


def test_a_plan_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text("kept")

    assert main(["own", "init", str(tmp_path), "--recipe", "text"]) == 2

    assert (tmp_path / "own.toml").read_text() == "kept"
    assert "the plan exists already" in capsys.readouterr().err


def test_a_name_that_cannot_be_is_told_and_may_be_corrected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["own", "init", str(tmp_path / "v1"), "--recipe", "text", "--name"]

    assert main([*words, "My Model"]) == 2
    assert "not a string of a-z, 0-9, dots and hyphens, at most 63" in capsys.readouterr().err
    assert main([*words, "my-model"]) == 0


def test_a_run_that_is_not_there_is_told_with_what_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["own", "corpus", str(tmp_path)]) == 2
    assert f"`freehold own init {tmp_path} --recipe ...`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "place", "said", "remedy"),
    [
        ("[corpus]\ndocument = ['x']", ":5:1: ", "unknown key `document` in [corpus]", "Write `documents`."),
        (
            "[corpus.exchanges]\nalias = ['x']",
            ":5:1: ",
            "unknown key `alias` in [corpus.exch",
            "Write `aliases`.",
        ),
        ("[corpus]\nheld_out = 2", ":5:1: ", "`corpus.held_out` is 2, not a number of at most 1", "Give"),
        ("[train]\nstep = 2", ":5:1: ", "unknown key `step` in [train]", "Write `steps`."),
    ],
)
def test_a_mistake_in_a_plan_is_named_with_its_place(
    written: str, place: str, said: str, remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").write_text(f'name = "x"\nrecipe = "text"\nlicence = "MIT"\n{written}\n')

    assert main(["own", "corpus", str(tmp_path)]) == 2

    told = capsys.readouterr().err
    assert f"own.toml{place}{said}" in told
    assert f"remedy: {remedy}" in told
