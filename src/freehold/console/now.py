"""Now: traffic, who answers, who fails, what was found, drills in force, and whether the ledger is signed."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from freehold.config import clock
from freehold.console.searching import search, unfinished
from freehold.console.shell import page, there
from freehold.console.there import There
from freehold.gateway import drill_order
from freehold.gateway.drill_order import Order
from freehold.ledger import checkpoint
from freehold.ledger.log_keys import CHECKPOINT
from freehold.ledger.search import Query, Search, Sum
from freehold.ledger.search_filling import HOUR_MS, MINUTE_MS
from freehold.ledger.search_rows import FAILED, FINDING
from freehold.ledger.segment import journals, segments
from freehold.vocabulary.errors import Unverified
from freehold.vocabulary.exchange import Outcome

SERIES = 4  # endpoints with a series of their own; the others together have one
NOBODY, OTHERS = "(nobody)", "(others)"
FINDINGS_SHOWN, FAILURES_SHOWN = 12, 12
SIGN_MS = 10_000  # later than its checkpoint by more than a few turns, the journal is not being signed


class Period(NamedTuple):
    """What the page looks back on, in steps of a chart."""

    name: str
    long_ms: int
    step_ms: int


PERIODS = {
    "hour": Period("hour", HOUR_MS, MINUTE_MS),
    "day": Period("day", 24 * HOUR_MS, HOUR_MS),
    "week": Period("week", 7 * 24 * HOUR_MS, 6 * HOUR_MS),
}


class Share(NamedTuple):
    """What one endpoint answered."""

    endpoint: str | None
    exchanges: int
    share: float
    mean_ms: float | None
    cost_usd: float | None
    unpriced: int


class Chart(NamedTuple):
    """Exchanges by time and by who answered."""

    names: tuple[str, ...]
    rows: tuple[tuple[int, tuple[int, ...]], ...]


class Signed(NamedTuple):
    """How far one node's log is signed."""

    node: str
    size: int | None  # leaves; None: nothing is signed
    at_ms: int | None  # when it was
    is_behind: bool
    trouble: str = ""


def now(request: Request) -> Response:
    """The page."""
    return page(request, "now.html", periods=PERIODS, **_live(request))


def live(request: Request) -> Response:
    """What changes by itself. A part that is as it was when it was last asked for is not sent again."""
    values = _live(request)
    if request.query_params.get("seen") == values["seen"]:
        return Response(status_code=204)
    return page(request, "now_live.html", **values)


def _live(request: Request) -> dict[str, Any]:
    found, here, period, at_ms = search(request), there(request), _period(request), clock.now_ms()
    progress, last, span = unfinished(found), found.find(Query(), None, 8).rows, _span(period, at_ms)
    is_empty = progress is None and not last
    values: dict[str, Any] = {
        "period": period,
        "is_empty": is_empty,
        "command": _first_request(here) if is_empty else "",
        "progress": progress,
        "last": last,
        **_shown(found, period, at_ms),
        "found": found.latest(FINDING, FINDINGS_SHOWN),
        "failures": found.marked(FAILED, *span)[:FAILURES_SHOWN],
        "kinds": _by_name(found.marked(FINDING, *span)),
        "drill": _drill(here.state, at_ms),
        "logs": [_signed(here.state, directory) for directory in journals(here.state)],
    }
    return values | {"seen": hashlib.sha256(repr(values).encode()).hexdigest()[:16]}


def _shown(found: Search, period: Period, at_ms: int) -> dict[str, Any]:
    sums = found.rollup(*_span(period, at_ms), ("endpoint", "outcome"), period.step_ms)
    outcomes: dict[str, int] = defaultdict(int)
    for one in sums:
        outcomes[str(one.by[1])] += one.exchanges
    total = sum(outcomes.values())
    counted, priced = sum(one.counted for one in sums), sum(one.priced for one in sums)
    return {
        "total": total,
        "answered": outcomes.get(Outcome.ANSWERED, 0) / total if total else None,
        "outcomes": sorted(outcomes.items(), key=lambda one: -one[1]),
        "tokens": sum(one.input_tokens + one.output_tokens for one in sums) if counted else None,
        "cost_usd": sum(one.cost_usd for one in sums) if priced else None,
        "mean_ms": _mean_ms(sums),
        "shares": _shares(sums, total),
        "chart": _chart(sums, period, at_ms),
    }


