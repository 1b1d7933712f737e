"""What is appended becomes searchable, exactly once, whatever happens to the database meanwhile."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from freehold.ledger import Ledger, journal
from freehold.ledger.index import connected, reading, take
from freehold.ledger.query import find, tail
from freehold.vocabulary.errors import LedgerUnavailable
from tests.ledger.ledger_samples import (
    SETTINGS,
    SMALL_SEGMENTS,
    abandoned,
    exchange,
    fill,
    ids,
    ids_in_database,
    lines,
)


def until(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.005)


def test_records_reach_the_database_within_a_commit_or_two(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, "node-0", SETTINGS)
    for number in range(3):
        ledger.append(exchange(number))
        until(lambda number=number: ids_in_database(tmp_path) == ids(*range(number + 1)))  # type: ignore[misc]
    ledger.close()


def test_closing_brings_in_all_and_may_be_repeated(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, "node-0", SMALL_SEGMENTS)
    for number in range(500):
        ledger.append(exchange(number))
    ledger.close()
    ledger.close()

    assert ids_in_database(tmp_path) == ids(*range(500))
    assert not ledger.healthy
    assert ledger.reason == "the writer thread has stopped"


def test_what_does_not_fit_in_memory_is_read_from_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "RECENT_MAX", 3)
    ledger = Ledger.open(tmp_path, "node-0", SMALL_SEGMENTS)
    for number in range(1_000):
        ledger.append(exchange(number))
        if number % 400 == 0:
            time.sleep(0.03)  # so that rounds end at many different places
    ledger.close()

    assert ids_in_database(tmp_path) == ids(*range(1_000))


def test_the_columns_say_what_the_record_says(tmp_path: Path) -> None:
    fill(Ledger.open(tmp_path, "node-0", SETTINGS), exchange(1))

    columns = "at_ms, application, alias, endpoint, outcome, code"
    row = sqlite3.connect(tmp_path / "ledger.sqlite").execute(f"SELECT {columns} FROM exchange").fetchone()
    assert row == (1_780_000_000_001, "invoices", "large", "near/large-1", "answered", None)


def test_a_locked_database_holds_up_nothing_and_is_caught_up_with(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, "node-0", SETTINGS)
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    for number in range(100):
        ledger.append(exchange(number))
    appended_s = time.monotonic() - began
    until(lambda: "locked" in ledger.trouble)

    assert appended_s < 20  # 50, if each waited until the database gives up
    assert ledger.healthy
    assert [found.id for found in tail(tmp_path, 2)] == ids(98, 99)
    other.execute("ROLLBACK")
    other.close()
    until(lambda: ledger.trouble == "")
    ledger.close()
    assert ids_in_database(tmp_path) == ids(*range(100))


def test_a_broken_database_stops_no_request_and_is_built_again(tmp_path: Path) -> None:
    database = tmp_path / "ledger.sqlite"
    database.write_bytes(b"this is not a database" * 500)
    ledger = Ledger.open(tmp_path, "node-0", SETTINGS)
    assert "not a database" in ledger.recovered.trouble
    ledger.append(exchange(0))
    until(lambda: "not a database" in ledger.trouble)
    assert ledger.healthy
    with pytest.raises(LedgerUnavailable, match="not a database") as refused:
        find(tmp_path, "ex")
    assert "move ledger.sqlite* away" in refused.value.remedy
    ledger.close()

    database.unlink()
    Ledger.open(tmp_path, "node-0", SETTINGS).close()

    assert ids_in_database(tmp_path) == ids(0)


def test_a_database_that_is_deleted_takes_nothing_with_it(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, "node-0", SETTINGS)
    ledger.append(exchange(0))
    until(lambda: ids_in_database(tmp_path) == ids(0))
    for file in tmp_path.glob("ledger.sqlite*"):
        file.unlink()
    ledger.append(exchange(1))

    assert ledger.healthy
    assert [one.id for one in tail(tmp_path, 9)] == ids(0, 1)
    ledger.close()
    Ledger.open(tmp_path, "node-0", SETTINGS).close()
    assert ids_in_database(tmp_path) == ids(0, 1)


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    newer = sqlite3.connect(tmp_path / "ledger.sqlite")
    newer.execute("PRAGMA user_version = 7")
    newer.close()

    for attempt in (lambda: Ledger.open(tmp_path, "node-0", SETTINGS), lambda: tail(tmp_path, 1)):
        with pytest.raises(LedgerUnavailable, match="has version 7, and this Freehold knows 2"):
            attempt()


def test_only_its_owner_may_read_the_database(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "state", "node-0", SETTINGS)

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").glob("ledger.sqlite*")}
    assert set(modes.values()) == {0o600}
    ledger.close()


def test_a_database_without_room_is_told_as_such(tmp_path: Path) -> None:
    connection = connected(tmp_path / "ledger.sqlite")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    segment = abandoned(tmp_path, "node-0", lines(*range(200)))

    with pytest.raises(sqlite3.OperationalError, match="full"):
        take(connection, segment)
    connection.close()


def test_a_database_that_this_process_reads_and_writes_is_not_taken_away_by_another(tmp_path: Path) -> None:
    database = tmp_path / "ledger.sqlite"
    connected(database).close()
    reader = reading(database)
    assert reader is not None
    with closing(reader):
        reader.execute(
            "SELECT * FROM segment"
        ).fetchall()  # holds a lock, which must not end with what follows
        writer = connected(database)
    with closing(writer):
        writer.execute("INSERT INTO segment VALUES ('node-0', 'first', 1)")
        look = f"import sqlite3; c = sqlite3.connect({str(database)!r}); c.execute('SELECT 1 FROM segment'); c.close()"
        subprocess.run([sys.executable, "-c", look], check=True, timeout=60)
        writer.execute("INSERT INTO segment VALUES ('node-0', 'second', 1)")

        again = reading(database)
        assert again is not None
        with closing(again):
            assert len(again.execute("SELECT name FROM segment").fetchall()) == 2
