"""What the ledger says of an own model in service: its copies beside what callers got, and its canary answers.

A copy that policy, a limit or a stop of the gateway kept from being answered says nothing about the model; it is left
out. One that failed for any other reason counts as no answer.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from msgspec import Struct

from freehold.catalog.pools import stands_for
from freehold.gateway.promotion_order import Promotion
from freehold.ledger.query import reader
from freehold.ledger.segment import exchange_of
from freehold.own.evaluate.report import Pair
from freehold.own.promote.evidence import LIVE
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import PEERS_ASKED, Event, Exchange, Outcome, asked

AT_ONCE = 500  # ids in one question to the database
COMPARED = "answered, without a finding"
_NOT_ITS_FAULT = (Outcome.ABANDONED, Outcome.INTERRUPTED)


class Twin(NamedTuple):
    """What a caller got, and what the own model said to the same."""

    exchange: Exchange
    copy: Exchange


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
    of = {copy: str(event.about["exchange"]) for event in events for copy in _ids(event)}
    known = _exchanges(state, {*of, *of.values()})
    return [Twin(known[of[copy]], known[copy]) for copy in sorted(of) if {copy, of[copy]} <= known.keys()]


def pairs(found: Iterable[Twin], against: str) -> Iterator[Pair]:
    """Each twin as points: 1 for an answer without a finding, 0 for any other end."""
    for exchange, copy in found:
        if copy.outcome not in _NOT_ITS_FAULT and asked(copy.attempts):
            yield Pair(exchange.id, exchange.id, against, LIVE, _points(copy), _points(exchange))


def canary(state: Path, promotion: Promotion, now_ms: int) -> Canary:
    """What came of a step's answers to callers."""
    with reader(state) as moment:
        copies = {copy for event in moment.events(PEERS_ASKED) for copy in _ids(event)}
    with reader(state) as moment:
        mine = [
            one
            for one in moment.between(promotion.since_ms, now_ms)
            if one.id not in copies and _serves(promotion, one)
        ]
    failed = [one for one in mine if not _answered_first(one)]
    good = [one for one in mine if _answered_first(one)]
    noted = sum(bool(_findings(one)) for one in good)
    times = [one.attempts[0].took_us / 1000 for one in good]
    return Canary(len(mine), len(failed), noted, quantiles(times, n=20)[-1] if len(times) > 1 else None)


def _serves(promotion: Promotion, exchange: Exchange) -> bool:
    """Whether the own model was really asked first."""
    first = exchange.attempts[:1]
    return (
        _named(promotion.alias, exchange.alias)
        and bool(asked(first))
        and first[0].endpoint == promotion.endpoint
        and exchange.outcome not in _NOT_ITS_FAULT
        and first[0].outcome not in (Fault.HEDGED, Fault.POLICY)
    )


def _named(alias: str, name: str) -> bool:
    return alias == name or (alias.endswith("*") and stands_for(alias.removesuffix("*"), name))


def _answered_first(exchange: Exchange) -> bool:
    return exchange.attempts[0].outcome == "ok" and exchange.outcome is Outcome.ANSWERED


def _points(exchange: Exchange) -> float:
    return float(exchange.outcome is Outcome.ANSWERED and not _findings(exchange))


def _findings(exchange: Exchange) -> Sequence[str]:
    """Of who answered; an earlier attempt's are not the answer's."""
    return [one.kind for one in exchange.findings if one.endpoint in (None, exchange.endpoint)]


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
