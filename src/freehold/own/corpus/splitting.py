"""Which rows are learnt from and which are held out: whole groups of rows that are alike, never single lines."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from freehold.own.corpus.knobs import Corpus, Split
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest

Sides = tuple[list[Row], list[Row]]  # learnt from, held out


def split(rows: Iterable[Row], knobs: Corpus, seed: int) -> Sides:
    """Rows to learn from and rows to hold out, each in the order they came in.

    Rows of one group stay on one side: a group is a document (split = "document"), or what shares a cluster (the
    others). A group's place is drawn from the seed and its name alone, so that a corpus that grows keeps most of its
    sides. By time, the latest are held out, and what is alike counts as old as the latest of it.
    The share is met as nearly as whole groups allow; drawn groups leave neither side empty if there are two.
    Raises BadRequest where time is to split rows that have none, and ValueError for `position`, by which sequences
    are cut, not grouped.
    """
    if knobs.split is Split.POSITION:
        raise ValueError("position cuts sequences; it does not group rows")
    kept = list(rows)
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in kept:
        groups[_group(row, knobs.split)].append(row)
    held = (
        _latest(groups, knobs.held_out) if knobs.split is Split.TIME else _drawn(groups, knobs.held_out, seed)
    )
    sides: Sides = ([], [])
    for row in kept:
        sides[_group(row, knobs.split) in held].append(row)
    return sides


def _group(row: Row, by: Split) -> str:
    return row.id if by is Split.DOCUMENT else row.cluster or row.id


def _drawn(groups: dict[str, list[Row]], share: float, seed: int) -> set[str]:
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    sizes = {name: len(groups[name]) for name in order}
    wanted, total = share * sum(sizes.values()), 0
    held: list[str] = []
    for name, size in sizes.items():
        if size and abs(total + size - wanted) <= abs(total - wanted):
            held.append(name)
            total += size
    if 0 < share < 1 and len(order) > 1:
        if not held:
            held = [min(order, key=sizes.__getitem__)]
        elif len(held) == len(order):
            held.pop()
    return set(held)


def _latest(groups: dict[str, list[Row]], share: float) -> set[str]:
    times = {name: max(row.at_ms for row in rows) for name, rows in groups.items()}
    dated = sorted(row.at_ms for rows in groups.values() for row in rows)
    if not dated or share == 0:
        return set()
    if dated[0] == 0 or dated[0] == dated[-1]:
        raise BadRequest(
            f"the corpus cannot be split by time: {_undated(dated)}",
            remedy='Give each line of a jsonl file an "at", keep the times of files, or set split = "cluster".',
        )
    # What is as old as the first that is held out is held out with it.
    line = dated[min(len(dated) - 1, round((1 - share) * len(dated)))]
    return {name for name, at in times.items() if at >= line}


def _undated(dated: Sequence[int]) -> str:
    return f"{dated.count(0)} rows have no time" if dated[0] == 0 else "all rows have the same time"
