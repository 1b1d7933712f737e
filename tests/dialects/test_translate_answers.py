"""Answers and errors across dialects, as the official SDKs read them."""

import json
from typing import Any

import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion

from freehold.dialects.chat.writing import REFUSED
from freehold.dialects.errors import ProviderError, translate_error
from freehold.dialects.glance import NotAnAnswer, glance
from freehold.dialects.translate import LANGUAGES, StreamTranslator, translate_answer
from freehold.vocabulary.conversation import Answer, Part, Refusal, Text, Thinking, Token, ToolCall
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Finish, Usage

CHAT, MESSAGES = Dialect.CHAT, Dialect.MESSAGES
Body = dict[str, Any]


def chat_answer(message: Body, finish: str = "stop", **more: Any) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None} | message,
        "finish_reason": finish,
    }
    whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt", "choices": [choice]}
    return json.dumps(whole | more).encode()


def messages_answer(content: list[Body], stop: str = "end_turn", **more: Any) -> bytes:
    usage = {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 100}
    whole = {"id": "m1", "type": "message", "role": "assistant", "model": "claude", "usage": usage}
    return json.dumps(whole | {"content": content, "stop_reason": stop} | more).encode()


def to_messages(body: bytes) -> Message:
    return Message.model_validate_json(translate_answer(body, CHAT, MESSAGES).body, strict=True)


def to_chat(body: bytes) -> ChatCompletion:
    return ChatCompletion.model_validate_json(translate_answer(body, MESSAGES, CHAT).body, strict=True)


CALLS = [
    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1.5}'}},
    {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
]
USES = [
    {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1.5}},
    {"type": "tool_use", "id": "b", "name": "g", "input": {}},
]


def test_text_tools_and_usage_become_a_message() -> None:
    usage = {
        "prompt_tokens": 110,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    body = chat_answer({"content": "Hm.", "tool_calls": CALLS}, "tool_calls", usage=usage)
    message = to_messages(body)

    assert (message.id, message.model, message.stop_reason) == ("c1", "gpt", "tool_use")
    assert [block.model_dump(exclude_none=True) for block in message.content] == [
        {"type": "text", "text": "Hm."},
        *USES,
    ]
    assert message.usage.model_dump(exclude_none=True) == {
        "input_tokens": 6,
        "output_tokens": 7,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 4,
        "output_tokens_details": {"thinking_tokens": 3},
    }


def test_text_tools_and_usage_become_a_completion() -> None:
    answer = to_chat(messages_answer([{"type": "text", "text": "Hm."}, *USES], "tool_use"))
    choice = answer.choices[0]

    assert (answer.id, answer.model, choice.finish_reason) == ("m1", "claude", "tool_calls")
    assert choice.message.content == "Hm."
    assert choice.message.refusal is None
    assert [call.model_dump() for call in choice.message.tool_calls or ()] == CALLS
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (
        105,
        7,
        112,
    )
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 100


@pytest.mark.parametrize(
    ("chat", "stop", "back"),
    [
        ("stop", "end_turn", "stop"),
        ("length", "max_tokens", "length"),
        ("tool_calls", "tool_use", "tool_calls"),
        ("content_filter", "refusal", "stop"),
    ],
)
def test_reasons_to_stop(chat: str, stop: str, back: str) -> None:
    there = translate_answer(chat_answer({"content": "x"}, chat), CHAT, MESSAGES).body

    assert json.loads(there)["stop_reason"] == stop
    assert to_chat(there).choices[0].finish_reason == back


@pytest.mark.parametrize(
    ("stop", "chat"),
    [("stop_sequence", "stop"), ("model_context_window_exceeded", "length"), ("pause_turn", "stop")],
)
def test_reasons_to_stop_that_only_messages_have(stop: str, chat: str) -> None:
    assert to_chat(messages_answer([], stop)).choices[0].finish_reason == chat


def test_a_reason_that_nobody_knows_is_passed_on() -> None:
    chat = json.loads(translate_answer(messages_answer([], "sunspots"), MESSAGES, CHAT).body)
    message = json.loads(translate_answer(chat_answer({}, "error"), CHAT, MESSAGES).body)

    assert chat["choices"][0]["finish_reason"] == "sunspots"
    assert message["stop_reason"] == "error"


def test_a_refusal_stays_a_refusal() -> None:
    there = translate_answer(chat_answer({"refusal": "I will not."}), CHAT, MESSAGES).body
    message = Message.model_validate_json(there, strict=True)
    back = to_chat(there).choices[0]

    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.stop_details.explanation == "I will not."
    assert glance(MESSAGES, there).refused
    assert (back.message.content, back.message.refusal, back.finish_reason) == (None, "I will not.", "stop")


def test_a_refusal_without_words_is_still_marked() -> None:
    there = translate_answer(
        messages_answer([{"type": "text", "text": "Well"}], "refusal"), MESSAGES, CHAT
    ).body

    assert glance(CHAT, there).refused
    assert ChatCompletion.model_validate_json(there).choices[0].message.refusal == REFUSED
    assert ChatCompletion.model_validate_json(there).choices[0].message.content == "Well"


def test_thoughts_keep_their_signatures() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
    ]
    there = translate_answer(messages_answer([*blocks, {"type": "text", "text": "Hi"}]), MESSAGES, CHAT).body
    said = json.loads(there)["choices"][0]["message"]
    back = to_messages(there)

    assert said["reasoning_content"] == "hm"
    assert said["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": "freehold.messages.sig"},
        {"type": "redacted_thinking", "data": "freehold.messages.xyz"},
    ]
    assert [block.model_dump() for block in back.content][:2] == blocks


