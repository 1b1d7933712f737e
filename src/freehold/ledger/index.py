"""The database behind the journals: the same records, searchable by id, time and outcome.

Holds nothing that the journals do not: if it is lost, it is built again from them.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import itemgetter
from pathlib import Path

from freehold.ledger.journal import Recent
from freehold.ledger.segment import Damage, lines_after, segments, unframed, written_bytes
from freehold.vocabulary.errors import LedgerUnavailable

VERSION = 1
BUSY_MS = 500  # the writer thread also syncs the journal, and cannot wait long for another's transaction
REBUILD = "Stop the gateway, move ledger.sqlite* away, start it: the journals fill a new database."

# An id begins with the time, so it serves for both.
# Searches by application or endpoint go through the time they ask about: an index on each would add
# half again to the cost of every record. Failures are few, so their index costs next to nothing.
SCHEMA = f"""
CREATE TABLE exchange (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, application TEXT NOT NULL, alias TEXT NOT NULL,
    endpoint TEXT, outcome TEXT NOT NULL, code TEXT, record BLOB NOT NULL
);
CREATE INDEX exchange_outcome ON exchange (outcome, id) WHERE outcome <> 'answered';
CREATE TABLE segment (
    node TEXT, name TEXT, indexed_bytes INTEGER NOT NULL, PRIMARY KEY (node, name)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""

# Each statement gives up the interpreter lock and must win it back from a busy event loop, so rows go
# in many to a statement; and reading them holds the lock, so not too many.
ROWS_PER_STATEMENT = 64

_length, _row = itemgetter(2), itemgetter(3)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one pass over a segment brought into the database."""

    records: int
    damages: tuple[Damage, ...]


@cache
def _insertion(rows: int) -> str:
    places = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT OR IGNORE INTO exchange VALUES {places}"  # noqa: S608 - nothing but question marks


def connected(database: Path) -> sqlite3.Connection:
    """Open the database for writing, or make it. Raises LedgerUnavailable if a newer Freehold made it."""
    os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite would let all read
    connection = sqlite3.connect(database, timeout=BUSY_MS / 1000, isolation_level=None)
    try:
        connection.execute("PRAGMA page_size = 8192")  # a third less work for each commit than at 4096
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version(connection, database) == 0:
            with _transaction(connection):
                if version(connection, database) == 0:  # another process may have made them just now
                    for statement in SCHEMA.split(";"):
                        connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def version(connection: sqlite3.Connection, database: Path) -> int:
    """The version of the tables; 0 if there are none yet."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise LedgerUnavailable(
            f"{database} has version {found}, and this Freehold knows {VERSION}",
            remedy="Use the Freehold that wrote it, or a newer one.",
        )
    return found


def indexed_bytes(connection: sqlite3.Connection, node: str) -> dict[str, int]:
    """How far each segment of a node has been taken."""
    return dict(connection.execute("SELECT name, indexed_bytes FROM segment WHERE node = ?", (node,)))


def lagging(connection: sqlite3.Connection, directory: Path) -> list[Path]:
    """The segments of a journal that hold more than the database has taken, oldest first."""
    done = indexed_bytes(connection, directory.name)
    return [path for path in segments(directory) if written_bytes(path) > done.get(path.name, 0)]


def take(connection: sqlite3.Connection, path: Path) -> Taken:
    """Bring what a segment holds into the database, each record once, whoever else does the same.

    The offset is read and written in the transaction that holds the rows: neither is there without the other.
    """
    place = (path.parent.name, path.name)
    records, damages = 0, list[Damage]()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            with _transaction(connection):
                offset = _offset(connection, place)
                lines = lines_after(descriptor, offset)
                if not lines:
                    return Taken(records, tuple(damages))
                damaged = _take_lines(connection, path, offset, lines)
                end = offset + sum(map(len, lines)) + len(lines)
                _set_offset(connection, place, end)
            records += len(lines) - len(damaged)
            damages += damaged
    finally:
        os.close(descriptor)


def _offset(connection: sqlite3.Connection, place: tuple[str, str]) -> int:
    question = "SELECT indexed_bytes FROM segment WHERE node = ? AND name = ?"
    row = connection.execute(question, place).fetchone()
    return row[0] if row else 0


def _set_offset(connection: sqlite3.Connection, place: tuple[str, str], offset: int) -> None:
    connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?, ?)", (*place, offset))


def put(connection: sqlite3.Connection, recents: Sequence[Recent]) -> int | None:
    """Bring records of one segment from memory into the database.

    Returns how far the segment has been taken by that; None if some records between are missing.
    """
    segment, last, length, _ = recents[-1]
    end = last + length
    place = (segment.parent.name, segment.name)
    with _transaction(connection):
        offset = _offset(connection, place)
        wanted = [recent for recent in recents if recent[1] >= offset]  # `take` can have been there first
        if wanted and offset + sum(map(_length, wanted)) != end:
            return None
        for begin in range(0, len(wanted), ROWS_PER_STATEMENT):
            rows = map(_row, wanted[begin : begin + ROWS_PER_STATEMENT])
            _insert(connection, list(chain.from_iterable(rows)))
        if wanted:
            _set_offset(connection, place, end)
    return end


def _take_lines(
    connection: sqlite3.Connection, path: Path, offset: int, lines: Sequence[bytes]
) -> list[Damage]:
    damages = []
    for begin in range(0, len(lines), ROWS_PER_STATEMENT):
        values: list[object] = []
        for line in lines[begin : begin + ROWS_PER_STATEMENT]:
            if record := unframed(line):
                row, body = record
                values += (row.id, row.at_ms, row.application, row.alias)
                values += (row.endpoint, row.outcome, row.code, body)
            else:
                damages.append(Damage(path, offset, len(line)))
            offset += len(line) + 1
        if values:
            _insert(connection, values)
    return damages


def _insert(connection: sqlite3.Connection, values: Sequence[object]) -> None:
    connection.execute(_insertion(len(values) // 8), values)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
