"""What governs requests in one process: the policies and facts in force, what was sent and spent, and their renewal.

What is in force changes all at once or not at all: when a fact expires, and when a file that the configuration names
has changed. A file that cannot be used leaves in force what was.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from freehold import __version__
from freehold.catalog.resolve import Resolved
from freehold.config import clock
from freehold.gateway.classes import Classes
from freehold.gateway.cost import cost_usd
from freehold.gateway.counters import Counters
from freehold.gateway.draft import Draft
from freehold.gateway.earlier import Earlier, Run
from freehold.gateway.keys import Key
from freehold.gateway.permit import InForce, Permit
from freehold.gateway.rulebook import Rulebook, rulebook, signatures, watched
from freehold.gateway.snapshot import Snapshot
from freehold.gateway.traits import Traits
from freehold.ledger.query import between
from freehold.routing.plan import Lane
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import BadRequest, ConfigError, LedgerUnavailable
from freehold.vocabulary.exchange import Outcome, Plain, Usage
from freehold.vocabulary.facts import RequestFacts

IN_FORCE = "policy-in-force"  # the kind of event that says: from now on these decide
AHEAD_MS = 3_000  # what follows an expiry is worked out so long before it, or requests would wait for it

_log = logging.getLogger("freehold")

Note = Callable[[str, Mapping[str, Plain]], None]


class Governance:
    """Decides for each request, and at each of its attempts again. `note` puts an event on the ledger.

    Not thread-safe: only the event loop calls it; files are read in a thread of their own.
    """

    def __init__(
        self,
        resolved: Resolved,
        state: Path,
        rules: Rulebook,
        *,
        good: Callable[[Key], bool] = lambda key: True,
        note: Note = lambda kind, about: None,
        adapted: Callable[[Rulebook], Rulebook] = lambda rules: rules,
    ) -> None:
        self.trouble = ""  # why what is on disk is not what is in force; "" when it is
        self._resolved, self._state, self._good, self._note = resolved, state, good, note
        self._adapted = adapted  # what of the policies on disk is in force here
        self._classes = Classes(resolved.config)
        self._files = watched(resolved.config, state)
        self._seen = rules.seen
        self._snapshot = Snapshot(adapted(rules), resolved, datetime.now(UTC))
        self._next: Snapshot | None = None
        self._counters = self._counted(None)
        self._noted: tuple[object, ...] = ()

    @property
    def rules(self) -> Rulebook:
        """The policies and facts in force."""
        return self._snapshot.rulebook

    def decide(
        self, draft: Draft, lane: Lane, traits: Traits, key: Key | None, headers: Mapping[bytes, bytes]
    ) -> Permit:
        """What a request may do. Raises BadRequest for what says nothing known, or leads where policy does not look."""
        if self._snapshot.governs and (field := traits.leads_elsewhere()):
            raise _leads_elsewhere(field)
        said = self._classes.stated(draft.application, None if key is None else key.data_class, headers)
        tools = traits.offers_tools() if self._snapshot.looks_at_tools else None
        request = RequestFacts(draft.application, draft.alias, *said, tools)
        draft.data_class = said.data_class
        in_force: InForce = self if draft.drilled is None else draft.drilled.in_force(draft.at_ms)
        draft.permit = permit = Permit(in_force, request, lane, traits, key)
        return permit

    def close(self, draft: Draft, outcome: Outcome) -> None:
        """An exchange is over: what it has cost, and what of the money set aside is left."""
        permit = draft.permit
        if permit is None:
            return
        if outcome is Outcome.ANSWERED and draft.served is not None and draft.cache != "hit":
            draft.cost_usd = self._cost_usd(draft, draft.served.usage)
        attempts = draft.attempts if draft.drilled is None else draft.drilled.settled(draft.attempts)
        permit.settle(attempts, 0.0 if outcome is Outcome.DECLINED else draft.cost_usd)

    def _cost_usd(self, draft: Draft, usage: Usage | None) -> float | None:
        """What an answer came to; None where that is not known, or whose words of it were how dear."""
        if draft.endpoint is None:
            return None
        now_ms = clock.now_ms()
        rates = self._snapshot.terms(draft.endpoint, now_ms).rates
        other = draft.continued_by
        if other is not None and self._snapshot.terms(other, now_ms).rates != rates:
            return None
        return cost_usd(rates, usage, draft.dialect)

    def restore(self, run: Run) -> None:
        """Begin with what was sent and spent before, as far as limits still look at it."""
        counters = self._counters
        if counters.windowed or counters.budgets:
            counts = Earlier(self._snapshot, counters, run, self._resolved.endpoint)
            for exchange in between(self._state, counts.since_ms, counts.until_ms):
                counts.take(exchange)

    # What is in force: asked by each request, at each attempt.

    def snapshot(self, now_ms: int) -> Snapshot:
        """Policies over facts, as of `now_ms` (Unix milliseconds)."""
        if now_ms >= self._snapshot.valid_until_ms:
            ready, self._next = self._next, None
            if ready is None or not ready.holds_at(now_ms) or ready.rulebook is not self.rules:
                ready = Snapshot(self.rules, self._resolved, clock.utc(now_ms))
            self._put(ready)
        return self._snapshot

    def counters(self, endpoint: Endpoint) -> Counters:
        """What was sent and spent; knows `endpoint`, unless callers have named too many."""
        counters = self._counters
        if counters.windowed and not counters.knows(endpoint.id):
            counters.learn(self._snapshot.facts_of(endpoint))
        return counters

    def lapsed(self, key: Key) -> bool:
        """Whether a key that was good when its request came in no longer is."""
        return not self._good(key)

    # Renewal: once a second, and never while a request waits.

    async def look(self) -> None:
        """Take in what has changed on disk, and get ready for what is about to expire. Never raises."""
        seen = signatures(self._files)
        if seen != self._seen:
            self._seen = seen
            await self._reload()
        until_ms = self._snapshot.valid_until_ms
        if self._next is None and until_ms - AHEAD_MS <= time.time() * 1000 < until_ms:
            moment = clock.utc(until_ms)
            self._next = await asyncio.to_thread(Snapshot, self.rules, self._resolved, moment)
        self.announce()

    def announce(self) -> None:
        """Put on the ledger what is in force, where that has changed."""
        rules = self.rules
        shadow = tuple(policy.label for policy in rules.shadow)
        now = (rules.label, shadow, rules.knowledge.digest)
        if now == self._noted or not self._snapshot.governs:
            return
        try:
            self._note(IN_FORCE, self._in_force(shadow))
        except LedgerUnavailable:
            return  # nothing is sent meanwhile either; said again in a second
        self._noted = now

    def _in_force(self, shadow: tuple[str, ...]) -> Mapping[str, Plain]:
        """What it takes to decide again as it is decided now: facts that come along go with the version."""
        rules = self.rules
        named = {"policy": rules.label, "shadow": shadow, "facts": rules.knowledge.digest}
        return {**named, "version": __version__, "texts": rules.texts}

    def catch_up(self) -> None:
        """Take in what has changed since the files were read: a worker can be started long after that."""
        seen = signatures(self._files)
        if seen != self._seen:
            self._seen = seen
            try:
                self._put(self._from_disk())
            except ConfigError as error:
                self._stay(error)

    async def _reload(self) -> None:
        try:
            fresh = await asyncio.to_thread(self._from_disk)
        except ConfigError as error:
            self._stay(error)
        except Exception as error:
            _log.exception("policies and facts could not be read for a reason that nobody foresaw")
            self._stay(ConfigError(f"policies and facts could not be read: {error!r}"))
        else:
            self.trouble = ""
            self._put(fresh)
            label, digest = self.rules.label or "no policy", self.rules.knowledge.digest
            _log.warning("policies and facts were read again: %s, facts %s", label, digest)

    def _stay(self, error: ConfigError) -> None:
        self.trouble = f"{error}; the policies and facts read before stay in force"
        _log.error("%s. %s", self.trouble, error.remedy)

    def _from_disk(self) -> Snapshot:
        rules = self._adapted(rulebook(self._resolved.config, self._state))
        return Snapshot(rules, self._resolved, datetime.now(UTC))

    def _put(self, snapshot: Snapshot) -> None:
        self._snapshot, self._next = snapshot, None
        self._counters = self._counted(self._counters)

    def _counted(self, before: Counters | None) -> Counters:
        snapshot = self._snapshot
        workers = self._resolved.config.server.workers
        return Counters(snapshot.rulebook.enforced, snapshot.facts, snapshot.now, workers, before)


def _leads_elsewhere(field: str) -> BadRequest:
    return BadRequest(
        f"`{field}`: where policies decide, a request cannot have its provider choose another model or place",
        remedy=f"Remove `{field}`; ask for an alias whose pool holds what is wanted.",
    )
