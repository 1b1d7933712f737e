"""Nobody is given more than there is room for, and what finds none goes to whoever is next."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.config.schema import Limit
from freehold.drills.asking import Shares
from freehold.drills.deciding import Row
from freehold.drills.minutes import Clock, Ranks, within_limits
from freehold.drills.simulation import Load
from freehold.drills.traffic import Kind, Traffic
from tests.drills.example import MINUTES, kind, traffic

ORDER = ((("a/1", 1.0),), (("b/2", 1.0),))
ANYBODY = Ranks(lambda application: 0, lambda endpoint: False)
A, B = kind("a/1", application="one"), kind("b/2", application="two")


def placed(
    found: Traffic, who: Mapping[Kind, Shares], limits: Mapping[str, Limit], ranks: Ranks = ANYBODY
) -> tuple[dict[Kind, Row], dict[str, Load]]:
    rows = {one: Row(one, group, ORDER, dict(who[one])) for one, group in found.groups.items()}
    loads = within_limits(Clock(found), tuple(rows.values()), limits, ranks)
    return rows, {load.endpoint: load for load in loads}


def per_minute(count: int) -> Limit:
    return Limit(requests_per_minute=count)


def test_within_the_limits_everything_stays() -> None:
    rows, loads = placed(traffic([(A, 50)]), {A: {"a/1": 1.0}}, {"a/1": per_minute(5)})

    assert (rows[A].who, rows[A].limited) == ({"a/1": 1.0}, 0.0)
    assert (loads["a/1"].requests_before, loads["a/1"].requests_after, loads["a/1"].over) == (5, 5, 0.0)


def test_what_is_above_goes_to_the_next_and_then_to_nobody() -> None:
    limits = {"a/1": per_minute(3), "b/2": per_minute(4)}

    rows, loads = placed(traffic([(B, 100)]), {B: {"a/1": 1.0}}, limits)

    # It was `b/2` that answered all ten a minute, so there is room for ten.
    assert rows[B].who == pytest.approx({"a/1": 0.3, "b/2": 0.7})
    assert rows[B].limited == 0
    assert (loads["a/1"].requests_after, loads["a/1"].over) == (3, 1.0)

    rows, _ = placed(traffic([(B, 100)]), {B: {"a/1": 1.0}}, limits, Ranks(lambda _: 0, lambda _: True))

    assert rows[B].who == pytest.approx({"a/1": 0.3, "b/2": 0.4})
    assert rows[B].limited == pytest.approx(0.3)


def test_a_higher_priority_goes_first() -> None:
    both = traffic([(A, 50), (B, 50)])
    ranks = Ranks({"one": 1, "two": 5}.__getitem__, lambda _: True)

    rows, _ = placed(both, {A: {"a/1": 1.0}, B: {"a/1": 1.0}}, {"a/1": per_minute(7)}, ranks)

    assert rows[B].who == {"a/1": 1.0}
    assert rows[A].who == pytest.approx({"a/1": 0.4, "b/2": 0.6})


def test_a_limit_on_tokens_counts_tokens() -> None:
    limits = {"b/2": Limit(tokens_per_minute=2_400)}

    rows, loads = placed(traffic([(A, 100)]), {A: {"b/2": 1.0}}, limits)

    assert rows[A].who == pytest.approx({"b/2": 0.2, "a/1": 0.8})
    assert loads["b/2"].tokens_after == 2_400


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=2, max_size=2), st.integers(1, 30), st.integers(1, 30))
def test_nobody_is_lost_and_nobody_gets_more_than_there_is_room_for(
    counts: list[int], first: int, second: int
) -> None:
    found = traffic([(A, counts[0] + 1), (B, counts[1] + 1)])
    limits = {"a/1": per_minute(first), "b/2": per_minute(second)}
    everybody = Ranks(lambda _: 0, lambda _: True)

    rows, loads = placed(found, {A: {"a/1": 1.0}, B: {"a/1": 0.5, "b/2": 0.5}}, limits, everybody)

    for row in rows.values():
        assert sum(row.who.values()) + row.limited == pytest.approx(1)
    assert all(load.requests_after <= limits[name].requests_per_minute for name, load in loads.items())  # type: ignore[operator]
    if any(row.limited > 1e-9 for row in rows.values()):
        assert max(load.requests_after for load in loads.values()) > 0
        assert sum(counts) + 2 > MINUTES
