"""What the arrays of a predictor mean: `predictor.json` beside `weights.npz`."""

import zlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from freehold.ledger.durable import replace
from freehold.vocabulary.errors import BadRequest

FILE, WEIGHTS = "predictor.json", "weights.npz"
Floats: TypeAlias = NDArray[np.float64]
Arrays: TypeAlias = Mapping[str, NDArray[Any]]


class Input(StrEnum):
    """What it is asked about."""

    SEQUENCE = "sequence"
    TEXT = "text"
    TABLE = "table"


class Method(StrEnum):
    """How it comes to its scores."""

    KERNEL = "kernel"  # a support vector machine on a string kernel
    LINEAR = "linear"  # logistic or ridge regression
    BAYES = "bayes"  # naive Bayes
    TREES = "trees"  # gradient boosting


class Column(Struct, frozen=True, omit_defaults=True):
    """One column of a table: a number, or one of few values."""

    name: str
    mean: float = 0.0
    scale: float = 1.0
    missing: bool = False  # whether it was ever missing in training
    values: tuple[str, ...] = ()  # of a category; empty: a number


class Shape(Struct, frozen=True, omit_defaults=True):
    """How an input becomes numbers, and the numbers scores."""

    input: Input
    method: Method
    alphabet: str = ""  # of sequences; other letters match nothing
    length: int = 0  # letters of a sequence, where all are aligned; 0: any number
    buckets: int = 0  # into which the n-grams of texts are hashed
    columns: tuple[Column, ...] = ()


class Weights(NamedTuple):
    """A predictor's whole content."""

    shape: Shape
    arrays: Arrays


def write(folder: Path, weights: Weights) -> None:
    """Put both files into a folder that exists."""
    replace(folder / FILE, msgspec.json.format(msgspec.json.encode(weights.shape), indent=1) + b"\n")
    with (folder / WEIGHTS).open("wb") as file:
        np.savez_compressed(file, **weights.arrays)  # type: ignore[arg-type] # stubs take one for a flag


def read(folder: Path) -> Weights:
    """What a folder holds. Raises BadRequest where that is no predictor."""
    try:
        shape = msgspec.json.decode((folder / FILE).read_bytes(), type=Shape)
        with np.load(folder / WEIGHTS, allow_pickle=False) as file:
            return Weights(shape, {name: file[name] for name in file.files})
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error, MemoryError, msgspec.DecodeError) as error:
        raise BadRequest(
            f"{folder} holds no predictor: {error}", remedy="`freehold own train` writes one."
        ) from None
