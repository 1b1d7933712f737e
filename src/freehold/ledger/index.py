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

from freehold.ledger.durable import make_private
from freehold.ledger.faultpoints import reached
from freehold.ledger.journal import Recent
from freehold.ledger.segment import Damage, lines_after, segments, unframed, written_bytes
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import OPENED, Outcome

VERSION = 2
BUSY_MS = 500  # the writer thread also syncs the journal, and cannot wait long for another's transaction
REBUILD = "Stop the gateway, move ledger.sqlite* away, start it: the journals fill a new database."

# An id begins with the time, so it serves for both.
# Searches by application or endpoint go through the time they ask about: an index on each would add
# half again to the cost of every record. Failures are few, so their index costs next to nothing.
SCHEMA = """
CREATE TABLE exchange (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, application TEXT NOT NULL, alias TEXT NOT NULL,
    endpoint TEXT, outcome TEXT NOT NULL, code TEXT, record BLOB NOT NULL
);
CREATE INDEX exchange_outcome ON exchange (outcome, id) WHERE outcome <> 'answered';
CREATE TABLE segment (
    node TEXT, name TEXT, indexed_bytes INTEGER NOT NULL, PRIMARY KEY (node, name)
) WITHOUT ROWID;
"""
EVENTS = f"""
CREATE TABLE event (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, record BLOB NOT NULL
);
CREATE INDEX event_kind ON event (kind, id);
PRAGMA user_version = {VERSION};
"""
STEPS = {0: SCHEMA + EVENTS, 1: EVENTS}  # from each version to this one

# Each statement gives up the interpreter lock and must win it back from a busy event loop, so rows go
# in many to a statement; and reading them holds the lock, so not too many.
ROWS_PER_STATEMENT = 64

# That an exchange began is of no interest once its end is known. The two ids differ in the first letter only.
FORGET_OPENED = """
DELETE FROM event WHERE kind = ? AND EXISTS
    (SELECT 1 FROM exchange WHERE exchange.id = 'x' || substr(event.id, 2) AND outcome <> ?)
"""
STILL_OPEN = """
SELECT record FROM event WHERE kind = ? AND NOT EXISTS
    (SELECT 1 FROM exchange WHERE exchange.id = 'x' || substr(event.id, 2)) ORDER BY id
"""
EXCHANGE_FIELDS, EVENT_FIELDS = 8, 4

_length, _row = itemgetter(2), itemgetter(3)

Rows = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What one pass over a segment brought into the database."""

    records: int
    damages: tuple[Damage, ...]


@cache
def _insertion(table: str, fields: int, rows: int) -> str:
    places = ", ".join([f"({', '.join('?' * fields)})"] * rows)
    return f"INSERT OR IGNORE INTO {table} VALUES {places}"  # noqa: S608 - nothing but question marks


def connected(database: Path) -> sqlite3.Connection:
    """Open the database for writing, or make it. Raises LedgerUnavailable if a newer Freehold made it."""
    make_private(database)
    connection = sqlite3.connect(database, timeout=BUSY_MS / 1000, isolation_level=None)
    try:
        connection.execute("PRAGMA page_size = 8192")  # a third less work for each commit than at 4096
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version(connection, database) != VERSION:
            with _transaction(connection):
                before = version(connection, database)  # another process may have made them just now
                for statement in STEPS.get(before, "").split(";"):
                    connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def reading(database: Path) -> sqlite3.Connection | None:
    """A moment of the database; None where there is none to be had, and the journals alone must be read.

    That is so on a disk that takes no writing if the last writer was killed: what it left beside the database can
    only be read by writing. Raises sqlite3.Error.
    """
    if not database.exists() or database.stat().st_size == 0:
        return None
    uri = f"{database.absolute().as_uri()}?mode=rw"
    if not os.access(database.parent, os.W_OK):
        left = database.with_name(f"{database.name}-wal")
        if left.exists() and left.stat().st_size:
            return None
        uri += "&immutable=1"  # nobody else can write there either
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
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


def unsettled(connection: sqlite3.Connection, directory: Path) -> list[Path]:
    """The segments that do not end where the database has come to; a power cut can leave less than that."""
    done = indexed_bytes(connection, directory.name)
    return [path for path in segments(directory) if written_bytes(path) != done.get(path.name, 0)]


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
    reached("index.inserted")
    connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?, ?)", (*place, offset))
    reached("index.offset")


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
        if wanted:
            _insert(connection, list(map(_row, wanted)))
            _set_offset(connection, place, end)
    return end


def _take_lines(
    connection: sqlite3.Connection, path: Path, offset: int, lines: Sequence[bytes]
) -> list[Damage]:
    damages, rows = list[Damage](), list[tuple[object, ...]]()
    for line in lines:
        if record := unframed(line):
            it, body = record
            if it.kind:
                rows.append((it.id, it.at_ms, it.kind, body))
            else:
                rows.append(
                    (it.id, it.at_ms, it.application, it.alias, it.endpoint, it.outcome, it.code, body)
                )
        else:
            damages.append(Damage(path, offset, len(line)))
        offset += len(line) + 1
    _insert(connection, rows)
    return damages


def _insert(connection: sqlite3.Connection, rows: Rows) -> None:
    events = [row for row in rows if len(row) == EVENT_FIELDS]
    exchanges = [row for row in rows if len(row) == EXCHANGE_FIELDS] if events else rows
    for table, fields, of_one_kind in (
        ("exchange", EXCHANGE_FIELDS, exchanges),
        ("event", EVENT_FIELDS, events),
    ):
        for begin in range(0, len(of_one_kind), ROWS_PER_STATEMENT):
            group = of_one_kind[begin : begin + ROWS_PER_STATEMENT]
            values = list(chain.from_iterable(group))
            connection.execute(_insertion(table, fields, len(group)), values)
    connection.execute(FORGET_OPENED, (OPENED, Outcome.INTERRUPTED.value))


def opened(connection: sqlite3.Connection) -> list[bytes]:
    """The records of exchanges that were begun, and whose end is not known, oldest first."""
    return [record for (record,) in connection.execute(STILL_OPEN, (OPENED,))]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # where the disk is full, SQLite has ended it already
            connection.execute("ROLLBACK")
        raise
    reached("index.committed")
