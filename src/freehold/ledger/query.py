"""Read the ledger, whether or not a gateway is running: the database, and what it has yet to take in.

Changes nothing: it neither repairs a journal nor keeps the database waiting.
"""

import heapq
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from operator import itemgetter
from pathlib import Path

from freehold.ledger.index import REBUILD, indexed_bytes, reading, version
from freehold.ledger.segment import event_of, exchange_of, journals, records_after, segments, written_bytes
from freehold.vocabulary.errors import BadRequest, LedgerUnavailable
from freehold.vocabulary.exchange import Event, Exchange, Record

CANDIDATES_SHOWN = 5

Found = tuple[int, str, str, bytes]  # when, id, the kind of event or "" for an exchange, record


class Reader:
    """A moment of the ledger: the database as it was, and the journals from there on."""

    def __init__(self, state: Path, connection: sqlite3.Connection | None, version: int = 0) -> None:
        self._state = state
        self._connection = connection if version else None
        self._version = version
        self._read: dict[Path, int] = {}
        if self._connection is not None:
            for directory in journals(state):
                for name, offset in indexed_bytes(self._connection, directory.name).items():
                    self._read[directory / name] = offset

    def indexed(self, condition: str, *values: object) -> Iterator[Found]:
        """What the database holds of exchanges."""
        if self._connection is not None:
            yield from self._connection.execute(
                f"SELECT at_ms, id, '', record FROM exchange {condition}",  # noqa: S608 - conditions are this file's
                values,
            )

    def indexed_events(self, condition: str, *values: object) -> Iterator[Found]:
        """What the database holds of events; one of the first version holds none."""
        if self._connection is not None and self._version > 1:
            yield from self._connection.execute(
                f"SELECT at_ms, id, kind, record FROM event {condition}",  # noqa: S608 - conditions are this file's
                values,
            )

    def fresh(self) -> Iterator[Found]:
        """What the journals hold beyond what was indexed, or read by an earlier call."""
        for path in chain.from_iterable(map(segments, journals(self._state))):
            begin = self._read.get(path, 0)
            if written_bytes(path) <= begin:
                continue
            for row, body, end in records_after(path, begin):
                self._read[path] = end
                yield row.at_ms, row.id, row.kind, body

    def latest(self, count: int) -> list[Exchange]:
        """The last so many exchanges, oldest first."""
        found = chain(self.indexed("ORDER BY id DESC LIMIT ?", count), self.fresh())
        exchanges = (one for one in found if not one[2])
        return [exchange_of(body) for *_, body in reversed(heapq.nlargest(count, exchanges))]

    def between(self, since_ms: int, until_ms: int) -> Iterator[Exchange]:
        """The exchanges of a period, its end excluded, oldest first."""
        condition = "WHERE id >= ? AND id < ? ORDER BY id"  # an id begins with its time
        indexed = self.indexed(condition, f"x{since_ms:011x}", f"x{until_ms:011x}")
        fresh = sorted(one for one in self.fresh() if not one[2] and since_ms <= one[0] < until_ms)
        for *_, body in heapq.merge(indexed, fresh, key=itemgetter(1)):
            yield exchange_of(body)

    def records(self, since_ms: int, until_ms: int) -> Iterator[bytes]:
        """The same as they were written, in no order: whoever adds up a few fields need not read the others."""
        if self._connection is not None:
            question = "SELECT record FROM exchange WHERE id >= ? AND id < ?"
            for (body,) in self._connection.execute(question, (f"x{since_ms:011x}", f"x{until_ms:011x}")):
                yield body
        yield from (
            body for at_ms, _, kind, body in self.fresh() if not kind and since_ms <= at_ms < until_ms
        )

    def latest_records(self, count: int) -> list[Record]:
        """The last so many exchanges and events, oldest first."""
        condition = "ORDER BY id DESC LIMIT ?"
        indexed = chain(self.indexed(condition, count), self.indexed_events(condition, count))
        return [record_of(found) for found in reversed(heapq.nlargest(count, chain(indexed, self.fresh())))]

    def events(self, kind: str | None) -> list[Event]:
        """The events of one kind, or all, oldest first."""
        indexed = self.indexed_events("") if kind is None else self.indexed_events("WHERE kind = ?", kind)
        fresh = (one for one in self.fresh() if one[2] and kind in (None, one[2]))
        return [event_of(body) for *_, body in sorted(chain(indexed, fresh))]


def record_of(found: Found) -> Record:
    """The exchange or the event that was found."""
    return event_of(found[3]) if found[2] else exchange_of(found[3])


@contextmanager
def reader(state: Path) -> Iterator[Reader]:
    """Read the ledger in one transaction, so that no record is seen twice, and none slips through."""
    database = state / "ledger.sqlite"
    try:
        connection = reading(database)
        if connection is None:
            yield Reader(state, None)
            return
        with closing(connection):
            yield Reader(state, connection, version(connection, database))
    except sqlite3.Error as error:
        raise LedgerUnavailable(f"{database} cannot be read: {error}", remedy=REBUILD) from error


def tail(state: Path, count: int) -> list[Exchange]:
    """The last `count` exchanges, oldest first."""
    with reader(state) as moment:
        return moment.latest(count)


def tail_records(state: Path, count: int) -> list[Record]:
    """The last `count` exchanges and events, oldest first."""
    with reader(state) as moment:
        return moment.latest_records(count)


def between(state: Path, since_ms: int, until_ms: int) -> Iterator[Exchange]:
    """The exchanges of a period (Unix milliseconds, its end excluded), oldest first."""
    with reader(state) as moment:
        yield from moment.between(since_ms, until_ms)


def events(state: Path, kind: str | None = None) -> list[Event]:
    """All events, or those of one kind, oldest first."""
    with reader(state) as moment:
        return moment.events(kind)


def follow(state: Path, count: int, poll_s: float = 0.2, *, events: bool = False) -> Iterator[Record]:
    """The last `count` exchanges, then each further one as it is recorded, without end; or events too."""
    with reader(state) as moment:
        latest = moment.latest_records(count) if events else moment.latest(count)
    yield from latest
    while True:
        for found in moment.fresh():
            if events or not found[2]:
                yield record_of(found)
        time.sleep(poll_s)


def find(state: Path, prefix: str) -> Record | None:
    """The record with this id, or the only one whose id begins so. Raises BadRequest for several."""
    with reader(state) as moment:
        condition = "WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
        span = (prefix, prefix + chr(0x10FFFF), CANDIDATES_SHOWN + 1)
        indexed = chain(moment.indexed(condition, *span), moment.indexed_events(condition, *span))
        found = {one[1]: one for one in chain(indexed, moment.fresh()) if one[1].startswith(prefix)}
    if prefix in found or len(found) == 1:
        return record_of(found.get(prefix) or next(iter(found.values())))
    if not found:
        return None
    shown = sorted(found)[:CANDIDATES_SHOWN]
    raise BadRequest(
        f"{prefix!r} begins several ids: {', '.join(shown)}{', ...' if len(found) > len(shown) else ''}",
        remedy="Give more of the id.",
    )
