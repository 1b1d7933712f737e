"""Requests across dialects: what is carried, what is named as lost, and what is refused."""

import json
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter

from freehold.dialects.messages import reading as messages_in
from freehold.dialects.messages import writing as messages_out
from freehold.dialects.translate import translate_request
from freehold.vocabulary.conversation import Conversation, Message, Reasoning, Role, Settings, Text
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, InvalidJSON, NoThread, UnsupportedField

CHAT, MESSAGES = Dialect.CHAT, Dialect.MESSAGES
Body = dict[str, Any]

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PNG = "iVBORw0KGgo="


def to_messages(body: Body, **more: Any) -> tuple[Body, tuple[str, ...]]:
    asked = {"model": "alias", "messages": [{"role": "user", "content": "Hi"}]} | body | more
    translated = translate_request(json.dumps(asked).encode(), CHAT, MESSAGES, "claude")
    return json.loads(translated.body), translated.lost


def to_chat(body: Body, model: str = "mistral-large") -> tuple[Body, tuple[str, ...]]:
    asked = {"model": "alias", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]} | body
    translated = translate_request(json.dumps(asked).encode(), MESSAGES, CHAT, model)
    return json.loads(translated.body), translated.lost


CHAT_TURNS: list[Body] = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": "Answer in French."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Where is this?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        ],
    },
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city": 1.50}'}},
            {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "cold"}]},
    {"role": "user", "content": "And now?"},
]
MESSAGES_TURNS: list[Body] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Where is this?"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"city": 1.5}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"},
            {"type": "tool_result", "tool_use_id": "c2", "content": "cold"},
            {"type": "text", "text": "And now?"},
        ],
    },
]


def test_a_chat_conversation_becomes_messages() -> None:
    body, lost = to_messages({"messages": CHAT_TURNS})

    assert body == {
        "model": "claude",
        "max_tokens": 4096,
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Answer in French."}],
        "messages": MESSAGES_TURNS,
    }
    assert lost == ()
    TypeAdapter(MessageCreateParamsNonStreaming).validate_python(body)


def test_tool_arguments_keep_the_models_own_spelling() -> None:
    asked = {"model": "a", "messages": CHAT_TURNS}

    assert (
        b'"input":{"city": 1.50}' in translate_request(json.dumps(asked).encode(), CHAT, MESSAGES, "m").body
    )


def test_a_messages_conversation_becomes_chat() -> None:
    body, lost = to_chat({"system": "Be brief.", "messages": MESSAGES_TURNS})

    turns = json.loads(json.dumps(CHAT_TURNS))
    del turns[1]
    turns[2]["content"] = None
    turns[2]["tool_calls"][0]["function"]["arguments"] = '{"city":1.5}'
    turns[2]["tool_calls"][1]["function"]["arguments"] = "{}"
    turns[4]["content"] = "cold"
    assert body == {"model": "mistral-large", "max_tokens": 9, "messages": turns}
    assert lost == ()
    TypeAdapter(CompletionCreateParamsNonStreaming).validate_python(body)


