"""Connections to one origin, kept and reused: the last used first, so that spare ones grow idle and close.

A request is written to a kept connection only after a look at its socket: one that the provider has closed
is found before any byte is sent, so that nothing is sent twice. What fails after that is routing's business.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from freehold.upstream.connection import Connection
from freehold.vocabulary.errors import Fault, UpstreamFailed

Connect = Callable[[], Awaitable[Connection]]


class Pool:
    """At most `connections_max` connections; whoever finds none free waits in line."""

    def __init__(
        self, connect: Connect, *, connections_max: int, idle_s: float, clock: Callable[[], float]
    ) -> None:
        self._connect = connect
        self._connections_max = connections_max
        self._idle_s = idle_s
        self._clock = clock
        self._idle: list[Connection] = []
        self._in_line: deque[asyncio.Future[None]] = deque()
        self._busy: set[Connection] = set()
        self._opening = 0

    async def acquire(self, deadline: float) -> Connection:
        """A connection that was alive a moment ago.

        Raises UpstreamFailed if none can be opened, or none came free by `deadline` (loop time).
        """
        while True:
            connection = self.idle_one()
            if connection is not None:
                return connection
            if len(self._busy) + self._opening < self._connections_max:
                return await self._open()
            await self._stand_in_line(deadline)

    def idle_one(self) -> Connection | None:
        """A connection that can be had without waiting, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_stale():
                self._busy.add(connection)
                return connection
            connection.close()
        return None

    def release(self, connection: Connection) -> None:
        """Give a connection back; a broken one, or one with an unfinished answer, is closed."""
        self._busy.discard(connection)
        if connection.reusable:
            connection.idle_since = self._clock()
            self._idle.append(connection)
        else:
            connection.close()
        self._next_in_line()

    def sweep(self) -> None:
        """Close what has been idle for too long; called about once a second."""
        now = self._clock()
        keep = [c for c in self._idle if now - c.idle_since < self._idle_s and c.usable]
        for connection in set(self._idle).difference(keep):
            connection.close()
        self._idle = keep

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()

    async def _open(self) -> Connection:
        self._opening += 1
        try:
            connection = await self._connect()
        except BaseException:
            self._next_in_line()
            raise
        finally:
            self._opening -= 1
        self._busy.add(connection)
        return connection

    async def _stand_in_line(self, deadline: float) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._in_line.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except TimeoutError:
            if turn.done() and not turn.cancelled():
                self._next_in_line()  # it came in the very turn of the loop in which the patience ended
            raise UpstreamFailed(
                Fault.TIMEOUT_CONNECT,
                f"all {self._connections_max} connections were in use (`upstream.connections_max`)",
            ) from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next_in_line()  # the turn came, and nobody is there to take it
            raise

    def _next_in_line(self) -> None:
        while self._in_line:
            turn = self._in_line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
