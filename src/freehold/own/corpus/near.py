"""Duplicates: exact ones by their normalised text, near ones by the Jaccard similarity of their shingles.

MinHash (Broder 1997) with banded signatures proposes which pairs may be alike; the true similarity decides. The
signatures are numpy's work: ten times as quick as hashing each shingle by itself, and nothing rests on their quality
but how many pairs are looked at.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.knobs import Corpus
from freehold.own.rows import Row

Shingles = NDArray[np.uint64]  # sorted, each once

WORDS = 5  # a shingle of text is so many words
RELATED = 0.5  # what is at least this share as alike as near-duplicates are shares a cluster
_PERMUTATIONS = 128
_FOUND = (
    0.9  # how many of the pairs that are just related are to be proposed; of near-duplicates it is then all
)
_SLACK = 0.18  # four standard deviations of a similarity told from signatures
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # written without spaces: each sign counts as a word
WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_NONE = np.empty(0, np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.random.default_rng(0).integers(1 << 63, size=_PERMUTATIONS, dtype=np.uint64) * np.uint64(
    2
) + np.uint64(1)


def text_of(row: Row) -> str:
    """All of a row's text: what it says by itself and in its turns."""
    return "\n\n".join(filter(None, (row.text, *(turn.text for turn in row.turns))))


def word_shingles(row: Row) -> Shingles:
    """Hashes of all runs of five words, case left aside; of all words together where there are fewer."""
    found = WORD.findall(text_of(row).casefold())
    tokens = np.fromiter(map(_hashed, found), np.uint64, len(found))
    return _runs(tokens, min(WORDS, len(found)))


