"""Do two sets of answers to the same questions come from one distribution? Maximum mean discrepancy with permutations.

The statistic is the unbiased MMD^2 of Gretton et al. (2012, JMLR 13, lemma 6), over all questions at once, with a
kernel that is 0 between answers to different questions and the share of equal places (Hamming) between answers to
one: the test of Gao, Liang & Guestrin (2024, arXiv:2410.20247), which wants many answers for each question.

Every permuted statistic is a quadratic form in the Gram matrix, which no permutation changes: so the matrix is made
once, question by question, and all permutations are one matrix product.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Members = NDArray[np.bool_]
PAD = -1
COMPARED_BYTES = 1 << 21


class MmdResult(NamedTuple):
    """The statistic (0 on average where nothing differs) and the chance of one so large where nothing differs."""

    statistic: float
    p_value: float


def mmd_test(
    x: Sequence[Sequence[str]],
    y: Sequence[Sequence[str]],
    permutations: int = 1000,
    seed: int = 0,
    length: int = 1000,
) -> MmdResult:
    """Compare x[question] with y[question], texts by their first `length` characters.

    Permutations exchange answers within a question, never between questions: valid also where questions were not drawn
    at random. The p-value counts the observed order among them (Phipson & Smyth 2010), so it is never 0.

    Raises ValueError unless both hold two answers or more to some question, and equally many questions.
    """
    if len(x) != len(y):
        raise ValueError(f"both sides answer the same questions, in order: {len(x)} and {len(y)}")
    grams = [hamming_gram(encode([*ours, *theirs], length)) for ours, theirs in zip(x, y, strict=True)]
    return gram_test(grams, [len(ours) for ours in x], permutations, seed)


def gram_test(
    grams: Sequence[Floats], sizes: Sequence[int], permutations: int = 1000, seed: int = 0
) -> MmdResult:
    """The same with any kernel: one Gram matrix for each question, the first side's answers first.

    Args:
        grams: symmetric, for each question all answers of both sides with one another.
        sizes: how many of each question's answers are the first side's.
        permutations: how many to draw.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    members = []
    for gram, size in zip(grams, sizes, strict=True):
        rows = np.zeros((permutations + 1, len(gram)), dtype=bool)
        rows[:, :size] = True
        random.permuted(rows[1:], axis=1, out=rows[1:])
        members.append(rows)
    observed, *permuted = statistics(grams, members)
    # Two statistics that are equal in exact arithmetic may differ in the last bits.
    reached = int((np.array(permuted) >= observed - 1e-12).sum())
    return MmdResult(float(observed), (1 + reached) / (1 + permutations))


def statistics(grams: Sequence[Floats], members: Sequence[Members]) -> Floats:
    """The statistic of every assignment: row r of members[question] says which answers are on the first side in it.

    Raises ValueError where a side nowhere has two answers to one question, or the two have no question in common.
    """
    rows = len(members[0])
    within_x, across, within_y = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    pairs_x, pairs_across, pairs_y = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    for gram, chosen in zip(grams, members, strict=True):
        first = chosen.astype(float)
        diagonal, row_sums = np.diag(gram), gram.sum(axis=1)
        inside = np.einsum("ij,ij->i", first @ gram, first)
        between = first @ row_sums - inside
        own = first @ diagonal
        within_x += inside - own
        across += between
        within_y += row_sums.sum() - 2 * between - inside - (diagonal.sum() - own)
        ours = first.sum(axis=1)
        theirs = len(gram) - ours
        pairs_x += ours * (ours - 1)
        pairs_across += ours * theirs
        pairs_y += theirs * (theirs - 1)
    if min(pairs_x.min(), pairs_across.min(), pairs_y.min()) == 0:
        raise ValueError("each side needs two answers or more to one question that both answered")
    return np.asarray(within_x / pairs_x - 2 * across / pairs_across + within_y / pairs_y)


def hamming_gram(codes: Codes) -> Floats:
    """For every two rows the share of places that are equal. Codes are code points or tokens, -1 at the least."""
    count, length = codes.shape
    places = _narrow(codes)
    gram = np.empty((count, count))
    at_once = max(1, COMPARED_BYTES // max(1, places.size))
    for row in range(0, count, at_once):
        equal = places[row : row + at_once, None, :] == places[None, row:, :]
        # Eight truth values, a byte each, are one word, and its bits are counted in one instruction.
        found = np.bitwise_count(equal.view(np.uint64)).sum(axis=-1, dtype=np.uint32)
        gram[row : row + at_once, row:] = found
        gram[row:, row : row + at_once] = found.T
    return np.asarray((gram - (places.shape[1] - length)) / length)


def _narrow(codes: Codes) -> NDArray[Any]:
    """The same differences in as few bytes as will do, and as many places as whole words of truth values need.

    Comparing is bound by memory. The places that are added are equal in all rows.
    """
    seen = np.zeros(int(codes.max(initial=PAD)) + 2, dtype=bool)
    seen[codes + 1] = True
    dense = np.cumsum(seen) - 1
    narrow = dense.astype(np.min_scalar_type(int(dense[-1])))[codes + 1]
    return np.pad(narrow, ((0, 0), (0, -codes.shape[1] % 8)))


def encode(texts: Sequence[str], length: int) -> Codes:
    """Code points of each text's first `length` characters, padded with -1."""
    if length < 1:
        raise ValueError(f"texts are compared by one character or more, not {length}")
    codes = np.full((len(texts), length), PAD, dtype=np.int32)
    for row, text in enumerate(texts):
        cut = text[:length]
        codes[row, : len(cut)] = np.frombuffer(cut.encode("utf-32-le", "surrogatepass"), dtype="<i4")
    return codes
