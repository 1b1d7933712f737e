"""From inputs to scores: one number for each class, or one."""

from collections.abc import Mapping, Sequence

from freehold.own.predicting import columns as tables
from freehold.own.predicting import trees
from freehold.own.predicting.bags import bags_of
from freehold.own.predicting.columns import encoded
from freehold.own.predicting.shape import Floats, Method, Shape, Weights
from freehold.own.predicting.strings import codes_of, gram


def scores_of(weights: Weights, inputs: Sequence[object]) -> Floats:
    """Inputs x scores, before they are calibrated. The inputs fit the shape (`objection`)."""
    shape, arrays = weights
    match shape.method:
        case Method.KERNEL:
            codes = codes_of([str(one).upper() for one in inputs], shape.alphabet)
            found: Floats = gram(codes, arrays["support"], len(shape.alphabet)) @ arrays["duals"]
            return found + arrays["bias"]
        case Method.TREES:
            rows = encoded(shape.columns, [one for one in inputs if isinstance(one, Mapping)])
            return trees.scores_of(arrays, rows)
        case Method.LINEAR | Method.BAYES:
            return bags_of(shape, inputs).times(arrays["weights"]) + arrays["bias"]


def objection(shape: Shape, value: object) -> str:
    """Why an input cannot be predicted for; empty where it can."""
    if isinstance(value, Mapping):
        return (
            tables.objection(shape.columns, value)
            if shape.columns
            else "is an object, but a string is expected"
        )
    if not isinstance(value, str):
        return f"is {type(value).__name__}, but {'an object' if shape.columns else 'a string'} is expected"
    if shape.columns:
        return "is a string, but an object of column -> value is expected"
    if shape.length and len(value) != shape.length:
        return f"has {len(value)} letters, but {shape.length} are expected"
    return "" if value.strip() else "is empty"
