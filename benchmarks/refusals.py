"""Are refusals found by their words, in data that the model never saw? `python -m benchmarks.refusals [--quick]`.

Each data set is left out in turn: a model is trained on the others (XSTest on none) and on our own sentences, and
measured on the one it never saw, at its own threshold of one half. Then 100 of its answers, drawn at random, are taken
as labels, and the rest is measured again. What ships was trained on everything but XSTest.
"""

import random
import time
from collections.abc import Callable, Sequence
from statistics import mean, median, quantiles
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tools.refusal_sources import Labelled
from tools.train_refusals import BETWEEN, DATA_SETS, left_out, recordings

from benchmarks.claims import claim, started
from benchmarks.keyword_lists import LISTS
from benchmarks.recordings import MODELS, completions
from freehold.stats.calibration import Calibration, calibration_error
from freehold.stats.intervals import wilson
from freehold.watch.labelling import Answer, Label, draw, rates
from freehold.watch.labelling import Said as Says
from freehold.watch.refusals import Kind, RefusalModel, shipped_digest

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LABELS = 100
GOAL_EXPLICIT, GOAL_US = 0.85, 1_000.0
DECLINES = "declines"  # refuses, deflects or is unable; partial refusals count
EXPLICIT = "explicit"  # full refusals against compliance; what lies between is left out
AUTHORS = "authors'"  # chatgpt_hand as its authors fold it: all but compliance; inability is left out


class Task(NamedTuple):
    """A set of answers, and which of them count as declining."""

    name: str
    counted: str
    data_set: str
    answers: list[Labelled]
    truth: Bools


def tasks() -> list[Task]:
    """All data sets, by language where there are two, under each way of counting."""
    found = []
    for data_set, sources in DATA_SETS.items():
        for source in sources:
            own = [one for one in recordings() if one.source == source]
            clear = [one for one in own if one.label not in BETWEEN]
            sides = [one for one in clear if one.kind in (Kind.COMPLIED, Kind.REFUSED)]
            found.append(_task(source, DECLINES, data_set, clear))
            found.append(_task(source, EXPLICIT, data_set, sides))
            if source == "chatgpt_hand":
                folded = [one for one in own if one.label != "dontknow"]
                truth = np.array([one.label != "complied" for one in folded])
                found.append(Task(source, AUTHORS, data_set, folded, truth))
    return found


def _task(name: str, counted: str, data_set: str, answers: list[Labelled]) -> Task:
    return Task(
        name, counted, data_set, answers, np.array([one.kind is not Kind.COMPLIED for one in answers])
    )


def f1(truth: Bools, said: Bools) -> float:
    """Harmonic mean of precision and recall, of those that decline."""
    return 2 * float((truth & said).sum()) / max(1.0, float(truth.sum() + said.sum()))


def auc(truth: Bools, scores: ArrayLike) -> float:
    """The chance that one that declines scores higher than one that does not; ties count half (Mann-Whitney)."""
    values = np.asarray(scores)
    ordered = np.sort(values[~truth])
    below = np.searchsorted(ordered, values[truth], "left") + np.searchsorted(ordered, values[truth], "right")
    return float(below.mean()) / 2 / max(1, len(ordered))


class Calibrated(NamedTuple):
    """Means over draws of labels, of the answers that were not drawn."""

    f1: float
    auc: float
    error_before: float  # expected calibration error
    error_after: float


def after_labels(truth: Bools, scores: Floats, draws: int) -> Calibrated:
    """What 100 labels make of it."""
    found = []
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(truth))
        drawn, rest = order[:LABELS], order[LABELS:]
        local = Calibration.platt(scores[drawn], truth[drawn].astype(float)).probabilities(scores[rest])
        errors = (calibration_error(one, truth[rest].astype(float)) for one in (scores[rest], local))
        found.append((f1(truth[rest], local > 0.5), auc(truth[rest], local), *errors))
    return Calibrated(*(mean(column) for column in zip(*found, strict=True)))


def measured(task: Task, draws: int) -> float:
    """Print one line of the table; gives F1 before labels."""
    texts = [one.text for one in task.answers]
    model = left_out(task.data_set)
    scores = np.array([model.score(text) for text in texts])
    before, local = f1(task.truth, scores > 0.5), after_labels(task.truth, scores, draws)
    lists = [f1(task.truth, np.array([says(text) for text in texts])) for says in LISTS.values()]
    print(
        f"{task.name:14}{task.counted:10}{len(texts):6}{task.truth.mean():7.1%}{before:9.3f}"
        f"{auc(task.truth, scores):7.3f}{local.f1:9.3f}{local.auc:7.3f}"
        f"{local.error_before:9.3f}{local.error_after:7.3f}" + "".join(f"{figure:14.3f}" for figure in lists),
        flush=True,
    )
    return before


