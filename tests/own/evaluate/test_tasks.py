"""The company's tasks are asked of the model where it lies, and of who it would replace through a gateway."""

import asyncio
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from freehold.ledger.query import tail
from freehold.own.artefact import MODEL
from freehold.own.evaluate import evaluating, report
from freehold.own.plan import Recipe
from freehold.vocabulary.probe import Call, ask
from tests.cli.conftest import Run
from tests.gateway.house import Partners
from tests.own.evaluate.conftest import MakeRun, recorded

PLAN = """
name = "new"
recipe = "adapt"
licence = "MIT"
[train]
checkpoint = "elsewhere"
[evaluate]
incumbent = "reader"
tasks = ["some.jsonl", "more.jsonl"]
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama that says anything."""
    import_module("torch").set_num_threads(1)
    making = import_module("freehold.own.train.checkpoints")
    folder: Path = tmp_path_factory.mktemp("checkpoint") / MODEL
    making.make(
        folder, ["Say anchor1, and say it again."], making.Shape(vocabulary=300, width=32, context=96)
    )
    return folder


@pytest.fixture(scope="module")
def partners() -> Iterator[Partners]:
    with Partners() as running:
        yield running


@pytest.mark.slow
def test_tasks_are_asked_of_both_and_make_pairs(
    make_run: MakeRun,
    run: Run,
    folder: Path,
    checkpoint: Path,
    partners: Partners,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(evaluating.SCORERS, Recipe.ADAPT, "tests.own.evaluate.scorer")
    at = partners.open().base_url
    config = f'[providers.own]\n[providers.here]\nbase_url = "{at}"\ndialects = ["chat"]\n'
    (folder / "freehold.toml").write_text(config + '[aliases]\nreader = ["here/echo"]\n')
    here = make_run("run", 20, PLAN)
    for path in checkpoint.iterdir():
        (here / "train" / MODEL / path.name).write_bytes(path.read_bytes())
    recorded(here)
    for name in ("some", "more"):
        cases = [
            {
                "id": f"t{n}",
                "prompt": f"Say {name} anchor{n}",
                "max_tokens": 40,
                "checks": [{"regex": f"anchor{n}\\b"}],
            }
            for n in range(3)
        ]
        (here / f"{name}.jsonl").write_text("\n".join(map(json.dumps, cases)))
    said = run("own", "evaluate", "run")
    assert said.code == 0, said.err
    pairs = list(report.read_pairs(here / "evaluate" / report.PAIRS))
    assert {(one.source, one.against, one.incumbent) for one in pairs} == {("tasks", "here/echo", 1.0)}
    assert len({one.id for one in pairs}) == 6
    (better,) = (one for one in evaluating.read(here).compared if one.on == "tasks")
    assert (better.second, better.rows, better.metric) == ("here/echo", 6, "tasks done, of 1")
    assert [(one.application, one.endpoint) for one in tail(folder / ".freehold", 6)] == [
        ("bench", "here/echo")
    ] * 6

    # One test for all that needs PyTorch, so that one process loads it.
    call: Call = import_module("freehold.own.evaluate.speaking").Speaker(checkpoint)
    first, second = (asyncio.run(call("own/new", ask("Say anchor1", max_tokens=8))) for _ in range(2))
    assert (first.text, first.endpoint, first.error) == (second.text, "own/new", None)
    filled = asyncio.run(call("own/new", ask("anchor " * 200)))
    assert (filled.text, filled.status) == ("", 200)
