"""The middle into Converse requests. The model and the wish for a stream stand in the URL, and not here."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from freehold.dialects.asking import (
    beside_thoughts,
    lose_settings,
    offered_tools,
    system_and_turns,
    temperature,
)
from freehold.dialects.converse.blocks import Blocks, cache_point
from freehold.dialects.converse.words import TIERS, Object
from freehold.dialects.fields import present
from freehold.vocabulary.conversation import (
    Choice,
    Conversation,
    Part,
    Reasoning,
    Schema,
    Settings,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import UnsupportedField

TEMPERATURE_MAX = 1.0
METADATA_MAX = 16

_CHOICES = {Choice.AUTO: "auto", Choice.REQUIRED: "any"}
_EFFORTS = {"minimal": "low"}  # the nearest there is; the others have the same names
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_NOT_HERE = ("frequency_penalty", "presence_penalty", "seed", "verbosity", "cache_key", "user")


def write_request(conversation: Conversation, model: str, lost: dict[str, None]) -> bytes:
    """Names in `lost` what Converse cannot say.

    Raises UnsupportedField, and BadRequest for tool arguments that are no object.
    """
    if "anthropic" in model:
        conversation = beside_thoughts(conversation, lost)
    settings, blocks = conversation.settings, Blocks(lost)
    system, turns = system_and_turns(conversation.messages, Dialect.CONVERSE, lost)
    request: Object = {
        "messages": [{"role": role.value, "content": blocks.write(parts)} for role, parts in turns if parts],
        "system": blocks.write(_prompts(system)),
        "inferenceConfig": _inference(settings, lost),
        "toolConfig": _tools(conversation, lost),
        "additionalModelRequestFields": _additional(settings, model, lost),
        "outputConfig": _output(settings),
        "requestMetadata": _metadata(settings.metadata or {}, lost),
        "serviceTier": _tier(settings.service_tier, lost),
    }
    lose_settings(settings, _NOT_HERE, lost)
    return msgspec.json.encode({name: said for name, said in request.items() if said})


def _prompts(system: Iterable[Part]) -> Iterator[Text]:
    for part in system:
        if not isinstance(part, Text):
            raise UnsupportedField("Converse takes only text as a system prompt")
        yield part


def _inference(settings: Settings, lost: dict[str, None]) -> Object:
    said = {
        "maxTokens": settings.max_tokens,
        "temperature": temperature(settings, TEMPERATURE_MAX, lost),
        "topP": settings.top_p,
        "stopSequences": list(settings.stop) or None,
    }
    return present(**said)


def _tools(conversation: Conversation, lost: dict[str, None]) -> Object:
    """Which tools there are and whether one must be called; what is not offered cannot be called."""
    choice = conversation.tool_choice or ToolChoice(Choice.AUTO)
    offered = offered_tools(conversation)
    if not offered:
        return {}
    if choice.choice is Choice.NONE:
        if _has_used_tools(conversation):
            raise UnsupportedField("Converse cannot forbid tools in a conversation that has used them")
        return {}
    if conversation.settings.parallel_tools is False:
        raise UnsupportedField("Converse cannot keep a model from several tool calls at once")
    said: Object = {"tools": [entry for tool in offered for entry in _tool(tool, lost)]}
    if conversation.tool_choice:
        said["toolChoice"] = {"tool": {"name": choice.name}} if choice.name else {_CHOICES[choice.choice]: {}}
    return said


def _has_used_tools(conversation: Conversation) -> bool:
    parts = (part for message in conversation.messages for part in message.parts)
    return any(isinstance(part, ToolCall | ToolResult) for part in parts)


def _tool(tool: Tool, lost: dict[str, None]) -> Iterator[Object]:
    spec: Object = {"name": tool.name, "inputSchema": {"json": tool.schema}}
    if tool.description:
        spec["description"] = tool.description
    spec |= present(strict=tool.strict)
    yield {"toolSpec": spec}
    if tool.cache:
        yield cache_point(tool.cache, lost)


def _additional(settings: Settings, model: str, lost: dict[str, None]) -> Object:
    """What only the makers of a model define. Anthropic's are known; of the others nothing is guessed."""
    reasoning, said = settings.reasoning, dict[str, object]()
    if reasoning.summary is not None:
        lost["reasoning.summary"] = None
    if "anthropic" in model:
        said |= present(top_k=settings.top_k)
        if reasoning.wanted is not None:
            said["thinking"] = _thinking(reasoning)
        return said
    if settings.top_k is not None:
        lost["top_k"] = None
    if reasoning.enabled is not None and (reasoning.effort is None or not reasoning.enabled):
        lost["reasoning"] = None
    if reasoning.budget_tokens is not None:
        lost["thinking.budget_tokens"] = None
    return said


def _thinking(reasoning: Reasoning) -> Object:
    if not reasoning.wanted:
        return {"type": "disabled"}
    if reasoning.budget_tokens is None:
        return {"type": "adaptive"}
    return {"type": "enabled", "budget_tokens": reasoning.budget_tokens}


def _output(settings: Settings) -> Object:
    if settings.json:
        raise UnsupportedField("Converse cannot promise JSON without a schema")
    if settings.logprobs or settings.top_logprobs:
        raise UnsupportedField("Converse tells no log probabilities")
    said: Object = {}
    if settings.schema:
        said["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": _schema(settings.schema)}}
    effort = settings.reasoning.effort
    if effort is not None:
        said["effort"] = _EFFORTS.get(effort, effort)
    return said


def _schema(schema: Schema) -> Object:
    said: Object = {"schema": msgspec.json.encode(schema.schema).decode()}
    said |= present(name=schema.name, description=schema.description)
    return said


def _metadata(notes: Mapping[str, str], lost: dict[str, None]) -> Mapping[str, str]:
    """The application's notes, if they can be told as they are."""
    fit = all(
        name and _METADATA.fullmatch(name) and _METADATA.fullmatch(note) for name, note in notes.items()
    )
    if fit and len(notes) <= METADATA_MAX:
        return notes
    lost["metadata"] = None
    return {}


def _tier(tier: str | None, lost: dict[str, None]) -> Object:
    if tier in TIERS:
        return {"type": tier}
    if tier is not None:
        lost["service_tier"] = None
    return {}
