"""What a predictor is trained on: inputs, targets and clusters, out of a corpus's rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from freehold.own.artefact import Kind
from freehold.own.predicting.shape import Floats, Input
from freehold.own.rows import Row
from freehold.own.train.knobs import Predict
from freehold.vocabulary.errors import BadRequest

CLASSES_MAX = 10  # of labels that are numbers: more different ones are taken for amounts
NUCLEOTIDES = set("ACGTUNRYSWKMBDHV")  # with the letters of IUPAC for several


class Examples(NamedTuple):
    """Rows of one kind of input with what is to be told of each."""

    kind: Kind
    input: Input
    inputs: tuple[object, ...]
    targets: Floats  # a class's place in `labels`, or a number
    labels: tuple[str, ...]  # of a classifier
    clusters: NDArray[np.int64]
    ids: tuple[str, ...]


def kind_of(rows: Sequence[Row], knobs: Predict) -> Kind:
    """A tagger where a row has spans, otherwise as the labels are."""
    if any(row.spans for row in rows):
        return Kind.TAGGER
    if knobs.tells != "auto":
        return Kind.REGRESSOR if knobs.tells == "number" else Kind.CLASSIFIER
    different = {row.label for row in rows if row.label is not None}
    many = len(different) > CLASSES_MAX and not any(isinstance(label, str) for label in different)
    return Kind.REGRESSOR if many else Kind.CLASSIFIER


def input_of(rows: Sequence[Row], knobs: Predict) -> Input:
    """Rows with values are a table; texts of letters for nucleotides alone are sequences.

    Raises BadRequest where rows have both values and a text.
    """
    if knobs.input != "auto":
        return Input(knobs.input)
    table, text = (next((row for row in rows if one(row)), None) for one in (_values, said_in))
    if table and text:
        raise BadRequest(
            f"rows have both a text and values, as {table.id} has {', '.join(table.values)}",
            remedy='Put the columns into `ignore` of [corpus], or set `input = "table"` or "text" in [train].',
        )
    if table:
        return Input.TABLE
    return Input.SEQUENCE if set().union(*map(bases_of, rows)) <= NUCLEOTIDES else Input.TEXT


def bases_of(row: Row) -> str:
    """A sequence in capitals."""
    return said_in(row).strip().upper()


def said_in(row: Row) -> str:
    """A row's text, or what was said in its turns."""
    return row.text or "\n".join(turn.text for turn in row.turns)


def _values(row: Row) -> bool:
    return bool(row.values)


def asked(row: Row, given: Input) -> object:
    """What a predictor is asked about a row."""
    if given is Input.TABLE:
        return dict(row.values)
    return bases_of(row) if given is Input.SEQUENCE else said_in(row)


def label_of(row: Row) -> str:
    """A class's name; 1.0 and 1 are one."""
    return row.label if isinstance(row.label, str) else f"{row.label:g}"


def examples_of(rows: Sequence[Row], knobs: Predict) -> Examples:
    """The rows that have a label. Raises BadRequest where they are too few, or have but one class."""
    labelled = [row for row in rows if row.label is not None]
    if len(labelled) < 2 * knobs.folds:
        raise BadRequest(
            f"{len(labelled)} rows have a label, but {knobs.folds} folds need {2 * knobs.folds}",
            remedy="Name the column or field in `label` of [corpus], or lower `folds` in [train].",
        )
    kind, given = kind_of(labelled, knobs), input_of(labelled, knobs)
    labels = tuple(sorted(set(map(label_of, labelled)))) if kind is Kind.CLASSIFIER else ()
    numbers = dict.fromkeys(row.cluster or row.id for row in labelled)
    place = {name: at for at, name in enumerate(numbers)}
    return Examples(
        kind,
        given,
        tuple(asked(row, given) for row in labelled),
        np.array([labels.index(label_of(row)) if labels else _number(row) for row in labelled], float),
        labels,
        np.array([place[row.cluster or row.id] for row in labelled]),
        tuple(row.id for row in labelled),
    )


def _number(row: Row) -> float:
    try:
        return float(row.label or 0)
    except ValueError:
        raise BadRequest(
            f"row {row.id} has the label {row.label!r}, which is no number",
            remedy='Correct it, or set `tells = "class"` in [train].',
        ) from None


def folds_of(examples: Examples, folds: int) -> list[NDArray[np.int64]]:
    """The rows of each fold. A cluster is in one fold only, and classes are spread evenly.

    Raises BadRequest for a class with fewer clusters than folds.
    """
    classes = examples.targets.astype(int) if examples.labels else np.zeros(len(examples.targets), int)
    for place, name in enumerate(examples.labels):
        found = len(set(examples.clusters[classes == place].tolist()))
        if found < folds or len(examples.labels) == 1:
            raise BadRequest(
                f"class {name!r} has {found} clusters of rows, of {len(examples.labels)} classes, for {folds} folds",
                remedy="Add rows of each class, lower `folds` in [train], or leave the class out.",
            )
    return grouped(classes, examples.clusters, folds)


def grouped(
    classes: NDArray[np.int64], clusters: NDArray[np.int64], folds: int, seed: int = 0
) -> list[NDArray[np.int64]]:
    """Clusters, the largest first, each go where they leave the classes most even; among equals, by the seed."""
    many = int(classes.max()) + 1
    sizes = np.zeros((int(clusters.max()) + 1, many))
    np.add.at(sizes, (clusters, classes), 1)
    share = np.maximum(sizes.sum(0), 1)
    held = np.zeros((folds, many))
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    place = np.zeros(len(sizes), int)
    for cluster in shuffled[np.argsort(-sizes[shuffled].sum(1), kind="stable")]:
        cost = (((held + sizes[cluster]) / share) ** 2 - (held / share) ** 2).sum(1)
        place[cluster] = int(np.argmin(cost))
        held[place[cluster]] += sizes[cluster]
    return [np.flatnonzero(place[clusters] == fold) for fold in range(folds)]
