"""What the records of a drill come to, on records made by hand."""

from collections.abc import Iterable

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from freehold.drills.measuring import measured, p95, p95_interval
from freehold.drills.rehearsal import AFTER, BEFORE, DURING, NOBODY, Graded, Moment, Phase, Rehearsal
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import INJECTED, Attempt, Event, Exchange, Outcome

FROM, UNTIL, END = 10_000, 20_000, 30_000
BEGAN = Event(
    "e1",
    5_000,
    "drill-began",
    {
        "drill": "d1",
        "scenario": "gone",
        "mode": "share",
        "share": 0.5,
        "who": "anna",
        "from_ms": FROM,
        "until_ms": UNTIL,
        "lost": ("a/m",),
        "changed": (),
        "criteria": (),
    },
)
EVERYBODY = frozenset({"a/m", "b/m"})


def one(
    at_ms: int, *tried: tuple[str, str], outcome: Outcome = Outcome.ANSWERED, took_ms: int = 10
) -> Exchange:
    """An exchange of the drill; the last who was tried answered it, unless nobody did."""
    attempts = tuple(Attempt(who, how, took_us=took_ms * 1000) for who, how in tried)
    endpoint = tried[-1][0] if outcome is Outcome.ANSWERED else None
    return Exchange(
        f"x{at_ms:027d}", at_ms, "app", "chat", "fast", outcome, 200,
        endpoint=endpoint, attempts=attempts, took_us=took_ms * 1000, drill="d1",
    )  # fmt: skip


def failed(at_ms: int) -> Exchange:
    return one(at_ms, ("a/m", Fault.CONNECT), outcome=Outcome.FAILED)


def found(
    *records: Exchange | Event, allowed: Iterable[str] = EVERYBODY, graded: tuple[Graded, ...] = ()
) -> Rehearsal:
    return measured(BEGAN, records, lambda it, raging: frozenset(allowed), ("it ran to its end", END), graded)


def part(it: Rehearsal, name: str) -> Phase:
    return next(phase for phase in it.phases if phase.name == name)


GOOD = ("a/m", "ok")
OTHER = (("a/m", Fault.CONNECT), ("b/m", "ok"))


def test_an_exchange_belongs_to_the_part_in_which_it_began() -> None:
    at = {BEFORE: FROM - 1, DURING: FROM, AFTER: UNTIL}

    it = found(*(one(moment, GOOD) for moment in at.values()))

    assert {phase.name: phase.exchanges for phase in it.phases} == dict.fromkeys(at, 1)


def test_a_stream_that_the_fault_breaks_off_is_in_it_and_service_is_back_after_it() -> None:
    broken = one(FROM - 500, ("a/m", Fault.RESET), outcome=Outcome.CUT, took_ms=600)

    it = found(broken, one(FROM - 400, GOOD, took_ms=600), one(FROM + 200, *OTHER))

    assert {phase.name: (phase.exchanges, phase.streams_lost) for phase in it.phases} == {
        BEFORE: (1, 0),
        DURING: (2, 1),
        AFTER: (0, 0),
    }
    assert it.restored == Moment(210, 0, 210)
    assert it.detected == Moment(100, 0, 100)


def test_a_fault_that_was_taken_away_early_ended_when_the_last_process_said_so() -> None:
    over = [
        Event(f"e{at}", at, "drill-over", {"drill": drill})
        for at, drill in ((15_000, "d1"), (16_000, "d1"), (17_000, "d2"))
    ]

    assert found(*over).until_ms == 16_000


def test_what_was_not_over_when_it_was_measured_or_is_not_of_the_drill_is_not_in_it() -> None:
    late, other = one(END - 5, GOOD, took_ms=6), one(FROM, GOOD)
    strange = Exchange(other.id, FROM, "app", "chat", "fast", Outcome.ANSWERED, 200, drill="d2")

    assert sum(phase.exchanges for phase in found(late, strange).phases) == 0


def test_service_is_back_with_the_first_answer_after_the_last_failure() -> None:
    it = found(
        failed(FROM + 100),
        one(FROM + 150, *OTHER),
        failed(FROM + 200),
        one(FROM + 300, *OTHER),
        one(FROM + 400, *OTHER),
    )

    assert it.restored == Moment(310, 200, 310)
    assert it.detected == Moment(110, 100, 110)


def test_who_waited_long_for_a_failure_says_nothing_of_those_who_came_later() -> None:
    waited = one(FROM + 100, ("a/m", Fault.CONNECT), outcome=Outcome.FAILED, took_ms=9_000)

    assert found(waited, one(FROM + 200, *OTHER)).restored == Moment(210, 100, 210)


