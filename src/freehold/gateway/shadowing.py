"""Sampled prompts, asked of other labs' models once their callers have their answers.

A peer is asked only where what decides for the request allows it, and each call is an exchange on the ledger. It is
the first thing to be left out: under load, in a drain, and where the day's money is spent. Does not look at answers
that call tools, at several answers at once, or at those that were given from memory.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from freehold.catalog.resolve import Resolved
from freehold.config import clock
from freehold.config.schema import Alias, Watch
from freehold.dialects.peek import Route
from freehold.gateway.attempt import Asked
from freehold.gateway.client import Client
from freehold.gateway.cost import expected_usd
from freehold.gateway.draft import Draft
from freehold.gateway.governance import Governance, Note
from freehold.gateway.keys import Key
from freehold.gateway.metrics import Metrics
from freehold.gateway.permit import FREE
from freehold.gateway.traits import Traits
from freehold.gateway.unconnected import Unconnected
from freehold.routing.plan import Lane
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import PASSED_OVER, PEERS_ASKED
from freehold.watch.peers import PEERS_MIN, compare

FINDING = "finding"  # the kind of event
AT_ONCE = 8  # prompts that are with peers in one process
LOADED = 10  # dropped while more than one in so many of the requests that may be in flight are
STOP_S = 5.0  # for their exchanges to be recorded as broken off
LAST = -1_000  # who waits for an endpoint goes first
DAY_S = 86_400
LABS = ("weights_lab", "weights_family")  # the facts that tell whose model it is

_log = logging.getLogger("freehold")


class Sample(NamedTuple):
    """A request, as it is decided on."""

    asked: Asked
    lane: Lane
    key: Key | None
    headers: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Beside:
    """One call of a peer. `lane` has all that might be asked, so that what is asked of a whole pool holds."""

    draft: Draft
    sample: Sample
    lane: Lane
    endpoint: Endpoint
    usd: float | None  # what it may come to; None: nobody knows

    def narrowed(self, lane: Lane) -> Lane:
        """The one endpoint that is asked; whether it may be is for the plan to say."""
        settings = Alias((self.endpoint.id,), sticky=False)
        return replace(lane, pool=(self.endpoint,), settings=settings, weights=(), scores={})


class Again(Protocol):
    """A request that is made once more, and that nobody waits for."""

    @property
    def draft(self) -> Draft:
        """Its exchange."""

    @property
    def sample(self) -> Sample:
        """The request."""

    @property
    def lane(self) -> Lane:
        """Whom policy is asked about."""

    def narrowed(self, lane: Lane) -> Lane:
        """Of those that policy allows, who may be asked."""


Serve = Callable[[Client, Again], Awaitable[None]]


class Shadowing:
    """Draws exchanges, asks peers, and puts what is unlike them on the ledger. Only the event loop calls it."""

    def __init__(self, resolved: Resolved, governance: Governance, metrics: Metrics, note: Note) -> None:
        self._settings: Watch = resolved.config.watch
        self._share = self._settings.shadow_share if self._settings.text else 0.0
        self._resolved, self._governance, self._metrics, self._note = resolved, governance, metrics, note
        self._spending = Spending(self._settings.shadow_usd_per_day / resolved.config.server.workers)
        self._loaded = resolved.config.server.in_flight_max // LOADED
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining: Callable[[], bool] = bool
        self._stopped = False

    def until(self, draining: Callable[[], bool]) -> None:
        """Begin nothing once this says so."""
        self._draining = draining

    def draws(self) -> bool:
        """Whether the next exchange is in the sample."""
        return self._share > 0 and random.random() < self._share  # noqa: S311 - a sample, not a secret

    def answered(self, draft: Draft, serve: Serve) -> None:
        """The caller of a drawn exchange has its answer: ask the peers, at some other time than now."""
        sample, answer = draft.sample, draft.words
        if not isinstance(sample, Sample) or answer is None or draft.endpoint is None:
            return
        busy = len(self._tasks) >= AT_ONCE or self._metrics.in_flight > self._loaded
        if busy or self._stopped or self._draining():
            self._metrics.beside(draft.endpoint.id, "dropped")
            return
        task = asyncio.create_task(self._compare(draft, sample, answer, serve))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Break off what is under way, and let it be recorded."""
        self._stopped = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    async def _compare(self, draft: Draft, sample: Sample, answer: str, serve: Serve) -> None:
        outcome, asked = "failed", draft.endpoint
        try:
            texts = await self._answers(draft, sample, serve)
            found = await asyncio.to_thread(compare, answer, list(texts.values()))
            outcome = "too-few" if found is None else "unlike" if found.finding else "alike"
            if found is not None and found.finding is not None and asked is not None:
                self._found(draft, asked, found.finding.kind, found.finding.evidence, found.strength, texts)
        except LedgerUnavailable:
            return  # the journal has reported itself
        except Exception:
            _log.exception("an answer could not be put beside its peers for a reason that nobody foresaw")
        finally:
            if asked is not None:
                self._metrics.beside(asked.id, outcome)

    def _found(
        self,
        draft: Draft,
        endpoint: Endpoint,
        kind: str,
        evidence: str,
        strength: float,
        peers: Mapping[str, str],
    ) -> None:
        about = {"exchange": draft.id, "kind": kind, "evidence": evidence, "endpoint": endpoint.id}
        self._note(FINDING, {**about, "strength": round(strength, 3), "peers": tuple(peers)})
        self._metrics.found(endpoint.id, kind)

    async def _answers(self, draft: Draft, sample: Sample, serve: Serve) -> dict[str, str]:
        """What the peers said, by their endpoints. Raises LedgerUnavailable."""
        calls = self._calls(draft, sample)
        if len(calls) < PEERS_MIN:
            return {}
        named = tuple(one.endpoint.id for one in calls)
        ids = tuple(one.draft.id for one in calls)
        self._note(PEERS_ASKED, {"exchange": draft.id, "peers": named, "exchanges": ids})
        await asyncio.gather(*(self._ask(one, serve) for one in calls))
        return {one.endpoint.id: one.draft.words for one in calls if one.draft.words is not None}

    async def _ask(self, beside: Beside, serve: Serve) -> None:
        head = beside.sample.asked.head
        route = Route(beside.draft.dialect, head.model, head.stream, head.method)
        client = Client(
            Unconnected(), route, list(beside.sample.headers.items()), keep_alive=True, chunked=True
        )
        client.more_body = False
        try:
            await serve(client, beside)
        finally:
            self._spending.settle(beside.usd, _spent_usd(beside.draft))

    def _calls(self, draft: Draft, sample: Sample) -> list[Beside]:
        """Whom to ask: at most one endpoint of each lab but the one that answered, as far as the money goes."""
        lane, candidates = self._candidates(draft, sample)
        chosen: list[Beside] = []
        labs = {self._lab(endpoint) for endpoint in (draft.endpoint, draft.continued_by) if endpoint}
        for endpoint in random.sample(candidates, len(candidates)):
            lab, usd = self._lab(endpoint), self._expected_usd(draft, sample, endpoint)
            if lab in labs or not self._spending.reserve(usd):
                continue
            labs.add(lab)
            chosen.append(Beside(again(draft, sample), sample, lane, endpoint, usd))
            if len(chosen) == self._settings.shadow_peers:
                break
        if len(chosen) < PEERS_MIN:
            for call in chosen:
                self._spending.settle(call.usd, 0.0)
            return []
        return chosen

    def _candidates(self, draft: Draft, sample: Sample) -> tuple[Lane, list[Endpoint]]:
        """Whom policies may be asked about, and whom they allow for this very request.

        The alias's pool; where policies decide and the key is for all aliases, every endpoint.
        """
        snapshot, permit = self._governance.snapshot(clock.now_ms()), draft.permit
        known, named = {endpoint.id: endpoint for endpoint in sample.lane.pool}, f"{sample.lane.alias} beside"
        if snapshot.governs and (sample.key is None or not sample.key.aliases):
            known |= {one.id: one for one in self._others(draft)}
            named = f"{sample.lane.alias} beside all"
        # The name is one that no alias has: what is decided for it must not be taken for the alias's own.
        lane = replace(sample.lane, alias=f"\n{named}", pool=tuple(known.values()), weights=())
        if permit is None:
            return lane, []
        allowed = snapshot.ruling(permit.request, lane, draft.dialect).allowed
        return lane, [endpoint for name, endpoint in known.items() if name in allowed]

    def _others(self, draft: Draft) -> Iterator[Endpoint]:
        for pool in self._resolved.aliases.values():
            yield from (endpoint for endpoint in pool if endpoint.ways(draft.dialect))

    def _lab(self, endpoint: Endpoint) -> str:
        """Who made the model; where nobody knows, a model of another name is another's."""
        facts = self._governance.snapshot(clock.now_ms()).facts_of(endpoint).facts
        for name in LABS:
            if name in facts and facts[name].value is not None:
                return f"{name} {facts[name].value}"
        return f"model {endpoint.model}"

    def _expected_usd(self, draft: Draft, sample: Sample, endpoint: Endpoint) -> float | None:
        now_ms, traits = clock.now_ms(), Traits(draft.dialect, sample.asked.body, draft.application)
        terms = self._governance.snapshot(now_ms).terms(endpoint, now_ms)
        return expected_usd(terms, traits.input_tokens, traits.output_tokens_max(), draft.dialect)


