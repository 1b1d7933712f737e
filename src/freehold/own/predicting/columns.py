"""A row of a table as numbers: standardised, with a flag where one is missing; a category as one of its values."""

from collections.abc import Mapping, Sequence

import numpy as np

from freehold.own.predicting.shape import Column, Floats


def width_of(columns: Sequence[Column]) -> int:
    """How many numbers a row becomes."""
    return sum(len(column.values) or 1 + column.missing for column in columns)


def encoded(columns: Sequence[Column], rows: Sequence[Mapping[object, object]]) -> Floats:
    """Rows x numbers. A value that was never seen, or is not there, is none of a category's values."""
    parts = [_category(column, rows) if column.values else _number(column, rows) for column in columns]
    return np.hstack(parts) if parts else np.zeros((len(rows), 0))


def objection(columns: Sequence[Column], row: Mapping[object, object]) -> str:
    """Why a row is not one of this table; empty where it is. What is missing on purpose is null."""
    for column in columns:
        if column.name not in row and not column.missing:
            return f"has no column `{column.name}`"
        value = row.get(column.name)
        if not column.values and value not in (None, "") and np.isnan(number(value)):
            return f"has {value!r} in the column `{column.name}`, which is for numbers"
    return ""


def _category(column: Column, rows: Sequence[Mapping[object, object]]) -> Floats:
    found = np.zeros((len(rows), len(column.values)))
    places = {value: place for place, value in enumerate(column.values)}
    for row, values in enumerate(rows):
        place = places.get(str(values.get(column.name)))
        if place is not None:
            found[row, place] = 1
    return found


def _number(column: Column, rows: Sequence[Mapping[object, object]]) -> Floats:
    raw = np.array([number(values.get(column.name)) for values in rows], float)
    gone = np.isnan(raw)
    value = np.where(gone, 0.0, (raw - column.mean) / column.scale)
    return np.column_stack([value, gone.astype(float)] if column.missing else [value])


def number(value: object) -> float:
    """A number, also written as text; not a number for anything else."""
    try:
        found = float(value) if isinstance(value, int | float | str) else float("nan")
    except (ValueError, OverflowError):
        return float("nan")
    return found if np.isfinite(found) else float("nan")
