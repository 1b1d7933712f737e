"""One connection to a provider: a request out, an answer in, with deadlines and backpressure both ways.

Deadlines are in `time.monotonic()`, which is also the event loop's clock, but not rounded to its last turn.

At most one request is under way at a time. Every failure is an `UpstreamFailed`; after one, or after a
cancelled wait, the connection is closed and never used again.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import TypeAlias, cast

from freehold.vocabulary.errors import Fault, UpstreamFailed
from freehold.wire.http1 import AnswerParser, BadAnswer

HIGH_WATER_BYTES = 256 << 10  # an answer nobody takes away is left in the kernel beyond this
JOINED_BYTES_MAX = 64 << 10  # a head and body up to this are copied into one write


Sink: TypeAlias = Callable[[bytes], bool]  # takes a piece; False: no more for now


class Connection(asyncio.Protocol):
    """An HTTP/1.1 client connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, head_bytes_max: int) -> None:
        self._loop = loop
        self._socket = sock
        self.parser = AnswerParser(head_bytes_max)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._wants_whole = False  # do not wake the waiter for each piece
        self._sink: Sink | None = None  # pieces go there as they come
        self._sink_error: Exception | None = None
        self._idle_s = 0.0  # how long a sink waits for the next piece
        self._final = 0.0  # and until when it waits at all
        self._failure: UpstreamFailed | None = None
        self._reading_paused = False
        self._deadline = 0.0
        self._deadline_fault = Fault.TIMEOUT_TOTAL
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.idle_since = 0.0

    # What the pool and the answer use.

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._failure is None and self.parser.reusable

    @property
    def reusable(self) -> bool:
        """Whether the answer is over, and the request too: some answer before they have read it all."""
        return (
            self.usable
            and self.parser.complete
            and self._transport is not None
            and not self._transport.get_write_buffer_size()
        )

    def is_stale(self) -> bool:
        """Whether the provider has hung up, or talks out of turn, on a connection that was idle."""
        if not self.usable:
            return True
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True  # the end, or bytes nobody asked for

    def send(self, head: bytes, body: bytes) -> None:
        """Begin a request; raises nothing: a dead connection shows when its answer is awaited."""
        self.parser.next()
        if self._failure is None and self._transport is not None:
            if len(body) <= JOINED_BYTES_MAX:
                self._transport.write(head + body)
            else:
                self._transport.writelines([head, body])

    async def progress(self, deadline: float, fault: Fault, *, whole: bool) -> None:
        """Wait until there is body to take, or the answer is complete.

        With `whole` it waits for the complete answer, but not beyond a full buffer, nor beyond `deadline`
        if the answer has begun by then. Otherwise, when `deadline` passes, `fault` is what failed.
        """
        if self._failure is not None:
            raise self._failure
        if self._reading_paused:
            self._resume_reading()
        self._deadline, self._deadline_fault, self._wants_whole = deadline, fault, whole
        if self._timer is None or self._timer_at > deadline:
            self._set_timer(deadline)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._failure is not None and not self.parser.complete:
            raise self._failure

    async def forward(self, sink: Sink, idle_s: float, final: float) -> bool:
        """Hand pieces to `sink` as they come, within the very call that brings them: no task is woken for each.

        True: the answer is complete. False: the sink wants no more for now; call again to go on.
        """
        if self.parser.buffered and not sink(self.take()):
            return self.parser.complete
        self._idle_s, self._final = idle_s, final
        self._sink = sink
        try:
            while self._sink is not None and not self.parser.complete:
                idle_at = time.monotonic() + idle_s
                fault = Fault.TIMEOUT_IDLE if idle_at < final else Fault.TIMEOUT_TOTAL
                await self.progress(min(idle_at, final), fault, whole=False)
        finally:
            self._sink = None
        if self._sink_error is not None:
            raise self._sink_error
        return self.parser.complete

    def take(self) -> bytes:
        """The body received so far and not yet taken."""
        data = self.parser.take()
        if self._reading_paused:
            self._resume_reading()
        return data

    def close(self) -> None:
        """Hang up at once."""
        if self._failure is None:
            self._failure = UpstreamFailed(Fault.RESET, "the connection was closed by the gateway")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        parser = self.parser
        try:
            parser.feed(data)
        except BadAnswer as error:
            self.fail(UpstreamFailed(Fault.GARBAGE, str(error)))
            return
        if self._sink is not None:
            self._pour(self._sink)
            return
        full = parser.buffered > HIGH_WATER_BYTES
        if parser.complete or full or (parser.buffered and not self._wants_whole):
            self._wake()
        if full and not parser.complete:
            self._reading_paused = True
            cast(asyncio.Transport, self._transport).pause_reading()

    def _pour(self, sink: Sink) -> None:
        parser = self.parser
        try:
            if parser.buffered and not sink(parser.take()):
                self._sink = None
        except Exception as error:  # ours, not the provider's: `forward` raises it where it can be told
            self._sink, self._sink_error = None, error
        if parser.complete or self._sink is None:
            self._wake()
        else:
            idle_at = time.monotonic() + self._idle_s
            if idle_at < self._final:
                self._deadline, self._deadline_fault = idle_at, Fault.TIMEOUT_IDLE
            else:
                self._deadline, self._deadline_fault = self._final, Fault.TIMEOUT_TOTAL

    def eof_received(self) -> bool:
        if self.parser.eof():
            self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.parser.eof():
            self._failure = self._failure or UpstreamFailed(Fault.RESET, "the provider closed the connection")
            self._wake()
            return
        begun = "in the middle of its answer" if self.parser.head_done else "before it answered"
        self.fail(UpstreamFailed(Fault.RESET, f"the provider closed the connection {begun}"))

    # Waiting.

    def _set_timer(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(deadline, self._look_at_clock), deadline

    def _look_at_clock(self) -> None:
        """One timer serves many waits: set once, and moved on only when it goes off too early."""
        self._timer = None
        if self._waiter is None:
            return
        if time.monotonic() < self._deadline - 0.001:
            self._set_timer(self._deadline)
        elif self._wants_whole and self.parser.head_done:
            self._wake()  # it has begun in time; the rest is waited for piece by piece
        else:
            self.fail(UpstreamFailed(self._deadline_fault, _TOO_LATE[self._deadline_fault]))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def fail(self, failure: UpstreamFailed) -> None:
        """Hang up; whoever waits is told why."""
        if self._failure is None:
            self._failure = failure
        self._wake()
        self.close()

    def _resume_reading(self) -> None:
        self._reading_paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


_TOO_LATE = {
    Fault.TIMEOUT_FIRST_BYTE: "no answer began within `timeouts.first_byte_s`",
    Fault.TIMEOUT_IDLE: "the answer stood still for longer than `timeouts.idle_s`",
    Fault.TIMEOUT_TOTAL: "the answer was not whole within `timeouts.total_s`",
}
