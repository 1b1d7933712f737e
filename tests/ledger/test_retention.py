"""Bodies expire at their time and not before, wherever the work was stopped; what is destroyed stays destroyed."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from freehold.ledger import query
from freehold.ledger.bodies import opened
from freehold.ledger.day_keys import key_to_open, keys_of
from freehold.ledger.holds import HOLD, RELEASE, Hold, holds, keeps, new_hold, standing_hold
from freehold.ledger.ledger import event, noted
from freehold.ledger.recovery import recover
from freehold.ledger.retention import BEGUN, DONE, STEPS, Ending, State, When, end_of, expire, standings, turn
from freehold.ledger.sealing import KEY_BYTES
from freehold.vocabulary.errors import BadRequest, LedgerUnavailable, NotFound
from freehold.vocabulary.exchange import Event
from tests.ledger.body_samples import CASES, kept
from tests.ledger.ledger_samples import SETTINGS

DAY = date(2026, 11, 1)
DUE = DAY + timedelta(days=31)  # the first day with 30 whole days behind the last moment of DAY


def on(today: date, as_of: date | None = None) -> When:
    return When(today, as_of or today)


def states(state: Path, when: When) -> dict[tuple[str, date], State]:
    return {(one.retention, one.day): one.state for one in standings(state, CASES, when)}


def expired(state: Path, when: When) -> list[State]:
    return [one.state for one in expire(state, CASES, when, "anna", partial(noted, state, SETTINGS))]


def secret(state: Path, retention: str = "cases", day: date = DAY) -> bytes:
    return (keys_of(state, retention) / f"{day}.key").read_bytes()


def holding(state: Path, secret: bytes) -> list[Path]:
    """The files that hold some bytes."""
    return [path for path in state.rglob("*") if path.is_file() and secret in path.read_bytes()]


@pytest.mark.parametrize(
    ("when", "what"),
    [
        (on(DAY), State.TODAY),
        (on(DAY, DUE), State.TODAY),
        (on(DUE - timedelta(days=1)), State.YOUNG),
        (on(DUE), State.DUE),
        (on(DAY + timedelta(days=8), DUE), State.DUE),
        (on(DAY + timedelta(days=7), DUE), State.TOO_YOUNG),
    ],
)
def test_a_day_is_due_when_its_days_are_over_and_never_before_its_min_days(
    tmp_path: Path, when: When, what: State
) -> None:
    kept(tmp_path, 1, DAY)

    assert states(tmp_path, when) == {("cases", DAY): what}


def test_what_expired_cannot_be_opened_and_the_ledger_says_what_it_was(tmp_path: Path) -> None:
    gone, other = kept(tmp_path, 1, DAY), kept(tmp_path, 2, DUE, application="other")
    key, fingerprint = secret(tmp_path), getattr(key_to_open(tmp_path, "cases", DAY), "fingerprint", "")
    assert len(key) == KEY_BYTES and holding(tmp_path, key)
    size = sum(path.stat().st_size for path in (tmp_path / "bodies" / "cases" / str(DAY)).iterdir())

    assert expired(tmp_path, on(DUE)) == [State.DUE, State.TODAY]

    assert [one.trouble for one in opened(tmp_path, gone)] == ["its key is gone"] * 2
    assert [one.data for one in opened(tmp_path, other)] == [b"question 2", b"answer 2"]
    assert holding(tmp_path, key) == []
    assert not (tmp_path / "bodies" / "cases" / str(DAY)).exists()
    told = {"class": "cases", "day": str(DAY), "key": fingerprint, "by": "anna"}
    (begun,), (done,) = query.events(tmp_path, BEGUN), query.events(tmp_path, DONE)
    assert begun.about == told
    assert done.about == {**told, "bodies": 2, "bytes": size}
    assert end_of(tmp_path, "cases", DAY) == done
    assert end_of(tmp_path, "cases", DUE) is None


@pytest.mark.parametrize("again", [True, False], ids=["the last step twice", "each step once"])
@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_wherever_it_was_stopped_the_next_run_finishes(tmp_path: Path, done: int, again: bool) -> None:
    it = kept(tmp_path, 1, DAY)
    key = secret(tmp_path)
    task = Ending(tmp_path, "cases", DAY, "anna", partial(noted, tmp_path, SETTINGS))
    for step in STEPS[:done] + (STEPS[done - 1 : done] if again else ()):
        step(task)
    stopped = (on(DAY), on(DUE))[done == 0]  # what was begun is finished, whatever day it is

    expired(tmp_path, stopped)

    assert [one.trouble for one in opened(tmp_path, it)] == ["its key is gone"] * 2
    assert holding(tmp_path, key) == []
    (finished,) = query.events(tmp_path, DONE)
    assert (finished.about["bodies"], finished.about["by"]) == (2, "anna")
    assert len(query.events(tmp_path, BEGUN)) == 1
    assert states(tmp_path, on(DUE)) == {}
    recover(tmp_path)


def test_wherever_a_step_was_stopped_the_next_run_finishes(tmp_path: Path) -> None:
    first, second = kept(tmp_path, 1, DAY), kept(tmp_path, 2, DAY)
    key = keys_of(tmp_path, "cases") / f"{DAY}.key"
    task = Ending(tmp_path, "cases", DAY, "anna", partial(noted, tmp_path, SETTINGS))
    for step in (Ending.mark, Ending.announce):
        step(task)
    key.write_bytes(bytes(KEY_BYTES))  # overwritten, and still there
    Ending.count(task)
    (tmp_path / "bodies" / second.bodies[0].file).unlink()  # one of two
    (key.parent / f"{DAY}.expiring.new").write_bytes(b"{")  # a note that was never finished

    expired(tmp_path, on(DAY))

    assert {one.trouble for it in (first, second) for one in opened(tmp_path, it)} == {"its key is gone"}
    assert query.events(tmp_path, DONE)[0].about["bodies"] == 4
    assert sorted(path.name for path in key.parent.iterdir()) == [f"{DAY}.expired"]


@pytest.mark.parametrize(("done", "saved"), [(2, True), (3, False)])
def test_a_hold_saves_what_is_about_to_expire_as_long_as_there_is_a_key(
    tmp_path: Path, done: int, saved: bool
) -> None:
    it = kept(tmp_path, 1, DAY)
    for step in STEPS[:done]:
        step(Ending(tmp_path, "cases", DAY, "anna", partial(noted, tmp_path, SETTINGS)))
    held(tmp_path)

    assert expired(tmp_path, on(DUE)) == [State.HELD if saved else State.DUE]
    assert any(one.data for one in opened(tmp_path, it)) == saved


def test_a_ledger_that_cannot_be_read_keeps_everything(tmp_path: Path) -> None:
    it = kept(tmp_path, 1, DAY)
    (tmp_path / "ledger.sqlite").write_bytes(b"no database " * 999)

    with pytest.raises(LedgerUnavailable):
        expired(tmp_path, on(DUE))

    assert [one.data for one in opened(tmp_path, it)] == [b"question 1", b"answer 1"]


def test_nothing_is_destroyed_that_the_ledger_does_not_announce(tmp_path: Path) -> None:
    it = kept(tmp_path, 1, DAY)

    def full(_: Event) -> None:
        raise LedgerUnavailable("the journal cannot be written: No space left on device")

    with pytest.raises(LedgerUnavailable):
        expire(tmp_path, CASES, on(DUE), "anna", full)

    assert [one.data for one in opened(tmp_path, it)] == [b"question 1", b"answer 1"]
    assert expired(tmp_path, on(DUE)) == [State.DUE]


def test_only_one_class_expires_where_one_is_named_and_a_forgotten_class_is_told(tmp_path: Path) -> None:
    for retention in ("cases", "notes", "forgotten"):
        kept(tmp_path, 1, DAY, retention)

    found = expire(tmp_path, CASES, on(DUE), "anna", partial(noted, tmp_path, SETTINGS), "notes")

    assert [(one.retention, one.state) for one in found] == [("notes", State.DUE)]
    assert states(tmp_path, on(DUE)) == {("cases", DAY): State.DUE, ("forgotten", DAY): State.UNKNOWN}


def test_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, 1, DAY)
    monkeypatch.setattr("freehold.ledger.retention.TURN_WAIT_S", 0.0)

    with turn(tmp_path), pytest.raises(LedgerUnavailable, match="another process is letting bodies expire"):
        expired(tmp_path, on(DUE))


def held(state: Path, name: str = "case-17", **changed: Any) -> Hold:
    given: dict[str, Any] = {"application": "claims", "since": DAY, "until": None, "reason": "court"}
    hold = Hold(name, by="anna", **(given | changed))
    noted(state, SETTINGS, event(HOLD, new_hold(holds(state), hold).about()))
    return holds(state)[name]


def released(state: Path, name: str) -> None:
    hold = standing_hold(holds(state), name)
    told = {"name": name, "hold": hold.event, "by": "anna", "reason": "closed"}
    noted(state, SETTINGS, event(RELEASE, told))


def test_a_hold_keeps_what_is_due_until_it_is_released(tmp_path: Path) -> None:
    it = kept(tmp_path, 1, DAY)
    held(tmp_path)

    assert expired(tmp_path, on(DUE)) == [State.HELD]
    assert [one.data for one in opened(tmp_path, it)] == [b"question 1", b"answer 1"]
    assert [one.hold for one in standings(tmp_path, CASES, on(DUE))] == ["case-17"]

    released(tmp_path, "case-17")
    assert expired(tmp_path, on(DUE)) == [State.DUE]


@pytest.mark.parametrize("arranged", ["indexed", "only in the journal"])
@pytest.mark.parametrize(
    ("changed", "held_back"),
    [
        ({}, True),
        ({"since": DAY, "until": DAY}, True),
        ({"since": DAY - timedelta(days=9), "until": DAY - timedelta(days=1)}, False),
        ({"since": DAY + timedelta(days=1)}, False),
        ({"application": "other"}, False),
    ],
)
def test_a_hold_keeps_the_days_and_the_classes_of_its_application(
    tmp_path: Path, changed: dict[str, Any], held_back: bool, arranged: str
) -> None:
    kept(tmp_path, 1, DAY)
    kept(tmp_path, 2, DAY, "notes", application="else")
    hold = held(tmp_path, "case-17", **changed)
    if arranged != "indexed":
        for path in tmp_path.glob("ledger.sqlite*"):
            path.unlink()

    assert (keeps(tmp_path, [hold], "cases", DAY) is hold) == held_back
    assert keeps(tmp_path, [hold], "notes", DAY) is None


def test_a_hold_stands_though_its_clock_was_behind_that_of_an_earlier_release(tmp_path: Path) -> None:
    first = held(tmp_path, "case-17")
    released(tmp_path, "case-17")
    behind = replace(event(HOLD, first.about()), id=f"e{0:011x}")

    noted(tmp_path, SETTINGS, behind)
    assert [hold.event for hold in holds(tmp_path).values()] == [behind.id]
    released(tmp_path, "case-17")
    assert holds(tmp_path) == {}


def test_two_holds_keep_until_both_are_released(tmp_path: Path) -> None:
    kept(tmp_path, 1, DAY)
    held(tmp_path, "first")
    held(tmp_path, "second")
    released(tmp_path, "first")

    assert expired(tmp_path, on(DUE)) == [State.HELD]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (held, "a hold 'case-17' is in force"),
        (lambda state: held(state, "x", until=DAY - timedelta(days=1)), "before it begins"),
        (lambda state: held(state, "x", reason=" "), "a hold has a reason"),
    ],
)
def test_a_hold_that_cannot_be_is_refused(
    tmp_path: Path, wrong: Callable[[Path], Hold], message: str
) -> None:
    held(tmp_path)

    with pytest.raises(BadRequest, match=message):
        wrong(tmp_path)


def test_a_hold_that_nobody_knows_cannot_be_released(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        standing_hold({"case-17": held(tmp_path)}, "case-71")

    assert caught.value.remedy == "Holds: case-17."


def test_a_hold_that_cannot_be_read_keeps_everything(tmp_path: Path) -> None:
    kept(tmp_path, 1, DAY)
    noted(tmp_path, SETTINGS, event(HOLD, {"name": "of a newer version", "days": "the first ones"}))

    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        expired(tmp_path, on(DUE))
