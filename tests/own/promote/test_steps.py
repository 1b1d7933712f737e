"""From off to shadow to canary to default: each step on evidence, none skipped, back at any time, all on the ledger."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from freehold.gateway.promotion_order import TAKEN_BACK, Promotion, Stage, about_of, put, read, take_back
from freehold.ledger.query import events
from freehold.own.promote.standing import PROMOTED
from freehold.own.promote.steps import withdraw
from freehold.own.publish.registry import register, registered
from freehold.vocabulary.exchange import Finding, Outcome
from tests.cli.conftest import Run
from tests.own.promote.company import CONFIG, OWN, PLAN, Company

GOOD = [(1.0, 0.0)] * 30 + [(1.0, 1.0)] * 40
BAD = [(0.0, 1.0)] * 30 + [(1.0, 1.0)] * 40


def refused(said: Any) -> list[str]:
    assert said.code == 1, said
    return [line.removeprefix("missing: ") for line in said.out.splitlines() if line.startswith("missing: ")]


def test_a_model_goes_from_shadow_to_canary_to_default_on_evidence(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    for stage in (Stage.SHADOW, Stage.CANARY, Stage.DEFAULT):
        assert run("own", "promote", "run", "--reason", "agreed").code == 0
        assert company.stage() is stage
        if stage is Stage.SHADOW:
            company.twins(110)
        elif stage is Stage.CANARY:
            (canary,) = read(company.state).promotions
            assert (canary.share, canary.applications, canary.min_answers) == (0.5, ("claims",), 10)
            company.answers(12)
    told = [one.about for one in events(company.state, PROMOTED)]
    assert [(one["from"], one["stage"]) for one in told] == [
        ("off", "shadow"),
        ("shadow", "canary"),
        ("canary", "default"),
    ]
    assert all(one["who"] and one["why"] == "agreed" and one["endpoint"] == OWN for one in told)
    assert [len(one["digests"]) for one in told] == [1, 2, 2]  # type: ignore[arg-type]
    assert "live: not worse, 110 pairs" in told[2]["evidence"][1]  # type: ignore[index]
    assert told[2]["canary"] == "12 answers, 0 failed, 0 with a finding"


def test_a_worse_model_is_not_even_put_into_shadow(company: Company, run: Run) -> None:
    company.evaluate(BAD)
    assert refused(run("own", "promote", "run")) == ["tasks: worse"]
    assert read(company.state).promotions == () and events(company.state, PROMOTED) == []


def test_too_few_pairs_are_not_enough_and_it_is_said_how_many_are(company: Company, run: Run) -> None:
    company.evaluate([(1.0, 1.0)] * 20)
    (lacks,) = refused(run("own", "promote", "run"))
    assert lacks.startswith("tasks: can't tell yet: about ") and "more pairs" in lacks


def test_without_an_evaluation_nothing_is_promoted(company: Company, run: Run) -> None:
    assert refused(run("own", "promote", "run")) == [
        "no pairs with an incumbent: name it in [evaluate], and run `freehold own evaluate`"
    ]


def test_pairs_with_somebody_else_say_nothing_of_the_alias(company: Company, run: Run) -> None:
    company.evaluate(GOOD, against="rival/tiny")
    assert refused(run("own", "promote", "run")) == [
        "assistant is answered by rival/large, and pairs are with rival/tiny"
    ]


def test_the_evaluation_of_other_weights_does_not_count(company: Company, run: Run) -> None:
    company.evaluate(GOOD, trained="t0")
    assert refused(run("own", "promote", "run")) == [
        "what `evaluate` was made from has changed since: run `freehold own evaluate` again"
    ]


@pytest.mark.parametrize(("at", "to"), [("off", "canary"), ("off", "default"), ("shadow", "default")])
def test_no_step_is_skipped(company: Company, run: Run, at: str, to: str) -> None:
    company.evaluate(GOOD)
    if at == "shadow":
        run("own", "promote", "run")
    said = run("own", "promote", "run", "--to", to)
    assert said.code == 2
    assert f"error: from {at} the next step is " in said.err


def test_a_canary_needs_live_pairs_that_are_not_worse(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    assert refused(run("own", "promote", "run")) == ["live: 0 of 80 pairs; 80 more pairs are needed"]
    company.twins(30)
    company.twins(50, findings=(Finding("refusal", "it says so"),))
    company.twins(1, copy=Outcome.INTERRUPTED)
    said = run("own", "promote", "run")
    assert refused(said) == ["live: worse"]
    assert "1 copies say nothing of the model" in said.out
    assert company.stage() is Stage.SHADOW


@pytest.mark.parametrize(
    ("answers", "lacks"),
    [
        ([], "canary: 0 of 10 answers; 10 more are needed"),
        ([(9, "ok", 1), (2, "timeout_total", 1)], "canary: 2 of 11 answers failed; 2.0% may"),
        ([(12, "ok", 900_000)], "canary: the 95th percentile of whole answers is 900 ms; 500 ms may be"),
    ],
)
def test_the_default_needs_canary_answers_within_the_limits(
    company: Company,
    run: Run,
    answers: list[tuple[int, str, int]],
    lacks: str,
) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.twins(110)
    assert run("own", "promote", "run").code == 0
    for count, outcome, took_us in answers:
        company.answers(count, outcome=outcome, took_us=took_us)
    assert refused(run("own", "promote", "run")) == [lacks]


@pytest.mark.parametrize(
    ("knob", "told"),
    [
        (
            "delta = 0.2",
            "`delta` is 0.2, and the company allows 0.05. Lower it there, or have `delta_max` raised",
        ),
        ("delta_bits = 0.4", "`delta_bits` is 0.4, and the company allows 0.02."),
        ("alpha = 0.5", "`alpha` is 0.5, and the company allows 0.05."),
    ],
)
def test_a_plan_that_lets_a_model_be_worse_than_the_company_does_is_refused(
    company: Company, run: Run, folder: Path, knob: str, told: str
) -> None:
    company.evaluate(GOOD)
    (company.run / "own.toml").write_text(PLAN + knob + "\n")
    (lacks,) = refused(run("own", "promote", "run"))
    line = (PLAN + knob).count("\n") + 1
    assert lacks.startswith(f"run/own.toml:{line}:1: {told}") or f"/run/own.toml:{line}:1: {told}" in lacks
    assert told in run("own", "status").out
    raised = f"[own]\n{knob.partition(' ')[0]}_max = 0.6\n"
    (folder / "freehold.toml").write_text(CONFIG + raised)
    assert run("own", "promote", "run").code == 0


def test_who_evaluates_until_it_fits_needs_the_stronger_evidence(company: Company, run: Run) -> None:
    enough = [(1.0, 1.0)] * 110
    for wrong in range(6):
        company.evaluate([(0.0, 1.0)] * (wrong + 1))
    company.evaluate(enough)
    said = run("own", "promote", "run")
    (lacks,) = refused(said)
    assert "more pairs" in lacks
    assert "it was evaluated 7 times since it last was the default" in said.out
    company.note(PROMOTED, {"alias": "assistant", "endpoint": OWN, "stage": "default"})
    assert run("own", "promote", "run").code == 0


def test_turns_of_one_conversation_are_one_piece_of_evidence(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.twins(110, conversation="c1")
    (lacks,) = refused(run("own", "promote", "run"))
    assert lacks.startswith("live: can't tell yet") and lacks.endswith("more clusters like these are needed")


def test_an_exchange_that_its_caller_left_or_the_model_itself_answered_says_nothing(
    company: Company, run: Run
) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.twins(60, outcome=Outcome.ABANDONED)
    company.twins(60, asked=OWN)
    said = run("own", "promote", "run")
    assert refused(said) == ["live: 0 of 80 pairs; 80 more pairs are needed"]
    assert "120 copies say nothing of the model" in said.out


def test_back_is_always_possible(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.evaluate(BAD)
    said = run("own", "promote", "run", "--to", "off", "--reason", "complaints")
    assert (said.code, company.stage()) == (0, Stage.OFF)
    assert events(company.state, PROMOTED)[-1].about["why"] == "complaints"
    assert run("own", "promote", "run", "--to", "off").code == 2


@pytest.mark.parametrize("named", ["run", "own/small", "small"])
def test_back_needs_nothing_that_could_be_broken(company: Company, run: Run, named: str) -> None:
    put(company.state, Promotion("p-by-hand", "assistant", OWN, Stage.DEFAULT))
    put(company.state, Promotion("p-too", "elsewhere", OWN, Stage.SHADOW))
    if named != "run":
        shutil.rmtree(company.run)
    said = run("own", "promote", named, "--to", "off")
    assert said.code == 0, said.err
    assert {one.stage for one in read(company.state).promotions} == {Stage.OFF}
    assert [one.about["from"] for one in events(company.state, PROMOTED)] == ["default", "shadow"]


def test_of_a_run_that_is_gone_it_is_told_what_is_in_force_and_its_folder_still_names_the_model(
    company: Company, run: Run
) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    entry = registered(company.state)["small"]
    company.run.rename(company.run.with_name("elsewhere"))
    register(company.state, replace(entry, folder=entry.folder.replace("/run/", "/elsewhere/")))
    shutil.rmtree(company.run.with_name("elsewhere"))

    shown = json.loads(run("own", "status", "small", "--json").out)[0]
    assert (shown["alias"], shown["stage"]) == ("assistant", "shadow")
    assert "there is no plan" in shown["missing"][0]
    assert run("own", "promote", "elsewhere", "--to", "off").code == 0
    assert company.stage() is Stage.OFF


def test_pairs_that_somebody_has_changed_do_not_count(company: Company, run: Run) -> None:
    company.evaluate(BAD)
    path = company.run / "evaluate" / "pairs.jsonl"
    path.write_text(path.read_text().replace("0.0,1.0,1.0,0.0]", "1.0,1.0,1.0,0.0]"))
    assert refused(run("own", "promote", "run"))[-1].startswith("the pairs are not those that were written")


def test_what_a_gateway_took_back_is_shown_and_needs_fresh_evidence(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.twins(110)
    run("own", "promote", "run")
    (step,) = read(company.state).promotions
    why = "errors: 3 of 20"
    assert take_back(company.state, step.id, why, lambda over: company.note(TAKEN_BACK, about_of(over)))
    (shown,) = json.loads(run("own", "status", "--json").out)
    assert (shown["stage"], shown["rolled_back"], shown["next"]) == ("off", why, "shadow")
    assert run("own", "promote", "run").code == 0
    assert refused(run("own", "promote", "run")) == ["live: 0 of 80 pairs; 80 more pairs are needed"]
    assert json.loads(run("own", "status", "--json").out)[0]["tries"] == 2


def test_other_files_under_the_same_name_start_from_off(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.twins(110)
    entry = registered(company.state)["small"]
    withdraw(company.state, entry, "alice", company.note)
    assert company.stage() is Stage.SHADOW
    company.publish("cd" * 32)
    withdraw(company.state, registered(company.state)["small"], "alice", company.note)
    assert company.stage() is Stage.OFF
    assert events(company.state, PROMOTED)[-1].about["why"] == "other files are published under its name"
    assert run("own", "promote", "run", "--to", "canary").code == 2
    assert run("own", "promote", "run").code == 0
    assert refused(run("own", "promote", "run")) == ["live: 0 of 80 pairs; 80 more pairs are needed"]


def test_a_step_that_nobody_took_by_the_command_does_not_count(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    (step,) = read(company.state).promotions
    put(company.state, replace(step, id="p-by-hand", stage=Stage.CANARY))
    (shown,) = json.loads(run("own", "status", "--json").out)
    assert (shown["stage"], shown["in_force"]) == ("off", "canary")
    assert "the gateway has it at canary, by a step that nobody took" in run("own", "status", "small").out
    assert "in force as canary without a step" in run("own", "status").out


def test_an_alias_that_the_configuration_lacks_is_named(company: Company, run: Run, folder: Path) -> None:
    company.evaluate(GOOD)
    plan = folder / "run" / "own.toml"
    plan.write_text(plan.read_text().replace('"assistant"', '"asistant"'))
    said = run("own", "promote", "run")
    assert said.code == 2 and "Did you mean assistant?" in said.err


def test_status_shows_each_model_with_what_is_missing(company: Company, run: Run) -> None:
    company.evaluate(GOOD)
    run("own", "promote", "run")
    company.twins(3)
    table = run("own", "status").out
    assert "own/small" in table and "live: 3 of 80 pairs; 77 more pairs are needed" in table
    one = run("own", "status", "small").out
    assert "live pairs compare: answered, without a finding" in one and "next: canary" in one
    assert run("own", "status", "other").code == 1
    (company.run / "own.toml").unlink()
    assert "missing" in run("own", "status").out.lower()


def test_what_stands_first_in_the_pool_needs_no_promotion(company: Company, run: Run, folder: Path) -> None:
    company.evaluate(GOOD)
    (folder / "freehold.toml").write_text(CONFIG.replace('["rival/large"]', '["own/small", "rival/large"]'))
    assert refused(run("own", "promote", "run")) == [
        "it stands first in the pool of assistant: nothing is to be promoted"
    ]
