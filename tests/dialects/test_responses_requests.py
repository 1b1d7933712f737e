"""Requests in the responses dialect: what becomes of each field on its way in, and on its way out."""

import json
from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import TypeAdapter

from freehold.dialects.responses.reading import read_request
from freehold.dialects.responses.writing import write_request
from freehold.dialects.translate import translate_request
from freehold.vocabulary.conversation import (
    Cache,
    Choice,
    Conversation,
    File,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Schema,
    Settings,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, InvalidJSON, UnsupportedField

Body = dict[str, Any]
RESPONSES, CHAT, MESSAGES = Dialect.RESPONSES, Dialect.CHAT, Dialect.MESSAGES

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": True}
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0="
PARAMS = TypeAdapter(ResponseCreateParams)


def read(**fields: Any) -> Conversation:
    return read_request(json.dumps({"model": "m", "input": "Hi"} | fields).encode())


def write(
    *messages: Message, settings: Settings | None = None, tools: tuple[Tool, ...] = (), **more: Any
) -> tuple[Body, tuple[str, ...]]:
    lost: dict[str, None] = {}
    conversation = Conversation(messages, tools, settings=settings or Settings(), **more)
    body = json.loads(write_request(conversation, "gpt", lost))
    PARAMS.validate_python(body)
    return body, tuple(lost)


def user(*parts: Part) -> Message:
    return Message(Role.USER, parts)


def assistant(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


TURNS: list[Body] = [
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "Where is this?"},
            {"type": "input_image", "image_url": PNG, "detail": "auto"},
            {"type": "input_image", "image_url": "https://e.org/a.png", "detail": "high"},
            {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
            {"type": "input_file", "file_url": "https://e.org/b.pdf"},
        ],
    },
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}],
        "encrypted_content": "gAAA",
        "status": "completed",
    },
    {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [
            {"type": "output_text", "text": "Let me see.", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "Not that."},
        ],
    },
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"x": 1.50}'},
    {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "", "status": "completed"},
    {"type": "function_call_output", "call_id": "c1", "output": "sunny", "status": "completed"},
    {
        "type": "function_call_output",
        "call_id": "c2",
        "output": [
            {"type": "input_text", "text": "cold"},
            {"type": "input_image", "image_url": PNG, "detail": "low"},
        ],
    },
    {"role": "user", "content": "And now?"},
    {"role": "developer", "content": "In French."},
]
MESSAGES_READ = (
    user(
        Text("Where is this?"),
        Image(media_type="image/png", data="iVBORw0KGgo="),
        Image(url="https://e.org/a.png", detail="high"),
        File(media_type="application/pdf", data="JVBERi0=", name="a.pdf"),
        File(url="https://e.org/b.pdf"),
    ),
    assistant(
        Thinking("One.\n\nTwo.", "gAAA", origin=RESPONSES, id="rs_1"),
        Text("Let me see."),
        Refusal("Not that."),
        ToolCall("c1", "f", '{"x": 1.50}'),
        ToolCall("c2", "g", "{}"),
    ),
    user(
        ToolResult("c1", (Text("sunny"),)),
        ToolResult("c2", (Text("cold"), Image(media_type="image/png", data="iVBORw0KGgo=", detail="low"))),
    ),
    user(Text("And now?")),
    Message(Role.DEVELOPER, (Text("In French."),)),
)


def test_items_become_turns() -> None:
    conversation = read(instructions="Be brief.", input=TURNS)

    assert conversation.messages == (Message(Role.SYSTEM, (Text("Be brief."),)), *MESSAGES_READ)
    assert conversation.lost == ()


def test_turns_become_items() -> None:
    lost: dict[str, None] = {}
    conversation = Conversation((Message(Role.SYSTEM, (Text("Be brief."),)), *MESSAGES_READ))
    body = json.loads(write_request(conversation, "gpt", lost))

    assert lost == {}
    assert (body["instructions"], body["store"]) == ("Be brief.", False)
    assert body["include"] == ["reasoning.encrypted_content"]
    assert read_request(json.dumps(body).encode()).messages == conversation.messages
    assert [item.get("type", item.get("role")) for item in body["input"]] == [
        "user",
        "reasoning",
        "assistant",
        "message",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
        "user",
        "developer",
    ]
    body["input"] = [item for item in body["input"] if item.get("type") != "message"]
    PARAMS.validate_python(body)


