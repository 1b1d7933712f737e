"""Read the ledger, whether or not a gateway is running: the database, and what it has yet to take in.

Changes nothing: it neither repairs a journal nor keeps the database waiting.
"""

import heapq
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from freehold.ledger.index import REBUILD, indexed_bytes, version
from freehold.ledger.segment import exchange_of, journals, records_after, segments, written_bytes
from freehold.vocabulary.errors import BadRequest, LedgerUnavailable
from freehold.vocabulary.exchange import Exchange

CANDIDATES_SHOWN = 5

Found = tuple[int, str, bytes]  # when, id, record


class Reader:
    """A moment of the ledger: the database as it was, and the journals from there on."""

    def __init__(self, state: Path, connection: sqlite3.Connection | None) -> None:
        self._state = state
        self._connection = connection
        self._read: dict[Path, int] = {}
        if connection is not None:
            for directory in journals(state):
                for name, offset in indexed_bytes(connection, directory.name).items():
                    self._read[directory / name] = offset

    def indexed(self, condition: str, *values: object) -> Iterator[Found]:
        """What the database holds."""
        if self._connection is not None:
            yield from self._connection.execute(f"SELECT at_ms, id, record FROM exchange {condition}", values)  # noqa: S608 - the conditions are this file's

    def fresh(self) -> Iterator[Found]:
        """What the journals hold beyond what was indexed, or read by an earlier call."""
        for path in chain.from_iterable(map(segments, journals(self._state))):
            begin = self._read.get(path, 0)
            if written_bytes(path) <= begin:
                continue
            for row, body, end in records_after(path, begin):
                self._read[path] = end
                yield row.at_ms, row.id, body

    def latest(self, count: int) -> list[Exchange]:
        """The last so many exchanges, oldest first."""
        indexed = self.indexed("ORDER BY id DESC LIMIT ?", count)
        return [
            exchange_of(body) for _, _, body in reversed(heapq.nlargest(count, chain(indexed, self.fresh())))
        ]


@contextmanager
def reader(state: Path) -> Iterator[Reader]:
    """Read the ledger in one transaction, so that no record is seen twice, and none slips through."""
    database = state / "ledger.sqlite"
    if not database.exists() or database.stat().st_size == 0:
        yield Reader(state, None)
        return
    try:
        connection = sqlite3.connect(
            f"{database.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None
        )
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            yield Reader(state, connection if version(connection, database) else None)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise LedgerUnavailable(f"{database} cannot be read: {error}", remedy=REBUILD) from error


def tail(state: Path, count: int) -> list[Exchange]:
    """The last `count` exchanges, oldest first."""
    with reader(state) as moment:
        return moment.latest(count)


def follow(state: Path, count: int, poll_s: float = 0.2) -> Iterator[Exchange]:
    """The last `count` exchanges, then each further one as it is recorded, without end."""
    with reader(state) as moment:
        latest = moment.latest(count)
    yield from latest
    while True:
        for _, _, body in moment.fresh():
            yield exchange_of(body)
        time.sleep(poll_s)


def find(state: Path, prefix: str) -> Exchange | None:
    """The exchange with this id, or the only one whose id begins so. Raises BadRequest for several."""
    with reader(state) as moment:
        beyond = prefix + chr(0x10FFFF)
        indexed = moment.indexed(
            "WHERE id >= ? AND id < ? ORDER BY id LIMIT ?", prefix, beyond, CANDIDATES_SHOWN + 1
        )
        found = {name: body for _, name, body in chain(indexed, moment.fresh()) if name.startswith(prefix)}
    if prefix in found or len(found) == 1:
        return exchange_of(found.get(prefix) or next(iter(found.values())))
    if not found:
        return None
    shown = sorted(found)[:CANDIDATES_SHOWN]
    raise BadRequest(
        f"{prefix!r} begins several ids: {', '.join(shown)}{', ...' if len(found) > len(shown) else ''}",
        remedy="Give more of the id.",
    )
