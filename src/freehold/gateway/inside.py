"""A gateway inside a command: no socket, the same way for each request, policies, facts and ledger.

Audits and bench ask through it, so that a probe is an exchange like any other. Does not protect: whoever may run the
command needs no key, as with everything else that reads the configuration.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any

import msgspec

from freehold.catalog.resolve import Resolved
from freehold.config import clock
from freehold.config.schema import Alias
from freehold.gateway.admission import Admission
from freehold.gateway.assembly import Parts, assembled, note
from freehold.gateway.client import Client
from freehold.gateway.draft import Draft
from freehold.gateway.earlier import Run
from freehold.gateway.keys import Key, KeyRing
from freehold.gateway.metrics import Metrics
from freehold.gateway.pipeline import Pipeline
from freehold.gateway.routes import ROUTES
from freehold.gateway.rulebook import Rulebook
from freehold.gateway.unconnected import Unconnected
from freehold.ledger.ledger import Ledger
from freehold.policy.rules import Bound, Policy
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import Exchange, Plain
from freehold.vocabulary.probe import Question, Reply

UPKEEP_S = 1.0
NODES = 8  # commands of one kind that may run at the same time
ROUTE = ROUTES[b"/v1/chat/completions"]
OF_A_POOL = (Bound.PARENTS, Bound.OWN_FALLBACK)  # of one endpoint they say nothing
LATER_NAME = ("openai", "azure")  # whose newer models know a maximum by its later name alone


class Inside:
    """A `Call` for `application`, and what else a command needs of the gateway around it."""

    def __init__(self, pipeline: Pipeline, seen: "_Seen") -> None:
        self._pipeline, self._seen = pipeline, seen
        self._sizes = {name: _size_field(pipeline, name) for name in pipeline.aliases.names()}

    async def __call__(self, name: str, question: Question, /) -> Reply:
        """Ask an alias, or an endpoint by its id."""
        at_ms, began = clock.now_ms(), time.monotonic()
        body = msgspec.json.encode(body_of(name, question, self._sizes.get(name, "max_tokens")))
        written: list[bytes] = []
        headers = [(b"cache-control", b"no-cache"), (b"content-length", b"%d" % len(body))]
        headers += [(key.lower().encode(), value.encode()) for key, value in question.headers.items()]
        client = Client(Unconnected(written.append), ROUTE, headers, keep_alive=True, chunked=True)
        client.feed(body)
        client.more_body = False
        await self._pipeline.exchange(client)
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # the exchange has ended in good order, and so may its caller
        took_us = int((time.monotonic() - began) * 1e6)
        return _reply(b"".join(written), self._seen, at_ms, took_us)

    def note(self, kind: str, about: Mapping[str, Plain]) -> None:
        """Put an event on the ledger. Raises LedgerUnavailable."""
        note(self._pipeline.ledger, kind, about)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that can be asked for: aliases and ids of endpoints."""
        return tuple(self._pipeline.aliases.names())

    def price_usd_per_mtok(self, name: str) -> tuple[float | None, float | None]:
        """What an alias's first endpoint, or an endpoint, charges for reading and writing; None: unknown."""
        lane = self._pipeline.aliases.lane(name, ROUTE.dialect)
        now_ms = clock.now_ms()
        rates = self._pipeline.governance.snapshot(now_ms).terms(lane.pool[0], now_ms).rates
        return rates.input, rates.output


@asynccontextmanager
async def inside(
    resolved: Resolved, rules: Rulebook, *, state: Path, application: str
) -> AsyncIterator[Inside]:
    """A gateway that lives as long as the block. Raises LedgerUnavailable if nothing could be recorded.

    Besides the aliases every endpoint of theirs can be asked for by its id.
    """
    resolved = _with_endpoints(resolved)
    ledger = await asyncio.to_thread(_ledger, state, application, resolved)
    seen = _Seen()
    admission = _Known(application, resolved, state, seen)
    run = Run(ledger.node, 1, clock.now_ms())
    upkeep: asyncio.Task[None] | None = None
    try:
        pipeline = assembled(Parts(resolved, rules, state, ledger, _of_endpoints), admission, seen, run)
        upkeep = asyncio.create_task(_upkeep(pipeline))
        yield Inside(pipeline, seen)
        pipeline.door.close()
    finally:
        if upkeep is not None:
            upkeep.cancel()
        await asyncio.to_thread(ledger.close)


class _Seen(Metrics):
    """Keeps each exchange that is over until its caller has taken it."""

    def __init__(self) -> None:
        super().__init__()
        self._over: dict[str, Exchange] = {}

    def count(self, exchange: Exchange) -> None:
        super().count(exchange)
        self._over[exchange.id] = exchange

    def take(self, name: str) -> Exchange | None:
        return self._over.pop(name, None)


