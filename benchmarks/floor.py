"""The do-nothing gateway of our own shape: uvicorn in front, a raw connection pool behind, nothing between.

    python -m benchmarks.floor PORT UPSTREAM_PORT

It parses the request, patches the model's name, forwards, and parses the answer. What a real gateway costs
above this is its own doing. It trusts everybody and recovers from nothing.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httptools
import msgspec
import uvicorn

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Asked(msgspec.Struct):
    """What a gateway must read of a request."""

    model: str
    stream: bool = False


class Answered(msgspec.Struct):
    """What a gateway must read of an answer."""

    model: str
    usage: dict[str, Any]


ASKED = msgspec.json.Decoder(Asked)
ANSWERED = msgspec.json.Decoder(Answered)


class Pooled(asyncio.Protocol):
    """A keep-alive connection to the provider; the parser calls `on_*`."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._complete = False
        self._waiter: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._complete = True
        self._parser = httptools.HttpResponseParser(self)

    async def read(self) -> tuple[bytes, bool]:
        """What has come of the body, and whether there is more of it."""
        if not self._pieces and not self._complete:
            self._waiter = self._loop.create_future()
            await self._waiter
        body, more = b"".join(self._pieces), not self._complete
        self._pieces.clear()
        self._complete = False
        return body, more


class Floor:
    """The ASGI application."""

    def __init__(self, upstream_port: int) -> None:
        self._port = upstream_port
        self._idle: list[Pooled] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = await whole_body(receive)
        asked = ASKED.decode(body)
        body = body.replace(msgspec.json.encode(asked.model), b'"bench-model"', 1)
        connection = self._idle.pop() if self._idle else await self._connect()
        connection.transport.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b"authorization: Bearer sk-bench\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        await (stream if asked.stream else whole)(connection, send)
        self._idle.append(connection)

    async def _connect(self) -> Pooled:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Pooled, "127.0.0.1", self._port))[1]


async def whole_body(receive: Receive) -> bytes:
    """The request's body."""
    body = b""
    while True:
        message = await receive()
        body += cast(bytes, message["body"])
        if not message["more_body"]:
            return body


async def whole(connection: Pooled, send: Send) -> None:
    """Pass an answer on in one piece."""
    body, more = await connection.read()
    while more:
        piece, more = await connection.read()
        body += piece
    ANSWERED.decode(body)
    length = str(len(body)).encode()
    await start(send, [(b"content-type", b"application/json"), (b"content-length", length)])
    await send({"type": "http.response.body", "body": body})


async def stream(connection: Pooled, send: Send) -> None:
    """Pass an answer on as its pieces come."""
    await start(send, [(b"content-type", b"text/event-stream")])
    more = True
    while more:
        piece, more = await connection.read()
        await send({"type": "http.response.body", "body": piece, "more_body": more})


async def start(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    """Status and headers."""
    await send({"type": "http.response.start", "status": 200, "headers": headers})


if __name__ == "__main__":
    uvicorn.run(
        Floor(int(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_level="warning",
    )
