"""One own model at one alias as a gateway's process has it in force: where it is asked, and when it is taken back.

It is judged by its last answers, in this process: as soon as more of them than allowed failed, had a finding or took
too long. So it is never taken back by a share of a few; and where limits are broken at once it does not wait for many.
Its answers to shadow copies are evidence, and take nothing back. Neither do requests in a drill.
"""

from collections import deque
from dataclasses import replace
from hashlib import sha256

from msgspec.structs import replace as changed

from freehold.config.schema import Alias, Strategy
from freehold.gateway.promotion_order import Promotion, Stage
from freehold.routing.plan import Lane
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import Exchange, Finding, Outcome

SLOW_SHARE = 0.05  # of answers that may take longer than the limit: so the 95th percentile is within it
LATE = ("slowness",)  # findings that the limit on time is for
# It was not asked. Nobody listens while what serves it is started anew, and its breaker spares the callers: that is no
# reason to take it back. An engine that ends is, since what serves it is there and says so.
NOT_ASKED = (Fault.CONNECT, Fault.BREAKER_OPEN, Fault.POLICY, Fault.LIMITED, Fault.COOLING, Fault.UNFIT)
UNENDED = (Outcome.ABANDONED, Outcome.INTERRUPTED)


class Window:
    """Of the last `size` answers, how many were bad."""

    def __init__(self, size: int, share_max: float) -> None:
        self._last, self._most = deque[bool](maxlen=size), share_max * size
        self.bad = 0

    def add(self, bad: bool) -> bool:
        """One more answer; whether more are bad than allowed."""
        if len(self._last) == self._last.maxlen:
            self.bad -= self._last[0]
        self._last.append(bad)
        self.bad += bad
        return self.bad > self._most


class Promoted:
    """One step in force."""

    def __init__(self, order: Promotion, endpoint: Endpoint) -> None:
        self.order, self.endpoint = order, endpoint
        self.why = ""  # it is to be taken back
        size = order.min_answers
        self._failed = Window(size, order.errors_max)
        self._odd = Window(size, order.findings_max)
        self._late = Window(size, SLOW_SHARE)

    def takes(self, application: str, drawn_by: bytes) -> bool:
        """Whether it is asked for what was drawn by these bytes, of an application: the same each time."""
        order = self.order
        if order.applications and application not in order.applications:
            return False
        if order.stage is Stage.DEFAULT or order.share >= 1:
            return True
        seed = f"{order.alias}\n{order.endpoint}\n".encode()
        return int.from_bytes(sha256(seed + drawn_by).digest()[:4], "big") < order.share * 2**32

    def first(self, lane: Lane) -> Lane:
        """The lane with this model before all others, which follow as they are written.

        Its name is one that no alias has: what is decided, learnt or kept for it must not be taken for the alias's own.
        """
        others = tuple(one for one in lane.pool if one.id != self.endpoint.id)
        settings = changed(lane.settings, strategy=Strategy.ORDERED, weights=(), hedge=False)
        name = f"\n{lane.alias} by {self.order.id}"
        return replace(lane, alias=name, pool=(self.endpoint, *others), settings=settings, weights=())

    def alone(self, lane: Lane) -> Lane:
        """The lane of a copy that this model alone is asked."""
        settings = Alias((self.endpoint.id,), sticky=False)
        name = f"\n{lane.alias} for {self.order.id}"
        return Lane(name, (self.endpoint,), settings)

    def count(self, exchange: Exchange) -> None:
        """An exchange in which it was to be asked first is over."""
        mine = next((one for one in exchange.attempts if one.endpoint == self.endpoint.id), None)
        if self.why or mine is None or mine.outcome in NOT_ASKED:
            return
        if exchange.cached or exchange.drill is not None or exchange.outcome in UNENDED:
            return
        order, answered = self.order, mine.outcome in ("ok", Fault.REFUSED)
        if self._failed.add(not answered):
            self._break(self._failed, "failed", order.errors_max)
        elif self._odd.add(any(self._is_mine(one, exchange) for one in exchange.findings)):
            self._break(self._odd, "had a finding", order.findings_max)
        elif order.p95_ms_max is not None and answered:
            took_ms = (exchange.took_us - mine.began_us) / 1000
            if self._late.add(took_ms > order.p95_ms_max):
                self._break(self._late, f"took longer than {order.p95_ms_max:g} ms", SLOW_SHARE)

    def _break(self, window: Window, what: str, share_max: float) -> None:
        size = self.order.min_answers
        self.why = f"{window.bad} of its last {size} answers {what}, and {share_max:g} of them may"

    def _is_mine(self, finding: Finding, exchange: Exchange) -> bool:
        whose = finding.endpoint or exchange.continued_by or exchange.endpoint
        return whose == self.endpoint.id and finding.kind not in LATE
