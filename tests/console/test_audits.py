"""Audits: the list, one run with its evidence over time, one that has not ended, and the pack to download."""

import io
import math
import re
import shutil
import zipfile
from http.client import HTTPConnection
from pathlib import Path

import pytest

from freehold.audits.folder import PROTOCOL, SAMPLES, Folder
from freehold.audits.verifying import checks
from freehold.console.audits import STEPS_SHOWN, steps
from freehold.console.curves import Following
from freehold.ledger.query import events
from tests.console.site import PATIENCE_S, Site, Visitor, site
from tests.console.test_policy import words
from tests.console.waiting import ready

ENDED, OPEN = "a0000", "a0001"


@pytest.fixture(scope="module")
def viewer(reported: Site) -> Visitor:
    return reported.signed_in("viewer", "audits")


def test_runs_are_listed_with_verdict_effect_and_calls(viewer: Visitor, reported: Site) -> None:
    said = words(viewer.get("/audits"))
    report = Folder(reported.state / "audits" / ENDED).report()

    assert report is not None
    assert f"a/one and a/one+style=brisk different {report.effect}" in said
    assert f"{report.calls:,}" in said
    assert "9 answers" in said


def test_one_run_tells_what_it_found_what_else_it_may_be_and_how_the_evidence_grew(
    viewer: Visitor, reported: Site
) -> None:
    page = ready(viewer, f"/audits/{ENDED}")
    said = words(page)
    report = Folder(reported.state / "audits" / ENDED).report()

    assert report is not None
    assert report.detectable in said and report.innocent[0] in said
    assert "<polyline" in page.text and "accuses: 1,000" in page.text
    assert "Placebo: one arm against itself" in page.text


def test_the_protocol_is_compared_with_the_one_on_the_ledger(viewer: Visitor, reported: Site) -> None:
    said = words(viewer.get(f"/audits/{ENDED}"))

    assert Folder(reported.state / "audits" / ENDED).digest in said
    assert re.search(r"audit-begun e\w+ the same", said) and re.search(r"audit-ended e\w+ the same", said)


def test_a_run_that_has_not_ended_is_judged_so_far_and_says_how_it_goes_on(viewer: Visitor) -> None:
    said = words(ready(viewer, f"/audits/{OPEN}"))

    assert "9 answers of at most 24" in said and "so far" in said
    assert "nothing is on this ledger" in said
    assert "Evidence pack" not in said


def test_answers_that_come_in_later_are_judged_with_those_before(reported: Site, tmp_path: Path) -> None:
    ended = Folder(reported.state / "audits" / ENDED)
    grown = Folder.create(tmp_path, {**ended.protocol, "id": "a9"})
    whole, told = (ended.path / SAMPLES).read_bytes(), ended.report()
    half = whole.rfind(b"\n", 0, len(whole) // 2) + 1
    following = Following(grown)

    assert following.curve().looks == ()
    (grown.path / SAMPLES).write_bytes(whole[: half + 30])  # and a piece of a line that is being written
    first = following.curve()
    (grown.path / SAMPLES).write_bytes(whole)
    second = following.curve()

    assert 0 < len(first.looks) < len(second.looks) and second.looks[: len(first.looks)] == first.looks
    assert told is not None and (second.report.verdict, second.report.e_value) == (told.verdict, told.e_value)


def test_a_fleet_leads_to_its_runs(viewer: Visitor) -> None:
    page = viewer.get("/audits/a0002")

    assert "1 of 1 compared endpoints changed" in words(page)
    assert f'href="/audits/{ENDED}"' in page.text and "<polyline" not in page.text


def test_samples_of_production_prompts_stay_sealed(viewer: Visitor, reported: Site) -> None:
    protocol = Folder(reported.state / "audits" / ENDED).protocol
    with Folder.create(reported.state, {**protocol, "id": "a0003"}).appending() as samples:
        samples.add({"unit": 0, "arm": "a/one", "sealed": "c2VhbGVk"})

    said = words(ready(viewer, "/audits/a0003"))
    assert "the samples of this run are sealed" in said and "`freehold audit show`" in said


def test_a_run_that_is_damaged_hides_no_other(tmp_path: Path, reported: Site) -> None:
    with site(tmp_path) as there:
        for name in (ENDED, OPEN):
            shutil.copytree(reported.state / "audits" / name, there.state / "audits" / name)
        (there.state / "audits" / OPEN / PROTOCOL).write_bytes(b"{")
        visitor = there.signed_in()

        said = words(visitor.get("/audits"))
        assert "told apart" in said and f"{OPEN}/protocol.json cannot be read" in said
        assert visitor.get(f"/audits/{OPEN}").status >= 400


def test_an_operator_downloads_a_pack_that_verifies(reported: Site, tmp_path: Path) -> None:
    pack = downloaded(reported.signed_in("operator", "packer"), f"/audits/{ENDED}/evidence.zip")
    noted = [one.about for one in events(reported.state, "evidence-downloaded")]
    assert {"audit": ENDED, "who": "packer"} in noted

    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        archive.extractall(tmp_path)
    [place] = tmp_path.iterdir()
    told = list(checks(place, []))
    assert told and not [one for one in told if one.state == "FAILED"], told


def downloaded(visitor: Visitor, path: str) -> bytes:
    connection = HTTPConnection(visitor.host, timeout=PATIENCE_S)
    try:
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        connection.request("GET", path, headers={"cookie": cookie})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer.read()
    finally:
        connection.close()


def test_a_viewer_may_not_have_prompts_and_answers(viewer: Visitor) -> None:
    assert viewer.get(f"/audits/{ENDED}/evidence.zip").status == 403


def test_a_run_without_a_verdict_has_no_pack(reported: Site) -> None:
    page = reported.signed_in("operator", "early").get(f"/audits/{OPEN}/evidence.zip")

    assert page.status == 404 and f"freehold audit resume {OPEN}" in page.text


@pytest.mark.parametrize(
    ("path", "status"), [("/audits/b1", 404), ("/audits/a000", 400), ("/audits?from=-1", 400)]
)
def test_what_names_no_run_is_refused_with_a_remedy(viewer: Visitor, path: str, status: int) -> None:
    assert viewer.get(path).status == status


def test_without_a_run_the_page_says_how_to_make_one(bare: Site) -> None:
    assert "freehold audit same" in bare.signed_in(name="audits").get("/audits").text


@pytest.mark.parametrize("count", [0, 1, STEPS_SHOWN, STEPS_SHOWN + 1, 1_000])
def test_a_table_holds_few_steps_of_a_curve_and_its_last(count: int) -> None:
    looks = tuple((unit, math.log(unit), None) for unit in range(1, count + 1))
    shown = steps(looks)

    assert len(shown) <= STEPS_SHOWN + 1
    assert [one.units for one in shown[-1:]] == [unit for unit, *_ in looks[-1:]]
