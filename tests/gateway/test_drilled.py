"""What a drill's failures cost, and whom they reached."""

from freehold.dialects.errors import ProviderError
from freehold.gateway.drilled import Drilled
from freehold.gateway.failing import word
from freehold.gateway.faulty import Made
from freehold.gateway.permit import FREE
from freehold.upstream.door import Incoming
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import INJECTED, Attempt, Exchange, Outcome

REAL = Attempt("a/m", Fault.TIMEOUT_FIRST_BYTE, detail="no answer began")
MADE = Attempt("a/m", Fault.TIMEOUT_FIRST_BYTE, detail=f"{INJECTED}: no answer began")


def test_a_timeout_may_cost_what_was_set_aside_and_one_that_a_drill_made_costs_nothing() -> None:
    real, made = Drilled.settled([REAL, MADE])

    assert real.outcome not in FREE
    assert made.outcome in FREE


def test_only_in_a_drill_a_failure_can_be_made() -> None:
    outside = Exchange("x1", 1, "app", "chat", "fast", Outcome.FAILED, 504, attempts=(REAL, MADE))
    inside = Exchange("x1", 1, "app", "chat", "fast", Outcome.FAILED, 504, attempts=(REAL, MADE), drill="d1")

    assert [outside.reached(one) for one in outside.attempts] == [True, True]  # a provider may say so, too
    assert [inside.reached(one) for one in inside.attempts] == [True, False]


def test_a_provider_that_was_asked_cannot_say_that_a_drill_did_it() -> None:
    told = ProviderError("busy", f"x{INJECTED}")

    assert word(told, Made(503, [], b"", 0.0)) == f"x{INJECTED}"
    assert INJECTED not in word(told, object.__new__(Incoming))
