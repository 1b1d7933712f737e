"""When an own model is asked, and when it has broken its limits."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.config.schema import Alias, Strategy
from freehold.gateway.promoted import Promoted, Window
from freehold.gateway.promotion_order import Promotion, Stage
from freehold.routing.plan import Lane
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import Attempt, Exchange, Finding, Outcome

OWN, OLD, OTHER = (Endpoint(f"{one}/m", one, "m", (Dialect.CHAT,)) for one in ("own", "old", "other"))
ORDER = Promotion("p1", "chat", OWN.id, Stage.CANARY, min_answers=10, errors_max=0.1, findings_max=0.1)
GOOD = Exchange(
    "x1", 0, "desk", "chat", "chat", Outcome.ANSWERED, 200, endpoint=OWN.id, attempts=(Attempt(OWN.id, "ok"),)
)
ODD = Finding("refusal", "it said so")


def failed(fault: str) -> Exchange:
    return replace(GOOD, endpoint=OLD.id, attempts=(Attempt(OWN.id, fault), Attempt(OLD.id, "ok")))


@given(st.lists(st.booleans()), st.integers(1, 9), st.floats(0, 1))
def test_a_window_counts_the_last_answers_alone(bad: Sequence[bool], size: int, most: float) -> None:
    window = Window(size, most)
    for at, one in enumerate(bad, 1):
        over = window.add(one)
        last = bad[max(0, at - size) : at]
        assert (window.bad, over) == (sum(last), sum(last) > most * size)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_about_a_share_of_conversations_is_taken_each_always_or_never(share: float) -> None:
    names = [str(n).encode() for n in range(4_000)]
    first, later = (Promoted(replace(ORDER, id=one, share=share), OWN) for one in ("p1", "p2"))

    taken = [first.takes("desk", name) for name in names]

    assert taken == [later.takes("desk", name) for name in names]
    assert abs(sum(taken) / len(names) - share) < 0.03


def test_a_larger_share_keeps_those_that_were_taken_before() -> None:
    small, large = (Promoted(replace(ORDER, share=share), OWN) for share in (0.1, 0.3))
    names = [str(n).encode() for n in range(1_000)]

    assert all(large.takes("desk", name) for name in names if small.takes("desk", name))


def test_only_the_applications_that_are_named_are_taken() -> None:
    step = Promoted(replace(ORDER, stage=Stage.DEFAULT, applications=("desk",)), OWN)

    assert [step.takes(one, b"") for one in ("desk", "lab")] == [True, False]


def test_it_stands_before_the_alias_s_own_pool_as_that_is_written() -> None:
    settings = Alias(("old/m", "own/m", "other/m"), Strategy.WEIGHTED, (1.0, 1.0, 2.0), hedge=True)
    lane = Lane("chat", (OLD, OWN, OTHER), settings, settings.weights)

    first = Promoted(ORDER, OWN).first(lane)

    assert (first.pool, first.plain, first.weights) == ((OWN, OLD, OTHER), True, ())
    assert first.alias != lane.alias


@pytest.mark.parametrize("fault", [Fault.STATUS, Fault.RESET, Fault.TIMEOUT_IDLE, Fault.GARBAGE])
def test_as_soon_as_more_failed_than_may_it_is_over(fault: Fault) -> None:
    step = Promoted(ORDER, OWN)
    step.count(failed(fault))
    assert step.why == ""
    step.count(failed(fault))
    assert step.why == "2 of its last 10 answers failed, and 0.1 of them may"


@pytest.mark.parametrize(
    "found",
    [
        replace(GOOD, findings=(ODD,)),
        replace(GOOD, endpoint=OLD.id, attempts=(Attempt(OWN.id, Fault.REFUSED), Attempt(OLD.id, "ok")),
                findings=(replace(ODD, endpoint=OWN.id),)),
    ],
)  # fmt: skip
def test_as_soon_as_more_have_findings_than_may_it_is_over(found: Exchange) -> None:
    step = Promoted(ORDER, OWN)
    for _ in range(2):
        step.count(found)
    assert step.why == "2 of its last 10 answers had a finding, and 0.1 of them may"


def test_as_soon_as_the_95th_percentile_cannot_be_within_its_limit_it_is_over() -> None:
    step = Promoted(replace(ORDER, p95_ms_max=20.0, min_answers=20), OWN)
    waited = replace(GOOD, took_us=520_000, attempts=(Attempt(OWN.id, "ok", began_us=501_000),))
    late = replace(GOOD, took_us=21_000)
    for one in (waited, late, waited):
        step.count(one)
        assert step.why == ""
    step.count(late)
    assert step.why == "2 of its last 20 answers took longer than 20 ms, and 0.05 of them may"


@pytest.mark.parametrize(
    "other",
    [
        failed(Fault.POLICY),
        failed(Fault.CONNECT),
        failed(Fault.BREAKER_OPEN),
        failed(Fault.LIMITED),
        replace(GOOD, endpoint=OLD.id, attempts=(Attempt(OLD.id, Fault.RESET),)),
        replace(failed(Fault.RESET), cached=True),
        replace(failed(Fault.RESET), drill="d1"),
        replace(failed(Fault.RESET), outcome=Outcome.ABANDONED),
        replace(GOOD, findings=(Finding("slowness", "later than usual"),)),
        replace(failed(Fault.REFUSED), findings=(ODD,)),
    ],
)
def test_what_says_nothing_of_the_model_is_not_held_against_it(other: Exchange) -> None:
    step = Promoted(replace(ORDER, errors_max=0.0, findings_max=0.0), OWN)
    for _ in range(20):
        step.count(other)
    assert step.why == ""
