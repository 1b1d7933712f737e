"""An own model held against who it would replace: on the held-out rows, or on the company's own tasks.

An incumbent that is itself an own model scores the held-out rows where its files lie. Any other is asked tasks, through
a gateway; the new model, which nothing serves yet, is asked where it lies.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from freehold.bench import results
from freehold.bench.cases import Tasks
from freehold.bench.results import Plan as BenchPlan
from freehold.bench.results import Results, Sample
from freehold.bench.running import Bench, check
from freehold.bench.values import Values
from freehold.config import clock
from freehold.own.artefact import MODEL
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.own.plan import FILE, Plan
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.probe import Call, Question, Reply

TASKS = "tasks"  # what its scores are on
FAILED_MAX = 0.1  # share of the tasks that may be without an answer
OF_ITS_OWN = (FILE, "train", "evaluate", "publish", "lock")  # what an incumbent does not have from the run


class Incumbent(NamedTuple):
    """Who would be replaced."""

    name: str  # an endpoint
    folder: Path | None = None  # its published model, where it is one of ours
    digest: str = ""  # of that


class Either:
    """A `Call` that asks the own model where it lies, and everybody else through the gateway."""

    def __init__(self, name: str, speaker: Call, gateway: Call) -> None:
        self._name, self._speaker, self._gateway = name, speaker, gateway

    async def __call__(self, name: str, question: Question, /) -> Reply:
        """Ask, and wait for the whole answer."""
        return await (self._speaker if name == self._name else self._gateway)(name, question)


@contextmanager
def run_with(run: Path, folder: Path) -> Iterator[Path]:
    """A run beside another, with all that it has, and with the model in this folder as what was trained."""
    beside = run.absolute().with_name(f".{run.absolute().name}.incumbent")
    shutil.rmtree(beside, ignore_errors=True)  # of one that was killed
    (beside / "train").mkdir(parents=True)
    try:
        (beside / "train" / MODEL).symlink_to(folder.resolve())
        for path in run.iterdir():
            if path.name not in OF_ITS_OWN:
                (beside / path.name).symlink_to(path.resolve())
        yield beside
    finally:
        shutil.rmtree(beside)


def first_scores(found: Iterator[Scores], name: str) -> Iterator[Scores]:
    """The scores of the model, which come first, by its own name; baselines are not made again."""
    for scores in islice(found, 1):
        yield replace(scores, subject=name)


async def ask_tasks(tasks: Tasks, plan: Plan, incumbent: str, call: Call, folder: Path) -> list[Scores]:
    """Ask both everything, graded as a bench grades; goes on with what an earlier sitting has asked.

    Raises BadRequest where a check needs a judge, or runs programs, and the plan has none or does not let them; and
    where many tasks were not answered.
    """
    own, knobs = f"own/{plan.name}", plan.evaluate
    name = "b" + sha256(f"{tasks.digest}/{own}/{incumbent}/{knobs.judge}".encode()).hexdigest()[:19]
    asked = BenchPlan(
        name,
        clock.now_ms(),
        tasks.file,
        tasks.digest,
        (own, incumbent),
        len(tasks.cases),
        plan.seed,
        early=False,
        judge=knobs.judge or None,
    )
    check(tasks, asked, runs_code=knobs.run_code)
    with Results(folder, asked) as kept:
        await Bench(tasks, kept, call).run()
        failed = [line for line in kept.lines if isinstance(line, Sample) and line.error]
    if len(failed) > FAILED_MAX * len(tasks.cases):
        shutil.rmtree(results.folder(folder, name))  # so that they are asked again
        raise BadRequest(
            f"{failed[0].subject} gave no answer to {len(failed)} of {len(tasks.cases)} tasks: {failed[0].error}",
            remedy=f"See that it can be asked, as by `freehold bench run {tasks.file} --on {incumbent}`.",
        )
    values = Values(kept.lines)
    return [_scores(values, subject, tasks.file) for subject in (own, incumbent)]


def joined(found: Sequence[Scores]) -> list[Scores]:
    """The scores of several files of tasks as one, for each subject."""
    rows: dict[str, tuple[RowScore, ...]] = {}
    for one in found:
        rows[one.subject] = rows.get(one.subject, ()) + one.rows
    return [replace(found[0], subject=subject, rows=each) for subject, each in rows.items()]


def _scores(values: Values, subject: str, file: str) -> Scores:
    rows = tuple(
        RowScore(f"{file}/{case}", f"{file}/{values.cluster[case]}", points)
        for case, points in values.quality(subject).items()
    )
    return Scores(subject, "tasks done, of 1", "higher", 1.0, 0.0, rows, on=TASKS)
