"""Which gateway serves from a state directory, so that a command beside it can find it and tell one run from the next.

A file with its address, locked for as long as any of its processes lives: the kernel lets go of a killed one's lock.
"""

import fcntl
import os
import time
from pathlib import Path

import msgspec
from msgspec import Struct

FILE = "gateway.json"
LOCK_WAIT_S = 5.0


class Running(Struct, frozen=True):
    """One run of a gateway."""

    run: str  # the moment of its beginning, Unix milliseconds; no other run of this state directory has it
    url: str
    workers: int


def announce(state: Path, running: Running) -> None:
    """Say that it runs, for as long as this process or a child of it lives. Raises OSError."""
    descriptor = os.open(state / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:  # somebody looks at it, or an earlier gateway is just ending
            if time.monotonic() >= until:
                raise
            time.sleep(0.02)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, msgspec.json.encode(running))


def running(state: Path) -> Running | None:
    """The gateway that runs there; None: there is none, or it is only just beginning."""
    try:
        descriptor = os.open(state / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # somebody holds it
        try:
            return msgspec.json.decode(os.read(descriptor, 1 << 16), type=Running)
        except msgspec.DecodeError:
            return None
    finally:
        os.close(descriptor)
    return None
