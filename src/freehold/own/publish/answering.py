"""The engine of what does not chat: one process, one model, `POST /v1/own/NAME:predict` on this machine alone.

Run as `python -m freehold.own.publish.answering FOLDER PORT`. What a kind of model is loaded by stands in a table, and
only that is imported.
"""

import asyncio
import hmac
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import msgspec
import uvicorn
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from freehold.config.environment import environment
from freehold.own.artefact import Artefact, Kind
from freehold.own.artefact import read as read_artefact
from freehold.own.publish.engines import HOST, KEY_VARIABLE
from freehold.vocabulary.errors import BadRequest, FreeholdError, InvalidKey

INPUTS_MAX = 10_000  # of one request
_PREDICTOR, _GENOME = "freehold.own.predicting.predictor:load", "freehold.own.genome:Genome.load"
LOADERS = {
    Kind.CLASSIFIER: _PREDICTOR,
    Kind.REGRESSOR: _PREDICTOR,
    Kind.TAGGER: _PREDICTOR,
    Kind.GENOME: _GENOME,
}


class Predicts(Protocol):
    """A model that is asked for predictions."""

    def predict(self, inputs: Sequence[object], /) -> list[dict[str, object]]:
        """One answer for each input, in order. Raises BadRequest, naming the input, for one that it cannot read."""


class _Asked(Struct):
    inputs: list[Any]


def load(folder: Path) -> tuple[Artefact, Predicts]:
    """The model in a folder. Raises BadRequest where there is none that predicts."""
    artefact = read_artefact(folder)
    if artefact.kind not in LOADERS:
        raise BadRequest(
            f"{folder} holds a {artefact.kind} model, which chats", remedy="Serve it by llama.cpp."
        )
    module, _, name = LOADERS[artefact.kind].partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return artefact, found(folder)


def answered(artefact: Artefact, model: Predicts, body: bytes) -> bytes:
    """What a request is answered with. Raises BadRequest."""
    try:
        inputs = msgspec.json.decode(body, type=_Asked).inputs
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body: {error}", remedy='Send {"inputs": [...]}.') from None
    if not 0 < len(inputs) <= INPUTS_MAX:
        raise BadRequest(f"`inputs`: expected 1 to {INPUTS_MAX}, not {len(inputs)}")
    told = {
        "model": artefact.name,
        "kind": artefact.kind,
        "predictions": model.predict(inputs),
        "usage": {"prompt_tokens": sum(map(_size, inputs))},
    }
    return msgspec.json.encode(told)


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

    async def predict(request: Request) -> Response:
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

    paths = Route("/v1/own/{name:path}:predict", predict, methods=["POST"])
    return Starlette(routes=[paths, Route("/health", health)])


if __name__ == "__main__":
    try:
        served = application(Path(sys.argv[1]), environment()[KEY_VARIABLE])
    except FreeholdError as problem:
        sys.exit(f"error: {problem}\nremedy: {problem.remedy}")
    uvicorn.run(served, host=HOST, port=int(sys.argv[2]), log_level="warning", access_log=False)
