"""Rows of named numbers, kept so that a new row's inner products with all before take milliseconds."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.int32]
Row = tuple[Numbers, Array]  # numbers of names, and their values


def difference(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """first - second, without the names where they are equal."""
    return combined(first, second, -1.0)


def total(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """first + second."""
    return combined(first, second, 1.0)


def combined(first: Mapping[str, float], second: Mapping[str, float], sign: float) -> dict[str, float]:
    """first + sign * second, without zeros."""
    found = dict(first)
    for name, value in second.items():
        found[name] = found.get(name, 0.0) + sign * value
    return {name: value for name, value in found.items() if value}


class Rows:
    """Sparse rows in the order they came; a name gets its number, from 1 on, when it is first seen.

    Every row begins with number 0, which has no name and no weight, so that no row is empty.
    """

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._columns: Numbers = np.zeros(1 << 12, dtype=np.int32)
        self._values: Array = np.zeros(1 << 12)
        self._starts = [0]
        self._dense: Array = np.zeros(1 << 12)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def numbered(self, row: Mapping[str, float]) -> Row:
        """A row in the form that `products` and `append` take."""
        numbers = [self._number.setdefault(name, len(self._number) + 1) for name in row]
        return np.array([0, *numbers], dtype=np.int32), np.array([0.0, *row.values()])

    def products(self, row: Row) -> Array:
        """Inner products of a row with every row kept."""
        columns, values = row
        if not len(self):
            return np.zeros(0)
        if len(self._number) >= len(self._dense):
            self._dense = np.zeros(2 * len(self._number))
        self._dense[columns] = values
        end = self._starts[-1]
        found = self._dense.take(self._columns[:end])
        found *= self._values[:end]
        self._dense[columns] = 0.0
        return np.add.reduceat(found, self._starts[:-1])

    def append(self, row: Row) -> None:
        """Keep a row."""
        columns, values = row
        start, end = self._starts[-1], self._starts[-1] + len(columns)
        while end > len(self._columns):
            self._columns = np.concatenate((self._columns, np.zeros_like(self._columns)))
            self._values = np.concatenate((self._values, np.zeros_like(self._values)))
        self._columns[start:end], self._values[start:end] = columns, values
        self._starts.append(end)
