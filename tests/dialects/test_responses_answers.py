"""Whole answers in the responses dialect."""

import json
from typing import Any

import pytest
from openai.types.responses import Response

from freehold.dialects.looks import NotAnAnswer
from freehold.dialects.responses.answers import write_answer
from freehold.dialects.responses.reading import read_answer
from freehold.dialects.responses.words import REFUSED
from freehold.dialects.translate import translate_answer
from freehold.vocabulary.conversation import Answer, Part, Refusal, Text, Thinking, Token, ToolCall
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Finish, Usage

Body = dict[str, Any]
RESPONSES, CHAT, MESSAGES = Dialect.RESPONSES, Dialect.CHAT, Dialect.MESSAGES

LOGPROBS = [
    {
        "token": "Hi",
        "bytes": [72, 105],
        "logprob": -0.5,
        "top_logprobs": [{"token": "Yo", "bytes": [89, 111], "logprob": -1.5}],
    }
]
TOKENS = (Token("Hi", -0.5, (Token("Yo", -1.5),)),)
USAGE = {
    "input_tokens": 19,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 6},
    "total_tokens": 29,
}


def text_of(text: str, **more: Any) -> Body:
    return {"type": "output_text", "text": text, "annotations": []} | more


def message_of(*content: Body, **more: Any) -> Body:
    return {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": content,
    } | more


THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}],
    "encrypted_content": "gAAA",
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "f",
    "arguments": '{"x":1}',
    "status": "completed",
}


def answer_of(*output: Body, **more: Any) -> bytes:
    said = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_741_476_777,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5.4",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "default",
        "usage": USAGE,
    }
    body = json.dumps(said | more).encode()
    Response.model_validate_json(body)
    return body


def write(*parts: Part, finish: Finish = Finish.STOP, asked: Body | None = None, **more: Any) -> Body:
    answer = Answer("resp_1", "m", parts, finish, **more)
    body = write_answer(answer, json.dumps(asked).encode() if asked else b"")
    Response.model_validate_json(body, strict=True)
    said: Body = json.loads(body)
    return said


def test_an_answer_is_read() -> None:
    body = answer_of(THOUGHT, message_of(text_of("Hi", logprobs=LOGPROBS)), CALL)

    assert read_answer(body) == Answer(
        "resp_1",
        "gpt-5.4",
        (
            Thinking("One.\n\nTwo.", "gAAA", origin=RESPONSES, id="rs_1"),
            Text("Hi"),
            ToolCall("c1", "f", '{"x":1}'),
        ),
        Finish.TOOL_CALLS,
        "completed",
        usage=Usage(19, 10, 4, 2, 6),
        created=1_741_476_777,
        logprobs=TOKENS,
        service_tier="default",
    )


def test_an_answer_is_written() -> None:
    thought = Thinking("hm", "sig", origin=MESSAGES)
    said = write(
        thought,
        Text("Hi"),
        ToolCall("c1", "f", '{"x":1}'),
        finish=Finish.TOOL_CALLS,
        created=7,
        usage=Usage(19, 10, 4, 2, 6),
        logprobs=TOKENS,
        service_tier="flex",
    )

    assert said["output"] == [
        {
            "type": "reasoning",
            "id": "rs_1_0",
            "status": "completed",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "freehold.messages.sig",
        },
        message_of(text_of("Hi", logprobs=LOGPROBS))
        | {"id": "msg_1_1", "content": [text_of("Hi", logprobs=LOGPROBS)]},
        CALL | {"id": "fc_1_2"},
    ]
    told = ("id", "object", "created_at", "status", "incomplete_details", "model", "usage", "service_tier")
    assert [said[name] for name in told] == ["resp_1", "response", 7, "completed", None, "m", USAGE, "flex"]


@pytest.mark.parametrize(
    ("output", "more", "finish", "word"),
    [
        ((message_of(text_of("Hi")),), {}, Finish.STOP, "completed"),
        ((message_of(text_of("Hi")), CALL), {}, Finish.TOOL_CALLS, "completed"),
        ((message_of({"type": "refusal", "refusal": "No."}),), {}, Finish.REFUSAL, "completed"),
        (
            (message_of(text_of("Hi"), status="incomplete"),),
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            Finish.LENGTH,
            "max_output_tokens",
        ),
        (
            (),
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            Finish.FILTERED,
            "content_filter",
        ),
        ((), {"status": "incomplete", "incomplete_details": {"reason": "steered"}}, Finish.OTHER, "steered"),
        ((), {"status": "incomplete"}, Finish.OTHER, "incomplete"),
        ((), {"status": None}, Finish.STOP, "completed"),
    ],
)
def test_why_an_answer_ended_is_read(output: tuple[Body, ...], more: Body, finish: Finish, word: str) -> None:
    answer = read_answer(answer_of(*output, **more))

    assert (answer.finish, answer.finish_word) == (finish, word)


@pytest.mark.parametrize(
    ("finish", "word", "status", "reason"),
    [
        (Finish.STOP, "end_turn", "completed", None),
        (Finish.TOOL_CALLS, None, "completed", None),
        (Finish.LENGTH, "length", "incomplete", "max_output_tokens"),
        (Finish.FILTERED, None, "incomplete", "content_filter"),
    ],
)
def test_why_an_answer_ended_is_written(
    finish: Finish, word: str | None, status: str, reason: str | None
) -> None:
    said = write(Text("Hi"), ToolCall("c", "f", "{}"), finish=finish, finish_word=word)

    assert said["status"] == status
    assert said["incomplete_details"] == (reason and {"reason": reason})
    assert [item["status"] for item in said["output"]] == ["completed", status]


