"""A run's model is measured beside baselines and who it would replace, once, and the pairs are kept."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from freehold.gateway.promotion_order import Promotion, Stage, put
from freehold.own import rows
from freehold.own.artefact import MODEL, Kind
from freehold.own.evaluate import evaluating, report
from freehold.own.evaluate.evaluating import PAGE
from freehold.own.plan import Recipe
from freehold.own.publish.manifest import Engine
from freehold.own.publish.registry import Entry, register
from freehold.own.rows import Row
from freehold.own.stage import RECORD, Made, digest_of
from tests.cli.conftest import Run
from tests.own.evaluate.scorer import WEIGHTS

CONFIG = """
[providers.own]
[providers.rival]
base_url = "http://127.0.0.1:9/v1"
dialects = ["chat"]
[aliases]
splice = ["own/old"]
else = ["rival/large"]
"""
PLAN = 'name = "new"\nrecipe = "predict"\nlicence = "MIT"\n[promote]\nalias = "splice"\n'

NewRun = Callable[..., Path]


@pytest.fixture
def new_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> NewRun:
    """Makes a run whose model is wrong every so often."""
    monkeypatch.setitem(evaluating.SCORERS, Recipe.PREDICT, "tests.own.evaluate.scorer")
    (folder / "freehold.toml").write_text(CONFIG)

    def make(name: str, every: int, plan: str = PLAN) -> Path:
        run = folder / name
        (run / "corpus").mkdir(parents=True)
        (run / "own.toml").write_text(plan)
        rows.write(run / "corpus" / rows.HELD_OUT, [Row(f"r{at}", cluster=f"c{at}") for at in range(200)])
        (run / "train" / MODEL).mkdir(parents=True)
        (run / "train" / MODEL / WEIGHTS).write_text(str(every))
        for stage in ("corpus", "train"):
            files = sorted(one for one in (run / stage).rglob("*") if one.is_file())
            outputs = {str(one.relative_to(run / stage)): digest_of(one) for one in files}
            (run / stage / RECORD).write_bytes(msgspec.json.encode(Made(stage, {}, {}, outputs)))
        return run

    return make


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
            "MIT",
            1_790_000_000_000,
            "me",
        ),
    )


def test_a_model_is_held_against_baselines_and_the_own_model_that_answers_today(
    new_run: NewRun, run: Run
) -> None:
    published(new_run("old-run", 5), "old")
    here = new_run("run", 20)
    said = run("own", "evaluate", "run")
    assert said.code == 0, said.err
    found = evaluating.read(here)
    values = {one.subject: round(one.value.estimate, 3) for one in found.measured}
    assert values == {"own/new": 0.95, "always wrong": 0.0, "own/old": 0.8}
    better = {one.second: round(one.value.estimate, 3) for one in found.compared}
    assert better == {"always wrong": 0.95, "own/old": 0.15}
    pairs = list(report.read_pairs(here / "evaluate" / report.PAIRS))
    assert {(one.against, one.source) for one in pairs} == {("own/old", "held out")}
    assert sum(one.own - one.incumbent for one in pairs) == pytest.approx(30)
    assert "own/old" in said.out and "always wrong (baseline)" in said.out
    page = (here / "evaluate" / PAGE).read_text()
    assert "| own/new | own/old | accuracy | held out | +0.1500 |" in page
    assert "Expected calibration error 0.0100" in page and "`own/old`: `" + "ab" * 32 in page


def test_what_was_evaluated_from_the_same_is_not_evaluated_again(new_run: NewRun, run: Run) -> None:
    here = new_run("run", 20, PLAN.replace('alias = "splice"', ""))
    run("own", "evaluate", "run")
    before = (here / "evaluate" / RECORD).read_bytes()
    assert run("own", "evaluate", "run").code == 0
    assert (here / "evaluate" / RECORD).read_bytes() == before
    assert (here / "evaluate" / report.PAIRS).read_bytes() == b""


def test_other_files_of_the_incumbent_are_another_evaluation(new_run: NewRun, run: Run) -> None:
    old = new_run("old-run", 5)
    published(old, "old")
    here = new_run("run", 20)
    run("own", "evaluate", "run")
    (old / "publish" / MODEL / WEIGHTS).write_text("40")
    known = Entry(
        "old",
        str(old / "publish"),
        Kind.CLASSIFIER,
        Engine.PREDICTOR,
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


def test_the_model_that_was_promoted_last_is_the_incumbent(new_run: NewRun, run: Run, folder: Path) -> None:
    published(new_run("old-run", 5), "old")
    published(new_run("newer-run", 10), "newer")
    put(folder / ".freehold", Promotion("p1", "splice", "own/newer", Stage.DEFAULT))
    new_run("run", 20)
    run("own", "evaluate", "run")
    pairs = report.read_pairs(folder / "run" / "evaluate" / report.PAIRS)
    assert {one.against for one in pairs} == {"own/newer"}


def test_a_baseline_can_be_named_as_what_is_to_be_replaced(new_run: NewRun, run: Run) -> None:
    here = new_run("run", 20, PLAN + '[evaluate]\nincumbent = "always wrong"\n')
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
def test_what_cannot_be_asked_is_named(new_run: NewRun, run: Run, more: str, message: str) -> None:
    here = new_run("run", 20, f'{PLAN}[evaluate]\nincumbent = "else"\n{more}\n')
    case = {"id": "one", "prompt": "2+2?", "checks": [{"exact": "4"}]}
    (here / "tasks.jsonl").write_text(json.dumps(case) + "\n")
    said = run("own", "evaluate", "run")
    assert said.code == 2 and message in said.err


def test_an_earlier_stage_that_is_missing_is_named(new_run: NewRun, run: Run) -> None:
    here = new_run("run", 20)
    (here / "train" / RECORD).unlink()
    said = run("own", "evaluate", "run")
    assert said.code == 2 and "Run `freehold own train run` first." in said.err


def test_the_model_itself_is_no_incumbent(new_run: NewRun, run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text(CONFIG.replace("own/old", "own/new"))
    here = new_run("run", 20)
    assert run("own", "evaluate", "run").code == 0
    assert [one.second for one in evaluating.read(here).compared] == ["always wrong"]
    assert (here / "evaluate" / report.PAIRS).read_bytes() == b""
