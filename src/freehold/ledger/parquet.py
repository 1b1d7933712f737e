"""Exchanges as a table of columns: Parquet, for tools that count and compare.

Each row has what is asked for often in columns of its own, and the whole record as JSON in the last.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from freehold.config import clock
from freehold.vocabulary.exchange import Exchange, Served, Usage, asked

ROWS = 10_000  # held in memory at once

_TEXTS = pa.list_(pa.string())
COLUMNS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("application", pa.string(), nullable=False),
        pa.field("dialect", pa.string()),
        pa.field("alias", pa.string()),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("status", pa.int32(), nullable=False),
        pa.field("stream", pa.bool_()),
        pa.field("endpoint", pa.string()),
        pa.field("continued_by", pa.string()),
        pa.field("code", pa.string()),
        pa.field("tries", pa.int32()),
        pa.field("model", pa.string()),
        pa.field("finish", pa.string()),
        pa.field("input_tokens", pa.int64()),
        pa.field("output_tokens", pa.int64()),
        pa.field("cost_usd", pa.float64()),
        pa.field("findings", _TEXTS),
        pa.field("lost", _TEXTS),
        pa.field("data_class", pa.string()),
        pa.field("purpose", pa.string()),
        pa.field("user_region", pa.string()),
        pa.field("policy", pa.string()),
        pa.field("facts", pa.string()),
        pa.field("refused", _TEXTS),
        pa.field("retention", pa.string()),
        pa.field("request_bytes", pa.int64()),
        pa.field("answer_bytes", pa.int64()),
        pa.field("first_byte_us", pa.int64()),
        pa.field("took_us", pa.int64()),
        pa.field("cached", pa.bool_()),
        pa.field("key", pa.string()),
        pa.field("drill", pa.string()),
        pa.field("record", pa.string(), nullable=False),
    ]
)
# Those that are fields of an exchange by the same name.
_OWN = [name for name in COLUMNS.names if name in Exchange.__struct_fields__]


def write(exchanges: Iterable[Exchange], file: BinaryIO) -> int:
    """Write them all; how many there were."""
    count = 0
    with ParquetWriter(file, COLUMNS, compression="zstd") as writer:
        for rows in _batches(map(_row, exchanges)):
            writer.write_table(pa.Table.from_pylist(rows, COLUMNS))
            count += len(rows)
    return count


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, ROWS)):
        yield batch


def _row(it: Exchange) -> dict[str, Any]:
    served = it.served or Served()
    usage = served.usage or Usage()
    return {name: getattr(it, name) for name in _OWN} | {
        "at": clock.utc(it.at_ms),
        "outcome": it.outcome.value,
        "tries": asked(it.attempts),
        "model": served.model,
        "finish": served.finish,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "findings": [finding.kind for finding in it.findings],
        "refused": [f"{one.endpoint}: {one.by}" for one in it.refused],
        "record": msgspec.json.encode(it).decode(),
    }
