"""What was sent and spent before this process began, from the ledger: a restart makes no budget and no window larger.

Costs that nobody knows count as what such a request was expected to cost.
"""

from collections.abc import Callable
from typing import NamedTuple

from freehold.config import clock
from freehold.gateway.cost import expected_usd
from freehold.gateway.counters import Counters
from freehold.gateway.permit import FREE
from freehold.gateway.snapshot import Snapshot
from freehold.gateway.traits import CHARACTERS_PER_TOKEN
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.exchange import PASSED_OVER, Attempt, Exchange, Outcome

DAY_MS = 86_400_000


class Run(NamedTuple):
    """One worker's place in a run of the gateway."""

    node: str
    workers: int
    began_ms: int  # when the run of all workers began, Unix milliseconds


class Earlier:
    """One worker's part: an equal one of what earlier runs of the gateway did, and what it did itself in this run.

    So all workers together count everything once, however many there were before, and also where one of them was
    started again.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        counters: Counters,
        run: Run,
        endpoint: Callable[[str], Endpoint | None],
    ) -> None:
        """`endpoint`: by a name, also one that only a caller has named; None where its provider is no more."""
        self._snapshot, self._counters, self._run, self._endpoint = snapshot, counters, run, endpoint
        self._now_ms = clock.now_ms()
        self._midnight_ms = self._now_ms - self._now_ms % DAY_MS
        self.since_ms = min(self._midnight_ms, self._now_ms - counters.hours * 3_600_000)
        self.until_ms = self._now_ms + DAY_MS  # everything: clocks may have been set back

    def take(self, one: Exchange) -> None:
        """Count an exchange."""
        if one.cached:
            return
        request = one.request
        made = [it for it in one.attempts if it.outcome not in PASSED_OVER and one.reached(it)]
        is_own = one.node == self._run.node
        part = 1 / self._run.workers if one.at_ms < self._run.began_ms else float(is_own)
        if one.at_ms >= self._midnight_ms and part:
            usd = sum(self._usd(one, attempt) for attempt in made)
            self._counters.spent(usd * part, self._now_ms / 1000, request)
        if is_own:
            for attempt in made:
                endpoint = self._endpoint(attempt.endpoint)
                if endpoint is not None and not self._counters.knows(endpoint.id):
                    self._counters.learn(self._snapshot.facts_of(endpoint))
                self._counters.sent(attempt.endpoint, one.at_ms / 1000, request)

    def _usd(self, one: Exchange, attempt: Attempt) -> float:
        """What an attempt came to, as `Permit.settle` counts it; nothing where not even a guess can be made."""
        if attempt.outcome in FREE or (attempt.outcome == "ok" and one.outcome is Outcome.DECLINED):
            return 0.0
        if attempt.outcome == "ok" and one.cost_usd is not None:
            return one.cost_usd
        endpoint = self._endpoint(attempt.endpoint)
        if endpoint is None:
            return 0.0
        terms = self._snapshot.terms(endpoint, self._now_ms)
        tokens = one.request_bytes // CHARACTERS_PER_TOKEN + 1
        return expected_usd(terms, tokens, None, Dialect(one.dialect)) or 0.0
