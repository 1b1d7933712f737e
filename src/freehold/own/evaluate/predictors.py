"""How well a predictor does on the held-out rows, beside yardsticks that are fitted to the same rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from freehold.own import artefact as artefacts
from freehold.own import rows as corpus
from freehold.own.artefact import Kind
from freehold.own.evaluate import yardsticks
from freehold.own.evaluate.calibration import brier, calibration, places_of
from freehold.own.evaluate.report import Calibration
from freehold.own.evaluate.scores import RowScore, Scores
from freehold.own.plan import Plan
from freehold.own.predicting.predictor import Predictor, load
from freehold.own.predicting.shape import Floats, Input
from freehold.own.predicting.tags import tokens_of
from freehold.own.rows import Row, Span
from freehold.own.train.examples import Examples, asked, examples_of, label_of
from freehold.own.train.knobs import Predict
from freehold.own.train.tagging import widened
from freehold.vocabulary.errors import BadRequest


def scores(run: Path, plan: Plan) -> Iterator[Scores]:
    """Accuracy and Brier score of a classifier, absolute error of a regressor, F1, precision and recall of a tagger.

    The model's come first. Raises BadRequest where nothing that has a label is held out.
    """
    predictor, rows, subject = load(run / "train" / artefacts.MODEL), _held_out(run), f"own/{plan.name}"
    if predictor.artefact.kind is Kind.TAGGER:
        yield from tagged(
            subject, rows, [_spans(one) for one in predictor.predict([row.text for row in rows])]
        )
        known = yardsticks.Remembered(list(corpus.read(run / "corpus" / corpus.TRAIN)))
        yield from tagged("remembered words", rows, [known.spans(row.text) for row in rows], baseline=True)
    elif predictor.artefact.kind is Kind.REGRESSOR:
        yield from _told_numbers(run, plan, predictor, rows)
    else:
        yield from of_classes(subject, rows, predictor.artefact.labels, _shares(predictor, rows))
        for name, shares, labels in _other_shares(run, plan, rows):
            yield from of_classes(name, rows, labels, shares, baseline=True)


def calibrations(run: Path, plan: Plan) -> Iterator[Calibration]:
    """Of the model and of its yardsticks, where they tell classes."""
    predictor, rows = load(run / "train" / artefacts.MODEL), _held_out(run)
    if predictor.artefact.kind is not Kind.CLASSIFIER:
        return
    names, labels = [label_of(row) for row in rows], predictor.artefact.labels
    yield calibration(f"own/{plan.name}", _shares(predictor, rows), places_of(labels, names))
    for name, shares, known in _other_shares(run, plan, rows):
        yield calibration(name, shares, places_of(known, names))


def of_classes(
    subject: str, rows: Sequence[Row], labels: Sequence[str], shares: Floats, *, baseline: bool = False
) -> Iterator[Scores]:
    """Each row's hit, and its Brier score."""
    right = places_of(labels, [label_of(row) for row in rows])
    hits = (shares.argmax(1) == right).astype(float)
    yield Scores(subject, "accuracy", "higher", 1.0, 0.0, _each(rows, hits), baseline=baseline)
    yield Scores(
        subject, "Brier score", "lower", 0.0, 2.0, _each(rows, brier(shares, right)), baseline=baseline
    )


def tagged(
    subject: str, rows: Sequence[Row], found: Sequence[Sequence[Span]], *, baseline: bool = False
) -> Iterator[Scores]:
    """Spans that are found exactly, of their kind: F1 (twice the hits by what was found and what was there)."""
    hits, said, there = [], [], []
    for row, spans in zip(rows, found, strict=True):
        tokens = tokens_of(row.text)
        wanted = {widened(span, tokens) for span in row.spans}
        told = {(span.begin, span.end, span.kind) for span in spans}
        hits.append(len(wanted & told))
        said.append(len(told))
        there.append(len(wanted))
    both = [2.0 * one for one in hits], [one + other for one, other in zip(said, there, strict=True)]
    for metric, values, weights in (("F1", *both), ("precision", hits, said), ("recall", hits, there)):
        each = tuple(
            RowScore(row.id, row.cluster or row.id, float(value), float(weight))
            for row, value, weight in zip(rows, values, weights, strict=True)
        )
        yield Scores(subject, metric, "higher", 1.0, 0.0, each, baseline=baseline)


