"""A judge behind a real gateway compares what callers got with what an own model said to the same in shadow."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.cli.ledger_bodies import OPENED
from freehold.gateway.promotion_order import IN_FORCE, Stage, read
from freehold.ledger.query import events, tail
from freehold.own.promote import live
from tests.cli.conftest import Run
from tests.gateway.house import Partners, house, provider
from tests.gateway.ruled import until
from tests.own.promote.company import OWN, PLAN, RIVAL, Company

GOOD = [(1.0, 0.0)] * 20
KEPT = '[applications.local]\nretention = "cases"\n[retention.cases]\ndays = 30\n[own]\ndelta_max = 0.5\n'
ALIASES = '[aliases]\nassistant = ["rival/large"]\nstrong = ["wise/one"]\nmute = ["wise/one+empty-text"]\n'
QUESTIONS = 14
WORDS = 400  # of a partner's; "a" is among so many, in capitals a judge's word for the first seat


@pytest.fixture
def partners() -> Iterator[Partners]:
    with Partners() as running:
        yield running


def asked_by(company: Company) -> Counter[tuple[str, str | None]]:
    return Counter((one.application, one.endpoint) for one in tail(company.state, 1_000))


def test_a_judge_is_asked_in_both_orders_once_and_through_the_gateway(
    folder: Path, partners: Partners, run: Run
) -> None:
    company = Company(folder, "state")
    plan = PLAN.replace("pairs_min = 80", f"pairs_min = {QUESTIONS}\ndelta = 0.4\nshadow_share = 1.0")
    (company.run / "own.toml").write_text(plan + 'judge = "mute"\n')
    company.evaluate(GOOD)
    told = [("own", partners.open(seed=3)), ("rival", partners.open(seed=4))]
    told.append(("wise", partners.open(seed=5, chunks=WORDS)))
    config = "".join(provider(name, one, "chat") for name, one in told) + KEPT + ALIASES

    with house(folder, config) as up:
        assert run("own", "promote", "run").code == 0
        (step,) = read(company.state).promotions
        until(lambda: events(company.state, IN_FORCE))
        for at in range(QUESTIONS):
            said = up.ask("chat", "assistant", messages=[{"role": "user", "content": f"Which is day {at}?"}])
            assert said.headers["x-freehold-endpoint"] == RIVAL
        until(lambda: len(live.twins(company.state, [step.id])) == QUESTIONS or None)

        # Who says nothing decides nothing, and is not asked again.
        said_of_mute = run("own", "promote", "run", "--reason", "agreed")
        assert (
            said_of_mute.code == 1
            and "missing: live, mute: can't tell yet: there are no pairs" in said_of_mute.out
        )
        again = run("own", "promote", "run")
        assert again.code == 1
        assert asked_by(company)["bench", "wise/one+empty-text"] == 2 * QUESTIONS

        (company.run / "own.toml").write_text(plan + 'judge = "strong"\n')
        unexplained = run("own", "promote", "run")
        assert unexplained.code == 2
        assert f"{QUESTIONS} answers are to be opened and compared by strong" in unexplained.err
        assert run("own", "promote", "run", "--reason", "agreed").code == 0

    assert asked_by(company) == {
        ("local", RIVAL): QUESTIONS,
        ("local", OWN): QUESTIONS,
        ("bench", "wise/one+empty-text"): 2 * QUESTIONS,
        ("bench", "wise/one"): 2 * QUESTIONS,
    }
    assert [one.about["reason"] for one in events(company.state, OPENED)] == ["agreed", "agreed"]
    ruled = json.loads(run("own", "status", "--json").out)[0]["ruled"]
    # A judge that always prefers the first seat prefers nobody.
    assert (ruled["source"], ruled["pairs"], ruled["clusters"]) == ("live, strong", QUESTIONS, QUESTIONS)
    assert (ruled["difference"]["estimate"], ruled["verdict"]) == (0.0, "not worse")
    assert read(company.state).promotions[0].stage is Stage.CANARY
