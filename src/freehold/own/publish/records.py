"""What a run has written down about itself: all that its model card and its bill of materials are made from."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from freehold.own import artefact, stage
from freehold.own.artefact import MODEL, Artefact
from freehold.own.evaluate import report
from freehold.own.evaluate.report import Evaluation
from freehold.own.plan import Plan
from freehold.own.publish.manifest import Manifest
from freehold.own.stage import Made
from freehold.own.train import progress
from freehold.own.train.progress import Progress
from freehold.vocabulary.errors import BadRequest

STAGES = ("corpus", "train", "evaluate")  # that come before


class Records(NamedTuple):
    """A run's."""

    plan: Plan
    model: Artefact
    manifest: Manifest
    made: dict[str, Made]  # by stage
    evaluation: Evaluation
    corpus_card: str  # Markdown
    last: Progress | None  # step; None for what was not trained in steps


def records(run: Path, plan: Plan, manifest: Manifest) -> Records:
    """Read them. Raises BadRequest where a stage before is not done."""
    made = {name: _made(run, name) for name in STAGES}
    card, log = run / "corpus" / "card.md", run / "train" / progress.FILE
    return Records(
        plan,
        artefact.read(run / "train" / MODEL),
        manifest,
        made,
        msgspec.json.decode((run / "evaluate" / report.FILE).read_bytes(), type=Evaluation),
        card.read_text(encoding="utf-8") if card.exists() else "",
        next(reversed(list(progress.read(log))), None) if log.exists() else None,
    )


def _made(run: Path, name: str) -> Made:
    found = stage.made(run, name)
    if found is None:
        raise BadRequest(f"{run} has no {name} yet", remedy=f"Run `freehold own {name} {run}` first.")
    return found
