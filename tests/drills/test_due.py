"""A drill is due where there was none, and again after the days that its scenario names."""

from datetime import UTC, date, datetime

import pytest

from freehold.drills.due import due
from freehold.drills.scenario import Scenario
from freehold.vocabulary.exchange import Event

SCENARIO = Scenario("off", "Off", "", retest_days=30)


def told(kind: str, day: date, **about: str) -> Event:
    at = datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)
    return Event(f"e{day}", int(at.timestamp() * 1000), kind, about)


@pytest.mark.parametrize(("today", "is_due"), [(date(2026, 10, 30), False), (date(2026, 10, 31), True)])
def test_a_simulation_is_good_for_as_long_as_the_scenario_says(today: date, is_due: bool) -> None:
    events = [told("drill-simulated", date(2026, 10, 1), drill="d1", scenario="off")]

    (found,) = due([SCENARIO], events, today)

    assert (found.last, found.retest, found.due) == (date(2026, 10, 1), date(2026, 10, 31), is_due)


def test_a_rehearsal_counts_when_it_has_run_to_its_end() -> None:
    began = told("drill-began", date(2026, 10, 1), drill="d1", scenario="off")
    ended = told("drill-ended", date(2026, 10, 2), drill="d1", why="it ran to its end")
    stopped = told("drill-ended", date(2026, 10, 2), drill="d1", why="it was stopped")

    assert due([SCENARIO], [began], date(2026, 10, 3))[0].last is None
    assert due([SCENARIO], [began, stopped], date(2026, 10, 3))[0].last is None
    assert due([SCENARIO], [ended, began], date(2026, 10, 3))[0].last == date(2026, 10, 2)


def test_the_last_drill_counts_and_never_comes_first() -> None:
    events = [told("drill-simulated", date(2026, 10, day), drill=f"d{day}", scenario="off") for day in (5, 1)]

    found = due([SCENARIO, Scenario("never", "", "")], events, date(2026, 10, 6))

    assert [(one.scenario, one.due) for one in found] == [("never", True), ("off", False)]
    assert found[1].last == date(2026, 10, 5)