def _shares(sums: Sequence[Sum], total: int) -> list[Share]:
    by: dict[str | None, list[Sum]] = defaultdict(list)
    for one in sums:
        by[None if one.by[0] is None else str(one.by[0])].append(one)
    found = [
        Share(
            endpoint,
            (count := sum(one.exchanges for one in each)),
            count / total,
            _mean_ms(each),
            sum(one.cost_usd for one in each) if any(one.priced for one in each) else None,
            count - sum(one.priced for one in each),
        )
        for endpoint, each in by.items()
    ]
    return sorted(found, key=lambda one: -one.exchanges)


def _mean_ms(sums: Iterable[Sum]) -> float | None:
    sums = list(sums)
    timed = sum(one.timed for one in sums)
    return sum(one.took_us for one in sums) / timed / 1_000 if timed else None


def _chart(sums: Sequence[Sum], period: Period, at_ms: int) -> Chart:
    """A row for each step, also for those without traffic."""
    names = [str(one.endpoint) for one in _shares(sums, 1) if one.endpoint is not None]
    shown = (*names[:SERIES], *((OTHERS,) if len(names) > SERIES else ()), NOBODY)
    since, until = _span(period, at_ms)
    steps = {
        at: dict.fromkeys(shown, 0)
        for at in range(since // period.step_ms * period.step_ms, until, period.step_ms)
    }
    for one in sums:
        name = NOBODY if one.by[0] is None else str(one.by[0])
        if one.at_ms in steps:
            steps[one.at_ms][name if name in shown else OTHERS] += one.exchanges
    return Chart(shown, tuple((at, tuple(counts.values())) for at, counts in steps.items()))


def _by_name(marked: Iterable[tuple[str, str, int]]) -> list[tuple[str, int]]:
    counts: dict[str, int] = defaultdict(int)
    for name, _, times in marked:
        counts[name] += times
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _drill(state: Path, at_ms: int) -> Order | None:
    """What is injected now."""
    order = drill_order.read(state)
    holds = order is not None and order.from_ms <= at_ms < min(order.until_ms, drill_order.lease_ms(state))
    return order if holds else None


def _signed(state: Path, directory: Path) -> Signed:
    """Holds a node's checkpoint against its journal by when they were written; nothing is verified."""
    note = state / "log" / directory.name / CHECKPOINT
    written_ms = max((_modified_ms(path) for path in segments(directory) if path.stat().st_size), default=0)
    try:
        at_ms = _modified_ms(note)
        size = checkpoint.read(note.read_bytes())[0].size
    except FileNotFoundError:
        return Signed(directory.name, None, None, bool(written_ms))
    except (Unverified, OSError) as error:
        return Signed(directory.name, None, None, True, str(error))
    return Signed(directory.name, size, at_ms, written_ms > at_ms + SIGN_MS)


def _modified_ms(path: Path) -> int:
    return path.stat().st_mtime_ns // 1_000_000


def _first_request(here: There) -> str:
    """How to send one, to the gateway that runs or to where it would listen."""
    resolved = here.resolved()
    server = resolved.config.server
    gateway = here.gateway or f"http://{server.host}:{server.port}"
    alias = next(iter(resolved.aliases), "MODEL")
    return (
        f"curl {gateway}/v1/chat/completions -H 'content-type: application/json' \\\n"
        f"""  -d '{{"model": "{alias}", "messages": [{{"role": "user", "content": "Which way is north?"}}]}}'"""
    )


def _period(request: Request) -> Period:
    return PERIODS.get(request.query_params.get("period", ""), PERIODS["hour"])


def _span(period: Period, at_ms: int) -> tuple[int, int]:
    """Whole minutes up to the one that is under way."""
    until = at_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS
    return until - period.long_ms, until


ROUTES: tuple[BaseRoute, ...] = (Route("/", now), Route("/now/live", live))
