"""The way out for requests in a drill: as the real one, but what the drill has struck answers as if it were so.

What is injected goes the way of a real answer, so that everything behind it reacts as it would in life. Streams that
are under way when an endpoint becomes unreachable break off; whole answers that are under way do not.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from freehold.config import clock
from freehold.config.schema import Timeouts
from freehold.dialects.translate import LANGUAGES
from freehold.gateway.client import Headers
from freehold.gateway.drill_order import Struck
from freehold.routing.limits import Load
from freehold.upstream.addressing import Target
from freehold.upstream.connection import Sink
from freehold.upstream.door import Door, Incoming
from freehold.vocabulary.conversation import Answer, Refusal
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import Fault, UpstreamFailed
from freehold.vocabulary.events import Event, Finished, RefusalPiece, Started
from freehold.vocabulary.exchange import INJECTED, Finish

# By how an endpoint is gone: the status, and the type that providers give such an error.
STATUSES = {
    "unavailable": (503, "overloaded_error"),
    "forbidden": (403, "permission_error"),
    "gone": (404, "not_found_error"),
}
BUSY = (429, "rate_limit_error")
BUSY_S = 1.0  # the Retry-After of a rate limit
CUTS = ("unreachable", "timeout")  # ways that end streams under way
CHARACTERS_PER_TOKEN = 4
REFUSED = "I'm sorry, but I can't help with that."


class Strikes:
    """Which endpoints a drill strikes, and when. Moments are Unix milliseconds."""

    def __init__(self, struck: Mapping[str, Struck], window_ms: tuple[int, int], lease_ms: int) -> None:
        self._exact = {name: one for name, one in struck.items() if "*" not in name}
        self._globs = [(name.split("*", 1), one) for name, one in struck.items() if "*" in name]
        self.from_ms, self.until_ms = window_ms
        self.over = asyncio.Event()
        self.hold(lease_ms)

    def hold(self, lease_ms: int) -> None:
        """Until then it is wanted, and no longer from now than that: a clock that is set back changes nothing."""
        self._lease_ms, self._ends_s = lease_ms, time.monotonic() + (lease_ms - clock.now_ms()) / 1000

    def holds(self, now_ms: int) -> bool:
        """Whether the drill is still wanted."""
        return not self.over.is_set() and now_ms < self._lease_ms and time.monotonic() < self._ends_s

    def rages(self, now_ms: int) -> bool:
        """Whether the fault is there."""
        return self.from_ms <= now_ms < self.until_ms and self.holds(now_ms)

    def at(self, endpoint: str) -> Struck | None:
        """What becomes of an endpoint while the fault is there; None: nothing."""
        found = self._exact.get(endpoint)
        if found is not None or not self._globs:
            return found
        fits = (
            one
            for (before, after), one in self._globs
            if endpoint.startswith(before) and endpoint.endswith(after)
        )
        return next(fits, None)

    def hits(self, endpoint: str) -> bool:
        """Whether anything becomes of it."""
        found = self.at(endpoint)
        return found is not None and not found.spared


class FaultyDoor:
    """A way out through `door`. `loads` are the rate limits that struck endpoints keep to, by their ids."""

    def __init__(self, door: Door, strikes: Strikes, loads: Mapping[str, Load]) -> None:
        self._door, self._strikes, self._loads = door, strikes, loads

    @property
    def timeouts(self) -> Timeouts:
        """Those of the real door."""
        return self._door.timeouts

    def without_secrets(self, account: str, said: bytes) -> bytes:
        """What a provider said, less the credentials we sent it."""
        return self._door.without_secrets(account, said)

    async def send(
        self, account: str, dialect: Dialect, body: bytes, *, target: Target, extra: bytes, deadline: float
    ) -> Incoming:
        """Send a request, or do as if. Raises UpstreamFailed."""
        struck, now_ms = self._strikes.at(f"{account}/{target.model}"), clock.now_ms()
        rages = struck is not None and self._strikes.rages(now_ms)
        if struck is not None and rages:
            made = await self._made(struck, dialect, body, target, deadline)
            if made is not None:
                return made
            if struck.replaced_by is not None:
                target = target._replace(model=struck.replaced_by)
                body = _with_model(body, struck.replaced_by)
        began = time.monotonic()
        incoming = await self._door.send(
            account, dialect, body, target=target, extra=extra, deadline=deadline
        )
        if struck is not None and rages and struck.latency > 1:
            await self._slow(struck.latency, began, deadline, incoming)
        elif struck is not None and target.stream and struck.way in CUTS and now_ms < self._strikes.from_ms:
            self._cut_later(incoming)
        return incoming

    async def _made(
        self, struck: Struck, dialect: Dialect, body: bytes, target: Target, deadline: float
    ) -> Incoming | None:
        """The answer of an endpoint as it is struck; None: a real one. Raises UpstreamFailed."""
        if struck.way == "unreachable":
            raise UpstreamFailed(Fault.CONNECT, f"{INJECTED}: no connection")
        if struck.way == "timeout":
            limit = time.monotonic() + self.timeouts.first_byte_s
            await self._pause(min(limit, deadline))
            fault = Fault.TIMEOUT_FIRST_BYTE if limit <= deadline else Fault.TIMEOUT_TOTAL
            raise UpstreamFailed(fault, f"{INJECTED}: no answer began")
        if struck.way is not None:
            return _error(*STATUSES[struck.way], deadline)
        load, tokens, now = (
            self._loads.get(struck.endpoint),
            len(body) // CHARACTERS_PER_TOKEN + 1,
            time.monotonic(),
        )
        if load is not None:
            if not load.admits(now, tokens):
                return _error(*BUSY, deadline, [(b"retry-after", b"%g" % BUSY_S)])
            load.take(now, tokens).release()
        return _refusal(dialect, body, target, deadline) if _refuses(struck, body) else None

    async def _slow(self, latency: float, began: float, deadline: float, incoming: Incoming) -> None:
        """Hold an answer's beginning back. Raises UpstreamFailed when that is too long."""
        limit = min(began + self.timeouts.first_byte_s, deadline)
        due = began + latency * (time.monotonic() - began)
        await self._pause(min(due, limit))
        if due > limit and self._strikes.rages(clock.now_ms()):
            incoming.close()
            raise UpstreamFailed(Fault.TIMEOUT_FIRST_BYTE, "no answer began in time, held back by a drill")

    async def _pause(self, until: float) -> None:
        """Wait (loop time), and no longer than the fault lasts."""
        left_s = (self._strikes.until_ms - clock.now_ms()) / 1000
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(until, time.monotonic() + left_s)):
                await self._strikes.over.wait()

    def _cut_later(self, incoming: Incoming) -> None:
        def cut() -> None:
            if self._strikes.rages(clock.now_ms()):
                incoming.break_off(UpstreamFailed(Fault.RESET, "broken off by a drill"))

        in_s = (self._strikes.from_ms - clock.now_ms()) / 1000
        asyncio.get_running_loop().call_later(max(in_s, 0.0) + 0.001, cut)