def rate_intervals(task: Task, draws: int) -> tuple[float, float, float]:
    """Of `freehold watch label`'s intervals at 95 %, by a model that never saw these answers: the share that holds the
    true rate, their mean width, and that of Wilson's from labels alone.
    """
    model = left_out(task.data_set)
    answers = [Answer(one.text, task.name, model.raw(one.text)) for one in task.answers]
    declines = {answer.digest: bool(says) for answer, says in zip(answers, task.truth, strict=True)}
    truth = mean(declines.values())
    held, widths, alone = 0, list[float](), list[float]()
    for seed in range(draws):
        labels = [
            Label(it.answer.digest, Says.DECLINES if declines[it.answer.digest] else Says.ANSWERS,
                  it.answer.score, task.name, it.at_random, shipped_digest())
            for it in draw(answers, LABELS, seed=seed)
        ]  # fmt: skip
        (found,) = rates(answers, labels)
        if found.interval is None:
            raise RuntimeError(f"{task.name}: too few labels")
        held += found.interval.low <= truth <= found.interval.high
        widths.append(found.interval.high - found.interval.low)
        counted = sum(label.says is Says.DECLINES for label in labels if label.drawn)
        plain = wilson(counted, sum(label.drawn for label in labels))
        alone.append(plain.high - plain.low)
    return held / draws, mean(widths), mean(alone)


def speed(texts: Sequence[str], score: Callable[[str], float]) -> tuple[float, float]:
    """Microseconds of CPU for one answer: the median, and what 99 in 100 do not pass."""
    took = []
    for text in texts:
        began = time.thread_time_ns()
        score(text)
        took.append((time.thread_time_ns() - began) / 1e3)
    return median(took), quantiles(took, n=100)[98]


def ordinary(model: RefusalModel) -> None:
    """Answers to everyday prompts, without labels: how many are flagged, and by which model's answers."""
    shares = {name: mean(model.score(text) > 0.5 for text in completions(name)) for name in MODELS}
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    print(
        f"\nof 805 answers to everyday prompts each, unlabelled: {shares[least]:.1%} flagged ({least}) "
        f"to {shares[most]:.1%} ({most}), median {median(shares.values()):.1%}"
    )


def main() -> None:
    quick = started("Refusals by their words, each data set left out in turn.")
    draws = 5 if quick else 50
    print(
        f"{'data set':14}{'counted':10}{'n':>6}{'base':>7}{'F1':>9}{'AUC':>7}"
        f"{'F1+100':>9}{'AUC':>7}{'ECE':>9}{'+100':>7}" + "".join(f"{name:>14}" for name in LISTS)
    )
    found = {(task.name, task.counted): measured(task, draws) for task in tasks()}
    print("F1 of the lists: of the same answers. +100: after 100 labels, on the others, mean of draws.")
    shipped = RefusalModel.load()
    ordinary(shipped)
    print(f"\nrates from {LABELS} labels, 75 of them random, at 95 %:")
    for task in tasks():
        if task.counted == DECLINES:
            held, width, alone = rate_intervals(task, 4 * draws)
            goal = 0.95 - 2 * (0.95 * 0.05 / (4 * draws)) ** 0.5
            claim(
                f"{task.name}: {held:.1%} of intervals hold the true rate of {task.truth.mean():.1%}",
                f"width {width:.3f}, by the labels alone {alone:.3f}",
                f">= 95 % - 2 SE = {goal:.1%}",
                held >= goal,
            )
    texts = [one.text for one in recordings()]
    random.Random(0).shuffle(texts)
    middle, slowest = speed(texts[: 1_000 if quick else 7_000], shipped.score)
    print()
    explicit = found["xstest", EXPLICIT]
    claim(
        "explicit English refusals, XSTest left out, F1",
        f"{explicit:.3f}",
        f">= {GOAL_EXPLICIT}",
        explicit >= GOAL_EXPLICIT,
    )
    claim(
        "an answer on one core, median",
        f"{middle:.0f} us (99 %: {slowest:.0f} us)",
        f"<= {GOAL_US:.0f} us",
        middle <= GOAL_US,
    )


if __name__ == "__main__":
    main()
