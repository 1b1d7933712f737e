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
    forward = (codes & 3).astype(np.uint64)
    backward, unknown = forward ^ np.uint64(3), codes == _UNKNOWN
    length = 1
    while length < K:  # words of twice the length from two of the length
        bits = np.uint64(2 * length)
        forward = forward[:-length] << bits | forward[length:]
        backward = backward[length:] << bits | backward[:-length]
        unknown = unknown[:-length] | unknown[length:]
        length *= 2
    places = np.flatnonzero(~unknown)
    owners = np.searchsorted(starts, places, side="right") - 1
    return Words(np.minimum(forward, backward)[places], owners, places - starts[owners])
