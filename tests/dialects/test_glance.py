"""What an answer says about itself, whole and in a stream."""

import pytest

from freehold.dialects.glance import HEAD_BYTES, TAIL_BYTES, NotAnAnswer, StreamGlance, glance
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Finish, Served, Usage

CHAT, MESSAGES, EMBEDDINGS = Dialect.CHAT, Dialect.MESSAGES, Dialect.EMBEDDINGS

CHAT_ANSWER = b"""{"id": "chatcmpl-1", "object": "chat.completion", "created": 1741569952, "model": "gpt-5.4",
 "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!", "refusal": null,
 "annotations": []}, "logprobs": null, "finish_reason": "stop"}], "usage": {"prompt_tokens": 19,
 "completion_tokens": 10, "total_tokens": 29, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
 "completion_tokens_details": {"reasoning_tokens": 6, "audio_tokens": 0}}, "system_fingerprint": "fp_1"}"""
MESSAGES_ANSWER = b"""{"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
 "content": [{"type": "text", "text": "Hi!"}], "stop_reason": "end_turn", "stop_sequence": null,
 "usage": {"input_tokens": 12, "output_tokens": 6, "cache_read_input_tokens": 100,
 "cache_creation_input_tokens": 8, "output_tokens_details": {"thinking_tokens": 2}}}"""


@pytest.mark.parametrize(
    ("dialect", "body", "served"),
    [
        (CHAT, CHAT_ANSWER, Served("gpt-5.4", "fp_1", Finish.STOP, "stop", False, Usage(19, 10, 4, None, 6))),
        (
            MESSAGES,
            MESSAGES_ANSWER,
            Served("claude-sonnet-5", None, Finish.STOP, "end_turn", False, Usage(120, 6, 100, 8, 2)),
        ),
        (
            CHAT,
            b'{"choices":[{"message":{"refusal":"No."},"finish_reason":"stop"}],"error":null,"usage":null}',
            Served(finish=Finish.STOP, finish_word="stop", refused=True),
        ),
        (
            CHAT,
            b'{"choices":[{"finish_reason":"content_filter"}]}',
            Served(finish=Finish.FILTERED, finish_word="content_filter"),
        ),
        (CHAT, b'{"choices":[{"finish_reason":"eos"}]}', Served(finish=Finish.OTHER, finish_word="eos")),
        (CHAT, b'{"choices":[{}],"usage":{"prompt_tokens":"many"}}', Served()),
        (
            CHAT,
            b'{"choices":[{}],"usage":{"prompt_tokens":3,"prompt_cache_hit_tokens":2}}',
            Served(usage=Usage(3, None, 2)),
        ),
        (
            MESSAGES,
            b'{"content":[],"stop_reason":"refusal"}',
            Served(finish=Finish.REFUSAL, finish_word="refusal", refused=True),
        ),
        (
            EMBEDDINGS,
            b'{"data":[{"embedding":[0.1]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}',
            Served("e", usage=Usage(8)),
        ),
        (
            Dialect.PREDICT,
            b'{"predictions":[{"label":"EI"}],"model":"splice","usage":{"prompt_tokens":60}}',
            Served("splice", finish=Finish.STOP, usage=Usage(60)),
        ),
        (
            Dialect.EMBED,
            b'{"embeddings":[[0.5,1]],"model":"coli","usage":{"prompt_tokens":60}}',
            Served("coli", finish=Finish.STOP, usage=Usage(60)),
        ),
    ],
)
def test_a_whole_answer(dialect: Dialect, body: bytes, served: Served) -> None:
    assert glance(dialect, body) == served


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"[]",
        b"{}",
        b'"ok"',
        b'{"error":{"message":"no"}}',
        b'{"type":"error","error":{"type":"api_error","message":"no"}}',
        b'{"choices":[],"data":[],"content":"x"}',
        b'{"choices":[{}],"content":5,"data":[],"error":{"message":"no"}}',
        CHAT_ANSWER[:-1],
        b'{"choices":5,"content":5,"data":5,"usage":5}',
        b'{"usage":5,"choices":5,"content":5,"data":5}',
        b'{"choices":[{"finish_reason":"\xff"}],"model":"\xff","content":[],"data":[1]}',
        b'{"x":' + b"[" * 200_000,
    ],
)
def test_what_is_no_answer(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        glance(dialect, body)


def chunk(more: str) -> bytes:
    return b'data: {"id":"c","object":"chat.completion.chunk","model":"gpt-5.4",%b}\n\n' % more.encode()


def said(text: str) -> bytes:
    return chunk(
        f'"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}],"usage":null'
    )


CHAT_END = (
    chunk('"choices":[{"index":0,"delta":{},"finish_reason":"length"}],"usage":null'),
    chunk('"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}'),
    b"data: [DONE]\n\n",
)
MESSAGES_START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"claude-sonnet-5",'
    b'"usage":{"input_tokens":25,"cache_read_input_tokens":10,"output_tokens":1}}}\n\n'
)
MESSAGES_PIECE = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"Hello"}}\n\n'
)
MESSAGES_END = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"tool_use"},'
    b'"usage":{"output_tokens":15}}\n\n',
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
)


