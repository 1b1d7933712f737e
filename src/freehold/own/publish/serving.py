"""`freehold own serve`: one address before the engines of all published models, on this machine alone.

Asks for no key: whoever may open a connection on this machine may ask. Keys, policies and the ledger are the gateway's.
"""

import asyncio
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec
import uvicorn
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from freehold.config.document import Signature, signature
from freehold.dialects.peek import Head, read_head, with_model
from freehold.dialects.peek import Route as Asked
from freehold.own.artefact import Kind
from freehold.own.publish.answering import refusal
from freehold.own.publish.manifest import Engine
from freehold.own.publish.registry import FILE, PROVIDER, Entry, registered
from freehold.own.publish.tending import HELD, LOGS, State, Tended
from freehold.upstream.addressing import Target
from freehold.upstream.door import Incoming
from freehold.vocabulary.endpoint import EMBEDS, Dialect
from freehold.vocabulary.errors import (
    AllEndpointsFailed,
    BadRequest,
    BodyTooLarge,
    CrossOrigin,
    FreeholdError,
    UnknownModel,
    UpstreamFailed,
)
from freehold.wire.sse import Joiner

LOOK_S = 1.0
DAY_S = 86_400.0  # how long an answer may take is for the gateway to say, which hangs up
KEEP_ALIVE_S = (
    120  # longer than a gateway keeps a connection that it does not use, or one could be lost between
)
DRAIN_S = 10  # after SIGTERM, answers under way get this long

HOSTS = ("127.0.0.1", "localhost")  # a page whose name leads here (DNS rebinding) sends its own
RENAMED_BYTES = (
    1024  # by so much a body may grow on its way through the gateway: it names the endpoint's model
)

EMBEDDING = ":embed"  # at the end of the name of an engine that only embeds, beside one that chats

PATHS = {
    "/v1/chat/completions": Dialect.CHAT,
    "/v1/embeddings": Dialect.EMBEDDINGS,
    "/v1/own/{name:path}:predict": Dialect.PREDICT,
    "/v1/own/{name:path}:embed": Dialect.EMBED,
}
Say = Callable[[str], None]


class Fleet:
    """The engines of all models that are published. Only the event loop calls it."""

    def __init__(self, state: Path, start_s: float, say: Say) -> None:
        self._state, self._start_s, self._say = state, start_s, say
        self._tended: dict[str, Tended] = {}
        self._tasks: dict[Tended, asyncio.Task[None]] = {}
        self._successions: dict[str, tuple[Entry, asyncio.Task[None]]] = {}
        self._seen: Signature = None
        self._trouble = ""

    @property
    def all(self) -> tuple[Tended, ...]:
        """Each model's engine."""
        return tuple(self._tended.values())

    def of(self, name: str, dialect: Dialect) -> Tended:
        """The engine of a model; that which embeds for one that chats is begun when it is first asked.

        Raises UnknownModel, and BadRequest for what a model of its kind is not asked.
        """
        found = None if EMBEDDING in name else self._tended.get(name)
        if found is None:
            raise UnknownModel(f"no model is published as `{name[:200]}`")
        kind = found.entry.kind
        if kind is Kind.LANGUAGE and dialect in EMBEDS:
            return self._tended.get(name + EMBEDDING) or self._begin(_embedding(found.entry))
        if dialect is (Dialect.PREDICT if kind is Kind.LANGUAGE else Dialect.CHAT):
            how = "/v1/chat/completions" if kind is Kind.LANGUAGE else f"/v1/own/{name}:predict"
            raise BadRequest(f"`{name}` is a {kind} model", remedy=f"Ask it at {how}.")
        return found

    def clear(self) -> None:
        """Take away what one that was killed has left."""
        shutil.rmtree(self._state / PROVIDER / HELD, ignore_errors=True)

    async def look(self) -> None:
        """Take in what was published, and what is no longer. Never raises."""
        seen = signature(self._state / PROVIDER / FILE)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            entries = registered(self._state)
        except BadRequest as error:
            self._say(f"{error}; what was served is served on")
            return
        beside = [_embedding(one) for name, one in entries.items() if name + EMBEDDING in self._tended]
        entries |= {one.name: one for one in beside if one.kind is Kind.LANGUAGE}
        for name in self._tended.keys() - entries.keys():
            await self._gone(name)
        for entry in entries.values():
            await self._take_in(entry)

    async def keep(self) -> None:
        """Look once a second."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def settled(self) -> None:
        """Wait until each is ready, or it is known why it is not."""
        await asyncio.gather(*(one.settled() for one in self.all))

    async def stop(self) -> None:
        """End them all."""
        await asyncio.gather(*map(self._gone, list(self._tended)))

    async def _take_in(self, entry: Entry) -> None:
        """What is as it was is left alone. What serves is served on until its successor is ready, or cannot be."""
        old = self._tended.get(entry.name)
        coming, _ = self._successions.get(entry.name, (None, None))
        if entry == (coming or (old and old.entry)):
            return
        await self._called_off(entry.name)
        if old is None or old.state is not State.READY:
            await self._gone(entry.name)
            self._begin(entry)
        elif entry != old.entry:
            task = asyncio.create_task(self._succeed(old, entry))
            self._successions[entry.name] = entry, task

    async def _succeed(self, old: Tended, entry: Entry) -> None:
        new = self._tend(entry)
        try:
            await new.settled()
            self._tended[entry.name], new = new, old
            await old.idle(DRAIN_S)
        finally:
            self._successions.pop(entry.name, None)
            await _ended(self._tasks.pop(new))

    def _begin(self, entry: Entry) -> Tended:
        self._tended[entry.name] = tended = self._tend(entry)
        return tended

    def _tend(self, entry: Entry) -> Tended:
        tended = Tended(entry, self._state / PROVIDER, self._start_s, self._say)
        self._tasks[tended] = asyncio.create_task(tended.tend())
        return tended

    async def _gone(self, name: str) -> None:
        await self._called_off(name)
        if name in self._tended:
            await _ended(self._tasks.pop(self._tended.pop(name)))

    async def _called_off(self, name: str) -> None:
        if name in self._successions:
            await _ended(self._successions.pop(name)[1])


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _embedding(entry: Entry) -> Entry:
    """The engine that embeds for a model that chats: ours, and of the same files."""
    return replace(entry, name=entry.name + EMBEDDING, engine=Engine.PREDICTOR)


def application(fleet: Fleet, body_bytes_max: int, ready: Callable[[], None]) -> Starlette:
    """The front. `ready` is told once every engine is ready, or has said why it is not."""

    async def answer(dialect: Dialect, request: Request) -> Response:
        body = await _body(request, body_bytes_max)
        head = read_head(Asked(dialect, request.path_params.get("name")), body)
        return await _answer(fleet, head, dialect, body)

    async def models(request: Request) -> Response:
        ready = (one.entry.name for one in fleet.all if one.state is State.READY)
        names = [name for name in ready if EMBEDDING not in name]
        told = [{"id": name, "object": "model", "created": 0, "owned_by": PROVIDER} for name in names]
        return _json({"object": "list", "data": told})

    async def health(request: Request) -> Response:
        told = {
            one.entry.name: {"state": one.state, "why": one.why, "engine": one.entry.engine, "pid": one.pid}
            for one in fleet.all
        }
        return _json({"status": "ok", "models": told})

    async def tell() -> None:
        await fleet.settled()
        ready()

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        fleet.clear()
        await fleet.look()
        tasks = (asyncio.create_task(fleet.keep()), asyncio.create_task(tell()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await fleet.stop()

    return Starlette(
        routes=[
            *(Route(path, partial(answer, dialect), methods=["POST"]) for path, dialect in PATHS.items()),
            Route("/v1/models", models),
            Route("/healthz", health),
        ],
        lifespan=living,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        exception_handlers={FreeholdError: _refused},
    )


def serve(listening: socket.socket, fleet: Fleet, body_bytes_max: int, ready: Callable[[], None]) -> None:
    """Serve on a socket until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        application(fleet, body_bytes_max, ready),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # uvicorn sends itself, at its end, what it was sent
    uvicorn.Server(config).run(sockets=[listening])


