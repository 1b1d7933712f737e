"""The middle into Anthropic messages: requests and whole answers."""

import base64
import re
from collections.abc import Iterable, Sequence

import msgspec

from freehold.dialects.asking import (
    arguments,
    beside_thoughts,
    lose_settings,
    model_arguments,
    offered_tools,
    system_and_turns,
    temperature,
    tool_id,
)
from freehold.dialects.fields import present
from freehold.dialects.messages.words import ASKED_TIER, WORD, token_count
from freehold.dialects.seals import UNSIGNED, marked
from freehold.vocabulary.conversation import (
    Answer,
    Cache,
    Choice,
    Conversation,
    File,
    Image,
    Part,
    Reasoning,
    Refusal,
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
from freehold.vocabulary.exchange import Finish, Usage

Object = dict[str, object]

# Messages require a limit, and chat completions have none by default. Every current model allows this many,
# and an answer that reaches it says so ("length").
MAX_TOKENS = 4_096
# The range ends here; chat completions go up to 2.
TEMPERATURE_MAX = 1.0

_CHOICES = {Choice.AUTO: "auto", Choice.REQUIRED: "any", Choice.NONE: "none", Choice.NAMED: "tool"}
_EFFORTS = {"minimal": "low"}  # the nearest there is; the others have the same names
_DISPLAYS = {"none": "omitted"}  # there is one way to show thoughts
_NOT_HERE = ("frequency_penalty", "presence_penalty", "seed", "verbosity", "cache_key", "metadata")
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_RECORDINGS = ("audio/", "video/")


def write_request(conversation: Conversation, model: str, lost: dict[str, None]) -> bytes:
    """Names in `lost` what messages cannot say.

    Raises UnsupportedField, and BadRequest for tool arguments that are no object.
    """
    conversation = beside_thoughts(conversation, lost)
    settings = conversation.settings
    system, turns = system_and_turns(conversation.messages, Dialect.MESSAGES, lost)
    most = MAX_TOKENS + (settings.reasoning.budget_tokens or 0)
    request: Object = {"model": model, "max_tokens": settings.max_tokens or most}
    if system:
        request["system"] = _content(system, lost)
    request["messages"] = [{"role": role.value, "content": _content(parts, lost)} for role, parts in turns]
    tools = [_tool(tool) for tool in offered_tools(conversation)]
    if tools:
        request["tools"] = tools
    choice = _tool_choice(conversation)
    if choice:
        request["tool_choice"] = choice
    return msgspec.json.encode(request | _settings(settings, lost))


def _settings(settings: Settings, lost: dict[str, None]) -> Object:
    _refuse(settings)
    lose_settings(settings, _NOT_HERE, lost)
    tier = settings.service_tier
    if tier is not None and tier not in ASKED_TIER:
        lost["service_tier"] = None
    said: Object = {
        "temperature": temperature(settings, TEMPERATURE_MAX, lost),
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop_sequences": list(settings.stop) or None,
        "thinking": _thinking(settings.reasoning, lost),
        "output_config": _output(settings, lost) or None,
        "service_tier": ASKED_TIER.get(tier) if tier else None,
        "metadata": {"user_id": settings.user} if settings.user is not None else None,
        "stream": settings.stream or None,
    }
    return present(**said)


def _refuse(settings: Settings) -> None:
    """What an application would look for in the answer in vain."""
    if settings.json:
        raise UnsupportedField("Anthropic messages cannot promise JSON without a schema")
    if settings.logprobs or settings.top_logprobs:
        raise UnsupportedField("Anthropic messages tell no log probabilities")


def _thinking(reasoning: Reasoning, lost: dict[str, None]) -> Object | None:
    summary, enabled = reasoning.summary, reasoning.wanted
    if summary in ("concise", "detailed") or (summary is not None and not enabled):
        lost["reasoning.summary"] = None
    if enabled is None:
        return None
    if not enabled:
        return {"type": "disabled"}
    shown: Object = {"display": _DISPLAYS.get(summary, "summarized")} if summary else {}
    if reasoning.budget_tokens is None:
        return {"type": "adaptive"} | shown
    return {"type": "enabled", "budget_tokens": reasoning.budget_tokens} | shown


def _output(settings: Settings, lost: dict[str, None]) -> Object:
    said: Object = {}
    effort = settings.reasoning.effort
    if effort is not None:
        said["effort"] = _EFFORTS.get(effort, effort)
    if settings.schema:
        if settings.schema.description is not None:
            lost["schema.description"] = None
        said["format"] = {"type": "json_schema", "schema": settings.schema.schema}
    return said


def _tool(tool: Tool) -> Object:
    said: Object = {"name": tool.name, "input_schema": tool.schema}
    said |= present(description=tool.description, strict=tool.strict)
    return said | _cached(tool.cache)


def _tool_choice(conversation: Conversation) -> Object | None:
    choice, parallel = conversation.tool_choice, conversation.settings.parallel_tools
    if choice is None:
        if parallel is None or not conversation.tools:
            return None
        choice = ToolChoice(Choice.AUTO)
    said: Object = {"type": _CHOICES[choice.choice]}
    said |= present(name=choice.name)
    if parallel is not None and choice.choice is not Choice.NONE:
        said["disable_parallel_tool_use"] = not parallel
    return said


def _content(parts: Sequence[Part], lost: dict[str, None]) -> object:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text) and not parts[0].cache:
        return parts[0].text
    return [_block(part, lost) for part in parts]


