"""The stage `evaluate`: how well the model does, beside who it would replace and beside honest baselines.

The model's recipe scores the held-out rows, its own baselines among them. What each pair of subjects differs by is
paired and clustered. The pairs that promotion is decided on are those with the incumbent, in the recipe's first metric.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from freehold.ledger.durable import replace
from freehold.own import artefact, rows
from freehold.own.evaluate import report
from freehold.own.evaluate.against import TASKS, Incumbent, first_scores, run_with
from freehold.own.evaluate.comparing import HELD_OUT, compared, measured, paired
from freehold.own.evaluate.knobs import Evaluate
from freehold.own.evaluate.page import page
from freehold.own.evaluate.report import Evaluation, Measured, Pair
from freehold.own.evaluate.scores import Scores
from freehold.own.plan import Plan, Recipe
from freehold.own.stage import SCRATCH, digest_of, inputs_of, working
from freehold.vocabulary.errors import BadRequest

EVALUATE = "evaluate"
PAGE = "report.md"
LEARNT = f"corpus/{rows.TRAIN}"
FEW_CLUSTERS = 30
# What scores the rows of a recipe: `scores(run, plan) -> Iterator[Scores]`, the model before its baselines, and where
# it tells probabilities `calibrations(run, plan) -> Iterator[Calibration]`.
SCORERS = {
    Recipe.TEXT: "freehold.own.evaluate.language",
    Recipe.ADAPT: "freehold.own.evaluate.adapted",
    Recipe.GENOME: "freehold.own.evaluate.genomes",
    Recipe.PREDICT: "freehold.own.evaluate.predictors",
}
AskTasks = Callable[[Path], Sequence[Scores]]  # asks both; given is a folder that outlives a killed process
Say = Callable[[str], None]


class Beside(NamedTuple):
    """What a model is held against, beside its recipe's baselines."""

    incumbent: Incumbent | None = None
    ask: AskTasks | None = None  # the company's own tasks


def evaluate(run: Path, plan: Plan, beside: Beside, say: Say) -> Evaluation:
    """Evaluate, or read what was found before from the same. Raises BadRequest where an earlier stage is not done."""
    inputs = inputs_of(run, "corpus", "train", whole=True) | _held_against(
        run, plan.evaluate, beside.incumbent
    )
    with working(run, EVALUATE, plan.evaluate, inputs) as folder:
        if folder is not None:
            scratch = folder / SCRATCH
            scratch.mkdir(exist_ok=True)
            found: list[Scores] = []
            for scores in _scores(run, plan, beside, scratch):
                if not found or (scores.subject, scores.on) != (found[-1].subject, found[-1].on):
                    say(f"scored {scores.subject}, {scores.on}")
                found.append(scores)
            notes = tuple(_of_incumbent(inputs, beside.incumbent))
            _write(folder, _found(run, plan, inputs, found, notes), _pairs(plan, beside.incumbent, found))
    return read(run)


def read(run: Path) -> Evaluation:
    """What an evaluation found. Raises BadRequest where there is none."""
    try:
        return msgspec.json.decode((run / EVALUATE / report.FILE).read_bytes(), type=Evaluation)
    except FileNotFoundError:
        raise BadRequest(
            f"{run} is not evaluated", remedy=f"Run `freehold own evaluate {run}` first."
        ) from None


def _held_against(run: Path, knobs: Evaluate, incumbent: Incumbent | None) -> dict[str, str]:
    for name in (*knobs.tasks, *knobs.transfer):
        if not (run / name).is_file():
            remedy = "Correct `tasks` or `transfer` in [evaluate]; paths are relative to the run's folder."
            raise BadRequest(f"{run / name} is no file", remedy=remedy)
    found = {name: digest_of(run / name) for name in (*knobs.tasks, *knobs.transfer)}
    return found | ({} if incumbent is None else {incumbent.name: incumbent.digest})


def _scores(run: Path, plan: Plan, beside: Beside, scratch: Path) -> Iterator[Scores]:
    scorer = import_module(SCORERS[plan.recipe])
    yield from scorer.scores(run, plan)
    if beside.incumbent is not None and beside.incumbent.folder is not None:
        with run_with(run, beside.incumbent.folder) as other:
            yield from first_scores(scorer.scores(other, plan), beside.incumbent.name)
    if beside.ask is not None:
        yield from beside.ask(scratch)


def _of_incumbent(inputs: dict[str, str], incumbent: Incumbent | None) -> Iterator[str]:
    if incumbent is None or incumbent.folder is None:
        return
    learnt = artefact.read(incumbent.folder).inputs.get(LEARNT)
    if learnt != inputs.get(LEARNT):
        yield f"{incumbent.name} was trained on another corpus, and may have learnt some of these rows"


def _found(
    run: Path, plan: Plan, inputs: dict[str, str], found: Sequence[Scores], notes: tuple[str, ...]
) -> Evaluation:
    own = f"own/{plan.name}"
    mine = [one for one in found if one.subject == own]
    differences = (compared(one, other) for one in mine for other in found if other.subject != own)
    calibrations = getattr(import_module(SCORERS[plan.recipe]), "calibrations", None)
    told = tuple(measured(one) for one in found)
    return Evaluation(
        plan.name,
        plan.recipe,
        inputs,
        told,
        tuple(one for one in differences if one is not None),
        tuple(calibrations(run, plan)) if calibrations else (),
        (*notes, *_notes(told)),
    )


def _notes(told: Sequence[Measured]) -> Iterator[str]:
    few = min((one.clusters for one in told), default=FEW_CLUSTERS)
    if few < FEW_CLUSTERS:
        yield f"there are only {few} clusters: intervals are rough, and another choice of clusters could differ"
    bits = [one for one in told if one.metric.startswith("bits ")]
    for one in bits:
        most = max(other.rows for other in bits if other.on == one.on)
        if one.rows < most:
            yield f"{one.subject} was scored on {one.rows} of {most} rows, {one.on}: the others are too long for it"
    if any(one.value.anytime for one in told):
        yield "where too few clusters differ, an interval is a bet's bounds: wide, and always valid"


def _pairs(plan: Plan, incumbent: Incumbent | None, found: Sequence[Scores]) -> Iterator[Pair]:
    """In the first metric that the model has on the held-out rows, and on tasks."""
    own, other = f"own/{plan.name}", incumbent.name if incumbent else plan.evaluate.incumbent
    for on in (HELD_OUT, TASKS):
        mine = next((one for one in found if (one.subject, one.on) == (own, on)), None)
        theirs = [one for one in found if (one.subject, one.on) == (other, on)]
        if mine is not None:
            yield from chain.from_iterable(paired(mine, one) for one in theirs if one.metric == mine.metric)


def _write(folder: Path, found: Evaluation, pairs: Iterator[Pair]) -> None:
    replace(folder / report.FILE, msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    report.write_pairs(folder / report.PAIRS, pairs)
    (folder / PAGE).write_text(page(found), encoding="utf-8")
