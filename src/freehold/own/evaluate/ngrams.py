"""Byte n-grams of all orders up to seven, mixed: the yardstick beside every language model.

What follows a context of k bytes has p_k = (c - D) / n + D t / n p_(k-1) (interpolated absolute discounting: Ney,
Essen and Kneser 1994, On structuring probabilistic dependences in stochastic language modelling, Computer Speech and
Language 8), where c counts the byte after the context, n all bytes after it and t the different ones, and
D = n1 / (n1 + 2 n2) of that order. Counts are those of the training text and of the document's own past, so that it
learns names as it reads. The orders are then mixed, with weights for each longest known context, found by expectation
maximisation on the last twentieth of the training documents.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ORDERS = 7  # a context and the byte after it are one number of 64 bits
TRAINING_BYTES_MAX = 8_000_000  # of the end
CALIBRATED = 0.05
ROUNDS = 20
SYMBOLS = 256
Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]


class _Order(NamedTuple):
    """Counts of one order; keys are sorted."""

    keys: Keys  # context and byte
    counts: Floats
    contexts: Keys
    after: Floats  # bytes after a context
    kinds: Floats  # different ones
    discount: float


class Mixture:
    """Learns from documents, and tells how likely each byte of others is."""

    def __init__(self, documents: Sequence[bytes]) -> None:
        kept = _end_of(documents)
        apart = max(1, round(CALIBRATED * len(kept)))
        self._weights = np.full((ORDERS + 1, ORDERS + 1), 1 / (ORDERS + 1))
        if len(kept) > 1:
            self._orders = [_counted(kept[:-apart], order) for order in range(ORDERS + 1)]
            self._weights = _mixed([self._foretold(one) for one in kept[-apart:]])
        self._orders = [_counted(kept, order) for order in range(ORDERS + 1)]

    def bits(self, document: bytes) -> float:
        """How many bits a document takes."""
        if not document:
            return 0.0
        likely, known = self._foretold(document)
        return -float(np.log2((likely * self._weights[known]).sum(1)).sum())

    def _foretold(self, document: bytes) -> tuple[Floats, NDArray[np.intp]]:
        """Each byte's probability by each order, and the longest order whose context was seen before."""
        before = np.full(len(document), 1 / SYMBOLS)
        likely, known = [], np.zeros(len(document), np.intp)
        for order, learnt in enumerate(self._orders):
            keys = _keys(document, order)
            seen = _Seen(keys, learnt)
            share = learnt.discount * seen.kinds / np.maximum(seen.after, 1)
            direct = np.maximum(seen.counts - learnt.discount, 0) / np.maximum(seen.after, 1)
            before = np.where(seen.after > 0, direct + share * before, before)
            known[seen.after > 0] = order
            likely.append(before)
        return np.stack(likely, 1), known


class _Seen:
    """For each place of a document: what was counted of its context and byte before it, in training and here."""

    def __init__(self, keys: Keys, learnt: _Order) -> None:
        contexts = keys >> np.uint64(8)
        trained = _looked_up(keys, learnt.keys, learnt.counts)
        here = _earlier(keys, np.ones(len(keys)))
        new_kind = ((trained == 0) & (here == 0)).astype(float)
        self.counts = trained + here
        self.after = _looked_up(contexts, learnt.contexts, learnt.after) + _earlier(
            contexts, np.ones(len(keys))
        )
        self.kinds = _looked_up(contexts, learnt.contexts, learnt.kinds) + _earlier(contexts, new_kind)


def _end_of(documents: Sequence[bytes]) -> list[bytes]:
    """The last documents, as many as are counted; never none."""
    kept: list[bytes] = []
    size = 0
    for document in reversed(documents):
        size += len(document)
        if kept and size > TRAINING_BYTES_MAX:
            break
        kept.append(document[-TRAINING_BYTES_MAX:])
    return kept[::-1]


def _keys(document: bytes, order: int) -> Keys:
    """At each place the `order` bytes before it and its own, as one number; before the beginning there are zeros."""
    raw = np.frombuffer(bytes(order) + document, np.uint8).astype(np.uint64)
    found = np.zeros(len(document), np.uint64)
    for back in range(order + 1):
        found = (found << np.uint64(8)) | raw[back : back + len(document)]
    return found


def _counted(documents: Sequence[bytes], order: int) -> _Order:
    keys, counts = np.unique(np.concatenate([_keys(one, order) for one in documents]), return_counts=True)
    contexts, begins = np.unique(keys >> np.uint64(8), return_index=True)
    once, twice = float((counts == 1).sum()), float((counts == 2).sum())
    return _Order(
        keys=keys,
        counts=counts.astype(float),
        contexts=contexts,
        after=np.add.reduceat(counts, begins).astype(float),
        kinds=np.diff(np.append(begins, len(keys))).astype(float),
        discount=once / (once + 2 * twice) if once and twice else 0.5,
    )


def _looked_up(wanted: Keys, keys: Keys, values: Floats) -> Floats:
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0.0)


def _earlier(keys: Keys, values: Floats) -> Floats:
    """At each place the sum of the values at earlier places with the same key."""
    order = np.argsort(keys, kind="stable")
    in_order, ordered = keys[order], values[order]
    before = np.cumsum(ordered) - ordered
    first = np.append(True, in_order[1:] != in_order[:-1])
    begun = np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0))
    found = np.empty(len(keys))
    found[order] = before - before[begun]
    return found


def _mixed(foretold: Sequence[tuple[Floats, NDArray[np.intp]]]) -> Floats:
    """The weights of the orders, for each longest known one, under which these bytes are likeliest."""
    likely = np.concatenate([one for one, _ in foretold])
    known = np.concatenate([one for _, one in foretold])
    weights = np.full((ORDERS + 1, ORDERS + 1), 1 / (ORDERS + 1))
    for longest in range(ORDERS + 1):
        these = likely[known == longest]
        for _ in range(ROUNDS if len(these) else 0):
            shares = these * weights[longest]
            weights[longest] = (shares / shares.sum(1, keepdims=True)).mean(0)
    return weights
