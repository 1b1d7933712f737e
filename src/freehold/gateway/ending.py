"""How an exchange ends: recorded once, and only then may its last byte go out."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from freehold.dialects.errors import error_body, error_event
from freehold.gateway.attempt import JSON, Stream, Whole
from freehold.gateway.bodies import Keeper
from freehold.gateway.client import Client
from freehold.gateway.draft import Draft
from freehold.gateway.governance import Governance
from freehold.gateway.metrics import Metrics
from freehold.gateway.provenance import in_body, in_stream
from freehold.gateway.stream import End
from freehold.gateway.watching import Watching
from freehold.ledger.ledger import Ledger
from freehold.routing.breaker import Breaker
from freehold.routing.router import Router
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import (
    AnswerCut,
    CallerError,
    Draining,
    Fault,
    FreeholdError,
    LedgerUnavailable,
    NoEligibleEndpoint,
    UpstreamFailed,
)
from freehold.vocabulary.exchange import Attempt, Finding, Outcome

CALLER_LEFT = 499  # recorded when nobody was left to give a status to; nginx's number for it


@dataclass(frozen=True, slots=True)
class Ending:
    """Closes exchanges: on the ledger, in the metrics, and towards the breakers."""

    router: Router
    ledger: Ledger
    metrics: Metrics
    keeper: Keeper
    governance: Governance
    watching: Watching

    async def opened(self, draft: Draft, endpoints: Iterable[Endpoint]) -> None:
        """Record that a prompt is about to leave, where nothing may leave unrecorded. Raises LedgerUnavailable."""
        if self.ledger.strict:
            self.ledger.append(draft.opened(self.ledger.node, endpoints))
            await self.ledger.durable()

    async def whole(self, draft: Draft, answer: Whole, client: Client) -> None:
        """A complete answer, or a provider's error that is the caller's to see."""
        if draft.endpoint is not None:
            self._breaker(draft, draft.endpoint.id).succeeded()
        if answer.served is not None and draft.endpoint is not None:
            draft.served = answer.served
            draft.findings = self.watching.whole(draft, answer.body)
        elif answer.about_content:
            draft.findings = (
                Finding("moderation", f"the provider refused the content with {answer.status}"),
            )
        code = None if answer.served is not None else "declined_by_provider"
        outcome = Outcome.ANSWERED if code is None else Outcome.DECLINED
        body = in_body(draft, answer.body)
        draft.answer_bytes = len(body)
        draft.passing(body)
        await self.close_durably(draft, outcome, answer.status, code)
        client.reply(answer.status, answer.lines + draft.lines(), body)

    def begun(self, draft: Draft, stream: Stream) -> None:
        """A stream begins: what its first events tell goes into the header."""
        self.watching.begun(draft, stream)

    async def stream(self, draft: Draft, end: End) -> bytes:
        """A stream that is over. Returns what its last bytes are to be."""
        draft.served = end.served
        endpoint = draft.answered_by
        if endpoint is not None:
            draft.findings = self.watching.stream(draft, ended=end.failure is None)
            if end.failure is None:
                self._breaker(draft, endpoint.id).succeeded()
            elif end.failure.fault is Fault.REFUSED:
                told = "the provider stopped its answer for its content"
                draft.findings += (Finding("moderation", told),)
        error: FreeholdError | None = None
        if end.failure is not None:
            error = AnswerCut(f"the answer broke off: {end.failure.message}")
        last = end.last or (error_event(draft.dialect, error, draft.id) if error is not None else b"")
        last = in_stream(draft, last)
        draft.passing(last)
        try:
            outcome = Outcome.ANSWERED if error is None else Outcome.CUT
            await self.close_durably(draft, outcome, 200, None if error is None else error.code)
        except LedgerUnavailable as unrecorded:
            return error_event(draft.dialect, unrecorded, draft.id)
        return last

    def note_cut(self, draft: Draft, failure: UpstreamFailed) -> None:
        """The answer that had begun has broken off."""
        told_by = draft.answered_by.id if draft.answered_by is not None else ""
        at = max(n for n, attempt in enumerate(draft.attempts) if attempt.endpoint == told_by)
        good = draft.attempts[at]  # nearly always the last; others were asked after one that refused
        took_us = draft.elapsed_us() - good.began_us
        times = (good.began_us, good.first_byte_us, took_us)
        told = (failure.summary, failure.said)
        draft.attempts[at] = Attempt(good.endpoint, failure.fault, 200, *times, *told)
        # The deadline was ours, or the caller read too slowly; and who refuses is not broken.
        if failure.fault not in (Fault.TIMEOUT_TOTAL, Fault.REFUSED):
            self._breaker(draft, good.endpoint).failed(time.monotonic())

    async def error(self, draft: Draft, error: FreeholdError, client: Client) -> None:
        """No answer, and why."""
        if client.started:  # a second head would land in the middle of the answer
            await self.broken_off(draft, error, client)
            return
        if not isinstance(error, LedgerUnavailable):
            turned_down = isinstance(error, CallerError | NoEligibleEndpoint)
            outcome = Outcome.REJECTED if turned_down else Outcome.FAILED
            draft.passing(error_body(draft.dialect, error, draft.id))
            try:
                await self.close_durably(draft, outcome, error.status, error.code)
            except LedgerUnavailable as unrecorded:
                error = unrecorded
        draft.endpoint = None
        lines = JSON + draft.lines()
        if error.retry_after_s is not None:
            lines += b"retry-after: %d\r\n" % max(round(error.retry_after_s + 0.5), 1)
        client.reply(error.status, lines, error_body(draft.dialect, error, draft.id))

    async def given_up(self, draft: Draft, client: Client) -> None:
        """The caller hung up, or the process has no more time to wait for this answer."""
        if draft.closed:
            return  # the caller has everything; only the provider was still to be waited for
        if client.disconnected:
            await self._close_quietly(draft, Outcome.ABANDONED, CALLER_LEFT, None)
            return
        error = Draining("the process is stopping and could not wait for the rest of the answer")
        await self.broken_off(draft, error, client)

    async def broken_off(self, draft: Draft, error: FreeholdError, client: Client) -> None:
        """End an exchange wherever it stands, and tell the caller in whatever way is left."""
        if not draft.closed:
            outcome = Outcome.CUT if client.started else Outcome.FAILED
            told = error_event if client.started else error_body
            draft.passing(told(draft.dialect, error, draft.id))
            await self._close_quietly(draft, outcome, error.status, error.code)
        if client.response_complete:
            return
        if client.started:
            client.end(error_event(draft.dialect, error, draft.id))
        else:
            client.reply(error.status, JSON + draft.lines(), error_body(draft.dialect, error, draft.id))

    def close(self, draft: Draft, outcome: Outcome, status: int, code: str | None) -> None:
        """Put the exchange on the ledger. Raises LedgerUnavailable: then its answer must not go out.

        A request without a valid key is counted but not recorded, or strangers could fill the disk.
        """
        draft.closed = True
        unkept: LedgerUnavailable | None = None
        try:
            self.keeper.end(draft)
        except LedgerUnavailable as error:  # the exchange itself may still be recorded
            unkept, outcome, status, code = error, Outcome.FAILED, error.status, error.code
        self.governance.close(draft, outcome)
        exchange = draft.finished(outcome, status, code=code, node=self.ledger.node)
        self.metrics.count(exchange)
        if draft.step is not None:
            draft.step.count(exchange)
        if draft.application:
            self.ledger.append(exchange)
        if unkept is not None:
            raise unkept

    async def close_durably(self, draft: Draft, outcome: Outcome, status: int, code: str | None) -> None:
        """Close it, and wait until it is as durable as the configuration asks. Raises LedgerUnavailable."""
        self.close(draft, outcome, status, code)
        if draft.application:
            try:
                await self.ledger.durable()
            except LedgerUnavailable:
                self.ledger.withhold(draft.id)
                raise

    def _breaker(self, draft: Draft, endpoint: str) -> Breaker:
        """Who is told how an endpoint did: in a drill, of those that it strikes, nobody else."""
        router = self.router if draft.drilled is None else draft.drilled.router
        return router.breaker(endpoint)

    async def _close_quietly(self, draft: Draft, outcome: Outcome, status: int, code: str | None) -> None:
        try:
            await self.close_durably(draft, outcome, status, code)
        except LedgerUnavailable:
            return  # the journal has already reported itself broken, and no answer goes out
