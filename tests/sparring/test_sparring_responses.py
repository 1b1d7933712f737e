"""What a partner says in OpenAI's responses dialect, read by the official SDK and by its types."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from freehold.sparring.server import Sparring

from .sparring_client import PROMPT, ask

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "name": name, "parameters": CITY, "strict": True} for name in ("weather", "tides")
]
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "reasoning": {"reasoning": {"effort": "low", "summary": "auto"}},
    "hidden reasoning": {"reasoning": {"effort": "low"}},
    "a call": {"tools": TOOLS},
    "two calls": {"tools": TOOLS, "input": "two in parallel"},
    "words and a call": {"tools": TOOLS, "input": "think aloud"},
    "refusal": {"model": "refusal"},
    "moderation": {"model": "filtered"},
    "length": {"max_output_tokens": 16},
    "breakdown": {"model": "breakdown"},
    "logprobs": {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    "a shape": {"text": {"format": {"type": "json_schema", "name": "city", "schema": CITY}}},
    "a tier": {"service_tier": "flex"},
    "nothing": {"model": "empty-text"},
}


@pytest_asyncio.fixture
async def openai(partner: Sparring) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=partner.base_url, api_key="k", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_every_event_is_of_a_documented_type_and_they_add_up_to_the_whole(
    partner: Sparring, request_: Any
) -> None:
    asked = {"model": "m", "input": [PROMPT]} | request_
    whole = (await ask(partner.port, "/v1/responses", asked)).json()
    events = (await ask(partner.port, "/v1/responses", asked | {"stream": True})).parsed()

    Response.model_validate(whole)
    for event in events:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1]["response"] == whole
    assert events[-1]["type"] == f"response.{whole['status']}"
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == whole["output"]


@pytest.mark.parametrize(
    "name", ["plain", "reasoning", "two calls", "words and a call", "refusal", "logprobs"]
)
async def test_the_sdk_puts_a_stream_together_to_the_whole(openai: AsyncOpenAI, name: str) -> None:
    asked: Any = {"model": "m", "input": "hi"} | REQUESTS[name]
    whole = await openai.responses.create(**asked)
    async with openai.responses.stream(**asked) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()

    assert final.output_text == whole.output_text
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    assert final.usage == whole.usage
    deltas = {"plain": 20, "two calls": 10}.get(name)
    assert deltas is None or sum(kind.endswith(".delta") for kind in kinds) == deltas


async def test_calls_reasoning_and_words_come_in_order(openai: AsyncOpenAI) -> None:
    asked: Any = {
        "model": "m",
        "input": "aloud, in parallel",
        "tools": TOOLS,
        "reasoning": {"effort": "high"},
    }
    answer = await openai.responses.create(**asked)

    assert [item.type for item in answer.output] == ["reasoning", "message", "function_call", "function_call"]
    assert [json.loads(item.arguments).keys() for item in answer.output if item.type == "function_call"] == [
        {"city"},
        {"city"},
    ]


class City(BaseModel):
    """A shape to answer in."""

    city: str
    days: int


async def test_a_shape_is_kept(openai: AsyncOpenAI) -> None:
    answer = await openai.responses.parse(model="m", input="hi", text_format=City)

    assert isinstance(answer.output_parsed, City)


async def test_log_probabilities_are_of_every_token_and_only_when_asked_for(openai: AsyncOpenAI) -> None:
    include: Any = REQUESTS["logprobs"]
    told: Any = await openai.responses.create(model="m", input="hi", **include)
    plain: Any = await openai.responses.create(model="m", input="hi")

    part = told.output[0].content[0]
    assert "".join(token.token for token in part.logprobs) == part.text == plain.output_text
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in part.logprobs)
    assert all(token.top_logprobs[0].token == token.token for token in part.logprobs)
    assert plain.output[0].content[0].logprobs == []


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"previous_response_id": "resp_1"}, 400, "unreadable"),
        ({"input": [{"type": "item_reference", "id": "rs_1"}]}, 400, "unreadable"),
        ({"model": "429"}, 429, "rate_limit_exceeded"),
    ],
)
async def test_errors_are_worded_as_openai_words_them(
    partner: Sparring, more: dict[str, Any], status: int, code: str
) -> None:
    seen = await ask(partner.port, "/responses", {"model": "m", "input": "hi"} | more)

    assert (seen.status, seen.json()["error"]["code"]) == (status, code)
