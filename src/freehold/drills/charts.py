"""A report's charts as SVG: told apart by hatching and by labels beside what they label: black ink is enough."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from freehold.drills.simulation import Line

WIDTH = 680
LABELS = 200  # for what stands left of the bars
BAR, GAP = 15, 6
LETTER = 5.6  # about as wide as one is, in this size

# What becomes of requests, and how it is filled. The order is that of the bars.
SERVED, MOVED, REFUSED, LIMITED, FAILED, LOST = (
    "served as before",
    "served by another",
    "refused by a rule",
    "over a limit",
    "not served then",
    "lost",
)
FILLS: Mapping[str, str] = {
    SERVED: "#fff",
    MOVED: "url(#hatch)",
    REFUSED: "url(#cross)",
    LIMITED: "url(#dots)",
    FAILED: "url(#lines)",
    LOST: "#000",
}
_PATTERNS = (
    '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="5" height="5" fill="#fff"/><line x1="0" y1="0" x2="0" y2="5" stroke="#000" stroke-width="1.2"/>'
    '</pattern><pattern id="cross" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect width="5" height="5" fill="#fff"/><path d="M0 0L5 5M5 0L0 5" stroke="#000" stroke-width=".8"/></pattern>'
    '<pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#fff"/>'
    '<circle cx="2" cy="2" r="1" fill="#000"/></pattern><pattern id="lines" width="4" height="4" '
    'patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#fff"/>'
    '<line x1="0" y1="1" x2="4" y2="1" stroke="#000" stroke-width="1"/></pattern></defs>'
)

Stack = tuple[str, Mapping[str, float]]  # a label, and shares by what becomes of them


def stacks(title: str, rows: Sequence[Stack]) -> str:
    """One bar from 0 to 100 % for each row, with what its parts are."""
    used = [word for word in FILLS if any(shares.get(word) for _, shares in rows)]
    parts = [_PATTERNS, *_legend(used)]
    y = 20.0
    for label, shares in rows:
        parts.append(_text(LABELS - 6, y + 11, _shortened(label), anchor="end"))
        parts += _stack(y, shares)
        y += BAR + GAP
    parts += _scale(y)
    return _svg(title, parts, y + 20)


def pairs(title: str, rows: Sequence[tuple[str, float, float, float | None]]) -> str:
    """Of each row two bars, before (white) and after (hatched), and where known the limit as a line across both."""
    top = max([1.0, *(value for _, *values in rows for value in values if value is not None)])
    width = WIDTH - LABELS - 60

    def across(value: float) -> float:
        return width * value / top

    parts = [_PATTERNS]
    y = 6.0
    for label, before, after, limit in rows:
        parts.append(_text(LABELS - 6, y + 15, _shortened(label), anchor="end"))
        for value, fill, at in ((before, "#fff", y), (after, "url(#hatch)", y + 11)):
            parts.append(_rect(LABELS, at, max(0.5, across(value)), 10, fill))
            parts.append(_text(LABELS + across(value) + 4, at + 9, f"{value:,.0f}", size=9))
        if limit is not None:
            parts.append(_line(LABELS + across(limit), y - 3, LABELS + across(limit), y + 24, 2))
            parts.append(
                _text(LABELS + across(limit), y + 33, f"limit {limit:,.0f}", anchor="middle", size=9)
            )
        y += 40
    parts.append(
        _text(LABELS, y + 6, "white: before; hatched: under the scenario; line: known limit", size=9)
    )
    return _svg(title, parts, y + 12)


def moves(title: str, rows: Sequence[tuple[str, float, float]]) -> str:
    """Of each row where it was (ring) and where it goes (disc), on a scale from 0."""
    top = max([2.0, *(value for _, *values in rows for value in values)])
    width = WIDTH - LABELS - 80
    parts, y = list[str](), 14.0
    for label, before, after in rows:
        one, other = (LABELS + width * value / top for value in (before, after))
        parts.append(_text(LABELS - 6, y + 4, _shortened(label), anchor="end"))
        parts.append(_line(LABELS, y, LABELS + width, y, 0.3))
        parts.append(_line(one, y, other, y, 1.6))
        parts.append(
            f'<circle cx="{one:.1f}" cy="{y:.1f}" r="5" fill="#fff" stroke="#000" stroke-width="1.4"/>'
        )
        parts.append(f'<circle cx="{other:.1f}" cy="{y:.1f}" r="3.4" fill="#000"/>')
        parts.append(_text(LABELS + width + 8, y + 4, f"{before:.2f} to {after:.2f}", size=9))
        y += 20
    parts.append(_text(LABELS, y + 6, "ring: before; disc: under the scenario", size=9))
    return _svg(title, parts, y + 12)


def before(line: Line) -> dict[str, float]:
    """What became of a line's requests."""
    return {SERVED: line.served_before, FAILED: 1 - line.served_before}


def after(line: Line) -> dict[str, float]:
    """What becomes of them under the scenario."""
    stays = sum(min(share, line.by_before.get(name, 0.0)) for name, share in line.by_after.items())
    return {
        SERVED: stays,
        MOVED: max(0.0, line.served_after - stays),
        REFUSED: sum(line.refused.values()),
        LIMITED: line.limited,
        FAILED: line.failed,
        LOST: line.lost,
    }


def _stack(y: float, shares: Mapping[str, float]) -> Iterator[str]:
    x, width = float(LABELS), WIDTH - LABELS - 10
    for word, fill in FILLS.items():
        share = shares.get(word, 0.0)
        if share <= 0:
            continue
        yield _rect(x, y, width * share, BAR, fill)
        told = f"{100 * share:.0f} %"
        if width * share > LETTER * len(told) + 6:
            middle = x + width * share / 2
            yield _rect(
                middle - LETTER * len(told) / 2 - 2, y + 2, LETTER * len(told) + 4, BAR - 4, "#fff", 0.0
            )
            yield _text(middle, y + 11, told, anchor="middle", size=9)
        x += width * share


def _legend(words: Sequence[str]) -> Iterator[str]:
    """In one line, as wide as the page if it has to be."""
    wide = sum(26 + 4.9 * len(word) for word in words)
    x = min(float(LABELS), WIDTH - wide)
    for word in words:
        yield _rect(x, 2, 14, 10, FILLS[word])
        yield _text(x + 18, 11, word, size=9)
        x += 26 + 4.9 * len(word)


def _scale(y: float) -> Iterator[str]:
    width = WIDTH - LABELS - 10
    yield _line(LABELS, y, LABELS + width, y, 0.8)
    for quarter in range(5):
        x = LABELS + width * quarter / 4
        yield _line(x, y, x, y + 4, 0.8)
        anchor = "end" if quarter == 4 else "middle"
        yield _text(x, y + 14, f"{25 * quarter} %", anchor=anchor, size=9)


def _shortened(label: str) -> str:
    most = int((LABELS - 6) / LETTER)
    return label if len(label) <= most else label[: most // 2 - 1] + "..." + label[-(most // 2 - 2) :]


def _rect(x: float, y: float, width: float, height: float, fill: str, stroke: float = 0.8) -> str:
    line = f' stroke="#000" stroke-width="{stroke}"' if stroke else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"{line}/>'


def _line(x1: float, y1: float, x2: float, y2: float, width: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#000" stroke-width="{width}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 10) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def _svg(title: str, parts: Sequence[str], height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif">{"".join(parts)}</svg>'
    )