def _told_numbers(run: Path, plan: Plan, predictor: Predictor, rows: Sequence[Row]) -> Iterator[Scores]:
    """Each row's distance; the worst is the range of the middle nine tenths of what was learnt from."""
    new = [asked(row, _input(predictor)) for row in rows]
    wanted = np.array([float(row.label or 0) for row in rows])
    examples = _examples(run, plan)
    worst = (
        float(np.ptp(np.quantile(examples.targets, (0.05, 0.95)))) or float(np.ptp(examples.targets)) or 1.0
    )

    def distances(subject: str, told: NDArray[np.float64], *, baseline: bool = False) -> Scores:
        gaps = _each(rows, np.abs(told - wanted))
        return Scores(subject, "absolute error", "lower", 0.0, worst, gaps, baseline=baseline)

    answers = cast(list[dict[str, float]], predictor.predict(new))
    yield distances(f"own/{plan.name}", np.array([one["value"] for one in answers]))
    for name, values in yardsticks.answers(examples, new, plan.seed):
        yield distances(name, values[:, 0], baseline=True)


def _input(predictor: Predictor) -> Input:
    return Input(str(predictor.artefact.about["input"]))


def _shares(predictor: Predictor, rows: Sequence[Row]) -> Floats:
    told = cast(list[dict[str, Any]], predictor.predict([asked(row, _input(predictor)) for row in rows]))
    return np.array([[one["probabilities"][label] for label in predictor.artefact.labels] for one in told])


def _other_shares(
    run: Path, plan: Plan, rows: Sequence[Row]
) -> Iterator[tuple[str, Floats, tuple[str, ...]]]:
    examples = _examples(run, plan)
    new = tuple(asked(row, examples.input) for row in rows)
    for name, shares in _Yardsticks.of(run, plan, examples, new):
        yield name, shares, examples.labels


class _Yardsticks:
    """The last that were fitted: scores and calibrations ask for the same, one after the other."""

    known: ClassVar[tuple[object, list[tuple[str, Floats]]]] = None, []

    @classmethod
    def of(
        cls, run: Path, plan: Plan, examples: Examples, new: tuple[object, ...]
    ) -> list[tuple[str, Floats]]:
        asked_for = run, plan.seed, examples.ids, new
        if cls.known[0] != asked_for:
            cls.known = asked_for, list(yardsticks.answers(examples, new, plan.seed))
        return cls.known[1]


def _examples(run: Path, plan: Plan) -> Examples:
    knobs = msgspec.convert(plan.train, Predict)
    return examples_of(list(corpus.read(run / "corpus" / corpus.TRAIN)), knobs)


def _each(rows: Sequence[Row], values: NDArray[np.float64]) -> tuple[RowScore, ...]:
    return tuple(
        RowScore(row.id, row.cluster or row.id, value)
        for row, value in zip(rows, values.tolist(), strict=True)
    )


def _spans(answer: dict[str, object]) -> list[Span]:
    return [
        Span(one["begin"], one["end"], one["kind"]) for one in cast(list[dict[str, Any]], answer["spans"])
    ]


def _held_out(run: Path) -> list[Row]:
    """Those with a label, or where no row has one, for a tagger, all."""
    rows = list(corpus.read(run / "corpus" / corpus.HELD_OUT))
    known = [row for row in rows if row.label is not None] or rows
    if not known:
        raise BadRequest(f"nothing is held out in {run}", remedy="Raise `held_out` in [corpus].")
    return known
