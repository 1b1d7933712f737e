"""Who waits for the disk waits no longer than it takes, beside others, and is told the truth."""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Signal
from threading import Thread

import pytest
from msgspec.structs import replace

from freehold.config import schema
from freehold.config.schema import Durability
from freehold.ledger import Ledger
from freehold.ledger import ledger as ledger_module
from freehold.ledger.commit import GroupCommit
from freehold.ledger.ledger import event
from freehold.ledger.query import events, tail
from freehold.ledger.recovery import recover
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import OPENED, Event, Outcome
from tests.ledger.ledger_samples import exchange, fill, ids, journal_of

STRICT = schema.Ledger(durability=Durability.STRICT, commit_s=60.0)  # no other sync helps by chance


class Disk:
    """Syncs of data pass when `free` is set, and fail while `broken`."""

    def __init__(self, fdatasync: object) -> None:
        self.free, self.syncing = Signal(), Signal()
        self.free.set()
        self.broken = False
        self.syncs = 0
        self._fdatasync = fdatasync

    def __call__(self, descriptor: int) -> None:
        self.syncing.set()
        assert self.free.wait(10)
        self.syncs += 1
        if self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fdatasync(descriptor)  # type: ignore[operator]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", disk)
    return disk


@pytest.fixture
def ledger(tmp_path: Path, disk: Disk) -> Iterator[Ledger]:
    ledger = Ledger.open(tmp_path, "node-0", STRICT)
    yield ledger
    disk.free.set()
    ledger.close()


async def test_nobody_is_told_before_the_disk_has_it_and_the_loop_goes_on_meanwhile(
    ledger: Ledger, disk: Disk
) -> None:
    disk.free.clear()
    ledger.append(exchange(0))
    waiting = asyncio.create_task(ledger.durable())
    await asyncio.to_thread(disk.syncing.wait)

    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()

    disk.free.set()
    await waiting


async def test_all_who_come_during_one_sync_share_the_next(ledger: Ledger, disk: Disk) -> None:
    disk.free.clear()
    ledger.append(exchange(0))
    first = asyncio.create_task(ledger.durable())
    await asyncio.to_thread(disk.syncing.wait)
    others = []
    for number in range(1, 101):
        ledger.append(exchange(number))
        others.append(asyncio.create_task(ledger.durable()))
        await asyncio.sleep(0)

    disk.free.set()
    await asyncio.gather(first, *others)

    assert disk.syncs == 2


async def test_one_who_leaves_does_not_end_the_wait_of_the_others(ledger: Ledger, disk: Disk) -> None:
    disk.free.clear()
    ledger.append(exchange(0))
    leaving, staying = asyncio.create_task(ledger.durable()), asyncio.create_task(ledger.durable())
    await asyncio.to_thread(disk.syncing.wait)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    disk.free.set()
    await staying


async def test_when_the_disk_fails_all_are_told_until_it_works_again(ledger: Ledger, disk: Disk) -> None:
    disk.broken = True
    for number in range(3):
        ledger.append(exchange(number))
    told = await asyncio.gather(*(ledger.durable() for _ in range(3)), return_exceptions=True)

    assert [type(one) for one in told] == [LedgerUnavailable] * 3
    assert not ledger.healthy
    assert "Input/output error" in str(told[0])
    disk.broken = False
    with pytest.raises(LedgerUnavailable):
        await ledger.durable()  # a sync that would succeed now would prove nothing
    while not ledger.probe():
        ledger.sync()
    ledger.append(exchange(3))
    await ledger.durable()


async def test_a_disk_that_does_not_answer_is_taken_for_broken(
    ledger: Ledger, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "DURABLE_S_MAX", 0.01)
    disk.free.clear()
    ledger.append(exchange(0))

    with pytest.raises(LedgerUnavailable, match="the disk has not answered"):
        await ledger.durable()


