"""What breaks a rehearsal off."""

import pytest

from freehold.drills.rehearsing import ABORT_MIN, Criteria
from freehold.gateway.drill_order import Mode, Order
from freehold.vocabulary.exchange import Exchange, Outcome, Served

ORDER = Order("d1", "1", "gone", Mode.SHARE, 1.0, "", 1_000, 2_000, ())


def some(
    count: int,
    outcome: Outcome = Outcome.ANSWERED,
    *,
    at_ms: int = 1_500,
    ms: int = 10,
    usd: float | None = 0.01,
) -> list[Exchange]:
    served = Served() if outcome is Outcome.ANSWERED else None
    one = Exchange(
        "x1", at_ms, "app", "chat", "fast", outcome, 200, took_us=ms * 1000, served=served, cost_usd=usd
    )
    return [one] * count


@pytest.mark.parametrize(
    ("criteria", "exchanges", "why"),
    [
        (Criteria(), some(99, Outcome.FAILED), None),
        (Criteria(failed=0.1), some(1, Outcome.FAILED) + some(9), None),
        (Criteria(failed=0.1), some(2, Outcome.CUT) + some(9), "2 of 11 exchanges failed"),
        (Criteria(failed=0.1), some(ABORT_MIN - 1, Outcome.FAILED), None),  # too few to say
        (Criteria(failed=0.1), some(99, Outcome.FAILED, at_ms=500), None),  # not in the fault
        (Criteria(failed=0.1), some(99, Outcome.ABANDONED), None),
        (Criteria(p95_ms=50), some(20), None),
        (Criteria(p95_ms=50), some(18) + some(2, ms=60), "95 of 100 answers took up to 60 ms"),
        (Criteria(usd=1.0), some(99), None),
        (Criteria(usd=1.0), some(101), "1.0100 USD were spent"),
        (
            Criteria(usd=1.0),
            some(1, usd=None),
            "what the answer in x1 cost is not known, and no limit on cost can hold",
        ),
        (Criteria(usd=1.0), some(1, Outcome.FAILED, usd=None), None),
    ],
)
def test_a_criterion_is_met_or_not(criteria: Criteria, exchanges: list[Exchange], why: str | None) -> None:
    assert criteria.broken(exchanges, ORDER) == why


def test_a_prompt_gone_astray_is_always_one() -> None:
    assert len(Criteria().told()) == 1
    assert len(Criteria(0.05, 500, 2).told()) == 4
