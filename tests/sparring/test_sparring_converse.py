"""What a partner says in Amazon Bedrock's dialect, read by botocore, which checks every frame."""

import asyncio
import json
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from freehold.sparring.server import Sparring

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SPECS = [{"toolSpec": {"name": name, "inputSchema": {"json": CITY}}} for name in ("weather", "tides")]
TOOLS: Any = {"toolConfig": {"tools": SPECS}}
THINKING: Any = {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1_024}}}


@pytest.fixture
def bedrock(partner: Sparring) -> Any:
    return botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=partner.base_url.removesuffix("/v1"),
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": 1}),
    )


def user(text: str) -> Any:
    return [{"role": "user", "content": [{"text": text}]}]


async def both(bedrock: Any, prompt: str = "hi", model: str = "m", **more: Any) -> tuple[Any, list[Any]]:
    """The whole answer, and the events of the same one."""
    asked = {"modelId": model, "messages": user(prompt), **more}
    whole = await asyncio.to_thread(bedrock.converse, **asked)
    stream = await asyncio.to_thread(bedrock.converse_stream, **asked)
    return whole, await asyncio.to_thread(list, stream["stream"])


def put_together(events: list[Any]) -> list[Any]:
    """The content blocks that a stream's deltas make."""
    blocks: list[Any] = []
    for event in events:
        told = event.get("contentBlockStart", event.get("contentBlockDelta"))
        if told is None:
            continue
        if told["contentBlockIndex"] == len(blocks):
            blocks.append({})
        for kind, value in told.get("delta", told.get("start")).items():
            if isinstance(value, str):
                blocks[-1][kind] = blocks[-1].get(kind, "") + value
            else:
                block = blocks[-1].setdefault(kind, {})
                block |= {name: block.get(name, type(piece)()) + piece for name, piece in value.items()}
    for block in blocks:
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
        elif "signature" in block.get("reasoningContent", {}):
            block["reasoningContent"] = {"reasoningText": block["reasoningContent"]}
    return blocks


@pytest.mark.parametrize(
    ("prompt", "more", "kinds"),
    [
        ("hi", {}, ["text"]),
        ("in parallel", TOOLS, ["toolUse", "toolUse"]),
        ("aloud", TOOLS | THINKING, ["reasoningContent", "text", "toolUse"]),
        ("sealed", THINKING, ["reasoningContent", "text"]),
    ],
    ids=["words", "two calls", "all of it", "a sealed thought"],
)
async def test_a_stream_adds_up_to_the_whole(bedrock: Any, prompt: str, more: Any, kinds: list[str]) -> None:
    whole, events = await both(bedrock, prompt, **more)

    content = whole["output"]["message"]["content"]
    assert [next(iter(block)) for block in content] == kinds
    assert put_together(events) == content
    assert [next(iter(event)) for event in (events[0], *events[-2:])] == [
        "messageStart",
        "messageStop",
        "metadata",
    ]
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    assert events[-2]["messageStop"]["stopReason"] == whole["stopReason"]


@pytest.mark.parametrize(
    ("model", "more", "word"),
    [
        ("ok", {}, "end_turn"),
        ("ok", TOOLS, "tool_use"),
        ("ok", {"inferenceConfig": {"maxTokens": 2}}, "max_tokens"),
        ("ok", {"inferenceConfig": {"stopSequences": [" "]}}, "stop_sequence"),
        ("refusal", {}, "content_filtered"),
        ("filtered", {}, "guardrail_intervened"),
        ("breakdown", {}, "malformed_model_output"),
    ],
)
async def test_why_it_ended_is_told(bedrock: Any, model: str, more: Any, word: str) -> None:
    whole, events = await both(bedrock, model=model, **more)

    assert whole["stopReason"] == events[-2]["messageStop"]["stopReason"] == word


async def test_a_shape_and_a_tier_are_kept(bedrock: Any) -> None:
    shape = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(CITY), "name": "city"}}}
    whole, _ = await both(bedrock, outputConfig={"textFormat": shape}, serviceTier={"type": "flex"})

    assert set(json.loads(whole["output"]["message"]["content"][0]["text"])) == {"city"}
    assert whole["serviceTier"] == {"type": "flex"}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("400", "ValidationException"),
        ("403", "AccessDeniedException"),
        ("404", "ResourceNotFoundException"),
        ("429", "ThrottlingException"),
        ("500", "InternalServerException"),
        ("529", "ServiceUnavailableException"),
    ],
)
async def test_errors_are_named_as_amazon_names_them(bedrock: Any, model: str, name: str) -> None:
    with pytest.raises(ClientError) as error:
        await both(bedrock, model=model)

    assert error.value.response["Error"]["Code"] == name


async def test_an_error_inside_a_stream_is_an_exception(bedrock: Any) -> None:
    asked = {"modelId": "error-event", "messages": user("hi")}
    stream = await asyncio.to_thread(bedrock.converse_stream, **asked)

    with pytest.raises(EventStreamError, match=r"serviceUnavailableException.*Overloaded"):
        await asyncio.to_thread(list, stream["stream"])
