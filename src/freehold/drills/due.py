"""Which scenarios were never drilled, or so long ago that their drill says little about today."""

from collections.abc import Iterable
from datetime import date, timedelta

from msgspec import Struct

from freehold.config import clock
from freehold.drills.rehearsal import DONE
from freehold.drills.scenario import Scenario
from freehold.drills.simulation import SIMULATED
from freehold.vocabulary.exchange import Event

ENDED = "drill-ended"  # the kind of event


class Due(Struct, frozen=True):
    """When a scenario was drilled last, and when it is to be drilled again."""

    scenario: str
    title: str
    last: date | None  # None: never
    retest: date | None  # None: at once
    due: bool


def due(scenarios: Iterable[Scenario], events: Iterable[Event], today: date) -> tuple[Due, ...]:
    """How it stands with each scenario, by the ledger's events; what is due first, the longest ago before others."""
    last = _last_days(events)
    found = (_due(one, last.get(one.name), today) for one in scenarios)
    return tuple(sorted(found, key=lambda one: (one.retest or date.min, one.scenario)))


def _due(scenario: Scenario, last: date | None, today: date) -> Due:
    retest = None if last is None else last + timedelta(days=scenario.retest_days)
    return Due(scenario.name, scenario.title, last, retest, retest is None or retest <= today)


def _last_days(events: Iterable[Event]) -> dict[str, date]:
    """The day of each scenario's last drill. A rehearsal that was broken off has not shown what it was to show."""
    names: dict[object, object] = {}
    found: dict[str, date] = {}
    for one in sorted(events, key=lambda event: event.at_ms):
        drill = one.about.get("drill")
        name = names[drill] = one.about.get("scenario") or names.get(drill)
        done = one.kind == SIMULATED or (one.kind == ENDED and one.about.get("why") == DONE)
        if done and isinstance(name, str):
            found[name] = clock.utc(one.at_ms).date()
    return found