def again(draft: Draft, sample: Sample) -> Draft:
    """Another exchange of the same request, application and key."""
    again = Draft(draft.dialect)
    again.application, again.key, again.alias, again.stream = (
        draft.application,
        draft.key,
        draft.alias,
        draft.stream,
    )
    again.request, again.request_bytes = sample.asked.body, len(sample.asked.body)
    again.keeps_words = True
    return again


def _spent_usd(draft: Draft) -> float | None:
    """What a call came to; None: nobody knows."""
    if draft.cost_usd is None and all(one.outcome in (*FREE, *PASSED_OVER) for one in draft.attempts):
        return 0.0
    return draft.cost_usd


class Spending:
    """What a process may spend on a UTC day; what nobody knows the price of is not asked."""

    def __init__(self, usd_per_day: float) -> None:
        self._most, self._spent, self._day = usd_per_day, 0.0, 0

    def reserve(self, usd: float | None) -> bool:
        today = int(time.time() // DAY_S)
        if today != self._day:
            self._day, self._spent = today, 0.0
        if usd is None or self._spent + usd > self._most:
            return False
        self._spent += usd
        return True

    def settle(self, reserved: float | None, spent: float | None) -> None:
        """It came to so much; None: nobody knows, so all that was set aside."""
        if spent is not None:
            self._spent = max(0.0, self._spent + spent - (reserved or 0.0))
