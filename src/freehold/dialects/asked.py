"""What the readers of requests share: parts, tools and settings that several dialects write alike."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from freehold.dialects.fields import Fields
from freehold.vocabulary.conversation import Cache, Choice, File, Image, Part, Schema, Text, Tool, ToolChoice
from freehold.vocabulary.errors import BadRequest

Parts = Mapping[str, Callable[[Fields], Part]]  # how to read a part, by its type

_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^;,]+)*;base64,(.*)", re.DOTALL)
_MEDIA_TYPES = {"image/jpg": "image/jpeg"}  # a wrong name that is in wide use, and that not everybody takes


def content(holder: Fields, name: str, parts: Parts, called: str = "parts") -> Iterator[Part]:
    """What is said: a text alone, or an array of parts. Raises UnsupportedField for other types of parts."""
    said = holder.either(name, str, list)
    if isinstance(said, str):
        yield Text(said)
        return
    for part in holder.objects(name):
        kind = part.need("type", str)
        if kind not in parts:
            raise part.refuse("type", f"{called} of type {kind} cannot be carried")
        yield parts[kind](part)
        part.close()


def image(url: str, detail: str | None, cache: Cache | None) -> Image:
    """A picture by its address, which may be a data URL."""
    by_value = _DATA_URL.fullmatch(url)
    if by_value:
        kind = _MEDIA_TYPES.get(by_value[1], by_value[1])
        return Image(media_type=kind, data=by_value[2], detail=detail, cache=cache)
    return Image(url=url, detail=detail, cache=cache)


def file(data_url: str | None, name: str | None, cache: Cache | None) -> File | None:
    """A file by value; None where that is no data URL."""
    by_value = _DATA_URL.fullmatch(data_url or "")
    return by_value and File(media_type=by_value[1], data=by_value[2], name=name, cache=cache)


def cache_mark(holder: Fields) -> Cache | None:
    """Anthropic's mark, which several gateways accept on chat requests, too."""
    mark = holder.object("cache_control")
    if mark is None:
        return None
    mark.take("type", str)
    cache = Cache(mark.take("ttl", str))
    mark.close()
    return cache


def schema(given: Fields) -> Schema:
    """The shape of an answer, as OpenAI's dialects write it."""
    return Schema(
        given.need("schema", dict),
        given.take("name", str),
        given.take("description", str),
        given.take("strict", bool),
    )


def function(given: Fields, cache: Cache | None = None) -> Tool:
    """A tool, as OpenAI's dialects write it."""
    return Tool(
        given.need("name", str),
        given.take("description", str),
        given.take("parameters", dict) or {"type": "object", "properties": {}},
        given.take("strict", bool),
        cache,
    )


# Tools of a known type that the application runs itself; all others are run by the provider.
RUN_HERE = re.compile(r"bash|text_editor|memory|computer|local_shell|shell|apply_patch")
_NEEDED = re.compile(rf"{RUN_HERE.pattern}|tool_search")  # an application breaks when they are left out


def leave_out(theirs: Sequence[tuple[Fields, str]], own: Sequence[Tool], choice: ToolChoice | None) -> None:
    """Tools that the provider would run itself, each with its type: beside the application's own, left out and named.

    Raises UnsupportedField where they are all there is, or where a tool must be called.
    """
    names = {tool.name for tool in own}
    forced = choice is not None and (choice.choice is Choice.REQUIRED or choice.name not in {None, *names})
    for tool, kind in theirs:
        if forced or not own or _NEEDED.match(kind):
            raise tool.refuse("type", f"the provider's own tool {kind} cannot be carried")
        tool.lose(kind)


def tool_choice(request: Fields, chosen: Callable[[Fields], ToolChoice]) -> ToolChoice | None:
    """A word of OpenAI's, or what `chosen` reads from an object."""
    choice = request.either("tool_choice", str, dict)
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise BadRequest("`tool_choice`: expected auto, none, required or an object")
        return ToolChoice(Choice(choice))
    given = request.object("tool_choice")
    return chosen(given) if given else None


def metadata(request: Fields) -> dict[str, str] | None:
    """The application's own notes."""
    notes = request.take("metadata", dict)
    if notes and not all(type(note) is str for note in notes.values()):
        raise BadRequest("`metadata`: expected an object of strings")
    return notes


def user(request: Fields) -> str | None:
    """The older field counts, because other dialects have one like it; the newer stands in for it."""
    older, newer = request.take("user", str), request.take("safety_identifier", str)
    if older is not None and newer not in (None, older):
        request.lose("safety_identifier")
    return newer if older is None else older
