"""The recipe `predict`: a classifier, a regressor or a tagger on sequences, texts or tables.

Each method is fitted to all folds but one and scores the one left out; a cluster is never in two. These scores tell
which method is best, and how to make probabilities of scores. What is served is then fitted to all rows.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from freehold.own import artefact as artefacts
from freehold.own import rows as corpus
from freehold.own.artefact import Artefact, Kind
from freehold.own.plan import Plan
from freehold.own.predicting import shape as shapes
from freehold.own.predicting.calibrating import bent, probabilities, softmax
from freehold.own.predicting.scoring import scores_of
from freehold.own.predicting.shape import Arrays, Floats, Shape, Weights
from freehold.own.stage import SCRATCH, inputs_of
from freehold.own.train.estimators import Fit, fitting
from freehold.own.train.examples import Examples, examples_of, folds_of, kind_of
from freehold.own.train.knobs import Predict
from freehold.own.train.methods import shapes_of
from freehold.own.train.progress import FILE as LOG
from freehold.own.train.progress import Log, Progress, Say, cpu_s
from freehold.own.train.tagging import fitted, kinds_of

WITHIN = 0.9  # the share of left-out rows that lie between a regressor's `low` and `high`


class Trained(NamedTuple):
    """A predictor, and what is known of it before it has seen the held-out rows."""

    kind: Kind
    labels: tuple[str, ...]
    weights: Weights
    about: Mapping[str, str | float | int]


class Tried(NamedTuple):
    """A method, what turns its scores into answers, and its loss on folds that it had not seen."""

    fit: Fit
    curve: Arrays
    loss: float  # nats a row


def train(run: Path, plan: Plan, folder: Path, say: Say) -> None:
    """Train on `RUN/corpus`, into `folder/model`. Raises BadRequest for rows that nothing can be learnt from."""
    knobs = msgspec.convert(plan.train, Predict)
    rows = list(corpus.read(run / "corpus" / corpus.TRAIN))
    if kind_of(rows, knobs) is Kind.TAGGER:
        kinds = kinds_of(rows)
        trained = Trained(Kind.TAGGER, kinds, fitted(rows, kinds, knobs.buckets), {"method": "linear"})
    else:
        with Folds(folder, say) as folds:
            trained = best_of(examples_of(rows, knobs), knobs, plan.seed, folds)
    _write(folder / artefacts.MODEL, plan, trained, inputs_of(run, "corpus"))


class Folds:
    """Scores of rows by a predictor that has not seen them. A fold done before a kill is not done again."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._scratch = folder / SCRATCH
        self._scratch.mkdir(exist_ok=True)
        self._log, self._say = Log(folder / LOG, 0), say
        self._began = time.monotonic(), cpu_s()
        self._done = self._rows = 0
        self.steps = 0  # folds of all methods

    def __enter__(self) -> "Folds":
        return self

    def __exit__(self, *_: object) -> None:
        self._log.__exit__(None, None, None)

    def scores(
        self, shape: Shape, fit: Fit, examples: Examples, folds: Sequence[NDArray[np.int64]]
    ) -> Floats:
        """Rows x scores."""
        parts = []
        for number, left_out in enumerate(folds):
            path = self._scratch / f"{shape.method.value}-{number}.npy"
            if path.exists():
                parts.append(np.load(path, allow_pickle=False))
            else:
                rest = np.setdiff1d(np.arange(len(examples.inputs)), left_out)
                parts.append(scores_of(fit(rest), [examples.inputs[at] for at in left_out]))
                fresh = path.with_suffix(".new.npy")
                np.save(fresh, parts[-1])
                fresh.replace(path)
            self._told(raw_loss(examples, left_out, parts[-1]), len(left_out))
        found = np.zeros((len(examples.inputs), parts[0].shape[1]))
        found[np.concatenate(list(folds))] = np.concatenate(parts)
        return found

    def _told(self, loss: float, rows: int) -> None:
        self._done, self._rows = self._done + 1, self._rows + rows
        wall, cpu = time.monotonic() - self._began[0], cpu_s() - self._began[1]
        progress = Progress(
            step=self._done,
            steps=self.steps,
            loss=loss,
            norm=0.0,
            learning_rate=0.0,
            tokens=self._rows,
            cpu_s=cpu,
            wall_s=wall,
            rate=self._rows / max(cpu, 1e-9),
            left_s=wall / self._done * (self.steps - self._done),
        )
        self._log.add(progress)
        self._say(progress)