class Made(Incoming):
    """An answer that nobody sent."""

    __slots__ = ("_body",)

    def __init__(self, status: int, headers: Headers, body: bytes, deadline: float) -> None:
        self.status, self.headers, self.deadline = status, headers, deadline
        self._body = body

    async def whole(self) -> bytes:
        """All of it."""
        return await self.piece()

    async def piece(self) -> bytes:
        """All of it, and then nothing."""
        body, self._body = self._body, b""
        return body

    async def forward(self, sink: Sink) -> bool:
        """All of it."""
        if body := await self.piece():
            sink(body)
        return True

    def close(self) -> None:
        """Nothing is open."""

    def break_off(self, failure: UpstreamFailed) -> None:
        """Nothing is under way."""


def _refuses(struck: Struck, body: bytes) -> bool:
    if struck.refuses is not None and struck.refuses.casefold() in body.decode(errors="replace").casefold():
        return True
    return struck.refuses_share > 0 and random.random() < struck.refuses_share  # noqa: S311 - a sample


def _error(status: int, kind: str, deadline: float, headers: Headers | None = None) -> Made:
    """An error in words that all readers of errors know; the code tells the ledger that nobody sent it."""
    told = {"type": kind, "code": INJECTED, "message": f"{kind} injected by a drill"}
    body = msgspec.json.encode({"error": told})
    return Made(status, [(b"content-type", b"application/json"), *(headers or [])], body, deadline)


def _refusal(dialect: Dialect, body: bytes, target: Target, deadline: float) -> Made | None:
    """A refusal as the dialect has it; None: it has none (embeddings), or only providers write it."""
    language = LANGUAGES.get(dialect)
    if language is None:
        return None
    name = "drill"
    if not target.stream:
        answer = Answer(name, target.model, (Refusal(REFUSED),), Finish.REFUSAL)
        said, kind = language.write_answer(answer, body), b"application/json"
    else:
        writer = language.writer(True, body)
        parts: tuple[Event, ...] = (
            Started(name, target.model),
            RefusalPiece(REFUSED),
            Finished(Finish.REFUSAL),
        )
        said, kind = b"".join([*map(writer.write, parts), writer.end()]), b"text/event-stream"
    return Made(200, [(b"content-type", kind)], said, deadline)


def _with_model(body: bytes, model: str) -> bytes:
    """The same request of another model, where the body names one."""
    told: Any = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode(told | {"model": model}) if "model" in told else body
