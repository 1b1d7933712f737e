"""CSV and Parquet as rows: each column is numbers or words, an empty cell is missing, and one column may be the label.

A column is numbers if everything in it is. A label of whole numbers with few different values is a class, not a number.
"""

import csv
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeAlias

import pyarrow.parquet as pq
from msgspec import Struct
from pyarrow import ArrowException

from freehold.config.shape import nearest
from freehold.own.corpus.drops import Drops, Reason
from freehold.own.corpus.knobs import Corpus
from freehold.own.rows import Row
from freehold.vocabulary.errors import ConfigError

SUFFIXES = (".csv", ".tsv", ".parquet")
CLASSES_MAX = 10  # whole numbers with more different values are a number to be told, not a class
CELL_BYTES_MAX = 1 << 24
CELLS_MAX = 100_000_000  # of one file; a table is worked on in memory
LINE_CHARS_MAX = 1 << 28
_DELIMITERS = ",;\t"

Value: TypeAlias = str | float | None


class Table(Struct, frozen=True):
    """One file: its columns, each as long as the others."""

    path: Path
    columns: Mapping[str, list[Value]]

    @property
    def length(self) -> int:
        """How many rows."""
        return len(next(iter(self.columns.values()), ()))


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read(path: Path) -> Table:
    """A whole table. Raises ConfigError, with the line, for one that cannot be read."""
    if path.name.lower().endswith(".parquet"):
        return Table(path, {name: _typed(cells) for name, cells in _parquet(path).items()})
    return Table(path, {name: _typed(cells) for name, cells in _csv(path).items()})


def rows_of(table: Table, knobs: Corpus, drops: Drops) -> Iterator[Row]:
    """Rows with their labels. Those without a label, or without a licence, are left out.

    Raises ConfigError for a column that is named in the plan and not there.
    """
    named = knobs.label, knobs.text, knobs.group
    for name in filter(None, named):
        _see(table, name)
    columns = {name: cells for name, cells in table.columns.items() if name not in {*named, *knobs.ignore}}
    nothing: list[Value] = [None] * table.length
    label_cells, texts, groups = (table.columns[name] if name else nothing for name in named)
    labels = _labels(label_cells)
    origin = str(table.path.resolve())
    for number, (label, text, group) in enumerate(zip(labels, texts, groups, strict=True)):
        id = f"{table.path.name}#{number + 1}"
        if not knobs.licence:
            drops.add(id, origin, Reason.LICENCE_UNKNOWN, "`licence` in [corpus] is empty")
            continue
        if knobs.label and label is None:
            drops.add(id, origin, Reason.UNLABELLED, f"`{knobs.label}` is empty")
            continue
        yield Row(
            id,
            text=str(text or ""),
            values={name: cells[number] for name, cells in columns.items()},
            label=label,
            cluster="" if group is None else f"{knobs.group}={group}",
            origin=origin,
            licence=knobs.licence,
        )


def see_ignored(found: Sequence[Table], names: Iterable[str]) -> None:
    """Raises ConfigError for a column to be ignored that no table has: it would be learnt from under another name."""
    known = {column: table for table in found for column in table.columns}
    for name in names:
        if found and name not in known:
            _see(found[0], name)


def _see(table: Table, name: str) -> None:
    if name not in table.columns:
        meant = nearest(name, list(table.columns))
        remedy = f"Did you mean `{meant}`?" if meant else f"Its columns: {', '.join(table.columns)}."
        _stop(table.path, 1, f"there is no column `{name}`", remedy)


def _labels(cells: Sequence[Value]) -> list[Value]:
    """Few whole numbers are names of classes."""
    known = {one for one in cells if one is not None}
    whole = all(isinstance(one, float) and one.is_integer() for one in known)
    if not (whole and len(known) <= CLASSES_MAX):
        return list(cells)
    return [None if one is None else f"{one:.0f}" for one in cells]


def _csv(path: Path) -> dict[str, list[Any]]:
    csv.field_size_limit(CELL_BYTES_MAX)
    with _text(path) as file:
        lines = _Lines(file)
        try:
            delimiter = max(_DELIMITERS, key=file.readline(LINE_CHARS_MAX).count)
            file.seek(0)
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            names = [name.strip() for name in next(rows, [])]
            _see_names(path, names)
            found: dict[str, list[Any]] = {name: [] for name in names}
            for number, cells in enumerate(filter(None, rows), 1):
                if len(cells) != len(names):
                    said = f"{len(cells)} cells, where the header has {len(names)}"
                    remedy = f"Separate cells by {delimiter!r}, and quote those that hold it."
                    _stop(path, lines.number, said, remedy)
                _see_size(path, number * len(names))
                for name, cell in zip(names, cells, strict=True):
                    found[name].append(cell.strip())
        except EOFError:
            said = "truncated: the compressed stream ends before its end mark"
            _stop(path, lines.number + 1, said, "Get the file again.")
        except (csv.Error, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
            _stop(path, max(1, lines.number), f"cannot be read: {error}", "Save it as CSV in UTF-8.")
    return found


class _Lines:
    """The lines of a file, counted."""

    def __init__(self, file: TextIO) -> None:
        self._file, self.number = file, 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LINE_CHARS_MAX + 1):
            self.number += 1
            if len(line) > LINE_CHARS_MAX:
                raise csv.Error(f"a line of more than {LINE_CHARS_MAX:,} characters")
            yield line


def _text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _see_names(path: Path, names: Sequence[str]) -> None:
    counts = Counter(names)
    twice = next((name for name in names if counts[name] > 1 or not name), None)
    if not names or twice is not None:
        said = f"the column `{twice}` is there twice" if twice else "a column has no name"
        _stop(path, 1, said, "Give every column a name of its own in the first line.")


def _see_size(path: Path, cells: int) -> None:
    if cells > CELLS_MAX:
        said = f"more than {CELLS_MAX:,} cells"
        _stop(
            path,
            0,
            said,
            "Leave out columns that nothing is to be learnt from, or take a sample of the rows.",
        )


def _parquet(path: Path) -> dict[str, list[Any]]:
    try:
        told = pq.read_metadata(path)
        groups = [told.row_group(number) for number in range(told.num_row_groups)]
        _see_size(path, sum(one.column(at).num_values for one in groups for at in range(one.num_columns)))
        found: dict[str, list[Any]] = pq.read_table(path).to_pydict()
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        _stop(path, 0, f"cannot be read: {str(error).splitlines()[0]}", "Get the file again.")
    return found


def _typed(cells: Sequence[Any]) -> list[Value]:
    plain = [_plain(cell) for cell in cells]
    try:
        return [None if cell is None else _number(cell) for cell in plain]
    except ValueError:
        return [None if cell is None else str(cell) for cell in plain]


def _plain(cell: Any) -> Any:
    if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell.isoformat() if isinstance(cell, date | datetime) else cell


def _number(cell: Any) -> float:
    found = float(cell) if isinstance(cell, int | float | str) and "_" not in str(cell) else math.nan
    if not math.isfinite(found):
        raise ValueError
    return found


def _stop(path: Path, line: int, message: str, remedy: str) -> NoReturn:
    raise ConfigError(message, remedy=remedy, file=str(path), line=line, column=1 if line else 0)
