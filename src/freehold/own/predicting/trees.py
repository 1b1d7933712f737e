"""Gradient-boosted trees as flat arrays: every row walks down all trees at once."""

import numpy as np

from freehold.own.predicting.shape import Arrays, Floats


def scores_of(arrays: Arrays, rows: Floats) -> Floats:
    """Rows x scores: what the leaves add to the start. A node whose `left` is 0 is a leaf."""
    left, right, feature = arrays["left"], arrays["right"], arrays["feature"]
    at = np.repeat(arrays["roots"][None], len(rows), axis=0)
    row = np.arange(len(rows))[:, None]
    while (inner := left[at] > 0).any():
        low = rows[row, feature[at]] <= arrays["threshold"][at]
        at = np.where(inner, np.where(low, left[at], right[at]), at)
    found = np.repeat(np.atleast_2d(arrays["start"]), len(rows), axis=0)
    np.add.at(found, (row, arrays["target"][None]), arrays["value"][at])
    return found
