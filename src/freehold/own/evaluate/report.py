"""What an evaluation found: `report.json`, and the pairs that promotion is decided on."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from freehold.vocabulary.report import Interval

FILE, PAIRS = "report.json", "pairs.jsonl"  # in RUN/evaluate
EVALUATED = (
    "own-evaluated"  # the kind of event that says: pairs were made of a model and who it would replace
)


class Measured(Struct, frozen=True):
    """How well one subject does by itself."""

    subject: str
    metric: str
    on: str
    better: str
    value: Interval  # clustered
    rows: int
    clusters: int
    baseline: bool = False


class Compared(Struct, frozen=True):
    """How much better `first` does than `second` on the same rows, in the metric's unit; above 0 is better."""

    first: str
    second: str
    metric: str
    on: str
    value: Interval  # paired and clustered
    rows: int
    clusters: int


class Bin(NamedTuple):
    """Of the predictions with about this confidence, how many are right."""

    confidence: float
    right: float
    rows: int


class Calibration(Struct, frozen=True):
    """How far a predictor's probabilities can be taken at their word."""

    subject: str
    expected_error: float  # mean distance of confidence and share that is right, 0 to 1
    by_chance: float  # what it would be on average if each of these confidences were true
    brier: float
    log_loss: float  # nats
    bins: tuple[Bin, ...]


class Evaluation(Struct, frozen=True, omit_defaults=True):
    """The whole of what was found."""

    name: str
    recipe: str
    inputs: dict[str, str]  # digests of the model and of what it was held against
    measured: tuple[Measured, ...]
    compared: tuple[Compared, ...]
    calibrations: tuple[Calibration, ...] = ()
    notes: tuple[str, ...] = ()


class Pair(NamedTuple):
    """One row answered by the own model and by the incumbent, each scored from 0 (worst) to 1 (best)."""

    id: str
    cluster: str
    against: str  # the incumbent
    source: str  # "held out" or "tasks"
    own: float
    incumbent: float
    weight: float = 1.0  # e.g. bytes
    bits: float = 0.0  # how many lie between 0 and 1; 0: it is no metric in bits


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """Write pairs, one a line."""
    with path.open("wb") as file:
        for one in pairs:
            file.write(msgspec.json.encode(one) + b"\n")


def read_pairs(path: Path) -> Iterator[Pair]:
    """Read them."""
    decoder = msgspec.json.Decoder(Pair)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
