"""A gateway before a partner for each fault and dialect, and what must become of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Exchange, Outcome
from tests.gateway.house import House, Partners, Said, house, path, post, provider, question

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
    ("garbage=0.5+slow-drip=20ms", "", "cut garbage"),
    ("html", "garbage", "garbage"),
    ("wrong-type", "ok", "garbage"),
    ("empty", "empty", "empty"),
    ("empty-text", "ok", "ok"),
    ("refusal", "ok", "ok"),
    ("refusal-words", "ok", "ok"),
    ("inability", "ok", "ok"),
    ("deflection", "ok", "ok"),
    ("half-sentence", "ok", "ok"),
    ("open-fence", "ok", "ok"),
    ("lost-field", "ok", "ok"),
    ("lost-prompt", "ok", "ok"),
    ("filtered", "ok", "ok"),
    ("breakdown", "ok", "ok"),
    ("breakdown+slow-drip=20ms", "", "ok"),
    ("other-model", "ok", "ok"),
    ("swap", "ok", "ok"),
    ("style", "ok", "ok"),
    ("other-fingerprint", "ok", "ok"),
    ("no-fingerprint", "ok", "ok"),
    ("truncated", "ok", "ok"),
    ("length", "ok", "ok"),
    ("wrong-usage", "ok", "ok"),
    ("no-usage", "ok", "ok"),
    ("cached", "ok", "ok"),
    ("ratelimit-headers", "ok", "ok"),
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
# Where a dialect differs from the others: in some the event that ends an answer is also the one that finishes it;
# of Amazon's frames, those that come in one piece with a broken one break too; responses tell of a breakdown by
# an error.
IN_DIALECT = {
    ("no-end", "responses"): ("ok", "cut reset"),
    ("no-end", "gemini"): ("ok", "cut reset"),
    ("length-short", "responses"): ("garbage", "cut reset"),
    ("length-short", "gemini"): ("garbage", "cut reset"),
    ("length-short", "converse"): ("garbage", ""),
    ("garbage=0.5", "converse"): ("garbage", ""),
    ("breakdown", "responses"): ("garbage", ""),
    ("breakdown+slow-drip=20ms", "responses"): ("", "cut error_event"),
}
UNSPOILT = {
    "ok", "slow-first-byte", "slow-first-token", "slow-drip", "wrong-usage", "no-usage", "other-fingerprint",
    "no-fingerprint", "other-model", "no-end", "double-end", "crlf", "comments", "length-long", "length-short",
    "bytewise", "gzip", "until-close", "interim", "wrong-type", "broken-arguments", "cached", "ratelimit-headers",
    "lost-field", "lost-prompt",
}  # fmt: skip
FINDINGS = {
    "refusal": "refusal",
    "filtered": "moderation",
    "other-model": "substitution",
    "empty-text": "refusal",
    "refusal-words": "refusal",
    "inability": "inability",
    "deflection": "deflection",
    "half-sentence": "truncation",
    "open-fence": "truncation",
}
# Where a dialect has one word for both.
FINDINGS_IN_DIALECT = {
    ("filtered", "messages"): "refusal",
    ("refusal", "gemini"): "moderation",
    ("refusal", "converse"): "moderation",
}
NAMES = {
    "messages": ("error",),
    "responses": ("error", "response.failed"),
}  # of the event that tells an error
TIMEOUTS = ("timeout_first_byte", "timeout_idle")
CALLERS = ("chat", "responses", "messages", "gemini")
SPOKEN = (*CALLERS, "converse")
KINDS = {  # of an error, by its status: OpenAI's and Anthropic's word, and Google's
    400: ("invalid_request_error", "INVALID_ARGUMENT"),
    429: ("rate_limit_error", "RESOURCE_EXHAUSTED"),
    502: ("api_error", "UNAVAILABLE"),
    504: ("timeout_error", "DEADLINE_EXCEEDED"),
}


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
        return bare(self.fault)

    @property
    def cut(self) -> str:
        return self.becomes.partition("cut ")[2]

    @property
    def model(self) -> str:
        return f"north-{self.asked}-{self.stream}"

    def endpoint(self, name: str | None = None) -> str:
        return f"{name or self.fault} {self.spoken}/{self.model}"


def bare(fault: str) -> str:
    """A fault without its parameter and its companions."""
    return fault.replace("+", "=").partition("=")[0]


def _case(row: tuple[str, str, str], asked: str, spoken: str, stream: bool) -> Case:
    fault = row[0]
    becomes = IN_DIALECT.get((fault, spoken), row[1:])[stream]
    if asked == spoken and becomes == "cut garbage":
        becomes = "ok"  # bytes pass through, broken ones too, once the caller has some
    return Case(fault, becomes, asked, spoken, stream)


EVERY = [
    case
    for case in (_case(*parts) for parts in product(ROWS, CALLERS, SPOKEN, (False, True)))
    if case.becomes
]


class Street(NamedTuple):
    """A gateway in front of a partner for each fault, and a good one; two that soon tire of waiting."""

    patient: House
    hasty: House  # for a first byte, and between two
    restless: House  # only between two
    bad: Sparring
    good: Sparring

    def house(self, case: Case) -> House:
        """Those only for what must time out so: on a busy machine a healthy answer may take its time."""
        if not {case.becomes, case.cut} & set(TIMEOUTS):
            return self.patient
        return self.restless if case.stream and case.fault == "stall" else self.hasty

    def ask(self, case: Case, pool: str) -> Said:
        # An endpoint apart for each pool: who was asked to wait in one is left alone in the other too.
        model = f"{pool} {case.fault} {case.spoken}/{case.model}{'-alone' if pool == 'alone' else ''}"
        return self.house(case).ask(case.asked, model, stream=case.stream)

    def words(self, case: Case, partner: Sparring) -> str:
        """What a partner says in good health."""
        return healthy(partner.base_url, case.asked, case.model)


@cache
def healthy(base_url: str, dialect: str, model: str) -> str:
    """What a partner says when it is asked without a gateway."""
    url = base_url.removesuffix("/v1") + path(dialect, model)
    return post(url, question(dialect, model), {"x-sparring": "ok"}).text()


@contextmanager
def street(partners: Partners, folder: Path) -> Iterator[Street]:
    """Build the street."""
    bad, good = partners.open(seed=1), partners.open(seed=2)
    config = "breaker = { failures = 1_000, wait_s_max = 0.2 }\nretry = { rounds = 0 }\n"
    pools = ""
    for dialect in SPOKEN:
        config += provider(f"good {dialect}", good, dialect)
        for fault, _, _ in ROWS:
            nobody = fault == "nobody"
            table = provider(f"{fault} {dialect}", bad, dialect, fault=None if nobody else fault)
            config += table.replace(f":{bad.port}", ":9") if nobody else table
            pools += f'"pair {fault} {dialect}/*" = ["{fault} {dialect}/*", "good {dialect}/*"]\n'
            pools += f'"alone {fault} {dialect}/*" = ["{fault} {dialect}/*"]\n'
    config += f"[aliases]\n{pools}"
    with (
        house(folder / "patient", _waiting() + config) as patient,
        house(folder / "hasty", _waiting(first_byte_s=0.8, idle_s=0.8) + config) as hasty,
        house(folder / "restless", _waiting(idle_s=0.5) + config) as restless,
    ):
        yield Street(patient, hasty, restless, bad, good)


def _waiting(first_byte_s: float = 20, idle_s: float = 20) -> str:
    return f"timeouts = {{ first_byte_s = {first_byte_s}, idle_s = {idle_s}, total_s = 60 }}\n"


def _newest(partner: Sparring) -> object:
    """What it was asked last; how often it was asked it forgets."""
    return partner.requests[-1] if partner.requests else None


def check(street: Street, case: Case) -> tuple[Said, Exchange]:
    """Ask an endpoint with a fault, and a good one after it. Whatever is not as it must be raises."""
    newest = _newest(street.good)
    said = street.ask(case, "pair")
    exchange = street.house(case).exchange(said)
    assert said.whole, "the answer's HTTP came to no end"
    if case.becomes == "ok":
        _passed(street, case, said, exchange)
    elif case.cut:
        _cut(street, case, said, exchange)
        assert _newest(street.good) is newest, "half an answer was carried on by another model"
    elif case.becomes.isdecimal():
        _declined(case, said, exchange)
    else:
        _survived(street, case, said, exchange)
    return said, exchange


def check_alone(street: Street, case: Case) -> tuple[Said, Exchange]:
    """Ask only an endpoint with a fault that is met before the first byte."""
    said = street.ask(case, "alone")
    exchange = street.house(case).exchange(said)
    status, code = 502, "all_endpoints_failed"
    if case.becomes in TIMEOUTS:
        status, code = 504, "deadline_exceeded"
    elif case.name in ("429", "429-bare"):
        status, code = 429, "all_endpoints_busy"
    error = _told(case, said)
    assert (said.status, error["code"]) == (status, code)
    assert error["remedy"]
    assert error["exchange"] == said.headers["x-freehold-exchange"]
    assert ("retry-after" in said.headers) == (status == 429)
    assert (said.headers["x-freehold-attempts"], "x-freehold-endpoint" in said.headers) == ("1", False)
    assert (exchange.outcome, exchange.status, exchange.code) == (Outcome.FAILED, status, code)
    assert [tried.outcome for tried in exchange.attempts] == [case.becomes]
    return said, exchange


def _told(case: Case, said: Said) -> dict[str, Any]:
    """The error of an answer that is one, after a look at its form."""
    error: dict[str, Any] = said.error()
    assert not said.streamed
    assert error["type"] == KINDS[said.status][case.asked == "gemini"]
    assert error["message"]
    assert said.json().get("type") == ("error" if case.asked == "messages" else None)
    return error


def _survived(street: Street, case: Case, said: Said, exchange: Exchange) -> None:
    assert (said.status, said.text()) == (200, street.words(case, street.good))
    assert said.headers["x-freehold-attempts"] == "2"
    assert said.headers["x-freehold-endpoint"] == exchange.endpoint == case.endpoint("good")
    assert [(tried.endpoint, tried.outcome) for tried in exchange.attempts] == [
        (case.endpoint(), case.becomes),
        (case.endpoint("good"), "ok"),
    ]
    assert (exchange.outcome, exchange.code, exchange.findings) == (Outcome.ANSWERED, None, ())


def _cut(street: Street, case: Case, said: Said, exchange: Exchange) -> None:
    assert (said.status, said.headers["x-freehold-endpoint"]) == (200, case.endpoint())
    assert street.words(case, street.bad).startswith(said.text())
    *before, (name, told) = said.events()
    # The event is the provider's own where it told of an error; of responses there are two, and neither is as ours.
    error = told.get("error") or told.get("response", {}).get("error") or told
    assert error["message"]
    assert name in NAMES.get(case.asked, ("",))
    assert not any(closes(case.asked, *event) for event in before)
    assert (exchange.outcome, exchange.code) == (Outcome.CUT, "answer_cut")
    assert [tried.outcome for tried in exchange.attempts] == [case.cut]
    assert "truncation" in [finding.kind for finding in exchange.findings]


def _declined(case: Case, said: Said, exchange: Exchange) -> None:
    assert said.status == 400
    _told(case, said)
    assert said.headers["x-freehold-endpoint"] == case.endpoint()
    assert (exchange.outcome, exchange.code) == (Outcome.DECLINED, "declined_by_provider")
    assert [(tried.endpoint, tried.outcome) for tried in exchange.attempts] == [(case.endpoint(), "ok")]
    moderated = ["moderation"] if case.fault == "400-policy" else []
    assert [finding.kind for finding in exchange.findings] == moderated


def _passed(street: Street, case: Case, said: Said, exchange: Exchange) -> None:
    assert said.status == 200
    if case.name in UNSPOILT:
        assert said.text() == street.words(case, street.bad)
    if case.stream and case.name not in ("no-end", "length-short"):
        assert closes(case.asked, *said.events()[-1])
    assert said.headers["x-freehold-attempts"] == "1"
    assert said.headers["x-freehold-endpoint"] == exchange.endpoint == case.endpoint()
    assert (exchange.outcome, exchange.code) == (Outcome.ANSWERED, None)
    assert [(tried.endpoint, tried.outcome) for tried in exchange.attempts] == [(case.endpoint(), "ok")]
    found = [finding.kind for finding in exchange.findings]
    expected = FINDINGS_IN_DIALECT.get((case.name, case.spoken)) or FINDINGS.get(case.name)
    assert found == ([expected] if expected else [])
    told = said.headers.get("x-freehold-finding")
    told = told and told.partition(";")[0]  # without how sure it is
    # A stream's header can tell only what its first events tell, which is who answers, if anything does.
    early = expected == "substitution" and case.spoken != "converse"
    assert told == (expected if not case.stream or early else None)


def closes(dialect: str, name: str, data: Any) -> bool:
    """Whether an event is the one that ends an answer well."""
    if dialect == "chat":
        return bool(data == "[DONE]")
    if dialect == "gemini":
        finished = any("finishReason" in one for one in data.get("candidates", ()))
        return finished or "blockReason" in data.get("promptFeedback", ())
    return name in ("message_stop", "response.completed", "response.incomplete")
