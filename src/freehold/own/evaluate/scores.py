"""How well something does on each row: what every recipe's evaluation gives, and every comparison takes."""

from typing import Literal, NamedTuple

from msgspec import Struct


class RowScore(NamedTuple):
    """One row of one subject. A metric over rows is the sum of values by the sum of weights."""

    id: str
    cluster: str  # rows that are not independent share it: a document, a family of sequences
    value: float  # e.g. bits
    weight: float = 1.0  # e.g. bytes


class Scores(Struct, frozen=True):
    """One subject's rows in one metric."""

    subject: str  # "own/NAME", an incumbent, or a baseline such as "xz"
    metric: str  # with its unit: "bits per byte", "accuracy"
    better: Literal["lower", "higher"]
    best: float  # the metric's best value and its worst: what is compared for promotion is put between them
    worst: float
    rows: tuple[RowScore, ...]
    on: str = "held out"  # or the name of a transfer set
    baseline: bool = False  # whether the command itself made it, as an honest yardstick

    @property
    def bits(self) -> float:
        """How many bits lie between its worst and its best; 0 where it is not in bits."""
        return abs(self.best - self.worst) if self.metric.startswith("bits ") else 0.0
