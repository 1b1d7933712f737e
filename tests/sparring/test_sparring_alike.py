"""The same request in every dialect is understood alike and answered with the same words."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from freehold.sparring.asked import CONTINUE
from freehold.sparring.server import Sparring

from .sparring_client import DIALECTS, Seen, ask, words

PIXEL = "iVBORw0KGgo="
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
SAID = {"text": "Where to?"}
THINKING: dict[str, dict[str, Any]] = {
    "chat": {"reasoning_effort": "low"},
    "messages": {"thinking": {"type": "enabled", "budget_tokens": 1_024}, "output_config": {"effort": "low"}},
    "responses": {"reasoning": {"effort": "low", "summary": "auto"}},
    "gemini": {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}}},
    "converse": {
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
        "outputConfig": {"effort": "low"},
    },
}
SIGNED = ("messages", "responses", "gemini", "converse")


def turns(dialect: str, *said: str) -> dict[str, Any]:
    """What the user and the model say in turn; the user begins."""
    if dialect == "gemini":
        roles = ("user", "model")
        return {"contents": [{"role": roles[n % 2], "parts": [{"text": one}]} for n, one in enumerate(said)]}
    roles = ("user", "assistant")
    if dialect == "converse":
        return {
            "messages": [{"role": roles[n % 2], "content": [{"text": one}]} for n, one in enumerate(said)]
        }
    told = [{"role": roles[n % 2], "content": one} for n, one in enumerate(said)]
    return {"input" if dialect == "responses" else "messages": told}


def full_conversation() -> dict[str, tuple[str, dict[str, Any]]]:
    """Instructions, a picture, a document, a tool, a call, its result, and the wish to think; its path and body."""
    url = f"data:image/png;base64,{PIXEL}"
    file_url = f"data:application/pdf;base64,{PIXEL}"
    call = {"name": "weather", "arguments": '{"city":"Ulm"}'}
    source = {"type": "base64", "data": PIXEL}
    blob = {"data": PIXEL}
    return {
        "chat": (
            "/chat/completions",
            {
                "messages": [
                    {"role": "developer", "content": "Be kind"},
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", **SAID},
                            {"type": "image_url", "image_url": {"url": url}},
                            {"type": "file", "file": {"file_data": file_url, "filename": "map"}},
                        ],
                    },
                    {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": call}]},
                    {"role": "tool", "tool_call_id": "c", "content": "rain"},
                ],
                "tools": [{"type": "function", "function": {"name": "weather", "parameters": CITY}}],
                "max_completion_tokens": 9_999,
                "stream_options": {"include_usage": True},
            },
        ),
        "messages": (
            "/messages",
            {
                "system": "Be kind",
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", **SAID},
                            {"type": "image", "source": source | {"media_type": "image/png"}},
                            {
                                "type": "document",
                                "source": source | {"media_type": "application/pdf"},
                                "title": "map",
                            },
                        ],
                    },
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "tool_use", "id": "c", "name": "weather", "input": {"city": "Ulm"}}
                        ],
                    },
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "c", "content": "rain"}],
                    },
                ],
                "tools": [{"name": "weather", "input_schema": CITY}],
                "max_tokens": 9_999,
            },
        ),
        "responses": (
            "/responses",
            {
                "instructions": "Be kind",
                "input": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "input_text", **SAID},
                            {"type": "input_image", "image_url": url},
                            {"type": "input_file", "file_data": file_url, "filename": "map"},
                        ],
                    },
                    {"type": "function_call", "call_id": "c", **call},
                    {"type": "function_call_output", "call_id": "c", "output": "rain"},
                ],
                "tools": [{"type": "function", "name": "weather", "parameters": CITY}],
                "max_output_tokens": 9_999,
            },
        ),
        "gemini": (
            "/models/echo:generateContent",
            {
                "systemInstruction": {"parts": [{"text": "Be kind"}]},
                "contents": [
                    {
                        "role": "user",
                        "parts": [
                            SAID,
                            {"inlineData": blob | {"mimeType": "image/png"}},
                            {"inline_data": blob | {"mime_type": "application/pdf", "display_name": "map"}},
                        ],
                    },
                    {
                        "role": "model",
                        "parts": [{"functionCall": {"id": "c", "name": "weather", "args": {"city": "Ulm"}}}],
                    },
                    {
                        "role": "user",
                        "parts": [
                            {
                                "functionResponse": {
                                    "id": "c",
                                    "name": "weather",
                                    "response": {"output": "rain"},
                                }
                            }
                        ],
                    },
                ],
                "tools": [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": CITY}]}],
                "generationConfig": {"maxOutputTokens": 9_999},
            },
        ),
        "converse": (
            "/model/echo/converse",
            {
                "system": [{"text": "Be kind"}],
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            SAID,
                            {"image": {"format": "png", "source": {"bytes": PIXEL}}},
                            {"document": {"format": "pdf", "name": "map", "source": {"bytes": PIXEL}}},
                        ],
                    },
                    {
                        "role": "assistant",
                        "content": [
                            {"toolUse": {"toolUseId": "c", "name": "weather", "input": {"city": "Ulm"}}}
                        ],
                    },
                    {
                        "role": "user",
                        "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "rain"}]}}],
                    },
                ],
                "toolConfig": {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": CITY}}}]},
                "inferenceConfig": {"maxTokens": 9_999},
            },
        ),
    }


def thinking(dialect: str, body: dict[str, Any]) -> dict[str, Any]:
    """The same request with the wish to think."""
    more = THINKING[dialect]
    return body | {
        name: body.get(name, {}) | value if isinstance(value, dict) else value for name, value in more.items()
    }


async def test_every_dialect_is_understood_alike(partner: Sparring) -> None:
    understood = {}
    for dialect, (path, body) in full_conversation().items():
        seen = await ask(partner.port, path, {"model": "echo"} | thinking(dialect, body))
        understood[dialect] = json.loads(seen.text())["asked"]

    assert understood["chat"]["turns"][0]["files"] == [
        {"media_type": "application/pdf", "base64_length": len(PIXEL), "name": "map"}
    ]
    assert understood["chat"]["thinks"] and understood["chat"]["effort"] == "low"
    for dialect, asked in understood.items():
        assert asked == understood["chat"], dialect


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_every_dialect_says_the_same_words(partner: Sparring, stream: bool) -> None:
    said = {(await words(partner.port, dialect, stream=stream)).text() for dialect in DIALECTS}

    assert len(said) == 1 and len(said.pop().split()) == 20


@pytest.mark.parametrize("cut", [1, 30, 70])
@pytest.mark.parametrize("told", [True, False], ids=["asked to go on", "prefilled"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_broken_answer_is_continued_where_it_stopped(
    partner: Sparring, dialect: str, stream: bool, told: bool, cut: int
) -> None:
    before = ("one", "two", "three")
    full = (await words(partner.port, dialect, **turns(dialect, *before))).text()
    partial = full[:cut].rstrip()
    asks = (f"{CONTINUE}, please.",) if told else ()

    rest = await words(partner.port, dialect, stream=stream, **turns(dialect, *before, partial, *asks))

    assert partial + rest.text() == full


@pytest.mark.parametrize("dialect", ["messages", "converse"])
async def test_a_prefill_must_not_end_in_a_space(partner: Sparring, dialect: str) -> None:
    seen = await words(partner.port, dialect, **turns(dialect, "one", "two "))

    assert seen.status == 400 and b"trailing whitespace" in seen.body


async def test_what_is_no_beginning_of_the_answer_is_not_taken_from_it(partner: Sparring) -> None:
    answer = await words(partner.port, "chat", **turns("chat", "one", "no such words"))

    assert answer.text() == (await words(partner.port, "chat", **turns("chat", "one"))).text()


def with_thought(dialect: str, first: Seen, seal: str | None = None) -> dict[str, Any]:
    """The history with the answer as it came; or with another signature in it."""
    told = first.body.decode()
    if seal is not None:
        told = told.replace(SEALS[dialect](first.json()), seal)
    answer = json.loads(told)
    question, after = turns(dialect, "one"), turns(dialect, "three")
    ((name, asked),) = question.items()
    told_by: dict[str, Callable[[], list[Any]]] = {
        "messages": lambda: [{"role": "assistant", "content": answer["content"]}],
        "responses": lambda: answer["output"],
        "gemini": lambda: [answer["candidates"][0]["content"]],
        "converse": lambda: [answer["output"]["message"]],
    }
    return {name: asked + told_by[dialect]() + after[name]}


SEALS: dict[str, Any] = {
    "messages": lambda told: told["content"][0]["signature"],
    "responses": lambda told: told["output"][0]["encrypted_content"],
    "gemini": lambda told: told["candidates"][0]["content"]["parts"][-1]["thoughtSignature"],
    "converse": lambda told: told["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"][
        "signature"
    ],
}


@pytest.mark.parametrize("dialect", SIGNED)
async def test_a_partner_takes_back_only_what_it_signed_itself(partner: Sparring, dialect: str) -> None:
    asked = turns(dialect, "one") | THINKING[dialect]
    first = await words(partner.port, dialect, **asked)
    async with Sparring(seed=1) as stranger, Sparring() as twin:
        seal = SEALS[dialect]((await words(stranger.port, dialect, **asked)).json())
        own = await words(twin.port, dialect, **with_thought(dialect, first))
    foreign = await words(partner.port, dialect, **with_thought(dialect, first, seal))
    made_up = await words(partner.port, dialect, **with_thought(dialect, first, "freehold.chat.abc"))

    assert (own.status, foreign.status, made_up.status) == (200, 400, 400)
    assert b"signature" in foreign.body or b"invalid_encrypted_content" in foreign.body


@pytest.mark.parametrize("dialect", SIGNED)
async def test_a_signature_of_another_dialect_is_foreign(partner: Sparring, dialect: str) -> None:
    other = "responses" if dialect == "gemini" else "gemini"
    asked = turns(dialect, "one") | THINKING[dialect]
    first = await words(partner.port, dialect, **asked)
    seal = SEALS[other]((await words(partner.port, other, **turns(other, "one"), **THINKING[other])).json())

    assert (await words(partner.port, dialect, **with_thought(dialect, first, seal))).status == 400


async def test_a_signature_holds_wherever_its_maker_is_served(partner: Sparring) -> None:
    first = await words(partner.port, "messages", **turns("messages", "one"), **THINKING["messages"])
    block = first.json()["content"][0]
    thought = {
        "reasoningContent": {"reasoningText": {"text": block["thinking"], "signature": block["signature"]}}
    }
    said = turns("converse", "one", "two", "three")
    said["messages"][1]["content"].insert(0, thought)

    assert (await words(partner.port, "converse", **said)).status == 200
    thought["reasoningContent"]["reasoningText"]["text"] += " and more"
    assert (await words(partner.port, "converse", **said)).status == 400


async def test_a_thought_without_its_signature_is_not_taken_back(partner: Sparring) -> None:
    said = turns("messages", "one", "two", "three")
    said["messages"][1]["content"] = [{"type": "thinking", "thinking": "Hm."}]

    assert (await words(partner.port, "messages", **said)).status == 400


async def test_gemini_takes_the_waiver_for_a_history_of_another_model(partner: Sparring) -> None:
    said = turns("gemini", "one", "two", "three")
    said["contents"][1]["parts"][0]["thoughtSignature"] = "skip_thought_signature_validator"

    assert (await words(partner.port, "gemini", **said)).status == 200


async def test_a_chat_thinks_aloud_in_a_field_of_its_own(partner: Sparring) -> None:
    whole = await words(partner.port, "chat", **THINKING["chat"])
    stream = await words(partner.port, "chat", stream=True, **THINKING["chat"])

    thought = whole.json()["choices"][0]["message"]["reasoning_content"]
    deltas = [event["choices"][0]["delta"] for event in stream.parsed() if event["choices"]]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == thought != ""
    assert whole.usage() == stream.usage()
    assert whole.usage()["completion_tokens_details"]["reasoning_tokens"] > 0


async def test_a_messages_thought_is_signed_hidden_or_sealed_as_asked(partner: Sparring) -> None:
    shown = await words(partner.port, "messages", **THINKING["messages"])
    hidden = await words(partner.port, "messages", thinking={"type": "adaptive", "display": "omitted"})
    sealed = await words(partner.port, "messages", **turns("messages", "sealed"), **THINKING["messages"])
    stream = await words(partner.port, "messages", stream=True, **THINKING["messages"])

    first = shown.json()["content"][0]
    assert first["type"] == "thinking" and first["thinking"] and first["signature"]
    assert hidden.json()["content"][0] == first | {"thinking": ""}
    assert sealed.json()["content"][0].keys() == {"type", "data"}
    deltas = [event["delta"] for event in stream.parsed() if event["type"] == "content_block_delta"]
    assert "".join(delta.get("thinking", "") for delta in deltas) == first["thinking"]
    assert [delta["signature"] for delta in deltas if "signature" in delta] == [first["signature"]]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_prompt_can_ask_for_a_refusal(partner: Sparring, dialect: str) -> None:
    seen = await words(partner.port, dialect, **turns(dialect, "please refuse as bio"))

    assert seen.status == 200 and seen.text() == ""
    assert dialect != "messages" or seen.json()["stop_details"]["category"] == "bio"


async def test_chat_tells_log_probabilities_when_asked(partner: Sparring) -> None:
    more: dict[str, Any] = {"logprobs": True, "top_logprobs": 1, "service_tier": "flex"}
    whole = await words(partner.port, "chat", **more)
    stream = await words(partner.port, "chat", stream=True, **more)

    told = whole.json()["choices"][0]["logprobs"]["content"]
    pieces = [event["choices"][0]["logprobs"] for event in stream.parsed() if event["choices"]]
    assert "".join(bytes(token["bytes"]).decode() for token in told) == whole.text() == stream.text()
    assert [token for piece in pieces if piece for token in piece["content"]] == told
    assert whole.json()["service_tier"] == stream.parsed()[0]["service_tier"] == "flex"


async def test_tokens_are_counted_without_an_answer(partner: Sparring) -> None:
    body = {"model": "m"} | turns("messages", "Which way is north?")

    seen = await ask(partner.port, "/v1/messages/count_tokens", body)

    assert seen.json() == {"input_tokens": 5}
    assert (await ask(partner.port, "/messages/count_tokens", body | {"model": "429"})).status == 429


@pytest.mark.parametrize(
    ("dialect", "choice"),
    [
        (
            "chat",
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"function": {"name": "b"}}]},
            },
        ),
        (
            "responses",
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]},
        ),
        ("gemini", {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["b"]}}),
    ],
)
async def test_only_an_allowed_tool_is_called(partner: Sparring, dialect: str, choice: Any) -> None:
    named = [{"type": "function", "name": name} for name in "ab"]
    tools: Any = {
        "chat": {"tools": [{"type": "function", "function": tool} for tool in named], "tool_choice": choice},
        "responses": {"tools": named, "tool_choice": choice},
        "gemini": {"tools": [{"functionDeclarations": named}], "toolConfig": choice},
    }[dialect]

    seen = await words(partner.port, dialect, **tools)

    assert b'"name":"b"' in seen.body and b'"name":"a"' not in seen.body


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1beta", "/v1/projects/p/locations/eu/publishers/google"])
async def test_a_gemini_path_may_have_any_version_before_it(partner: Sparring, prefix: str) -> None:
    seen = await ask(
        partner.port, f"{prefix}/models/a%2Frefusal-words:generateContent", turns("gemini", "one")
    )

    assert seen.status == 200 and seen.model() == "a/refusal-words"
