"""Requests for Converse: what botocore's own model of the API takes, saying what the application said."""

import base64
import json
from functools import cache
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from freehold.dialects.converse.writing import write_request
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
from freehold.vocabulary.errors import BadRequest, UnsupportedField

CLAUDE, NOVA = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0"
PNG = base64.b64encode(b"\x89PNG").decode()
SCHEMA: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
HELLO = Message(Role.USER, (Text("Hello"),))


@cache
def operation() -> Any:
    service = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
    return service.operation_model("Converse").input_shape


def valid(request: dict[str, Any]) -> dict[str, Any]:
    """The request, once botocore has found nothing wrong with it."""
    report = ParamValidator().validate({"modelId": CLAUDE} | request, operation())
    assert not report.has_errors(), report.generate_report()
    return request


def written(conversation: Conversation, model: str = CLAUDE) -> tuple[dict[str, Any], tuple[str, ...]]:
    lost: dict[str, None] = {}
    return valid(json.loads(write_request(conversation, model, lost))), tuple(lost)


def said(*parts: Part, role: Role = Role.USER) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The blocks that a turn's parts become."""
    request, lost = written(Conversation((Message(role, parts),)))
    return [block for turn in request.get("messages", ()) for block in turn["content"]], lost


def with_settings(model: str = CLAUDE, **settings: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    request, lost = written(Conversation((HELLO,), settings=Settings(**settings)), model)
    del request["messages"]
    return request, lost


def test_a_whole_conversation() -> None:
    conversation = Conversation(
        (
            Message(Role.SYSTEM, (Text("Be brief.", Cache()),)),
            Message(Role.DEVELOPER, (Text("Be kind."),)),
            HELLO,
            Message(Role.ASSISTANT, (Thinking("Hm.", "sig", origin=Dialect.MESSAGES), Text("Hi."))),
            Message(Role.ASSISTANT, (ToolCall("t1", "weather", '{"city": "Oslo"}'),)),
            Message(Role.USER, (ToolResult("t1", (Text("Rain"),)),)),
            Message(Role.USER, (Text(""), Text("And now?"))),
        ),
        (WEATHER,),
        ToolChoice(Choice.REQUIRED),
        Settings(max_tokens=100, temperature=0.5, top_p=0.9, stop=("END",), stream=True),
    )

    assert written(conversation) == (
        {
            "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}, {"text": "Be kind."}],
            "messages": [
                {"role": "user", "content": [{"text": "Hello"}]},
                {
                    "role": "assistant",
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
                        {"text": "Hi."},
                        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"toolResult": {"toolUseId": "t1", "content": [{"text": "Rain"}]}},
                        {"text": "And now?"},
                    ],
                },
            ],
            "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
            "toolConfig": {
                "tools": [
                    {
                        "toolSpec": {
                            "name": "weather",
                            "description": "Tells the weather.",
                            "inputSchema": {"json": SCHEMA},
                        }
                    }
                ],
                "toolChoice": {"any": {}},
            },
        },
        (),
    )


BLOCKS: list[tuple[Part, list[dict[str, Any]], tuple[str, ...]]] = [
    (Text("a", Cache("1h")), [{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}], ()),
    (Text("a", Cache("2h")), [{"text": "a"}, {"cachePoint": {"type": "default"}}], ("cache_control.ttl",)),
    (Refusal("No."), [{"text": "No."}], ()),
    (
        Image(media_type="image/png", data=PNG, detail="low"),
        [{"image": {"format": "png", "source": {"bytes": PNG}}}],
        ("detail",),
    ),
    (
        File(media_type="application/pdf", data=PNG, name="Report  2026.pdf"),
        [{"document": {"format": "pdf", "source": {"bytes": PNG}, "name": "Report 2026"}}],
        ("filename",),
    ),
    (
        File(media_type="text/plain; charset=utf-8", data=PNG, name="notes.txt", cache=Cache()),
        [
            {"document": {"format": "txt", "source": {"bytes": PNG}, "name": "notes"}},
            {"cachePoint": {"type": "default"}},
        ],
        (),
    ),
    (
        File(media_type="text/csv", data=PNG),
        [{"document": {"format": "csv", "source": {"bytes": PNG}, "name": "document"}}],
        (),
    ),
    (
        File(media_type="audio/wav", data=PNG, name="a.wav"),
        [{"audio": {"format": "wav", "source": {"bytes": PNG}}}],
        ("filename",),
    ),
    (File(media_type="video/mp4", data=PNG), [{"video": {"format": "mp4", "source": {"bytes": PNG}}}], ()),
    (ToolCall("t", "weather", ""), [{"toolUse": {"toolUseId": "t", "name": "weather", "input": {}}}], ()),
    (
        ToolResult("t", (Text('{"c": 1}'),), is_error=True, structured=True, cache=Cache()),
        [
            {"toolResult": {"toolUseId": "t", "content": [{"json": {"c": 1}}], "status": "error"}},
            {"cachePoint": {"type": "default"}},
        ],
        (),
    ),
    (
        ToolResult("t", (Text("see"), Image(media_type="image/webp", data=PNG))),
        [
            {
                "toolResult": {
                    "toolUseId": "t",
                    "content": [{"text": "see"}, {"image": {"format": "webp", "source": {"bytes": PNG}}}],
                }
            }
        ],
        (),
    ),
    (Thinking(redacted=PNG, origin=Dialect.CONVERSE), [{"reasoningContent": {"redactedContent": PNG}}], ()),
    (Thinking("Hm.", "sig", origin=Dialect.GEMINI), [], ("thinking",)),
    (Thinking("Hm."), [], ("thinking",)),
]


