"""`freehold drill traffic` and `simulate`, from the command line to the ledger."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from freehold.cli.main import main
from freehold.drills import folder
from freehold.drills.inputs import Inputs, world_of
from freehold.drills.loading import parsed
from freehold.drills.simulating import simulate
from freehold.drills.simulation import Simulation
from freehold.drills.traffic import read_traffic
from freehold.ledger.query import events

MANY = 1_000
Printed = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with invented traffic of the example company."""
    into = tmp_path_factory.mktemp("drills") / "example"
    with pytest.MonkeyPatch.context() as here:  # where there is no configuration
        here.chdir(into.parent)
        here.delenv("FREEHOLD_CONFIG", raising=False)
        assert main(["drill", "traffic", "--into", str(into), "--exchanges", str(MANY), "--days", "3"]) == 0
    return into


def simulated(example: Path, *more: str) -> int:
    return main(["drill", "simulate", "us-apis-gone", "--config", str(example / "freehold.toml"), *more])


def test_it_tells_who_is_lost_who_takes_over_and_what_is_supposed(example: Path, capsys: Printed) -> None:
    assert simulated(example) == 0

    said = capsys.readouterr().out
    assert re.search(r"azure/gpt-5-mini +lost", said)
    assert re.search(r"^all +1,000 ", said, re.MULTILINE)
    assert re.search(r"^parent +0\.\d{3}", said, re.MULTILINE)
    assert "- There is invented traffic on this ledger" in said


def test_what_is_kept_can_be_worked_out_again(example: Path, capsys: Printed) -> None:
    assert simulated(example, "--save", "--json") == 0

    told = json.loads(capsys.readouterr().out)
    drill = told["drill"]
    inputs = folder.read(example, drill, folder.INPUTS, Inputs)
    kept = folder.read(example, drill, folder.SIMULATION, Simulation)
    traffic = read_traffic(example, inputs.since_ms, inputs.until_ms)
    scenario = parsed(folder.text(example, drill, folder.SCENARIO), "us-apis-gone.toml")
    assert kept.exchanges == MANY == told["simulation"]["exchanges"]
    again = simulate(world_of(inputs), scenario, traffic, inputs.qualities)
    assert again == kept
    (announced,) = [one for one in events(example, "drill-simulated") if one.about["drill"] == drill]
    result = folder.path_of(example, drill) / folder.SIMULATION
    assert announced.about["sha256"] == sha256(result.read_bytes()).hexdigest()


def test_a_period_can_be_chosen(example: Path, capsys: Printed) -> None:
    assert simulated(example, "--json") == 0
    last = json.loads(capsys.readouterr().out)

    assert simulated(example, "--to", "2020-01-01") == 2
    assert "no exchange of the period" in capsys.readouterr().err
    assert simulated(example, "--from", "2026-02-01", "--to", "2026-01-01") == 2
    assert "Swap --from and --to" in capsys.readouterr().err
    assert last["since_ms"] < last["until_ms"]


def test_what_is_invented_never_goes_where_something_is(
    example: Path, tmp_path: Path, capsys: Printed
) -> None:
    config = tmp_path / "freehold.toml"
    config.write_text(
        (example / "freehold.toml").read_text().replace('state_dir = "."', 'state_dir = "state"')
    )
    for name in ("policy.toml", "facts.toml"):
        (tmp_path / name).write_text((example / name).read_text())

    for into, why in (
        (example, "not empty"),
        (tmp_path / "state", "state directory"),
        (tmp_path / "state" / "x", "state"),
    ):
        assert main(["drill", "traffic", "--into", str(into), "--config", str(config)]) == 2
        assert why in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_a_configuration_of_ones_own_can_be_invented_for(
    example: Path, tmp_path: Path, capsys: Printed
) -> None:
    config = tmp_path / "freehold.toml"
    config.write_text('[providers.openai]\n[aliases]\nfast = ["openai/gpt-5-mini"]\n')
    into = tmp_path / "invented"

    assert main(["drill", "traffic", "--into", str(into), "--exchanges", "50", "--config", str(config)]) == 0
    more = ["--config", str(config), "--ledger", str(into), "--json"]
    capsys.readouterr()
    assert main(["drill", "simulate", "us-apis-gone", *more]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["lost"] > 0.9


def test_without_a_configuration_it_says_what_to_do(
    tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FREEHOLD_CONFIG", raising=False)

    assert main(["drill", "simulate", "us-apis-gone"]) == 2
    assert "freehold drill traffic --into" in capsys.readouterr().err
