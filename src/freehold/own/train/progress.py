"""What a training says while it runs, and its log: one JSON object a step."""

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

FILE = "log.jsonl"


class Progress(Struct, frozen=True):
    """One step."""

    step: int  # from 1
    steps: int
    loss: float  # nats a target
    norm: float  # of the gradient, before it was clipped
    learning_rate: float
    tokens: int  # targets so far
    cpu_s: float  # processor time so far, of all processes
    wall_s: float
    rate: float  # tokens a CPU-second, of this step
    left_s: float  # until the end, on the wall's clock, if it goes on like this


Say = Callable[[Progress], None]


class Log:
    """The log of a training, gone on with after the step of a checkpoint. Only one process writes it."""

    def __init__(self, path: Path, step: int) -> None:
        kept = [one for one in read(path) if one.step <= step] if path.exists() else []
        self._file = path.open("wb", buffering=0)
        self._file.writelines(msgspec.json.encode(one) + b"\n" for one in kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, progress: Progress) -> None:
        """Write one step. Raises OSError, e.g. where the disk is full."""
        self._file.write(msgspec.json.encode(progress) + b"\n")

    def sync(self) -> None:
        """Make it durable."""
        os.fsync(self._file.fileno())


def read(path: Path) -> Iterator[Progress]:
    """Each step of a log; what a kill cut short at its end is left out."""
    decoder = msgspec.json.Decoder(Progress)
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield decoder.decode(line)


def cpu_s() -> float:
    """Processor time of this process and of those that it has started and that have ended, in seconds."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
