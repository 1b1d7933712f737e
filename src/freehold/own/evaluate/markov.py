"""Markov models of DNA of all orders up to twelve, mixed: the yardstick beside every model of DNA.

The probability of a base after its last k is p_k = (n_kb + a p_(k-1)) / (n_k + a): n are counts on both strands, and
p_(k-1) comes from one base less (MacKay and Peto 1995, A hierarchical Dirichlet language model, Natural Language
Engineering 1). At each base the orders are weighed by how likely each has made the bases before it, the latest counting
most (as in GeCo: Pratas, Pinho and Ferreira 2016, Efficient compression of genomic sequences, DCC). Nothing is fitted.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from freehold.own.dna import Codes, reverse_complement

ORDER = 12
ORDER_MAX = 26  # of what fits into 64 bits
_STRENGTH = 1.0
_KEPT = 0.95  # of a weight's logarithm, at each base
_STEPS = 64  # bases that are mixed at once
_DIGITS = 5  # four bases, and one that is not known

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


class _Places(NamedTuple):
    """The known bases of a sequence with their contexts, in the order of these: so they are looked up faster."""

    keys: Integers  # digits of the context, the latest base first
    reach: Integers  # bases of it that are known
    bases: Integers
    at: Integers  # in the sequence


class Markov:
    """What has been counted in some sequences."""

    def __init__(self, sequences: Sequence[Codes], order: int = ORDER) -> None:
        self._order = order
        both = [_places(strand, order) for one in sequences for strand in (one, reverse_complement(one))]
        keys = np.concatenate([np.empty(0, np.int64), *(one.keys for one in both)])
        bases = np.concatenate([np.empty(0, np.int64), *(one.bases for one in both)])
        self._contexts = [
            np.sort(keys[bases == base]) for base in range(4)
        ]  # those that begin alike lie together

    def bits(self, sequence: Codes) -> Floats:
        """Bits of each base given what precedes it; not a number where it is not known."""
        found: Floats = -np.log2(mixed(self.by_order(sequence)))
        return found

    def by_order(self, sequence: Codes) -> Floats:
        """The probability of each base after none, one, two... of those before it: orders x bases.

        What is not known, as a base or in its context, adds nothing to the order below; a base is then not a number.
        """
        places = _places(sequence, self._order)
        likely = np.full(len(places.keys), 0.25)
        found = np.full((self._order + 1, len(sequence)), np.nan)
        for order in range(self._order + 1):
            of_base, of_all = self._counts(places, order)
            likely = (of_base + _STRENGTH * likely) / (of_all + _STRENGTH)
            found[order, places.at] = likely
        return found

    def _counts(self, places: _Places, order: int) -> tuple[Floats, Floats]:
        """How often each base was seen after its context of this length, and how often that was."""
        width = _DIGITS ** (self._order - order)
        low = places.keys // width * width
        of_base, of_all = np.zeros(len(low)), np.zeros(len(low))
        for base, contexts in enumerate(self._contexts):
            seen = np.searchsorted(contexts, low + width) - np.searchsorted(contexts, low)
            of_all += seen
            of_base += np.where(places.bases == base, seen, 0)
        known = places.reach >= order
        return of_base * known, of_all * known


def mixed(likely: Floats) -> Floats:
    """The probability of each base by several models together (models x bases), from what precedes it alone."""
    found = np.full(likely.shape[1], np.nan)
    known = np.flatnonzero(~np.isnan(likely[0]))
    steps = np.arange(_STEPS + 1)
    passed = np.tril(_KEPT ** (steps[:, None] - steps), -1)[
        :, :-1
    ]  # what is left of a base's logarithm later on
    weights = np.zeros(len(likely))
    for begin in range(0, len(known), _STEPS):
        some = known[begin : begin + _STEPS]
        count, block = len(some), likely[:, some].T
        logs = passed[: count + 1, :count] @ np.log(block) + _KEPT ** steps[: count + 1, None] * weights
        shares = np.exp(logs[:-1] - logs[:-1].max(-1, keepdims=True))
        found[some] = (shares * block).sum(-1) / shares.sum(-1)
        weights = logs[-1]
    return found


def _places(sequence: Codes, order: int) -> _Places:
    digits = np.where(sequence < 0, _DIGITS - 1, sequence).astype(np.int64)
    padded = np.concatenate([np.full(order, _DIGITS - 1), digits])
    keys = np.zeros(len(sequence), np.int64)
    for back in range(1, order + 1):
        keys = keys * _DIGITS + padded[order - back : order - back + len(sequence)]
    at = np.arange(len(sequence))
    ended = np.maximum.accumulate(np.where(digits == _DIGITS - 1, at, -1))
    reach = at - np.concatenate([[-1], ended])[: len(at)] - 1
    known = np.flatnonzero(sequence >= 0)
    by_context = known[np.argsort(keys[known], kind="stable")]
    return _Places(keys[by_context], reach[by_context], digits[by_context], by_context)