def best_of(examples: Examples, knobs: Predict, seed: int, folds: Folds) -> Trained:
    """The method with the smallest loss across folds, fitted to all rows."""
    tried, parts = {}, folds_of(examples, knobs.folds)
    wanted = shapes_of(examples, knobs)
    folds.steps = len(wanted) * len(parts)
    for shape in wanted:
        fit = fitting(shape, examples, seed)
        scores = folds.scores(shape, fit, examples, parts)
        curve = calibrated(examples, scores)
        tried[shape.method] = Tried(fit, curve, loss_of(examples, curve, scores))
    method, best = min(tried.items(), key=lambda one: one[1].loss)
    whole = best.fit(np.arange(len(examples.inputs)))
    weights = Weights(whole.shape, {**whole.arrays, **best.curve})
    about: dict[str, str | float | int] = {f"loss {name.value}": one.loss for name, one in tried.items()}
    about |= {"method": method.value, "folds": len(parts), "clusters": len(set(examples.clusters.tolist()))}
    return Trained(examples.kind, examples.labels, weights, about)


def calibrated(examples: Examples, scores: Floats) -> Arrays:
    """A classifier's curve from scores to probabilities, or half the width of a regressor's interval.

    The width is split conformal (Lei et al. 2018) over the rows left out, which are not those that it is served on.
    """
    if examples.kind is Kind.REGRESSOR:
        gaps = np.sort(np.abs(scores[:, 0] - examples.targets))
        place = min(len(gaps) - 1, int(np.ceil(WITHIN * (len(gaps) + 1))) - 1)
        return {"half_width": np.array(gaps[place])}
    inside = bent(scores)
    scale = np.maximum(inside.std(0), 1e-9)
    curve = LogisticRegression(C=1.0, max_iter=1000).fit(inside / scale, examples.targets.astype(int))
    slopes, bias = curve.coef_.T / scale[:, None], curve.intercept_
    if len(examples.labels) == 2:  # one column of logits; the other class's are 0
        slopes, bias = np.hstack([0 * slopes, slopes]), np.array([0.0, bias[0]])
    return {"curve": slopes, "curve_bias": bias}


def loss_of(examples: Examples, curve: Arrays, scores: Floats) -> float:
    """Nats a row; of a regressor, those of a normal distribution as wide as it errs."""
    if examples.kind is Kind.REGRESSOR:
        return _normal_nats(scores[:, 0] - examples.targets)
    return _nats(probabilities(curve, scores), examples.targets)


def raw_loss(examples: Examples, at: NDArray[np.int64], scores: Floats) -> float:
    """The same of one fold, before scores are calibrated: told while it runs."""
    if examples.kind is Kind.REGRESSOR:
        return _normal_nats(scores[:, 0] - examples.targets[at])
    logits = np.hstack([0 * scores, scores]) if scores.shape[1] == 1 else scores
    return _nats(softmax(logits), examples.targets[at])


def _normal_nats(errors: Floats) -> float:
    square = max(float(np.mean(errors**2)), 1e-12)
    return 0.5 * float(np.log(2 * np.pi * np.e * square))


def _nats(shares: Floats, targets: Floats) -> float:
    return float(-np.log(np.maximum(shares[np.arange(len(shares)), targets.astype(int)], 1e-12)).mean())


def _write(folder: Path, plan: Plan, trained: Trained, inputs: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    shapes.write(folder, trained.weights)
    artefact = Artefact(
        name=plan.name,
        kind=trained.kind,
        recipe=plan.recipe.value,
        licence=plan.licence,
        parameters=sum(array.size for array in trained.weights.arrays.values()),
        context=trained.weights.shape.length,
        labels=trained.labels,
        inputs=inputs,
        seed=plan.seed,
        about={**trained.about, "input": trained.weights.shape.input.value},
    )
    artefacts.write(folder, artefact)
