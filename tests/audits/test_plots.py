"""Plots are well-formed, stay in their frame, and say in words what they show."""

import math
import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from freehold.audits.plots import HEIGHT, POINTS_MAX, WIDTH, Mark, curve, decades_of, evidence, interval

traces = st.lists(st.floats(-2000, 2000), max_size=900).map(lambda values: list(enumerate(values, 1)))
MARKS = [Mark(1000, "accuses: 1,000")]


def points(svg: str) -> list[tuple[float, float]]:
    line = ElementTree.fromstring(svg).find("{*}polyline")
    assert line is not None
    return [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+),([-\d.]+)", line.attrib["points"])]


@given(traces)
def test_whatever_the_evidence_it_stays_in_the_frame(trace: list[tuple[int, float]]) -> None:
    drawn = points(evidence("E & <e>", trace, MARKS, decades_of([trace], MARKS)))

    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in drawn)
    assert len(drawn) <= POINTS_MAX + 1


def test_more_evidence_is_higher_and_a_threshold_is_where_it_is_reached() -> None:
    trace = [(1, 0.0), (2, math.log(1000)), (3, math.log(10_000))]
    svg = evidence("E", trace, MARKS, decades_of([trace], MARKS))
    heights = [y for _, y in points(svg)]
    dashed = re.search(r'y1="([\d.]+)"[^>]*stroke-dasharray', svg)

    assert heights == sorted(heights, reverse=True)
    assert dashed is not None
    assert abs(float(dashed[1]) - heights[1]) < 0.2
    assert "accuses: 1,000" in svg


def test_no_peak_is_lost_where_points_are_left_out() -> None:
    trace = [(unit, 0.0) for unit in range(1, 5000)]
    trace[2500] = (2501, 6.0)
    drawn = points(evidence("E", trace, MARKS, (-1.0, 4.0)))

    assert min(y for _, y in drawn) < sorted(y for _, y in drawn)[1] - 20


@given(st.tuples(*[st.floats(-1, 1)] * 3).map(sorted))
def test_an_interval_is_drawn_from_its_low_to_its_high_end(bounds: list[float]) -> None:
    low, estimate, high = bounds
    svg = interval("Effect", (estimate, low, high), (-1.0, 1.0), [Mark(0.0, "no difference")])
    ElementTree.fromstring(svg)

    bar = re.search(r'x1="([\d.]+)"[^>]*x2="([\d.]+)"[^>]*stroke-width="3"', svg)
    dot = re.search(r'cx="([\d.]+)"', svg)
    assert bar is not None
    assert dot is not None
    assert float(bar[1]) - 0.1 <= float(dot[1]) <= float(bar[2]) + 0.1
    assert "no difference" in svg


@given(traces.filter(bool))
def test_a_curve_stays_in_its_frame_and_ends_where_it_ends(trace: list[tuple[int, float]]) -> None:
    drawn = points(curve("C & <c>", trace, ("steps", "loss")))

    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in drawn)
    assert len(drawn) <= POINTS_MAX
    assert max(x for x, _ in drawn) == drawn[-1][0]


def test_a_curve_that_falls_is_drawn_falling() -> None:
    heights = [
        y for _, y in points(curve("C", [(step, 5 / step) for step in range(1, 900)], ("steps", "loss")))
    ]

    assert heights == sorted(heights)
