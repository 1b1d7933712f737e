"""The engine of predictions and embeddings: one process, one model, on this machine alone.

Run as `python -m freehold.own.publish.answering FOLDER PORT`. What a kind of model is loaded by stands in a table, and
only that is imported.
"""

import asyncio
import hmac
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import uvicorn
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from freehold.config.environment import environment
from freehold.dialects.embeddings import Embedded, openai_said, read_openai
from freehold.dialects.fields import read_object
from freehold.own.artefact import Artefact, Kind
from freehold.own.artefact import read as read_artefact
from freehold.own.publish.engines import HOST, KEY_VARIABLE
from freehold.vocabulary.errors import BadRequest, FreeholdError, InvalidKey

INPUTS_MAX = 10_000  # of one request
SIZE_MAX = 2_000_000  # letters and fields of one; a text takes 150 times its size in memory
_PREDICTOR, _GENOME = "freehold.own.predicting.predictor:load", "freehold.own.genome:Genome.load"
LOADERS = {
    Kind.LANGUAGE: "freehold.own.embedding:Texts",  # who chats is another engine
    Kind.CLASSIFIER: _PREDICTOR,
    Kind.REGRESSOR: _PREDICTOR,
    Kind.TAGGER: _PREDICTOR,
    Kind.GENOME: _GENOME,
}


class _Asked(Struct):
    inputs: list[Any]


Answered: TypeAlias = Callable[[Artefact, Any, bytes], bytes]


def load(folder: Path) -> tuple[Artefact, Any]:
    """The model in a folder: what has `predict`, `embed` or both. Raises BadRequest where there is none."""
    artefact = read_artefact(folder)
    module, _, name = LOADERS[artefact.kind].partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return artefact, found(folder)


def predicted(artefact: Artefact, model: Any, body: bytes) -> bytes:
    """What a request for predictions is answered with. Raises BadRequest."""
    inputs = _inputs(body)
    usage = {"prompt_tokens": sum(map(_size, inputs))}
    if usage["prompt_tokens"] > SIZE_MAX:
        said = f"`inputs`: {usage['prompt_tokens']:,} letters and fields, of at most {SIZE_MAX:,}"
        raise BadRequest(said, remedy="Ask in several requests.")
    return _told(artefact, usage, predictions=model.predict(inputs))


def embedded(artefact: Artefact, model: Any, body: bytes) -> bytes:
    """What a request for embeddings is answered with. Raises BadRequest."""
    found = _embed(artefact, model, _inputs(body))
    return _told(artefact, {"prompt_tokens": found.tokens}, embeddings=found.vectors)


def embedded_for_openai(artefact: Artefact, model: Any, body: bytes) -> bytes:
    """The same in OpenAI's words. Raises BadRequest."""
    wanted, asked = read_openai(body, {}), read_object(body, {})
    found = _embed(artefact, model, wanted.texts)
    if wanted.dimensions not in (None, len(found.vectors[0])):
        raise BadRequest(f"`dimensions`: {artefact.name} has {len(found.vectors[0])}, and no other")
    return msgspec.json.encode(openai_said(found, packed=asked.take("encoding_format", str) == "base64"))


def _embed(artefact: Artefact, model: Any, inputs: Sequence[object]) -> Embedded:
    if not hasattr(model, "embed"):
        remedy = f"Ask it at /v1/own/{artefact.name}:predict."
        raise BadRequest(f"{artefact.name} is a {artefact.kind}, and has no embeddings", remedy=remedy)
    found: Embedded = model.embed(inputs)
    return found


def _inputs(body: bytes) -> list[Any]:
    try:
        inputs = msgspec.json.decode(body, type=_Asked).inputs
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body: {error}", remedy='Send {"inputs": [...]}.') from None
    if not 0 < len(inputs) <= INPUTS_MAX:
        raise BadRequest(f"`inputs`: expected 1 to {INPUTS_MAX}, not {len(inputs)}")
    return inputs


def _told(artefact: Artefact, usage: object, **answers: object) -> bytes:
    told = {"model": artefact.name, "kind": artefact.kind, **answers, "usage": usage}
    return msgspec.json.encode(told)


ANSWERS: dict[str, Answered] = {
    "/v1/own/{name:path}:predict": predicted,
    "/v1/own/{name:path}:embed": embedded,
    "/v1/embeddings": embedded_for_openai,
}


def _size(given: object) -> int:
    """What an input counts for: the letters of a text or a sequence, the fields of a row."""
    return len(given) if isinstance(given, str | dict | list) else 1


def refusal(error: FreeholdError) -> Response:
    """An error, as callers of chat completions expect it."""
    told = {"message": error.message, "type": "invalid_request_error", "code": error.code, "param": None}
    body = msgspec.json.encode({"error": told | {"remedy": error.remedy}})
    headers = {} if error.retry_after_s is None else {"retry-after": f"{error.retry_after_s:.0f}"}
    return Response(body, error.status, headers, "application/json")


def application(folder: Path, key: str) -> Starlette:
    """The engine, with the model of a folder, for who sends the key. Raises BadRequest."""
    artefact, model = load(folder)
    known = f"Bearer {key}".encode()

    async def answer(answered: Answered, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), known):
            return refusal(InvalidKey("only `freehold own serve` asks an engine"))
        body = await request.body()
        try:  # models hold no state, so that any number of threads may ask
            told = await asyncio.to_thread(answered, artefact, model, body)
        except FreeholdError as error:
            return refusal(error)
        return Response(told, media_type="application/json")

    async def health(request: Request) -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    routes = [Route(path, partial(answer, answered), methods=["POST"]) for path, answered in ANSWERS.items()]
    return Starlette(routes=[*routes, Route("/health", health)])


if __name__ == "__main__":
    try:
        served = application(Path(sys.argv[1]), environment()[KEY_VARIABLE])
    except FreeholdError as problem:
        sys.exit(f"error: {problem}\nremedy: {problem.remedy}")
    uvicorn.run(served, host=HOST, port=int(sys.argv[2]), log_level="warning", access_log=False)