async def _refused(request: Request, error: Exception) -> Response:
    return refusal(error if isinstance(error, FreeholdError) else FreeholdError(str(error)))


async def _answer(fleet: Fleet, head: Head, dialect: Dialect, body: bytes) -> Response:
    """An engine's answer, passed on as it comes. Raises FreeholdError."""
    name, tended = head.model, fleet.of(head.model, dialect)
    door = await tended.door()
    if tended.called:
        body = with_model(body, head, tended.called)
    tended.in_flight += 1
    try:
        until, target = asyncio.get_running_loop().time() + DAY_S, Target(name, head.stream)
        incoming = await door.send(tended.entry.name, dialect, body, target=target, extra=b"", deadline=until)
        if not head.stream:
            whole = named(await incoming.whole(), tended.called, name)
            return Response(whole, incoming.status, _headers(incoming))
    except UpstreamFailed as failure:
        said = f"the engine of own/{name} gave no answer: {failure.message}"
        log = f"own/{LOGS}/{tended.entry.name}.log"
        raise AllEndpointsFailed(said, remedy=f"See {log} in the state directory.") from None
    finally:
        tended.in_flight -= 1
    return StreamingResponse(_events(tended, incoming), incoming.status, _headers(incoming))


async def _events(tended: Tended, incoming: Incoming) -> AsyncIterator[bytes]:
    """A stream; one that breaks off breaks off here, too. Closed when nobody reads it any more."""
    joiner, name = Joiner(), tended.entry.name
    tended.in_flight += 1
    try:
        while piece := await incoming.piece():
            if whole := joiner.feed(piece):
                yield named(whole, tended.called, name)
        yield joiner.rest()
    finally:
        tended.in_flight -= 1
        incoming.close()


def named(said: bytes, called: str, name: str) -> bytes:
    """An answer with the model's own name where its engine calls it otherwise. In a text the quotes are escaped."""
    if not called:
        return said
    known = re.escape(msgspec.json.encode(called)[:-1])
    return re.sub(rb'"model": ?' + known + rb'(?:@[^"]*)?"', b'"model":' + msgspec.json.encode(name), said)


async def _body(request: Request, most: int) -> bytes:
    """Raises CrossOrigin for what a web page asks, since this address knows no keys; BodyTooLarge."""
    if "origin" in request.headers:
        raise CrossOrigin("a web page asked for an own model")
    whole = bytearray()
    async for part in request.stream():
        whole += part
        if len(whole) > most:
            raise BodyTooLarge(f"the body is over {most} bytes")
    return bytes(whole)


def _headers(incoming: Incoming) -> dict[str, str]:
    kept = (b"content-type", b"retry-after")
    return {name.decode(): value.decode("latin-1") for name, value in incoming.headers if name in kept}


def _json(told: object) -> Response:
    return Response(msgspec.json.encode(told), media_type="application/json")
