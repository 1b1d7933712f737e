"""The cut-off page over a configuration: what a click shows, what is written down, and who may do what."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.cli.console_doing import Drilling
from freehold.config.load import Loaded, load_all
from freehold.console.current import Current
from freehold.console.cutoff import wish_of
from freehold.drills.loading import load_scenario
from freehold.ledger.query import events
from freehold.vocabulary.errors import LedgerUnavailable
from tests.console.site import Site, Visitor, site

CONFIG = """
[providers.north]
base_url = "http://127.0.0.1:9/v1"
[providers.south]
base_url = "http://127.0.0.1:9/v1"
[aliases]
assistant = ["north/atlas", "south/atlas"]
notes = ["north/atlas"]
[catalog]
facts = ["facts.toml"]
"""
FACTS = """
[[fact]]
provider = ["{0}"]
basis = "contract"
source = "annex"
read = 2026-11-01
who = "ana"
why = "signed"
[fact.values]
parent = "{0} group"
inference_region = "{1}"
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("cutoff")
    (folder / "facts.toml").write_text(FACTS.format("north", "US") + FACTS.format("south", "FI"))
    file = folder / "freehold.toml"
    file.write_text(CONFIG)
    loaded = load_all(file)
    assert isinstance(loaded, Loaded), loaded
    with site(folder, CONFIG, ports={"drills": Drilling(Current(loaded, file), file)}) as found:
        yield found


@pytest.fixture(scope="module")
def operator(here: Site) -> Visitor:
    return here.signed_in("operator", "otto")


def sent(visitor: Visitor, path: str, **fields: str) -> tuple[int, str]:
    """Fill in and send a form of the page with something taken away; the status, and what was said or where it led."""
    csrf = visitor.get("/cutoff?lost=parent:north+group").csrf
    answer = visitor.post(path, {"csrf": csrf, **fields})
    return answer.status, answer.headers.get("location", answer.text)


def test_without_traffic_each_alias_counts_once_and_the_page_says_so(operator: Visitor) -> None:
    page = operator.get("/cutoff?lost=parent:north+group").text

    assert "each alias counts once" in page
    assert '<dt>Still served</dt><dd>50.0 %</dd><dd class="more">before 100.0 %</dd>' in page
    assert "Change in quality</dt><dd>unknown</dd>" in page
    assert "gone: 100.0 %" in page


def test_a_box_leads_to_itself_taken_away_and_back(operator: Visitor) -> None:
    assert 'href="/cutoff?lost=cloud%3A' not in operator.get("/cutoff").text  # nobody knows a cloud here
    assert 'href="/cutoff?lost=parent%3Anorth+group"' in operator.get("/cutoff").text
    assert 'class="node lost chosen" href="/cutoff?"' in operator.get("/cutoff?lost=parent:north+group").text


def test_an_alias_is_shown_alone_while_the_sums_are_of_all(operator: Visitor) -> None:
    page = operator.get("/cutoff?alias=notes&lost=inference_region:US").text

    assert "notes, Aliases: shown alone" in page
    assert "south/atlas, Endpoints" not in page
    assert "<dt>Still served</dt><dd>50.0 %" in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("lost=parents:x", "nothing that can be lost"),
        ("lost=parent:", "nothing that can be lost"),
        (f"lost=parent:{'a' * 513}", "nothing that can be lost"),
        ("days=0", "a number of days"),
        ("days=367", "a number of days"),
        ("days=0366000000", "a number of days"),
        (f"days=0001{'9' * 4_400}", "a number of days"),
        (f"scenario={'a' * 513}", "longer than 512"),
        (f"alias={'a' * 513}", "longer than 512"),
        ("scenario=us-apis-gon", "Did you mean us-apis-gone?"),
        ("scenario=/etc/passwd", "no scenario is called"),
        ("scenario=freehold.toml", "no scenario is called"),
        ("&".join(f"lost=parent:{i}" for i in range(101)), "more than 100 losses"),
    ],
)
def test_an_address_that_says_nothing_usable_is_told_what_to_write(
    operator: Visitor, query: str, said: str
) -> None:
    page = operator.get(f"/cutoff?{query}")

    assert page.status in (400, 404)
    assert said in page.text


def test_what_is_taken_away_is_written_down_as_a_scenario_with_who_did_it(
    here: Site, operator: Visitor
) -> None:
    query = "lost=parent%3Anorth+group&lost=inference_region%3AUS"

    assert sent(operator, "/cutoff/save", query=query, name="no-north", title="The north is gone") == (
        303,
        "/cutoff?scenario=no-north",
    )

    saved = load_scenario("no-north", here.state / "scenarios")
    assert [loss.where for loss in saved.lost] == [
        (("parent", ("north group",)),),
        (("inference_region", ("US",)),),
    ]
    assert saved.title == "The north is gone"
    (event,) = [one for one in events(here.state) if one.kind == "scenario-saved"]
    assert (event.about["scenario"], event.about["who"]) == ("no-north", "otto")
    shown = operator.get("/cutoff?scenario=no-north").text
    assert "The north is gone (own)" in shown
    assert "north/atlas, Endpoints: lost" in shown
    assert "Run it…" in shown


