"""The way of a request, station by station. Read this file first.

key -> parse -> alias -> who may see it? -> kept answer? -> try in order -> read along (-> go on with a broken
stream) -> close the exchange on the ledger -> last byte out

Stations do not know one another: each takes values and gives values, and this file puts them in order.
"""

import asyncio
import logging
from dataclasses import dataclass

from msgspec.structs import replace as changed

from freehold.config.schema import Application, Config
from freehold.dialects.continuation import Continuable
from freehold.dialects.peek import read_head
from freehold.gateway.admission import Admission
from freehold.gateway.aliases import Aliases
from freehold.gateway.attempt import Answer, Ask, Asked, Stream, Whole, beta
from freehold.gateway.cache import Kept, ResponseCache, kept_of, wants_fresh
from freehold.gateway.client import Client
from freehold.gateway.continuing import Rest, of_both, seam, without
from freehold.gateway.digest import digest
from freehold.gateway.draft import Draft
from freehold.gateway.drilling import Drilling
from freehold.gateway.ending import Ending
from freehold.gateway.governance import Governance
from freehold.gateway.metrics import Metrics
from freehold.gateway.promoting import Copied, Promoting
from freehold.gateway.provenance import in_body, in_stream, wanted
from freehold.gateway.shadowing import LAST, Again, Sample, Shadowing
from freehold.gateway.stream import Copy, End, pass_on
from freehold.gateway.traits import Traits
from freehold.ledger.ledger import Ledger
from freehold.routing.plan import Plan
from freehold.routing.router import Router
from freehold.upstream.door import Door
from freehold.vocabulary.errors import (
    Fault,
    FreeholdError,
    KeyNotAllowed,
    LedgerUnavailable,
    ServiceError,
    UpstreamFailed,
)
from freehold.vocabulary.exchange import Attempt, Finding, Outcome

_log = logging.getLogger("freehold")

NO_CACHE = b"cache-control: no-cache\r\n"
TRAILER = b"trailer: x-freehold-continued\r\n"
AFTERMATH_S = 1.0  # how long a provider may take to close a stream that has said its last event
_ANY_APPLICATION = Application()