class _Known(Admission):
    """Lets in the one application that there is."""

    def __init__(self, application: str, resolved: Resolved, state: Path, metrics: Metrics) -> None:
        super().__init__(resolved.config.server, KeyRing(state / "keys.json"), metrics)
        self._application = application

    def admit(self, headers: Mapping[bytes, bytes], draft: Draft) -> Key | None:
        draft.application = self._application
        return None


async def _upkeep(pipeline: Pipeline) -> None:
    while True:
        await asyncio.sleep(UPKEEP_S)
        pipeline.door.sweep()
        pipeline.ledger.bodies.sweep()
        pipeline.ledger.probe()
        await pipeline.governance.look()


def _ledger(state: Path, application: str, resolved: Resolved) -> Ledger:
    """The journal of the first node of this kind that no other command writes."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(1, NODES):
        with suppress(LedgerUnavailable):
            suffix = f"-{number}" if number > 1 else ""
            return Ledger.open(state, f"node-{application}{suffix}", resolved.config.ledger)
    return Ledger.open(state, f"node-{application}-{NODES}", resolved.config.ledger)


def _with_endpoints(resolved: Resolved) -> Resolved:
    every = {name: (one,) for name, one in resolved.endpoints.items() if "*" not in name}
    alone = {name: Alias((name,), sticky=False) for name in every}
    # What asks for a command is asked of nobody else.
    watch = msgspec.structs.replace(resolved.config.watch, shadow_share=0.0)
    config = msgspec.structs.replace(resolved.config, watch=watch)
    return with_fields(
        resolved,
        config=config,
        aliases={**every, **resolved.aliases},
        settings={**alone, **resolved.settings},
    )


def _of_endpoints(rules: Rulebook) -> Rulebook:
    """The same policies, without what they ask of a whole pool: here single endpoints are asked for."""

    def lighter(policy: Policy) -> Policy:
        kept = tuple(limit for limit in policy.limits if limit.bound not in OF_A_POOL)
        return policy if len(kept) == len(policy.limits) else msgspec.structs.replace(policy, limits=kept)

    return with_fields(rules, enforced=tuple(map(lighter, rules.enforced)), shadow=())


def _size_field(pipeline: Pipeline, name: str) -> str:
    """What the dialect's maximum of tokens is called by who will answer."""
    pool = () if name.endswith("*") else pipeline.aliases.lane(name, ROUTE.dialect).pool
    given = [(one.provider, pipeline.config.providers.get(one.provider)) for one in pool]
    kinds = [(table.kind or provider) if table else provider for provider, table in given]
    return "max_completion_tokens" if kinds and all(kind in LATER_NAME for kind in kinds) else "max_tokens"


def body_of(name: str, question: Question, size_field: str) -> dict[str, object]:
    """A question as a request of the route that questions take."""
    system = [] if question.system is None else [{"role": "system", "content": question.system}]
    turns = [{"role": turn.role, "content": turn.text} for turn in question.turns]
    body: dict[str, object] = {"model": name, "messages": system + turns}
    settings = (("temperature", question.temperature), ("seed", question.seed), ("user", question.user))
    body |= {field: value for field, value in settings if value is not None}
    if question.max_tokens is not None:
        body[size_field] = question.max_tokens
    return body


def _reply(written: bytes, seen: _Seen, at_ms: int, took_us: int) -> Reply:
    head, _, body = written.partition(b"\r\n\r\n")
    lines = dict(line.partition(b": ")[::2] for line in head.split(b"\r\n")[1:])
    status = int(head[9:12]) if head else 499
    exchange = seen.take(lines.get(b"x-freehold-exchange", b"").decode())
    text, error = said_by(status, body)
    if exchange is None:
        return Reply(text, at_ms, took_us, status, error=error)
    return Reply(
        text,
        at_ms,
        took_us,
        status,
        exchange.id,
        exchange.endpoint,
        exchange.served,
        exchange.findings,
        exchange.first_byte_us,
        exchange.cost_usd,
        error,
    )


def said_by(status: int, body: bytes) -> tuple[str, str | None]:
    """The words of an answer, and of an error."""
    try:
        told: Any = msgspec.json.decode(body)
        if status != 200:
            error = told["error"]
            return "", f"{error.get('code') or error.get('type') or status}: {error.get('message', '')}"
        message = told["choices"][0]["message"]
        calls = message.get("tool_calls")
    except (msgspec.DecodeError, LookupError, TypeError, AttributeError):
        return "", f"{status}: the answer cannot be read"
    called = msgspec.json.encode(calls).decode() if calls else ""
    return _words(message.get("content")) or message.get("refusal") or called, None


def _words(content: object) -> str:
    """A text, or the texts of several parts; what else a provider may have put there says nothing."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""
