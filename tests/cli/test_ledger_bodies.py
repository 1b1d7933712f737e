"""Bodies expire, are held and are opened by command, and the ledger knows who did it and why."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from freehold.cli.ledger_bodies import OPENED, who
from freehold.ledger import Ledger, query
from freehold.ledger.bodies import today
from freehold.ledger.day_keys import destroy_key, key_to_open
from freehold.ledger.holds import holds
from freehold.ledger.retention import DONE
from freehold.vocabulary.exchange import Event, Exchange
from tests.cli.conftest import Run
from tests.ledger.body_samples import kept
from tests.ledger.ledger_samples import SETTINGS, exchange, fill

OLD, YOUNG = today() - timedelta(days=40), today() - timedelta(days=3)
WHY = ("--reason", "audit 7")


@pytest.fixture
def state(folder: Path) -> Path:
    (folder / "freehold.toml").write_text("[retention.cases]\ndays = 30\nmin_days = 7\n")
    return folder / ".freehold"


def events(state: Path, kind: str) -> list[Event]:
    return query.events(state, kind)


def days(run: Run, *words: str) -> dict[str, str]:
    said = run("ledger", "expire", "--json", *words)
    assert said.code == 0, said
    return {one["day"]: one["state"] for one in json.loads(said.out)}


def test_what_would_expire_is_told_without_touching_it(run: Run, state: Path) -> None:
    kept(state, 1, OLD)
    kept(state, 2, YOUNG)

    assert days(run, "--dry-run") == {str(OLD): "due", str(YOUNG): "not due"}
    assert days(run, "--dry-run", "--now", str(today() + timedelta(days=90))) == {
        str(OLD): "due",
        str(YOUNG): "kept by min_days",
    }
    assert key_to_open(state, "cases", OLD) is not None
    assert events(state, DONE) == []


def test_what_is_due_expires_and_the_ledger_says_who_let_it(run: Run, state: Path) -> None:
    kept(state, 1, OLD)

    said = run("ledger", "expire")

    assert said.code == 0
    assert said.out.splitlines()[1].split() == [
        "cases", str(OLD), "expired", "2", *said.out.split()[-3:-1], "-",
    ]  # fmt: skip
    assert key_to_open(state, "cases", OLD) is None
    assert [event.about["by"] for event in events(state, DONE)] == [who()]
    assert run("ledger", "expire", "--json").out == "[]\n"


def test_another_day_than_today_does_not_get_around_min_days(run: Run, state: Path) -> None:
    kept(state, 1, YOUNG)
    later = str(today() + timedelta(days=900))

    assert days(run, "--now", later) == {str(YOUNG): "kept by min_days"}
    assert key_to_open(state, "cases", YOUNG) is not None


def test_a_class_that_nobody_configured_is_something_to_look_at(run: Run, state: Path) -> None:
    kept(state, 1, OLD, "forgotten")

    said = run("ledger", "expire")

    assert (said.code, "in no class of the configuration" in said.out) == (1, True)


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        (("expire", "--class", "case"), "no retention class is called 'case'", "Did you mean cases?"),
        (("expire", "--now", "tomorrow"), "--now 'tomorrow' is no day", "Write it like 2026-11-23"),
        (("hold", "h", "--application", "a", "--from", "1.1.2026", *WHY), "--from '1.1.2026'", "Write it"),
        (("hold", "h", "--application", "a", "--from", "2026-01-01", "--reason", ""), "has a reason", "Say"),
        (("hold", " ", "--application", "a", "--from", "2026-01-01", *WHY), "has a name", "Say what"),
        (("release", "h", "--reason", " "), "has a reason", "Say it with --reason"),
    ],
)
def test_what_cannot_be_meant_is_told_with_a_remedy(
    run: Run, state: Path, words: tuple[str, ...], message: str, remedy: str
) -> None:
    said = run("ledger", *words)

    assert said.code == 2
    assert message in said.err and remedy in said.err


def test_a_hold_keeps_what_is_due_is_listed_and_released(run: Run, state: Path) -> None:
    kept(state, 1, OLD)
    hold = ("--application", "claims", "--from", str(OLD), "--to", str(OLD), "--reason", "court order")

    assert "keeps 1 day so far" in run("ledger", "hold", "case-17", *hold).out
    assert days(run) == {str(OLD): "held"}
    assert [one["name"] for one in json.loads(run("ledger", "holds", "--json").out)] == ["case-17"]
    assert "court order" in run("ledger", "holds").out
    assert (holds(state)["case-17"].by, holds(state)["case-17"].until) == (who(), OLD)
    assert run("ledger", "hold", "case-17", *hold).code == 2

    assert run("ledger", "release", "case-71", *WHY).code == 1
    assert run("ledger", "release", "case-17", *WHY).code == 0
    assert days(run) == {str(OLD): "due"}


def test_a_hold_on_nobody_is_taken_for_a_slip(run: Run, state: Path) -> None:
    kept(state, 1, OLD)
    with Path("freehold.toml").open("a") as file:
        file.write('[applications.claims]\nretention = "cases"\n')
    hold = ("ledger", "hold", "h", "--from", str(today()), *WHY, "--application")

    said = run(*hold, "clams")
    assert (said.code, holds(state)) == (2, {})
    assert "no application 'clams' has bodies" in said.err and "Did you mean claims?" in said.err
    assert run(*hold, "claims").code == 0, "it may have bodies later"


def opened(run: Run, it: Exchange, *words: str) -> tuple[int, str, str]:
    said = run("ledger", "show", it.id, "--body", *words)
    return said.code, said.out, said.err


def test_a_body_is_opened_with_a_reason_that_is_on_the_ledger(run: Run, state: Path) -> None:
    it = kept(state, 1, YOUNG)

    assert opened(run, it, *WHY) == (
        0,
        "--- request: 10 bytes\nquestion 1\n--- answer: 8 bytes\nanswer 1\n",
        "",
    )
    (event,) = events(state, OPENED)
    assert event.about == {
        "exchange": it.id,
        "application": "claims",
        "parts": ("request", "answer"),
        "by": who(),
        "reason": "audit 7",
    }
    found = json.loads(opened(run, it, *WHY, "--json")[1])
    assert [(one["part"], one["text"]) for one in found] == [
        ("request", "question 1"),
        ("answer", "answer 1"),
    ]


def test_nothing_is_shown_that_was_not_noted(run: Run, state: Path) -> None:
    it = kept(state, 1, YOUNG)
    (state / "journal" / "node-cli").write_text("in the way of the commands' journal")

    code, out, error = opened(run, it, *WHY)

    assert (code, out) == (3, "")
    assert "node-cli" in error


def test_nobody_opens_a_body_without_saying_why(run: Run, state: Path) -> None:
    it = kept(state, 1, YOUNG)

    code, out, error = opened(run, it)

    assert (code, out) == (2, "")
    assert "--reason" in error
    assert events(state, OPENED) == []


def test_of_a_body_that_expired_it_is_told_when_and_by_which_event(run: Run, state: Path) -> None:
    it = kept(state, 1, OLD)
    run("ledger", "expire")

    code, out, error = opened(run, it, *WHY)

    assert (code, out) == (1, "")
    assert f"expired with cases of {OLD}, by {events(state, DONE)[0].id}" in error
    assert events(state, OPENED) == []


def test_a_key_that_went_without_a_word_is_told_apart(run: Run, state: Path) -> None:
    it = kept(state, 1, OLD)
    destroy_key(state, "cases", OLD)

    assert "nothing on the ledger says that it was destroyed" in opened(run, it, *WHY)[2]


def test_an_exchange_whose_bodies_nobody_kept_has_none(run: Run, state: Path) -> None:
    bare = exchange(1)
    fill(Ledger.open(state, "node-0", SETTINGS), bare)

    code, out, error = opened(run, bare, *WHY)

    assert (code, out) == (1, "")
    assert f"no bodies were kept of {bare.id}" in error


def test_what_came_from_outside_cannot_steer_the_terminal(run: Run, state: Path) -> None:
    it = kept(state, 1, YOUNG, application="claims", text="red: \x1b[31m")

    assert "red: \\x1b[31m 1" in opened(run, it, *WHY)[1]
