"""What the ledger says of an own model in service: its copies beside what callers got, and its canary answers.

A copy that policy, a limit or a stop of the gateway kept from being answered says nothing about the model; it is left
out, and so is one of an exchange whose caller hung up, or which the model itself had answered. One that failed for any
other reason counts as no answer. What counts is what the gateway counts (`gateway/promoted.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from msgspec import Struct

from freehold.catalog.pools import stands_for
from freehold.gateway.promoted import LATE, NOT_ASKED, UNENDED
from freehold.gateway.promotion_order import Promotion
from freehold.ledger.query import reader
from freehold.ledger.segment import exchange_of
from freehold.own.evaluate.report import Pair
from freehold.own.promote.evidence import LIVE
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import PEERS_ASKED, Attempt, Event, Exchange, Outcome

TWINS_MAX = 10_000  # the first of them: a bet takes a third of a millisecond for each, and needs no more
AT_ONCE = 500  # ids in one question to the database
COMPARED = "answered, without a finding"


class Twin(NamedTuple):
    """What a caller got, and what the own model said to the same."""

    exchange: Exchange
    copy: Exchange
    conversation: str  # turns of one conversation are not independent, and share it


class Canary(Struct, frozen=True):
    """How an own model answered callers since it was let."""

    answers: int
    failed: int
    findings: int  # answers with one or more
    p95_ms: float | None  # of whole answers; None: fewer than two


def twins(state: Path, steps: Collection[str]) -> list[Twin]:
    """Exchanges and their copies under these steps (`Promotion.id`), in the order in which the copies were made."""
    with reader(state) as moment:
        events = [one for one in moment.events(PEERS_ASKED) if one.about.get("promotion") in steps]
    of = {copy: event for event in events for copy in _ids(event)}
    copies = {copy: str(of[copy].about["exchange"]) for copy in sorted(of)[:TWINS_MAX]}
    known = _exchanges(state, {*copies, *copies.values()})
    return [
        Twin(known[asked], known[copy], str(of[copy].about.get("conversation") or asked))
        for copy, asked in copies.items()
        if {copy, asked} <= known.keys()
    ]


def pairs(found: Iterable[Twin], against: str) -> Iterator[Pair]:
    """Each twin as points: 1 for an answer without a finding, 0 for any other end."""
    for twin in found:
        exchange, copy = twin.exchange, twin.copy
        ended = exchange.drill is None and exchange.outcome not in UNENDED
        if ended and _counts(copy, copy.attempts[:1]) and _answered(exchange) != copy.attempts[0].endpoint:
            yield Pair(exchange.id, twin.conversation, against, LIVE, _points(copy), _points(exchange))


def canary(state: Path, promotion: Promotion, now_ms: int) -> Canary:
    """What came of a step's answers to callers."""
    with reader(state) as moment:
        copies = {copy for event in moment.events(PEERS_ASKED) for copy in _ids(event)}
    answers, failed, noted, times = 0, 0, 0, []
    with reader(state) as moment:
        for one in moment.between(promotion.since_ms, now_ms):
            mine = [tried for tried in one.attempts if tried.endpoint == promotion.endpoint][:1]
            if one.id in copies or not _named(promotion.alias, one.alias) or not _counts(one, mine):
                continue
            answers += 1
            if mine[0].outcome not in ("ok", Fault.REFUSED):
                failed += 1
                continue
            noted += bool(_findings(one, promotion.endpoint))
            times.append((one.took_us - mine[0].began_us) / 1000)
    return Canary(answers, failed, noted, quantiles(times, n=20)[-1] if len(times) > 1 else None)


def _counts(exchange: Exchange, mine: Sequence[Attempt]) -> bool:
    """Whether it says something about a model that was asked so."""
    if exchange.cached or exchange.drill is not None or exchange.outcome in UNENDED:
        return False
    return bool(mine) and mine[0].outcome not in NOT_ASKED


def _named(alias: str, name: str) -> bool:
    return alias == name or (alias.endswith("*") and stands_for(alias.removesuffix("*"), name))


def _points(exchange: Exchange) -> float:
    return float(exchange.outcome is Outcome.ANSWERED and not _findings(exchange, _answered(exchange)))


def _answered(exchange: Exchange) -> str | None:
    return exchange.continued_by or exchange.endpoint


def _findings(exchange: Exchange, endpoint: str | None) -> Sequence[str]:
    """Those in the answer of an endpoint; how long it took is a matter of limits on time."""
    found = [one.kind for one in exchange.findings if (one.endpoint or _answered(exchange)) == endpoint]
    return [kind for kind in found if kind not in LATE]


def _ids(event: Event) -> tuple[str, ...]:
    told = event.about.get("exchanges")
    return told if isinstance(told, tuple) else ()


def _exchanges(state: Path, ids: Collection[str]) -> dict[str, Exchange]:
    wanted = sorted(ids)
    found: dict[str, Exchange] = {}
    with reader(state) as moment:
        for begin in range(0, len(wanted), AT_ONCE):
            some = wanted[begin : begin + AT_ONCE]
            marks = ", ".join("?" * len(some))
            for _, name, _, body in moment.indexed(f"WHERE id IN ({marks})", *some):
                found[name] = exchange_of(body)
        for _, name, kind, body in moment.fresh():
            if not kind and name in ids:
                found[name] = exchange_of(body)
    return found
