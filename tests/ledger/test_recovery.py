"""After any death of a process, what it acknowledged is found, and nothing twice."""

import os
import signal
from pathlib import Path
from threading import Thread

import pytest

from freehold.ledger.journal import locked
from freehold.ledger.recovery import Recovered, recover
from freehold.ledger.segment import Damage, framed
from freehold.vocabulary.exchange import OPENED, Event
from tests.ledger.ledger_samples import abandoned, exchange, fill, ids, ids_in_database, journal_of, lines
from tests.warm import Warm


def appending(state: Path, node: str, prefix: str, *count: str) -> Warm:
    return Warm("tests.ledger.appender", str(state), node, prefix, *count)


def acknowledged(process: Warm, kill_after: int | None = None) -> list[str]:
    """The ids that were printed, without one that was cut off; the process may be killed after so many bytes."""
    printed = ""
    if kill_after is not None:
        printed = process.stdout.read(kill_after)
        process.send_signal(signal.SIGKILL)
    printed += process.communicate()
    return printed[: printed.rfind("\n") + 1].split()


@pytest.mark.slow
def test_kill_minus_nine_under_load_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    known: list[str] = []
    for turn in range(6):
        process = appending(tmp_path, "node-0", f"turn{turn}")
        known += acknowledged(process, kill_after=2_000 + turn * 3_700)

        recovered = recover(tmp_path)

        found = ids_in_database(tmp_path)
        assert len(found) == len(set(found))
        assert set(known) <= set(found)
        assert len(found) - len(known) <= turn + 1  # recorded, but killed before it could say so
        assert not recovered.damages
    assert len(known) > 1_000


@pytest.mark.slow
def test_two_processes_share_the_database(tmp_path: Path) -> None:
    processes = [appending(tmp_path, f"node-{index}", f"worker{index}", "3000") for index in range(2)]

    known = [id for process in processes for id in acknowledged(process)]

    assert len(known) == 6_000
    assert ids_in_database(tmp_path) == sorted(known)


def test_a_torn_last_record_is_cut_and_counted_wherever_it_was_torn(tmp_path: Path) -> None:
    whole, torn = lines(0, 1), framed(exchange(2))
    for kept in range(0, len(torn), 19):
        state = tmp_path / str(kept)
        segment = abandoned(state, "node-0", whole + torn[:kept])

        recovered = recover(state)

        assert recovered.records == 2
        assert recovered.torn == ((Damage(segment, len(whole), kept),) if kept else ())
        assert segment.read_bytes() == whole
        assert ids_in_database(state) == ids(0, 1)


def test_a_damaged_record_in_the_middle_is_named_passed_over_and_left(tmp_path: Path) -> None:
    damaged = lines(1).replace(b"invoices", b"invoixes")
    content = lines(0) + damaged + lines(2)
    segment = abandoned(tmp_path, "node-0", content)

    recovered = recover(tmp_path)

    assert recovered.damages == (Damage(segment, len(lines(0)), len(damaged) - 1),)
    assert str(recovered.damages[0]) == f"{segment}: {len(damaged) - 1} bytes at offset {len(lines(0))}"
    assert segment.read_bytes() == content
    assert ids_in_database(tmp_path) == ids(0, 2)
    assert recover(tmp_path) == Recovered()


def test_a_record_that_stands_in_two_journals_is_one_row(tmp_path: Path) -> None:
    abandoned(tmp_path, "node-0", lines(0, 1))
    abandoned(tmp_path, "node-1", lines(1, 2))

    recover(tmp_path)

    assert ids_in_database(tmp_path) == ids(0, 1, 2)


def test_a_lost_database_is_built_again_from_all_segments(tmp_path: Path) -> None:
    for node in ("node-0", "node-1"):
        fill(journal_of(tmp_path, node), *(exchange(number, node) for number in range(700)))
    recover(tmp_path)
    (tmp_path / "ledger.sqlite").unlink()

    assert recover(tmp_path).records == 1_400
    assert len(ids_in_database(tmp_path)) == 1_400


def test_the_journal_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    journal.append(exchange(0))
    with journal.segment.open("ab") as file:
        file.write(b"half a rec")

    assert recover(tmp_path) == Recovered(living=(journal.directory,))
    journal.close()
    assert recover(tmp_path).records == 1


def test_nothing_to_recover_is_no_trouble(tmp_path: Path) -> None:
    assert recover(tmp_path) == Recovered()


def test_a_journal_that_another_process_recovers_is_not_taken_for_a_living_one(tmp_path: Path) -> None:
    fill(journal_of(tmp_path), Event("e1", 1, OPENED, {}, "node-0"))
    others = [locked(tmp_path / "journal"), locked(tmp_path / "journal" / "node-0")]
    found: list[Recovered] = []
    starting = Thread(target=lambda: found.append(recover(tmp_path)))
    starting.start()
    starting.join(0.2)  # it waits; one that did not would be done long before
    for lock in others:
        assert lock is not None
        os.close(lock)
    starting.join()

    assert [(one.interrupted, one.living) for one in found] == [(1, ())]
    assert ids_in_database(tmp_path) == ["x1"]