def test_a_prompt_in_the_middle_stays_there() -> None:
    late = {"role": "system", "content": "Now in German."}
    body, _ = to_messages({"messages": [{"role": "user", "content": "Hi"}, late]})

    assert body["messages"][1] == late
    assert "system" not in body


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 6, "max_tokens": 5}, {"max_tokens": 6}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
        ({"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ({"thinking": {"type": "enabled"}}, {"thinking": {"type": "adaptive", "display": "summarized"}}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2_048}, "reasoning_effort": "low"},
            {
                "max_tokens": 4_096 + 2_048,
                "thinking": {"type": "enabled", "budget_tokens": 2_048, "display": "summarized"},
                "output_config": {"effort": "low"},
            },
        ),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"response_format": {"type": "text"}}, {}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}
                ]
            },
            {"tools": [{"name": "f", "input_schema": SCHEMA, "strict": True}]},
        ),
        (
            {
                "tools": [{"type": "function", "function": {"name": "f", "description": "d"}}],
                "parallel_tool_calls": False,
            },
            {
                "tools": [
                    {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}}
                ],
                "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            },
        ),
        ({"tool_choice": "auto"}, {}),  # without tools it asks for nothing, and is turned down
        ({"tool_choice": "none"}, {}),
        ({"tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "tool", "name": "f"}},
        ),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in "fg"
                ],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "required",
                        "tools": [{"type": "function", "function": {"name": "g"}}],
                    },
                },
            },
            {"tools": [{"name": "g", "input_schema": SCHEMA}], "tool_choice": {"type": "any"}},
        ),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"safety_identifier": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"n": 1, "logprobs": False, "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"]}, {}),
    ],
)
def test_chat_settings_become_messages_settings(asked: Body, said: Body) -> None:
    body, lost = to_messages(asked)

    plain = {"model": "claude", "max_tokens": 4096, "messages": [{"role": "user", "content": "Hi"}]}
    assert body == plain | said
    assert lost == ()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"temperature": 1, "top_p": 0.5}, {"temperature": 1.0, "top_p": 0.5}),
        ({"stop_sequences": ["A"]}, {"stop": ["A"]}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"output_config": {"effort": "max"}}, {"reasoning_effort": "max"}),
        ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            {"reasoning_effort": "high"},
        ),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"metadata": {"user_id": "u1"}}, {"user": "u1"}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                }
            },
        ),
        (
            {"tools": [{"name": "f", "type": "custom", "description": "d", "input_schema": SCHEMA}]},
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
                ]
            },
        ),
        (
            {
                "tools": [{"name": "f", "input_schema": SCHEMA}],
                "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
            },
            {
                "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
                "tool_choice": "required",
                "parallel_tool_calls": False,
            },
        ),
        (
            {"tool_choice": {"type": "tool", "name": "f"}},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
    ],
)
def test_messages_settings_become_chat_settings(asked: Body, said: Body) -> None:
    body, lost = to_chat(asked)

    plain = {"model": "mistral-large", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    assert body == plain | said
    assert lost == ()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-5.4", "max_completion_tokens"),
        ("openai/o3", "max_completion_tokens"),
        ("mistral-large", "max_tokens"),
        ("openai/gpt-oss-120b", "max_completion_tokens"),
        ("llama-o4", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_server_knows(model: str, name: str) -> None:
    body, _ = to_chat({}, model)

    assert body[name] == 9


@pytest.mark.parametrize(
    ("asked", "lost"),
    [
        (
            {"store": True, "prediction": {}, "metadata": {"a": "b"}, "service_tier": "flex"},
            ("store", "prediction", "metadata", "service_tier"),
        ),
        ({"verbosity": "low", "prompt_cache_key": "k", "metadata": {}}, ("verbosity", "cache_key")),
        ({"user": "u", "safety_identifier": "s"}, ("safety_identifier",)),
        ({"seed": 1, "frequency_penalty": 0.5}, ("frequency_penalty", "seed")),
        ({"temperature": 1.5}, ("temperature",)),
        ({"something_new": [1]}, ("something_new",)),
        ({"something_null": None}, ()),
        ({"messages": [{"role": "user", "name": "Ann", "content": "Hi"}]}, ("messages[].name",)),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "x": 1}] * 3}]},
            ("messages[].content[].x",),
        ),
        ({"messages": [{"role": "assistant", "content": "Hi", "reasoning_content": "hm"}]}, ("thinking",)),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": "Hi",
                        "thinking_blocks": [
                            {"type": "thinking", "thinking": "hm", "signature": "a server's"}
                        ],
                    }
                ]
            },
            ("thinking",),
        ),
    ],
)
def test_what_chat_requests_lose_is_named(asked: Body, lost: tuple[str, ...]) -> None:
    assert to_messages(asked)[1] == lost


