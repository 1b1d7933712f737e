"""Find exchanges by their words and add them up by the hour, without reading the ledger.

Rests on the side index that `search_filling.py` writes; what that has not taken in yet is not found, and `progress`
says how much that is.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from heapq import merge
from itertools import islice
from pathlib import Path
from threading import Event, Lock
from typing import Any

from msgspec import Struct

from freehold.ledger.search_filling import FILE, HOUR_MS, MINUTE_MS, VERSION, Filling, places, remove
from freehold.ledger.search_rows import DRILL, FAILED, FINDING, KIND, SUMS
from freehold.ledger.segment import journals, segments, written_bytes
from freehold.vocabulary.errors import LedgerUnavailable

NONE = "(none)"  # asks for exchanges of which nobody said this, or that nobody answered
PAGE = 50
CHOICES_MAX = 200
POLL_S = 1.0
_END = "~"  # after every id
_ROW = """
SELECT e.id, e.at_ms, k.application, k.alias, k.dialect, k.endpoint, k.outcome, k.data_class, e.status, e.code,
    e.stream, e.attempts, e.took_us, e.first_byte_us, e.cost_usd, e.input_tokens, e.output_tokens
FROM exchange e JOIN kind k USING (kind)
"""
_NEWEST = "SELECT id FROM exchange WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?"
_MARK = "SELECT name, id, other, at_ms, strength, evidence FROM mark"
_SUMMED = ", ".join(f"sum({name}) AS {name}" for name in SUMS)


class Query(Struct, frozen=True, omit_defaults=True):
    """What to look for; None: anything. `NONE` asks for what nobody said."""

    application: str | None = None
    alias: str | None = None
    dialect: str | None = None
    endpoint: str | None = None  # who answered
    outcome: str | None = None
    data_class: str | None = None
    purpose: str | None = None
    user_region: str | None = None
    finding: str | None = None  # its kind
    failed: str | None = None  # an endpoint that was asked and did not answer well
    drill: str | None = None
    since_ms: int | None = None  # when the exchange began, in Unix milliseconds
    until_ms: int | None = None  # not included


WORDS = ("application", "alias", "dialect", "endpoint", "outcome", "data_class", "purpose", "user_region")
_MARKS = {"finding": FINDING, "failed": FAILED, "drill": DRILL}


class Row(Struct, frozen=True):
    """One exchange in a list. None is unknown."""

    id: str
    at_ms: int
    application: str
    alias: str
    dialect: str
    endpoint: str | None
    outcome: str
    data_class: str | None
    status: int
    code: str | None
    stream: bool
    attempts: int  # endpoints that were really asked
    took_us: int
    first_byte_us: int | None
    cost_usd: float | None
    input_tokens: int | None
    output_tokens: int | None
    findings: tuple[str, ...] = ()  # their kinds


class Page(Struct, frozen=True):
    """Some of what was found, the newest first. `after` asks for what follows; None: nothing does."""

    rows: tuple[Row, ...]
    after: str | None


class Sum(Struct, frozen=True):
    """Exchanges of one kind added up, as far as their tokens, costs and times are known."""

    at_ms: int | None  # when the hour or minute began; None: of the whole period
    by: tuple[str | bool | None, ...]  # the words that were asked for, in that order
    exchanges: int
    input_tokens: int
    output_tokens: int
    counted: int  # exchanges whose tokens are known
    cost_usd: float
    priced: int  # exchanges whose cost is known
    took_us: int
    first_byte_us: int
    timed: int  # exchanges that were answered, and so count in the two times above


class Grouped(Struct, frozen=True):
    """The exchanges of one kind in a period, and how many of them were in which minute (Unix time / 60,000)."""

    sum: Sum  # by `KIND`
    minutes: dict[int, int]


class Mark(Struct, frozen=True):
    """A finding, or a failed attempt: `name` is the finding's kind or the endpoint, `other` the endpoint or fault."""

    name: str
    id: str  # of the exchange
    other: str
    at_ms: int
    strength: float
    evidence: str


