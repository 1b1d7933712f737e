"""Takes drills up and drops them, once a second, and says which requests are in one.

A drill that was meant for an earlier run of the gateway, or whose command has not been heard of for the time of its
lease, is dropped and its file removed. Where it cannot be put on the ledger that one begins, it does not.
"""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from freehold.config import clock
from freehold.config.document import Signature, signature
from freehold.dialects.peek import Route
from freehold.gateway.client import Client
from freehold.gateway.draft import Draft
from freehold.gateway.drill_order import FILE, TOKEN_HEADER, Mode, Order, lease_ms, read, remove
from freehold.gateway.drilled import Around, Drilled
from freehold.gateway.governance import Note
from freehold.gateway.metrics import Metrics
from freehold.gateway.shadowing import STOP_S, Again, Sample, again
from freehold.gateway.unconnected import Unconnected
from freehold.routing.plan import Lane
from freehold.vocabulary.errors import LedgerUnavailable

IN_FORCE, OVER = "drill-in-force", "drill-over"  # kinds of events
AT_ONCE = 16  # copies under way in one process
ANOTHER_RUN = "it was meant for an earlier run of the gateway"
NO_LEASE = "its command was not heard of any more"
TAKEN_AWAY = "it was taken away"
_TOKEN = TOKEN_HEADER.encode()

_log = logging.getLogger("freehold")

Serve = Callable[[Client, Again], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Copy:
    """A request once more, in a drill, when its caller has the answer."""

    draft: Draft
    sample: Sample
    lane: Lane

    def narrowed(self, lane: Lane) -> Lane:
        """All of them may be asked, as for the request itself."""
        return lane


class Drilling:
    """One process's drills. Only the event loop calls it; `run` tells one run of the gateway from another."""

    def __init__(self, state: Path, run: str, around: Around, metrics: Metrics, note: Note) -> None:
        self.now: Drilled | None = None  # nearly always
        self._state, self._run, self._around, self._metrics, self._note = state, run, around, metrics, note
        self._seen: Signature = None
        self._dropped = ""  # the last that was: its file may still be there
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def takes(self, draft: Draft, headers: Mapping[bytes, bytes]) -> Drilled | None:
        """The drill that a request is in."""
        drill = self.now
        if drill is None or not drill.strikes.holds(draft.at_ms):
            return None
        order = drill.order
        if order.mode is Mode.MARKED:
            said = sha256(headers.get(_TOKEN, b"")).hexdigest()
            return drill if hmac.compare_digest(said, order.token) else None
        return drill if order.mode is Mode.SHARE and _drawn(draft.id, order.share) else None

    def copies(self, draft: Draft) -> bool:
        """Whether a request is to be made once more under the drill."""
        drill = self.now
        if drill is None or drill.order.mode is not Mode.SHADOW or not drill.strikes.holds(draft.at_ms):
            return False
        return _drawn(draft.id, drill.order.share)

    def answered(self, draft: Draft, sample: Sample, serve: Serve) -> None:
        """The caller of such a request has its answer. Under load nothing is copied."""
        drill, most = self.now, self._around.config.server.in_flight_max // 2
        if drill is None or self._stopped or len(self._tasks) >= AT_ONCE or self._metrics.in_flight > most:
            return
        task = asyncio.create_task(self._copy(drill, draft, sample, serve))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _copy(self, drill: Drilled, draft: Draft, sample: Sample, serve: Serve) -> None:
        head, copy = sample.asked.head, again(draft, sample)
        copy.drilled = drill
        route = Route(copy.dialect, head.model, head.stream, head.method)
        client = Client(Unconnected(), route, list(sample.headers.items()), keep_alive=True, chunked=True)
        client.more_body = False
        await serve(client, Copy(copy, sample, sample.lane))

    async def stop(self) -> None:
        """Break off what is under way, and let it be recorded."""
        self._stopped = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    # Once a second.

    def look(self) -> None:
        """Take up, hold or drop what the file says. Never raises."""
        seen = signature(self._state / FILE)
        now_ms = clock.now_ms()
        if seen != self._seen:
            self._seen = seen
            order = read(self._state)
            if order is None:
                self._drop(TAKEN_AWAY)
            elif order.run != self._run:
                self._disown(order)
            elif self.now is not None and order.id == self.now.id:
                self.now.strikes.hold(lease_ms(self._state))
            else:
                self._drop(TAKEN_AWAY)
                self._take_up(order, now_ms)
        if self.now is not None and not self.now.strikes.holds(now_ms):
            self._drop(NO_LEASE)
            remove(self._state)

    def _take_up(self, order: Order, now_ms: int) -> None:
        until_ms = lease_ms(self._state)
        if now_ms >= until_ms:
            remove(self._state)
            return
        try:
            drill = Drilled(order, self._around, until_ms)
            about = {"drill": order.id, "scenario": order.scenario, "mode": order.mode.value}
            self._note(
                IN_FORCE,
                {**about, "share": order.share, "from_ms": order.from_ms, "until_ms": order.until_ms},
            )
        except LedgerUnavailable:
            return
        except Exception:
            _log.exception("drill %s cannot be taken up for a reason that nobody foresaw", order.id)
            return
        _log.warning("drill %s, scenario %s, is in force", order.id, order.scenario)
        self.now = drill

    def _drop(self, why: str) -> None:
        drill, self.now = self.now, None
        if drill is None:
            return
        drill.strikes.over.set()
        _log.warning("drill %s is over: %s", drill.id, why)
        self._say_over(drill.id, why)

    def _disown(self, order: Order) -> None:
        self._drop(TAKEN_AWAY)
        if remove(self._state):
            self._say_over(order.id, ANOTHER_RUN)

    def _say_over(self, drill: str, why: str) -> None:
        try:
            self._note(OVER, {"drill": drill, "why": why})
        except LedgerUnavailable:
            _log.error("that drill %s is over could not be put on the ledger", drill)


def _drawn(exchange: str, share: float) -> bool:
    """Whether an exchange is in the sample. An id ends in random digits, so that anybody can draw it again."""
    return int(exchange[-8:], 16) < share * 2**32