@pytest.mark.parametrize(
    ("asked", "lost"),
    [
        ({"top_k": 5}, ("top_k",)),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, ("thinking.budget_tokens",)),
        ({"thinking": {"type": "adaptive"}}, ("thinking",)),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
            ("reasoning.summary",),
        ),
        (
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
            ("reasoning.summary",),
        ),
        ({"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}}, ("thinking.type",)),
        ({"metadata": {"x": 1}, "speed": "fast"}, ("metadata.x", "speed")),
        (
            {"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
            ("cache_control",),
        ),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
                    }
                ]
            },
            ("thinking",),
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "tool_use_id": "c", "is_error": True, "content": "no"}
                        ],
                    }
                ]
            },
            ("is_error",),
        ),
    ],
)
def test_what_messages_requests_lose_is_named(asked: Body, lost: tuple[str, ...]) -> None:
    assert to_chat(asked)[1] == lost


def turn(part: Body, role: str = "user") -> Body:
    return {"messages": [{"role": role, "content": [part]}]}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n": 2}, "`n`: only chat completions can say this"),
        ({"logprobs": True}, "Anthropic messages tell no log probabilities"),
        ({"top_logprobs": 2}, "Anthropic messages tell no log probabilities"),
        ({"modalities": ["text", "audio"]}, "`modalities`: only chat completions can say this"),
        ({"functions": [{}]}, "`functions`: only chat completions can say this"),
        ({"web_search_options": {}}, "`web_search_options`: only chat completions can say this"),
        (
            {"response_format": {"type": "json_object"}},
            "Anthropic messages cannot promise JSON without a schema",
        ),
        (
            {"response_format": {"type": "grammar"}},
            "`response_format.type`: grammar without a schema cannot be carried",
        ),
        ({"tools": [{"type": "custom"}]}, "`tools[0].type`: tools of type custom cannot be carried"),
        (
            {"tool_choice": {"type": "custom", "custom": {"name": "f"}}},
            "`tool_choice.type`: only the choice of functions can be carried",
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "mcp"}]},
                }
            },
            "`tool_choice.allowed_tools.tools`: only functions, with auto or required, can be carried",
        ),
        (
            turn({"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}),
            "a file of type audio/wav cannot be carried to Anthropic messages",
        ),
        (
            turn({"type": "input_audio", "input_audio": {"data": PNG, "format": "flac"}}),
            "`messages[0].content[0].input_audio.format`: recordings in flac cannot be carried",
        ),
        (
            {"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}]},
            "`messages[0].function_call`: cannot be carried",
        ),
        (
            turn({"type": "file", "file": {"file_id": "f"}}),
            "`messages[0].content[0].file`: only files sent as a base64 data URL can be carried",
        ),
        (
            {"messages": [{"role": "function", "content": "x", "name": "f"}]},
            "`messages[0].role`: messages of role function cannot be carried",
        ),
    ],
)
def test_what_only_chat_can_mean_is_refused(asked: Body, message: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        to_messages(asked)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"inference_geo": "eu"}, "`inference_geo`: only Anthropic messages can say this"),
        (
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "`tools[0].type`: the provider's own tool web_search_20250305 cannot be carried",
        ),
        (
            turn({"type": "image", "source": {"type": "file", "file_id": "f"}}),
            "`messages[0].content[0].source.type`: images by file cannot be carried",
        ),
        (
            turn({"type": "server_tool_use"}, "assistant"),
            "`messages[0].content[0].type`: blocks of type server_tool_use cannot be carried",
        ),
        (
            turn({"type": "document", "source": {"type": "url"}, "citations": {"enabled": True}}),
            "`messages[0].content[0].citations`: only Anthropic messages can cite a document",
        ),
        (
            turn({"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}}),
            "a file cannot be carried here to chat completions",
        ),
    ],
)
def test_what_only_messages_can_mean_is_refused(asked: Body, message: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        to_chat(asked)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"messages": ["Hi"]}, "`messages[0]`: expected object, got str"),
        ({"messages": [{"content": "Hi"}]}, "`messages[0].role`: required, but missing"),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "`messages[0].content`: expected str or array, got int",
        ),
        (turn({"type": "text"}), "`messages[0].content[0].text`: required, but missing"),
        (turn({"type": "image_url"}), "`messages[0].content[0].image_url`: required, but missing"),
        ({"temperature": "hot"}, "`temperature`: expected float, got str"),
        ({"stop": ["a", 1]}, "`stop[1]`: expected str, got int"),
        ({"tool_choice": "maybe"}, "`tool_choice`: expected auto, none, required or an object"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
            "`tool_choice.allowed_tools.tools`: expected at least one",
        ),
        (turn({"type": "input_audio"}), "`messages[0].content[0].input_audio`: required, but missing"),
        ({"metadata": {"a": 1}}, "`metadata`: expected an object of strings"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "[1"}}],
                    }
                ]
            },
            "the arguments of tool call `c`: expected a JSON object",
        ),
    ],
)
def test_a_wrong_chat_field_is_named(asked: Body, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        to_messages(asked)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"max_tokens": None}, "`max_tokens`: required, but missing"),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            "`messages[0].role`: expected user, assistant or system",
        ),
        ({"tool_choice": {"type": "must"}}, "`tool_choice.type`: expected auto, any, tool or none"),
        ({"tools": [{"name": "f"}]}, "`tools[0].input_schema`: required, but missing"),
        (turn({"type": "image"}), "`messages[0].content[0].source`: required, but missing"),
    ],
)
def test_a_wrong_messages_field_is_named(asked: Body, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        to_chat(asked)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"temperature": 10**400}, "`temperature`: expected float, got int"),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [
                        {"id": "c", "function": {"name": "f", "arguments": '{"x":' + "[" * 100_000}}
                    ]}
                ]
            },
            "the arguments of tool call `c`: expected a JSON object",
        ),
    ],
    ids=["number", "arguments"],
)  # fmt: skip
def test_what_is_beyond_measure_is_named(asked: Body, message: str) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]} | asked
    with pytest.raises(BadRequest, match=message):
        translate_request(json.dumps(body).encode(), CHAT, MESSAGES, "m")


