"""A run's model is measured beside baselines and who it would replace, once, and the pairs are kept."""

import json
from pathlib import Path

import pytest

from freehold.gateway.promotion_order import Promotion, Stage, put
from freehold.own.artefact import MODEL, Kind
from freehold.own.evaluate import evaluating, report
from freehold.own.evaluate.comparing import measured
from freehold.own.evaluate.evaluating import PAGE
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.own.publish.manifest import Engine
from freehold.own.publish.registry import Entry, register
from freehold.own.stage import RECORD
from tests.cli.conftest import Run
from tests.own.evaluate.conftest import CONFIG, PLAN, MakeRun
from tests.own.evaluate.scorer import WEIGHTS


def published(run: Path, name: str) -> None:
    """Its model is the own model of this name."""
    (run / "publish").mkdir()
    (run / "train" / MODEL).rename(run / "publish" / MODEL)
    register(
        run.parent / ".freehold",
        Entry(
            name,
            str(run / "publish"),
            Kind.CLASSIFIER,
            Engine.PREDICTOR,
            "ab" * 32,
            "ab" * 32,
            "MIT",
            1_790_000_000_000,
            "me",
        ),
    )


def test_a_model_is_held_against_baselines_and_the_own_model_that_answers_today(
    make_run: MakeRun, run: Run
) -> None:
    published(make_run("old-run", 5), "old")
    here = make_run("run", 20)
    said = run("own", "evaluate", "run")
    assert said.code == 0, said.err
    assert "was trained on another corpus" not in said.out
    found = evaluating.read(here)
    values = {one.subject: round(one.value.estimate, 3) for one in found.measured}
    assert values == {"own/new": 0.95, "always wrong": 0.0, "own/old": 0.8}
    better = {one.second: round(one.value.estimate, 3) for one in found.compared}
    assert better == {"always wrong": 0.95, "own/old": 0.15}
    assert [path.name for path in here.parent.glob(".*.incumbent")] == []
    pairs = list(report.read_pairs(here / "evaluate" / report.PAIRS))
    assert {(one.against, one.source) for one in pairs} == {("own/old", "held out")}
    assert sum(one.own - one.incumbent for one in pairs) == pytest.approx(30)
    assert "own/old" in said.out and "always wrong (baseline)" in said.out
    page = (here / "evaluate" / PAGE).read_text()
    assert "| own/new | own/old | accuracy | held out | +0.1500 |" in page
    assert "Expected calibration error 0.0100" in page and "`own/old`: `" + "ab" * 32 in page


def test_what_was_evaluated_from_the_same_is_not_evaluated_again(make_run: MakeRun, run: Run) -> None:
    here = make_run("run", 20, PLAN.replace('alias = "splice"', ""))
    run("own", "evaluate", "run")
    before = (here / "evaluate" / RECORD).read_bytes()
    assert run("own", "evaluate", "run").code == 0
    assert (here / "evaluate" / RECORD).read_bytes() == before
    assert (here / "evaluate" / report.PAIRS).read_bytes() == b""


def test_other_files_of_the_incumbent_are_another_evaluation(make_run: MakeRun, run: Run) -> None:
    old = make_run("old-run", 5)
    published(old, "old")
    here = make_run("run", 20)
    run("own", "evaluate", "run")
    (old / "publish" / MODEL / WEIGHTS).write_text("40")
    known = Entry(
        "old",
        str(old / "publish"),
        Kind.CLASSIFIER,
        Engine.PREDICTOR,
        "cd" * 32,
        "cd" * 32,
        "MIT",
        1_790_000_000_000,
        "me",
    )
    register(old.parent / ".freehold", known)
    run("own", "evaluate", "run")
    assert (
        next(one for one in evaluating.read(here).measured if one.subject == "own/old").value.estimate > 0.97
    )


def test_the_model_that_was_promoted_last_is_the_incumbent(make_run: MakeRun, run: Run, folder: Path) -> None:
    published(make_run("old-run", 5), "old")
    published(make_run("newer-run", 10, trained_on="another"), "newer")
    put(folder / ".freehold", Promotion("p1", "splice", "own/newer", Stage.DEFAULT))
    make_run("run", 20)
    said = run("own", "evaluate", "run")
    assert "note: own/newer was trained on another corpus, and may have learnt some of these rows" in said.out
    pairs = report.read_pairs(folder / "run" / "evaluate" / report.PAIRS)
    assert {one.against for one in pairs} == {"own/newer"}


def test_a_baseline_can_be_named_as_what_is_to_be_replaced(make_run: MakeRun, run: Run) -> None:
    here = make_run("run", 20, PLAN + '[evaluate]\nincumbent = "always wrong"\n')
    run("own", "evaluate", "run")
    pairs = list(report.read_pairs(here / "evaluate" / report.PAIRS))
    assert len(pairs) == 200 and {one.against for one in pairs} == {"always wrong"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('tasks = ["tasks.jsonl"]', "tasks are conversations, and new does not chat"),
        ('tasks = ["none.jsonl"]', "none.jsonl"),
        ('transfer = ["none.fa"]', "none.fa is no file"),
    ],
)
def test_what_cannot_be_asked_is_named(make_run: MakeRun, run: Run, more: str, message: str) -> None:
    here = make_run("run", 20, f'{PLAN}[evaluate]\nincumbent = "else"\n{more}\n')
    case = {"id": "one", "prompt": "2+2?", "checks": [{"exact": "4"}]}
    (here / "tasks.jsonl").write_text(json.dumps(case) + "\n")
    said = run("own", "evaluate", "run")
    assert said.code == 2 and message in said.err


def test_an_earlier_stage_that_is_missing_is_named(make_run: MakeRun, run: Run) -> None:
    here = make_run("run", 20)
    (here / "train" / RECORD).unlink()
    said = run("own", "evaluate", "run")
    assert said.code == 2 and "Run `freehold own train run` first." in said.err


def test_the_model_itself_is_no_incumbent(make_run: MakeRun, run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text(CONFIG.replace("own/old", "own/new"))
    here = make_run("run", 20)
    assert run("own", "evaluate", "run").code == 0
    assert [one.second for one in evaluating.read(here).compared] == ["always wrong"]
    assert (here / "evaluate" / report.PAIRS).read_bytes() == b""


def test_all_stages_in_a_row_end_at_the_first_that_cannot_be_done(make_run: MakeRun, run: Run) -> None:
    make_run("run", 20)
    said = run("own", "run", "run")
    assert (said.code, said.out) == (2, "corpus:\n")


def test_rows_that_are_too_long_for_one_of_them_are_told() -> None:
    rows = [RowScore(str(at), str(at), 1.0, 8.0) for at in range(40)]
    found = [
        measured(Scores(subject, "bits per byte of answers", "lower", 0.0, 8.0, tuple(rows[:count])))
        for subject, count in (("own/short", 30), ("own/long", 40))
    ]
    note, *_ = evaluating._notes(found)
    assert note == "own/short was scored on 30 of 40 rows, held out: the others are too long for it"
