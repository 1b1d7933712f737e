"""A witness over HTTP: `POST /add-checkpoint`, with bounded bodies and patience."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import uvicorn

from freehold.ledger.witness import BODY_BYTES_MAX, Answer, Witness
from freehold.vocabulary.errors import FreeholdError

PATH = "/add-checkpoint"
BODY_S = 10.0  # a body must have arrived by then
CONNECTIONS_MAX = 256
BACKLOG = 128

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

log = logging.getLogger(__name__)


class WitnessApp:
    """The witness as an ASGI application."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        answer = await self._answer(scope, receive)
        body = answer.body.encode()
        headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        if scope["path"] != PATH:
            return Answer(404, f"there is only {PATH}\n")
        if scope["method"] != "POST":
            return Answer(405, f"{PATH} is asked with POST\n")
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(receive)
        except TimeoutError:
            return Answer(408, "the body did not arrive in time\n")
        if body is None:
            return Answer(413, f"a request is not longer than {BODY_BYTES_MAX} bytes\n")
        try:
            return await asyncio.to_thread(self._witness.add_checkpoint, body, int(time.time()))
        except (FreeholdError, OSError) as error:
            log.error("the witness cannot cosign: %s", error)
            return Answer(500, "the witness cannot read or write its own state\n")


async def _body(receive: Receive) -> bytes | None:
    """A request's whole body; None where it is too long."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


class _Server(uvicorn.Server):
    """uvicorn's server, for which SIGTERM and SIGINT are how it is stopped, and nothing that it died of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield


def serve(witness: Witness, listening: socket.socket) -> None:
    """Serve on a socket until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        WitnessApp(witness),
        log_level="warning",
        access_log=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=5,
    )
    _Server(config).run(sockets=[listening])
