"""Invented traffic is decided as real traffic is, and lies on a ledger that verifies."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from freehold.config import schema
from freehold.drills.inventing import NODE, recorded
from freehold.drills.loading import shipped
from freehold.drills.simulating import simulate
from freehold.drills.traffic import INVENTED, read_traffic
from freehold.drills.world import World
from freehold.ledger.query import events
from freehold.ledger.verify import verify
from freehold.vocabulary.exchange import Outcome
from tests.drills.example import invented

MANY = 3_000


def test_the_same_seed_gives_the_same_exchanges(here: World) -> None:
    assert invented(here, 200, seed=4) == invented(here, 200, seed=4)
    assert invented(here, 200, seed=4) != invented(here, 200, seed=5)


def test_nobody_answers_whom_policy_does_not_allow(here: World) -> None:
    for one in invented(here, MANY):
        ruling = here.ruling(one.request, one.dialect)
        assert ruling is not None
        assert one.policy == ruling.policy
        assert {attempt.endpoint for attempt in one.attempts} <= ruling.allowed
        assert (one.outcome is Outcome.REJECTED) == (not ruling.allowed)


def test_it_has_the_hours_of_an_office_and_several_applications(here: World) -> None:
    found = invented(here, MANY)

    hours = Counter(datetime.fromtimestamp(one.at_ms / 1000, UTC).hour for one in found)
    weekend = sum(datetime.fromtimestamp(one.at_ms / 1000, UTC).weekday() >= 5 for one in found)
    assert sum(hours[hour] for hour in range(8, 18)) > 0.7 * MANY
    assert weekend < 0.15 * MANY
    assert len({one.application for one in found}) == 6
    assert [one.id for one in found] == sorted(one.id for one in found)


def test_the_ledger_verifies_says_that_it_was_invented_and_is_simulated(here: World, tmp_path: Path) -> None:
    found = invented(here, MANY)

    assert recorded(tmp_path, schema.Ledger(), found, {"seed": 0}) == MANY

    told = verify(tmp_path / "log" / NODE, processes=1)
    assert (told.problems, told.records) == ([], MANY + 1)
    assert [one.about for one in events(tmp_path, INVENTED)] == [{"seed": 0}]
    traffic = read_traffic(tmp_path, 0, found[-1].at_ms + 1)
    assert (traffic.exchanges, traffic.invented) == (MANY, True)
    spent = sum(one.cost_usd or 0 for one in found)
    for scenario in shipped():
        simulation = simulate(here, scenario, traffic, {})
        assert simulation.total.cost_before_usd is not None
        assert abs(simulation.total.cost_before_usd - spent) < 1e-6
        assert any("invented" in one for one in simulation.assumptions)
