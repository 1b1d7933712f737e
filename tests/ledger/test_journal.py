"""The journal keeps what it acknowledged, says when it cannot, and comes back by itself."""

import errno
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from freehold.ledger import Ledger
from freehold.ledger.journal import Journal
from freehold.ledger.segment import records_after, segments, written_bytes
from freehold.vocabulary.errors import LedgerUnavailable
from tests.ledger.ledger_samples import SETTINGS, SMALL_SEGMENTS, exchange, fill, ids, journal_of, lines


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    """What a full disk does to writes, by the kernel's own limit: a part is taken, then nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Permissions do not bind root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def kept(journal: Journal) -> list[str]:
    return [row.id for path in segments(journal.directory) for row, _, _ in records_after(path, 0)]


def test_what_was_appended_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    for number in range(3):
        journal.append(exchange(number))

        assert kept(journal) == ids(*range(number + 1))
    journal.close()


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)

    assert journal.directory.stat().st_mode & 0o777 == 0o700
    assert journal.segment.stat().st_mode & 0o777 == 0o600
    journal.close()


def test_segments_follow_one_another_at_their_size(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, settings=SMALL_SEGMENTS)
    for number in range(40):
        journal.append(exchange(number))
        if number % 10 == 0:
            journal.sync()
    journal.close()

    sizes = [path.stat().st_size for path in segments(journal.directory)]
    assert kept(journal) == ids(*range(40))
    assert len(sizes) > 5
    assert all(2_048 <= size < 3_072 for size in sizes[:-1])


def test_descriptors_of_finished_segments_are_closed(tmp_path: Path) -> None:
    before = open_descriptors()
    fill(journal_of(tmp_path, settings=SMALL_SEGMENTS), *(exchange(number) for number in range(40)))

    assert open_descriptors() == before


def test_each_opening_begins_a_segment_and_leaves_no_empty_one(tmp_path: Path) -> None:
    for number in (0, None, None, 1):
        journal = journal_of(tmp_path)
        if number is not None:
            journal.append(exchange(number))
        journal.close()

    assert [path.stat().st_size > 0 for path in segments(journal.directory)] == [True, True]
    assert kept(journal) == ids(0, 1)


def test_a_second_writer_is_refused_and_a_successor_is_not(tmp_path: Path) -> None:
    first = journal_of(tmp_path)

    with pytest.raises(LedgerUnavailable, match="another process writes the journal") as refused:
        journal_of(tmp_path)
    first.close()
    journal_of(tmp_path).close()

    assert "state_dir" in refused.value.remedy


@pytest.mark.parametrize("room_bytes", [0, 1, 300])
def test_a_full_disk_is_said_leaves_no_torn_record_and_passes(tmp_path: Path, room_bytes: int) -> None:
    journal = journal_of(tmp_path)
    journal.append(exchange(0))
    with files_no_longer_than(journal.size + room_bytes):
        with pytest.raises(LedgerUnavailable):
            journal.append(exchange(1))
        assert not journal.healthy
        assert journal.reason
        assert journal.segment.stat().st_size == journal.size
        assert not journal.probe()
        with pytest.raises(LedgerUnavailable, match="cannot be written"):
            journal.append(exchange(2))
        assert journal.segment.stat().st_size == journal.size

    assert journal.probe()
    assert journal.healthy
    assert journal.reason == ""
    journal.append(exchange(3))
    assert kept(journal) == ids(0, 3)
    journal.close()


def test_room_for_one_record_only_is_used_but_is_not_health(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    journal.append(exchange(0))
    with files_no_longer_than(journal.size * 2 + 10):
        journal.append(exchange(1))
        with pytest.raises(LedgerUnavailable):
            journal.append(exchange(2))
        assert not journal.probe()
    journal.close()

    assert kept(journal) == ids(0, 1)


def test_a_deleted_journal_is_noticed_and_begun_anew_with_what_was_in_it(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    shutil.rmtree(journal.directory)
    journal.append(exchange(0))
    journal.sync()

    assert not journal.healthy
    assert "deleted" in journal.reason
    with pytest.raises(LedgerUnavailable, match="deleted"):
        journal.append(exchange(1))
    assert journal.probe()
    journal.append(exchange(2))
    assert journal.sync()
    assert kept(journal) == ids(0, 2)
    journal.close()


def test_a_finished_segment_that_is_deleted_before_it_was_synced_is_not_lost(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, settings=SMALL_SEGMENTS)
    for number in range(12):
        journal.append(exchange(number))
    first, *_ = segments(journal.directory)
    first.unlink()

    assert not journal.sync()
    assert not journal.sync()
    assert journal.probe()
    assert journal.sync()
    assert sorted(kept(journal)) == ids(*range(12))
    journal.close()


def test_a_sync_that_failed_is_believed_only_after_all_was_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_of(tmp_path)
    written_again: list[bytes] = []
    pwrite = os.pwrite

    def watched(descriptor: int, data: bytes, offset: int) -> int:
        written_again.append(data)
        return pwrite(descriptor, data, offset)

    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    journal.append(exchange(0))
    monkeypatch.setattr(os, "pwrite", watched)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", failing)
        assert not journal.sync()
    assert (journal.healthy, journal.reason) == (False, "Input/output error")
    assert not journal.sync()  # the kernel would say by now that all is well
    assert not written_again

    assert not journal.probe()  # finishes the segment
    assert journal.sync()
    assert written_again == [lines(0)]
    assert journal.probe()
    assert journal.healthy
    journal.append(exchange(1))
    assert kept(journal) == ids(0, 1)
    journal.close()


@pytest.mark.parametrize(
    ("functions", "lines_max"),
    [(("_sync", "_flush_all", "_flush"), 30), (("append", "_rotate_if_possible", "_rotate", "_use"), 90)],
    ids=["appending into a sync", "syncing into an append"],
)
def test_what_was_appended_before_a_sync_is_durable_after_it_wherever_two_threads_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, functions: tuple[str, ...], lines_max: int
) -> None:
    fdatasync, synced = os.fdatasync, dict[Path, int]()

    def watched(descriptor: int) -> None:
        synced[Path(f"/proc/self/fd/{descriptor}").readlink()] = os.fstat(descriptor).st_size
        fdatasync(descriptor)

    def checked_sync(journal: Journal) -> None:
        before = {path: written_bytes(path) for path in segments(journal.directory)}
        assert journal.sync()
        assert all(synced.get(path, 0) >= size for path, size in before.items())

    monkeypatch.setattr(os, "fdatasync", watched)
    for line in range(lines_max):
        journal = Journal.open(tmp_path / str(line), "node-0", SMALL_SEGMENTS)
        for number in range(2):
            journal.append(exchange(number))
        if functions[0] == "append":
            with at_line(line, functions, lambda journal=journal: checked_sync(journal)):  # type: ignore[misc]
                for number in range(2, 5):
                    journal.append(exchange(number))
        else:
            with at_line(line, functions, lambda journal=journal: several(journal)):  # type: ignore[misc]
                checked_sync(journal)
        journal.close()


def several(journal: Journal) -> None:
    """More records than a small segment holds."""
    for number in range(10, 16):
        journal.append(exchange(number))


@contextmanager
def at_line(wanted: int, functions: tuple[str, ...], act: Callable[[], None]) -> Iterator[None]:
    """Do something just before one line of the journal is executed, as another thread can."""
    passed = count()

    def traced(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_name not in functions or "ledger/journal" not in frame.f_code.co_filename:
            return None
        if event == "line" and next(passed) == wanted:
            sys.settrace(None)
            act()
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        yield
    finally:
        sys.settrace(before)


def test_a_directory_that_may_not_be_written_is_an_error_with_a_remedy() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "journal"
        directory.mkdir(mode=0o555)
        Path(name).chmod(0o755)
        with as_nobody():
            with pytest.raises(LedgerUnavailable, match="Permission denied") as refused:
                Journal.open(directory, "node-0", SETTINGS)
            with pytest.raises(LedgerUnavailable, match="Permission denied"):
                Ledger.open(directory / "state", "node-0", SETTINGS)

    assert "writable" in refused.value.remedy


def test_a_directory_that_cannot_be_written_any_more_holds_up_no_record() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        with as_nobody():
            journal = journal_of(Path(name), settings=SMALL_SEGMENTS)
            journal.directory.chmod(0o555)
            several(journal)  # and no new segment can be created for them
            assert journal.healthy
            assert journal.sync()
            assert len(segments(journal.directory)) == 1
            journal.directory.chmod(0o700)
            several(journal)
            assert len(segments(journal.directory)) > 1
            assert kept(journal) == ids(*range(10, 16)) * 2
            journal.close()


def test_a_file_in_the_journals_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("")

    with pytest.raises(LedgerUnavailable, match=str(tmp_path)):
        journal_of(tmp_path)