@pytest.mark.parametrize(("source", "target"), [(CHAT, MESSAGES), (MESSAGES, CHAT)])
def test_what_is_not_json_is_told(source: Dialect, target: Dialect) -> None:
    with pytest.raises(InvalidJSON):
        translate_request(b"{", source, target, "m")


@pytest.mark.parametrize(
    ("reasoning", "thinking"),
    [
        (Reasoning(effort="low", summary="auto"), {"type": "adaptive", "display": "summarized"}),
        (Reasoning(effort="low", summary="none"), {"type": "adaptive", "display": "omitted"}),
        (Reasoning(summary="auto"), {"type": "adaptive", "display": "summarized"}),
        (Reasoning(summary="none"), None),
        (Reasoning(effort="low"), None),
    ],
)
def test_who_says_how_thoughts_are_shown_wants_them(reasoning: Reasoning, thinking: Body | None) -> None:
    asked = Conversation((Message(Role.USER, (Text("Hi"),)),), settings=Settings(reasoning=reasoning))

    assert json.loads(messages_out.write_request(asked, "m", {})).get("thinking") == thinking


@pytest.mark.parametrize(
    ("budget", "effort"), [(1024, "low"), (2048, "low"), (8192, "medium"), (8193, "high")]
)
def test_a_budget_for_thoughts_becomes_an_effort(budget: int, effort: str) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": budget}}

    assert to_chat(thinking)[0]["reasoning_effort"] == effort
    assert to_chat(thinking | {"output_config": {"effort": "max"}})[0]["reasoning_effort"] == "max"


