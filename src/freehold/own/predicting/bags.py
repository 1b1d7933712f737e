"""An input as a bag of features: which, and how much of each. Linear models stand on it.

A sequence becomes its k-mers (with their place, where all are aligned), a text its hashed words and parts of words, a
row of a table its standardised numbers and its categories.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from freehold.own.predicting.columns import encoded, width_of
from freehold.own.predicting.shape import Floats, Input, Method, Shape
from freehold.own.predicting.strings import codes_of, words

WORD = re.compile(r"\w+|[^\w\s]")
PLACED, COUNTED = (1, 2, 3), (1, 2, 3, 4, 5)  # lengths of k-mers, with their place and without
DIMENSIONS_MAX = 1 << 20


class Bags(NamedTuple):
    """Compressed rows: of row i, the features from starts[i] up to starts[i + 1]."""

    starts: NDArray[np.int64]
    features: NDArray[np.int64]
    amounts: Floats

    def times(self, weights: Floats) -> Floats:
        """Rows times a matrix of features x scores."""
        found = np.zeros((len(self.starts) - 1, weights.shape[1]))
        rows = np.repeat(np.arange(len(found)), np.diff(self.starts))
        np.add.at(found, rows, self.amounts[:, None] * weights[self.features])
        return found


def bags_of(shape: Shape, inputs: Sequence[object]) -> Bags:
    """The bags of inputs that fit the shape."""
    match shape.input:
        case Input.TABLE:
            dense = encoded(shape.columns, [one for one in inputs if isinstance(one, Mapping)])
            rows, features = np.nonzero(dense)
            starts = np.searchsorted(rows, np.arange(len(dense) + 1))
            return Bags(starts, features, dense[rows, features])
        case Input.TEXT:
            return _gathered([_grams(str(one), shape.buckets) for one in inputs])
        case Input.SEQUENCE:
            return _gathered([_kmers(str(one), shape) for one in inputs])


def dimensions(shape: Shape) -> int:
    """How many features there may be."""
    match shape.input:
        case Input.TABLE:
            return width_of(shape.columns)
        case Input.TEXT:
            return shape.buckets
        case Input.SEQUENCE:
            letters = len(shape.alphabet)
            return sum(max(1, shape.length) * letters**k for k in _lengths(shape))


def _gathered(all: Sequence[tuple[NDArray[np.int64], Floats]]) -> Bags:
    starts = np.cumsum([0, *(len(features) for features, _ in all)])
    empty = (np.zeros(0, np.int64), np.zeros(0))
    features, amounts = zip(empty, *all, strict=True)
    return Bags(starts, np.concatenate(features), np.concatenate(amounts))


def _grams(text: str, buckets: int) -> tuple[NDArray[np.int64], Floats]:
    """Words, pairs of them, and their parts of 3 and 4 characters; together of length one."""
    found = WORD.findall(text.lower())
    names = [*found, *(f"{one} {two}" for one, two in pairwise(found))]
    for word in found:
        padded = f"<{word}>"
        names += [f"{k}{padded[at : at + k]}" for k in (3, 4) for at in range(len(padded) - k + 1)]
    counts = Counter(crc32(name.encode()) % buckets for name in names)
    amounts = np.log1p(np.array(list(counts.values()), float))
    length = np.sqrt((amounts**2).sum()) or 1.0
    return np.array(list(counts), np.int64), amounts / length


def _kmers(text: str, shape: Shape) -> tuple[NDArray[np.int64], Floats]:
    letters, codes = len(shape.alphabet), codes_of([text.upper()], shape.alphabet)
    before, found, shares = 0, [], []
    for k in _lengths(shape):
        number, known = words(codes, k, letters)
        if shape.length:
            number = number + np.arange(number.shape[1])[None] * letters**k
        which, counts = np.unique(number[known], return_counts=True)
        found.append(which + before)
        shares.append(counts.astype(float) if shape.length else np.sqrt(counts / max(1, known.sum())))
        before += max(1, shape.length) * letters**k
    return np.concatenate(found), np.concatenate(shares)


def _lengths(shape: Shape) -> list[int]:
    """Naive Bayes takes features to be independent, so of aligned sequences it sees single letters."""
    if shape.length and shape.method is Method.BAYES:
        return [1]
    letters, places = len(shape.alphabet), max(1, shape.length)
    wanted = PLACED if shape.length else COUNTED
    return [k for k in wanted if k == 1 or letters**k * places <= DIMENSIONS_MAX // len(wanted)]
