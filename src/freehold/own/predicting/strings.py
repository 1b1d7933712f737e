"""A string kernel for aligned sequences: how many short words two have at about the same place.

The weighted-degree kernel with shifts (Rätsch, Sonnenburg, Schölkopf 2005, "RASE: recognition of alternatively spliced
exons"), squared, with a fifth of a spectrum kernel (Leslie, Eskin, Noble 2002) of each half. A sequence is kept as
bits, one word of 64 for each letter, so that two are compared in a handful of operations.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from freehold.own.predicting.shape import Floats

DEGREE, SHIFTS, SPECTRUM = 4, 2, 0.2
STEP = 64 - (DEGREE - 1)  # a word of 64 holds all k-mers that begin in its first STEP places
WORD_DIMENSIONS_MAX = 4096  # of a spectrum: k stops below
Codes: TypeAlias = NDArray[np.uint8]
Bits: TypeAlias = NDArray[np.uint64]
BLOCK = 256


def codes_of(texts: Sequence[str], alphabet: str) -> Codes:
    """Each letter's place in the alphabet; beyond it for any other. All texts must be equally long."""
    table = np.full(256, len(alphabet), np.uint8)
    table[list(alphabet.encode())] = range(len(alphabet))
    raw = np.frombuffer("".join(texts).encode("latin-1", "replace"), np.uint8)
    return table[raw].reshape(len(texts), -1)


def gram(left: Codes, right: Codes, letters: int) -> Floats:
    """The kernel between each of `left` and each of `right`; between a sequence and itself it is 1.2."""
    degree = _weighted_degree(left, right, letters)
    own = np.outer(_own(left, letters), _own(right, letters))
    return (degree / np.sqrt(np.maximum(own, 1e-12))) ** 2 + SPECTRUM * (
        _spectra(left, letters) @ _spectra(right, letters).T
    )


def _weighted_degree(left: Codes, right: Codes, letters: int) -> Floats:
    found = np.zeros((len(left), len(right)))
    for one, other, weight in _shifted(left, right, letters):
        for at in range(0, len(left), BLOCK):
            rows = slice(at, at + BLOCK)
            found[rows] += weight * _matches(one[rows, None], other[None])
    return found


def _own(codes: Codes, letters: int) -> Floats:
    """The kernel of each with itself, before it is made equal for all."""
    parts = [weight * _matches(one, other) for one, other, weight in _shifted(codes, codes, letters)]
    total: Floats = np.sum(parts, axis=0)
    return total


def _shifted(left: Codes, right: Codes, letters: int) -> Iterator[tuple[Bits, Bits, float]]:
    """Both as bits, at each shift either way, and how much it counts."""
    width = left.shape[1]
    for shift in range(-SHIFTS, SHIFTS + 1):
        one = left[:, max(0, shift) : width + min(0, shift)]
        other = right[:, max(0, -shift) : width + min(0, -shift)]
        yield _bits(one, letters), _bits(other, letters), 1 / (1 + abs(shift)) / (2 if shift else 1)


def _bits(codes: Codes, letters: int) -> Bits:
    """Sequences x words x letters: where each letter stands."""
    starts = range(0, codes.shape[1], STEP)
    found = np.zeros((len(codes), len(starts), letters), np.uint64)
    for word, start in enumerate(starts):
        part = codes[:, start : start + 64]
        places = np.left_shift(np.uint64(1), np.arange(part.shape[1], dtype=np.uint64))
        for letter in range(letters):
            found[:, word, letter] = ((part == letter) * places).sum(1, dtype=np.uint64)
    return found


def _matches(left: Bits, right: Bits) -> Floats:
    """Of words of 1 to DEGREE letters at the same place, how many are equal; longer ones count less each."""
    begins = np.uint64((1 << STEP) - 1)
    total: Floats = np.zeros(1)
    for word in range(left.shape[-2]):
        same = left[..., word, 0] & right[..., word, 0]
        for letter in range(1, left.shape[-1]):
            same = same | left[..., word, letter] & right[..., word, letter]
        run = same
        for length in range(1, DEGREE + 1):
            weight = 2 * (DEGREE - length + 1) / DEGREE / (DEGREE + 1)
            total = total + weight * np.bitwise_count(run & begins)
            run = run & (same >> np.uint64(length))
    return total


def _spectra(codes: Codes, letters: int) -> Floats:
    """Counts of the k-mers of both halves, each k of length one and all of them a third."""
    half = codes.shape[1] // 2
    parts = []
    for k in word_lengths(letters):
        size = letters**k
        counts = np.hstack([_counts(part, k, size, letters) for part in (codes[:, :half], codes[:, half:])])
        parts.append(counts / np.sqrt(np.maximum((counts**2).sum(1, keepdims=True), 1)))
    return np.hstack(parts) / np.sqrt(len(parts)) if parts else np.zeros((len(codes), 1))


def word_lengths(letters: int) -> list[int]:
    """Which k-mers a spectrum counts."""
    return [k for k in (2, 3, 4) if letters**k <= WORD_DIMENSIONS_MAX]


def _counts(codes: Codes, k: int, size: int, letters: int) -> Floats:
    number, known = words(codes, k, letters)
    rows = np.arange(len(codes))[:, None] * size
    return (
        np.bincount((rows + number)[known], minlength=len(codes) * size)
        .reshape(len(codes), size)
        .astype(float)
    )


def words(codes: Codes, k: int, letters: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The number of the k-mer that begins at each place, and whether all its letters are known."""
    width = max(0, codes.shape[1] - k + 1)
    number, known = np.zeros((len(codes), width), np.int64), np.ones((len(codes), width), bool)
    for offset in range(k):
        part = codes[:, offset : offset + width]
        number, known = number * letters + part, known & (part < letters)
    return number, known
