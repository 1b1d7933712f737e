"""What is known of endpoints, and another opinion of some of them beside it."""

from freehold.config.schema import Breaker, Limit
from freehold.routing.breaker import State
from freehold.routing.standing import Standings

ONCE = Breaker(failures=1)


def standings() -> Standings:
    return Standings(ONCE, {"b/m": Limit(concurrency=1)}, lambda _: None)


def test_another_opinion_of_an_endpoint_changes_nothing_of_the_first() -> None:
    known = standings()
    beside = known.beside(lambda endpoint: endpoint == "a/m")

    beside.of("a/m").breaker.failed(0.0)

    assert beside.of("a/m").breaker.state is State.OPEN
    assert known.of("a/m").breaker.state is State.CLOSED


def test_of_the_others_there_is_one_opinion() -> None:
    known = standings()
    beside = known.beside(lambda endpoint: endpoint == "a/m")

    beside.of("b/m").breaker.failed(0.0)

    assert known.of("b/m") is beside.of("b/m")
    assert known.of("b/m").breaker.state is State.OPEN


def test_what_an_endpoint_has_to_do_is_one_load_whatever_is_thought_of_it() -> None:
    known = standings()
    beside = known.beside(lambda endpoint: True)

    lease = beside.of("b/m").load.take(0.0, 1)

    assert not known.of("b/m").load.admits(0.0, 1)
    lease.release()
    assert known.of("b/m").load.admits(0.0, 1)