def k_mers(row: Row, k: int = 16) -> Shingles:
    """Hashes of all runs of k characters."""
    tokens = np.frombuffer(row.text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    return _runs(tokens, min(k, len(tokens)))


def jaccard(first: Shingles, second: Shingles) -> float:
    """Shared shingles as a share of all; 0 where there are none."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / max(1, len(first) + len(second) - shared)


class Clusters:
    """Which of n things belong together (union-find)."""

    def __init__(self) -> None:
        self._above: list[int] = []

    def add(self) -> int:
        """One more, by itself. Returns its number."""
        self._above.append(len(self._above))
        return len(self._above) - 1

    def of(self, one: int) -> int:
        """The first of those it belongs to."""
        while self._above[one] != one:
            self._above[one] = one = self._above[self._above[one]]
        return one

    def join(self, one: int, other: int) -> None:
        """They, and all that belong to either, belong together."""
        low, high = sorted((self.of(one), self.of(other)))
        self._above[high] = low


def deduplicated(
    rows: Iterable[Row], knobs: Corpus, drops: Drops, shingles: Callable[[Row], Shingles] = word_shingles
) -> list[Row]:
    """Rows without duplicates of earlier ones, each with its cluster.

    A row is dropped where an earlier one with the same label and spans has the same text, or shingles at least
    `near` alike. A cluster is what is at least half that alike, through others, too; what came with the same cluster
    stays together. Rows without text, as a table's, are all kept: two of the same values are in one cluster.
    """
    found = _Kept(knobs.near, shingles)
    for row in rows:
        found.take(row, drops)
    return found.rows()


@lru_cache(1 << 18)
def _hashed(word: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


def _runs(tokens: NDArray[np.uint64], length: int) -> Shingles:
    if not length:
        return _NONE
    count = len(tokens) - length + 1
    mixed = np.zeros(count, np.uint64)
    for offset in range(length):
        mixed = (mixed ^ tokens[offset : offset + count]) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def _signature(shingles: Shingles) -> NDArray[np.uint64]:
    """The least of each permutation of the shingles."""
    least = np.full(_PERMUTATIONS, np.iinfo(np.uint64).max, np.uint64)
    for begin in range(0, len(shingles), 4096):  # a bounded table, whatever a document's length
        part = shingles[begin : begin + 4096] * _FACTORS[:, None]
        np.minimum(least, part.min(axis=1), out=least)
    return least


def _band(similarity: float) -> int:
    """The longest band by which a pair that is just so alike is still proposed."""
    fits = (r for r in range(16, 1, -1) if (1 - similarity**r) ** (_PERMUTATIONS // r) <= 1 - _FOUND)
    return next(fits, 1)


class _Kept:
    """The rows kept so far, and where to look for their like."""

    def __init__(self, near: float, shingles: Callable[[Row], Shingles]) -> None:
        self._near, self._related = near, near * RELATED
        self._rows: list[Row] = []
        self._clusters = Clusters()
        self._named: dict[str, int] = {}  # cluster that rows came with -> the first of them
        self._same: defaultdict[bytes, list[int]] = defaultdict(list)  # text -> those that have it
        self._bands: dict[
            int, list[int] | int
        ] = {}  # mostly one number: a list for each would take gigabytes
        self._band_bytes = _band(self._related) * 8
        self._signatures: list[NDArray[np.uint64]] = []
        self._of = shingles
        self._shingles = lru_cache(4096)(lambda number: shingles(self._rows[number]))

    def rows(self) -> list[Row]:
        """What was kept, each with the name of its cluster: the one it came with, or its first row's."""
        names = {self._clusters.of(first): name for name, first in reversed(self._named.items())}
        numbers = map(self._clusters.of, range(len(self._rows)))
        return [
            replace(row, cluster=names.get(first) or self._rows[first].id)
            for row, first in zip(self._rows, numbers, strict=True)
        ]

    def take(self, row: Row, drops: Drops) -> None:
        """Keep a row, or drop it as the duplicate of one that was kept."""
        text = " ".join(text_of(row).split())
        told = text or repr(sorted(row.values.items()))
        same = self._same[hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()]
        twin = next((number for number in same if text and self._answers_alike(number, row)), None)
        if twin is not None:
            drops.add(row.id, row.origin, Reason.EXACT, f"of {self._rows[twin].id}")
            return
        shingles = self._of(row) if text else _NONE
        signature = _signature(shingles)
        related = dict(self._alike(shingles, signature))
        near = [
            number for number in related if related[number] >= self._near and self._answers_alike(number, row)
        ]
        if near:
            like = max(near, key=related.__getitem__)
            drops.add(row.id, row.origin, Reason.NEAR, f"{related[like]:.2f} of {self._rows[like].id}")
            return
        self._keep(row, signature, len(shingles) > 0)
        for number in (*same, *related):
            self._clusters.join(number, len(self._rows) - 1)
        same.append(len(self._rows) - 1)

    def _answers_alike(self, number: int, row: Row) -> bool:
        kept = self._rows[number]
        return (kept.label, kept.spans) == (row.label, row.spans)

    def _keep(self, row: Row, signature: NDArray[np.uint64], indexed: bool) -> None:
        number = self._clusters.add()
        self._rows.append(row)
        self._signatures.append(signature)
        if row.cluster:
            self._clusters.join(self._named.setdefault(row.cluster, number), number)
        if indexed:
            for key in self._keys(signature):
                others = self._bands.setdefault(key, number)
                if isinstance(others, list):
                    others.append(number)
                elif others != number:
                    self._bands[key] = [others, number]

    def _keys(self, signature: NDArray[np.uint64]) -> Iterator[int]:
        # One band's bytes are those of another, or hash alike, too rarely to matter: it is one more pair to look at.
        raw, length = signature.tobytes(), self._band_bytes
        return (hash(raw[begin : begin + length]) for begin in range(0, len(raw) - length + 1, length))

    def _alike(self, shingles: Shingles, signature: NDArray[np.uint64]) -> Iterator[tuple[int, float]]:
        """Kept rows that are related to these shingles, and how much they share."""
        if not len(shingles):
            return
        met: set[int] = set()
        for others in (self._bands.get(key, ()) for key in self._keys(signature)):
            met.update((others,) if isinstance(others, int) else others)
        if not met:
            return
        proposed = sorted(met)
        agreed = (np.array([self._signatures[number] for number in proposed]) == signature).mean(axis=1)
        for number in np.array(proposed)[agreed >= self._related - _SLACK].tolist():
            shared = jaccard(self._shingles(number), shingles)
            if shared >= self._related:
                yield number, shared
