"""What one request may do: who may see it, asked again at each attempt, and the money that is set aside for it."""

import time
from collections.abc import Iterable
from typing import Protocol

from freehold.config import clock
from freehold.gateway.cost import expected_usd
from freehold.gateway.counters import Counters
from freehold.gateway.keys import Key
from freehold.gateway.snapshot import Ruling, Snapshot
from freehold.gateway.traits import Traits
from freehold.policy.limits import Reservation
from freehold.routing.plan import Lane
from freehold.routing.worth import UNSENT
from freehold.vocabulary.decision import Refusal
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import PASSED_OVER, Attempt, Refused
from freehold.vocabulary.facts import RequestFacts

FREE = frozenset({*UNSENT, Fault.STATUS})  # how attempts fail before a provider has done any work


class InForce(Protocol):
    """What holds now, which may be something else at a request's next attempt."""

    def snapshot(self, now_ms: int) -> Snapshot:
        """Policies over facts. Milliseconds are Unix time."""

    def counters(self, endpoint: Endpoint) -> Counters:
        """What was sent and spent; knows `endpoint`."""

    def lapsed(self, key: Key) -> bool:
        """Whether a key that was good when its request came in no longer is."""


class Permit:
    """Of one request. `may` and `sent` are called by routing, at each attempt and in this order."""

    __slots__ = (
        "_dialect",
        "_held",
        "_in_force",
        "_key",
        "_lane",
        "_late",
        "_promised",
        "_snapshot",
        "_traits",
        "request",
        "ruling",
    )

    def __init__(
        self, in_force: InForce, request: RequestFacts, lane: Lane, traits: Traits, key: Key | None
    ) -> None:
        self._in_force, self._lane, self._traits, self._key = in_force, lane, traits, key
        self._dialect = traits.dialect
        self.request = request
        self._snapshot, self.ruling = self._ruled(clock.now_ms())
        self._late: dict[str, Refused] = {}  # by endpoint: what turned it down at an attempt
        self._promised: tuple[str, tuple[Reservation, ...]] | None = None  # to who is asked next
        self._held: list[tuple[str, tuple[Reservation, ...]]] = []  # for who was asked

    @property
    def refused(self) -> tuple[Refused, ...]:
        """Who might not be asked, from the first or at the last."""
        if not self._late:
            return self.ruling.refused
        known = {one.endpoint for one in self.ruling.refused}
        return (*self.ruling.refused, *(one for one in self._late.values() if one.endpoint not in known))

    @property
    def lane(self) -> Lane:
        """Who may be asked, in the order of preference. Raises NoEligibleEndpoint."""
        if self.ruling.lane is None:
            raise self._snapshot.nobody(self.request, self.ruling.why)
        return self.ruling.lane

    @property
    def binds(self) -> bool:
        """Whether `may` could ever say no."""
        return self._key is not None or self._snapshot.governs

    @property
    def counts(self) -> bool:
        """Whether `sent` matters."""
        return self._snapshot.governs

    def may(self, endpoint: Endpoint) -> str | None:
        """Why an endpoint may not be asked now; None: it may."""
        if self._key is not None and self._in_force.lapsed(self._key):
            return f"the key {self._key.id} was revoked or has expired"
        refusal = self._refusal(endpoint, clock.now_ms()) if self._snapshot.governs else None
        if refusal is None:
            return None
        self._late[endpoint.id] = self._snapshot.refused(endpoint.id, refusal)
        return f"{refusal.policy}/{refusal.rule}: {refusal.reason}"

    def sent(self, endpoint: Endpoint) -> None:
        """An endpoint is asked: from now on it counts, and its money is spent until we know better."""
        counters = self._in_force.counters(endpoint)
        if counters.windowed:
            counters.sent(endpoint.id, time.time(), self.request)
        if self._promised is not None:
            self._held.append(self._promised)
            self._promised = None

    def gives_again(self, endpoint: Endpoint) -> bool:
        """Whether an answer that was kept may be given to this request. Nothing is sent for it."""
        return not self._snapshot.governs or endpoint.id in self.ruling.allowed

    def settle(self, attempts: Iterable[Attempt], usd: float | None) -> None:
        """The exchange is over. `usd` is what the attempt that went well has cost; None: unknown, so all is spent.

        An attempt that failed before its provider did any work costs nothing; what another one cost is unknown.
        """
        if self._promised is not None:
            self._take_back()
        if not self._held:
            return
        now_s, made = time.time(), list(attempts)
        for name, reservations in self._held:
            spent: float | None = None
            for at, attempt in enumerate(made):
                if attempt.endpoint == name and attempt.outcome not in PASSED_OVER:
                    spent = usd if attempt.outcome == "ok" else 0.0 if attempt.outcome in FREE else None
                    del made[at]
                    break
            for one in reservations:
                one.settle(spent, now_s)
        self._held.clear()

    def _refusal(self, endpoint: Endpoint, now_ms: int) -> Refusal | None:
        snapshot = self._in_force.snapshot(now_ms)
        if snapshot is not self._snapshot:  # policies or facts have changed while the request was under way
            self._snapshot, self.ruling = self._ruled(now_ms)
        if endpoint.id not in self.ruling.allowed:
            return self.ruling.why[endpoint.id]
        counters = self._in_force.counters(endpoint)
        if counters.windowed:
            refusal = counters.may(endpoint.id, now_ms / 1000, self.request)
            if refusal is not None:
                return refusal
        return self._set_aside(counters, endpoint, now_ms) if counters.budgets else None

    def _ruled(self, now_ms: int) -> tuple[Snapshot, Ruling]:
        snapshot = self._in_force.snapshot(now_ms)
        ruling = snapshot.ruling(self.request, self._lane, self._dialect)
        if now_ms >= snapshot.valid_until_ms:  # by a fact of an endpoint that nobody had named before
            snapshot = self._in_force.snapshot(now_ms)
            ruling = snapshot.ruling(self.request, self._lane, self._dialect)
        return snapshot, ruling

    def _set_aside(self, counters: Counters, endpoint: Endpoint, now_ms: int) -> Refusal | None:
        """Promise an endpoint the money that the request may cost there."""
        if self._promised is not None:
            if self._promised[0] == endpoint.id:
                return None
            self._take_back()
        terms = self._snapshot.terms(endpoint, now_ms)
        usd = expected_usd(terms, self._traits.input_tokens, self._traits.output_tokens_max(), self._dialect)
        found = counters.reserve(usd, now_ms / 1000, self.request)
        if isinstance(found, Refusal):
            return found
        self._promised = endpoint.id, found
        return None

    def _take_back(self) -> None:
        if self._promised is not None:
            for one in self._promised[1]:
                one.settle(0.0, time.time())
            self._promised = None