@pytest.mark.parametrize(
    ("records", "restored"),
    [
        ((one(FROM, *OTHER),), Moment(0, 0, 0)),
        ((one(FROM, *OTHER), failed(FROM + 50)), None),
        ((one(FROM - 100, GOOD),), None),  # nobody asked while it was there
    ],
)
def test_service_that_was_never_lost_is_told_from_one_that_never_came_back(
    records: tuple[Exchange, ...], restored: Moment | None
) -> None:
    assert found(*records).restored == restored


def test_who_was_lost_is_left_alone_and_comes_back() -> None:
    alone = one(FROM + 700, ("a/m", Fault.BREAKER_OPEN), ("b/m", "ok"))

    it = found(alone, one(UNTIL + 40, GOOD))

    assert it.left_alone == Moment(700, 0, 700)
    assert it.returned == Moment(40, 0, 40)
    assert it.detected is None  # nobody had to ask it


def test_nobodys_share_is_a_share() -> None:
    during = part(found(one(FROM, *OTHER), failed(FROM + 1)), DURING)

    assert {name: share.estimate for name, share in during.by["fast"].items()} == {"b/m": 0.5, NOBODY: 0.5}
    assert [share.estimate for share in (during.answered, during.failed, during.degraded) if share] == [
        0.5
    ] * 3


def test_a_prompt_that_went_where_policy_does_not_allow_it_is_a_violation_and_an_injected_failure_is_none() -> (
    None
):
    went = one(FROM, *OTHER)
    injected = Attempt("a/m", Fault.CONNECT, detail=f"{INJECTED}: no connection")
    stayed = Exchange(
        "x2", FROM, "app", "chat", "fast", Outcome.FAILED, 502, attempts=(injected,), drill="d1"
    )

    assert found(went, stayed, allowed=("b/m",)).violations == (went.id,)
    assert found(went, stayed).violations == ()


def test_quality_is_of_what_was_answered() -> None:
    right, wrong, lost = one(FROM, GOOD), one(FROM + 1, GOOD), failed(FROM + 2)
    graded = tuple(
        Graded(it.id, str(n), str(n), score)
        for n, (it, score) in enumerate(((right, 1.0), (wrong, 0.0), (lost, 1.0)))
    )

    during = part(found(right, wrong, lost, graded=graded), DURING)

    assert during.graded == 2
    assert during.quality is not None
    assert during.quality.estimate == 0.5


def test_bounds_are_where_means_can_be() -> None:
    right, wrong = one(FROM, GOOD, took_ms=1), one(FROM + 1, GOOD, took_ms=900)
    graded = tuple(Graded(it.id, it.id, it.id, score) for it, score in ((right, 1.0), (wrong, 0.0)))

    during = part(found(right, wrong, graded=graded), DURING)

    assert during.quality is not None
    assert (during.quality.low, during.quality.high) == (0, 1)
    assert during.latency_ms is not None
    assert during.latency_ms.low == 0
    assert during.latency_ms.high > 900


@pytest.mark.parametrize(
    ("records", "met"),
    [
        ((), False),
        ((failed(FROM - 10),), False),
        ((one(FROM, ("b/m", "ok")),), False),
        ((one(FROM, *OTHER),), True),
        ((one(FROM, ("a/m", Fault.BREAKER_OPEN), ("b/m", "ok")),), True),
    ],
)
def test_a_fault_that_no_request_met_is_told_from_one_that_was_borne(
    records: tuple[Exchange, ...], met: bool
) -> None:
    assert found(*records).met is met


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_a_percentile_lies_within_its_bounds_and_is_a_value_that_was_seen(values: list[float]) -> None:
    assert p95(values) in values
    assert sum(value <= p95(values) for value in values) >= 0.95 * len(values)
    it = p95_interval(values)
    assert (it is None) is (len(values) < 72)
    assert it is None or it.low <= it.estimate == p95(values) <= it.high


@pytest.mark.parametrize("count", [72, 73, 100, 250, 2_000])
def test_the_bounds_of_a_percentile_have_the_coverage_that_they_claim(count: int) -> None:
    it = p95_interval(range(count))

    assert it is not None
    # The percentile lies between the values of these ranks if so many of all are below it.
    assert scipy.stats.binom.cdf(it.high, count, 0.95) - scipy.stats.binom.cdf(it.low, count, 0.95) >= 0.95
    assert (
        scipy.stats.binom.cdf(it.high - 1, count, 0.95) - scipy.stats.binom.cdf(it.low + 1, count, 0.95)
        < 0.96
    )
