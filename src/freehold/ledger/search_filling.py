"""A side index over the ledger for those who search and add up: narrow rows, and sums by minute and hour.

Holds nothing that the journals do not: if it is lost or damaged, it is built again from them. The gateway neither
writes nor reads it. Its one writer reads journals and nothing else, the newest segment first.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from freehold.ledger.durable import make_private
from freehold.ledger.search_rows import (
    KIND,
    LATER,
    SUMS,
    Mark,
    SearchedRecord,
    addends,
    mark_of,
    marks_of,
    records_in,
    row_of,
    words_of,
)
from freehold.ledger.segment import journals, lines_after, segments, written_bytes

FILE = "search.sqlite"
VERSION = 3
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
BATCH = 1_000  # records that are looked at together
BATCHES = 16  # to a transaction: a commit writes each page that was touched, and kinds touch many
KINDS_KNOWN_MAX = 100_000  # callers choose aliases and purposes, and memory must not follow them

# An exchange's searchable words are one number, its kind: there are few kinds, so that one index serves every
# combination of words. Marks stand apart because most exchanges have none.
SCHEMA = f"""
CREATE TABLE kind (kind INTEGER PRIMARY KEY, words TEXT NOT NULL UNIQUE, {", ".join(KIND)});
CREATE TABLE exchange (
    id TEXT PRIMARY KEY, kind INTEGER NOT NULL, at_ms INTEGER NOT NULL, status INTEGER NOT NULL, code TEXT,
    stream INTEGER NOT NULL, attempts INTEGER NOT NULL, took_us INTEGER NOT NULL, first_byte_us INTEGER,
    cost_usd REAL, input_tokens INTEGER, output_tokens INTEGER,
    segment INTEGER NOT NULL, offset INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX exchange_kind ON exchange (kind, id);
CREATE TABLE mark (
    what TEXT, name TEXT, kind INTEGER, id TEXT, other TEXT NOT NULL, at_ms INTEGER NOT NULL,
    strength REAL NOT NULL, evidence TEXT NOT NULL, PRIMARY KEY (what, name, kind, id, other)
) WITHOUT ROWID;
CREATE INDEX mark_id ON mark (what, id);
CREATE INDEX mark_unsettled ON mark (id) WHERE kind = 0;
CREATE TABLE hour (
    at INTEGER, endpoint TEXT, outcome TEXT, {", ".join(SUMS)}, PRIMARY KEY (at, endpoint, outcome)
) WITHOUT ROWID;
CREATE TABLE minute (at INTEGER, kind INTEGER, {", ".join(SUMS)}, PRIMARY KEY (at, kind)) WITHOUT ROWID;
CREATE TABLE marked (
    at INTEGER, what TEXT, name TEXT, other TEXT, times INTEGER, PRIMARY KEY (what, at, name, other)
) WITHOUT ROWID;
CREATE TABLE segment (
    segment INTEGER PRIMARY KEY, node TEXT, name TEXT, taken_bytes INTEGER NOT NULL, UNIQUE (node, name)
);
PRAGMA user_version = {VERSION};
"""


def _insertion(table: str, fields: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * fields)})"  # noqa: S608 - question marks


_ADDED = ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
_ADD_MINUTE = f"{_insertion('minute', 2 + len(SUMS))} ON CONFLICT DO UPDATE SET {_ADDED}"
_ADD_HOUR = f"{_insertion('hour', 3 + len(SUMS))} ON CONFLICT DO UPDATE SET {_ADDED}"
_ADD_MARKED = "INSERT INTO marked VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1"
# A finding that was made afterwards can be read before its exchange, which is in an older segment.
_SETTLE = """
UPDATE mark SET kind = (SELECT kind FROM exchange WHERE exchange.id = mark.id)
WHERE kind = 0 AND EXISTS (SELECT 1 FROM exchange WHERE exchange.id = mark.id)
"""


_encode = msgspec.json.Encoder().encode


class _Sums(dict[tuple[Any, ...], list[float]]):
    """Numbers, added up by some key."""

    def add(self, key: tuple[Any, ...], numbers: list[float]) -> None:
        known = self.get(key)
        self[key] = numbers if known is None else [a + b for a, b in zip(known, numbers, strict=True)]


class Filling:
    """Writes the index; for one thread of one process. It holds the lock until it is closed."""

    def __init__(self, state: Path, lock: int) -> None:
        self._state, self._lock = state, lock
        self._kinds: dict[tuple[object, ...], int] = {}
        self._connection = _opened(state)

    @classmethod
    def begin(cls, state: Path) -> "Filling | None":
        """Begin to write; None if another process does."""
        descriptor = os.open(state / "search.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(state, descriptor)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise

    def close(self) -> None:
        """Let another process write."""
        self._connection.close()
        os.close(self._lock)

    def catch_up(self, stopped: Callable[[], bool]) -> None:
        """Take in what the journals hold beyond what was taken. Raises sqlite3.Error."""
        taken = places(self._connection)
        paths = [path for directory in journals(self._state) for path in segments(directory)]
        for path in sorted(paths, key=lambda path: path.name, reverse=True):
            if written_bytes(path) > taken.get((path.parent.name, path.name), 0):
                self._take(path, taken.get((path.parent.name, path.name), 0), stopped)
            if stopped():
                return
        with self._transaction():
            self._connection.execute(_SETTLE)

    def _take(self, path: Path, offset: int, stopped: Callable[[], bool]) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            begin = -1
            while not stopped() and begin != offset:
                begin = offset
                with self._transaction():
                    segment = self._segment(path)
                    offset = self._take_some(descriptor, segment, offset, stopped)
                    taken = "UPDATE segment SET taken_bytes = ? WHERE segment = ?"
                    self._connection.execute(taken, (offset, segment))
        finally:
            os.close(descriptor)

    def _segment(self, path: Path) -> int:
        """The number that a segment has here."""
        place = (path.parent.name, path.name)
        self._connection.execute("INSERT OR IGNORE INTO segment VALUES (NULL, ?, ?, 0)", place)
        asked = "SELECT segment FROM segment WHERE node = ? AND name = ?"
        found: int = self._connection.execute(asked, place).fetchone()[0]
        return found

    def _take_some(self, descriptor: int, segment: int, offset: int, stopped: Callable[[], bool]) -> int:
        """Take one transaction's part of a segment; where it ends."""
        for _ in range(BATCHES):
            lines = _some(descriptor, offset)
            if not lines:
                break
            self._put(lines, segment, offset)
            offset += sum(map(len, lines)) + len(lines)
            if stopped():
                break
        return offset

    def _put(self, lines: Sequence[bytes], segment: int, offset: int) -> None:
        records = {one.id: one for one in records_in(lines, offset)}  # one that was written twice counts once
        events = [one for one in records.values() if one.kind == LATER]
        exchanges = self._unknown([one for one in records.values() if one.outcome])
        kinds = [self._kind(one) for one in exchanges]
        rows = [row_of(one, kind, segment) for one, kind in zip(exchanges, kinds, strict=True)]
        self._connection.executemany(_insertion("exchange", 14), rows)
        self._add_up(exchanges, kinds)
        marks = [mark for one, kind in zip(exchanges, kinds, strict=True) for mark in marks_of(one, kind)]
        self._mark([*marks, *self._later(events)])

    def _unknown(self, exchanges: list[SearchedRecord]) -> list[SearchedRecord]:
        """Those that are not here yet: a journal that was deleted under its writer is written a second time."""
        asked = _encode([one.id for one in exchanges]).decode()
        question = "SELECT id FROM exchange WHERE id IN (SELECT value FROM json_each(?))"
        known = {id for (id,) in self._connection.execute(question, (asked,))}
        return [one for one in exchanges if one.id not in known] if known else exchanges

    def _kind(self, it: SearchedRecord) -> int:
        words = words_of(it)
        if (kind := self._kinds.get(words)) is not None:
            return kind
        if len(self._kinds) >= KINDS_KNOWN_MAX:
            self._kinds.clear()
        key = _encode(words).decode()
        question = "SELECT kind FROM kind WHERE words = ?"
        if (row := self._connection.execute(question, (key,)).fetchone()) is None:
            self._connection.execute(_insertion("kind", len(KIND) + 2), (None, key, *words))
            row = self._connection.execute(question, (key,)).fetchone()
        found: int = row[0]
        self._kinds[words] = found
        return found

    def _add_up(self, exchanges: Sequence[SearchedRecord], kinds: Sequence[int]) -> None:
        minutes, hours = _Sums(), _Sums()
        for it, kind in zip(exchanges, kinds, strict=True):
            minutes.add((it.at_ms // MINUTE_MS, kind, it.endpoint or "", it.outcome), addends(it))
        for (minute, _, *end), numbers in minutes.items():
            hours.add((minute * MINUTE_MS // HOUR_MS, *end), numbers)
        of_minutes = [(*key[:2], *numbers) for key, numbers in minutes.items()]
        self._connection.executemany(_ADD_MINUTE, of_minutes)
        self._connection.executemany(_ADD_HOUR, [(*key, *numbers) for key, numbers in hours.items()])

    def _later(self, events: Iterable[SearchedRecord]) -> Iterator[Mark]:
        for mark in filter(None, map(mark_of, events)):
            known = self._connection.execute("SELECT kind FROM exchange WHERE id = ?", (mark[3],)).fetchone()
            yield mark if known is None else (*mark[:2], *known, *mark[3:])

    def _mark(self, marks: Iterable[Mark]) -> None:
        for mark in marks:
            what, name, _, id, other, at_ms, *_ = mark
            known = "SELECT 1 FROM mark WHERE what = ? AND id = ? AND name = ? AND other = ?"
            if self._connection.execute(known, (what, id, name, other)).fetchone() is None:
                self._connection.execute(_insertion("mark", 8), mark)
                self._connection.execute(_ADD_MARKED, (at_ms // MINUTE_MS, what, name, other))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._kinds.clear()  # some may have been made in what is now undone
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def places(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """How far each segment, by node and name, has been taken."""
    found = connection.execute("SELECT node, name, taken_bytes FROM segment")
    return {(node, name): taken for node, name, taken in found}


def remove(state: Path) -> None:
    """Make way for a new index."""
    for suffix in ("", "-wal", "-shm"):
        (state / f"{FILE}{suffix}").unlink(missing_ok=True)


def _opened(state: Path) -> sqlite3.Connection:
    """The index, or a new one in place of one that is damaged, of another version, or ahead of its journals."""
    file = state / FILE
    if file.exists():
        try:
            connection = _connected(file)
            if _is_sound(state, connection):
                return connection
            connection.close()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # the disk is full, say: nothing is wrong with what is there
        remove(state)
    draft = file.with_suffix(".new")  # whoever reads finds no index, or one with its tables
    draft.unlink(missing_ok=True)
    with closing(_connected(draft)) as connection:
        connection.executescript(SCHEMA)
    draft.replace(file)
    return _connected(file)


def _connected(file: Path) -> sqlite3.Connection:
    make_private(file)
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -32768")  # 32 MiB
        connection.execute("PRAGMA wal_autocheckpoint = 4096")  # pages: fewer syncs on a disk that others use
    except BaseException:
        connection.close()
        raise
    return connection


def _is_sound(state: Path, connection: sqlite3.Connection) -> bool:
    if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        return False
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        return False
    root = state / "journal"
    taken = places(connection).items()
    return all(written_bytes(root / node / name) >= size for (node, name), size in taken)


def _some(descriptor: int, offset: int) -> list[bytes]:
    """The whole lines that follow, about as many as one transaction should take."""
    found: list[bytes] = []
    while len(found) < BATCH and (lines := lines_after(descriptor, offset)):
        found += lines
        offset += sum(map(len, lines)) + len(lines)
    return found
