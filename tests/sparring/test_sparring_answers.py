"""What a well-behaved partner says, read by the official SDKs and on the wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic import BaseModel

from freehold.sparring.server import Sparring

from .sparring_client import PROMPT, ask, words

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"],
}
BAD_TOOL = {"type": "function", "function": {"name": "n", "parameters": {"properties": {"a": {"enum": []}}}}}
PIXEL = "iVBORw0KGgo="


@pytest_asyncio.fixture
async def openai(partner: Sparring) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=partner.base_url, api_key="k", max_retries=0) as client:
        yield client


@pytest_asyncio.fixture
async def anthropic(partner: Sparring) -> AsyncIterator[AsyncAnthropic]:
    base_url = partner.base_url.removesuffix("/v1")
    async with AsyncAnthropic(base_url=base_url, api_key="k", max_retries=0) as client:
        yield client


def chat_tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": PARAMETERS}}


def messages_tool(name: str) -> Any:
    return {"name": name, "input_schema": PARAMETERS}


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


async def test_openai_reads_the_same_answer_whole_and_streamed(openai: AsyncOpenAI) -> None:
    whole = await openai.chat.completions.create(model="m", messages=user("hi"))
    options: Any = {"include_usage": True}
    stream = await openai.chat.completions.create(
        model="m", messages=user("hi"), stream=True, stream_options=options
    )
    chunks = [chunk async for chunk in stream]

    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(piece or "" for piece in said) == whole.choices[0].message.content
    assert len([piece for piece in said if piece]) == 20
    assert {chunk.id for chunk in chunks} == {whole.id}
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage
    assert whole.model == "m" and whole.system_fingerprint and whole.usage and whole.usage.total_tokens > 2


async def test_openai_gets_no_usage_in_a_stream_unless_it_asks(openai: AsyncOpenAI) -> None:
    stream = await openai.chat.completions.create(model="m", messages=user("hi"), stream=True)

    assert all(
        chunk.choices and "usage" not in chunk.model_fields_set for chunk in [chunk async for chunk in stream]
    )


async def test_anthropic_reads_the_same_answer_whole_and_streamed(anthropic: AsyncAnthropic) -> None:
    whole = await anthropic.messages.create(model="m", max_tokens=100, messages=user("hi"))
    async with anthropic.messages.stream(model="m", max_tokens=100, messages=user("hi")) as stream:
        final = await stream.get_final_message()

    assert [block.model_dump() for block in final.content] == [block.model_dump() for block in whole.content]
    assert (final.id, final.model, final.stop_reason) == (whole.id, "m", "end_turn")
    assert final.usage.output_tokens == whole.usage.output_tokens > 2


async def test_a_messages_stream_has_its_events_in_order(partner: Sparring) -> None:
    seen = await words(partner.port, "messages", stream=True)

    kinds = [event["type"] for event in seen.parsed()]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[3:-3] == ["content_block_delta"] * 20
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@pytest.mark.parametrize(
    ("prompt", "names"), [("hi", ["weather"]), ("two in parallel", ["weather", "tides"])]
)
async def test_openai_gets_tool_calls_that_fit(openai: AsyncOpenAI, prompt: str, names: list[str]) -> None:
    tools = [chat_tool("weather"), chat_tool("tides")]
    whole = await openai.chat.completions.create(model="m", messages=user(prompt), tools=tools)
    async with openai.chat.completions.stream(model="m", messages=user(prompt), tools=tools) as stream:
        pieces = [event async for event in stream if event.type == "tool_calls.function.arguments.delta"]
        final = await stream.get_final_completion()

    calls: Any = whole.choices[0].message.tool_calls
    streamed: Any = final.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == names
    assert [(call.id, call.function.arguments) for call in streamed] == [
        (call.id, call.function.arguments) for call in calls
    ]
    assert all(set(json.loads(call.function.arguments)) == {"city", "days"} for call in calls)
    assert len(pieces) >= 5 * len(names)
    assert whole.choices[0].finish_reason == final.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("prompt", "names"), [("hi", ["weather"]), ("two in parallel", ["weather", "tides"])]
)
async def test_anthropic_gets_tool_calls_that_fit(
    anthropic: AsyncAnthropic, prompt: str, names: list[str]
) -> None:
    asked: Any = {"model": "m", "max_tokens": 100, "messages": user(prompt)}
    asked["tools"] = [messages_tool("weather"), messages_tool("tides")]
    whole = await anthropic.messages.create(**asked)
    async with anthropic.messages.stream(**asked) as stream:
        final = await stream.get_final_message()

    calls = [block for block in whole.content if block.type == "tool_use"]
    streamed = [block for block in final.content if block.type == "tool_use"]
    assert [call.name for call in calls] == names
    assert [(call.id, call.input) for call in streamed] == [(call.id, call.input) for call in calls]
    assert all(1 <= call.input["days"] <= 7 for call in calls)
    assert whole.stop_reason == final.stop_reason == "tool_use"


async def test_text_may_come_before_a_call(anthropic: AsyncAnthropic) -> None:
    message = await anthropic.messages.create(
        model="m", max_tokens=100, messages=user("think aloud"), tools=[messages_tool("weather")]
    )

    assert [block.type for block in message.content] == ["text", "tool_use"]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("auto", "weather"),
        ("required", "weather"),
        ({"type": "function", "function": {"name": "tides"}}, "tides"),
    ],
)
async def test_the_tool_choice_is_obeyed(openai: AsyncOpenAI, choice: Any, called: str | None) -> None:
    tools = [chat_tool("weather"), chat_tool("tides")]

    answer = await openai.chat.completions.create(
        model="m", messages=user("hi"), tools=tools, tool_choice=choice
    )

    calls: Any = answer.choices[0].message.tool_calls
    assert (calls[0].function.name if calls else None) == called


async def test_a_tool_result_is_quoted_in_both_dialects(
    openai: AsyncOpenAI, anthropic: AsyncAnthropic
) -> None:
    function = {"name": "weather", "arguments": "{}"}
    said: list[Any] = [
        *user("hi"),
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    blocks: list[Any] = [
        *user("hi"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain"}]},
    ]

    chat = await openai.chat.completions.create(model="m", messages=said, tools=[chat_tool("weather")])
    message = await anthropic.messages.create(
        model="m", max_tokens=100, messages=blocks, tools=[messages_tool("weather")]
    )

    assert "tool result: rain" in (chat.choices[0].message.content or "")
    assert "tool result: rain" in message.content[0].model_dump()["text"]


async def test_what_came_besides_the_prompt_is_named(openai: AsyncOpenAI) -> None:
    picture: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content: Any = [{"type": "text", "text": "hi"}, picture]

    answer = await openai.chat.completions.create(
        model="m",
        messages=[{"role": "system", "content": "Be brief now"}, {"role": "user", "content": content}],
    )

    assert (answer.choices[0].message.content or "").startswith("[system: 12 chars; 1 image] ")


async def test_an_echo_tells_the_same_of_the_same_request_in_both_dialects(partner: Sparring) -> None:
    text = {"type": "text", "text": "hi"}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    chat = {
        "model": "echo",
        "temperature": 0.5,
        "max_tokens": 9_999,
        "tools": [chat_tool("weather")],
        "messages": [{"role": "system", "content": "Be kind"}, {"role": "user", "content": [text, picture]}],
    }
    messages = {
        "model": "echo",
        "temperature": 0.5,
        "max_tokens": 9_999,
        "tools": [messages_tool("weather")],
        "system": "Be kind",
        "messages": [{"role": "user", "content": [text, {"type": "image", "source": source}]}],
    }
    headers = {"anthropic-version": "2023-06-01", "authorization": "Bearer secret"}

    told = json.loads(
        (await ask(partner.port, "/v1/chat/completions", chat | {"tool_choice": "none"})).text()
    )
    also = await ask(partner.port, "/v1/messages", messages | {"tool_choice": {"type": "none"}}, headers)

    of_messages = json.loads(also.text())
    assert told["asked"] | {"include_usage": True} == of_messages["asked"]
    assert told["asked"]["turns"][0]["images"] == [{"media_type": "image/png", "base64_length": len(PIXEL)}]
    assert told["parameters"]["temperature"] == 0.5
    assert of_messages["headers"] == {"anthropic-version": "2023-06-01"}
    assert "secret" not in also.text()


async def test_an_answer_ends_at_a_limit_or_a_stop_sequence(
    openai: AsyncOpenAI, anthropic: AsyncAnthropic
) -> None:
    full = (await openai.chat.completions.create(model="m", messages=user("hi"))).choices[
        0
    ].message.content or ""
    third = full.split()[2]

    short = await openai.chat.completions.create(model="m", messages=user("hi"), max_completion_tokens=3)
    stopped = await anthropic.messages.create(
        model="m", max_tokens=99, messages=user("hi"), stop_sequences=[third]
    )

    assert short.choices[0].message.content == full[:12]
    assert short.choices[0].finish_reason == "length"
    assert short.usage and short.usage.completion_tokens == 3
    assert stopped.content[0].model_dump()["text"] == full[: full.index(third)]
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", third)


class Harbour(BaseModel):
    """A shape to answer in."""

    name: str
    depth_m: float
    berths: list[int]


async def test_a_structured_answer_fits_its_schema(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.parse(model="m", messages=user("hi"), response_format=Harbour)

    assert isinstance(answer.choices[0].message.parsed, Harbour)


async def test_embeddings_have_length_one_and_depend_on_the_text(openai: AsyncOpenAI) -> None:
    answer = await openai.embeddings.create(model="m", input=["a", "b", "a"], dimensions=16)
    numbers = await openai.embeddings.create(model="m", input=[1, 2, 3], encoding_format="float")

    first, second, third = (item.embedding for item in answer.data)
    assert first == third != second
    assert sum(value * value for value in first) == pytest.approx(1, abs=1e-5)
    assert (len(first), len(numbers.data), len(numbers.data[0].embedding)) == (16, 1, 64)
    assert answer.model == "m" and numbers.usage.prompt_tokens == 3


async def test_models_are_listed_for_both_sdks(openai: AsyncOpenAI, anthropic: AsyncAnthropic) -> None:
    assert [model.id async for model in openai.models.list()] == ["ok", "echo"]
    assert [model.id async for model in anthropic.models.list()] == ["ok", "echo"]


async def test_the_seed_and_the_model_and_the_prompt_decide_every_byte() -> None:
    async with Sparring(seed=1) as one, Sparring(seed=1) as same, Sparring(seed=2) as other:
        body = {"model": "north", "messages": [PROMPT]}
        path = "/v1/chat/completions"
        first = await ask(one.port, path, body)

        assert (await ask(same.port, path, body)).body == first.body
        assert (await ask(other.port, path, body)).text() != first.text()
        assert (await ask(one.port, path, body | {"model": "south"})).text() != first.text()
        assert (await ask(one.port, path, body | {"messages": user("hi")})).text() != first.text()
        assert (await ask(one.port, path, body | {"model": "north+crlf"})).text() == first.text()


async def test_a_partner_may_claim_to_be_one_model_only() -> None:
    async with Sparring(model="sphinx-2") as partner:
        seen = await words(partner.port, "chat")

    assert seen.model() == "sphinx-2"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/chat/completions", {"model": "m"}, 400, "unreadable"),
        ("/v1/chat/completions", {"model": "m", "messages": "hi"}, 400, "unreadable"),
        ("/v1/chat/completions", {"model": "m", "messages": [], "tools": [BAD_TOOL]}, 400, "unreadable"),
        ("/v1/chat/completions", None, 405, "method_not_allowed"),
        ("/v1/elsewhere", {}, 404, "not_found"),
        ("/v1/elsewhere", None, 404, "not_found"),
    ],
)
async def test_what_cannot_be_served_is_said(
    partner: Sparring, path: str, body: Any, status: int, code: str
) -> None:
    seen = await ask(partner.port, path, body)

    assert (seen.status, seen.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "path", ["/chat/completions", "/v1/chat/completions", "/v1/chat/completions?beta=true"]
)
async def test_the_version_in_the_path_is_optional(partner: Sparring, path: str) -> None:
    assert (await ask(partner.port, path, {"model": "m", "messages": [PROMPT]})).status == 200


async def test_health_needs_no_version_either(partner: Sparring) -> None:
    assert (await ask(partner.port, "/healthz", None)).json() == {"status": "ok"}