THOUGHT = Thinking("", "sig", origin=Dialect.GEMINI)
CALL_A, CALL_B = ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")


@pytest.mark.parametrize(
    "parts",
    [
        (Thinking("hm"), THOUGHT, CALL_A, CALL_B),
        (THOUGHT, CALL_A, THOUGHT, CALL_B),
        (CALL_A, Thinking(redacted="xyz", origin=Dialect.RESPONSES), CALL_B),
        (Text("Hi"), THOUGHT, CALL_A),
        (THOUGHT, Text("Hi"), CALL_A),
    ],
)
@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_thoughts_come_back_from_an_application_where_they_were(
    dialect: Dialect, parts: tuple[Part, ...]
) -> None:
    whole = json.loads(LANGUAGES[dialect].write_answer(Answer("1", "m", parts, Finish.STOP), b""))
    message = whole["choices"][0]["message"] if dialect is CHAT else whole
    turn = {key: message[key] for key in message if key not in ("id", "type", "usage")}
    request = {"model": "m", "max_tokens": 1, "messages": [turn]}

    read = LANGUAGES[dialect].read_request(json.dumps(request).encode()).messages[0]
    assert tuple(part for part in read.parts if part != Text("")) == parts


def test_a_signature_that_stands_alone_at_the_end_is_not_what_was_said() -> None:
    """Coding agents take a message's last block for its result."""
    parts = [{"text": "Hi"}, {"text": "", "thoughtSignature": "c2ln"}]
    answer = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    body = json.dumps(answer).encode()

    there = translate_answer(body, Dialect.GEMINI, MESSAGES)
    stream = StreamTranslator(Dialect.GEMINI, MESSAGES, include_usage=True)
    events = stream.feed(b"data: %b\n\n" % body) + stream.finish()

    assert json.loads(there.body)["content"] == [{"type": "text", "text": "Hi"}]
    assert "answer.parts.signature" in there.lost
    assert b"signature_delta" not in events
    assert "answer.parts.signature" in stream.lost


LIKELY = {"token": "H", "logprob": -0.5, "bytes": [72]}


def test_probabilities_tier_and_time_are_read_and_written() -> None:
    body = json.loads(chat_answer({"content": "H"}, service_tier="priority"))
    top = [{"token": "J", "logprob": -2.0, "bytes": None}]
    body["choices"][0]["logprobs"] = {"content": [LIKELY | {"top_logprobs": top}], "refusal": None}
    answer = LANGUAGES[CHAT].read_answer(json.dumps(body).encode())

    assert answer.logprobs == (Token("H", -0.5, (Token("J", -2.0),)),)
    assert (answer.created, answer.service_tier, answer.lost) == (1, "priority", ())
    written = ChatCompletion.model_validate_json(LANGUAGES[CHAT].write_answer(answer, b""), strict=True)
    said = written.choices[0].logprobs
    assert said is not None
    assert said.content is not None
    assert said.content[0].model_dump() == LIKELY | {"bytes": None, "top_logprobs": top}
    assert (written.created, written.service_tier) == (1, "priority")


