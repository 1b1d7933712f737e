"""Read what the gateway must know of a request, and put another model name into it; nothing else is touched.

Sees: that the body is one JSON object in UTF-8, the types of the few fields below, and every top-level
spelling of `model`, escapes included. Does not see: other keys given twice, nor keys that only a
case-insensitive parser would take for `model`.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, InvalidJSON

MODEL_CHARS_MAX = 512  # a name is remembered, recorded and sent on; the longest in use have about 200
BRACKETS_MAX = 1 << 20  # looked at to find a top-level key; more would hold up everybody else
KEYS_MAX = 1 << 14

_Items = Annotated[list[Raw], Meta(min_length=1)]
_Words = str | _Items
_Name = Annotated[str, Meta(min_length=1, max_length=MODEL_CHARS_MAX)]


class Route(NamedTuple):
    """What a request's path says. `model` is None where the body names it."""

    dialect: Dialect
    model: str | None = None
    stream: bool = False
    method: str = ""  # where a dialect has several that differ in more than `stream`
    complaint: str = ""  # why a request to this path cannot be served; told in its dialect


class Head(Struct):
    """What the gateway reads of a request; `start` and `end` are where its body holds the model's name.

    They are 0 where the path names the model.
    """

    model: str
    stream: bool = False
    include_usage: bool = False  # a chat caller wants a last chunk with the usage
    start: int = 0
    end: int = 0
    method: str = ""  # the path's


class _StreamOptions(Struct):
    include_usage: bool | None = None


class _Chat(Struct):
    model: _Name
    messages: _Items
    stream: bool | None = None
    stream_options: _StreamOptions | None = None


class _Responses(Struct):
    model: _Name
    input: _Words
    stream: bool | None = None


class _Messages(Struct):
    model: _Name
    messages: _Items
    max_tokens: Annotated[int, Meta(ge=1)] | Annotated[float, Meta(ge=1)]  # some write 1e3
    stream: bool | None = None


class _CountTokens(Struct):
    model: _Name
    messages: _Items


class _Embeddings(Struct):
    model: _Name
    input: _Words


class _Inputs(Struct):
    inputs: _Items


class _Gemini(Struct):
    contents: _Items


class _EmbedContent(Struct):
    content: dict[str, Raw]


class _BatchEmbedContents(Struct):
    requests: Annotated[list[dict[str, Raw]], Meta(min_length=1)]


_DECODERS: dict[Dialect, msgspec.json.Decoder[Any]] = {
    Dialect.CHAT: msgspec.json.Decoder(_Chat),
    Dialect.RESPONSES: msgspec.json.Decoder(_Responses),
    Dialect.MESSAGES: msgspec.json.Decoder(_Messages),
    Dialect.COUNT_TOKENS: msgspec.json.Decoder(_CountTokens),
    Dialect.EMBEDDINGS: msgspec.json.Decoder(_Embeddings),
    Dialect.PREDICT: msgspec.json.Decoder(_Inputs),
    Dialect.EMBED: msgspec.json.Decoder(_Inputs),
    Dialect.GEMINI: msgspec.json.Decoder(_Gemini),
}
_METHODS: dict[str, msgspec.json.Decoder[Any]] = {
    "embedContent": msgspec.json.Decoder(_EmbedContent),
    "batchEmbedContents": msgspec.json.Decoder(_BatchEmbedContents),
}
_fields = msgspec.json.Decoder(dict[str, Raw])
_requests = msgspec.json.Decoder(list[dict[str, Raw]])

_SPACE = rb"[ \t\n\r]*"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'  # possessive, here and below: no way back is kept in memory
_MODEL = re.compile(rb'"model"' + _SPACE + rb":" + _SPACE + rb"(" + _STRING + rb")")
_KEY = re.compile(_SPACE + rb"(" + _STRING + rb")" + _SPACE + rb":" + _SPACE, re.DOTALL)
_PLAIN = re.compile(_STRING + rb"|[^,}\]\s]+", re.DOTALL)  # a string, a number or a word
_BRACKET = re.compile(rb'[^{}\[\]"]*+(?:' + _STRING + rb'[^{}\[\]"]*+)*+([{}\[\]])', re.DOTALL)
_NEXT = re.compile(_SPACE + rb"[,}]")


