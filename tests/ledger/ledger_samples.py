"""Exchanges to record, and ways to look at what was recorded."""

import sqlite3
from pathlib import Path

from freehold.config import schema
from freehold.ledger.journal import Journal
from freehold.ledger.ledger import Ledger
from freehold.ledger.segment import framed
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Attempt, Event, Exchange, Finding, Finish, Outcome, Served, Usage

SETTINGS = schema.Ledger(commit_s=0.01)
SMALL_SEGMENTS = schema.Ledger(segment_bytes=2_048, commit_s=0.01)


def exchange(number: int, prefix: str = "ex") -> Exchange:
    """One of a row of exchanges, each a millisecond after the one before."""
    return Exchange(
        id=f"{prefix}_{number:08d}",
        at_ms=1_780_000_000_000 + number,
        application="invoices",
        dialect=Dialect.CHAT,
        alias="large",
        outcome=Outcome.ANSWERED,
        status=200,
        stream=number % 2 == 0,
        endpoint="near/large-1",
        attempts=(Attempt("far/large-1", "connect", took_us=800), Attempt("near/large-1", "ok", 200, 900)),
        served=Served("large-1-0711", finish=Finish.STOP, usage=Usage(1_200, 300)),
        findings=(Finding("truncation", "finish is length\nafter 12 tokens"),),
        took_us=91_000,
    )


def journal_of(state: Path, node: str = "node-0", settings: schema.Ledger = SETTINGS) -> Journal:
    return Journal.open(state / "journal", node, settings)


def fill(ledger: Ledger | Journal, *records: Exchange | Event) -> None:
    """Record, and close."""
    for record in records:
        ledger.append(record)
    ledger.close()


def abandoned(state: Path, node: str, content: bytes) -> Path:
    """A segment as a process that is gone has left it."""
    segment = state / "journal" / node / f"{1_780_000_000_000:015d}.jsonl"
    segment.parent.mkdir(parents=True, exist_ok=True)
    segment.write_bytes(content)
    return segment


def lines(*numbers: int) -> bytes:
    return b"".join(framed(exchange(number)) for number in numbers)


def ids_in_database(state: Path) -> list[str]:
    """Each row's id; also asks SQLite whether the file is whole."""
    connection = sqlite3.connect(state / "ledger.sqlite")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [id for (id,) in connection.execute("SELECT id FROM exchange ORDER BY id")]
    finally:
        connection.close()


def ids(*numbers: int) -> list[str]:
    return [exchange(number).id for number in numbers]
