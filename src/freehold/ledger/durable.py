"""Files that a power cut leaves as they were or as they were meant to be."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEW = ".new"  # the end of a name: written, and not yet given its own


def replace(path: Path, data: bytes) -> None:
    """Give a file this content, durably, so that a crash leaves the old one or the new one."""
    fresh = path.with_name(path.name + NEW)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with memoryview(data) as rest:
            done = 0
            while done < len(data):
                done += os.write(descriptor, rest[done:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)
    sync(path.parent)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """While no other process holds this lock: a file of its own beside what is replaced. Its folder is made."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_private(path: Path) -> None:
    """Make an empty file that others cannot read, where there is none; SQLite would let all read.

    One that is there is not opened: to close it would end the locks that this process has on it through SQLite, and
    another process would take the write-ahead log away (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def sync(path: Path) -> None:
    """Make a file's content, or the names in a directory, durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