def test_a_thought_without_a_summary_shows_what_it_holds() -> None:
    item = {"type": "reasoning", "id": "rs", "summary": []}
    thought = read(input=[item | {"content": [{"type": "reasoning_text", "text": "hm"}]}]).messages[0]

    assert thought == assistant(Thinking("hm", id="rs"))


def test_a_thought_in_both_forms_is_shown_once() -> None:
    item = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "short"}],
        "content": [{"type": "reasoning_text", "text": "long"}],
    }
    conversation = read(input=[item])

    assert conversation.messages[0].parts == (Thinking("short"),)
    assert conversation.lost == ("input[].content",)


@pytest.mark.parametrize(
    ("encrypted", "thought"),
    [
        ("freehold.messages.sig", Thinking("hm", "sig", origin=MESSAGES)),
        ("freehold.messages.redacted.xyz", Thinking(redacted="xyz", origin=MESSAGES)),
    ],
)
def test_a_foreign_thought_comes_back_as_its_makers(encrypted: str, thought: Thinking) -> None:
    summary = [{"type": "summary_text", "text": "hm"}]
    conversation = read(input=[{"type": "reasoning", "summary": summary, "encrypted_content": encrypted}])

    assert conversation.messages == (assistant(thought),)


@pytest.mark.parametrize(
    ("field", "value", "settings"),
    [
        ("max_output_tokens", 9, Settings(max_tokens=9)),
        ("temperature", 1, Settings(temperature=1.0)),
        ("top_p", 0.5, Settings(top_p=0.5)),
        ("stream", True, Settings(stream=True)),
        ("parallel_tool_calls", False, Settings(parallel_tools=False)),
        ("top_logprobs", 3, Settings(top_logprobs=3)),
        ("include", ["message.output_text.logprobs"], Settings(logprobs=True)),
        ("include", ["reasoning.encrypted_content"], Settings()),
        ("service_tier", "flex", Settings(service_tier="flex")),
        ("prompt_cache_key", "k", Settings(cache_key="k")),
        ("metadata", {"a": "b"}, Settings(metadata={"a": "b"})),
        ("user", "u", Settings(user="u")),
        ("safety_identifier", "s", Settings(user="s")),
        ("reasoning", {"effort": "high"}, Settings(reasoning=Reasoning(effort="high"))),
        ("reasoning", {"effort": "none"}, Settings(reasoning=Reasoning(False))),
        ("reasoning", {"summary": "auto"}, Settings(reasoning=Reasoning(summary="auto"))),
        ("reasoning", {"generate_summary": "auto"}, Settings(reasoning=Reasoning(summary="auto"))),
        ("text", {"verbosity": "low"}, Settings(verbosity="low")),
        ("text", {"format": {"type": "text"}}, Settings()),
        ("text", {"format": {"type": "json_object"}}, Settings(json=True)),
        (
            "text",
            {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}},
            Settings(schema=Schema(SCHEMA, "n", None, True)),
        ),
        ("store", False, Settings()),
        ("background", False, Settings()),
        ("truncation", "disabled", Settings()),
        ("stream_options", {"include_obfuscation": False}, Settings()),
    ],
)
def test_a_setting_is_read(field: str, value: object, settings: Settings) -> None:
    conversation = read(**{field: value})

    assert (conversation.settings, conversation.lost) == (settings, ())


