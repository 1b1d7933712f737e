"""Live answers are compared by what they say where a plan asks for that, with a reason, and nobody is asked twice."""

import asyncio
import json
from pathlib import Path

import pytest

from freehold.cli.ledger_bodies import OPENED
from freehold.gateway.promotion_order import read
from freehold.ledger.bodies import opened
from freehold.ledger.query import events
from freehold.own.promote.answers import Ruling
from freehold.own.promote.answers import judged as judge
from freehold.own.promote.live import twins
from freehold.vocabulary.probe import Question, Reply
from tests.cli.conftest import Run
from tests.own.promote.company import CONFIG, PLAN, Company

GOOD = [(1.0, 0.0)] * 30 + [(1.0, 1.0)] * 40


def told(*predictions: dict[str, object]) -> bytes:
    return json.dumps({"model": "m", "predictions": predictions}).encode()


YES: dict[str, object] = {"label": "yes", "probabilities": {"yes": 0.7}}
NO: dict[str, object] = {"label": "no", "probabilities": {"no": 0.7}}


@pytest.fixture
def judged(company: Company, run: Run) -> Company:
    """In shadow, with predictions that are to be the same."""
    (company.run / "own.toml").write_text(PLAN + 'judge = "same"\n')
    company.evaluate(GOOD)
    assert run("own", "promote", "run").code == 0
    return company


def test_predictions_that_are_the_same_let_a_model_go_on(judged: Company, run: Run) -> None:
    judged.said(100, told(YES, NO), told({**YES, "probabilities": {"yes": 0.9}}, NO))
    assert run("own", "promote", "run", "--reason", "agreed").code == 0
    (opened,) = events(judged.state, OPENED)
    assert len(opened.about["exchanges"]) == 200 and opened.about["reason"] == "agreed"  # type: ignore[arg-type]
    run("own", "promote", "run", "--to", "shadow")
    run("own", "promote", "run")
    assert len(events(judged.state, OPENED)) == 1


def test_predictions_that_are_not_the_same_hold_it_back(judged: Company, run: Run) -> None:
    judged.said(100, told(YES, NO), told(YES, YES))
    said = run("own", "promote", "run", "--reason", "agreed")
    assert said.code == 1
    assert "missing: live, same: worse" in said.out and "-0.500" in said.out


@pytest.mark.parametrize("judge", ["own/small", "assistant", "jury"])
def test_a_model_is_not_its_own_judge(company: Company, run: Run, folder: Path, judge: str) -> None:
    (folder / "freehold.toml").write_text(CONFIG + 'jury = ["own/small", "rival/large"]\n')
    (company.run / "own.toml").write_text(PLAN + f'judge = "{judge}"\n')
    company.evaluate(GOOD)
    said = run("own", "promote", "run", "--reason", "agreed")
    assert said.code == 2 and f"own/small would be judged by itself, as {judge}" in said.err


def test_nothing_is_opened_without_a_reason(judged: Company, run: Run) -> None:
    judged.said(2, told(YES), told(YES))
    said = run("own", "promote", "run")
    assert said.code == 2 and "2 answers are to be opened and compared by same" in said.err
    assert events(judged.state, OPENED) == []


@pytest.mark.parametrize("mine", [b"", b"{}", b'{"predictions": 1}', told(YES, YES)])
def test_what_cannot_be_compared_is_no_pair(judged: Company, run: Run, mine: bytes) -> None:
    judged.said(1, mine, told(YES))
    said = run("own", "promote", "run", "--reason", "agreed")
    assert "missing: live: 1 of 80 pairs; 79 more pairs are needed" in said.out
    shown = json.loads(run("own", "status", "--json").out)[0]["ruled"]
    assert (shown["pairs"], shown["source"]) == (0, "live, same")


def chat(text: str) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return json.dumps({"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice]}).encode()


class Strong:
    """Prefers an answer that names a day; sees no more than it is shown."""

    async def __call__(self, name: str, question: Question, /) -> Reply:
        (turn,) = question.turns
        assert name == "strong" and "Which day is it?" in turn.text
        a, b = (turn.text.partition(f"<answer {seat}>")[2].partition("</answer")[0] for seat in "AB")
        better = "TIE" if ("Monday" in a) == ("Monday" in b) else "A" if "Monday" in a else "B"
        return Reply(f"It names the day.\n{better}", 0, 0, 200)


@pytest.mark.parametrize(
    ("mine", "theirs", "points"),
    [
        (chat("It is Monday."), chat("No idea."), (1.0, 0.0)),
        (chat("No idea."), chat("It is Monday."), (0.0, 1.0)),
        (chat("Monday"), chat("It is Monday."), (0.5, 0.5)),
        (b"{}", chat("It is Monday."), (None, None)),
    ],
)
def test_a_judge_says_which_answer_is_better(
    company: Company, run: Run, mine: bytes, theirs: bytes, points: tuple[float | None, float | None]
) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.said(1, mine, theirs)
    (step,) = read(company.state).promotions
    (twin,) = twins(company.state, [step.id])
    bodies = [list(opened(company.state, one)) for one in twin[:2]]
    found: Ruling = asyncio.run(judge(twin, bodies, Strong(), "strong"))
    assert (found.own, found.incumbent) == points