class Search:
    """The index of one state directory. Any thread may ask; one thread of one process fills it."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._damaged = Event()
        self._filling: Filling | None = None
        self._turn = Lock()

    def catch_up(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Take in what is new on the ledger; whether it is this process that does so. Raises sqlite3.Error, OSError."""
        with self._turn:
            try:
                if self._damaged.is_set():
                    self._give_up()
                    self._damaged.clear()
                self._filling = self._filling or Filling.begin(self._state)
                if self._filling is not None:
                    self._filling.catch_up(stopped)
                return self._filling is not None
            except sqlite3.DatabaseError as error:
                if not isinstance(error, sqlite3.OperationalError):
                    self._damaged.set()
                raise

    def _give_up(self) -> None:
        """Remove what is damaged, so that it is built again; only whoever fills it may."""
        if self._filling is not None:
            remove(self._state)
            self.close()

    def keep_up(self, stop: Event, told: Callable[[Exception], None]) -> None:
        """Catch up until told to stop. What goes wrong is told, and tried again."""
        while not stop.is_set():
            try:
                self.catch_up(stop.is_set)
            except Exception as error:  # whatever it is, pages go on with what is indexed
                told(error)
            stop.wait(POLL_S)
        self.close()

    def close(self) -> None:
        """Let another process fill the index."""
        if self._filling is not None:
            self._filling.close()
            self._filling = None

    @property
    def progress(self) -> float:
        """How much of the ledger is in the index, 0 to 1."""
        taken, written = self.taken()
        return min(1.0, (taken or 0) / written) if written else 1.0

    def taken(self) -> tuple[int | None, int]:
        """Bytes of the ledger that are in the index, None where there is no index, and how many there are."""
        with self._asking() as connection:
            found = places(connection) if connection is not None else None
        paths = [path for directory in journals(self._state) for path in segments(directory)]
        written = sum(map(written_bytes, paths))
        if found is None:
            return None, written
        return sum(found.get((path.parent.name, path.name), 0) for path in paths), written

    def find(self, query: Query, after: str | None = None, count: int = PAGE) -> Page:
        """The newest exchanges that fit; `after` is the last id of the page before."""
        with self._asking() as connection:
            if connection is None:
                return Page((), None)
            ids = list(islice(_ids(connection, query, after, count + 1), count + 1))
            rows = _rows(connection, ids[:count])
        return Page(rows, ids[count - 1] if len(ids) > count else None)

    def named(self, prefix: str) -> Page:
        """The exchanges whose id begins so, the newest first."""
        with self._asking() as connection:
            if connection is None:
                return Page((), None)
            found = connection.execute(_NEWEST, (prefix, prefix + _END, PAGE))
            return Page(_rows(connection, [id for (id,) in found]), None)

    def place(self, id: str) -> tuple[Path, int] | None:
        """The segment that an exchange is in, and where its line begins there; None: it is not known here."""
        question = "SELECT node, name, offset FROM exchange JOIN segment USING (segment) WHERE id = ?"
        found = [
            (self._state / "journal" / node / name, at) for node, name, at in self._select(question, (id,))
        ]
        return found[0] if found else None

    def choices(self, word: str) -> list[str]:
        """The values that one of `WORDS` has had, or the names of a mark, in order; not more than a page can offer."""
        if word in WORDS:
            question = f"SELECT DISTINCT {word} FROM kind WHERE {word} IS NOT NULL ORDER BY 1 LIMIT ?"  # noqa: S608
            found = self._select(question, (CHOICES_MAX,))
        else:
            question = "SELECT DISTINCT name FROM marked WHERE what = ? ORDER BY 1 LIMIT ?"
            found = self._select(question, (_MARKS[word], CHOICES_MAX))
        return [value for (value,) in found]

    def rollup(
        self, since_ms: int, until_ms: int, by: Sequence[str] = (), every_ms: int | None = None
    ) -> list[Sum]:
        """Add up the whole minutes of a period, by some words of `KIND`, and by `MINUTE_MS` or a multiple.

        Sums come in order of time, and of one time in no order. Raises ValueError for another word.
        """
        if unknown := set(by) - set(KIND):
            raise ValueError(f"nothing is added up by {', '.join(sorted(unknown))}")
        found = self._select(*_rollup(since_ms, until_ms, by, every_ms))
        return [Sum(at, _said(by, rest), *rest[len(by) :]) for at, *rest in found]

    def grouped(self, since_ms: int, until_ms: int) -> list[Grouped]:
        """The exchanges of the whole minutes of a period, those of one kind together."""
        span = _minutes(since_ms, until_ms)
        each = f"SELECT kind, {_SUMMED} FROM minute WHERE at >= ? AND at < ? GROUP BY kind"  # noqa: S608 - columns
        with self._asking() as connection:
            if connection is None:
                return []
            minutes: dict[int, dict[int, int]] = defaultdict(dict)
            for kind, at, count in connection.execute(
                "SELECT kind, at, exchanges FROM minute WHERE at >= ? AND at < ?", span
            ):
                minutes[kind][at] = count
            words = dict[int, tuple[str | bool | None, ...]]()
            for kind, *said in connection.execute(f"SELECT kind, {', '.join(KIND)} FROM kind"):  # noqa: S608 - columns
                words[kind] = _said(KIND, said)
            sums = connection.execute(each, span)
            return [Grouped(Sum(None, words[kind], *rest), minutes[kind]) for kind, *rest in sums]

    def latest(self, what: str, count: int) -> list[Mark]:
        """The last findings or failed attempts, the newest exchange first."""
        question = f"{_MARK} WHERE what = ? ORDER BY id DESC, name LIMIT ?"
        return [Mark(*row) for row in self._select(question, (what, count))]

    def found_in(self, id: str) -> list[Mark]:
        """What was found in an exchange, also when it was over."""
        question = f"{_MARK} WHERE what = ? AND id = ? ORDER BY at_ms, name"
        return [Mark(*row) for row in self._select(question, (FINDING, id))]

    def marked(self, what: str, since_ms: int, until_ms: int) -> list[tuple[str, str, int]]:
        """How often which name was marked with which other, in whole minutes of a period, most often first.

        Of findings: kind and endpoint; of failed attempts: endpoint and fault.
        """
        question = """SELECT name, other, sum(times) FROM marked WHERE what = ? AND at >= ? AND at < ?
            GROUP BY name, other ORDER BY sum(times) DESC, name, other"""
        return self._select(question, (what, *_minutes(since_ms, until_ms)))

    def _select(self, question: str, values: tuple[object, ...]) -> list[Any]:
        """The rows that answer a question; none while there is no index."""
        with self._asking() as connection:
            return [] if connection is None else connection.execute(question, values).fetchall()

    @contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection | None]:
        """The index as it is at this moment; None while there is none."""
        file = self._state / FILE
        if not file.exists():
            yield None
            return
        try:
            uri = f"{file.absolute().as_uri()}?mode=rw"
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                yield connection if version == VERSION else None
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):
                self._damaged.set()
            remedy = "It is built again from the journals; look again in a moment."
            raise LedgerUnavailable(f"the index cannot be read: {error}", remedy=remedy) from error