@pytest.mark.parametrize(
    ("finish", "word", "reason"),
    [
        (Finish.OTHER, "eos", "eos"),
        (Finish.PAUSED, "pause_turn", "pause_turn"),
        (Finish.PAUSED, None, "paused"),
    ],
)
def test_an_end_that_responses_do_not_know_is_told_in_its_own_words(
    finish: Finish, word: str | None, reason: str
) -> None:
    said = json.loads(write_answer(Answer("r", "m", (Text("Hi"),), finish, word)))

    assert (said["status"], said["incomplete_details"]) == ("incomplete", {"reason": reason})


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ((Refusal("No."),), [{"type": "refusal", "refusal": "No."}]),
        ((), [{"type": "refusal", "refusal": REFUSED}]),
        (
            (Text("Well."), Refusal("No.")),
            [text_of("Well.", logprobs=[]), {"type": "refusal", "refusal": "No."}],
        ),
    ],
)
def test_a_refusal_is_a_part_of_its_own(parts: tuple[Part, ...], content: list[Body]) -> None:
    said = write(*parts, finish=Finish.REFUSAL)

    assert [item["content"] for item in said["output"]] == [content]


def test_a_thought_that_was_sealed_whole_comes_back_sealed() -> None:
    said = write(Thinking(redacted="xyz", origin=MESSAGES))

    assert said["output"][0]["summary"] == []
    assert said["output"][0]["encrypted_content"] == "freehold.messages.redacted.xyz"


def test_log_probabilities_stand_with_their_own_texts() -> None:
    tokens = tuple(Token(word, -1.0) for word in ("a", "b", "c"))
    said = write(Text("ab"), ToolCall("c", "f", "{}"), Text("c"), logprobs=tokens)

    told = [part["logprobs"] for item in said["output"] for part in item.get("content", ())]
    assert [[token["token"] for token in part] for part in told] == [["a", "b"], ["c"]]


def test_an_answer_repeats_what_was_asked() -> None:
    asked = {
        "model": "alias",
        "instructions": "Be brief.",
        "temperature": 0.5,
        "top_p": None,
        "max_output_tokens": 99,
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": False}],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "metadata": {"a": "b"},
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_object"}},
        "user": "u",
        "store": True,
        "truncation": "auto",
    }
    said = write(Text("Hi"), asked=asked)

    done = {"model": "m", "top_p": 1.0, "store": False, "truncation": "disabled"}
    assert {name: said[name] for name in asked} == asked | done


@pytest.mark.parametrize("asked", [b"", b"{", b"[1]"])
def test_an_answer_to_an_unknown_request_tells_the_defaults(asked: bytes) -> None:
    said = json.loads(write_answer(Answer("r", "m", (), Finish.STOP), asked))

    assert (said["tools"], said["tool_choice"], said["temperature"], said["instructions"]) == (
        [],
        "auto",
        1.0,
        None,
    )


@pytest.mark.parametrize(
    ("output", "lost"),
    [
        (message_of(text_of("Hi", annotations=[{"type": "url_citation"}])), "answer.annotations"),
        (message_of(text_of("Hi"), phase="commentary"), "answer.phase"),
        (message_of({"type": "something_new"}), "answer.something_new"),
        ({"type": "web_search_call", "id": "ws_1", "status": "completed"}, "answer.web_search_call"),
        ({"type": "something_new", "content": "of any shape"}, "answer.something_new"),
        (THOUGHT | {"content": [{"type": "reasoning_text", "text": "long"}]}, "answer.reasoning_text"),
    ],
)
def test_what_has_no_place_is_named(output: Body, lost: str) -> None:
    body = json.dumps({"output": [output]}).encode()

    assert translate_answer(body, RESPONSES, CHAT).lost == (lost,)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"output": 5}',
        b'{"output": [5]}',
        b'{"output": [{"type": "message", "content": 5}]}',
        b'{"output": [], "status": "failed", "error": {"code": "server_error"}}',
        b'{"output": [], "status": "failed"}',
        b'{"output": [], "status": "in_progress"}',
        b'{"output": [], "error": {"message": "no"}}',
        b'{"output": [], "usage": {"input_tokens": "x"}}',
        b'{"output": ' + b"[" * 200_000,
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read_answer(body)


@pytest.mark.parametrize(
    "output",
    [
        (message_of(text_of("Hi", logprobs=[])),),
        (message_of(text_of("Hi", logprobs=[])), CALL, CALL | {"call_id": "c2", "arguments": "{}"}),
        (message_of({"type": "refusal", "refusal": "No."}),),
        (
            THOUGHT | {"summary": [{"type": "summary_text", "text": "hm"}]},
            message_of(text_of("Hi", logprobs=[])),
        ),
    ],
)
@pytest.mark.parametrize("other", [CHAT, MESSAGES])
@pytest.mark.parametrize("cut", [False, True])
def test_an_answer_survives_there_and_back(output: tuple[Body, ...], other: Dialect, cut: bool) -> None:
    if cut:
        output = tuple(
            item for item in output if item["type"] != "message" or "refusal" not in item["content"][0]
        )
    ended = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}} if cut else {}
    body = answer_of(*output, **ended)
    back = translate_answer(translate_answer(body, RESPONSES, other).body, other, RESPONSES)
    one, two = read_answer(body), read_answer(back.body)

    def bare(parts: tuple[Part, ...]) -> list[Part]:
        """Names of thoughts are not kept elsewhere, and a signature is marked on its way back."""
        kept = [part for part in parts if not isinstance(part, Thinking)]
        return [*kept, *(Text(part.text) for part in parts if isinstance(part, Thinking))]

    assert bare(two.parts) == bare(one.parts)
    assert (two.id, two.model, two.finish) == (one.id, one.model, one.finish)
    assert [p.signature for p in two.parts if isinstance(p, Thinking)] == [
        p.signature for p in one.parts if isinstance(p, Thinking)
    ]
