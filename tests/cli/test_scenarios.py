"""`freehold drill list|show|due` and `freehold independence`, on a configuration with the two labs and a server."""

import json
import time
from pathlib import Path

import pytest

from freehold.config.schema import Ledger
from freehold.ledger.journal import Journal
from freehold.vocabulary.exchange import Event, Exchange, Outcome
from tests.cli.conftest import Run
from tests.ledger.ledger_samples import fill

CONFIG = """\
[providers.openai]
[providers.mistral]
[providers.rack]
base_url = "http://10.0.0.5:8000/v1"
[aliases]
fast = ["openai/gpt-5-mini", "mistral/mistral-large-latest"]
local = ["rack/small"]
"""
OWN = 'title = "Rack gone"\nwhy = "a fire"\nretest_days = 30\n[[lost]]\nprovider = "rack"\n'


@pytest.fixture
def here(folder: Path) -> Path:
    (folder / "freehold.toml").write_text(CONFIG)
    own = folder / ".freehold" / "scenarios"
    own.mkdir(parents=True)
    (own / "rack-gone.toml").write_text(OWN)
    return folder


def recorded(here: Path) -> None:
    now_ms = int(time.time() * 1000)
    fill(
        Journal.open(here / ".freehold" / "journal", "node-0", Ledger()),
        Exchange(
            "x1", now_ms - 1000, "app", "chat", "fast", Outcome.ANSWERED, 200, endpoint="openai/gpt-5-mini"
        ),
        Event("e1", now_ms, "drill-simulated", {"drill": "d1", "scenario": "rack-gone"}),
    )


def test_list_tells_of_shipped_ones_and_ones_own(run: Run, here: Path) -> None:
    said = run("drill", "list")

    assert said.code == 0
    assert "us-apis-gone" in said.out
    assert "Rack gone" in said.out


def test_due_says_by_its_exit_code_whether_anything_is(run: Run, here: Path) -> None:
    recorded(here)

    said = run("drill", "due", "--json")

    assert said.code == 1
    names = [one["scenario"] for one in json.loads(said.out)]
    assert "us-apis-gone" in names
    assert "rack-gone" not in names


def test_show_tells_what_is_hit_and_who_is_left(run: Run, here: Path) -> None:
    said = run("drill", "show", "us-apis-gone", "--json")

    shown = json.loads(said.out)
    fates = {one["endpoint"]: one["fate"] for one in shown["fates"]}
    assert fates == {
        "openai/gpt-5-mini": "lost",
        "mistral/mistral-large-latest": "kept",
        "rack/small": "kept",
    }
    left = {one["alias"]: [each["endpoint"] for each in one["candidates"]] for one in shown["left"]}
    assert left == {"fast": ["mistral/mistral-large-latest"], "local": ["rack/small"]}


def test_show_in_words(run: Run, here: Path) -> None:
    said = run("drill", "show", "rack-gone")

    assert said.code == 0
    assert "lost rack/small provider = rack" in " ".join(said.out.split())
    assert "NOBODY" in said.out


def test_a_scenario_that_nobody_knows_is_told_with_the_nearest(run: Run, here: Path) -> None:
    said = run("drill", "show", "us-api-gone")

    assert said.code == 2
    assert 'Write "us-apis-gone"' in said.err


def test_a_file_with_a_mistake_is_told_with_its_place(run: Run, here: Path) -> None:
    (here / "wrong.toml").write_text(OWN + 'pay = "x"\n')

    said = run("drill", "show", "./wrong.toml")

    assert said.code == 2
    assert "wrong.toml:6:1" in said.err


def test_independence_over_pools_and_over_traffic(run: Run, here: Path) -> None:
    before = run("independence")
    recorded(here)
    after = run("independence", "--json")

    assert "over the pools: no traffic yet" in before.out
    assert "hurts most" in before.out
    found = json.loads(after.out)
    assert (found["exchanges"], found["aliases"]) == (1, 1)
    assert found["standings"][0]["known"]["parent"] == ["Mistral AI", "OpenAI Foundation"]


def test_without_an_alias_there_is_nothing_to_depend_on(run: Run, folder: Path) -> None:
    said = run("independence")

    assert said.code == 2
    assert "freehold init" in said.err


def test_a_day_that_is_none_is_told(run: Run, here: Path) -> None:
    assert "--from" in run("independence", "--from", "yesterday").err
