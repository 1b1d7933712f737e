"""Embeddings: OpenAI's and Gemini's requests and answers, each into the other."""

import base64
import struct
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from freehold.dialects.fields import Count, read_json, read_object
from freehold.dialects.gemini.contents import Spelled
from freehold.dialects.looks import UNREADABLE, NotAnAnswer, decoded
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest

Object = dict[str, object]
Vector = list[float]

KINDS = frozenset({Dialect.EMBEDDINGS, Dialect.GEMINI_EMBEDDINGS})
_FLOAT = struct.Struct("<f")  # as in the base64 that OpenAI's own library asks for


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request."""

    texts: tuple[str, ...]
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """An answer."""

    vectors: list[Vector]  # in the order of the texts
    model: str
    tokens: int | None


class _Usage(Struct):
    prompt_tokens: Count | None = None


class _Item(Struct):
    embedding: Vector | str
    index: int | None = None


class _OpenAI(Struct):
    data: Annotated[list[_Item], Meta(min_length=1)]
    model: str = ""
    usage: _Usage | None = None


class _Values(Struct):
    values: Vector


class _GeminiUsage(Struct, rename="camel"):
    prompt_token_count: Count | None = None


class _Gemini(Struct, rename="camel"):
    embeddings: list[_Values] | None = None
    embedding: _Values | None = None
    usage_metadata: _GeminiUsage | None = None


_openai = msgspec.json.Decoder(_OpenAI)
_gemini = msgspec.json.Decoder(_Gemini)


def write_request(body: bytes, source: Dialect, target: Dialect, model: str, lost: dict[str, None]) -> bytes:
    """A request in the other dialect. Raises CallerError."""
    wanted = read_openai(body, lost) if source is Dialect.EMBEDDINGS else _read_gemini(body, lost)
    if target is Dialect.EMBEDDINGS:
        said: Object = {"model": model, "input": wanted.texts, "encoding_format": "float"}
        sized: Object = {} if wanted.dimensions is None else {"dimensions": wanted.dimensions}
        return msgspec.json.encode(said | sized)
    named = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    sized = {} if wanted.dimensions is None else {"outputDimensionality": wanted.dimensions}
    requests = [{"model": named, "content": {"parts": [{"text": text}]}} | sized for text in wanted.texts]
    return msgspec.json.encode({"requests": requests})


def read_openai(body: bytes, lost: dict[str, None]) -> Wanted:
    """A request of OpenAI's. Raises CallerError."""
    request = read_object(body, lost)
    request.need("model", str)
    given = request.either("input", str, list)
    if given is None:
        raise BadRequest("`input`: required, but missing")
    if isinstance(given, list) and any(type(item) in (int, list) for item in given):
        raise request.refuse("input", "tokens are of use only to the model whose tokens they are")
    texts = (given,) if isinstance(given, str) else request.strings("input")
    dimensions = request.take("dimensions", int)
    request.take("encoding_format", str)  # the answer is written as it asks
    request.close()
    return Wanted(texts, dimensions)


def _read_gemini(body: bytes, lost: dict[str, None]) -> Wanted:
    request = Spelled(read_json(body), "", lost)
    batch = list(request.objects("requests")) or [request]
    read = [_read_one(fields) for fields in batch]
    request.take("model", str)
    request.close()
    if len({one.dimensions for one in read}) > 1:
        raise request.refuse("requests", "vectors of several sizes cannot be asked for at once")
    return Wanted(tuple(text for one in read for text in one.texts), read[0].dimensions)


def _read_one(request: Spelled) -> Wanted:
    """One text: the parts of a content share a vector."""
    content = request.need_object("content")
    words = list[str]()
    for part in content.objects("parts"):
        text = part.take("text", str)
        if text is None:
            raise part.refuse(next(iter(part.unread()), "text"), "only text can be carried")
        words.append(text)
        part.close()
    content.take("role", str)
    content.close()
    request.take("model", str)
    config = request.object("embedContentConfig") or request
    wanted = Wanted(("\n".join(words),), config.take("outputDimensionality", int))
    config.close()
    request.close()
    return wanted


def write_answer(body: bytes, source: Dialect, target: Dialect, asked: bytes, lost: dict[str, None]) -> bytes:
    """An answer in the other dialect, in the form that `asked` wants. Raises NotAnAnswer."""
    wanted = read_object(asked, {})
    try:
        read = _openai_vectors(body) if source is Dialect.EMBEDDINGS else read_gemini(body)
        if target is Dialect.GEMINI_EMBEDDINGS:
            return msgspec.json.encode(_gemini_said(read, many=bool(wanted.take("requests", list))))
        if read.tokens is None:
            lost["answer.usage"] = None
        return msgspec.json.encode(openai_said(read, packed=wanted.take("encoding_format", str) == "base64"))
    except (*UNREADABLE, ValueError, OverflowError, struct.error) as error:
        raise NotAnAnswer(str(error)) from None


def _gemini_said(read: Embedded, *, many: bool) -> Object:
    values = [{"values": vector} for vector in read.vectors]
    said: Object = {"embeddings": values} if many else {"embedding": values[0]}
    return said if read.tokens is None else said | {"usageMetadata": {"promptTokenCount": read.tokens}}


def openai_said(read: Embedded, *, packed: bool) -> Object:
    """An answer of OpenAI's. Counts that the format requires are told as 0 where they are unknown."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
        for index, vector in enumerate(read.vectors)
    ]
    usage = {"prompt_tokens": read.tokens or 0, "total_tokens": read.tokens or 0}
    return {"object": "list", "data": data, "model": read.model, "usage": usage}


def _openai_vectors(body: bytes) -> Embedded:
    answer = decoded(_openai, body)
    items = sorted(answer.data, key=lambda item: item.index or 0)
    vectors = [_unpacked(i.embedding) if isinstance(i.embedding, str) else i.embedding for i in items]
    return Embedded(vectors, answer.model, answer.usage.prompt_tokens if answer.usage else None)


def read_gemini(body: bytes) -> Embedded:
    """A Gemini answer. It does not name the model, and saying another name would be worse than none."""
    answer = decoded(_gemini, body, count="usageMetadata")
    values = answer.embeddings or ([answer.embedding] if answer.embedding else [])
    if not values:
        raise NotAnAnswer("no embeddings")
    count = answer.usage_metadata
    return Embedded([one.values for one in values], "", count.prompt_token_count if count else None)


def _packed(vector: Vector) -> str:
    return base64.b64encode(b"".join(map(_FLOAT.pack, vector))).decode()


def _unpacked(text: str) -> Vector:
    return [number for (number,) in _FLOAT.iter_unpack(base64.b64decode(text, validate=True))]
