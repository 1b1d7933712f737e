"""Plots as SVG, drawn by hand: black on white, told apart by dashes and labels, so that they print anywhere."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 26, 38
POINTS_MAX = 400
DECADES_MIN, DECADES_MAX = -4.0, 12.0  # beyond them a line runs along the edge


class Mark(NamedTuple):
    """A line across a plot, with what it means."""

    at: float
    label: str


def evidence(
    title: str, trace: Sequence[tuple[int, float]], marks: Sequence[Mark], decades: tuple[float, float]
) -> str:
    """How evidence grew: (samples so far, ln e) on a log scale from 10^low to 10^high, with thresholds dashed."""
    low, high = decades
    units = max((unit for unit, _ in trace), default=1)

    def x(unit: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * unit / units

    def y(decade: float) -> float:
        inside = min(max(decade, low), high)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (inside - low) / (high - low)

    parts = [_text(LEFT, 14, title, weight="bold"), _frame()]
    step = max(1, math.ceil((high - low) / 8))
    for decade in range(math.ceil(low), math.floor(high) + 1, step):
        parts.append(_text(LEFT - 5, y(decade) + 4, _power(decade), anchor="end"))
        parts.append(_line((LEFT, y(decade)), (WIDTH - RIGHT, y(decade)), "#ccc", 0.5))
    for mark in marks:
        height = y(math.log10(mark.at))
        parts.append(_line((LEFT, height), (WIDTH - RIGHT, height), "#000", 1, "6 3"))
        parts.append(_text(WIDTH - RIGHT - 4, height - 4, mark.label, anchor="end"))
    below = HEIGHT - BOTTOM + 14
    parts += [_text(x(unit), below, f"{unit:,}", anchor="middle") for unit in _round_steps(units)]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "prompts so far", anchor="middle"))
    points = " ".join(f"{x(unit):.1f},{y(log_e / math.log(10)):.1f}" for unit, log_e in _thinned(trace))
    parts.append(f'<polyline points="{points}" fill="none" stroke="#000" stroke-width="1.6"/>')
    return _svg(title, parts, HEIGHT)


def decades_of(traces: Sequence[Sequence[tuple[int, float]]], marks: Sequence[Mark]) -> tuple[float, float]:
    """The powers of ten that hold all of these; the same for plots that stand side by side."""
    found = [log_e / math.log(10) for trace in traces for _, log_e in trace] + [
        math.log10(m.at) for m in marks
    ]
    low = math.floor(min([*found, -1.0]))
    return max(DECADES_MIN, low), min(DECADES_MAX, math.ceil(max([*found, 1.0]) + 0.3))


def interval(
    title: str, bounds: tuple[float, float, float], ends: tuple[float, float], marks: Sequence[Mark]
) -> str:
    """An estimate with its bounds, on a scale from one end to the other, with what it is held against."""
    estimate, low, high = bounds
    width, height, middle = 2 * WIDTH, 120, 62

    def x(value: float) -> float:
        inside = min(max(value, ends[0]), ends[1])
        return 30 + (width - 60) * (inside - ends[0]) / (ends[1] - ends[0])

    parts = [_text(30, 14, title, weight="bold"), _line((30, 90), (width - 30, 90), "#000", 0.8)]
    for tenth in range(11):
        value = ends[0] + (ends[1] - ends[0]) * tenth / 10
        parts.append(_line((x(value), 90), (x(value), 94), "#000", 0.8))
        parts.append(_text(x(value), 107, f"{100 * value:g}", anchor="middle"))
    for row, mark in enumerate(marks):
        parts.append(_line((x(mark.at), 38 + 12 * (row % 2)), (x(mark.at), 90), "#000", 1, "6 3"))
        parts.append(_text(x(mark.at), 34 + 12 * (row % 2), mark.label, anchor="middle"))
    parts.append(_line((x(low), middle + 8), (x(high), middle + 8), "#000", 3))
    parts += [_line((x(end), middle + 1), (x(end), middle + 15), "#000", 2) for end in (low, high)]
    parts.append(f'<circle cx="{x(estimate):.1f}" cy="{middle + 8}" r="5" fill="#000"/>')
    return _svg(title, parts, height, width)


def curve(title: str, points: Sequence[tuple[int, float]], axes: tuple[str, str]) -> str:
    """How a number changed: (step, value), averaged over stretches where there are many, on linear scales."""
    size = math.ceil(len(points) / POINTS_MAX)
    stretches = [points[at : at + size] for at in range(0, len(points), size)]
    mean = [(one[-1][0], sum(value for _, value in one) / len(one)) for one in stretches]
    units = max(unit for unit, _ in mean)
    low, high = min(value for _, value in mean), max(value for _, value in mean)
    room = (high - low) * 0.05 or 1.0
    low, high = low - room, high + room

    def x(unit: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * unit / units

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    parts = [_text(LEFT, 14, f"{title}: {axes[1]}", weight="bold"), _frame()]
    for fifth in range(6):
        value = low + (high - low) * fifth / 5
        parts.append(_text(LEFT - 5, y(value) + 4, f"{value:.3g}", anchor="end"))
        parts.append(_line((LEFT, y(value)), (WIDTH - RIGHT, y(value)), "#ccc", 0.5))
    below = HEIGHT - BOTTOM + 14
    parts += [_text(x(unit), below, f"{unit:,}", anchor="middle") for unit in _round_steps(units)]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, axes[0], anchor="middle"))
    drawn = " ".join(f"{x(unit):.1f},{y(value):.1f}" for unit, value in mean)
    parts.append(f'<polyline points="{drawn}" fill="none" stroke="#000" stroke-width="1.6"/>')
    return _svg(title, parts, HEIGHT)


def _thinned(trace: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """At most so many points; of each stretch the one with the most evidence, so that no peak is lost, and the last."""
    if len(trace) <= POINTS_MAX:
        return trace
    step = math.ceil(len(trace) / POINTS_MAX)
    stretches = (trace[at : at + step] for at in range(0, len(trace), step))
    return [*(max(one, key=lambda point: point[1]) for one in stretches), trace[-1]]


def _round_steps(units: int) -> Iterator[int]:
    """0 and a few round numbers up to `units`."""
    rough = max(1.0, units / 4)
    power = 10 ** math.floor(math.log10(rough))
    step = next(int(power * one) for one in (1, 2, 5, 10) if power * one >= rough)
    yield from range(0, units + 1, step)


def _power(decade: int) -> str:
    return f"{10**decade:,}" if 0 <= decade <= 4 else f"{10.0**decade:g}"


def _frame() -> str:
    inner = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
    return (
        f'<rect x="{LEFT}" y="{TOP}" width="{inner[0]}" height="{inner[1]}" fill="none" '
        'stroke="#000" stroke-width="0.8"/>'
    )


def _line(
    begin: tuple[float, float], end: tuple[float, float], colour: str, width: float, dashes: str = ""
) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"{dashed}/>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="11" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )


def _svg(title: str, parts: Sequence[str], height: int, width: int = WIDTH) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif">{"".join(parts)}</svg>'
    )