async def test_a_locked_database_holds_up_nobody(tmp_path: Path, ledger: Ledger) -> None:
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for number in range(20):
        ledger.append(exchange(number))
        await ledger.durable()
    other.execute("ROLLBACK")
    other.close()

    assert [one.id for one in tail(tmp_path, 30)] == ids(*range(20))


async def test_in_journal_mode_nobody_waits(tmp_path: Path, disk: Disk) -> None:
    ledger = Ledger.open(tmp_path, "node-0", schema.Ledger(commit_s=60.0))
    disk.free.clear()
    ledger.append(exchange(0))
    await ledger.durable()

    assert disk.syncs == 0
    disk.free.set()
    ledger.close()


async def test_a_closing_ledger_tells_those_who_still_wait(tmp_path: Path, disk: Disk) -> None:
    ledger = Ledger.open(tmp_path, "node-0", STRICT)
    ledger.append(exchange(0))
    waiting = asyncio.create_task(ledger.durable())
    await asyncio.sleep(0)
    await asyncio.to_thread(ledger.close)

    await waiting
    with pytest.raises(LedgerUnavailable):
        await ledger.durable()


def test_who_waited_in_a_loop_that_is_gone_is_not_told(tmp_path: Path, disk: Disk) -> None:
    journal = journal_of(tmp_path)
    commit = GroupCommit(journal)
    commit.start()
    disk.free.clear()

    async def leave() -> None:
        journal.append(exchange(0))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(commit.durable(), 0.01)

    asyncio.run(leave())
    disk.free.set()
    commit.stop()
    journal.close()

    assert commit.syncs == 1


def opened(number: int, node: str = "node-0") -> Event:
    about = {"exchange": f"x{number:04d}", "application": "invoices", "dialect": "chat", "alias": "large"}
    return Event(f"e{number:04d}", 1_780_000_000_000 + number, OPENED, about | {"key": "key_1"}, node)


def test_what_was_begun_and_not_ended_is_told_as_interrupted_once(tmp_path: Path) -> None:
    fill(journal_of(tmp_path), *(opened(number) for number in range(3)), replace(exchange(1), id="x0001"))

    assert recover(tmp_path).interrupted == 2
    assert recover(tmp_path).interrupted == 0

    told = {one.id: one.outcome for one in tail(tmp_path, 9)}
    assert told == {"x0000": Outcome.INTERRUPTED, "x0001": Outcome.ANSWERED, "x0002": Outcome.INTERRUPTED}
    found = tail(tmp_path, 9)[0]
    assert (found.application, found.alias, found.key, found.status) == ("invoices", "large", "key_1", 0)
    assert [one.id for one in events(tmp_path, OPENED)] == ["e0000", "e0002"]  # whom it may have gone to


def test_what_a_living_process_has_begun_is_left_alone(tmp_path: Path) -> None:
    living = journal_of(tmp_path, "node-1")
    living.append(opened(5, "node-1"))
    fill(journal_of(tmp_path), opened(6))

    assert recover(tmp_path).interrupted == 1
    assert [one.id for one in tail(tmp_path, 9)] == ["x0006"]
    living.close()
    assert recover(tmp_path).interrupted == 1


def test_processes_that_start_together_record_an_interruption_once(tmp_path: Path) -> None:
    fill(journal_of(tmp_path), *(opened(number) for number in range(5)))
    found: list[int] = []
    starts = [Thread(target=lambda: found.append(recover(tmp_path).interrupted)) for _ in range(4)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    recover(tmp_path)

    lines = b"".join(path.read_bytes() for path in (tmp_path / "journal" / "node-0").glob("*.jsonl"))
    assert lines.count(b'"interrupted"') == 5
    assert sum(found) <= 5
    assert len(tail(tmp_path, 9)) == 5


def test_an_event_that_only_looks_like_a_beginning_ends_no_start(tmp_path: Path) -> None:
    fill(journal_of(tmp_path), Event("e1", 1, OPENED, {"stream": "perhaps"}, "node-0"), event("noted", {}))

    assert recover(tmp_path).interrupted == 1
    assert tail(tmp_path, 1)[0].id == "x1"
