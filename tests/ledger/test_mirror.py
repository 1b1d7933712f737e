"""What a search would find is held against the journals: whatever was changed in the database alone is named."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from freehold.ledger import Ledger
from freehold.ledger.index import connected, take
from freehold.ledger.ledger import event
from freehold.ledger.mirror import beside, mirrored
from freehold.ledger.segment import framed, segments
from freehold.vocabulary.exchange import OPENED, Event
from tests.ledger.ledger_samples import SETTINGS, exchange, fill, journal_of

NODE = "node-0"
HOLD = replace(event("hold", {"name": "case-17"}), node=NODE)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    ledger = Ledger.open(tmp_path, NODE, SETTINGS)
    for number in range(5):
        begun = Event(f"e{exchange(number).id[1:]}", 1, OPENED, {}, NODE)
        ledger.append(begun)
        ledger.append(replace(exchange(number), id=f"x{begun.id[1:]}"))
    ledger.append(HOLD)
    ledger.close()
    return tmp_path


def name(number: int) -> str:
    return f"x{exchange(number).id[1:]}"


def changed(state: Path, statement: str, *values: object) -> list[str | None]:
    """Which records are named once somebody has done this to the database."""
    with sqlite3.connect(state / "ledger.sqlite") as connection:
        connection.execute(statement, values)
    connection.close()
    found = mirrored(state)
    assert found is not None
    assert {problem.what for problem in found.problems} <= {"database"}
    return [problem.record for problem in found.problems]


def test_a_database_as_it_was_filled_has_no_problems(state: Path) -> None:
    found = mirrored(state)

    assert found is not None
    assert (found.records, found.problems) == (6, [])


def test_without_a_database_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert mirrored(tmp_path) is None


@pytest.mark.parametrize(
    "to", ["replace(record, 'answered', 'rejected')", "CAST(record AS TEXT)", "NULL || 1"]
)
def test_an_edited_row_is_named(state: Path, to: str) -> None:
    value = f"coalesce({to}, 1)"
    assert changed(state, f"UPDATE exchange SET record = {value} WHERE id = ?", name(2)) == [name(2)]


def test_a_removed_row_is_named(state: Path) -> None:
    assert changed(state, "DELETE FROM exchange WHERE id = ?", name(3)) == [name(3)]
    assert changed(state, "DELETE FROM event WHERE kind = 'hold'") == [name(3), HOLD.id]


def test_an_added_row_is_named(state: Path) -> None:
    copied = "INSERT INTO exchange SELECT 'x-more', at_ms, '', '', '', 'answered', '', record FROM exchange LIMIT 1"
    assert changed(state, copied) == ["x-more"]


def test_a_hold_that_searches_no_longer_find_is_named(state: Path) -> None:
    assert changed(state, "UPDATE event SET kind = 'held' WHERE id = ?", HOLD.id) == [HOLD.id]


def test_rows_of_a_journal_that_is_gone_are_named(state: Path) -> None:
    (segment,) = segments(state / "journal" / NODE)
    segment.unlink()

    assert changed(state, "SELECT 1") == [*map(name, range(5)), HOLD.id]


def test_a_damaged_line_and_an_id_that_comes_twice_are_no_differences(state: Path) -> None:
    journal = journal_of(state)
    journal.append(replace(exchange(1), id=name(1), alias="another"))
    journal.close()
    with journal.segment.open("ab") as file:
        file.write(b"no record\n" + framed(exchange(9)))
    connection = connected(state / "ledger.sqlite")
    take(connection, journal.segment)
    connection.close()

    assert changed(state, "SELECT 1") == []


def test_what_the_database_has_yet_to_take_in_is_no_difference(state: Path) -> None:
    fill(journal_of(state), exchange(7))

    assert changed(state, "SELECT 1") == []


def test_a_file_that_is_no_database_is_a_problem(state: Path) -> None:
    (state / "ledger.sqlite").write_bytes(b"nothing of the kind" * 100)

    found = mirrored(state)
    assert found is not None
    assert "not a database" in found.problems[0].says


@pytest.mark.parametrize("processes", [1, None])
def test_a_process_of_its_own_comes_to_the_same(
    state: Path, monkeypatch: pytest.MonkeyPatch, processes: int | None
) -> None:
    monkeypatch.setattr("freehold.ledger.mirror.ALONE_BELOW_BYTES", 0)
    changed(state, "DELETE FROM exchange WHERE id = ?", name(3))

    with beside(processes, state) as compared:
        assert compared() == mirrored(state)
