"""Every fault that a sparring partner knows, before a healthy second endpoint and without one."""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

import pytest

from freehold.sparring.faults import BY_NAME
from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Outcome
from tests.gateway.house import PATHS, House, Partners, Said, house, post, provider, question

# What becomes of the first endpoint's answer: "ok" (passed on), "cut FAULT" (begun, then broken off), a status
# (the provider's own error, passed on), or the fault for which the second endpoint is asked; "" is not tried.
ROWS: tuple[tuple[str, str, str], ...] = (  # the fault, the whole answer, the stream
    ("ok", "ok", "ok"),
    ("down", "reset", "reset"),
    ("reset", "reset", "reset"),
    ("closed", "reset", "reset"),
    ("silent", "timeout_first_byte", "timeout_first_byte"),
    ("slow-first-byte=10ms", "ok", "ok"),
    ("slow-first-token=10ms", "ok", "ok"),
    (
        "slow-first-token=9s",
        "timeout_idle",
        "timeout_first_byte",
    ),  # a stream's first byte is its first event's
    ("slow-drip=2ms", "ok", "ok"),
    ("stall", "timeout_idle", "cut timeout_idle"),
    ("stall=0", "timeout_idle", "timeout_first_byte"),
    ("cut", "reset", "cut reset"),
    ("cut=0", "reset", "reset"),
    ("cut-event", "reset", "cut reset"),
    ("cut-event=0", "reset", "reset"),
    ("cut-reset", "reset", ""),
    (
        "cut-reset+slow-drip=20ms",
        "",
        "cut reset",
    ),  # events that come apart, so that some are passed on before
    ("cut-reset=0", "reset", "reset"),
    ("ends-early", "garbage", "cut reset"),
    ("ends-early=0", "empty", "empty"),
    ("400", "400", "400"),
    ("400-policy", "400", "400"),
    ("400-context", "400", "400"),
    ("401", "status", "status"),
    ("402", "status", "status"),
    ("403", "status", "status"),
    ("404", "status", "status"),
    ("408", "status", "status"),
    ("409", "status", "status"),
    ("425", "status", "status"),
    ("429", "status", "status"),
    ("429-bare", "status", "status"),
    ("500", "status", "status"),
    ("502", "status", "status"),
    ("503", "status", "status"),
    ("504", "status", "status"),
    ("529", "status", "status"),
    ("redirect", "status", "status"),
    ("garbage", "garbage", "garbage"),
    ("garbage=0.5", "garbage", "cut garbage"),
    ("html", "garbage", "garbage"),
    ("wrong-type", "ok", "garbage"),
    ("empty", "empty", "empty"),
    ("empty-text", "ok", "ok"),
    ("refusal", "ok", "ok"),
    ("refusal-words", "ok", "ok"),
    ("filtered", "ok", "ok"),
    ("other-model", "ok", "ok"),
    ("swap", "ok", "ok"),
    ("other-fingerprint", "ok", "ok"),
    ("no-fingerprint", "ok", "ok"),
    ("truncated", "ok", "ok"),
    ("length", "ok", "ok"),
    ("wrong-usage", "ok", "ok"),
    ("no-usage", "ok", "ok"),
    ("loop", "ok", "ok"),
    ("broken-arguments", "ok", "ok"),
    ("error-event=0", "garbage", "error_event"),
    ("error-event", "garbage", ""),
    ("error-event+slow-drip=20ms", "", "cut error_event"),
    ("no-end", "ok", "ok"),
    ("double-end", "ok", "ok"),
    ("crlf", "ok", "ok"),
    ("comments", "ok", "ok"),
    ("big-headers", "garbage", "garbage"),
    ("length-long", "reset", "ok"),
    ("length-short", "garbage", "ok"),
    ("bytewise", "ok", "ok"),
    ("gzip", "ok", "ok"),
    ("until-close", "ok", "ok"),
    ("interim", "ok", "ok"),
    ("nobody", "connect", "connect"),
)
UNSPOILT = {
    "ok", "slow-first-byte", "slow-first-token", "slow-drip", "wrong-usage", "no-usage", "other-fingerprint",
    "no-fingerprint", "other-model", "no-end", "double-end", "crlf", "comments", "length-long", "length-short",
    "bytewise", "gzip", "until-close", "interim", "wrong-type", "broken-arguments",
}  # fmt: skip
FINDINGS = {"refusal": "refusal", "filtered": "moderation", "other-model": "substitution"}
TIMEOUTS = ("timeout_first_byte", "timeout_idle")
DIALECTS = ("chat", "messages")


