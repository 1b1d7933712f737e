"""Shares stand for what the gateway draws, and a change moves no more than it must."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.config.schema import Alias, Price, Strategy
from freehold.drills.asking import Shares, asked, heeded, moved, tiers
from freehold.routing.plan import Lane
from freehold.routing.strategy import weighted
from freehold.vocabulary.endpoint import Dialect, Endpoint

NAMES = ("a/1", "b/2", "c/3", "d/4")
ORDER = ((("a/1", 3.0), ("b/2", 1.0)), (("c/3", 1.0),))
WEIGHTS = st.lists(st.floats(0.01, 10), min_size=4, max_size=4)


def pool(*names: str) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(name, name[0], name[2], (Dialect.CHAT,)) for name in names)


def lane(strategy: Strategy, weights: tuple[float, ...] = (), **scores: tuple[float, ...]) -> Lane:
    by_id = {f"{name[0]}/{name[1]}": score for name, score in scores.items()}
    return Lane("x", pool(*NAMES), Alias(pool=NAMES, strategy=strategy), weights, by_id)


def shares(weights: list[float]) -> Shares:
    return {name: weight / sum(weights) for name, weight in zip(NAMES, weights, strict=True)}


def total(found: Shares) -> float:
    return sum(found.values())


def test_an_ordered_pool_is_asked_in_its_order() -> None:
    order = tiers(lane(Strategy.ORDERED), {}, lambda _: None)

    assert asked(order) == {"a/1": 1.0}
    assert asked(order, {"a/1", "b/2"}) == {"c/3": 1.0}
    assert asked(order, NAMES) == {}


def test_shares_are_those_of_the_gateways_own_draws() -> None:
    weights, draw = (4.0, 2.0, 1.0, 1.0), Random(7)
    order = tiers(lane(Strategy.WEIGHTED, weights), {}, lambda _: None)
    drawn = [weighted(pool(*NAMES), weights, draw.random) for _ in range(20_000)]

    second_after_a = [one[1].id for one in drawn if one[0].id == "a/1"]

    for found, counted in (
        (asked(order), [one[0].id for one in drawn]),
        (asked(order, {"a/1"}), second_after_a),
    ):
        assert {n: c / len(counted) for n, c in Counter(counted).items()} == pytest.approx(found, abs=0.02)


def test_the_cheapest_comes_first_and_who_has_no_price_last() -> None:
    prices = {"c/3": Price(input=1, output=1), "b/2": Price(input=2, output=2)}

    assert [name for ((name, _),) in tiers(lane(Strategy.CHEAPEST), prices, lambda _: None)][:2] == [
        "c/3",
        "b/2",
    ]


def test_the_fastest_comes_first_and_who_was_never_measured_last() -> None:
    order = tiers(lane(Strategy.FASTEST), {}, {"b/2": 2.0, "d/4": 1.0}.get)

    assert [name for ((name, _),) in order] == ["d/4", "b/2", "a/1", "c/3"]


def test_whom_policy_prefers_comes_before_any_strategy() -> None:
    order = tiers(lane(Strategy.LEAST_BUSY, a1=(0.0,), b2=(1.0,), c3=(1.0,), d4=(0.0,)), {}, lambda _: None)

    assert asked(order) == {"b/2": 0.5, "c/3": 0.5}
    assert asked(order, {"b/2", "c/3"}) == {"a/1": 0.5, "d/4": 0.5}


@given(WEIGHTS, WEIGHTS)
def test_what_moves_makes_of_the_shares_before_those_after(one: list[float], other: list[float]) -> None:
    before, after = shares(one), shares(other)
    found: Counter[str] = Counter()

    for name, share in before.items():
        answered = moved(name, before, after, there=True)
        assert total(answered) == pytest.approx(1)
        found.update({who: share * part for who, part in answered.items()})

    assert dict(found) == pytest.approx(after)


@given(WEIGHTS)
def test_nothing_moves_where_nothing_changes(weights: list[float]) -> None:
    before = shares(weights)

    assert all(moved(name, before, before, there=True) == {name: 1.0} for name in before)


def test_who_is_gone_leaves_everything_to_others() -> None:
    before, after = {"a/1": 0.5, "b/2": 0.5}, {"b/2": 1.0}

    assert moved("a/1", before, after, there=False) == {"b/2": 1.0}
    assert moved("z/9", before, after, there=False) == {"b/2": 1.0}


def test_who_answered_as_a_second_goes_on_to() -> None:
    assert moved("c/3", {"a/1": 1.0}, {"b/2": 1.0}, there=True) == {"c/3": 1.0}


@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_what_is_declined_goes_elsewhere_or_nowhere(first: float, second: float, elsewhere: bool) -> None:
    refuses = {"a/1": first, "b/2": second}

    answered, declined = heeded(ORDER, {"a/1": 0.6, "b/2": 0.4}, refuses, elsewhere=elsewhere)

    assert total(answered) + declined == pytest.approx(1)
    if elsewhere:
        assert declined == 0
        assert answered.get("c/3", 0.0) == pytest.approx(first * second)
    else:
        assert declined == pytest.approx(0.6 * first + 0.4 * second)