def test_signed_thoughts_cross_a_chat_application_and_come_back() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "freehold.messages.sig"},
        {"type": "redacted_thinking", "data": "freehold.messages.xyz"},
    ]
    said = {"role": "assistant", "content": "Hi", "reasoning_content": "hm", "thinking_blocks": blocks}
    body, lost = to_messages({"messages": [said]})

    assert body["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "Hi"},
    ]
    assert lost == ()


@pytest.mark.parametrize(
    "signature", ["sig", "freehold.gemini.sig", "freehold.responses.sig", "freehold.nobody.sig"]
)
def test_a_thought_goes_to_nobody_but_its_maker(signature: str) -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": signature}
    said = {"role": "assistant", "content": [thought, {"type": "text", "text": "Hi"}]}
    body, lost = to_chat({"messages": [said]})

    assert body["messages"] == [{"role": "assistant", "content": "Hi"}]
    assert lost == ("thinking",)


def test_a_chat_servers_own_thought_goes_back_to_it() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "freehold.chat.sig"}
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}
    body, lost = to_chat({"messages": [{"role": "assistant", "content": [use, thought, use | {"id": "c2"}]}]})

    assert body["messages"][0]["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig", "before_call": 1}
    ]
    assert lost == ()


@pytest.mark.parametrize(
    ("last", "marked"),
    [
        ({"type": "text", "text": "Hi"}, {"type": "ephemeral", "ttl": "1h"}),
        ({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}, {"type": "ephemeral"}),
    ],
)
def test_a_cache_mark_on_the_whole_request_is_one_on_its_last_block(last: Body, marked: Body) -> None:
    asked = {"model": "a", "max_tokens": 1, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    turns = [{"role": "user", "content": [{"type": "text", "text": "first"}, last]}]
    read = messages_in.read_request(json.dumps(asked | {"messages": turns}).encode())
    body = json.loads(messages_out.write_request(read, "m", {}))

    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "first"},
        {"type": "text", "text": "Hi", "cache_control": marked},
    ]


def test_a_cache_mark_without_a_block_is_lost() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    _, lost = to_chat(
        {"cache_control": {"type": "ephemeral"}, "messages": [{"role": "assistant", "content": [thought]}]}
    )

    assert lost == ("cache_control", "thinking")


def test_cache_marks_cross_from_chat() -> None:
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    text = {"type": "text", "text": "Hi"} | mark
    tool = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}} | mark
    body, lost = to_messages({"messages": [{"role": "user", "content": [text]}], "tools": [tool]})

    assert body["messages"][0]["content"] == [text]
    assert body["tools"] == [{"name": "f", "input_schema": SCHEMA} | mark]
    assert lost == ()


def test_documents_cross_both_ways() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": PNG}
    document = {"type": "document", "source": source, "title": "a.pdf"}
    plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "grüße"}}
    there, _ = to_chat({"messages": [{"role": "user", "content": [document, plain]}]})
    back, _ = to_messages({"messages": there["messages"]})

    assert there["messages"][0]["content"][0] == {
        "type": "file",
        "file": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "a.pdf"},
    }
    assert back["messages"][0]["content"] == [document, plain | {"title": "document"}]


def test_pictures_in_a_tools_result_follow_it_in_chat() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "see"}, image]}
    body, _ = to_chat({"messages": [{"role": "user", "content": [result]}]})

    assert body["messages"] == [
        {"role": "tool", "tool_call_id": "c1", "content": "see"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "From the result of tool call c1:"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            ],
        },
    ]


def test_of_endless_losses_only_some_are_named() -> None:
    asked: Body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    asked |= {f"{number}{'x' * 1_000}": 1 for number in range(1_000)}

    lost = translate_request(json.dumps(asked).encode(), CHAT, MESSAGES, "m").lost

    assert (len(lost), {len(name) for name in lost}) == (32, {128})


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_a_conversation_that_its_provider_keeps_is_not_carried_on_elsewhere(thread: dict[str, str]) -> None:
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "thread": thread}

    with pytest.raises(NoThread):
        translate_request(json.dumps(asked).encode(), Dialect.MESSAGES, Dialect.CHAT, "m")
