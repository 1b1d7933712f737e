"""What a partner understood of a request: the same for both dialects, so that translations can be checked."""

from typing import Any

from msgspec import Struct

IMAGE_TOKENS = 100
CHARACTERS_PER_TOKEN = 4


def tokens(text: str) -> int:
    """Count as a partner counts: one token for every four characters begun."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


class Image(Struct, frozen=True, omit_defaults=True):
    """A picture by address, or by its media type and the length of its base64."""

    url: str | None = None
    media_type: str | None = None
    base64_length: int | None = None


class ToolCall(Struct, frozen=True):
    """A tool call, from an answer or from the history that a request carries."""

    id: str
    name: str
    arguments: str


class ToolResult(Struct, frozen=True):
    """What a tool said."""

    id: str
    text: str
    error: bool = False


class Turn(Struct, frozen=True, omit_defaults=True):
    """One message of the conversation."""

    role: str
    text: str = ""
    images: tuple[Image, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()


class Tool(Struct, frozen=True):
    """A tool that the model may call."""

    name: str
    schema: dict[str, Any]
    description: str = ""


class Asked(Struct, frozen=True):
    """One request for an answer in words."""

    model: str
    turns: tuple[Turn, ...]
    system: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"  # auto, none, any, or "=" and the name of the one to call
    parallel: bool = True
    schema: dict[str, Any] | None = None  # the answer has to be JSON of this shape
    stop: tuple[str, ...] = ()
    tokens_max: int | None = None
    stream: bool = False
    include_usage: bool = True

    @property
    def prompt(self) -> str:
        """The text of the last turn."""
        return self.turns[-1].text if self.turns else ""

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """The tool results that the last turn brings; the chat dialect spreads them over several."""
        found: list[ToolResult] = []
        for turn in reversed(self.turns):
            if not turn.results:
                break
            found[:0] = turn.results
        return tuple(found)

    def input_tokens(self) -> int:
        """Count every text, every tool call and result, and a flat sum for each image and tool."""
        count = sum(map(tokens, self.system)) + sum(
            tokens(tool.name + tool.description) for tool in self.tools
        )
        for turn in self.turns:
            count += tokens(turn.text) + IMAGE_TOKENS * len(turn.images)
            count += sum(tokens(call.name + call.arguments) for call in turn.calls)
            count += sum(tokens(result.text) for result in turn.results)
        return max(count, 1)
