"""One method fitted by scikit-learn, and taken out of it as plain arrays.

What is measured, calibrated and served is what was taken out; nothing of scikit-learn is kept.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from freehold.own.artefact import Kind
from freehold.own.predicting.bags import bags_of, dimensions
from freehold.own.predicting.columns import encoded
from freehold.own.predicting.shape import Arrays, Floats, Input, Method, Shape, Weights
from freehold.own.predicting.strings import codes_of, gram
from freehold.own.train.examples import Examples

Places: TypeAlias = NDArray[np.int64]
Fit: TypeAlias = Callable[[Places], Weights]  # of the rows at these places
SVM_COST = 2.0  # chosen on splice junctions, on other folds than those that are reported
TEXT_COST, PLACED_COST = 10.0, 0.3  # of logistic regression
ROUNDS = 150  # of boosting
THREADED = 1_000_000  # numbers in a table, from which on trees are grown by all cores


def fitting(shape: Shape, examples: Examples, seed: int) -> Fit:
    """What fits a method to some of the rows; what all fits share is worked out once."""
    match shape.method:
        case Method.KERNEL:
            return _kernel(shape, examples)
        case Method.TREES:
            return _trees(shape, examples, seed)
        case Method.LINEAR:
            return _linear(shape, examples)
        case Method.BAYES:
            return _bayes(shape, examples)


def sparse(shape: Shape, inputs: tuple[object, ...]) -> Any:
    """Bags as SciPy has them."""
    bags = bags_of(shape, inputs)
    return csr_matrix((bags.amounts, bags.features, bags.starts), shape=(len(inputs), dimensions(shape)))


def _kernel(shape: Shape, examples: Examples) -> Fit:
    """One machine for each class against the others, whose scores calibrate better than votes of pairs do."""
    codes = codes_of([str(one) for one in examples.inputs], shape.alphabet)
    kernel = gram(codes, codes, len(shape.alphabet))
    regression = examples.kind is Kind.REGRESSOR
    scale = float(examples.targets.std()) or 1.0
    ones = range(1 if len(examples.labels) == 2 else 0, len(examples.labels))
    columns = [examples.targets / scale] if regression else [examples.targets == one for one in ones]

    def fit(at: Places) -> Weights:
        inner = kernel[np.ix_(at, at)]
        duals, bias = np.zeros((len(at), len(columns))), np.zeros(len(columns))
        for column, wanted in enumerate(columns):
            machine = (SVR if regression else SVC)(kernel="precomputed", C=SVM_COST)
            machine.fit(inner, wanted[at])
            duals[machine.support_, column] = machine.dual_coef_[0]
            bias[column] = machine.intercept_[0]
        kept = np.abs(duals).sum(1) > 0
        if regression:
            duals, bias = duals * scale, bias * scale
        return Weights(shape, {"support": codes[at[kept]], "duals": duals[kept], "bias": bias})

    return fit


def _linear(shape: Shape, examples: Examples) -> Fit:
    rows = sparse(shape, examples.inputs)
    cost = {Input.TEXT: TEXT_COST, Input.SEQUENCE: PLACED_COST if shape.length else TEXT_COST}

    def fit(at: Places) -> Weights:
        if examples.kind is Kind.REGRESSOR:
            found = Ridge(alpha=1.0).fit(rows[at], examples.targets[at])
        else:
            found = LogisticRegression(C=cost.get(shape.input, 1.0), max_iter=1000)
            found.fit(rows[at], examples.targets[at].astype(int))
        return _line(shape, found.coef_, found.intercept_)

    return fit


def _bayes(shape: Shape, examples: Examples) -> Fit:
    """Of aligned sequences, each place has one letter, so shares of all counts are shares there, but for a constant."""
    rows = sparse(shape, examples.inputs)
    classes = examples.targets.astype(int)

    def fit(at: Places) -> Weights:
        found = MultinomialNB(alpha=1.0 if shape.length else 0.1).fit(rows[at], classes[at])
        return _line(shape, found.feature_log_prob_, found.class_log_prior_)

    return fit


def _line(shape: Shape, coefficients: Floats, bias: Floats) -> Weights:
    weights = np.atleast_2d(coefficients).T.astype(np.float32)
    return Weights(shape, {"weights": weights, "bias": np.atleast_1d(bias)})


def _trees(shape: Shape, examples: Examples, seed: int) -> Fit:
    rows = encoded(shape.columns, [one for one in examples.inputs if isinstance(one, dict)])
    regression = examples.kind is Kind.REGRESSOR
    estimator = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier

    def fit(at: Places) -> Weights:
        found = estimator(max_iter=ROUNDS, learning_rate=0.06, max_leaf_nodes=15, random_state=seed)
        # On few rows threads mostly wait for each other, on a busy machine for minutes.
        with threadpool_limits(None if rows.size > THREADED else 1):
            found.fit(rows[at], examples.targets[at])
        return Weights(shape, flat(found))

    return fit


def flat(boosted: Any) -> Arrays:
    """All trees one after the other; a score's trees are told by `target`. A leaf's `left` is 0."""
    parts: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("left", "right", "feature", "threshold", "value")
    }
    roots, targets, before = [], [], 0
    for rounds in boosted._predictors:
        for target, tree in enumerate(rounds):
            nodes = tree.nodes
            leaf = nodes["is_leaf"].astype(bool)
            roots.append(before)
            targets.append(target)
            parts["left"].append(np.where(leaf, 0, nodes["left"].astype(np.int64) + before))
            parts["right"].append(np.where(leaf, 0, nodes["right"].astype(np.int64) + before))
            parts["feature"].append(nodes["feature_idx"].astype(np.int64))
            parts["threshold"].append(nodes["num_threshold"])
            parts["value"].append(nodes["value"])
            before += len(nodes)
    joined = {name: np.concatenate(found) for name, found in parts.items()}
    start = np.asarray(boosted._baseline_prediction, float).reshape(-1)
    return joined | {"roots": np.array(roots), "target": np.array(targets), "start": start}
