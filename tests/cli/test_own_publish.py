"""A model is published and verified by command, and the ledger knows by whom."""

import json
import shutil
from pathlib import Path

import pytest

from freehold.cli.ledger_bodies import who
from freehold.ledger import query
from tests.cli.conftest import Run
from tests.own.publish import finished


@pytest.fixture
def plant(folder: Path) -> Path:
    (folder / "freehold.toml").write_text("[providers.own]\n")
    finished.run(folder / "plant")
    return folder / "plant"


def test_a_model_is_published_and_on_the_ledger(run: Run, plant: Path) -> None:
    said = run("own", "publish", "plant", "--json")

    assert said.code == 0, said
    told = json.loads(said.out)
    [event] = query.events(plant.parent / ".freehold", "own-published")
    assert told["anew"] and told["entry"]["digest"] == told["manifest"]["digest"] == event.about["digest"]
    assert event.about["by"] == told["entry"]["who"] == who()

    again = run("own", "publish", "plant")
    assert "published before from the same" in again.out
    assert len(query.events(plant.parent / ".freehold", "own-published")) == 1


def test_what_nobody_could_ask_for_is_said(run: Run, plant: Path) -> None:
    (plant.parent / "freehold.toml").write_text("")

    said = run("own", "publish", "plant")

    assert said.code == 0 and "write an empty table [providers.own]" in said.out


def test_a_copy_is_verified_by_the_publishers_key_until_it_is_changed(run: Run, plant: Path) -> None:
    assert run("own", "verify", "plant").code == 2  # nothing is published yet
    run("own", "publish", "plant")
    shutil.copytree(plant / "publish", plant.parent / "copy")
    key = plant.parent / ".freehold" / "own" / "signing.pub"

    assert run("own", "verify", "plant").code == 0
    said = run("own", "verify", "copy", "--key", str(key))
    assert said.code == 0 and said.out.startswith("own/plant is what was signed, no file more or less\n")

    (plant.parent / "copy" / "model" / "tool.py").write_text("pass\n")
    said = run("own", "verify", "copy", "--key", str(key))
    assert said.code == 3 and "model/tool.py" in said.err