def _ids(connection: sqlite3.Connection, query: Query, after: str | None, count: int) -> Iterator[str]:
    """The ids that fit, the newest first.

    Of each kind of exchange the newest is looked up, which costs a few microseconds; the first so many ids can only
    be of the kinds whose newest are the newest.
    """
    since, until = _span(query, after)
    asked = {what: name for word, what in _MARKS.items() if (name := getattr(query, word)) is not None}
    words = {word: value for word in WORDS if (value := getattr(query, word)) is not None}
    if not asked and not words:
        return (id for (id,) in connection.execute(_NEWEST, (since, until, count)))
    table, fits, values = _source(connection, asked)
    of_kind = f"FROM {table} x WHERE x.kind = {{}} AND x.id >= ? AND x.id < ? {fits}"
    wanted = " AND ".join(
        f"k.{word} {'IS NULL' if value == NONE else '= ?'}" for word, value in words.items()
    )
    newest = f"""SELECT * FROM (
        SELECT (SELECT max(x.id) {of_kind.format("k.kind")}) AS id, k.kind FROM kind k WHERE {wanted or "TRUE"}
    ) WHERE id IS NOT NULL ORDER BY id DESC LIMIT ?"""  # noqa: S608 - words are this file's
    given = (value for value in words.values() if value != NONE)
    heads = connection.execute(newest, (since, until, *values, *given, count)).fetchall()
    each = f"SELECT DISTINCT x.id {of_kind.format('?')} ORDER BY x.id DESC"
    streams = ((id for (id,) in connection.execute(each, (kind, since, until, *values))) for _, kind in heads)
    return merge(*streams, reverse=True)