@pytest.mark.parametrize(("part", "blocks", "lost"), BLOCKS, ids=lambda value: repr(value)[:40])
def test_a_part_becomes_a_block(part: Part, blocks: list[dict[str, Any]], lost: tuple[str, ...]) -> None:
    assert said(part) == (blocks, lost)


REFUSED: list[tuple[Part, str]] = [
    (Image(url="https://x.example/a.png"), "images by value only"),
    (Image(media_type="image/tiff", data=PNG), "no images of type image/tiff"),
    (File(url="https://x.example/a.pdf"), "files by value only"),
    (File(media_type="application/zip", data=PNG), "no files of type application/zip"),
    (File(data=PNG), "no files of type unknown"),
]


@pytest.mark.parametrize(("part", "why"), REFUSED)
def test_what_has_no_block_is_refused(part: Part, why: str) -> None:
    with pytest.raises(UnsupportedField, match=why):
        said(part)


def test_arguments_that_are_no_object_are_refused() -> None:
    with pytest.raises(BadRequest, match="tool call `t`"):
        said(ToolCall("t", "weather", '{"city'), role=Role.ASSISTANT)


def test_a_system_prompt_is_text() -> None:
    with pytest.raises(UnsupportedField, match="only text"):
        written(Conversation((Message(Role.SYSTEM, (Image(media_type="image/png", data=PNG),)), HELLO)))


def test_a_prompt_in_the_middle_stays_where_it_is() -> None:
    request, _ = written(Conversation((HELLO, Message(Role.SYSTEM, (Text("Stop."),)), HELLO)))

    assert [turn["role"] for turn in request["messages"]] == ["user", "system", "user"]


def test_no_two_documents_have_the_same_name() -> None:
    files = [File(media_type="application/pdf", data=PNG, name=name) for name in ("a.pdf", "a.pdf", "ä")]
    blocks, lost = said(*files, File(media_type="application/pdf", data=PNG))

    assert [block["document"]["name"] for block in blocks] == ["a", "a (2)", "-", "document"]
    assert lost == ("filename",)


@given(st.text(max_size=300))
def test_a_tool_call_and_its_result_keep_their_common_id(given_id: str) -> None:
    [call], _ = said(ToolCall(given_id, "weather", "{}"))
    [result], _ = said(ToolResult(given_id, (Text("a"),)))

    assert call["toolUse"]["toolUseId"] == result["toolResult"]["toolUseId"]


@given(st.one_of(st.none(), st.text(max_size=300)))
def test_a_document_may_have_any_name(name: str | None) -> None:
    blocks, _ = said(File(media_type="text/html", data=PNG, name=name))

    assert blocks[0]["document"]["name"].strip()


