"""What the console is lent of drills: the index comes to what the ledger comes to; own files win over shipped ones."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from freehold.bench.results import qualities
from freehold.cli.console_drills import Looking, recorded
from freehold.cli.main import main
from freehold.config.load import Loaded, load_all
from freehold.console.current import Current
from freehold.console.cutoff import Wish
from freehold.drills.simulating import simulate
from freehold.drills.traffic import read_traffic
from freehold.drills.world import world
from freehold.ledger.search import Search

NEVER_MS = 4_000_000_000_000
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "AZURE_OPENAI_API_KEY")
CLICKED = Wish(lost=(("parent", "OpenAI Foundation"), ("inference_region", "FR")), days=30)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Current]:
    """One that does not exist, with traffic that the index has taken in."""
    folder = tmp_path_factory.mktemp("company") / "company"
    with pytest.MonkeyPatch.context() as patched:
        for name in (*KEYS, "AWS_BEARER_TOKEN_BEDROCK"):
            patched.setenv(name, "none")
        assert main(["drill", "traffic", "--into", str(folder), "--exchanges", "2000", "--days", "2"]) == 0
        loaded = load_all(folder / "freehold.toml")
        assert isinstance(loaded, Loaded)
        patched.chdir(folder)
        current = Current(loaded, None)
        search = Search(current.state)
        assert search.catch_up()
        search.close()
        yield current


def test_the_index_tells_the_traffic_that_the_ledger_holds(company: Current) -> None:
    found, read = recorded(company.state, 0, NEVER_MS), read_traffic(company.state, 0, NEVER_MS)

    assert found.groups.keys() == read.groups.keys()
    for kind, group in read.groups.items():
        one = found.groups[kind]
        assert one.cost_usd == pytest.approx(group.cost_usd)
        one.cost_usd = group.cost_usd
        assert one == group
    assert (found.minutes, found.left_out, found.invented) == (read.minutes, read.left_out, True)


def test_a_click_says_what_the_simulation_of_the_ledger_says(company: Current) -> None:
    looking = Looking(company)

    shown, stands, is_recorded = looking.simulate(CLICKED)

    here = world(company.resolved(), company.state, datetime.now(UTC))
    traffic = read_traffic(company.state, 0, NEVER_MS)
    found = simulate(here, looking.scenario(CLICKED), traffic, qualities(company.state))
    assert is_recorded
    assert shown.fates == found.fates
    assert shown.total.served_after == pytest.approx(found.total.served_after)
    assert 0 < shown.total.served_after < shown.total.served_before
    assert [line.exchanges for line in shown.lines] == [line.exchanges for line in found.lines]
    assert {one.alias for one in stands} == {line.alias for line in shown.lines}


def test_what_is_clicked_adds_to_a_scenario_and_one_of_ones_own_wins(company: Current) -> None:
    looking = Looking(company)
    plain = looking.scenario(Wish("us-apis-gone"))
    more = looking.scenario(Wish("us-apis-gone", (("cloud", "AWS"),)))

    assert [loss.where for loss in more.lost] == [loss.where for loss in plain.lost] + [
        (("cloud", ("AWS",)),)
    ]
    own = company.state / "scenarios"
    own.mkdir()
    (own / "us-apis-gone.toml").write_text(
        'title = "Ours"\nwhy = "because"\n[[lost]]\ncloud = "AWS"\n', encoding="utf-8"
    )
    assert looking.scenario(Wish("us-apis-gone")).title == "Ours"
    first = looking.scenarios()[0]
    assert (first.name, first.title, first.is_own) == ("us-apis-gone", "Ours", True)
    assert [one.name for one in looking.scenarios()].count("us-apis-gone") == 1


def test_of_many_periods_only_a_few_are_kept_in_memory(company: Current) -> None:
    looking = Looking(company)
    for days in range(1, 8):
        looking.simulate(Wish(days=days))

    assert list(vars(looking)["_periods"]) == [4, 5, 6, 7]
