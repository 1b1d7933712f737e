"""An answer that broke off, gone on with by another provider."""

import json
from itertools import product
from typing import Any

import pytest

from freehold.dialects.continuation import INSTRUCTION, Continuable
from freehold.dialects.translate import LANGUAGES
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.events import (
    ArgumentsPiece,
    Counted,
    Event,
    Finished,
    RefusalPiece,
    Started,
    TextPiece,
    ThinkingPiece,
    ToolCallStarted,
)
from freehold.vocabulary.exchange import Finish, Usage

SPOKEN = [dialect for dialect in LANGUAGES if dialect is not Dialect.CONVERSE]
ASKED: dict[Dialect, dict[str, Any]] = {
    Dialect.CHAT: {"model": "m", "messages": [{"role": "user", "content": "Tell me."}], "stream": True},
    Dialect.RESPONSES: {"model": "m", "input": "Tell me.", "stream": True},
    Dialect.MESSAGES: {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Tell me."}],
        "stream": True,
    },
    Dialect.GEMINI: {"contents": [{"role": "user", "parts": [{"text": "Tell me."}]}]},
}
BROKEN = (Started("one", "m1"), TextPiece("Once upon "), TextPiece("a ti"), Counted(Usage(10, 4)))
REST = (Started("two", "m2"), TextPiece("me."), Counted(Usage(20, 3)), Finished(Finish.STOP))


def said(dialect: Dialect, events: tuple[Event, ...], *, ended: bool) -> bytes:
    """A provider's stream."""
    writer = LANGUAGES[dialect].writer(True, asked(dialect))
    written = b"".join(writer.write(event) for event in events)
    return written + writer.end() if ended else written


def asked(dialect: Dialect) -> bytes:
    return json.dumps(ASKED[dialect]).encode()


def understood(dialect: Dialect, stream: bytes) -> list[Event]:
    return list(LANGUAGES[dialect].reader().read(stream))


@pytest.mark.parametrize(("caller", "first", "second"), list(product(SPOKEN, repeat=3)))
def test_the_caller_sees_one_answer(caller: Dialect, first: Dialect, second: Dialect) -> None:
    stream = Continuable(first, caller, include_usage=True, asked=asked(caller))
    told = stream.feed(said(first, BROKEN, ended=False))
    assert stream.may_continue
    stream.resume(second)
    told += stream.feed(said(second, REST, ended=True)) + stream.finish()

    events = understood(caller, told)
    assert "".join(event.text for event in events if isinstance(event, TextPiece)) == "Once upon a time."
    assert [event.id for event in events if isinstance(event, Started)] == ["one"]
    assert [event.finish for event in events if isinstance(event, Finished)] == [Finish.STOP]
    counted = [event.usage for event in events if isinstance(event, Counted)][-1]
    assert counted.output_tokens in (3, 7)  # the first counted before it broke off, or counts only at the end
    assert not stream.may_continue


@pytest.mark.parametrize("dialect", SPOKEN)
def test_within_one_dialect_the_bytes_pass_through(dialect: Dialect) -> None:
    stream = Continuable(dialect, dialect, include_usage=True, asked=asked(dialect))
    broken = said(dialect, BROKEN, ended=False)

    assert stream.feed(broken) == broken
    assert stream.finish() == b""


def test_what_passes_through_is_not_lost() -> None:
    cited = b'data: {"choices":[{"delta":{"content":"a","annotations":[{}]}}]}\n\n'
    stream = Continuable(Dialect.CHAT, Dialect.CHAT, include_usage=True, asked=asked(Dialect.CHAT))

    assert (stream.feed(cited), stream.lost) == (cited, ())
    stream.resume(Dialect.CHAT)
    stream.feed(cited)
    assert stream.lost == ("answer.annotations",)


@pytest.mark.parametrize(("caller", "spoken"), list(product(SPOKEN, repeat=2)))
def test_the_next_provider_is_told_what_was_said(caller: Dialect, spoken: Dialect) -> None:
    stream = Continuable(caller, caller, include_usage=True, asked=asked(caller))
    stream.feed(said(caller, BROKEN, ended=False))

    instructed = LANGUAGES[spoken].read_request(stream.request(spoken, "m2", prefill=False).body)
    prefilled = LANGUAGES[spoken].read_request(stream.request(spoken, "m2", prefill=True).body)

    assert [
        message.parts[0].text for message in instructed.messages if hasattr(message.parts[0], "text")
    ] == ["Tell me.", "Once upon a ti", INSTRUCTION]
    assert instructed.messages[:2] == prefilled.messages


def test_an_answer_that_said_nothing_yet_is_asked_for_anew() -> None:
    stream = Continuable(Dialect.CHAT, Dialect.CHAT, include_usage=True, asked=asked(Dialect.CHAT))
    stream.feed(said(Dialect.CHAT, (Started("one", "m1"), ThinkingPiece("Hm.")), ended=False))

    assert stream.may_continue
    messages = json.loads(stream.request(Dialect.CHAT, "m2", prefill=False).body)["messages"]
    assert messages == ASKED[Dialect.CHAT]["messages"]


@pytest.mark.parametrize(
    "event",
    [ToolCallStarted(0, "c", "look"), RefusalPiece("I will not."), Finished(Finish.LENGTH)],
    ids=["tool call", "refusal", "finish"],
)
def test_what_is_not_gone_on_with(event: Event) -> None:
    stream = Continuable(Dialect.CHAT, Dialect.CHAT, include_usage=True, asked=asked(Dialect.CHAT))
    more = (ArgumentsPiece(0, '{"a"'),) if isinstance(event, ToolCallStarted) else ()
    stream.feed(said(Dialect.CHAT, (*BROKEN, event, *more), ended=False))

    assert not stream.may_continue


def test_events_that_nobody_can_read_pass_through_and_end_the_hope() -> None:
    stream = Continuable(Dialect.CHAT, Dialect.CHAT, include_usage=True, asked=asked(Dialect.CHAT))
    strange = b'data: {"choices": 5}\n\n'

    assert stream.feed(strange) == strange
    assert not stream.may_continue


@pytest.mark.parametrize(
    "wish",
    [{"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, {"n": 2}],
    ids=["json", "what the words of the middle cannot say"],
)
def test_some_requests_answers_are_not_gone_on_with(wish: dict[str, Any]) -> None:
    body = json.dumps(ASKED[Dialect.CHAT] | wish).encode()
    stream = Continuable(Dialect.CHAT, Dialect.CHAT, include_usage=True, asked=body)
    stream.feed(said(Dialect.CHAT, BROKEN, ended=False))

    assert not stream.may_continue


def test_an_unfinished_turn_is_handed_over_without_its_last_white_space() -> None:
    stream = Continuable(Dialect.CHAT, Dialect.CHAT, include_usage=True, asked=asked(Dialect.CHAT))
    told = stream.feed(said(Dialect.CHAT, (Started("one", "m1"), TextPiece("Once upon ")), ended=False))

    handed = json.loads(stream.request(Dialect.CHAT, "m2", prefill=True).body)["messages"][-1]["content"]
    told += stream.resume(Dialect.CHAT)
    rest = (Started("two", "m2"), TextPiece(" a time."), Finished(Finish.STOP))
    told += stream.feed(said(Dialect.CHAT, rest, ended=True)) + stream.finish()

    assert handed == "Once upon"
    words = (event.text for event in understood(Dialect.CHAT, told) if isinstance(event, TextPiece))
    assert "".join(words) == "Once upon a time."
