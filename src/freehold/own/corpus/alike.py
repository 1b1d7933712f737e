"""Which sequences are alike, so that they stay together; and the ends of long ones, which are held out.

Two sequences are alike that, laid along each other without gaps, have the same base in seven of ten places over 40 or
more, or in nine of ten over 20 or more; between shuffled sequences of the splice-junction data no such pair was found
among five million. So are two that share a word of 32 bases on either strand. Not seen: what is alike only with gaps.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from freehold.own.corpus.kmers import codes_of, words_of
from freehold.own.corpus.near import Clusters
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest

RULES = ((40, 0.7), (20, 0.9))  # so many bases of overlap at the least, and the share that is the same
WORK_MAX = 3e12  # multiplications; beyond, only the shared words tell (about a minute's work of one core)
CUT_MIN = 10_000  # bases; a shorter sequence is not cut
_BLOCK = 1024  # sequences compared at once with all others


def clustered(rows: Sequence[Row]) -> list[Row]:
    """Rows with one cluster for those that are alike, or that came with the same."""
    clusters, named = Clusters(), dict[str, int]()
    for row in rows:
        number = clusters.add()
        if row.cluster:
            clusters.join(named.setdefault(row.cluster, number), number)
    texts = [row.text for row in rows]
    for one, other in _sharing_words(texts):
        clusters.join(one, other)
    if compared(texts):
        for one, other in _identical(texts):
            clusters.join(one, other)
    return [replace(row, cluster=rows[clusters.of(number)].id) for number, row in enumerate(rows)]


def compared(texts: Sequence[str]) -> bool:
    """Whether each is laid along each other; of more, or longer ones, shared words tell alone."""
    longest = max(map(len, texts), default=0)
    return 4.0 * len(texts) ** 2 * longest**2 <= WORK_MAX


def cut(rows: Sequence[Row], share: float) -> tuple[list[Row], list[Row]]:
    """The beginning of each long sequence, and its end, which is held out: `share` of its bases.

    What is shorter than 10,000 bases is not cut, and not held out. Raises BadRequest where nothing is long enough.
    """
    learnt, held = list[Row](), list[Row]()
    for row in rows:
        at = len(row.text) - round(share * len(row.text))
        if len(row.text) < CUT_MIN or at == len(row.text):
            learnt.append(row)
            continue
        if at:
            learnt.append(part_of(row, 0, at))
        held.append(part_of(row, at, len(row.text)))
    if not held:
        longest = max((len(row.text) for row in rows), default=0)
        raise BadRequest(
            f'split = "position" cuts sequences of {CUT_MIN:,} bases and more; the longest here has {longest:,}',
            remedy='Set split = "identity" in [corpus], by which alike sequences stay together.',
        )
    return learnt, held


def part_of(row: Row, begin: int, end: int) -> Row:
    """A stretch of a sequence; its id says which, counted from 1 with both ends, as genome browsers write it."""
    return replace(
        row, id=f"{row.id}:{begin + 1}-{end}", text=row.text[begin:end], cluster=row.cluster or row.id
    )


def _sharing_words(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    found = words_of(texts)
    order = np.argsort(found.words, kind="stable")
    words, owners = found.words[order], found.texts[order]
    same = (words[1:] == words[:-1]) & (owners[1:] != owners[:-1])
    pairs = np.unique(np.stack([owners[:-1][same], owners[1:][same]]), axis=1)
    yield from zip(*pairs.tolist(), strict=True)


def _identical(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs that fit a rule at some shift."""
    lengths = np.array([len(text) for text in texts], np.int64)
    longest = int(lengths.max(initial=0))
    bases = _one_hot(texts, longest)
    for shift in range(longest - min(overlap for overlap, _ in RULES) + 1):
        right = np.ascontiguousarray(bases[:, : (longest - shift) * 4].T)
        nearest = (
            int(lengths.min()) - shift
        )  # no pair has less overlap, so none fits with fewer bases than `least`
        least = min(share * max(overlap, nearest) for overlap, share in RULES if overlap <= longest - shift)
        for at in range(0, len(texts), _BLOCK):
            same = bases[at : at + _BLOCK, shift * 4 :] @ right
            one, other = np.nonzero(same >= least - 1e-3)
            overlaps = np.minimum(lengths[one + at] - shift, lengths[other])
            fits = np.zeros(len(one), bool)
            for overlap, share in RULES:
                fits |= (overlaps >= overlap) & (same[one, other] >= share * overlaps - 1e-3)
            fits &= one + at != other
            yield from zip((one[fits] + at).tolist(), other[fits].tolist(), strict=True)


def _one_hot(texts: Sequence[str], longest: int) -> NDArray[np.float32]:
    """Sequences x places x bases; what may be several bases is like none."""
    found = np.zeros((len(texts), longest, 5), np.float32)
    for number, text in enumerate(texts):
        found[number, np.arange(len(text)), codes_of(text)] = 1
    return np.ascontiguousarray(found[..., :4]).reshape(len(texts), longest * 4)
