"""What answers in the responses dialect say about themselves, whole and in a stream."""

import json
from typing import Any

import pytest

from freehold.dialects.glance import NotAnAnswer, StreamGlance, glance
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Finish, Served, Usage

RESPONSES = Dialect.RESPONSES
Body = dict[str, Any]

USAGE = {
    "input_tokens": 19,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 6},
    "total_tokens": 29,
}
COUNT = Usage(19, 10, 4, None, 6)
SAID = {"type": "message", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}
REFUSED = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


def answer_of(*output: object, **more: Any) -> Body:
    return {
        "id": "resp_1",
        "object": "response",
        "model": "gpt-5.4",
        "status": "completed",
        "error": None,
        "output": output,
        "usage": USAGE,
    } | more


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n".encode()


def said(words: str) -> bytes:
    return event("response.output_text.delta", item_id="msg_1", output_index=0, delta=words, logprobs=[])


CREATED = event("response.created", response=answer_of(status="in_progress", usage=None))
LENGTH = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}


@pytest.mark.parametrize(
    ("answer", "served"),
    [
        (answer_of(SAID), Served("gpt-5.4", None, Finish.STOP, "completed", False, COUNT)),
        (answer_of(SAID, CALL), Served("gpt-5.4", None, Finish.TOOL_CALLS, "completed", False, COUNT)),
        (answer_of(REFUSED), Served("gpt-5.4", None, Finish.STOP, "completed", True, COUNT)),
        (
            answer_of(SAID, **LENGTH),
            Served("gpt-5.4", None, Finish.LENGTH, "max_output_tokens", False, COUNT),
        ),
        (
            answer_of(status="incomplete", incomplete_details={"reason": "content_filter"}, usage=None),
            Served("gpt-5.4", None, Finish.FILTERED, "content_filter"),
        ),
        (answer_of(SAID, usage={"input_tokens": "many"}), Served("gpt-5.4", None, Finish.STOP, "completed")),
        (
            answer_of({"type": "something_new", "content": "of any shape"}),
            Served("gpt-5.4", None, Finish.STOP, "completed", False, COUNT),
        ),
        (answer_of(status="queued", usage=None), Served("gpt-5.4")),
        (answer_of(status="cancelled", usage=None), Served("gpt-5.4", None, Finish.OTHER, "cancelled")),
    ],
)
def test_a_whole_answer(answer: Body, served: Served) -> None:
    assert glance(RESPONSES, json.dumps(answer).encode()) == served


@pytest.mark.parametrize(
    "answer",
    [
        answer_of(status="failed"),
        answer_of(error={"code": "server_error", "message": "no"}),
        {"id": "resp_1", "status": "completed"},
    ],
)
def test_what_is_no_answer(answer: Body) -> None:
    with pytest.raises(NotAnAnswer):
        glance(RESPONSES, json.dumps(answer).encode())


@pytest.mark.parametrize("pieces", [1, 3_000])
@pytest.mark.parametrize("together", [False, True])
def test_a_stream_of_any_length(pieces: int, together: bool) -> None:
    last = event("response.incomplete", response=answer_of(SAID | {"id": "x" * 100_000}, **LENGTH))
    stream = [CREATED, *[said("Hello")] * pieces, last]
    seen = StreamGlance(RESPONSES)

    for events in [b"".join(stream)] if together else stream:
        seen.feed(events)

    assert (seen.ended, seen.failed, seen.trailing) == (True, False, False)
    assert seen.served() == Served("gpt-5.4", None, Finish.LENGTH, "max_output_tokens", False, COUNT)


def test_the_first_event_tells_who_answers() -> None:
    seen = StreamGlance(RESPONSES)
    assert seen.begun() == Served()
    seen.feed(CREATED)
    assert seen.begun() == Served("gpt-5.4")


def test_a_stream_that_broke_off_has_no_finish() -> None:
    seen = StreamGlance(RESPONSES)
    for events in (CREATED, said("Hi")):
        seen.feed(events)

    assert (seen.ended, seen.served()) == (False, Served("gpt-5.4"))


def test_a_refusal_is_remembered_wherever_it_stood() -> None:
    refusal = event("response.refusal.delta", delta="I cannot")
    seen = StreamGlance(RESPONSES)
    for events in [CREATED, refusal, *[said("a")] * 500]:
        seen.feed(events)
    assert seen.served() == Served("gpt-5.4", refused=True)

    seen.feed(event("response.completed", response=answer_of(SAID)))
    assert seen.served().refused


@pytest.mark.parametrize(
    ("events", "ended"),
    [
        (event("error", code="server_error", message="no"), False),
        (b'data: {"type": "error", "message": "no"}\n\n', False),
        (b'data: {"error": {"message": "overloaded"}}\n\n', False),
        (event("response.failed", response=answer_of(status="failed", error={"code": "x"})), True),
    ],
)
def test_an_error_is_seen(events: bytes, ended: bool) -> None:
    seen = StreamGlance(RESPONSES)
    seen.feed(events)

    assert (seen.failed, seen.ended) == (True, ended)


@pytest.mark.parametrize(
    "events",
    [
        said("an error"),
        said('{"error": {"message": 1}}'),
        said('event: error\ndata: {"type": "error"}'),
        said('data: {"type": "response.completed"}'),
        said('{"type": "response.refusal.delta"}'),
        event("response.web_search_call.completed", item_id="response.completed"),
        b"data: error response.completed\n\ndata: \xff\n\ndata: [1]\n\n",
        b'data: {"type":"response.completed","x":%b}\n\n' % (b"[" * 100_000 + b"]" * 100_000),
    ],
)
def test_an_answer_may_talk_about_marks(events: bytes) -> None:
    seen = StreamGlance(RESPONSES)
    seen.feed(events)

    assert (seen.failed, seen.ended, seen.served()) == (False, False, Served())
