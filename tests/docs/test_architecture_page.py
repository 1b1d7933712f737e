"""The tables of docs/architecture.md are the code's own."""

import re
from collections.abc import Iterator

from msgspec.structs import fields

from freehold.cli.ledger_bodies import OPENED as BODY_OPENED
from freehold.cli.main import _EXIT_CODES
from freehold.console.access import SIGN_IN_FAILED, SIGNED_IN
from freehold.console.keys import CREATED, REVOKED
from freehold.drills.report import BEGAN, ENDED
from freehold.drills.simulation import SIMULATED
from freehold.drills.traffic import INVENTED
from freehold.gateway.attempt import ELSEWHERE
from freehold.gateway.drilling import IN_FORCE as DRILL_IN_FORCE
from freehold.gateway.drilling import OVER
from freehold.gateway.governance import IN_FORCE
from freehold.gateway.promotion_order import IN_FORCE as OWN_IN_FORCE
from freehold.gateway.promotion_order import TAKEN_BACK
from freehold.gateway.routes import ROUTES
from freehold.gateway.shadowing import FINDING
from freehold.ledger.holds import HOLD, RELEASE
from freehold.ledger.ledger import WITHHELD
from freehold.ledger.log import ROTATED
from freehold.ledger.retention import BEGUN, DONE
from freehold.own.evaluate.report import EVALUATED
from freehold.own.promote.standing import PROMOTED
from freehold.own.publish.manifest import PUBLISHED
from freehold.routing.breaker import NEXT
from freehold.vocabulary.errors import Fault, FreeholdError
from freehold.vocabulary.exchange import OPENED, PEERS_ASKED, Exchange, Outcome
from tests.docs.pages import code, rows, sections, text_of

PAGE = sections(text_of("docs/architecture.md"))


def kinds(root: type[FreeholdError]) -> Iterator[type[FreeholdError]]:
    yield root
    for kind in root.__subclasses__():
        if kind.__module__.startswith("freehold."):
            yield from kinds(kind)


def test_every_route_is_there() -> None:
    told = code(PAGE["Routes"])

    assert {f"POST {path.decode()}" for path in ROUTES} <= set(told)
    assert {"GET /v1/models", "GET /healthz", "GET /readyz", "GET /metrics"} <= set(told)


def test_every_fault_is_there() -> None:
    told = code(PAGE["When a provider fails"])

    assert [fault for fault in Fault if fault.value not in told] == []


def test_the_statuses_that_go_elsewhere_are_there() -> None:
    rest = {int(number) for number in re.findall(r"\b4\d\d\b", _row_of("any 5xx"))}

    assert rest == set(ELSEWHERE)


def _row_of(words: str) -> str:
    return next(row[0] for row in rows(PAGE["When a provider fails"]) if words in row[0])


def test_every_step_of_the_breaker_is_there() -> None:
    told = {
        (row[0].partition(":")[0], re.split("[:,]", row[1])[0], re.split("[:,]", row[2])[0])
        for row in rows(PAGE["Breakers"])
    }

    assert told == {(state.value, signal.value, after.value) for (state, signal), after in NEXT.items()}


def test_every_error_is_there_with_its_status() -> None:
    told = {name: row[1] for row in rows(PAGE["What callers are told"]) for name in code(row[0])}

    for kind in kinds(FreeholdError):
        if kind.code in told:
            assert told[kind.code] in (str(kind.status), "in the stream"), kind
        else:
            assert f"`{kind.code}`" in PAGE["What callers are told"], kind


def test_every_ending_is_there() -> None:
    assert set(code(PAGE["How exchanges end"])) == {outcome.value for outcome in Outcome}


def test_every_field_of_an_exchange_and_every_kind_of_event_is_there() -> None:
    told = [name for row in rows(PAGE["What is told of an exchange"]) for name in code(row[0])]
    kinds_of_events = {IN_FORCE, OPENED, HOLD, RELEASE, BEGUN, DONE, BODY_OPENED, ROTATED, WITHHELD}
    kinds_of_events |= {PEERS_ASKED, FINDING, SIGNED_IN, SIGN_IN_FAILED, CREATED, REVOKED}
    kinds_of_events |= {OWN_IN_FORCE, TAKEN_BACK, PUBLISHED, EVALUATED, PROMOTED}
    kinds_of_events |= {BEGAN, ENDED, DRILL_IN_FORCE, OVER, SIMULATED, INVENTED}

    assert sorted(told) == sorted({*(field.name for field in fields(Exchange)), *kinds_of_events})


def test_the_readme_has_every_exit_code() -> None:
    said = sections(text_of("README.md"))["Running it"]
    codes = re.findall(r"^  (\d+)  ", _EXIT_CODES, re.MULTILINE)

    assert re.findall(r"(?:codes: |; )\n?(\d+)\s", said) == codes
