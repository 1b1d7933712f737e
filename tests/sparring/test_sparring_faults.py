"""Every fault shows on the wire exactly what its row promises: in every dialect, streamed and not."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch

from freehold.sparring.faults import FAULTS, UnknownFault, chosen, in_model
from freehold.sparring.server import Sparring

from .sparring_client import DIALECTS, Seen, frames, usage_in, words

Promise = Callable[[Seen, Seen], bool]


def half_of(good: Seen, seen: Seen) -> bool:
    """About half of the answer, and a true beginning of it."""
    share = len(seen.body) / len(good.body)
    return good.body.startswith(seen.body) and 0.3 < share < 0.7


def halfway(ending: str) -> Promise:
    return lambda good, seen: (seen.status, seen.ending) == (200, ending) and half_of(good, seen)


def without_a_byte(ending: str) -> Promise:
    return lambda good, seen: seen.status == 0 and not seen.body and seen.ending == ending


def status(code: int, word: str, retry_after: str | None = None) -> Promise:
    def kept(good: Seen, seen: Seen) -> bool:
        told = seen.json()
        named = word in told.get("error", told)["message"].lower()
        return (seen.status, seen.headers.get("retry-after"), named) == (code, retry_after, True)

    return kept


def same(good: Seen, seen: Seen) -> bool:
    return (seen.status, seen.body, seen.ending) == (200, good.body, "whole")


def is_refusal(good: Seen, seen: Seen) -> bool:
    """In the place that is made for it, and without a word that could pass for an answer."""
    told, finish = seen.body, seen.finish()
    where = {
        "stop": lambda: b'"refusal":"I' in told,
        "completed": lambda: b'"type":"refusal","refusal":"I\'m sorry' in told,
        "refusal": lambda: b'"category":"general_harms"' in told,
        "PROHIBITED_CONTENT": lambda: b'"promptFeedback"' in told and b"candidates" not in told,
        "content_filtered": lambda: b"sorry" not in told,
    }
    return seen.status == 200 and seen.text() == "" and where[finish]()


def shortened(*finishes: str) -> Promise:
    def kept(good: Seen, seen: Seen) -> bool:
        text = seen.text()
        return seen.finish() in finishes and good.text().startswith(text) and 0 < len(text) < len(good.text())

    return kept


def broken_json(good: Seen, seen: Seen) -> bool:
    broken = 0
    if "amazon" in seen.headers["content-type"]:
        with pytest.raises(ChecksumMismatch):
            frames(seen.body)
        return seen.status == 200 and seen.ending == "whole"
    for data in seen.events() if seen.streamed() else [seen.body.decode()]:
        try:
            json.loads(data.replace("[DONE]", "{}"))
        except ValueError:
            broken += 1
    return seen.status == 200 and seen.ending == "whole" and broken == 1


def torn_event(good: Seen, seen: Seen) -> bool:
    """The whole events are fewer bytes than came."""
    events = good.events()[: len(seen.events())] if seen.streamed() else []
    inside = not seen.streamed() or (
        seen.events() == events and not seen.body.endswith((b"\n\n", b"\r\n\r\n"))
    )
    return halfway("closed")(good, seen) and inside


def usage_tripled(good: Seen, seen: Seen) -> bool:
    counts = {name: count for name, count in seen.usage().items() if isinstance(count, int)}
    return counts == {name: 3 * int(good.usage()[name]) for name in counts}


def prompt_lost(good: Seen, seen: Seen) -> bool:
    return (seen.text(), seen.finish()) == (good.text(), good.finish()) and seen.body != good.body


def error_inside(good: Seen, seen: Seen) -> bool:
    if not seen.streamed():
        return seen.status == 200 and b"verloaded" in seen.body and seen.text() == ""
    *before, last = seen.parsed()
    told = last.get("error") or last.get("serviceUnavailableException") or last
    return len(before) > 2 and "verloaded" in told["message"] and seen.ending == "whole"


def gone(seen: Seen, good: Seen, events: int) -> bool:
    """Nothing but so many final events is different."""
    return not seen.streamed() or len(good.events()) - len(seen.events()) == events


def zipped(good: Seen, seen: Seen) -> bool:
    return seen.headers["content-encoding"] == "gzip" and gzip.decompress(seen.body) == good.body


def other_fingerprint(good: Seen, seen: Seen) -> bool:
    return b'"system_fingerprint"' not in good.body or b'"fp_0ddba11"' in seen.body


def half_cached(good: Seen, seen: Seen) -> bool:
    counts: dict[str, Any] = {}
    for usage in filter(None, map(usage_in, seen.told())):
        counts |= usage | usage.get("prompt_tokens_details", {}) | usage.get("input_tokens_details", {})
    names = ("cached_tokens", "cache_read_input_tokens", "cachedContentTokenCount", "cacheReadInputTokens")
    return [counts[name] for name in names if name in counts] == [2] and seen.text() == good.text()


def limits_told(good: Seen, seen: Seen) -> bool:
    told = {name: value for name, value in seen.headers.items() if "ratelimit" in name}
    if "x-ratelimit-reset-requests" in told:
        return told == LIMITS
    if "anthropic-ratelimit-requests-reset" not in told:
        return told == {} and same(good, seen)
    resets = {
        datetime.fromisoformat(told.pop(f"anthropic-ratelimit-{what}-reset"))
        for what in ("requests", "tokens")
    }
    ahead_s = (resets.pop() - datetime.now(UTC)).total_seconds()
    return not resets and 357 < ahead_s < 361 and sorted(told.values()) == ["58", "58000", "60", "60000"]


LIMITS = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "58",
    "x-ratelimit-reset-requests": "6m0s",
    "x-ratelimit-limit-tokens": "60000",
    "x-ratelimit-remaining-tokens": "58000",
    "x-ratelimit-reset-tokens": "6m0s",
}
PROMISES: dict[str, Promise] = {
    "ok": same,
    "down": without_a_byte("reset"),
    "reset": without_a_byte("reset"),
    "closed": without_a_byte("closed"),
    "silent": without_a_byte("open"),
    "slow-first-byte=80ms": lambda good, seen: same(good, seen) and seen.first_byte_s >= 0.075,
    "slow-first-token=80ms": lambda good, seen: same(good, seen) and seen.took_s - seen.first_byte_s >= 0.07,
    "slow-drip=5ms": lambda good, seen: same(good, seen) and seen.took_s >= 0.09 and seen.reads >= 20,
    "stall": halfway("open"),
    "cut": halfway("closed"),
    "cut-event": torn_event,
    "cut-reset": halfway("reset"),
    "ends-early": halfway("whole"),
    "400": status(400, "not valid"),
    "400-policy": status(400, "content policy"),
    "400-context": status(400, "context length"),
    "401": status(401, "api key"),
    "402": status(402, "credit"),
    "403": status(403, "may not use"),
    "404": status(404, "does not exist"),
    "408": status(408, "timed out"),
    "409": status(409, "conflict"),
    "425": status(425, "too early"),
    "429": status(429, "rate limit", "1"),
    "429=7": status(429, "rate limit", "7"),
    "429-bare": status(429, "rate limit"),
    "500": status(500, "had an error"),
    "502": status(502, "bad gateway"),
    "503": status(503, "try again later"),
    "503=2": status(503, "try again later", "2"),
    "504": status(504, "in time"),
    "529": status(529, "overloaded"),
    "redirect": lambda good, seen: (seen.status, seen.headers["location"]) == (307, "https://example.org/"),
    "garbage": broken_json,
    "html": lambda good, seen: (
        seen.status == 200 and b"<html>" in seen.body and "html" in seen.headers["content-type"]
    ),
    "wrong-type": lambda good, seen: same(good, seen) and seen.headers["content-type"] == "text/html",
    "empty": lambda good, seen: (seen.status, seen.body, seen.ending) == (200, b"", "whole"),
    "empty-text": lambda good, seen: seen.text() == "" and seen.finish() == good.finish(),
    "refusal": is_refusal,
    "refusal-words": lambda good, seen: (
        seen.text().startswith("I'm sorry") and seen.finish() == good.finish()
    ),
    "inability": lambda good, seen: "don't have access" in seen.text() and seen.finish() == good.finish(),
    "deflection": lambda good, seen: "something else" in seen.text() and seen.finish() == good.finish(),
    "half-sentence": lambda good, seen: (
        seen.text().endswith("because the") and seen.finish() == good.finish()
    ),
    "open-fence": lambda good, seen: seen.text().count("```") == 1 and seen.finish() == good.finish(),
    "lost-field": same,  # without JSON; with it, see below
    "lost-prompt": prompt_lost,
    "filtered": shortened("content_filter", "refusal", "SAFETY", "guardrail_intervened"),
    "other-model": lambda good, seen: seen.model() == "understudy-mini" and seen.text() == good.text(),
    "swap": lambda good, seen: seen.model() == good.model() and seen.text() != good.text(),
    "style": lambda good, seen: (
        len(seen.text().split(" ")) == len(good.text().split(" ")) and seen.text() != good.text()
    ),
    "other-fingerprint": other_fingerprint,
    "no-fingerprint": lambda good, seen: (
        b"system_fingerprint" not in seen.body and seen.text() == good.text()
    ),
    "truncated": shortened("stop", "end_turn", "completed", "STOP"),
    "length": shortened("length", "max_tokens", "max_output_tokens", "MAX_TOKENS"),
    "wrong-usage": usage_tripled,
    "no-usage": lambda good, seen: seen.usage() is None and seen.text() == good.text(),
    "cached": half_cached,
    "breakdown": shortened(
        "error", "model_context_window_exceeded", "failed", "OTHER", "malformed_model_output"
    ),
    "loop": lambda good, seen: len(set(seen.text().split())) == 1 and len(seen.text().split()) == 20,
    "broken-arguments": same,  # without tools; with them, see below
    "error-event": error_inside,
    "no-end": lambda good, seen: gone(seen, good, 1) and seen.text() == good.text(),
    "double-end": lambda good, seen: gone(seen, good, -1) and seen.text() == good.text(),
    "crlf": lambda good, seen: (
        seen.body == good.body or seen.body == good.body.replace(b"\n", b"\r\n") != good.body
    ),
    "comments": lambda good, seen: (
        (b": keep-alive" in seen.body or b"keepAlive" in seen.body) == seen.streamed()
        and seen.text() == good.text()
    ),
    "big-headers": lambda good, seen: same(good, seen) and len(seen.headers["x-sparring-padding"]) == 200_000,
    "length-long": lambda good, seen: (seen.body, seen.ending) == (good.body, "closed"),
    "length-short": lambda good, seen: good.body == seen.body + seen.trailing and len(seen.trailing) == 10,
    "bytewise": lambda good, seen: same(good, seen) and seen.reads > 20,
    "gzip": zipped,
    "until-close": lambda good, seen: (
        same(good, seen) and not {"content-length", "transfer-encoding"} & set(seen.headers)
    ),
    "ratelimit-headers=60/58/6m0s": limits_told,
    "interim": lambda good, seen: same(good, seen) and seen.statuses == [103],
}
GOOD: dict[tuple[str, bool], Seen] = {}  # a partner in good health says the same each time
HANGING_S = {"silent": {"first_s": 0.08}, "stall": {"patience_s": 0.3}}  # nothing comes, so nothing will


def test_every_fault_has_a_promise() -> None:
    assert {written.partition("=")[0] for written in PROMISES} == {fault.name for fault in FAULTS}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", PROMISES)
async def test_a_fault_shows_what_it_promises(
    partner: Sparring, fault: str, stream: bool, dialect: str
) -> None:
    if (dialect, stream) not in GOOD:
        GOOD[dialect, stream] = await words(partner.port, dialect, stream=stream)
    good, limits = GOOD[dialect, stream], HANGING_S.get(fault, {})
    seen = await words(partner.port, dialect, fault, stream=stream, **limits)

    assert PROMISES[fault](good, seen), seen


TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.mark.parametrize("fault", ["ok", "broken-arguments"])
async def test_arguments_of_a_tool_call_break_when_asked_to(partner: Sparring, fault: str) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": TOOL}}]

    seen = await words(partner.port, "chat", fault, tools=tools)

    arguments = seen.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert arguments.endswith("}") is (fault == "ok")


async def test_a_field_is_lost_of_arguments_and_of_json(partner: Sparring) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": TOOL}}]
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": TOOL}}

    called = await words(partner.port, "chat", "lost-field", tools=tools)
    written = await words(partner.port, "chat", "lost-field", response_format=form)

    call = called.json()["choices"][0]["message"]["tool_calls"][0]
    assert (call["function"]["arguments"], written.text()) == ("{}", "{}")


async def test_arguments_break_in_a_messages_stream_too(partner: Sparring) -> None:
    tools = [{"name": "weather", "input_schema": TOOL}]

    seen = await words(partner.port, "messages", "broken-arguments", stream=True, tools=tools)

    pieces = [
        event["delta"]["partial_json"] for event in seen.parsed() if "partial_json" in event.get("delta", {})
    ]
    assert "".join(pieces).startswith('{"city":"') and not pieces[-1].endswith("}")


async def test_faults_combine_in_the_order_they_are_written(partner: Sparring) -> None:
    good = await words(partner.port, "chat", "refusal", stream=True)

    seen = await words(partner.port, "chat", "slow-first-byte=30ms+refusal+cut=0.2", stream=True)

    assert seen.first_byte_s >= 0.025
    assert good.body.startswith(seen.body) and seen.ending == "closed"


@pytest.mark.parametrize(
    ("model", "base", "fault"),
    [
        ("gpt-5", "gpt-5", None),
        ("cut", "ok", "cut"),
        ("stall=0.3+gzip", "ok", "stall=0.3+gzip"),
        ("gpt-5+cut=0.3", "gpt-5", "cut=0.3"),
        ("x+slow-first-byte=2.5s+refusal", "x", "slow-first-byte=2.5s+refusal"),
        ("", "", None),
    ],
)
def test_a_model_name_carries_its_faults_after_a_plus(model: str, base: str, fault: str | None) -> None:
    assert in_model(model) == (base, fault)


@pytest.mark.parametrize(
    ("written", "number"),
    [("cut", 0.5), ("cut=0.25", 0.25), ("slow-drip=2s", 2.0), ("slow-drip=250ms", 0.25)],
)
def test_a_parameter_is_a_number_in_its_unit(written: str, number: float) -> None:
    (one,) = chosen(written)

    assert one.amount.number == number


@pytest.mark.parametrize("written", ["", "cutt", "cut=half", "slow-drip=-1s", "cut=nan", "ok+nope"])
def test_a_fault_that_cannot_be_read_is_an_error(written: str) -> None:
    with pytest.raises(UnknownFault):
        chosen(written)


async def test_a_misspelt_fault_is_answered_with_the_name(partner: Sparring) -> None:
    seen = await words(partner.port, "chat", "cutt")

    assert seen.status == 400
    assert seen.json()["error"]["code"] == "unknown_fault"
    assert "'cutt'" in seen.json()["error"]["message"]


def test_every_fault_has_a_sentence() -> None:
    assert all(fault.sentence[0].isupper() and "." in fault.sentence for fault in FAULTS)
