"""Standing: qualities with intervals, gaps, differences, and benches that have not ended."""

import re
import shutil
from pathlib import Path

import pytest

from freehold.bench.results import PLAN, ids
from freehold.console.standing import points, share
from freehold.vocabulary.report import Interval
from tests.console.site import Site, site
from tests.console.test_policy import words


def test_the_newest_bench_is_told_with_intervals_gaps_and_verdicts(reported: Site) -> None:
    page = reported.signed_in("viewer", "standing").get("/standing")
    said = words(page)

    assert "(today): 60 of 60 cases" in said
    assert "us1 minus cn" in said and "us1 is better" in said
    assert "closed minus open" in said and "the first is ahead" in said
    assert re.search(r"us1 answered by p/us1 \d\d\.\d %, \d\d\.\d to \d\d\.\d closed US 60 0 2\.000", said)
    assert 'class="whisker"' in page.text


def test_every_bench_is_listed_and_one_that_has_not_ended_says_how_it_goes_on(reported: Site) -> None:
    visitor = reported.signed_in("viewer", "benches")
    ended, open_ = ids(reported.state)

    assert "not ended" in words(visitor.get("/standing"))
    assert f"freehold bench run ours.jsonl --resume {open_}" in words(visitor.get(f"/standing/{open_}"))
    assert f"freehold bench show {ended} --wrong" in words(visitor.get(f"/standing/{ended}"))


def test_a_bench_that_is_not_there_is_said_to_be_none(reported: Site) -> None:
    assert reported.signed_in("viewer", "nobench").get("/standing/c0").status == 404


def test_a_bench_that_is_damaged_hides_no_other(tmp_path: Path, reported: Site) -> None:
    with site(tmp_path) as there:
        shutil.copytree(reported.state / "bench", there.state / "bench")
        ended, open_ = ids(there.state)
        (there.state / "bench" / open_ / PLAN).write_bytes(b"{")

        said = words(there.signed_in().get("/standing"))
        assert "us1 is better" in said and "cannot be read" in said and ended != open_


def test_without_a_bench_the_page_says_how_to_run_one(bare: Site) -> None:
    assert "freehold bench run" in bare.signed_in(name="standing").get("/standing").text


def test_intervals_are_drawn_on_one_scale() -> None:
    quality, difference = share(Interval(0.5, 0.4, 0.6)), points(Interval(-0.1, -0.2, 0.0))

    assert quality is not None and (quality.low, quality.estimate, quality.high) == (40, 50, 60)
    assert quality.words == "50.0 %, 40.0 to 60.0"
    assert difference is not None and difference.words == "-10.0, -20.0 to +0.0"
    assert (difference.low, difference.estimate, difference.high) == pytest.approx((40, 45, 50))
    assert share(None) is None and points(None) is None