@pytest.mark.parametrize("pieces", [1, 3_000])
@pytest.mark.parametrize("together", [False, True])
def test_a_chat_stream_of_any_length(pieces: int, together: bool) -> None:
    azure = b'data: {"choices":[],"model":"","id":"","prompt_filter_results":[]}\n\n'
    stream = [azure, *[said("Hello")] * pieces, *CHAT_END]
    seen = StreamGlance(CHAT)

    for events in [b"".join(stream)] if together else stream:
        seen.feed(events)

    assert (seen.ended, seen.failed) == (True, False)
    assert seen.served() == Served("gpt-5.4", None, Finish.LENGTH, "length", False, Usage(5, 7))


@pytest.mark.parametrize("pieces", [1, 3_000])
@pytest.mark.parametrize("together", [False, True])
def test_a_messages_stream_of_any_length(pieces: int, together: bool) -> None:
    stream = [MESSAGES_START, *[MESSAGES_PIECE] * pieces, *MESSAGES_END]
    seen = StreamGlance(MESSAGES)

    for events in [b"".join(stream)] if together else stream:
        seen.feed(events)

    assert (seen.ended, seen.failed) == (True, False)
    usage = Usage(35, 15, 10)
    assert seen.served() == Served("claude-sonnet-5", None, Finish.TOOL_CALLS, "tool_use", False, usage)


def test_a_chat_stream_without_its_last_mark_still_tells_why_it_stopped() -> None:
    seen = StreamGlance(CHAT)
    for events in (said("Hello"), CHAT_END[0]):
        seen.feed(events)

    assert not seen.ended
    assert seen.served().finish is Finish.LENGTH


def test_odd_counts_do_not_hide_why_a_stream_stopped() -> None:
    seen = StreamGlance(CHAT)
    seen.feed(
        chunk('"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":"x"}')
    )

    assert seen.served() == Served("gpt-5.4", None, Finish.STOP, "stop")


def test_a_stream_that_broke_off_has_no_finish() -> None:
    seen = StreamGlance(MESSAGES)
    for events in (MESSAGES_START, MESSAGES_PIECE):
        seen.feed(events)

    assert not seen.ended
    assert seen.served() == Served("claude-sonnet-5", usage=Usage(35, 1, 10))


