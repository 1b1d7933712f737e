"""What a predictor is held against: the commonest answer, a line, naive Bayes and a random forest, as scikit-learn has
them, fitted to the same rows in their usual form. What a tagger is held against: a list of what it was shown."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB, MultinomialNB

from freehold.own.artefact import Kind
from freehold.own.predicting.shape import Floats, Input, Method
from freehold.own.rows import Row, Span
from freehold.own.train.estimators import sparse
from freehold.own.train.examples import Examples, grouped
from freehold.own.train.knobs import Predict
from freehold.own.train.methods import base_shape

TREES, FOLDS = 200, 3
COSTS = (0.1, 0.3, 1.0, 10.0)  # of logistic regression; the best on folds of what it learns from


def answers(examples: Examples, asked: Sequence[object], seed: int) -> Iterator[tuple[str, Floats]]:
    """Each yardstick's name and its answers: probabilities of classes, or one number, for what is asked."""
    yield usual(examples, len(asked))
    # Of aligned sequences, each place's letter: naive Bayes takes longer words, which overlap, to be independent.
    shape = base_shape(examples, Predict())
    shape = replace(shape, method=Method.BAYES if shape.length else Method.LINEAR)
    known, new = sparse(shape, examples.inputs), sparse(shape, tuple(asked))
    for name, estimator in _estimators(examples, seed):
        rows = (known.toarray(), new.toarray()) if isinstance(estimator, GaussianNB) else (known, new)
        if examples.kind is Kind.REGRESSOR:
            found = estimator.fit(rows[0], examples.targets).predict(rows[1])[:, None]
        else:
            found = estimator.fit(rows[0], examples.targets.astype(int)).predict_proba(rows[1])
        yield name, found


def usual(examples: Examples, rows: int) -> tuple[str, Floats]:
    """Whoever always says the same: the classes' shares, or the median."""
    if examples.kind is Kind.REGRESSOR:
        return "median", np.full((rows, 1), float(np.median(examples.targets)))
    shares = np.bincount(examples.targets.astype(int), minlength=len(examples.labels)) / len(examples.targets)
    return "majority", np.tile(shares, (rows, 1))


def _estimators(examples: Examples, seed: int) -> Iterator[tuple[str, Any]]:
    if examples.kind is Kind.REGRESSOR:
        yield "ridge regression", Ridge()
        yield "random forest", RandomForestRegressor(TREES, random_state=seed)
        return
    yield "logistic regression", _chosen(LogisticRegression(max_iter=1000), examples)
    yield "naive Bayes", GaussianNB() if examples.input is Input.TABLE else MultinomialNB()
    yield "random forest", RandomForestClassifier(TREES, random_state=seed)


def _chosen(line: LogisticRegression, examples: Examples) -> GridSearchCV:
    """By log loss, or its probabilities would be worse than they need be.

    On folds of whole clusters, where each has every class: on others it would be chosen for what it remembers.
    """
    classes = examples.targets.astype(int)
    folds = grouped(classes, examples.clusters, FOLDS)
    everywhere = all(len(set(classes[fold].tolist())) == len(examples.labels) for fold in folds)
    splits = [(np.setdiff1d(np.arange(len(classes)), fold), fold) for fold in folds]
    return GridSearchCV(line, {"C": COSTS}, scoring="neg_log_loss", cv=splits if everywhere else FOLDS)


class Remembered:
    """Finds again what was marked in training, word for word, where it was marked as one kind mostly."""

    def __init__(self, rows: Sequence[Row]) -> None:
        seen = Counter((row.text[one.begin : one.end], one.kind) for row in rows for one in row.spans)
        self._kinds = {text: kind for (text, kind), _ in sorted(seen.items(), key=lambda one: one[1])}
        words = sorted((re.escape(text) for text in self._kinds if text.strip()), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if words else None

    def spans(self, text: str) -> list[Span]:
        """What of it is in a text; of two at one place the longer."""
        found = self._pattern.finditer(text) if self._pattern else ()
        return [Span(one.start(), one.end(), self._kinds[one.group()]) for one in found]