@dataclass(frozen=True, slots=True)
class Trip:
    """One request, read, and how it is to be routed."""

    ask: Ask
    plan: Plan
    cache_key: bytes | None  # None: its answer is not kept


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything an exchange needs, in the order in which it is needed."""

    config: Config
    admission: Admission
    aliases: Aliases
    governance: Governance
    cache: ResponseCache
    router: Router
    door: Door
    ledger: Ledger
    metrics: Metrics
    ending: Ending
    shadowing: Shadowing
    drilling: Drilling
    promoting: Promoting

    async def exchange(self, client: Client, beside: Again | None = None) -> None:
        """Serve one request from its head to its last byte; `beside`: one that was read, and is made once more."""
        draft = Draft(client.route.dialect) if beside is None else beside.draft
        self.metrics.in_flight += 1
        try:
            trip = await self._read(draft, client) if beside is None else self._again(beside, client)
            kept = None if trip.cache_key is None else self.cache.find(trip.cache_key)
            if kept is not None and (draft.permit is None or draft.permit.gives_again(kept.endpoint)):
                await self._give_again(draft, kept, client)
            elif isinstance(answer := await self._answer(draft, trip), Stream):
                await self._give_stream(draft, trip, answer, client)
            else:
                await self._give_whole(draft, trip, answer, client)
        except FreeholdError as error:
            await self.ending.error(draft, error, client)
        except asyncio.CancelledError:
            await self.ending.given_up(draft, client)
        except Exception:
            _log.exception("exchange %s failed for a reason that nobody foresaw", draft.id)
            await self.ending.broken_off(draft, FreeholdError("the gateway failed inside"), client)
        finally:
            self.metrics.in_flight -= 1
            draft.release()
        self._afterwards(draft)

    def _afterwards(self, draft: Draft) -> None:
        """Ask others the same, where that was drawn, now that the caller has the answer."""
        if draft.sample is not None:
            self.shadowing.answered(draft, self.exchange)
        if isinstance(draft.copied, Sample):
            self.drilling.answered(draft, draft.copied, self.exchange)
        if isinstance(draft.own_copied, Copied):
            self.promoting.answered(draft, draft.own_copied, self.exchange)

    async def _read(self, draft: Draft, client: Client) -> Trip:
        """From the request's first byte to knowing what it asks for. Raises FreeholdError."""
        key = self.admission.admit(client.headers, draft)
        body = await client.body(self.config.server)
        draft.request, draft.request_bytes = body, len(body)
        self.ending.keeper.begin(draft, client, body)
        head = read_head(client.route, body)
        draft.alias, draft.stream = head.model, head.stream
        if not self.admission.allows(key, head.model):
            raise KeyNotAllowed(
                f"the key {draft.key} of `{draft.application}` may not ask for `{head.model[:200]}`"
            )
        lane = self.aliases.lane(head.model, draft.dialect)
        if not self.ledger.healthy:
            raise LedgerUnavailable(f"the journal cannot be written: {self.ledger.reason}")
        asked = Asked(draft.dialect, head, body, beta(draft.dialect, client.headers))
        draft.provenance = wanted(client.headers)
        if self.drilling.now is not None:
            draft.drilled = self.drilling.takes(draft, client.headers)
        sample = Sample(asked, lane, key, client.headers)
        ask, plan = (self._planned if self.promoting.now is None else self._promoted)(draft, sample)
        self._draw(draft, sample, plan)
        if draft.drilled is not None:  # neither compared with peers, nor kept, nor given from memory
            return Trip(ask, plan, None)
        if lane.settings.cache_s is None or wants_fresh(client.headers) or plan.acts():
            return Trip(ask, plan, None)
        draft.cache = "miss"
        how = (plan.lane.alias, head.model, draft.dialect, head.method, str(head.stream), asked.extra)
        return Trip(ask, plan, digest(draft.application, *how, body))

    def _promoted(self, draft: Draft, sample: Sample) -> tuple[Ask, Plan]:
        """The same, with an own model before the others where it is promoted and policy lets it be asked."""
        traits = Traits(draft.dialect, sample.asked.body, draft.application)
        lane = self.promoting.put(draft, sample.lane, traits)
        ask, plan = self._planned(draft, sample._replace(lane=lane))
        if draft.step is not None and draft.step.endpoint not in plan.lane.pool:
            draft.step = None
            plan = changed(plan, lane=sample.lane.narrowed(plan.lane.pool, plan.lane.scores))
        return ask, plan

    def _draw(self, draft: Draft, sample: Sample, plan: Plan) -> None:
        """Who else is asked the same, once its caller has the answer."""
        if self.drilling.now is not None and self.drilling.copies(draft) and not plan.acts():
            draft.copied = (
                sample if draft.step is None else sample._replace(lane=draft.step.first(sample.lane))
            )
        if draft.drilled is not None:
            return
        if self.promoting.now is not None and not plan.acts():
            draft.own_copied = self.promoting.copies(draft, sample)
        if self.shadowing.draws() and not plan.acts():
            draft.sample, draft.keeps_words = sample, True

    def _again(self, beside: Again, client: Client) -> Trip:
        """The request of another exchange. Raises FreeholdError."""
        draft, sample = beside.draft, beside.sample
        self.ending.keeper.begin(draft, client, sample.asked.body)
        ask, plan = self._planned(draft, sample._replace(lane=beside.lane))
        return Trip(ask, changed(plan, lane=beside.narrowed(plan.lane), priority=LAST), None)

    def _planned(self, draft: Draft, sample: Sample) -> tuple[Ask, Plan]:
        """What policy lets be done with a request. Raises NoEligibleEndpoint or BadRequest."""
        asked, lane, key, headers = sample
        head, body = asked.head, asked.body
        drilled = draft.drilled
        door, router = (self.door, self.router) if drilled is None else (drilled.door, drilled.router)
        ask = Ask(
            door,
            asked,
            self.config.policy.refused_elsewhere,
            continues=lane.settings.continue_ and head.stream,
            learn=router.learn,
        )
        traits = Traits(draft.dialect, body, draft.application)
        permit = self.governance.decide(draft, lane, traits, key, headers)
        plan = Plan(
            permit.lane,
            may=permit.may if permit.binds else None,
            sent=permit.sent if permit.counts else None,
            acts=traits.acts,
            key=traits.conversation,
            opens=traits.opens,
            hang_up=_hang_up,
            priority=self.config.applications.get(draft.application, _ANY_APPLICATION).priority,
            tokens=traits.input_tokens,
            stream=head.stream,
        )
        return ask, plan

    async def _answer(self, draft: Draft, trip: Trip) -> Answer:
        """The beginning of an answer. Raises FreeholdError."""
        ask = trip.ask
        deadline = draft.began + self.config.timeouts.total_s
        await self.ending.opened(draft, trip.plan.lane.pool)
        try:
            won = await self._router(draft).first_answer(trip.plan, ask, deadline, draft.attempts)
            draft.endpoint, draft.lease, answer = won.endpoint, won.lease, won.answer
        except ServiceError:
            if ask.refusals:  # nobody did better: then a refusal is the answer
                draft.endpoint, answer, _ = ask.refusals.pop(0)
            elif ask.unfit is not None and all(one.outcome == Fault.UNFIT for one in draft.attempts):
                raise ask.unfit from None
            else:
                raise
        finally:  # a caller who leaves must leave no stream behind
            _note_refusals(draft, ask)
        draft.first_byte_us, draft.lost = draft.elapsed_us(), answer.lost
        return answer

    async def _give_again(self, draft: Draft, kept: Kept, client: Client) -> None:
        """An answer that was kept."""
        draft.cache, draft.endpoint, draft.served, draft.lost = "hit", kept.endpoint, kept.served, kept.lost
        body = (in_stream if draft.stream else in_body)(draft, kept.body)
        draft.answer_bytes, draft.first_byte_us = len(body), draft.elapsed_us()
        draft.passing(body)
        await self.ending.close_durably(draft, Outcome.ANSWERED, 200, None)
        if draft.stream:
            client.start(200, kept.lines + draft.lines())
            client.end(body)
        else:
            client.reply(200, kept.lines + draft.lines(), body)

    async def _give_whole(self, draft: Draft, trip: Trip, answer: Whole, client: Client) -> None:
        await self.ending.whole(draft, answer, client)
        self._keep(draft, trip, answer.lines, answer.body)

    async def _give_stream(self, draft: Draft, trip: Trip, stream: Stream, client: Client) -> None:
        open_streams = [stream]
        try:
            self.ending.begun(draft, stream)
            announced = TRAILER if trip.plan.lane.settings.continue_ else b""
            client.start(200, stream.lines + NO_CACHE + announced + draft.lines())
            copy = None if trip.cache_key is None else Copy(self.config.cache.entry_bytes_max)
            idle_s = self.config.timeouts.idle_s
            end = await pass_on(stream, client, draft, idle_s, copy)
            if end.failure is not None:
                self.ending.note_cut(draft, end.failure)
                if (rest := await self._rest(draft, trip, stream, end)) is not None:
                    open_streams.append(rest)
                    client.write(seam(draft, rest))
                    end = of_both(stream, await pass_on(rest, client, draft, idle_s))
                    if end.failure is not None:
                        self.ending.note_cut(draft, end.failure)
            if stream.translator is not None:
                draft.lost += stream.translator.lost
            last = await self.ending.stream(draft, end)
            draft.release()  # before the caller knows that it is over, or its next request would be too early
            client.end(last, draft.trailers())
            if copy is not None and end.failure is None and (body := copy.whole()) is not None:
                self._keep(draft, trip, stream.lines + NO_CACHE, body)
            await _let_close(open_streams[-1])
        finally:
            for one in open_streams:
                one.incoming.close()

    async def _rest(self, draft: Draft, trip: Trip, broken: Stream, end: End) -> Stream | None:
        """A stream that goes on with one that broke off, where the alias wants that; None: nobody does."""
        told, endpoint = broken.translator, draft.endpoint
        if not (
            isinstance(told, Continuable) and told.may_continue and end.resumable and endpoint is not None
        ):
            return None
        plan = without(trip.plan, endpoint)
        if not plan.lane.pool or (plan.acts() and not self.config.policy.repeat_acting):
            return None
        broken.incoming.close()
        draft.release()
        call = Rest(trip.ask, told, self.door.prefills)
        deadline = draft.began + self.config.timeouts.total_s
        began_us, further = draft.elapsed_us(), list[Attempt]()
        try:
            won = await self._router(draft).first_answer(plan, call, deadline, further)
        except ServiceError:
            return None
        finally:
            draft.attempts += (changed(one, began_us=began_us + one.began_us) for one in further)
        draft.continued_by, draft.lease = won.endpoint, won.lease
        draft.lost += won.answer.lost
        return won.answer

    def _router(self, draft: Draft) -> Router:
        return self.router if draft.drilled is None else draft.drilled.router

    def _keep(self, draft: Draft, trip: Trip, lines: bytes, body: bytes) -> None:
        seconds = trip.plan.lane.settings.cache_s
        if trip.cache_key is None or seconds is None or draft.continued_by is not None:
            return
        kept = kept_of(draft, lines, body)
        if kept is not None:
            self.cache.keep(trip.cache_key, kept, seconds)


def _note_refusals(draft: Draft, ask: Ask) -> None:
    """Say who refused, and hang up."""
    for endpoint, answer, kind in ask.refusals:
        _hang_up(answer)
        told = f"{endpoint.id} refused ({kind}), and policy lets others be asked"
        draft.refusals += (Finding(kind, told, endpoint=endpoint.id),)


def _hang_up(answer: Answer) -> None:
    """Close an answer that nobody waits for."""
    if isinstance(answer, Stream):
        answer.incoming.close()


async def _let_close(stream: Stream) -> None:
    """Let the provider finish its message, so that the connection can be used again."""
    try:
        async with asyncio.timeout(AFTERMATH_S):
            while await stream.incoming.piece():
                pass
    except (TimeoutError, UpstreamFailed):
        return
