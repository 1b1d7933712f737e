"""An exchange while it is under way."""

import os
import time
from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import Protocol

from freehold.config import clock
from freehold.gateway.drilled import Drilled
from freehold.gateway.keeping import Keeping
from freehold.gateway.permit import Permit
from freehold.gateway.promoted import Promoted
from freehold.routing.limits import Lease
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.exchange import (
    OPENED,
    Attempt,
    BodyRef,
    Event,
    Exchange,
    Finding,
    Outcome,
    Plain,
    Served,
    asked,
)

_ids = Random(os.urandom(32))  # noqa: S311 - an id must be unique, not secret
os.register_at_fork(after_in_child=lambda: _ids.seed(os.urandom(32)))

HEADER_CHARS_MAX = 2_000


class Ear(Protocol):
    """Listens to a stream."""

    def feed(self, events: bytes) -> None:
        """Take one or many whole events, as the provider sent them."""


class Draft:
    """What is known of an exchange so far. It becomes an `Exchange` once, when its end is known."""

    __slots__ = (
        "alias",
        "answer_bytes",
        "application",
        "at_ms",
        "attempts",
        "began",
        "bodies",
        "cache",
        "closed",
        "continued_by",
        "copied",
        "cost_usd",
        "data_class",
        "dialect",
        "drilled",
        "endpoint",
        "findings",
        "first_byte_us",
        "heard",
        "held_up",
        "id",
        "keeping",
        "keeps_words",
        "key",
        "lease",
        "lost",
        "own_copied",
        "permit",
        "provenance",
        "refusals",
        "request",
        "request_bytes",
        "retention",
        "sample",
        "served",
        "step",
        "stream",
        "told",
        "words",
    )

    def __init__(self, dialect: Dialect) -> None:
        self.at_ms = clock.now_ms()
        self.began = time.monotonic()
        self.id = f"x{self.at_ms:011x}{_ids.getrandbits(64):016x}"  # sorts by time
        self.dialect = dialect
        self.drilled: Drilled | None = None  # the drill that it is in
        self.copied: object | None = None  # how to make it once more in a drill; None: it will not be
        self.own_copied: object | None = None  # the same for own models in shadow
        self.step: Promoted | None = None  # the own model that is asked before the others
        self.application = self.alias = ""
        self.closed = False  # an exchange is recorded once
        self.key: str | None = None
        self.endpoint: Endpoint | None = None
        self.lease: Lease | None = None  # its part of what the endpoint has to do
        self.stream = False
        self.attempts: list[Attempt] = []
        self.served: Served | None = None
        self.findings: tuple[Finding, ...] = ()
        self.told: tuple[Finding, ...] = ()  # of these, what a stream's header has told
        self.heard: Ear | None = None  # what its stream says; None: nobody listens
        self.keeps_words = False  # so that they can be put beside others'
        self.words: str | None = None  # of a whole answer, where they are kept
        self.sample: object | None = None  # how to ask others the same; None: nobody will
        self.held_up = False  # by its caller, who read more slowly than the answer came
        self.refusals: tuple[Finding, ...] = ()  # of endpoints after which policy let others be asked
        self.lost: tuple[str, ...] = ()
        self.continued_by: Endpoint | None = None
        self.cache = ""  # "hit", "miss", or "" where nothing is kept
        self.request = b""  # as the caller sent it
        self.request_bytes = self.answer_bytes = 0
        self.first_byte_us: int | None = None
        self.data_class: str | None = None
        self.permit: Permit | None = None  # None: it did not come so far that anybody was to be asked
        self.provenance = False  # whether its caller wants to be told in the body who answered
        self.cost_usd: float | None = None
        self.retention: str | None = None
        self.keeping: Keeping | None = None  # None: its bodies are not kept, or are already
        self.bodies: tuple[BodyRef, ...] = ()

    def passing(self, data: bytes) -> None:
        """The last bytes of its answer, before it is closed and they go out."""
        if self.keeping is not None:
            self.keeping.add(data)

    def elapsed_us(self) -> int:
        """Microseconds since the request arrived."""
        return int((time.monotonic() - self.began) * 1e6)

    def finished(self, outcome: Outcome, status: int, *, code: str | None = None, node: str = "") -> Exchange:
        """The exchange as it goes on the ledger."""
        permit = self.permit
        said, ruling = (None, None) if permit is None else (permit.request, permit.ruling)
        return Exchange(
            self.id,
            self.at_ms,
            self.application,
            self.dialect,
            self.alias,
            outcome,
            status,
            self.stream,
            self.endpoint.id if self.endpoint is not None else None,
            code,
            tuple(self.attempts),
            self.served,
            self.refusals + self.findings,
            self.lost,
            self.key,
            self.request_bytes,
            self.answer_bytes,
            self.first_byte_us,
            self.elapsed_us(),
            node,
            cached=self.cache == "hit",
            continued_by=self.continued_by.id if self.continued_by is not None else None,
            data_class=self.data_class,
            purpose=None if said is None else said.purpose,
            user_region=None if said is None else said.user_region,
            tools=None if said is None else said.tools,
            policy=None if ruling is None else ruling.policy,
            facts=None if ruling is None else ruling.facts,
            refused=() if permit is None else permit.refused,
            shadow=() if ruling is None else ruling.shadow,
            cost_usd=self.cost_usd,
            retention=self.retention,
            bodies=self.bodies,
            drill=None if self.drilled is None else self.drilled.id,
        )

    def opened(self, node: str, endpoints: Iterable[Endpoint]) -> Event:
        """What is recorded before a prompt leaves: should the end never be, it tells what was on its way."""
        about: dict[str, Plain] = {
            "exchange": self.id,
            "application": self.application,
            "dialect": self.dialect.value,
            "alias": self.alias,
            "stream": self.stream,
            "key": self.key,
            "data_class": self.data_class,
            "endpoints": tuple(endpoint.id for endpoint in endpoints),
        }
        return Event(f"e{self.id[1:]}", self.at_ms, OPENED, about, node)

    @property
    def answered_by(self) -> Endpoint | None:
        """Who gave the answer, or the last part of it."""
        return self.continued_by or self.endpoint

    @property
    def tokens(self) -> int | None:
        """How many tokens it came to, as the provider counted them."""
        usage = self.served.usage if self.served is not None else None
        if usage is None or usage.input_tokens is None:
            return None
        return usage.input_tokens + (usage.output_tokens or 0)

    def release(self) -> None:
        """The endpoint has nothing more to do for it."""
        if self.lease is not None:
            self.lease.release(self.tokens)
            self.lease = None

    def trailers(self) -> bytes:
        """What a stream says about itself only at its end: header lines."""
        told = b""
        if self.continued_by is not None:
            told = b"x-freehold-continued: %b\r\n" % _header_text(self.continued_by.id)
        if self.findings:
            before = {one.kind for one in self.told}
            told += _findings(one for one in self.findings if one.kind not in before)
        return told

    def lines(self) -> bytes:
        """What every answer says about itself: header lines."""
        told = b"x-freehold-exchange: %b\r\n" % self.id.encode()
        told += b"x-freehold-attempts: %d\r\n" % asked(self.attempts)
        if self.endpoint is not None:
            told += b"x-freehold-endpoint: %b\r\n" % _header_text(self.endpoint.id)
        if self.permit is not None:
            told += self.permit.ruling.lines
        if self.findings:
            told += _findings(self.findings)
        if self.refusals:
            refused = "; ".join(one.evidence for one in self.refusals)
            told += b"x-freehold-refused: %b\r\n" % _header_text(refused)
        if self.cache:
            told += b"x-freehold-cache: %b\r\n" % self.cache.encode()
        if self.drilled is not None:
            told += b"x-freehold-drill: %b\r\n" % _header_text(self.drilled.id)
        if self.lost:
            told += b"x-freehold-lost: %b\r\n" % _header_text(", ".join(self.lost))
        return told


def _findings(found: Iterable[Finding]) -> bytes:
    """A header line with the kinds, each once, and how sure they are where that is not certain."""
    strengths: dict[str, float] = {}
    for one in found:
        strengths[one.kind] = max(one.strength, strengths.get(one.kind, 0.0))
    kinds = (kind if sure >= 1 else f"{kind};strength={sure:.2f}" for kind, sure in strengths.items())
    said = ", ".join(kinds).encode()
    return b"x-freehold-finding: %b\r\n" % said if said else b""


@lru_cache(maxsize=10_000)
def _header_text(text: str) -> bytes:
    """Callers choose part of these texts: nothing in them may end a header line or fill a buffer."""
    return text[:HEADER_CHARS_MAX].encode("unicode_escape")
