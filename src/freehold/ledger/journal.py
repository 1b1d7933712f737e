"""The journal: an exchange is recorded when `append` returns, and survives the death of the process.

Does not protect against a power cut until `sync`, which the writer thread calls each `commit_s`.
After a sync that failed, what it covered is written once more: the kernel may have dropped it.
"""

import errno
import fcntl
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from freehold.config import clock, schema
from freehold.ledger.durable import sync
from freehold.ledger.faultpoints import reached
from freehold.ledger.segment import CHUNK_BYTES, body_of, framed, lines_after, next_segment, segments
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import Exchange, Record

LOCK_WAIT_S = 1.0  # by then a predecessor has closed, or a recovery has looked at the tail
# A record just appended, kept until the database has it, because to read it again would cost more: its
# segment, its offset and length there, its row: of an exchange, or the shorter one of an event. A named
# tuple would cost five times as much to make.
Recent = tuple[Path, int, int, tuple[object, ...]]
Open = tuple[int, Path]  # a segment's descriptor and where it lies
RECENT_MAX = 4_096  # records that wait in memory; what does not fit is read from the file again
PROBE = bytes(1 << 16)  # room for some records, so that health does not flap at the last free block

log = logging.getLogger(__name__)


def locked(directory: Path, wait_s: float = 0.0) -> int | None:
    """Hold a journal directory: the descriptor to close later, or None if another process holds it."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                return None
            time.sleep(0.02)
        else:
            return descriptor


def sync_way(directory: Path) -> None:
    """Make durable that a journal's directory is there, up to the one that holds the state directory."""
    for above in directory.parents[:3]:
        with suppress(PermissionError):  # not ours to read, so not made by us
            sync(above)