def _block(part: Part, lost: dict[str, None]) -> Object:
    if isinstance(part, Image) and part.detail:
        lost["detail"] = None
    return _said_block(part) if isinstance(part, Text | Thinking | Refusal) else _other_block(part, lost)


def _said_block(part: Text | Thinking | Refusal) -> Object:
    if isinstance(part, Thinking):
        if part.redacted is not None:
            return {"type": "redacted_thinking", "data": seal(part.redacted, part.origin)}
        return {"type": "thinking", "thinking": part.text, "signature": seal(part.signature, part.origin)}
    cache = part.cache if isinstance(part, Text) else None
    return {"type": "text", "text": part.text} | _cached(cache)


def seal(signature: str | None, origin: Dialect | None) -> str:
    """A thought's signature, which the format requires."""
    return marked(signature, origin, Dialect.MESSAGES) if signature else UNSIGNED


def _other_block(part: Image | File | ToolCall | ToolResult, lost: dict[str, None]) -> Object:
    said: Object
    if isinstance(part, ToolCall):
        id_ = tool_id(part.id, _TOOL_ID)
        said = {"type": "tool_use", "id": id_, "name": part.name, "input": arguments(part)}
    elif isinstance(part, ToolResult):
        shown = [held for held in part.parts if held != Text("")]
        id_ = tool_id(part.call_id, _TOOL_ID)
        said = {"type": "tool_result", "tool_use_id": id_, "content": _content(shown, lost)}
        if part.is_error:
            said["is_error"] = True
    elif isinstance(part, Image):
        said = {"type": "image", "source": _source(part)}
    else:
        if (part.media_type or "").startswith(_RECORDINGS):
            raise UnsupportedField(
                f"a file of type {part.media_type} cannot be carried to Anthropic messages"
            )
        said = {"type": "document", "source": _source(part)}
        said |= present(title=part.name)
    return said | _cached(part.cache)


def _source(part: Image | File) -> Object:
    if part.url is not None:
        return {"type": "url", "url": part.url}
    if (part.media_type or "").startswith("text/"):  # of whatever kind, it is taken as plain text only
        return {"type": "text", "media_type": "text/plain", "data": _plain(part.data or "")}
    return {"type": "base64", "media_type": part.media_type, "data": part.data}


def _plain(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        raise BadRequest("a file of text: expected UTF-8 text in base64") from None


def _cached(cache: Cache | None) -> Object:
    if cache is None:
        return {}
    return {"cache_control": {"type": "ephemeral"} | ({"ttl": cache.ttl} if cache.ttl else {})}


def write_answer(answer: Answer, asked: bytes = b"") -> bytes:
    """A whole message."""
    blocks = [block for part in shown(answer.parts) for block in _answer_blocks(part)]
    refusal = "".join(part.text for part in answer.parts if isinstance(part, Refusal))
    finish = answer.finish or Finish.STOP
    refused = finish is Finish.REFUSAL or answer.category is not None
    return msgspec.json.encode(
        {
            "id": answer.id,
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": blocks,
            "stop_reason": stop_word(finish, answer.finish_word, answer.stop_sequence),
            "stop_sequence": answer.stop_sequence,
            "stop_details": refusal_details(refusal, answer.category) if refused else None,
            "usage": token_count(answer.usage or Usage(), answer.service_tier),
        }
    )


def shown(parts: Sequence[Part]) -> Sequence[Part]:
    """Without a signature that stands alone at the end: callers take the last block for what was said."""
    words = parts[:-1] if parts and parts[-1] == Text("") else parts
    last = words[-1] if len(words) > 1 else None
    return words[:-1] if isinstance(last, Thinking) and not last.text and last.redacted is None else parts


def _answer_blocks(part: Part) -> Iterable[Object]:
    if isinstance(part, Text | Thinking | Refusal):
        yield _said_block(part)
    elif isinstance(part, ToolCall):
        yield {"type": "tool_use", "id": part.id, "name": part.name, "input": model_arguments(part)}


def refusal_details(explanation: str, category: str | None) -> Object:
    """What stands beside the stop reason "refusal"."""
    return {"type": "refusal", "category": category, "explanation": explanation or None}


def stop_word(finish: Finish, word: str | None, sequence: str | None) -> str:
    """The stop reason. A provider's word that nobody knows is passed on: "end_turn" would be a lie."""
    if finish is Finish.OTHER and word:
        return word
    return "stop_sequence" if finish is Finish.STOP and sequence is not None else WORD[finish]