@pytest.mark.parametrize(
    ("field", "value", "lost"),
    [
        ("store", True, "store"),
        ("truncation", "auto", "truncation"),
        ("max_tool_calls", 3, "max_tool_calls"),
        ("include", ["web_search_call.results"], "include"),
        ("prompt_cache_retention", "24h", "prompt_cache_retention"),
        ("prompt_cache_options", {"ttl": "12h"}, "prompt_cache_options.ttl"),
        ("stream_options", {"include_obfuscation": True}, "stream_options.include_obfuscation"),
        ("reasoning", {"context": "all_turns"}, "reasoning.context"),
        ("unheard_of", 1, "unheard_of"),
        ("tools", [TOOL | {"defer_loading": True}], "tools[].defer_loading"),
        ("input", [{"role": "assistant", "content": "Hi", "phase": "commentary"}], "input[].phase"),
        (
            "input",
            [{"role": "assistant", "content": [{"type": "output_text", "text": "x", "annotations": [{}]}]}],
            "input[].content[].annotations",
        ),
    ],
)
def test_a_harmless_field_without_a_place_is_named(field: str, value: object, lost: str) -> None:
    assert read(**{field: value}).lost == (lost,)


def test_of_two_names_for_the_user_the_second_is_named() -> None:
    conversation = read(user="u", safety_identifier="s")

    assert (conversation.settings.user, conversation.lost) == ("u", ("safety_identifier",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("prompt", {"id": "pmpt_1"}),
        ("background", True),
        ("moderation", {"model": "omni"}),
        ("prompt_cache_options", {"prewarm": True}),
        ("text", {"format": {"type": "grammar"}}),
        ("tools", [{"type": "web_search"}]),
        ("tools", [{"type": "local_shell"}, {"type": "function", "name": "f"}]),
        ("tool_choice", {"type": "mcp", "server_label": "x"}),
        ("tool_choice", {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}),
        ("input", [{"type": "item_reference", "id": "msg_1"}]),
        ("input", [{"type": "web_search_call", "id": "ws_1"}]),
        ("input", [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]),
        ("input", [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]),
        ("input", [{"role": "user", "content": [{"type": "input_file", "file_data": "plain"}]}]),
        ("input", [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]),
        (
            "input",
            [
                {
                    "type": "function_call_output",
                    "call_id": "c",
                    "output": [{"type": "refusal", "refusal": "no"}],
                }
            ],
        ),
    ],
)
def test_what_changes_the_meaning_is_refused(field: str, value: object) -> None:
    with pytest.raises(UnsupportedField):
        read(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input", 5),
        ("input", [5]),
        ("input", [{"content": "no role"}]),
        ("input", [{"role": "tool", "content": "x"}]),
        ("input", [{"type": "function_call", "name": "f"}]),
        ("input", [{"type": "function_call_output", "output": "x"}]),
        ("metadata", {"a": 1}),
        ("tool_choice", "maybe"),
        ("tool_choice", {"type": "allowed_tools", "mode": "auto", "tools": []}),
        ("tool_choice", {"type": "allowed_tools", "mode": "none", "tools": [TOOL]}),
        ("tool_choice", {"type": "function"}),
        ("text", {"format": {"type": "json_schema", "name": "n"}}),
        ("model", None),
    ],
)
def test_a_wrong_field_is_told(field: str, value: object) -> None:
    with pytest.raises(BadRequest):
        read(**{field: value})


def test_a_body_that_is_no_json_is_told() -> None:
    with pytest.raises(InvalidJSON):
        read_request(b"{")


def test_tools_are_read_and_written() -> None:
    tools = read(tools=[TOOL, {"type": "function", "name": "g"}]).tools
    assert tools == (Tool("f", "d", SCHEMA, True), Tool("g", None, {"type": "object", "properties": {}}))

    body, lost = write(user(Text("Hi")), tools=tools, settings=Settings(parallel_tools=False))
    empty = {"type": "object", "properties": {}}
    assert body["tools"] == [TOOL, {"type": "function", "name": "g", "parameters": empty, "strict": False}]
    assert (body["parallel_tool_calls"], lost) == (False, ())