class Case(NamedTuple):
    """One fault of an endpoint that speaks `spoken`, met by a caller who speaks `asked`."""

    fault: str
    becomes: str
    asked: str
    spoken: str
    stream: bool

    def __str__(self) -> str:
        return f"{self.fault}-{self.asked}-{self.spoken}-{'stream' if self.stream else 'whole'}"

    @property
    def name(self) -> str:
        return _name(self.fault)

    @property
    def cut(self) -> str:
        return self.becomes.partition("cut ")[2]


def _name(fault: str) -> str:
    return fault.replace("+", "=").partition("=")[0]


def _case(row: tuple[str, str, str], asked: str, spoken: str, stream: bool) -> Case:
    fault, becomes = row[0], row[2] if stream else row[1]
    if asked == spoken and becomes == "cut garbage":
        becomes = "ok"  # bytes pass through, broken ones too, once the caller has some
    return Case(fault, becomes, asked, spoken, stream)


EVERY = [_case(*parts) for parts in product(ROWS, DIALECTS, DIALECTS, (False, True))]
CASES = [case for case in EVERY if case.becomes]
PASSED = [case for case in CASES if case.becomes == "ok"]
CUT = [case for case in CASES if case.cut]
DECLINED = [case for case in CASES if case.becomes.isdecimal()]
SURVIVED = [case for case in CASES if case not in (*PASSED, *CUT, *DECLINED)]


class Street(NamedTuple):
    """One gateway in front of a partner for each fault, and a good one."""

    house: House
    bad: Sparring
    good: Sparring

    def ask(self, case: Case, pool: str) -> Said:
        model = f"{pool} {case.fault} {case.spoken}/north-{case.asked}-{case.stream}"
        return self.house.ask(case.asked, model, stream=case.stream)

    def endpoint(self, case: Case, name: str | None = None) -> str:
        return f"{name or case.fault} {case.spoken}/north-{case.asked}-{case.stream}"

    def words(self, case: Case, partner: Sparring) -> str:
        """What a partner says in good health."""
        return healthy(partner.base_url, case.asked, f"north-{case.asked}-{case.stream}")


@cache
def healthy(base_url: str, dialect: str, model: str) -> str:
    """What a partner says when it is asked without a gateway."""
    body = question(dialect, model)
    return post(f"{base_url}{PATHS[dialect].removeprefix('/v1')}", body, {"x-sparring": "ok"}).text()


