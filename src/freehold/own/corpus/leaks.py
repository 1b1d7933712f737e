"""Columns that tell the label by themselves: mostly what is only known once the label is.

Each column alone is made to tell the label of rows that it was not fitted on. One that removes nearly all errors of
whoever always says the commonest label (or the mean) is called leaking; a feature that is honestly that good needs no
model. Not seen: what leaks only together with another column, or words within a text.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from freehold.own.corpus.tables import Value
from freehold.own.rows import Row
from freehold.vocabulary.errors import BadRequest

LEAKING = 0.97  # share of the errors (of the variance) that are gone
ROWS_MIN = 20  # with fewer, chance alone would accuse
NEIGHBOURS = 3  # by which a number tells


class Told(NamedTuple):
    """How well one column tells the label."""

    column: str
    removed: float  # share of the errors of the commonest label, or of the variance around the mean; below 0: worse


def told(rows: Sequence[Row]) -> list[Told]:
    """How well each column of labelled rows tells the label, the best first; nothing of too few rows."""
    labelled = [row for row in rows if row.label is not None and row.values]
    if len(labelled) < ROWS_MIN:
        return []
    order = np.random.default_rng(0).permutation(len(labelled)).tolist()
    halves = [labelled[one] for one in order[::2]], [labelled[one] for one in order[1::2]]
    names = dict.fromkeys(name for row in labelled for name in row.values)
    found = [Told(name, _removed(name, *halves)) for name in names]
    return sorted(found, key=lambda one: -one.removed)


def see_leaks(rows: Sequence[Row], label: str) -> list[Told]:
    """The same. Raises BadRequest where a column tells the label almost perfectly."""
    found = told(rows)
    leaking = [one for one in found if one.removed >= LEAKING]
    if leaking:
        names = ", ".join(f"`{one.column}` ({one.removed:.1%})" for one in leaking)
        raise BadRequest(
            f"leaking column {names}: alone it takes away nearly all errors of whoever guesses `{label}` without it, "
            "on rows that it was not fitted on",
            remedy=f"Put what is only known once `{label}` is into `ignore` of [corpus].",
        )
    return found


def _removed(name: str, first: Sequence[Row], second: Sequence[Row]) -> float:
    """Each half is told by what the other has learnt."""
    wrong = base = 0.0
    for learnt, asked in ((first, second), (second, first)):
        labels, constant = [row.label for row in learnt], [""] * len(asked)
        guesses = _guesses(
            [row.values.get(name) for row in learnt], labels, [row.values.get(name) for row in asked]
        )
        wrong += _errors(guesses, asked)
        base += _errors(_by_value([""] * len(learnt), labels, constant), asked)
    return 1 - wrong / base if base else 0.0


def _errors(guesses: Sequence[Value], asked: Sequence[Row]) -> float:
    """Wrong classes, or squared distances."""
    pairs = zip(guesses, (row.label for row in asked), strict=True)
    return sum(
        (one - other) ** 2 if isinstance(one, float) and isinstance(other, float) else one != other
        for one, other in pairs
    )


def _guesses(learnt: Sequence[Value], labels: Sequence[Value], asked: Sequence[Value]) -> list[Value]:
    if any(isinstance(one, str) for one in (*learnt, *asked)):
        return _by_value(learnt, labels, asked)
    numbers = [at for at, one in enumerate(learnt) if one is not None]
    if len(numbers) < NEIGHBOURS:
        return _by_value(learnt, labels, asked)
    order = sorted(numbers, key=lambda at: learnt[at])  # type: ignore[arg-type, return-value] # no text is among them
    known = np.array([learnt[at] for at in order], float)
    missing = [label for one, label in zip(learnt, labels, strict=True) if one is None] or labels
    found: list[Value] = []
    for value in asked:
        if value is None:
            found.append(_middle(missing))
            continue
        first = min(max(0, int(np.searchsorted(known, float(value))) - 1), len(order) - NEIGHBOURS)
        found.append(_middle([labels[at] for at in order[first : first + NEIGHBOURS]]))
    return found


def _by_value(learnt: Sequence[Value], labels: Sequence[Value], asked: Sequence[Value]) -> list[Value]:
    """The commonest label, or the mean, of each value; of all where the value was never seen."""
    by = defaultdict[Value, list[Value]](list)
    for value, label in zip(learnt, labels, strict=True):
        by[value].append(label)
    known = {value: _middle(found) for value, found in by.items()}
    otherwise = _middle(labels)
    return [known.get(value, otherwise) for value in asked]


def _middle(labels: Sequence[Value]) -> Value:
    numbers = [one for one in labels if isinstance(one, float)]
    return sum(numbers) / len(numbers) if numbers else Counter(labels).most_common(1)[0][0]
