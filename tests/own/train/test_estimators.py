"""The arrays that are taken out of scikit-learn score as scikit-learn does."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.own.artefact import Kind
from freehold.own.predicting.columns import encoded
from freehold.own.predicting.scoring import scores_of
from freehold.own.predicting.shape import Input, Weights
from freehold.own.predicting.strings import codes_of, gram
from freehold.own.rows import Row
from freehold.own.train.knobs import Predict


def examples(seed: int, given_as: Input, numbers: bool) -> Any:
    from freehold.own.train.examples import examples_of

    random = np.random.default_rng(seed)
    rows = []
    for at in range(40):
        text = "".join(random.choice(list("ACGT"), 12))
        label: str | float = float(random.normal()) if numbers else "xyz"[at % int(random.integers(2, 4))]
        values: dict[str, str | float | None] = {
            "a": float(random.normal()),
            "b": str(text[0]),
            "c": None if at % 3 else 1.0,
        }
        words = " ".join(text[at : at + 3] for at in range(0, 12, 3))
        rows.append(
            Row(
                str(at),
                {Input.SEQUENCE: text, Input.TEXT: words, Input.TABLE: ""}[given_as],
                values=values if given_as is Input.TABLE else {},
                label=label,
            )
        )
    knobs = Predict(folds=2, input=given_as.value, tells="number" if numbers else "class")
    return examples_of(rows, knobs)


def fitted(found: Any, method: Any) -> Weights:
    from freehold.own.train.estimators import fitting
    from freehold.own.train.methods import shapes_of

    shape = shapes_of(found, Predict(folds=2, buckets=512, method=method))[0]
    return fitting(shape, found, 0)(np.arange(len(found.inputs)))


def peer(found: Any, method: str, shape: Any) -> np.ndarray[Any, Any]:
    """What scikit-learn's own estimator says of the rows that it was fitted to."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.svm import SVC, SVR

    from freehold.own.train import estimators

    regression, targets = found.kind is Kind.REGRESSOR, found.targets
    if method == "kernel":
        codes = codes_of(found.inputs, shape.alphabet)
        kernel = gram(codes, codes, len(shape.alphabet))
        if regression:
            scale = targets.std()
            made = SVR(kernel="precomputed", C=estimators.SVM_COST).fit(kernel, targets / scale)
            return np.asarray(made.predict(kernel)[:, None] * scale)
        classes = range(1 if len(found.labels) == 2 else 0, len(found.labels))
        machines = [
            SVC(kernel="precomputed", C=estimators.SVM_COST).fit(kernel, targets == one) for one in classes
        ]
        return np.stack([one.decision_function(kernel) for one in machines], 1)
    if method == "trees":
        rows = encoded(shape.columns, found.inputs)
        kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
        knobs = {
            "max_iter": estimators.ROUNDS,
            "learning_rate": 0.06,
            "max_leaf_nodes": 15,
            "random_state": 0,
        }
        trees = kind(**knobs).fit(rows, targets)
        told = trees.predict(rows) if regression else trees.decision_function(rows)
        return np.asarray(told.reshape(len(rows), -1))
    rows = estimators.sparse(shape, found.inputs)
    if method == "bayes":
        bayes = MultinomialNB(alpha=1.0 if shape.length else 0.1).fit(rows, targets.astype(int))
        return np.asarray(bayes.predict_joint_log_proba(rows))
    cost = {"text": estimators.TEXT_COST, "sequence": estimators.PLACED_COST}.get(shape.input.value, 1.0)
    line = Ridge() if regression else LogisticRegression(C=cost, max_iter=1000)
    line.fit(rows, targets if regression else targets.astype(int))
    told = line.predict(rows) if regression else line.decision_function(rows)
    return np.asarray(told.reshape(len(found.inputs), -1))


@pytest.mark.parametrize(
    ("given_as", "method", "numbers"),
    [
        (Input.SEQUENCE, "kernel", False),
        (Input.SEQUENCE, "kernel", True),
        (Input.SEQUENCE, "linear", False),
        (Input.SEQUENCE, "bayes", False),
        (Input.TEXT, "linear", False),
        (Input.TEXT, "bayes", False),
        (Input.TABLE, "trees", False),
        (Input.TABLE, "trees", True),
        (Input.TABLE, "linear", False),
        (Input.TABLE, "linear", True),
    ],
)
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_is_taken_out_scores_as_the_library_does(
    seed: int, given_as: Input, method: str, numbers: bool
) -> None:
    found = examples(seed, given_as, numbers)
    weights = fitted(found, method)

    scores = scores_of(weights, found.inputs)

    assert scores == pytest.approx(peer(found, method, weights.shape), rel=1e-4, abs=1e-4)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 4))
def test_calibrated_probabilities_are_those_of_the_fitted_curve(seed: int, classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    from freehold.own.predicting.calibrating import bent, probabilities
    from freehold.own.train.predict import calibrated

    random = np.random.default_rng(seed)
    targets = np.arange(60) % classes
    scores = random.normal(size=(60, 1 if classes == 2 else classes)) + 0.5 * targets[:, None]
    found = examples(seed, Input.TEXT, numbers=False)._replace(
        targets=targets.astype(float), labels=tuple("abcd"[:classes])
    )
    inside = bent(scores)
    curve = LogisticRegression(C=1.0, max_iter=1000).fit(inside / inside.std(0), targets)

    told = probabilities(calibrated(found, scores), scores)

    assert told == pytest.approx(curve.predict_proba(inside / inside.std(0)), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), folds=st.integers(2, 6))
def test_a_cluster_is_in_one_fold_and_classes_are_spread_evenly(seed: int, folds: int) -> None:
    from freehold.own.train.examples import grouped

    random = np.random.default_rng(seed)
    clusters = random.permutation(np.repeat(np.arange(60), random.integers(1, 4, 60)))
    classes = random.integers(0, 3, 60)[clusters]

    parts = grouped(classes, clusters, folds)

    assert sorted(np.concatenate(parts).tolist()) == list(range(len(clusters)))
    assert sum(len(set(clusters[part].tolist())) for part in parts) == len(set(clusters.tolist()))
    for one in range(3):
        shares = [(classes[part] == one).sum() for part in parts]
        assert max(shares) - min(shares) <= 6
