"""What is not an exchange lies on the ledger beside them: found by id and kind, and hidden among exchanges."""

import sqlite3
from itertools import islice
from pathlib import Path
from threading import Thread

import pytest

from freehold.ledger import Ledger, query
from freehold.ledger.index import VERSION
from freehold.ledger.ledger import event, noted
from freehold.ledger.recovery import recover
from freehold.vocabulary.exchange import Event
from tests.ledger.ledger_samples import (
    SETTINGS,
    abandoned,
    exchange,
    fill,
    ids,
    ids_in_database,
    journal_of,
    lines,
)

FIRST_VERSION = """
CREATE TABLE exchange (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, application TEXT NOT NULL, alias TEXT NOT NULL,
    endpoint TEXT, outcome TEXT NOT NULL, code TEXT, record BLOB NOT NULL
);
CREATE INDEX exchange_outcome ON exchange (outcome, id) WHERE outcome <> 'answered';
CREATE TABLE segment (
    node TEXT, name TEXT, indexed_bytes INTEGER NOT NULL, PRIMARY KEY (node, name)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
IN_FORCE = event("policy-in-force", {"policy": "eu@3f9a61c2", "rules": 4, "aliases": ("large", "small")})
EXPIRED = event("expired", {"class": "personal", "bodies": 12})


@pytest.fixture(params=["fresh", "indexed", "read from files"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two exchanges and two events, differently far on their way."""
    mixed = (exchange(0), IN_FORCE, exchange(1), EXPIRED)
    if request.param == "indexed":
        fill(Ledger.open(tmp_path, "node-0", SETTINGS), *mixed)
    else:
        fill(journal_of(tmp_path), *mixed)
        if request.param == "read from files":
            recover(tmp_path)
    return tmp_path


def test_an_event_comes_back_by_its_id_and_by_its_kind(state: Path) -> None:
    assert query.find(state, IN_FORCE.id) == IN_FORCE
    assert query.events(state, "expired") == [EXPIRED]
    assert query.events(state) == sorted((IN_FORCE, EXPIRED), key=lambda it: (it.at_ms, it.id))
    assert query.events(state, "unheard-of") == []


def test_events_are_hidden_from_the_tail_unless_asked_for(state: Path) -> None:
    assert [one.id for one in query.tail(state, 9)] == ids(0, 1)
    assert {one.id for one in query.tail_records(state, 9)} == {*ids(0, 1), IN_FORCE.id, EXPIRED.id}
    assert {one.id for one in islice(query.follow(state, 9, events=True), 4)} == {
        *ids(0, 1),
        IN_FORCE.id,
        EXPIRED.id,
    }


def test_a_database_of_the_first_version_gains_the_table_and_keeps_its_rows(tmp_path: Path) -> None:
    abandoned(tmp_path, "node-0", lines(0))
    first = sqlite3.connect(tmp_path / "ledger.sqlite")
    first.executescript(FIRST_VERSION)
    first.execute("INSERT INTO exchange SELECT 'old', 1, 'a', 'b', NULL, 'answered', NULL, x'7b7d'")
    first.commit()
    assert query.events(tmp_path) == []
    assert [one.id for one in query.tail(tmp_path, 1)] == ids(0)

    assert recover(tmp_path).records == 1
    noted(tmp_path, SETTINGS, IN_FORCE)

    assert ids_in_database(tmp_path) == [*ids(0), "old"]
    assert [one.id for one in query.events(tmp_path)] == [IN_FORCE.id]
    assert first.execute("PRAGMA user_version").fetchone() == (VERSION,)
    first.close()


def test_commands_note_what_they_do_beside_a_gateway_and_beside_each_other(tmp_path: Path) -> None:
    gateway = Ledger.open(tmp_path, "node-0", SETTINGS)
    events = [event("hold", {"number": number}) for number in range(4)]
    commands = [Thread(target=noted, args=(tmp_path, SETTINGS, one)) for one in events]
    for command in commands:
        command.start()
    gateway.append(exchange(0))
    for command in commands:
        command.join()

    found = query.events(tmp_path, "hold")
    assert {one.id for one in found} == {one.id for one in events}
    assert {one.node for one in found} == {"node-cli"}
    gateway.close()


def test_ids_of_events_sort_by_time_and_begin_with_e() -> None:
    made = [event("tick", {}) for _ in range(3)]

    assert [one.id[:12] for one in made] == sorted(one.id[:12] for one in made)
    assert all(isinstance(one, Event) and one.id.startswith("e") for one in made)