@pytest.mark.parametrize(
    ("said", "choice"),
    [
        ("auto", ToolChoice(Choice.AUTO)),
        ("none", ToolChoice(Choice.NONE)),
        ("required", ToolChoice(Choice.REQUIRED)),
        ({"type": "function", "name": "f"}, ToolChoice(Choice.NAMED, "f")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice(Choice.REQUIRED, allowed=("f",)),
        ),
    ],
)
def test_a_tool_choice_is_read_and_written(said: object, choice: ToolChoice) -> None:
    assert read(tool_choice=said).tool_choice == choice
    assert write(user(Text("Hi")), tool_choice=choice)[0]["tool_choice"] == said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(max_tokens=19), {"max_output_tokens": 19}),
        (Settings(temperature=0.5, top_p=0.1), {"temperature": 0.5, "top_p": 0.1}),
        (Settings(stream=True), {"stream": True}),
        (Settings(service_tier="flex"), {"service_tier": "flex"}),
        (Settings(cache_key="k"), {"prompt_cache_key": "k"}),
        (Settings(metadata={"a": "b"}, user="u"), {"metadata": {"a": "b"}, "user": "u"}),
        (
            Settings(logprobs=True, top_logprobs=2),
            {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
        ),
        (Settings(json=True), {"text": {"format": {"type": "json_object"}}}),
        (Settings(verbosity="low"), {"text": {"verbosity": "low"}}),
        (
            Settings(schema=Schema(SCHEMA, None, "d", True)),
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "answer",
                        "schema": SCHEMA,
                        "description": "d",
                        "strict": True,
                    }
                }
            },
        ),
    ],
)
def test_a_setting_is_written(settings: Settings, said: Body) -> None:
    assert write(user(Text("Hi")), settings=settings) == (
        {"model": "gpt", "store": False, "input": [{"role": "user", "content": "Hi"}]} | said,
        (),
    )


SEALED = ["reasoning.encrypted_content"]
BUDGET = ("thinking.budget_tokens",)


@pytest.mark.parametrize(
    ("reasoning", "said", "include", "lost"),
    [
        (Reasoning(), None, None, ()),
        (Reasoning(False), {"effort": "none"}, None, ()),
        (Reasoning(True), {"effort": "medium"}, SEALED, ()),
        (Reasoning(effort="xhigh", summary="auto"), {"effort": "xhigh", "summary": "auto"}, SEALED, ()),
        (Reasoning(summary="none"), None, None, ()),
        (Reasoning(True, None, 2_048), {"effort": "low"}, SEALED, BUDGET),
        (Reasoning(True, None, 8_192), {"effort": "medium"}, SEALED, BUDGET),
        (Reasoning(True, None, 8_193), {"effort": "high"}, SEALED, BUDGET),
        (Reasoning(True, "low", 9_000), {"effort": "low"}, SEALED, BUDGET),
    ],
)
def test_how_much_to_think_is_written(
    reasoning: Reasoning, said: object, include: object, lost: tuple[str, ...]
) -> None:
    body, gone = write(user(Text("Hi")), settings=Settings(reasoning=reasoning))

    assert (body.get("reasoning"), body.get("include"), gone) == (said, include, lost)


@pytest.mark.parametrize("name", ["top_k", "seed", "frequency_penalty", "presence_penalty"])
def test_a_setting_that_responses_lack_is_named(name: str) -> None:
    asked: Any = {name: 1}

    assert write(user(Text("Hi")), settings=Settings(**asked))[1] == (name,)


@pytest.mark.parametrize(
    ("message", "lost"),
    [
        (user(Text("Hi", Cache())), "cache_control"),
        (user(ToolResult("c", (Text("x", Cache()),))), "cache_control"),
        (user(ToolResult("c", (Text("x"),), is_error=True)), "is_error"),
        (assistant(Thinking("unsigned")), "thinking"),
        (assistant(Thinking("hm", "sig", origin=MESSAGES)), "thinking"),
        (assistant(Thinking(redacted="xyz")), "thinking"),
    ],
)
def test_a_part_that_responses_cannot_say_is_named(message: Message, lost: str) -> None:
    assert write(message)[1] == (lost,)


