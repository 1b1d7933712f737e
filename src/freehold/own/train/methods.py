"""Which methods a predictor is tried with, and in what shape each sees its input."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from freehold.own.artefact import Kind
from freehold.own.predicting.columns import number
from freehold.own.predicting.shape import Column, Input, Method, Shape
from freehold.own.predicting.strings import SHIFTS
from freehold.own.train.examples import Examples
from freehold.own.train.knobs import Predict
from freehold.vocabulary.errors import BadRequest

VALUES_MAX = 50  # of a category: the most frequent are told apart
RARE = 0.002  # a letter with a smaller share stands for several, or for none
TREES_MIN = 100  # rows; with fewer, trees are not tried
KERNEL_MAX = 6000  # rows: the kernel of all pairs is kept in memory

_METHODS = {
    Input.SEQUENCE: (Method.KERNEL, Method.LINEAR, Method.BAYES),
    Input.TEXT: (Method.LINEAR, Method.BAYES),
    Input.TABLE: (Method.TREES, Method.LINEAR),
}


def shapes_of(examples: Examples, knobs: Predict) -> list[Shape]:
    """One for each method that is to be tried. Raises BadRequest for a method that does not go with the rows."""
    base = base_shape(examples, knobs)
    able = [method for method in _METHODS[examples.input] if _goes(method, base, examples)]
    if knobs.method == "auto":
        return [replace(base, method=method) for method in _worth(able, examples)]
    if knobs.method not in able:
        raise BadRequest(
            f"method {knobs.method} does not go with {len(examples.inputs)} rows of kind "
            f"{examples.input.value} for a {examples.kind.value}",
            remedy=f"In [train], set `method` to one of: auto, {', '.join(able)}.",
        )
    return [replace(base, method=Method(knobs.method))]


def _goes(method: Method, shape: Shape, examples: Examples) -> bool:
    if method is Method.KERNEL:
        return shape.length > 2 * SHIFTS and len(examples.inputs) <= KERNEL_MAX
    return method is not Method.BAYES or examples.kind is Kind.CLASSIFIER


def _worth(able: Sequence[Method], examples: Examples) -> list[Method]:
    """The kernel beats the others on aligned sequences; trees and lines are to be compared."""
    if examples.input is not Input.TABLE:
        return [able[0]]
    return [method for method in able if method is Method.LINEAR or len(examples.inputs) >= TREES_MIN]


def base_shape(examples: Examples, knobs: Predict) -> Shape:
    """How the rows look, as a linear model sees them."""
    match examples.input:
        case Input.TEXT:
            return Shape(Input.TEXT, Method.LINEAR, buckets=knobs.buckets)
        case Input.TABLE:
            return Shape(Input.TABLE, Method.LINEAR, columns=columns_of(examples.inputs))
        case Input.SEQUENCE:
            lengths = {len(str(one)) for one in examples.inputs}
            counts = Counter("".join(map(str, examples.inputs)))
            frequent = sorted(
                one for one, n in counts.items() if n >= RARE * counts.total() and one.isalpha()
            )
            length = lengths.pop() if len(lengths) == 1 else 0
            return Shape(Input.SEQUENCE, Method.LINEAR, alphabet="".join(frequent), length=length)


def columns_of(rows: Sequence[object]) -> tuple[Column, ...]:
    """Each column that says anything: one whose values are all numbers, or missing, is a number."""
    names = dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)
    found = (_column(str(name), [row.get(name) for row in rows if isinstance(row, dict)]) for name in names)
    return tuple(column for column in found if column is not None)


def _column(name: str, values: Sequence[object]) -> Column | None:
    present = [value for value in values if value not in (None, "")]
    numbers = np.array([number(value) for value in present])
    missing = len(present) < len(values)
    if present and not np.isnan(numbers).any():
        spread = float(numbers.std())
        if spread == 0 and not missing:
            return None
        return Column(name, float(numbers.mean()), spread or 1.0, missing)
    common = Counter(map(str, present)).most_common(VALUES_MAX)
    kept = tuple(sorted(value for value, times in common if times > 1))
    return Column(name, missing=missing, values=kept) if kept else None
