"""What a partner says in Gemini's dialect, read by the official SDK, which knows every field."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from google.genai import Client, errors, types

from freehold.sparring.server import Sparring

from .sparring_client import ask

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DECLARED = [
    types.FunctionDeclaration(name=name, parameters_json_schema=CITY) for name in ("weather", "tides")
]
TOOLS: Any = {
    "tools": [types.Tool(function_declarations=DECLARED)],
    "automatic_function_calling": {"disable": True},
}
THINKING: Any = {"thinking_config": {"include_thoughts": True}}


@pytest_asyncio.fixture
async def models(partner: Sparring) -> AsyncIterator[Any]:
    options: Any = {"base_url": partner.base_url.removesuffix("/v1")}
    client = Client(api_key="k", http_options=options)
    yield client.aio.models
    await client.aio.aclose()


async def both(
    models: Any, config: Any = None, prompt: str = "hi", model: str = "m"
) -> tuple[Any, list[Any]]:
    """The whole answer, and the chunks of the same one."""
    asked = {"model": model, "contents": prompt, "config": config}
    stream = await models.generate_content_stream(**asked)
    return await models.generate_content(**asked), [chunk async for chunk in stream]


def parts_of(chunks: list[Any]) -> list[Any]:
    return [part for chunk in chunks for part in chunk.candidates[0].content.parts]


async def test_the_words_are_the_same_whole_and_streamed(models: Any) -> None:
    whole, chunks = await both(models)

    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert len(chunks) == 21
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert (
        chunks[-1].candidates[0].finish_reason == whole.candidates[0].finish_reason == types.FinishReason.STOP
    )
    assert {chunk.candidates[0].finish_reason for chunk in chunks[:-1]} == {None}
    assert {chunk.model_version for chunk in chunks} == {whole.model_version} == {"m"}


@pytest.mark.parametrize(("prompt", "names"), [("hi", ["weather"]), ("in parallel", ["weather", "tides"])])
async def test_calls_come_whole(models: Any, prompt: str, names: list[str]) -> None:
    whole, chunks = await both(models, TOOLS, prompt)

    streamed = [part.function_call for part in parts_of(chunks) if part.function_call]
    assert whole.function_calls == streamed
    assert [call.name for call in streamed] == names
    assert all(call.id and set(call.args) == {"city"} for call in streamed)


@pytest.mark.parametrize("config", [THINKING, THINKING | TOOLS], ids=["words", "a call"])
async def test_a_thought_is_signed_on_the_part_that_follows(models: Any, config: Any) -> None:
    whole, chunks = await both(models, config, "in parallel")

    for parts in (whole.candidates[0].content.parts, parts_of(chunks)):
        assert "".join(part.text for part in parts if part.thought).count(" ") == 11
        signed = [part for part in parts if part.thought_signature]
        assert len(signed) == 1 and not signed[0].thought
        assert (signed[0].function_call is not None) == ("tools" in config)
    assert whole.usage_metadata.thoughts_token_count > 1
    assert chunks[-1].usage_metadata == whole.usage_metadata


async def test_thoughts_are_signed_though_not_shown(models: Any) -> None:
    whole, _ = await both(models, {"thinking_config": {"thinking_level": "LOW"}})
    without, _ = await both(models, {"thinking_config": {"thinking_budget": 0}})

    assert [bool(part.thought_signature) for part in whole.candidates[0].content.parts] == [True]
    assert [bool(part.thought_signature) for part in without.candidates[0].content.parts] == [False]


@pytest.mark.parametrize(
    ("model", "blocked", "finish"),
    [
        ("refusal", "PROHIBITED_CONTENT", None),
        ("refusal=SAFETY", None, "SAFETY"),
        ("filtered", None, "SAFETY"),
        ("length", None, "MAX_TOKENS"),
        ("breakdown", None, "OTHER"),
    ],
)
async def test_why_it_ended_is_told(models: Any, model: str, blocked: Any, finish: Any) -> None:
    whole, chunks = await both(models, model=model)

    for last in (whole, chunks[-1]):
        feedback = last.prompt_feedback
        assert (feedback.block_reason if feedback else None) == blocked
        assert (last.candidates[0].finish_reason if last.candidates else None) == finish


async def test_a_call_that_cannot_be_written_is_a_finish(models: Any) -> None:
    whole, chunks = await both(models, TOOLS, model="broken-arguments")

    for last in (whole, chunks[-1]):
        assert last.candidates[0].finish_reason == types.FinishReason.MALFORMED_FUNCTION_CALL
        assert not last.function_calls


@pytest.mark.parametrize(
    "schema",
    [
        {"response_json_schema": CITY},
        {"response_schema": {"type": "OBJECT", "properties": CITY["properties"]}},
        {"response_schema": {"any_of": [CITY]}},
    ],
)
async def test_a_shape_is_kept(models: Any, schema: Any) -> None:
    whole, _ = await both(models, {"response_mime_type": "application/json", **schema})

    assert set(json.loads(whole.text)) == {"city"}


async def test_a_property_keeps_its_name_whatever_google_calls_its_own(models: Any) -> None:
    schema = {"type": "OBJECT", "properties": {"any_of": {"type": "INTEGER"}}}
    whole, _ = await both(models, {"response_mime_type": "application/json", "response_schema": schema})

    assert list(json.loads(whole.text)) == ["any_of"]


async def test_a_picture_is_placed_in_space(partner: Sparring) -> None:
    picture = {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}
    answer = await ask(partner.port, "/v1beta/models/m:embedContent", {"content": {"parts": [picture]}})

    assert len(answer.json()["embedding"]["values"]) == 64


async def test_log_probabilities_are_of_every_token(models: Any) -> None:
    whole, chunks = await both(models, {"response_logprobs": True, "logprobs": 2})

    told = [chunk.candidates[0].logprobs_result for chunk in chunks if chunk.candidates[0].logprobs_result]
    chosen = [token for result in told for token in result.chosen_candidates]
    assert "".join(token.token for token in chosen) == whole.text
    assert chosen == whole.candidates[0].logprobs_result.chosen_candidates
    assert all(len(top.candidates) == 2 for top in whole.candidates[0].logprobs_result.top_candidates)


async def test_the_tier_is_told_in_a_header(models: Any) -> None:
    whole, _ = await both(models, {"service_tier": "flex"})

    assert whole.sdk_http_response.headers["x-gemini-service-tier"] == "flex"


async def test_texts_are_counted_and_placed_in_space(partner: Sparring, models: Any) -> None:
    count = await models.count_tokens(model="m", contents="Which way is north?")
    vectors = await models.embed_content(
        model="m", contents=["a", "b", "a"], config={"output_dimensionality": 16}
    )
    single = await ask(partner.port, "/v1beta/models/m:embedContent", {"content": {"parts": [{"text": "a"}]}})

    first, second, third = (embedding.values for embedding in vectors.embeddings)
    assert count.total_tokens == 5
    assert first == third != second and len(first) == 16
    assert len(single.json()["embedding"]["values"]) == 64


async def test_models_are_listed(models: Any) -> None:
    assert [model.name async for model in await models.list()] == ["models/ok", "models/echo"]


@pytest.mark.parametrize(
    ("model", "code", "status"),
    [
        ("400", 400, "INVALID_ARGUMENT"),
        ("401", 401, "UNAUTHENTICATED"),
        ("429", 429, "RESOURCE_EXHAUSTED"),
        ("503", 503, "UNAVAILABLE"),
        ("504", 504, "DEADLINE_EXCEEDED"),
    ],
)
async def test_errors_are_worded_as_google_words_them(
    models: Any, model: str, code: int, status: str
) -> None:
    with pytest.raises(errors.APIError) as error:
        await models.generate_content(model=model, contents="hi")

    assert (error.value.code, error.value.status) == (code, status)


async def test_a_stream_is_one_of_events_or_none(partner: Sparring) -> None:
    seen = await ask(partner.port, "/v1beta/models/m:streamGenerateContent", {"contents": []})

    assert seen.status == 400 and "alt=sse" in seen.json()["error"]["message"]