class Journal:
    """One node's journal. One thread appends and probes; any other may call `sync`.

    Every opening begins a new segment. A power cut can shorten a file below what the database has already
    taken from it; records appended there would never be taken.
    """

    def __init__(self, directory: Path, lock: int, segment_bytes: int) -> None:
        self.directory = directory
        self.healthy = True
        self.reason = ""
        self.recent: deque[Recent] = deque()  # taken from by the thread that calls `sync`
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._retired: deque[Open] = (
            deque()
        )  # finished segments that `sync` has yet to make durable and close
        self._doubted: set[int] = (
            set()
        )  # whose sync failed: the kernel may have dropped what it could not write
        self._unsynced = False
        self._syncing = Lock()
        self.before_sync: Callable[[], None] = lambda: None  # makes durable what records refer to
        self._unnamed = False  # the directory has yet to be made durable with the newest segment's name in it
        self._use(*self._created())

    @classmethod
    def open(
        cls, directory: Path, node: str, settings: schema.Ledger, wait_s: float = LOCK_WAIT_S
    ) -> "Journal":
        """Begin to write `directory`/`node`, or say why that cannot be."""
        own = directory / node
        lock = None
        try:
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_way(own)
            lock = locked(own, wait_s)
            if lock is None:
                raise LedgerUnavailable(
                    f"another process writes the journal {own}",
                    remedy="Stop the other gateway, or give this one its own state_dir.",
                )
            for path in segments(own):
                if path.stat().st_size == 0:
                    path.unlink()  # left by a process that recorded nothing
            return cls(own, lock, settings.segment_bytes)
        except OSError as error:
            if lock is not None:
                os.close(lock)
            raise LedgerUnavailable(
                f"the journal {own} cannot be opened: {error.strerror}",
                remedy="Make the state directory writable for this user, on a disk with free space.",
            ) from error

    def append(self, record: Record) -> None:
        """Record something with one write. When this raises, nothing of it is left behind."""
        line = framed(record)
        if not self.healthy and not self._mended():
            raise LedgerUnavailable(f"the journal cannot be written: {self.reason}")
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            self._fail(error.strerror or str(error))
            raise LedgerUnavailable(f"the journal cannot be written: {self.reason}") from error
        if written != len(line):
            self._fail("the disk took only a part of a record")
            raise LedgerUnavailable(f"the journal cannot be written: {self.reason}")
        reached("journal.written")
        if len(self.recent) < RECENT_MAX:
            it, body = record, body_of(line)
            row: tuple[object, ...]
            if isinstance(it, Exchange):
                row = (it.id, it.at_ms, it.application, it.alias, it.endpoint, it.outcome, it.code, body)
            else:
                row = (it.id, it.at_ms, it.kind, body)
            self.recent.append((self.segment, self.size, written, row))
        self.size += written
        self._unsynced = True
        if self.size >= self._segment_bytes:
            self._rotate_if_possible()

    def probe(self) -> bool:
        """Try whether writing works again. What it writes has no line feed, and is cut off at once."""
        if self.healthy:
            return True
        try:
            if any(os.fstat(one).st_nlink == 0 for one, _ in (*self._retired, self._open)):
                self._save_deleted()
            elif self._descriptor in self._doubted:
                self._rotate()  # a finished segment can be written once more
            written = os.write(self._descriptor, PROBE)
            self._flush(*self._open)
        except OSError as error:
            self._fail(error.strerror or str(error))
            return False
        if not self._mended() or written != len(PROBE) or self._doubted:
            return False
        self.healthy, self.reason = True, ""
        log.warning("the journal %s can be written again", self.directory)
        return True

    def sync(self) -> bool:
        """Make durable what was appended; whether all of it is. Any thread may call it."""
        with self._syncing:
            return self._sync()

    def _sync(self) -> bool:
        if not (self._unsynced or self._retired):
            return True
        try:
            self._unsynced = False  # before the sync: an append meanwhile raises it again
            self.before_sync()
            reached("journal.syncing")
            self._flush_all()
            reached("journal.synced")
            if self._unnamed:
                self._unnamed = False  # before the sync too: a segment begun meanwhile raises it again
                try:
                    sync(self.directory)
                except OSError:
                    self._unnamed = True
                    raise
                reached("journal.named")
        except OSError as error:
            self._unsynced = True  # nothing counts as durable before all of it is
            self._condemn(error.strerror or str(error))
            return False
        return True

    def _flush_all(self) -> None:
        """Flush what is finished, oldest first, and what was the present segment when this began.

        It may be finished meanwhile, and then is among those, or was not before everything up to now is.
        """
        present = self._open
        while self._retired:
            descriptor, path = finished = self._retired[0]
            if descriptor in self._doubted:
                _write_again(path)
                self._doubted.discard(descriptor)
            self._flush(*finished)
            self._retired.popleft()
            os.close(descriptor)
            if finished is present:
                return
        if present[0] in self._doubted:
            raise OSError(errno.EIO, f"a sync of {present[1]} failed")
        self._flush(*present)

    def _flush(self, descriptor: int, path: Path) -> None:
        try:
            os.fdatasync(descriptor)
        except OSError:
            self._doubted.add(descriptor)
            raise
        if os.fstat(descriptor).st_nlink == 0:
            raise OSError(errno.ENOENT, f"{path} was deleted")

    def close(self) -> None:
        """Make everything durable and let go of the directory. For the thread that appends."""
        if not self.sync():
            self.probe()  # the last chance to save what was deleted, or to write again what a sync has lost
            self.sync()
        for descriptor, _ in (*self._retired, self._open):
            os.close(descriptor)
        os.close(self._lock)

    def _created(self) -> Open:
        path = next_segment(self.directory, clock.now_ms())
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        reached("journal.created")
        return descriptor, path

    def _use(self, descriptor: int, path: Path, size: int = 0) -> None:
        """Append here from now on. Other threads read these fields, so the order matters: nobody may take the
        old segment's size for the new one's, or believe the new one's name to be durable."""
        self._unnamed = True
        self.size = size
        self.segment = path
        self._descriptor = descriptor
        self._open = (descriptor, path)

    def _rotate(self) -> None:
        created = self._created()
        self._retired.append(self._open)  # before the new one is in use: `sync` must find it here or there
        self._use(*created)
        reached("journal.rotated")

    def _save_deleted(self) -> None:
        """Begin anew with what was in files that were deleted, and that only we can still read."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_way(self.directory)
        with self._syncing:
            files = (*self._retired, self._open)
            deleted = [one for one in files if os.fstat(one[0]).st_nlink == 0]
            descriptor, path = self._created()
            try:
                size = sum(_copied(one[0], descriptor) for one in deleted)
            except OSError:
                os.close(descriptor)
                path.unlink()
                raise
            self._retired = deque(one for one in files if one not in deleted)
            self._use(descriptor, path, size)
            self._unsynced = True
            for one in deleted:
                os.close(one[0])
                self._doubted.discard(one[0])

    def _rotate_if_possible(self) -> None:
        """A segment longer than asked for is better than a request refused."""
        try:
            self._rotate()
        except OSError as error:
            log.warning("the journal stays in %s: %s", self.segment, error)

    def _fail(self, reason: str) -> None:
        self._condemn(reason)
        self._mended()

    def _condemn(self, reason: str) -> None:
        if self.healthy:
            log.error("the journal %s cannot be written: %s", self.directory, reason)
        self.healthy, self.reason = False, reason

    def _mended(self) -> bool:
        """Cut back to the last whole record; whatever follows would otherwise be glued to a torn one.

        Only for the appending thread: to any other, a record just written can look like an excess.
        """
        try:
            if os.fstat(self._descriptor).st_nlink == 0:
                return False
            os.ftruncate(self._descriptor, self.size)
        except OSError as error:
            self.reason = error.strerror or str(error)
            return False
        return True


def _copied(source: int, target: int) -> int:
    """Copy the whole records of a segment; how many bytes they are. Raises OSError, also if the disk is full."""
    begin = 0
    while lines := lines_after(source, begin):
        chunk = b"\n".join([*lines, b""])
        if os.write(target, chunk) != len(chunk):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        begin += len(chunk)
    return begin


def _write_again(path: Path) -> None:
    """Put a finished segment's bytes where they are already, so that the kernel writes them to the disk again.

    After a failed sync it takes them for written, and the next sync would succeed without them.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        begin = 0
        while chunk := os.pread(descriptor, CHUNK_BYTES, begin):
            begin += os.pwrite(descriptor, chunk, begin)
    finally:
        os.close(descriptor)
