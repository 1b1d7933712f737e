"""Runs whose model is a number, in a folder with the command line."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from freehold.own import rows
from freehold.own.artefact import MODEL, Artefact, Kind, write
from freehold.own.evaluate import evaluating
from freehold.own.plan import Recipe
from freehold.own.rows import Row
from freehold.own.stage import RECORD, Made, digest_of
from tests.cli.conftest import folder, run  # noqa: F401 - fixtures
from tests.own.evaluate.scorer import WEIGHTS

CONFIG = """
[providers.own]
[providers.rival]
base_url = "http://127.0.0.1:9/v1"
dialects = ["chat"]
[aliases]
splice = ["own/old"]
else = ["rival/large"]
"""
PLAN = 'name = "new"\nrecipe = "predict"\nlicence = "MIT"\n[promote]\nalias = "splice"\n'

MakeRun = Callable[..., Path]


def recorded(here: Path) -> None:
    """Its corpus and its training are done, with the files that are there."""
    for stage in ("corpus", "train"):
        files = sorted(one for one in (here / stage).rglob("*") if one.is_file() and one.name != RECORD)
        outputs = {str(one.relative_to(here / stage)): digest_of(one) for one in files}
        (here / stage / RECORD).write_bytes(msgspec.json.encode(Made(stage, {}, {}, outputs)))


@pytest.fixture
def make_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> MakeRun:  # noqa: F811
    """Makes a run whose model is wrong every so often."""
    monkeypatch.setitem(evaluating.SCORERS, Recipe.PREDICT, "tests.own.evaluate.scorer")
    (folder / "freehold.toml").write_text(CONFIG)

    def make(name: str, every: int, plan: str = PLAN, trained_on: str = "") -> Path:
        here = folder / name
        (here / "corpus").mkdir(parents=True)
        (here / "own.toml").write_text(plan)
        rows.write(here / "corpus" / rows.HELD_OUT, [Row(f"r{at}", cluster=f"c{at}") for at in range(200)])
        (here / "train" / MODEL).mkdir(parents=True)
        (here / "train" / MODEL / WEIGHTS).write_text(str(every))
        learnt = {"corpus/train.jsonl": trained_on} if trained_on else {}
        write(here / "train" / MODEL, Artefact("m", Kind.CLASSIFIER, "predict", "MIT", 1, inputs=learnt))
        recorded(here)
        return here

    return make
