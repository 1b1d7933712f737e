"""uvicorn's HTTP protocol, with bounds on a request's head and word of callers who hang up.

Does not protect: against many well-behaved connections at once; the operating system's limits do that.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from freehold.config.schema import Server
from freehold.gateway.client import CONNECTION
from freehold.vocabulary.errors import BadRequest, CallerError, HeadersTooLarge, SlowClient


class Corked:
    """A transport that can hold one write back until the next."""

    __slots__ = ("_held", "_holding", "_transport", "abort", "is_closing", "pause_reading", "resume_reading")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""
        self._holding = False
        self.abort = transport.abort
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def hold(self) -> None:
        """The next write waits for the one after it."""
        self._holding = True

    def write(self, data: bytes) -> None:
        """Send, with what was held before it."""
        if self._holding:
            self._held, self._holding = data, False
            return
        if self._held:
            data, self._held = self._held + data, b""
        self._transport.write(data)

    def close(self) -> None:
        """Send what is held, then close."""
        if self._held:
            self.write(b"")
        self._transport.close()


class GuardedProtocol(HttpToolsProtocol):
    """One caller's connection. `settings` is set on a subclass by `guarded`."""

    settings: Server

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone = False
        self.hold: Callable[[], None]
        self._task: asyncio.Task[Any] | None = None
        self._head_bytes = 0  # of a head that is not whole yet
        self._waiting_since = time.monotonic()  # for a whole head; 0 while none is expected

    # For the application: `client.Connection`.

    def begin(self) -> None:
        """From here on, the current task is cancelled if the caller hangs up."""
        self._task = asyncio.current_task()

    def end(self) -> None:
        """The current task's exchange is over."""
        self._task = None

    # For asyncio and httptools.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put a cork between uvicorn, which writes head and body apart, and the socket."""
        super().connection_made(transport)
        corked = Corked(transport)
        self.hold = corked.hold
        self.transport = cast(asyncio.Transport, corked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop working for a caller who hung up."""
        self.gone = True
        super().connection_lost(exc)
        if self._task is not None:
            self._task.cancel()

    def on_message_begin(self) -> None:
        """Let the application find this connection."""
        super().on_message_begin()
        cast(dict[str, object], self.scope)[CONNECTION] = self

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and measure heads that come in pieces or are suspiciously long."""
        super().data_received(data)
        limit = self.settings.head_bytes_max
        if self.scope is None or "method" not in self.scope:
            self._head_bytes += len(data)
            if not self._waiting_since:
                self._waiting_since = time.monotonic()
            if self._head_bytes > limit:
                self.refuse(_too_large(limit))
        elif self._head_bytes or self._waiting_since or len(data) > limit:
            self._head_bytes, self._waiting_since = 0, 0.0
            if sum(len(name) + len(value) + 4 for name, value in self.headers) > limit:
                self.refuse(_too_large(limit))

    def send_400_response(self, msg: str) -> None:
        """What uvicorn says to bytes that are not HTTP, in our words."""
        self.refuse(BadRequest("the request is not valid HTTP/1.1"))

    def refuse(self, error: CallerError) -> None:
        """Answer outside of any exchange, and hang up."""
        if self.transport.is_closing():
            return
        told = {"message": error.message, "type": "invalid_request_error", "code": error.code}
        body = msgspec.json.encode({"error": {**told, "remedy": error.remedy}})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
            body
        )
        self.transport.write(STATUS_LINE[error.status] + head + body)
        self.transport.close()

    def look_at_clock(self, now: float) -> None:
        """Hang up on a caller who sends the head of a request too slowly; called once a second."""
        if not self._waiting_since:
            return
        if self._head_bytes and now - self._waiting_since > self.settings.request_s:
            self.refuse(SlowClient(f"the request's head was not whole after {self.settings.request_s:g} s"))
        elif not self._head_bytes and now - self._waiting_since > self.settings.keep_alive_s:
            self.transport.close()


def guarded(settings: Server) -> type[GuardedProtocol]:
    """The protocol class for uvicorn, which knows only how to make one without arguments of ours."""
    return type("Guarded", (GuardedProtocol,), {"settings": settings})


def _too_large(limit: int) -> HeadersTooLarge:
    return HeadersTooLarge(f"the request's head is over {limit} bytes")
