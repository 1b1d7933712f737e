"""The caller's side of an exchange: what arrived, and the answer going back, over ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

from freehold.config.schema import Server
from freehold.gateway.draft import Headers
from freehold.vocabulary.errors import BadRequest, BodyTooLarge, SlowClient

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

CONNECTION = "freehold.connection"  # the scope's key for the `Connection`, where the server provides one


class Connection(Protocol):
    """What our server tells about a caller's connection."""

    gone: bool

    hold: Callable[[], None]  # keep what is written next for what follows: one system call less

    def begin(self) -> None:
        """From here on, the current task is cancelled if the caller hangs up."""

    def end(self) -> None:
        """The current task's exchange is over."""


class Client:
    """One caller, one request."""

    __slots__ = ("_posted", "_receive", "_send", "connection", "headers", "started")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.connection: Connection | None = scope.get(CONNECTION)
        self.started = False
        self._posted = scope["method"] == "POST"  # so that a body follows the head of the answer
        self._receive = receive
        self._send = send

    @property
    def gone(self) -> bool:
        """Whether the caller is known to have hung up."""
        return self.connection is not None and self.connection.gone

    async def body(self, settings: Server) -> bytes:
        """The request's whole body. Raises BadRequest, BodyTooLarge or SlowClient."""
        if b"content-encoding" in self.headers and self.headers[b"content-encoding"].lower() != b"identity":
            raise BadRequest("`content-encoding`: compressed requests are not accepted")
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if len(body) > settings.body_bytes_max:
            raise _too_large(settings)
        if message.get("more_body", False):
            if int(self.headers.get(b"content-length", b"0")) > settings.body_bytes_max:
                raise _too_large(settings)
            try:
                async with asyncio.timeout(settings.request_s):
                    return await self._rest(body, settings)
            except TimeoutError:
                raise SlowClient(f"the request was not whole after {settings.request_s:g} s") from None
        return body

    async def _rest(self, body: bytes, settings: Server) -> bytes:
        pieces, size = [body], len(body)
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > settings.body_bytes_max:
                raise _too_large(settings)
            if not message.get("more_body", False):
                return b"".join(pieces)

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer at once."""
        headers.append((b"content-length", b"%d" % len(body)))
        self.started = True
        if self._posted and self.connection is not None:
            self.connection.hold()
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: Headers) -> None:
        """The answer's head."""
        self.started = True
        if self._posted and self.connection is not None:
            self.connection.hold()
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, more: bool) -> None:
        """A piece of the answer's body; waits while the caller reads too slowly."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


def _too_large(settings: Server) -> BodyTooLarge:
    return BodyTooLarge(f"the body is over {settings.body_bytes_max} bytes")