SETTINGS: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (CLAUDE, {"temperature": 1.5}, {"inferenceConfig": {"temperature": 1.0}}, ("temperature",)),
    (CLAUDE, {"temperature": 0.0}, {"inferenceConfig": {"temperature": 0.0}}, ()),
    (CLAUDE, {"top_k": 5}, {"additionalModelRequestFields": {"top_k": 5}}, ()),
    (NOVA, {"top_k": 5}, {}, ("top_k",)),
    (
        CLAUDE,
        {"reasoning": Reasoning(True, None, 2_048)},
        {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2_048}}},
        (),
    ),
    (
        CLAUDE,
        {"reasoning": Reasoning(True, "minimal", summary="auto")},
        {
            "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
            "outputConfig": {"effort": "low"},
        },
        ("reasoning.summary",),
    ),
    (
        CLAUDE,
        {"reasoning": Reasoning(False)},
        {"additionalModelRequestFields": {"thinking": {"type": "disabled"}}},
        (),
    ),
    (NOVA, {"reasoning": Reasoning(True, "high")}, {"outputConfig": {"effort": "high"}}, ()),
    (NOVA, {"reasoning": Reasoning(True, None, 9)}, {}, ("reasoning", "thinking.budget_tokens")),
    (NOVA, {"reasoning": Reasoning(False)}, {}, ("reasoning",)),
    (
        CLAUDE,
        {"schema": Schema(SCHEMA, "weather", "The weather", True)},
        {
            "outputConfig": {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {
                        "jsonSchema": {
                            "schema": json.dumps(SCHEMA, separators=(",", ":")),
                            "name": "weather",
                            "description": "The weather",
                        }
                    },
                }
            }
        },
        (),
    ),
    (CLAUDE, {"service_tier": "flex"}, {"serviceTier": {"type": "flex"}}, ()),
    (CLAUDE, {"service_tier": "auto"}, {}, ("service_tier",)),
    (CLAUDE, {"metadata": {"team": "a b"}}, {"requestMetadata": {"team": "a b"}}, ()),
    (CLAUDE, {"metadata": {"team": "ä"}}, {}, ("metadata",)),
    (CLAUDE, {"metadata": {str(n): "" for n in range(17)}}, {}, ("metadata",)),
    (
        CLAUDE,
        {"frequency_penalty": 1.0, "presence_penalty": 1.0, "seed": 1, "verbosity": "low", "user": "u"},
        {},
        ("frequency_penalty", "presence_penalty", "seed", "verbosity", "user"),
    ),
]


@pytest.mark.parametrize(("model", "settings", "request_", "lost"), SETTINGS)
def test_a_setting_is_said_or_named(
    model: str, settings: dict[str, Any], request_: dict[str, Any], lost: tuple[str, ...]
) -> None:
    assert with_settings(model, **settings) == (request_, lost)


@pytest.mark.parametrize("settings", [{"json": True}, {"logprobs": True}, {"top_logprobs": 3}])
def test_a_setting_that_changes_the_answer_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedField):
        with_settings(**settings)


OTHER = Tool("clock", None, {"type": "object"}, strict=True, cache=Cache("5m"))
CLOCK = [
    {"toolSpec": {"name": "clock", "inputSchema": {"json": {"type": "object"}}, "strict": True}},
    {"cachePoint": {"type": "default", "ttl": "5m"}},
]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice(Choice.AUTO, allowed=("clock",)), {"tools": CLOCK, "toolChoice": {"auto": {}}}),
        (
            ToolChoice(Choice.NAMED, "clock", allowed=("clock",)),
            {"tools": CLOCK, "toolChoice": {"tool": {"name": "clock"}}},
        ),
        (ToolChoice(Choice.NONE), None),
    ],
)
def test_a_choice_among_tools(choice: ToolChoice, config: dict[str, Any] | None) -> None:
    request, lost = written(Conversation((HELLO,), (WEATHER, OTHER), choice))

    assert (request.get("toolConfig"), lost) == (config, ())


def test_tools_cannot_be_forbidden_once_they_were_used() -> None:
    used = Message(Role.ASSISTANT, (ToolCall("t", "weather", "{}"),))

    with pytest.raises(UnsupportedField, match="cannot forbid tools"):
        written(Conversation((HELLO, used), (WEATHER,), ToolChoice(Choice.NONE)))


def test_one_call_at_a_time_cannot_be_promised() -> None:
    with pytest.raises(UnsupportedField, match="several tool calls"):
        written(Conversation((HELLO,), (WEATHER,), settings=Settings(parallel_tools=False)))

    request, _ = written(Conversation((HELLO,), (WEATHER,), settings=Settings(parallel_tools=True)))
    assert "toolConfig" in request


def test_the_reference_would_notice_a_wrong_request() -> None:
    with pytest.raises(AssertionError, match="contnt"):
        valid({"messages": [{"role": "user", "contnt": []}]})
