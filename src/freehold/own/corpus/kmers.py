"""Words of 32 bases as numbers, the same for both strands: by them it is seen that two sequences share a stretch.

By chance two words of 32 random bases are equal once in 4**32, so one in common is no accident; but a common adapter
or a mobile element counts as much as a common gene.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

K = 32  # bases; two bits each fill a word of 64
BASES = "ACGT"
_UNKNOWN = 4
_CODES = np.full(256, _UNKNOWN, np.uint8)
for _code, _letters in enumerate(("A", "C", "G", "TU")):
    _CODES[[ord(one) for one in _letters]] = _code


class Words(NamedTuple):
    """The words of several texts one after the other; those with an ambiguous base are not there."""

    words: NDArray[np.uint64]  # the lesser of a word and its reverse complement
    texts: NDArray[np.int64]  # whose it is: the place among the texts
    places: NDArray[np.int64]  # where in its text it begins


def codes_of(text: str) -> NDArray[np.uint8]:
    """A, C, G and T (or U) as 0 to 3; anything else, also what may be several bases, as 4."""
    return _CODES[np.frombuffer(text.encode("ascii", "replace"), np.uint8)]


def words_of(texts: Sequence[str]) -> Words:
    """All words of all texts."""
    lengths = np.array([len(text) for text in texts], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    codes = codes_of("-".join(texts))  # no word goes over the end of a text
    count = max(0, len(codes) - K + 1)
    forward, backward = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    known = np.ones(count, bool)
    for offset in range(K):
        part = codes[offset : offset + count]
        known &= part != _UNKNOWN
        base = (part & 3).astype(np.uint64)
        forward |= base << np.uint64(2 * (K - 1 - offset))
        backward |= (base ^ np.uint64(3)) << np.uint64(2 * offset)
    places = np.flatnonzero(known)
    owners = np.searchsorted(starts, places, side="right") - 1
    return Words(np.minimum(forward, backward)[places], owners, places - starts[owners])
