"""Read chat, messages and embeddings requests as loosely as a lenient provider would."""

from typing import Any

import msgspec
from msgspec import Struct, field

from freehold.sparring.asked import Asked, Image, Tool, ToolCall, ToolResult, Turn


class _Source(Struct):
    url: str = ""
    media_type: str = ""
    data: str = ""


class _Block(Struct):
    """A part of a message in either dialect; only the fields of its type are set."""

    type: str = "text"
    text: str = ""
    image_url: _Source = field(default_factory=_Source)
    source: _Source = field(default_factory=_Source)
    id: str = ""
    name: str = ""
    input: Any = None
    tool_use_id: str = ""
    content: "str | list[_Block] | None" = None
    is_error: bool = False


class _Function(Struct):
    name: str
    arguments: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    description: str = ""


class _ChatCall(Struct):
    id: str = ""
    function: _Function | None = None


class _ChatMessage(Struct):
    role: str
    content: str | list[_Block] | None = None
    tool_calls: list[_ChatCall] | None = None
    tool_call_id: str = ""


class _ChatTool(Struct):
    function: _Function | None = None


class _Shape(Struct):
    schema: dict[str, Any] | None = None


class _ResponseFormat(Struct):
    json_schema: _Shape | None = None


class _StreamOptions(Struct):
    include_usage: bool = False


class _ChatRequest(Struct):
    model: str
    messages: list[_ChatMessage]
    tools: list[_ChatTool] | None = None
    tool_choice: str | _ChatTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: _ResponseFormat | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None


class _Message(Struct):
    role: str
    content: str | list[_Block]


class _MessagesTool(Struct):
    name: str = ""
    input_schema: dict[str, Any] | None = None
    description: str = ""


class _Choice(Struct):
    type: str = "auto"
    name: str = ""
    disable_parallel_tool_use: bool = False


class _OutputConfig(Struct):
    format: _Shape | None = None


class _MessagesRequest(Struct):
    model: str
    messages: list[_Message]
    max_tokens: int
    system: str | list[_Block] | None = None
    tools: list[_MessagesTool] | None = None
    tool_choice: _Choice | None = None
    output_config: _OutputConfig | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None


class EmbeddingsRequest(Struct):
    """Texts, or lists of token numbers, to be placed in space."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str = "float"


_chat = msgspec.json.Decoder(_ChatRequest)
_messages = msgspec.json.Decoder(_MessagesRequest)
read_embeddings = msgspec.json.Decoder(EmbeddingsRequest).decode


def read_chat(body: bytes) -> Asked:
    """Read an OpenAI chat completions request. Raises `msgspec.DecodeError`, which names the field."""
    asked = _chat.decode(body)
    instructions = ("system", "developer")
    shape = asked.response_format and asked.response_format.json_schema
    return Asked(
        model=asked.model,
        system=tuple(_text(message.content) for message in asked.messages if message.role in instructions),
        turns=tuple(_chat_turn(message) for message in asked.messages if message.role not in instructions),
        tools=tuple(
            Tool(tool.function.name, tool.function.parameters, tool.function.description)
            for tool in asked.tools or ()
            if tool.function
        ),
        tool_choice=_chat_choice(asked.tool_choice),
        parallel=asked.parallel_tool_calls is not False,
        schema=shape.schema if shape else None,
        stop=(asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ()),
        tokens_max=asked.max_completion_tokens or asked.max_tokens,
        stream=bool(asked.stream),
        include_usage=bool(asked.stream_options and asked.stream_options.include_usage),
    )


def read_messages(body: bytes) -> Asked:
    """Read an Anthropic messages request. Raises `msgspec.DecodeError`, which names the field."""
    asked = _messages.decode(body)
    choice = asked.tool_choice or _Choice()
    shape = asked.output_config and asked.output_config.format
    system = [_Block(text=asked.system)] if isinstance(asked.system, str) else asked.system or []
    return Asked(
        model=asked.model,
        system=tuple(block.text for block in system),
        turns=tuple(_messages_turn(message) for message in asked.messages),
        tools=tuple(
            Tool(tool.name, tool.input_schema, tool.description)
            for tool in asked.tools or ()
            if tool.input_schema is not None
        ),
        tool_choice=f"={choice.name}" if choice.name else choice.type,
        parallel=not choice.disable_parallel_tool_use,
        schema=shape.schema if shape else None,
        stop=tuple(asked.stop_sequences or ()),
        tokens_max=asked.max_tokens,
        stream=bool(asked.stream),
    )


def _chat_choice(choice: str | _ChatTool | None) -> str:
    if isinstance(choice, _ChatTool):
        return f"={choice.function.name}" if choice.function else "any"
    return "any" if choice == "required" else choice or "auto"


def _chat_turn(message: _ChatMessage) -> Turn:
    text = _text(message.content)
    if message.role == "tool":
        return Turn("tool", results=(ToolResult(message.tool_call_id, text),))
    return Turn(
        message.role,
        text,
        images=_images(message.content),
        calls=tuple(
            ToolCall(call.id, call.function.name, call.function.arguments)
            for call in message.tool_calls or ()
            if call.function
        ),
    )


def _messages_turn(message: _Message) -> Turn:
    blocks = [] if isinstance(message.content, str) else message.content
    return Turn(
        message.role,
        _text(message.content),
        images=_images(message.content),
        calls=tuple(
            ToolCall(block.id, block.name, msgspec.json.encode(block.input).decode())
            for block in blocks
            if block.type == "tool_use"
        ),
        results=tuple(
            ToolResult(block.tool_use_id, _text(block.content), block.is_error)
            for block in blocks
            if block.type == "tool_result"
        ),
    )


def _text(content: str | list[_Block] | None) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.text for block in content or ())


def _images(content: str | list[_Block] | None) -> tuple[Image, ...]:
    if content is None or isinstance(content, str):
        return ()
    return tuple(_image(block) for block in content if block.type in ("image", "image_url"))


def _image(block: _Block) -> Image:
    url = block.image_url.url or block.source.url
    if url.startswith("data:"):
        media_type, _, data = url.removeprefix("data:").partition(";base64,")
        return Image(media_type=media_type, base64_length=len(data))
    if url:
        return Image(url=url)
    return Image(media_type=block.source.media_type, base64_length=len(block.source.data))
