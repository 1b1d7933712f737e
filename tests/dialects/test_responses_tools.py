"""Tools that only responses know: in namespaces, with any text as input, and run by the provider."""

import json
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from freehold.dialects.translate import LANGUAGES, StreamTranslator, translate_answer, translate_request
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import UnsupportedField
from freehold.wire import sse

CHAT, RESPONSES, MESSAGES, GEMINI = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES, Dialect.GEMINI

FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
NAMESPACE = {"type": "namespace", "name": "crew", "description": "Helpers.", "tools": [FUNCTION]}
GRAMMAR = {"type": "grammar", "syntax": "regex", "definition": "a+"}
CUSTOM = {"type": "custom", "name": "patch", "description": "Patches.", "format": GRAMMAR}
SEARCH = {"type": "web_search"}


def asked(*tools: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"model": "m", "input": "Hi", "tools": list(tools)} | more).encode()


def calls(*given: tuple[str, str]) -> bytes:
    """A chat completion with these calls: names and arguments."""
    told = [
        {"id": f"c{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for index, (name, arguments) in enumerate(given)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": told}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    return json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode()


def test_other_dialects_see_plain_functions() -> None:
    there = translate_request(asked(FUNCTION, NAMESPACE, CUSTOM), RESPONSES, CHAT, "m")

    functions = [tool["function"] for tool in json.loads(there.body)["tools"]]
    assert [function["name"] for function in functions] == ["look", "crew__look", "patch"]
    assert list(functions[2]["parameters"]["properties"]) == ["input"]
    assert functions[2]["description"] == "Patches.\n\nThe input must fit this regex grammar:\na+"
    assert set(there.lost) == {"tools[].description", "tools[].format"}


def test_calls_are_told_in_the_applications_own_words() -> None:
    request = asked(FUNCTION, NAMESPACE, CUSTOM)
    answer = calls(("look", "{}"), ("crew__look", '{"a":1}'), ("patch", '{"input":"aaa"}'), ("patch", "aa"))

    output = json.loads(translate_answer(answer, CHAT, RESPONSES, request).body)["output"]
    assert Response.model_validate(json.loads(translate_answer(answer, CHAT, RESPONSES, request).body))

    wanted = ("type", "name", "namespace", "arguments", "input")
    assert [{key: item[key] for key in wanted if key in item} for item in output] == [
        {"type": "function_call", "name": "look", "arguments": "{}"},
        {"type": "function_call", "name": "look", "namespace": "crew", "arguments": '{"a":1}'},
        {"type": "custom_tool_call", "name": "patch", "input": "aaa"},
        {"type": "custom_tool_call", "name": "patch", "input": "aa"},
    ]


def test_streamed_calls_too() -> None:
    request = asked(NAMESPACE, CUSTOM)
    stream = StreamTranslator(CHAT, RESPONSES, include_usage=True, asked=request)
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "crew__look", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a":1}'}},
        {"index": 1, "id": "b", "function": {"name": "patch", "arguments": '{"inp'}},
        {"index": 1, "function": {"arguments": 'ut":"aaa"}'}},
    ]
    written = b""
    for piece in pieces:
        chunk = {"id": "x", "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
        written += stream.feed(b"data: %b\n\n" % json.dumps(chunk).encode())
    last = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    written += stream.feed(b"data: %b\n\n" % json.dumps(last).encode()) + stream.finish()

    told = [json.loads(data) for _, data in sse.events(written)]
    for event in told:
        TypeAdapter(ResponseStreamEvent).validate_python(event)
    custom = {event["type"]: event for event in told if "custom_tool_call_input" in event["type"]}
    assert custom["response.custom_tool_call_input.delta"]["delta"] == "aaa"
    assert custom["response.custom_tool_call_input.done"]["input"] == "aaa"
    items = told[-1]["response"]["output"]
    assert [(item["type"], item["name"], item.get("namespace")) for item in items] == [
        ("function_call", "look", "crew"),
        ("custom_tool_call", "patch", None),
    ]


def test_the_history_of_such_calls_is_carried() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "function_call", "call_id": "a", "namespace": "crew", "name": "look", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": 'say "a"'},
        {"type": "function_call_output", "call_id": "a", "output": "fog"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "done"},
    ]
    there = json.loads(translate_request(asked(NAMESPACE, CUSTOM, input=items), RESPONSES, CHAT, "m").body)

    told = [call["function"] for call in there["messages"][1]["tool_calls"]]
    assert told == [
        {"name": "crew__look", "arguments": "{}"},
        {"name": "patch", "arguments": '{"input":"say \\"a\\""}'},
    ]
    assert [turn["content"] for turn in there["messages"][2:]] == ["fog", "done"]


REQUESTS: dict[Dialect, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    RESPONSES: ({"model": "m", "input": "Hi"}, FUNCTION, SEARCH, "tools[].web_search"),
    MESSAGES: (
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
        {"name": "look", "input_schema": {"type": "object"}},
        {"type": "web_search_20250305", "name": "web_search"},
        "tools[].web_search_20250305",
    ),
    GEMINI: (
        {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
        {"functionDeclarations": [{"name": "look"}]},
        {"googleSearch": {}},
        "tools[].googleSearch",
    ),
}
MUST: dict[Dialect, dict[str, Any]] = {
    RESPONSES: {"tool_choice": "required"},
    MESSAGES: {"tool_choice": {"type": "any"}},
    GEMINI: {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
}


@pytest.mark.parametrize("source", list(REQUESTS))
def test_a_tool_of_the_provider_is_left_out_only_beside_the_applications_own(source: Dialect) -> None:
    base, own, theirs, name = REQUESTS[source]
    body = json.dumps(base | {"tools": [own, theirs]}).encode()

    there = translate_request(body, source, CHAT, "m")
    assert [tool["function"]["name"] for tool in json.loads(there.body)["tools"]] == ["look"]
    assert name in there.lost
    for refused in ({"tools": [theirs]}, {"tools": [own, theirs]} | MUST[source]):
        with pytest.raises(UnsupportedField):
            LANGUAGES[source].read_request(json.dumps(base | refused).encode())
