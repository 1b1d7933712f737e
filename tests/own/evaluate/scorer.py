"""A recipe's scorer that needs no PyTorch: a model is a file with a number, which is what it gets wrong."""

from collections.abc import Iterator
from pathlib import Path

from freehold.own import rows
from freehold.own.artefact import MODEL
from freehold.own.evaluate.report import Bin, Calibration
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.own.plan import Plan

WEIGHTS = "errors.txt"


def scores(run: Path, plan: Plan) -> Iterator[Scores]:
    """Every so many rows are wrong; "always wrong" is the baseline."""
    every = int((run / "train" / MODEL / WEIGHTS).read_text())
    held_out = list(rows.read(run / "corpus" / rows.HELD_OUT))
    hits = [RowScore(row.id, row.cluster, float(at % every > 0)) for at, row in enumerate(held_out)]
    yield Scores(f"own/{plan.name}", "accuracy", "higher", 1.0, 0.0, tuple(hits))
    assert (run / "own.toml").exists(), "baselines are not made again for an incumbent"
    missed = tuple(row._replace(value=0.0) for row in hits)
    yield Scores("always wrong", "accuracy", "higher", 1.0, 0.0, missed, baseline=True)


def calibrations(run: Path, plan: Plan) -> Iterator[Calibration]:
    """One bin."""
    yield Calibration(f"own/{plan.name}", 0.01, 0.005, 0.02, 0.03, (Bin(0.9, 0.89, 100),))
