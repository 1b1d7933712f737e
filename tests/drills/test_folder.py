"""A drill's folder: found by its id, durable, and nobody else's to read."""

import stat
from hashlib import sha256
from pathlib import Path

import pytest

from freehold.drills import folder
from freehold.drills.scenario import Loss, Scenario
from freehold.vocabulary.errors import BadRequest, NotFound, Unverified
from freehold.vocabulary.report import Interval

GONE = Scenario(
    "gone", "One is gone", "It can happen.", (Loss((("provider", ("a",)),)),), source="title = 'x'"
)


def test_a_drill_keeps_the_text_of_its_scenario_and_is_found_by_how_its_id_begins(tmp_path: Path) -> None:
    drill = folder.new(tmp_path, GONE)

    assert folder.listed(tmp_path) == (drill,)
    assert folder.find(tmp_path, drill[:9]) == drill
    assert folder.text(tmp_path, drill, folder.SCENARIO) == GONE.source


def test_what_is_written_is_read_again_and_known_by_its_digest(tmp_path: Path) -> None:
    drill = folder.new(tmp_path, GONE)

    digest = folder.write(tmp_path, drill, folder.INPUTS, {"b": 1, "a": (2.5, None)})

    path = folder.path_of(tmp_path, drill) / folder.INPUTS
    assert digest == sha256(path.read_bytes()).hexdigest()
    again = folder.read(tmp_path, drill, folder.INPUTS, dict)
    assert again == {"b": 1, "a": [2.5, None]}
    assert folder.write(tmp_path, drill, folder.INPUTS, again) == digest


def test_nobody_else_reads_a_drill(tmp_path: Path) -> None:
    drill = folder.new(tmp_path, GONE)

    for path in (folder.place(tmp_path), folder.path_of(tmp_path, drill)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.path_of(tmp_path, drill) / folder.SCENARIO).stat().st_mode) == 0o600


def test_what_is_not_there_or_damaged_is_said(tmp_path: Path) -> None:
    drill, other = folder.new(tmp_path, GONE), folder.new(tmp_path, GONE)
    folder.write(tmp_path, drill, folder.SIMULATION, b"{")

    assert folder.has(tmp_path, drill, folder.SIMULATION)
    assert not folder.has(tmp_path, other, folder.SIMULATION)
    with pytest.raises(NotFound, match=r"no simulation\.json"):
        folder.text(tmp_path, other, folder.SIMULATION)
    with pytest.raises(Unverified, match="cannot be read"):
        folder.read(tmp_path, drill, folder.SIMULATION, dict)
    with pytest.raises(NotFound, match="no drill has the id 'd9'"):
        folder.find(tmp_path, "d9")
    with pytest.raises(BadRequest, match="begins several ids"):
        folder.find(tmp_path, "d")


def test_without_a_drill_none_is_listed(tmp_path: Path) -> None:
    assert folder.listed(tmp_path) == ()


def test_what_is_read_as_the_same_type_is_written_the_same_again(tmp_path: Path) -> None:
    drill = folder.new(tmp_path, GONE)
    digest = folder.write(tmp_path, drill, "interval.json", Interval(0, -1, 1))

    again = folder.read(tmp_path, drill, "interval.json", Interval)

    assert folder.write(tmp_path, drill, "interval.json", again) == digest
