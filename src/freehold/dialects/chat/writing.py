"""The middle into chat completions: requests and whole answers."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from freehold.dialects.asking import lose_settings
from freehold.dialects.chat.words import FORMAT, WORD, log_probs, token_count
from freehold.dialects.fields import present
from freehold.dialects.seals import marked, taken_back
from freehold.vocabulary.conversation import (
    Answer,
    Choice,
    Conversation,
    File,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
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
from freehold.vocabulary.exchange import Finish, Usage

Object = dict[str, object]

# OpenAI's reasoning models refuse `max_tokens`, and several other servers do not know the newer name.
_OPENAI_MODEL = re.compile(r"(.*/)?(gpt-|chatgpt-|o\d)")
# A refusal without words still needs some, because its mark in this dialect is that there are words.
REFUSED = "The model refused to answer."
# Budgets up to so many tokens, and the effort that comes near them.
_BUDGETS = ((2_048, "low"), (8_192, "medium"))


def write_request(conversation: Conversation, model: str, lost: dict[str, None]) -> bytes:
    """Names in `lost` what chat completions cannot say. Raises UnsupportedField."""
    messages = list[Object]()
    request: Object = {"model": model, "messages": messages}
    openai = _OPENAI_MODEL.match(model) is not None
    for message in conversation.messages:
        foreign = message.role is Role.DEVELOPER and not openai  # a role that other servers do not know
        messages += _message(replace(message, role=Role.SYSTEM) if foreign else message, lost)
    if conversation.tools:
        request["tools"] = [_tool(tool, lost) for tool in conversation.tools]
        request |= present(parallel_tool_calls=conversation.settings.parallel_tools)
    if conversation.tool_choice:
        request["tool_choice"] = _tool_choice(conversation.tool_choice)
    return msgspec.json.encode(request | _settings(conversation.settings, model, lost))


def _settings(settings: Settings, model: str, lost: dict[str, None]) -> Object:
    # OpenAI turns metadata down where answers are not stored, which other dialects do not ask for.
    lose_settings(settings, ("top_k", "metadata"), lost)
    most = "max_completion_tokens" if _OPENAI_MODEL.match(model) else "max_tokens"
    said: Object = {
        most: settings.max_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "frequency_penalty": settings.frequency_penalty,
        "presence_penalty": settings.presence_penalty,
        "seed": settings.seed,
        "stop": list(settings.stop) or None,
        "reasoning_effort": _effort(settings.reasoning, lost),
        "response_format": _format(settings),
        "verbosity": settings.verbosity,
        "logprobs": settings.logprobs,
        "top_logprobs": settings.top_logprobs,
        "service_tier": settings.service_tier,
        "prompt_cache_key": settings.cache_key,
        "user": settings.user,
        "stream": settings.stream or None,
        # Other dialects always tell the usage of a stream, so their callers expect it.
        "stream_options": {"include_usage": True} if settings.stream else None,
    }
    return present(**said)


def _effort(reasoning: Reasoning, lost: dict[str, None]) -> str | None:
    """How hard to think is all that can be said here, and no thinking is the least of it."""
    if reasoning.summary is not None:
        lost["reasoning.summary"] = None
    if reasoning.enabled is False:
        return "none"
    if reasoning.budget_tokens is not None:
        lost["thinking.budget_tokens"] = None
        near = next((effort for most, effort in _BUDGETS if reasoning.budget_tokens <= most), "high")
        return reasoning.effort or near
    if reasoning.enabled and reasoning.effort is None:
        lost["thinking"] = None
    return reasoning.effort


def _format(settings: Settings) -> Object | None:
    schema = settings.schema
    if schema is None:
        return {"type": "json_object"} if settings.json else None
    said: Object = {"name": schema.name or "answer", "schema": schema.schema}
    said |= present(description=schema.description, strict=schema.strict)
    return {"type": "json_schema", "json_schema": said}


def _tool(tool: Tool, lost: dict[str, None]) -> Object:
    if tool.cache:
        lost["cache_control"] = None
    function: Object = {"name": tool.name, "parameters": tool.schema}
    function |= present(description=tool.description, strict=tool.strict)
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> object:
    if choice.choice is Choice.NAMED:
        return _function(choice.name)
    if choice.allowed:
        tools = [_function(name) for name in choice.allowed]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.choice.value, "tools": tools}}
    return choice.choice.value


def _function(name: str | None) -> Object:
    return {"type": "function", "function": {"name": name}}


def _message(message: Message, lost: dict[str, None]) -> list[Object]:
    if any(not isinstance(part, Thinking | Refusal) and part.cache for part in message.parts):
        lost["cache_control"] = None
    if message.role is Role.ASSISTANT:
        return [_assistant_turn(message.parts, lost)]
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    said = [part for part in message.parts if not isinstance(part, ToolResult)]
    for result in results:
        shown = [part for part in result.parts if not isinstance(part, Text)]
        if shown:  # tool messages hold text only, so pictures follow in the user's turn, with their origin
            said += [Text(f"From the result of tool call {result.call_id}:"), *shown]
    turns = [_tool_turn(result, lost) for result in results]
    if said or not results:
        turns.append({"role": message.role.value, "content": _content(said, lost)})
    return turns


def _tool_turn(result: ToolResult, lost: dict[str, None]) -> Object:
    if result.is_error:
        lost["is_error"] = None
    text = [part for part in result.parts if isinstance(part, Text)]
    return {"role": "tool", "tool_call_id": result.call_id, "content": _content(text, lost)}


def _assistant_turn(parts: Sequence[Part], lost: dict[str, None]) -> Object:
    kept = [part for part in parts if not isinstance(part, Thinking) or taken_back(part, Dialect.CHAT)]
    if len(kept) < len(parts):
        lost["thinking"] = None
    thoughts = _thinking_blocks(kept)
    text = [part for part in parts if isinstance(part, Text)]
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    calls = _calls(parts)
    wordless = not text and (calls or refusal)  # without either, null is turned down
    turn: Object = {"role": "assistant", "content": None if wordless else _content(text, lost)}
    if refusal:
        turn["refusal"] = refusal
    return (
        turn | ({"tool_calls": calls} if calls else {}) | ({"thinking_blocks": thoughts} if thoughts else {})
    )


def _calls(parts: Iterable[Part]) -> list[Object]:
    return [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in parts
        if isinstance(part, ToolCall)
    ]


def _content(parts: Sequence[Part], lost: dict[str, None]) -> object:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part, lost) for part in parts]


def _part(part: Part, lost: dict[str, None]) -> Object:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        url = part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"
        return {
            "type": "image_url",
            "image_url": {"url": url} | ({"detail": part.detail} if part.detail else {}),
        }
    if isinstance(part, File) and part.data is not None:
        return _file(part, lost)
    raise UnsupportedField(f"a {type(part).__name__.lower()} cannot be carried here to chat completions")


def _file(file: File, lost: dict[str, None]) -> Object:
    if file.media_type in FORMAT:
        if file.name is not None:
            lost["filename"] = None
        return {"type": "input_audio", "input_audio": {"data": file.data, "format": FORMAT[file.media_type]}}
    data = f"data:{file.media_type};base64,{file.data}"
    return {"type": "file", "file": {"file_data": data, "filename": file.name or "document"}}


def write_answer(answer: Answer, asked: bytes = b"") -> bytes:
    """A whole chat completion."""
    message: Object = {"role": "assistant", "content": None, "refusal": None}
    text = "".join(part.text for part in answer.parts if isinstance(part, Text))
    if text:
        message["content"] = text
    refusal = "".join(part.text for part in answer.parts if isinstance(part, Refusal))
    if refusal or answer.finish is Finish.REFUSAL:
        message["refusal"] = refusal or REFUSED
    calls = _calls(answer.parts)
    if calls:
        message["tool_calls"] = calls
    thoughts = _thinking_blocks(answer.parts)
    if thoughts:
        message["reasoning_content"] = "".join(p.text for p in answer.parts if isinstance(p, Thinking))
        message["thinking_blocks"] = thoughts
    choice: Object = {
        "index": 0,
        "message": message,
        "logprobs": log_probs(answer.logprobs),
        "finish_reason": finish_word(answer.finish, answer.finish_word),
    }
    said: Object = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created
        or 0,  # not every dialect tells, and an invented time would be worse than none
        "model": answer.model,
        "system_fingerprint": answer.fingerprint,
        "choices": [choice],
        "usage": token_count(answer.usage or Usage()),
    }
    return msgspec.json.encode(said | ({"service_tier": answer.service_tier} if answer.service_tier else {}))


def _thinking_blocks(parts: Iterable[Part]) -> list[Object]:
    """The thoughts, each with its place where it does not come first of all."""
    blocks, calls, first = list[Object](), 0, True
    for part in parts:
        if isinstance(part, Thinking):
            blocks.append(thinking_block(part, None if first else calls))
        else:
            first = False
            calls += isinstance(part, ToolCall)
    return blocks


def thinking_block(thought: Thinking, before_call: int | None) -> Object:
    """A thought with its signature, so that an application can hand it back.

    Thoughts and calls are told apart from each other here, and some providers want them back in their order:
    a thought that does not come first says before which call it does.
    """
    place: Object = {} if before_call is None else {"before_call": before_call}
    if thought.redacted is not None:
        data = marked(thought.redacted, thought.origin, Dialect.CHAT)
        return {"type": "redacted_thinking", "data": data} | place
    signature = thought.signature and marked(thought.signature, thought.origin, Dialect.CHAT)
    return {"type": "thinking", "thinking": thought.text, "signature": signature} | place


def finish_word(finish: Finish | None, word: str | None) -> str:
    """The finish reason. A provider's word that nobody knows is passed on: "stop" would be a lie."""
    if finish is Finish.OTHER and word:
        return word
    return WORD[finish or Finish.STOP]