def test_a_tools_cache_mark_is_named() -> None:
    assert write(tools=(Tool("f", None, SCHEMA, cache=Cache()),))[1] == ("cache_control",)


def test_stop_sequences_are_refused() -> None:
    with pytest.raises(UnsupportedField, match="stop"):
        write(user(Text("Hi")), settings=Settings(stop=("x",)))


def test_a_recording_is_refused() -> None:
    with pytest.raises(UnsupportedField, match="audio/wav"):
        write(user(File(media_type="audio/wav", data="UklG")))


@pytest.mark.parametrize(
    "prompts",
    [
        (Message(Role.SYSTEM, (Text("a"), Text("b"))),),
        (Message(Role.SYSTEM, (Text("a"),)), Message(Role.SYSTEM, (Text("b"),))),
        (Message(Role.SYSTEM, (Text("a"),)), Message(Role.DEVELOPER, (Text("b"),))),
        (Message(Role.DEVELOPER, (Text("a"),)),),
    ],
)
def test_prompts_that_are_not_one_text_stay_in_their_turns(prompts: tuple[Message, ...]) -> None:
    body, _ = write(*prompts, user(Text("Hi")))

    assert "instructions" not in body
    assert [item["role"] for item in body["input"]] == [*(prompt.role for prompt in prompts), "user"]


def test_a_cache_mark_is_carried_where_it_can_be_said() -> None:
    mark = {"mode": "explicit"}
    part = {"type": "input_text", "text": "Hi", "prompt_cache_breakpoint": mark}
    body = {"model": "m", "max_output_tokens": 9, "input": [{"role": "user", "content": [part]}]}
    there = translate_request(json.dumps(body).encode(), RESPONSES, MESSAGES, "m")

    block = json.loads(there.body)["messages"][0]["content"][0]
    assert (block["cache_control"], there.lost) == ({"type": "ephemeral"}, ())


FORMAT = {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}
RESULT = {
    "type": "function_call_output",
    "call_id": "c1",
    "output": [
        {"type": "input_text", "text": "cold"},
        {"type": "input_image", "image_url": PNG, "detail": "auto"},
    ],
}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        (CHAT, {"text": {"format": FORMAT}}),
        (MESSAGES, {"text": {"format": FORMAT}}),
        (CHAT, {"reasoning": {"effort": "high"}}),
        (MESSAGES, {"reasoning": {"effort": "high"}}),
        (MESSAGES, {"reasoning": {"effort": "none"}}),
        (MESSAGES, {"input": [{"role": "user", "content": "Hi"}, CALL, RESULT]}),
        (CHAT, {"text": {"format": {"type": "json_object"}}}),
        (CHAT, {"text": {"verbosity": "low"}, "prompt_cache_key": "k"}),
    ],
)
def test_a_field_survives_there_and_back(other: Dialect, fields: Body) -> None:
    asked = {
        "model": "m",
        "store": False,
        "input": [{"role": "user", "content": "Hi"}],
        "max_output_tokens": 19,
    }
    there = translate_request(json.dumps(asked | fields).encode(), RESPONSES, other, "m")
    back = translate_request(there.body, other, RESPONSES, "m")

    said = json.loads(back.body)
    said.pop("include", None)
    assert said == asked | fields
    assert (there.lost, back.lost) == ((), ())


def test_a_thought_of_another_maker_comes_back_to_it_through_responses() -> None:
    seal = "freehold.messages.sig"
    thought = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": seal,
    }
    asked = {"model": "m", "input": [{"role": "user", "content": "Hi"}, thought, CALL, RESULT]}
    there = translate_request(json.dumps(asked).encode(), RESPONSES, MESSAGES, "m")

    block = json.loads(there.body)["messages"][1]["content"][0]
    assert block == {"type": "thinking", "thinking": "hm", "signature": "sig"}
    assert there.lost == ()
    assert translate_request(json.dumps(asked).encode(), RESPONSES, RESPONSES, "m").lost == ("thinking",)