def read_head(route: Route, body: bytes) -> Head:
    """Check a request and read its head. Raises InvalidJSON or BadRequest, naming the field."""
    if route.complaint:
        raise BadRequest(route.complaint)
    asked = _decoded(_METHODS[route.method] if route.method else _DECODERS[route.dialect], body)
    if route.model is not None:
        if not 0 < len(route.model) <= MODEL_CHARS_MAX:
            raise BadRequest(f"the model's name in the path: expected 1 to {MODEL_CHARS_MAX} characters")
        return Head(route.model, route.stream, method=route.method)
    start, end = _model_span(body)
    if isinstance(asked, _Chat):
        options = asked.stream_options
        usage = options is not None and bool(options.include_usage)
        return Head(asked.model, bool(asked.stream), usage, start, end)
    stream = isinstance(asked, _Messages | _Responses) and bool(asked.stream)
    return Head(asked.model, stream, False, start, end)


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        if not body.isascii():
            body.decode()
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BadRequest(_complaint(str(error))) from None
    except UnicodeDecodeError as error:
        raise InvalidJSON(f"the body is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise InvalidJSON("the body is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise InvalidJSON(f"the body is not JSON: {str(error).removeprefix('JSON is malformed: ')}") from None


def with_model(body: bytes, head: Head, model: str) -> bytes:
    """The body that `head` was read from, asking for another model; every other byte is the same.

    Where the path names the model, only requests for embeddings repeat it, and are written anew around it.
    """
    if head.method:
        return _with_resource(body, b'"models/%b' % msgspec.json.encode(model)[1:])
    if model == head.model or not head.end:
        return body
    return b"%b%b%b" % (body[: head.start], msgspec.json.encode(model), body[head.end :])


def _with_resource(body: bytes, resource: bytes) -> bytes:
    """A Gemini request for embeddings that names `resource` in each place where it named a model."""
    whole = _fields.decode(body)
    inner = _requests.decode(whole["requests"]) if "requests" in whole else []
    others = [one for one in (whole, *inner) if "model" in one and bytes(one["model"]) != resource]
    if not others:
        return body
    for one in others:
        one["model"] = Raw(resource)
    if inner:
        whole["requests"] = Raw(msgspec.json.encode(inner))
    return msgspec.json.encode(whole)


def _model_span(body: bytes) -> tuple[int, int]:
    """Where the value of the top-level `model` lies. The body is valid JSON and has one.

    A body with a single `"model"`, and no escape that could spell one of its letters, needs no walk. Of the
    two tests for escapes the first is the faster, and often the last.
    """
    at = body.find(b'"model"')
    if at >= 0 and body.find(b'"model"', at + 7) < 0 and not (b"\\" in body and b"\\u006" in body):
        found = _MODEL.match(body, at)
        if found:
            return found.span(1)
    spans = [(start, end) for key, start, end in _top_level(body) if _is_model(key)]
    if len(spans) != 1:
        # Parsers disagree on which one counts, so that policy and provider could read different models.
        raise BadRequest("`model`: given more than once")
    return spans[0]


def _is_model(key: bytes) -> bool:
    return key == b'"model"' or (b"\\" in key and msgspec.json.decode(key) == "model")


def _top_level(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each top-level key of a valid JSON object, with the span of its value."""
    at, keys, brackets = body.index(b"{") + 1, 0, 0
    while key := _KEY.match(body, at):
        start, keys = key.end(), keys + 1
        end, passed = _end_of_value(body, start, BRACKETS_MAX - brackets)
        brackets += passed
        if keys > KEYS_MAX:
            raise BadRequest(f"the body: more than {KEYS_MAX} fields")
        yield key[1], start, end
        following = _NEXT.match(body, end)
        at = following.end() if following else len(body)


def _end_of_value(body: bytes, start: int, brackets_max: int) -> tuple[int, int]:
    """Where a value ends, and how many brackets it has."""
    if body[start] not in b"{[":
        plain = _PLAIN.match(body, start)
        return (plain.end() if plain else len(body)), 0
    depth, at, brackets = 0, start, 0
    while bracket := _BRACKET.match(body, at):
        at, brackets = bracket.end(), brackets + 1
        if brackets > brackets_max:
            raise BadRequest(f"the body: more than {BRACKETS_MAX} brackets, and `model` not told apart")
        depth += 1 if bracket[1] in b"{[" else -1
        if not depth:
            break
    return at, brackets


_PLACED = re.compile(r"(?P<what>.*) - at `\$\.?(?P<path>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")


def _complaint(message: str) -> str:
    """A schema error of msgspec in the words of our own: the field first, then what was wrong with it."""
    placed = _PLACED.fullmatch(message)
    what, path = (placed["what"], placed["path"]) if placed else (message, "")
    missing = _MISSING.fullmatch(what)
    if missing:
        where = f"{path}.{missing['field']}" if path else missing["field"]
        return f"`{where}`: required, but missing"
    what = what.replace("`", "").replace("Expected", "expected")
    return f"`{path}`: {what}" if path else f"the body: {what}"