def test_a_scenario_that_cannot_be_recorded_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "freehold.toml"
    file.write_text(CONFIG.replace('facts = ["facts.toml"]', ""))
    loaded = load_all(file)
    assert isinstance(loaded, Loaded), loaded
    told: list[str] = []

    def full(file: str) -> None:
        told.append(file)
        raise LedgerUnavailable("the disk is full")

    with pytest.raises(LedgerUnavailable):
        Drilling(Current(loaded, file), file).save(
            wish_of([("lost", "endpoint:north/atlas")]), "no-north", "T", full
        )

    assert told == ["scenarios/no-north.toml"]
    assert list(tmp_path.rglob("no-north*")) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [("../x", "no name for a scenario"), ("", "no name for a scenario"), ("us-apis-gone", "comes along")],
)
def test_a_scenario_needs_a_name_of_its_own(operator: Visitor, name: str, said: str) -> None:
    status, text = sent(operator, "/cutoff/save", query="lost=parent:x", name=name)

    assert status == 400
    assert said in text


def test_without_traffic_no_report_is_kept_and_the_page_says_why(here: Site, operator: Visitor) -> None:
    status, text = sent(operator, "/cutoff/keep", query="lost=parent:x")
    (event,) = events(here.state, "simulation-asked-for")

    assert status >= 400
    assert "no exchange of the period is on the ledger" in text
    assert event.about == {"of": "lost=parent%3Ax", "who": "otto"}


def test_a_drill_whose_folder_is_damaged_is_told_as_such_and_spoils_no_page(
    here: Site, operator: Visitor
) -> None:
    folder = here.state / "drills" / "d0000000000000000001"
    folder.mkdir(parents=True)
    (folder / "rehearsal.json").write_text("[" * 100_000)
    page = operator.get("/cutoff")

    assert page.status == 200
    assert "damaged" in page.text


@pytest.mark.parametrize("path", ["/cutoff/save", "/cutoff/keep", "/cutoff/rehearse", "/cutoff/stop"])
def test_a_viewer_changes_nothing(here: Site, operator: Visitor, path: str) -> None:
    viewer = here.signed_in("viewer", "vera")
    page = viewer.get("/cutoff?lost=parent:x")

    assert "Save as a scenario" not in page.text
    assert viewer.post(path, {"csrf": page.csrf, "way": "marked", "query": "lost=parent:x"}).status == 403


def test_live_traffic_takes_an_admin_who_types_the_name(here: Site, operator: Visitor) -> None:
    asked = {"scenario": "us-apis-gone", "way": "share", "share": "1", "lasts": "5"}

    assert "On live traffic" not in operator.get("/cutoff/rehearse?scenario=us-apis-gone").text
    assert sent(operator, "/cutoff/rehearse", typed="us-apis-gone", **asked)[0] == 403
    admin = here.signed_in("admin", "ada")
    assert "On live traffic" in admin.get("/cutoff/rehearse?scenario=us-apis-gone").text
    status, text = sent(admin, "/cutoff/rehearse", typed="us-apis", **asked)
    assert (status, "was not typed" in text) == (400, True)
    assert "No drill has been started from here" in admin.get("/cutoff/running").text


@pytest.mark.parametrize(
    ("field", "value"), [("lasts", "0"), ("lasts", "1e9"), ("lasts", "601"), ("way", "all")]
)
def test_a_drill_that_makes_no_sense_is_not_begun(operator: Visitor, field: str, value: str) -> None:
    asked = {"scenario": "us-apis-gone", "way": "marked", "alias": "notes", "lasts": "5"}

    assert sent(operator, "/cutoff/rehearse", **{**asked, field: value})[0] == 400


def test_only_what_is_written_down_can_be_run(operator: Visitor) -> None:
    page = operator.get("/cutoff/rehearse?lost=parent:x")

    assert (page.status, "Save it first" in page.text) == (400, True)


def test_without_a_gateway_a_drill_says_why_it_ended(operator: Visitor) -> None:
    fields = {"scenario": "us-apis-gone", "way": "marked", "alias": "notes", "lasts": "5"}

    assert sent(operator, "/cutoff/rehearse", **fields) == (303, "/cutoff/running")
    while "has ended" not in (page := operator.get("/cutoff/running").text):
        assert "Stop now" in page

    assert "no gateway runs on" in page
