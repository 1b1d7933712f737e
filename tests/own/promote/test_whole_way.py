"""Real processes: a better own model takes an alias over step by step, and is taken back when it is too slow."""

import csv
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples.walk import Walk

from freehold.gateway.promotion_order import TAKEN_BACK
from freehold.ledger.query import events

PLAN = """
name = "{name}"
recipe = "predict"
licence = "MIT"
[corpus]
tables = ["rows.csv"]
licence = "MIT"
label = "label"
held_out = 0.4
characters_min = 0
personal = false
[train]
folds = 2
method = "{method}"
[promote]
alias = "loan"
delta = 0.2
pairs_min = 25
shadow_share = 1.0
canary_share = 1.0
canary_min = 5
p95_ms_max = {p95_ms_max}
"""
LENIENT = """
[own]
delta_max = 0.2
"""
IMPATIENT, PATIENT = 0.001, 60_000.0
ROW = {"a": 1.5, "b": 0.5}


def write_rows(path: Path) -> None:
    """Two numbers, and whether their product is above nothing: no linear model can tell."""
    chance = random.Random(7)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "label"])
        for _ in range(200):
            a, b = chance.gauss(0, 1), chance.gauss(0, 1)
            rows.writerow([round(a, 4), round(b, 4), "yes" if a * b > 0 else "no"])


def plan(name: str, method: str, p95_ms_max: float = PATIENT) -> str:
    return PLAN.format(name=name, method=method, p95_ms_max=p95_ms_max)


def asker(walk: Walk) -> Callable[[int], set[Any]]:
    """Asks so often, and tells who answered."""

    def ask(count: int) -> set[Any]:
        answers = [walk.post("/v1/own/loan:predict", {"inputs": [ROW]}) for _ in range(count)]
        return {headers["x-freehold-endpoint"] for _, headers in answers}

    return ask


@pytest.mark.slow
def test_a_better_model_takes_over_and_one_that_is_too_slow_is_taken_back(tmp_path: Path) -> None:
    with Walk("The whole way", {"loan": "own/line"}, more=LENIENT, folder=tmp_path) as walk:
        for name, text in (("line", plan("line", "linear")), ("trees", plan("trees", "trees", IMPATIENT))):
            write_rows(tmp_path / walk.run(name, text) / "rows.csv")
            walk.stages(name)
        walk.up()
        ask = asker(walk)

        def pairs() -> int:
            return int(walk.standing("own/trees")["live"]["pairs"])

        walk.promote("trees")
        walk.promote("trees", expect_refusal="live: 0 of 25 pairs; 25 more pairs are needed")
        assert ask(30) == {"own/line"}
        walk.until(lambda: ask(4) == {"own/line"} and pairs() >= 30, "live pairs")
        walk.promote("trees")
        assert "own/trees" in ask(10)
        walk.until(lambda: bool(events(tmp_path / ".freehold", TAKEN_BACK)), "the gateway takes it back")
        found = walk.standing("own/trees")
        assert (found["stage"], found["next"]) == ("off", "shadow")
        assert "took longer than 0.001 ms" in found["rolled_back"]

        walk.run("trees", plan("trees", "trees"))
        walk.promote("trees")
        walk.promote("trees", expect_refusal="live: 0 of 25 pairs; 25 more pairs are needed")
        assert ask(30) == {"own/line"}
        walk.until(lambda: ask(4) == {"own/line"} and pairs() >= 30, "live pairs")
        walk.promote("trees")
        assert ask(10) == {"own/trees"}
        walk.until(lambda: walk.standing("own/trees")["canary"]["answers"] >= 5, "canary answers")
        walk.promote("trees")
        assert ask(1) == {"own/trees"}
        walk.promote("trees", to="off")
        walk.until(lambda: ask(1) == {"own/line"}, "the alias is the incumbent's again")
