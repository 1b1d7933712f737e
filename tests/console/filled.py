"""A ledger with a little of everything, as a gateway leaves it: signed, searchable, a finding that came later."""

from pathlib import Path

from freehold.config import schema
from freehold.ledger import Ledger
from freehold.vocabulary.exchange import (
    Attempt,
    BodyRef,
    Event,
    Exchange,
    Finding,
    Finish,
    Outcome,
    Part,
    Refused,
    Served,
    Shadow,
    Usage,
)

MINUTE_MS = 60_000


def exchange_id(at_ms: int, number: int) -> str:
    return f"x{at_ms:011x}{number:016x}"


def exchanges(now_ms: int) -> list[Exchange]:
    """Six answered and two not, one a minute, the last of them a minute ago; one is from a month ago."""
    found = []
    for number in range(8):
        at_ms = now_ms - (9 - number) * MINUTE_MS
        found.append(_one(at_ms, number))
    old = _one(now_ms - 30 * 24 * 60 * MINUTE_MS, 99)
    return [old, *found]


def _one(at_ms: int, number: int) -> Exchange:
    failed = number in (3, 5)
    odd = (Finding("refusal", "the model <declined>", 0.9, endpoint="p/large"),) if number == 4 else ()
    good = () if failed else (Attempt("p/large", "ok", 200, 9_000, 4_000, 80_000),)
    return Exchange(
        id=exchange_id(at_ms, number),
        at_ms=at_ms,
        application="invoices" if number % 2 else "website",
        dialect="chat",
        alias="assistant",
        outcome=Outcome.FAILED if failed else Outcome.ANSWERED,
        status=502 if failed else 200,
        code="upstream_failed" if failed else None,
        endpoint=None if failed else "p/large",
        attempts=(
            Attempt("q/dear", "breaker_open"),
            Attempt("p/small", "status", 503, 100, 8_000, 8_900, "no room"),
            *good,
        ),
        served=None if failed else Served("large-0711", finish=Finish.STOP, usage=Usage(1_200, 300)),
        findings=odd,
        took_us=90_000,
        first_byte_us=13_000,
        node="node-0",
        data_class="personal" if number == 4 else None,
        policy="at-home@3f9a61c2",
        facts="0badcafe",
        refused=(Refused("far/away", "in-europe", "at-home"),),
        shadow=(Shadow("eu-sovereign@11111111", None, (Refused("p/large", "eu-only"),)),),
        cost_usd=None if failed else 0.0125,
        retention="short" if number == 4 else None,
        bodies=(BodyRef(Part.REQUEST, "short/2026-11-23/a.sealed", 0, 10, "00"),) if number == 4 else (),
    )


def fill(state: Path, now_ms: int) -> list[Exchange]:
    """Record them; their log is signed when this returns."""
    found = exchanges(now_ms)
    ledger = Ledger.open(state, "node-0", schema.Ledger(commit_s=0.01, checkpoint_s=0.01))
    for it in found:
        ledger.append(it)
    about = {
        "exchange": found[-1].id,
        "endpoint": "p/large",
        "kind": "deflection",
        "evidence": "unlike its peers",
    }
    ledger.append(Event(f"e{now_ms:011x}{1:016x}", now_ms - 30_000, "finding", about))
    ledger.close()
    assert not ledger.log_trouble
    return found
