"""The middle into requests for responses.

Nothing is left in a provider's store, so what the model is to know again travels with each request.
"""

from collections.abc import Iterator, Sequence

import msgspec

from freehold.dialects.asking import lose_settings
from freehold.dialects.fields import present
from freehold.dialects.responses.words import Object, encrypted_content
from freehold.dialects.seals import fits
from freehold.vocabulary.conversation import (
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
from freehold.vocabulary.errors import UnsupportedField

MAX_TOKENS_LEAST = 16  # a lower limit is turned down

# What a budget for thoughts comes to, where only an effort can be said: at most so many tokens.
_EFFORTS = ((2_048, "low"), (8_192, "medium"))
_EFFORT_MOST = "high"
_EFFORT_DEFAULT = "medium"  # the API's own; some models do not think unless it is said


def write_request(conversation: Conversation, model: str, lost: dict[str, None]) -> bytes:
    """Names in `lost` what responses cannot say. Raises UnsupportedField."""
    settings, messages = conversation.settings, conversation.messages
    if settings.stop:
        raise UnsupportedField("`stop`: responses have no stop sequences")
    request: Object = {"model": model, "store": False}
    instructions = _instructions(messages)
    if instructions is not None:
        request["instructions"] = instructions
        messages = messages[1:]
    items = [item for message in messages for item in _items(message, lost)]
    request |= {"input": items} | _tools(conversation, lost) | _settings(settings, lost)
    include = _include(items, settings, request["reasoning"])
    if include:
        request["include"] = include
    return msgspec.json.encode(present(**request))


def _instructions(messages: Sequence[Message]) -> str | None:
    """The first prompt, if it is one plain text and the only one at the start."""
    if not messages or messages[0].role is not Role.SYSTEM or len(messages[0].parts) != 1:
        return None
    if len(messages) > 1 and messages[1].role in (Role.SYSTEM, Role.DEVELOPER):
        return None
    part = messages[0].parts[0]
    return part.text if isinstance(part, Text) and part.cache is None else None


def _include(items: Sequence[Object], settings: Settings, reasoning: object) -> list[str]:
    """What the answer is to hold in addition. Models that do not think refuse to seal their thoughts."""
    thinks = reasoning is not None and settings.reasoning.enabled is not False
    include = ["message.output_text.logprobs"] if settings.logprobs else []
    if thinks or any(item.get("type") == "reasoning" for item in items):
        include.append("reasoning.encrypted_content")
    return include


def _tools(conversation: Conversation, lost: dict[str, None]) -> Object:
    said: Object = {}
    if conversation.tools:
        said["tools"] = [_tool(tool, lost) for tool in conversation.tools]
        said["parallel_tool_calls"] = conversation.settings.parallel_tools
    if conversation.tool_choice:
        said["tool_choice"] = _tool_choice(conversation.tool_choice)
    return said


def _settings(settings: Settings, lost: dict[str, None]) -> Object:
    lose_settings(settings, ("top_k", "frequency_penalty", "presence_penalty", "seed"), lost)
    most = settings.max_tokens
    if most is not None and most < MAX_TOKENS_LEAST:
        lost["max_tokens"] = None
        most = MAX_TOKENS_LEAST
    return {
        "max_output_tokens": most,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_logprobs": settings.top_logprobs,
        "reasoning": _reasoning(settings.reasoning, lost) or None,
        "text": _text(settings) or None,
        "service_tier": settings.service_tier,
        "prompt_cache_key": settings.cache_key,
        "metadata": settings.metadata,
        "user": settings.user,
        "stream": settings.stream or None,
    }


def _reasoning(reasoning: Reasoning, lost: dict[str, None]) -> Object:
    said: Object = {}
    effort, budget = reasoning.effort, reasoning.budget_tokens
    if budget is not None:
        lost["thinking.budget_tokens"] = None
    if reasoning.enabled is False:
        effort = "none"
    elif effort is None and budget is not None:
        effort = next((word for most, word in _EFFORTS if budget <= most), _EFFORT_MOST)
    elif effort is None and reasoning.enabled:
        effort = _EFFORT_DEFAULT
    said |= present(effort=effort)
    if reasoning.summary not in (None, "none"):
        said["summary"] = reasoning.summary
    return said


def _text(settings: Settings) -> Object:
    said: Object = {}
    if settings.schema:
        said["format"] = _schema(settings.schema)
    elif settings.json:
        said["format"] = {"type": "json_object"}
    said |= present(verbosity=settings.verbosity)
    return said


def _schema(schema: Schema) -> Object:
    said: Object = {"type": "json_schema", "name": schema.name or "answer", "schema": schema.schema}
    said |= present(description=schema.description, strict=schema.strict)
    return said


def _tool(tool: Tool, lost: dict[str, None]) -> Object:
    if tool.cache:
        lost["cache_control"] = None
    said: Object = {"type": "function", "name": tool.name, "parameters": tool.schema}
    said["strict"] = bool(tool.strict)  # unsaid, it would mean true here and false elsewhere
    said |= present(description=tool.description)
    return said


def _tool_choice(choice: ToolChoice) -> object:
    if choice.choice is Choice.NAMED:
        return {"type": "function", "name": choice.name}
    if choice.allowed:
        tools = [{"type": "function", "name": name} for name in choice.allowed]
        return {"type": "allowed_tools", "mode": choice.choice.value, "tools": tools}
    return choice.choice.value


def _items(message: Message, lost: dict[str, None]) -> Iterator[Object]:
    """The items of a turn, in its order; what the user says beside tool results stays together."""
    if any(map(_is_cached, message.parts)):
        lost["cache_control"] = None
    said = list[Part]()
    for part in message.parts:
        if message.role is Role.ASSISTANT or isinstance(part, ToolResult):
            yield from _item(part, lost)
        else:
            said.append(part)
    if said or not message.parts:
        yield {"role": message.role.value, "content": _content(said)}


def _is_cached(part: Part) -> bool:
    if isinstance(part, Thinking | Refusal):
        return False
    return part.cache is not None or (isinstance(part, ToolResult) and any(map(_is_cached, part.parts)))


def _item(part: Part, lost: dict[str, None]) -> Iterator[Object]:
    """What the assistant says becomes one item a part, without ids: nobody has kept what they would name."""
    if isinstance(part, Text):
        yield {"role": "assistant", "content": part.text}
    elif isinstance(part, Refusal):
        refusal = {"type": "refusal", "refusal": part.text}
        yield {"type": "message", "role": "assistant", "content": [refusal]}
    elif isinstance(part, ToolCall):
        yield {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments}
    elif isinstance(part, ToolResult):
        if part.is_error:
            lost["is_error"] = None
        yield {"type": "function_call_output", "call_id": part.call_id, "output": _content(part.parts)}
    elif isinstance(part, Thinking):
        yield from _thought(part, lost)
    else:
        raise _unsupported(part)


def _thought(thought: Thinking, lost: dict[str, None]) -> Iterator[Object]:
    """A thought is taken back only with its maker's seal."""
    if thought.signature is None or not fits(thought.origin, Dialect.RESPONSES):
        lost["thinking"] = None
        return
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    item: Object = {"type": "reasoning", "summary": summary, "encrypted_content": encrypted_content(thought)}
    yield item | ({"id": thought.id} if thought.id else {})


def _content(parts: Sequence[Part]) -> object:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part) for part in parts]


def _part(part: Part) -> Object:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": _address(part), "detail": part.detail or "auto"}
    if isinstance(part, File) and not (part.media_type or "").startswith(("audio/", "video/")):
        said: Object = {"type": "input_file"}
        if part.url is not None:
            return said | {"file_url": part.url} | ({"filename": part.name} if part.name else {})
        return said | {"file_data": _address(part), "filename": part.name or "document"}
    raise _unsupported(part)


def _address(part: Image | File) -> str:
    return part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"


def _unsupported(part: Part) -> UnsupportedField:
    what = f"of type {part.media_type}" if isinstance(part, File) else "here"
    return UnsupportedField(f"a {type(part).__name__.lower()} {what} cannot be carried to responses")