@pytest.mark.parametrize(
    ("dialect", "events"),
    [
        (CHAT, b'data: {"error":{"message":"overloaded"}}\n\n'),
        (
            CHAT,
            b'data: {"id":"c","choices":[{"delta":{},"finish_reason":"error"}], "error" : {"code":502}}\n\n',
        ),
        (CHAT, b'event: error\ndata: {"message":"overloaded"}\n\n'),
        (CHAT, said("a") + b'data: {"error":"overloaded"}\n\n' + said("b")),
        (MESSAGES, b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'),
        (MESSAGES, b'data: {"type": "error", "error": {"type": "overloaded_error"}}\n\n'),
    ],
)
def test_an_error_event_is_seen(dialect: Dialect, events: bytes) -> None:
    seen = StreamGlance(dialect)
    seen.feed(events)

    assert seen.failed


@pytest.mark.parametrize(
    ("dialect", "events"),
    [
        (CHAT, said("an error")),
        (CHAT, said(r"{\"error\": {\"message\": 1}}")),
        (CHAT, said(r"data: [DONE]\n\n")),
        (CHAT, said(r"{\"refusal\":\"no\"}")),
        (CHAT, chunk('"choices":[{"delta":{"refusal":null,"content":""}}],"error":null')),
        (MESSAGES, MESSAGES_PIECE.replace(b"Hello", rb"event: error\ndata: {\"type\":\"error\"}")),
        (
            MESSAGES,
            MESSAGES_PIECE.replace(b"Hello", rb"event: message_stop\ndata: {\"type\":\"message_stop\"}"),
        ),
    ],
)
def test_an_answer_may_talk_about_marks(dialect: Dialect, events: bytes) -> None:
    seen = StreamGlance(dialect)
    seen.feed(events)

    assert (seen.failed, seen.ended, seen.served().refused) == (False, False, False)


def test_a_refusal_is_remembered_wherever_it_stood() -> None:
    refusal = chunk('"choices":[{"index":0,"delta":{"refusal":"I cannot"},"finish_reason":null}]')
    seen = StreamGlance(CHAT)
    for events in [*[said("a")] * 500, refusal, *[said("b")] * 500, *CHAT_END]:
        seen.feed(events)

    assert seen.served().refused


def test_what_is_kept_of_a_stream_is_bounded() -> None:
    seen = StreamGlance(CHAT)
    for _ in range(2_000):
        seen.feed(said("Hello"))

    kept = sum(map(len, seen._head)) + sum(map(len, seen._tail))
    assert kept < HEAD_BYTES + TAIL_BYTES + 2 * len(said("Hello"))


def test_garbage_in_a_stream_hurts_nobody() -> None:
    seen = StreamGlance(CHAT)
    seen.feed(b"data: error [DONE\n\ndata: \xff\n\n: error\n\ndata: [1]\n\n")

    assert (seen.ended, seen.failed, seen.served()) == (False, False, Served())


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("dialect", "events"),
    [
        (CHAT, b'data: {"error":null,"x":%b}\n\n' % DEEP),
        (MESSAGES, b'data: {"type":"message_stop","x":%b}\n\n' % DEEP),
    ],
)
def test_an_event_nested_without_end_only_has_nothing_to_say(dialect: Dialect, events: bytes) -> None:
    seen = StreamGlance(dialect)
    seen.feed(events)

    assert (seen.failed, seen.ended, seen.served()) == (False, False, Served())


def test_what_a_provider_says_of_itself_is_kept_in_part_when_it_is_endless() -> None:
    endless = b"x" * 100_000
    chat = b'{"model":"%b","system_fingerprint":"%b","choices":[{"finish_reason":"%b"}]}' % ((endless,) * 3)
    seen = StreamGlance(CHAT)
    seen.feed(b"data: %b\n\n" % chat)

    for served in (glance(CHAT, chat), seen.served()):
        said = (served.model, served.fingerprint, served.finish_word)
        assert [len(word or "") for word in said] == [512, 512, 512]


def test_a_count_beyond_measure_is_no_count() -> None:
    body = b'{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1%b}}' % (b"0" * 400)

    assert glance(CHAT, body) == Served(None, None, Finish.STOP, "stop")


def test_the_first_events_of_a_stream_tell_who_answers() -> None:
    chat = StreamGlance(Dialect.CHAT)
    chat.feed(b'data: {"model":"m-1","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n')
    assert chat.begun() == Served("m-1")
    messages = StreamGlance(Dialect.MESSAGES)
    messages.feed(b'event: ping\ndata: {"type":"ping"}\n\n')
    assert messages.begun() == Served()
    messages.feed(b'event: message_start\ndata: {"type":"message_start","message":{"model":"m-2"}}\n\n')
    assert messages.begun() == Served("m-2")
