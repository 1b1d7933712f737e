"""The pieces of a report's page: its style, tables, and figures as people read them."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape

from freehold.config import clock
from freehold.drills.findings import percent
from freehold.drills.rehearsal import Moment
from freehold.vocabulary.report import Interval

STYLE = """
@page { size: A4; margin: 15mm }
body { font: 10.5pt/1.45 Georgia, serif; color: #000; background: #fff }
body { max-width: 180mm; margin: 8mm auto; padding: 0 4mm }
h1 { font-size: 17pt; margin: 0 } h2 { font-size: 12.5pt; margin: 1.6em 0 .3em; border-bottom: 1pt solid #000 }
h3 { font-size: 10.5pt; margin: 1em 0 .2em } p { margin: .35em 0 } ul { margin: .3em 0 .3em 1.2em; padding: 0 }
svg { max-width: 100%; margin: .4em 0 } table { border-collapse: collapse; width: 100%; font-size: 9pt; margin: .4em 0 }
caption { text-align: left; font-style: italic; padding: .2em 0 } .small { font-size: 8.5pt }
th, td { border-top: .5pt solid #777; padding: .18em .5em .18em 0; text-align: left; vertical-align: top }
th, td { overflow-wrap: break-word }
th { border-top: 1pt solid #000 } td.n { text-align: right } th.n { text-align: right }
tbody th { border-top: .5pt solid #777; font-weight: normal; font-style: italic; width: 11em }
.serious { font-weight: bold } td:first-child { min-width: 9em }
code { font-size: 8.5pt; overflow-wrap: anywhere }
pre { font-size: 8pt; white-space: pre-wrap; overflow-wrap: anywhere }
@media (max-width: 640px) { table { display: block; overflow-x: auto } }
@media print {
body { margin: 0; max-width: none; padding: 0 }
h2, h3, caption { break-after: avoid } tr, svg, li { break-inside: avoid }
.new { break-before: page } thead { display: table-header-group }
tbody tr:first-child { break-before: avoid }
}
"""
_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"

Cells = Sequence[str]


def table(caption: str, head: Cells, rows: Iterable[Cells]) -> str:
    """A table; a heading that begins with # stands over numbers."""
    right = [name.startswith("#") for name in head]
    top = "".join(
        f'<th scope="col"{_class(one)}>{told(name.removeprefix("#"))}</th>'
        for name, one in zip(head, right, strict=True)
    )
    named = f"<caption>{told(caption)}</caption>" if caption else ""
    body = "".join(f"<tr>{''.join(_cells(row, right))}</tr>" for row in rows)
    return f"<table>{named}{f'<thead><tr>{top}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _cells(row: Cells, right: Sequence[bool]) -> Iterator[str]:
    for at, cell in enumerate(row):
        if not right and at == 0:
            yield f'<th scope="row">{told(cell)}</th>'
        else:
            whole = told(cell).replace(" %", "\u00a0%")  # on one line
            yield f"<td{_class(bool(right) and right[at])}>{whole}</td>"


def _class(number: bool) -> str:
    return ' class="n"' if number else ""


def more(there: int, shown: int, what: str) -> str:
    """How many more there are than a table shows."""
    return f'<p class="small">{there - shown} more {what} are in report.json.</p>' if there > shown else ""


def told(text: str) -> str:
    """A text as part of the page, whatever it holds."""
    return escape("".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text))


def number(value: float | None) -> str:
    """A figure; None is unknown."""
    if value is None:
        return "unknown"
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    )


def without(part: float | None) -> str:
    """Which share a figure leaves out, because it is not known; less than one in a hundred is not worth the room."""
    return f" (without {percent(part)})" if part and part >= 0.01 else ""


def points(found: Interval | None) -> str:
    """A change of a score with its interval, in points of 100."""
    if found is None:
        return "unknown"
    return f"{100 * found.estimate:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def share(found: Interval | None) -> str:
    """A share with its interval, in 100."""
    if found is None:
        return "-"
    return f"{percent(found.estimate)} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def bounds(found: Interval | None, times: int = 1) -> str:
    """An estimate with its interval, so many times."""
    if found is None:
        return "-"
    estimate, low, high = (number(times * one) for one in (found.estimate, found.low, found.high))
    return f"{estimate} ({low} to {high})"


def moment(found: Moment | None) -> str:
    """When something happened in a rehearsal."""
    if found is None:
        return "not while it was measured"
    after, low, high = (f"{ms / 1000:,.2f}" for ms in (found.after_ms, found.low_ms, found.high_ms))
    return f"after {after} s" + (f" (between {low} and {high})" if low != high else "")


def day(at_ms: int) -> str:
    """A moment of Unix milliseconds, in UTC."""
    return f"{clock.utc(at_ms):%Y-%m-%d %H:%M} UTC"
