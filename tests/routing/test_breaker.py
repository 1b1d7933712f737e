"""The breaker's table, and what it learns."""

import pytest

from freehold.config.schema import Breaker as Settings
from freehold.routing.breaker import NEXT, Breaker, Signal, State

SETTINGS = Settings(failures=3, open_s=10.0, open_s_max=35.0)


def failing(times: int, now: float = 0.0) -> Breaker:
    breaker = Breaker(SETTINGS)
    for _ in range(times):
        breaker.failed(now)
    return breaker


def test_it_opens_after_that_many_failures_in_a_row_and_not_before() -> None:
    assert failing(2).admit(0.0)
    assert not failing(3).admit(0.0)


def test_one_success_forgets_earlier_failures() -> None:
    breaker = failing(2)
    breaker.succeeded()
    breaker.failed(0.0)
    breaker.failed(0.0)
    assert breaker.state is State.CLOSED


def test_when_it_has_cooled_down_exactly_one_request_probes() -> None:
    breaker = failing(3)
    assert not breaker.admit(9.99)
    assert breaker.admit(10.0)
    assert not breaker.admit(10.0)
    breaker.succeeded()
    assert breaker.admit(10.1)


def test_each_failed_probe_doubles_the_wait_up_to_the_limit() -> None:
    breaker, now, waits = failing(3), 0.0, []
    for _ in range(4):
        free_at = breaker.free_at(now)
        waits.append(free_at - now)
        now = free_at
        assert breaker.admit(now)
        breaker.failed(now)
    assert waits == [10.0, 20.0, 35.0, 35.0]


def test_a_success_after_probing_resets_the_wait() -> None:
    breaker = failing(3)
    breaker.admit(10.0)
    breaker.failed(10.0)
    breaker.admit(30.0)
    breaker.succeeded()
    for _ in range(3):
        breaker.failed(40.0)
    assert breaker.free_at(40.0) == 50.0


def test_an_abandoned_probe_lets_the_next_request_probe_at_once() -> None:
    breaker = failing(3)
    assert breaker.admit(10.0)
    breaker.abandoned(11.0)
    assert breaker.admit(11.0)


def test_a_late_success_of_an_older_request_does_not_close_an_open_breaker() -> None:
    breaker = failing(3)
    breaker.succeeded()
    assert breaker.state is State.OPEN


def test_a_wish_to_be_left_alone_is_kept_in_every_state() -> None:
    breaker = Breaker(SETTINGS)
    breaker.cool(0.0, 4.0)
    assert not breaker.admit(3.9)
    assert breaker.admit(4.0)
    breaker = failing(3)
    breaker.cool(0.0, 60.0)
    assert not breaker.admit(59.0)
    assert breaker.admit(60.0)


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_left(state: State) -> None:
    assert {target for (source, _), target in NEXT.items() if source is state} - {state}


def test_every_signal_is_used() -> None:
    assert {signal for _, signal in NEXT} == set(Signal)
