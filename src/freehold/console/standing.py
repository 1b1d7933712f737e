"""Standing: how well endpoints do the company's own tasks, with intervals, and what it costs to do without some."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from freehold.bench.results import PLAN, REPORT, SAMPLES, Plan, find, folder, ids, read_plan, read_report
from freehold.bench.standing import BenchReport, Difference, Gap
from freehold.config import clock
from freehold.config.document import Signature, signature
from freehold.console.damaged import readable
from freehold.console.shell import page, there
from freehold.vocabulary.report import Interval

SHOWN = 100  # benches on one page
_DAY_MS = 86_400_000


class Whisker(NamedTuple):
    """An interval on a scale from 0 to 100, drawn and in words. `zero`: where no difference is."""

    low: float
    estimate: float
    high: float
    words: str
    zero: float | None = None


class Line(NamedTuple):
    """One bench in the list."""

    plan: Plan
    report: BenchReport | None
    samples: int  # bytes, of one that has not ended


Word = tuple[str, str]  # a verdict and its badge


class Found(NamedTuple):
    """A report, and its intervals as they are drawn."""

    report: BenchReport
    age_days: int
    quality: Mapping[str, Whisker | None]  # by subject
    differences: Sequence[tuple[Difference, Whisker | None, Word]]
    gaps: Sequence[tuple[Gap, Whisker | None, Word]]
    ranks: Sequence[tuple[str, Whisker]]


def overview(request: Request) -> Response:
    """The newest bench that is over, and the list of all."""
    state = there(request).state
    names = ids(state)[::-1][:SHOWN]
    lines, damaged = readable(names, lambda name: _line(state, name))
    newest = next((one.report for one in lines if one.report is not None), None)
    return page(
        request, "standing.html", lines=lines, damaged=damaged, total=len(ids(state)), found=_found(newest)
    )


def one(request: Request) -> Response:
    """One bench."""
    state = there(request).state
    line = _line(state, find(state, request.path_params["id"]))
    return page(request, "bench.html", line=line, found=_found(line.report))


def _found(report: BenchReport | None) -> Found | None:
    if report is None:
        return None
    strengths = [one.strength for one in report.ranks]
    return Found(
        report,
        (clock.now_ms() - report.at_ms) // _DAY_MS,
        {one.subject: share(one.quality) for one in report.standings},
        [(one, points(one.interval), _word(one)) for one in report.differences],
        [(one, points(one.interval), _clear(one.interval)) for one in report.gaps],
        [(one.subject, _nats(one.strength, strengths)) for one in report.ranks],
    )


def share(found: Interval | None) -> Whisker | None:
    """A quality, from 0 to 1."""
    if found is None:
        return None
    low, estimate, high = (100 * one for one in (found.low, found.estimate, found.high))
    return Whisker(low, estimate, high, f"{estimate:.1f} %, {low:.1f} to {high:.1f}")


def points(found: Interval | None) -> Whisker | None:
    """A difference of two, from -1 to 1; no difference is in the middle."""
    return None if found is None else _around(found, 1.0, _signed(found, 100, 1))


def _nats(found: Interval, of_all: Sequence[Interval]) -> Whisker:
    """A strength against the average of all; the scale is as wide as the widest of them."""
    reach = max(abs(end) for one in of_all for end in (one.low, one.high))
    return _around(found, reach or 1.0, _signed(found, 1, 2))


def _around(found: Interval, reach: float, words: str) -> Whisker:
    low, estimate, high = (50 + 50 * one / reach for one in (found.low, found.estimate, found.high))
    return Whisker(low, estimate, high, words, 50.0)


def _signed(found: Interval, times: int, digits: int) -> str:
    estimate, low, high = (f"{times * one:+.{digits}f}" for one in (found.estimate, found.low, found.high))
    return f"{estimate}, {low} to {high}"


def _word(found: Difference) -> Word:
    return found.verdict, "unknown" if found.verdict == "can't tell" else "good"


def _clear(found: Interval) -> Word:
    """Whether it is known who of two is ahead, and its badge."""
    if found.low > 0:
        return "the first is ahead", "good"
    return ("the second is ahead", "good") if found.high < 0 else ("can't tell", "unknown")


def _line(state: Path, name: str) -> Line:
    """A bench. Raises ConfigError for a file that is damaged."""
    place = folder(state, name)
    plan, report = _plan(state, name, signature(place / PLAN)), _read(state, name, signature(place / REPORT))
    samples = place / SAMPLES
    return Line(plan, report, samples.stat().st_size if report is None and samples.exists() else 0)


@lru_cache(maxsize=1_000)
def _plan(state: Path, name: str, seen: Signature) -> Plan:
    return read_plan(state, name)


@lru_cache(maxsize=1_000)
def _read(state: Path, name: str, seen: Signature) -> BenchReport | None:
    return read_report(state, name)


ROUTES: tuple[BaseRoute, ...] = (Route("/standing", overview), Route("/standing/{id}", one))