@pytest.fixture(scope="module")
def street(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    bad, good = partners.open(seed=1), partners.open(seed=2)
    config = "timeouts = { connect_s = 1, first_byte_s = 0.25, idle_s = 0.25, total_s = 8 }\n"
    config += "breaker = { failures = 1_000, wait_s_max = 0.2 }\n"
    pools = ""
    for dialect in DIALECTS:
        config += provider(f"good {dialect}", good, dialect)
        for fault, _, _ in ROWS:
            nobody = fault == "nobody"
            table = provider(f"{fault} {dialect}", bad, dialect, fault=None if nobody else fault)
            config += table.replace(f":{bad.port}/", ":9/") if nobody else table
            pools += f'"pair {fault} {dialect}/*" = ["{fault} {dialect}/*", "good {dialect}/*"]\n'
            pools += f'"alone {fault} {dialect}/*" = ["{fault} {dialect}/*"]\n'
    with house(tmp_path_factory.mktemp("street"), f"{config}[aliases]\n{pools}") as running:
        yield Street(running, bad, good)


def test_the_table_holds_every_fault_there_is() -> None:
    assert {_name(fault) for fault, _, _ in ROWS} - {"nobody"} == set(BY_NAME)


@pytest.mark.parametrize("case", SURVIVED, ids=str)
def test_a_fault_before_the_first_byte_is_survived(street: Street, case: Case) -> None:
    said = street.ask(case, "pair")

    exchange = street.house.exchange(said)
    assert (said.status, said.whole, said.text()) == (200, True, street.words(case, street.good))
    assert said.headers["x-freehold-attempts"] == "2"
    assert said.headers["x-freehold-endpoint"] == exchange.endpoint == street.endpoint(case, "good")
    assert [(tried.endpoint, tried.outcome) for tried in exchange.attempts] == [
        (street.endpoint(case), case.becomes),
        (street.endpoint(case, "good"), "ok"),
    ]
    assert (exchange.outcome, exchange.code, exchange.findings) == (Outcome.ANSWERED, None, ())


@pytest.mark.parametrize("case", SURVIVED, ids=str)
def test_alone_a_fault_before_the_first_byte_is_an_error_in_the_callers_dialect(
    street: Street, case: Case
) -> None:
    said = street.ask(case, "alone")

    status, code, kind = 502, "all_endpoints_failed", "api_error"
    if case.becomes in TIMEOUTS:
        status, code, kind = 504, "deadline_exceeded", "timeout_error"
    elif case.name in ("429", "429-bare"):
        status, code, kind = 429, "all_endpoints_busy", "rate_limit_error"
    exchange = street.house.exchange(said)
    error = said.error()
    assert (said.status, error["code"], error["type"]) == (status, code, kind)
    assert error["message"] and error["remedy"]
    assert error["exchange"] == said.headers["x-freehold-exchange"]
    assert said.json().get("type") == ("error" if case.asked == "messages" else None)
    assert ("retry-after" in said.headers) == (status == 429)
    assert (said.headers["x-freehold-attempts"], "x-freehold-endpoint" in said.headers) == ("1", False)
    assert (exchange.outcome, exchange.status, exchange.code) == (Outcome.FAILED, status, code)
    assert [tried.outcome for tried in exchange.attempts] == [case.becomes]


@pytest.mark.parametrize("case", CUT, ids=str)
def test_a_stream_that_breaks_off_is_never_passed_on_as_if_it_had_ended(street: Street, case: Case) -> None:
    asked_before = len(street.good.requests)
    said = street.ask(case, "pair")

    exchange = street.house.exchange(said)
    assert (said.status, said.headers["x-freehold-endpoint"]) == (200, street.endpoint(case))
    assert street.words(case, street.bad).startswith(said.text())
    assert len(street.good.requests) == asked_before, "half an answer cannot be carried on by another model"
    name, told = said.events()[-1]
    assert told["error"]["message"]
    assert name == ("error" if case.asked == "messages" else "")
    assert all(data != "[DONE]" and name != "message_stop" for name, data in said.events())
    assert (exchange.outcome, exchange.code) == (Outcome.CUT, "answer_cut")
    assert [tried.outcome for tried in exchange.attempts] == [case.cut]
    assert "truncation" in [finding.kind for finding in exchange.findings]


@pytest.mark.parametrize("case", DECLINED, ids=str)
def test_a_request_that_the_provider_turns_down_is_not_carried_elsewhere(street: Street, case: Case) -> None:
    said = street.ask(case, "pair")

    exchange = street.house.exchange(said)
    error = said.error()
    assert (said.status, error["type"]) == (400, "invalid_request_error")
    assert error["message"]
    assert said.json().get("type") == ("error" if case.asked == "messages" else None)
    assert said.headers["x-freehold-endpoint"] == street.endpoint(case)
    assert (exchange.outcome, exchange.code) == (Outcome.DECLINED, "declined_by_provider")
    assert [(tried.endpoint, tried.outcome) for tried in exchange.attempts] == [(street.endpoint(case), "ok")]
    moderated = ["moderation"] if case.fault == "400-policy" else []
    assert [finding.kind for finding in exchange.findings] == moderated


@pytest.mark.parametrize("case", PASSED, ids=str)
def test_an_answer_is_passed_on_from_the_first_endpoint_whatever_it_says(street: Street, case: Case) -> None:
    said = street.ask(case, "pair")

    exchange = street.house.exchange(said)
    assert (said.status, said.whole) == (200, True)
    if case.name in UNSPOILT:
        assert said.text() == street.words(case, street.bad)
    if case.stream and case.name not in ("no-end", "length-short"):
        name, data = said.events()[-1]
        assert (name, data) == ("", "[DONE]") if case.asked == "chat" else name == "message_stop"
    assert said.headers["x-freehold-attempts"] == "1"
    assert said.headers["x-freehold-endpoint"] == exchange.endpoint == street.endpoint(case)
    assert (exchange.outcome, exchange.code) == (Outcome.ANSWERED, None)
    assert [(tried.endpoint, tried.outcome) for tried in exchange.attempts] == [(street.endpoint(case), "ok")]
    found = [finding.kind for finding in exchange.findings]
    expected = FINDINGS.get(case.name)
    if case.name == "filtered" and case.spoken == "messages":
        expected = "refusal"  # that dialect has no other word for moderation
    assert found == ([expected] if expected else [])
    told = said.headers.get("x-freehold-finding")
    # A stream's header can tell only what its first events tell, which is who answers.
    assert told == (expected if not case.stream or expected == "substitution" else None)