def _source(connection: sqlite3.Connection, asked: dict[str, str]) -> tuple[str, str, tuple[str, ...]]:
    """The table that is walked, and what must hold of a row; with the values of its places. The rarest mark leads."""
    if not asked:
        return "exchange", "", ()
    count = "SELECT count(*) FROM (SELECT 1 FROM mark WHERE what = ? AND name = ? LIMIT 20000)"
    (what, name), *others = sorted(asked.items(), key=lambda mark: connection.execute(count, mark).fetchone())
    also = "AND EXISTS (SELECT 1 FROM mark o WHERE o.what = ? AND o.name = ? AND o.kind = x.kind AND o.id = x.id)"
    values = (what, name, *(value for other in others for value in other))
    return "mark", f"AND x.what = ? AND x.name = ? {also * len(others)}", values


def _span(query: Query, after: str | None) -> tuple[str, str]:
    """The ids to look between: an id begins with its time."""
    since = "" if query.since_ms is None else f"x{max(0, query.since_ms):011x}"
    until = _END if query.until_ms is None else f"x{max(0, query.until_ms):011x}"
    return since, until if after is None else min(until, after)


def _rows(connection: sqlite3.Connection, ids: Sequence[str]) -> tuple[Row, ...]:
    places = ", ".join("?" * len(ids))
    found: dict[str, list[str]] = {id: [] for id in ids}
    question = f"SELECT DISTINCT id, name FROM mark WHERE what = ? AND id IN ({places})"  # noqa: S608 - question marks
    for id, name in connection.execute(question, (FINDING, *ids)):
        found[id].append(name)
    rows = connection.execute(f"{_ROW} WHERE e.id IN ({places}) ORDER BY e.id DESC", ids)
    return tuple(_row(values, found[values[0]]) for values in rows)


def _row(values: tuple[object, ...], findings: list[str]) -> Row:
    row = dict(zip(Row.__struct_fields__, (*values, tuple(findings)), strict=True))
    return Row(**row | {"stream": bool(row["stream"])})  # type: ignore[arg-type]


def _said(by: Sequence[str], values: Sequence[Any]) -> tuple[str | bool | None, ...]:
    """The words of a sum. SQLite knows no booleans."""
    return tuple(
        bool(value) if word in ("tools", "cached") and value is not None else value
        for word, value in zip(by, values, strict=False)
    )


def _minutes(since_ms: int, until_ms: int) -> tuple[int, int]:
    """The whole minutes that a period lies in."""
    return since_ms // MINUTE_MS, -(-until_ms // MINUTE_MS)


def _rollup(
    since_ms: int, until_ms: int, by: Sequence[str], every_ms: int | None
) -> tuple[str, tuple[int, ...]]:
    unit = "NULL" if every_ms is None else f"at_ms / {every_ms} * {every_ms}"
    words = "".join(f", {word}" for word in by)
    groups = ", ".join(map(str, range(1, len(by) + 2)))
    since, until = _minutes(since_ms, until_ms)
    span: tuple[int, ...] = (since, until)
    if set(by) <= {"endpoint", "outcome"}:
        per_hour = HOUR_MS // MINUTE_MS
        first, last = -(-since // per_hour), until // per_hour
        whole = first < last and (every_ms or 0) % HOUR_MS == 0
        edges = (since, first * per_hour, last * per_hour, until) if whole else (since, until, until, until)
        span = (*((first, last) if whole else (0, 0)), *edges)
        source = f"""
        SELECT at * {HOUR_MS} AS at_ms, nullif(endpoint, '') AS endpoint, outcome, {", ".join(SUMS)}
        FROM hour WHERE at >= ? AND at < ?
        UNION ALL
        SELECT at * {MINUTE_MS}, endpoint, outcome, {", ".join(SUMS)} FROM minute JOIN kind USING (kind)
        WHERE (at >= ? AND at < ?) OR (at >= ? AND at < ?)"""  # noqa: S608 - words and numbers are this file's
    else:  # added up by kind first: to find each row's words would cost more than to add it
        source = f"""
        SELECT * FROM (
            SELECT at * {MINUTE_MS} / {every_ms or 1} AS at_ms, kind, {_SUMMED}
            FROM minute WHERE at >= ? AND at < ? GROUP BY {"1, 2" if every_ms else "2"}
        ) JOIN kind USING (kind)"""  # noqa: S608
        unit = f"at_ms * {every_ms}" if every_ms else "NULL"
    question = f"SELECT {unit} AS at{words}, {_SUMMED} FROM ({source}) GROUP BY {groups} ORDER BY 1"  # noqa: S608
    return question, span