@pytest.mark.parametrize(
    ("messages", "chat"), [("standard", "default"), ("priority", "priority"), ("batch", "batch")]
)
def test_the_tier_that_served_crosses_both_ways(messages: str, chat: str) -> None:
    there = translate_answer(
        messages_answer([], usage={"input_tokens": 1, "output_tokens": 1, "service_tier": messages}),
        MESSAGES,
        CHAT,
    ).body

    assert json.loads(there)["service_tier"] == chat
    assert to_messages(there).usage.service_tier == messages


def test_the_category_of_a_refusal_is_kept() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "No."}
    answer = LANGUAGES[MESSAGES].read_answer(messages_answer([], "refusal", stop_details=details))

    assert (answer.category, answer.parts) == ("bio", (Refusal("No."),))
    assert json.loads(LANGUAGES[MESSAGES].write_answer(answer, b""))["stop_details"] == details


def test_a_call_from_before_there_were_tools_is_a_call() -> None:
    call = {"function_call": {"name": "f", "arguments": '{"x":1}'}}
    message = to_messages(chat_answer(call, "function_call"))

    assert message.stop_reason == "tool_use"
    assert [block.model_dump(exclude_none=True) for block in message.content] == [
        {"type": "tool_use", "id": "call_0", "name": "f", "input": {"x": 1}}
    ]


def test_what_chat_answers_lose_is_named() -> None:
    body = json.loads(chat_answer({"content": "x", "annotations": [{}], "audio": {"id": "a"}}))
    body["choices"][0]["logprobs"] = {"content": None, "refusal": [LIKELY]}
    body["choices"] *= 2
    body["search_results"] = [{}]

    assert set(translate_answer(json.dumps(body).encode(), CHAT, MESSAGES).lost) == {
        "answer.annotations",
        "answer.audio",
        "answer.choices",
        "answer.logprobs.refusal",
        "answer.search_results",
    }
    plain = chat_answer({"content": "x", "annotations": [], "audio": None})
    assert translate_answer(plain, CHAT, MESSAGES).lost == ()


@pytest.mark.parametrize(("citations", "lost"), [([{}], ("answer.citations",)), ([], ()), (None, ())])
def test_what_messages_answers_lose_is_named(citations: object, lost: tuple[str, ...]) -> None:
    block = {"type": "text", "text": "x", "citations": citations}

    assert translate_answer(messages_answer([block]), MESSAGES, CHAT).lost == lost


def test_broken_arguments_are_kept() -> None:
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":'}}]

    block = json.loads(translate_answer(chat_answer({"tool_calls": calls}), CHAT, MESSAGES).body)["content"][
        0
    ]
    assert block["input"] == {"invalid_json": '{"x":'}


def test_usage_survives_there_and_back() -> None:
    usage = {
        "prompt_tokens": 110,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    there = translate_answer(chat_answer({"content": "x"}, usage=usage), CHAT, MESSAGES).body
    back = translate_answer(there, MESSAGES, CHAT).body

    assert glance(MESSAGES, there).usage == glance(CHAT, back).usage == Usage(110, 7, 100, 4, 3)


@pytest.mark.parametrize("source", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"error":{"message":"no"}}',
        b'{"choices":[{}],"content":null}',
        b'{"choices":[{"message":{"content":5}}],"content":[5]}',
        b'{"choices":[{"message":{}}],"content":[],"usage":{"prompt_tokens":"x","input_tokens":"x"}}',
    ],
)
def test_what_is_no_answer(source: Dialect, body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        translate_answer(body, source, MESSAGES if source is CHAT else CHAT)


def test_a_providers_error_keeps_its_message() -> None:
    theirs = ProviderError("invalid_request_error", "too_large", "max_tokens is too large")

    assert json.loads(translate_error(400, theirs, MESSAGES)) == {
        "type": "error",
        "error": {"message": "max_tokens is too large", "type": "invalid_request_error"},
    }
    assert json.loads(translate_error(404, theirs, CHAT)) == {
        "error": {
            "message": "max_tokens is too large",
            "type": "not_found_error",
            "param": None,
            "code": "too_large",
        }
    }
    assert (
        json.loads(translate_error(422, ProviderError(), CHAT))["error"]["message"]
        == "the provider answered with status 422"
    )
