"""Processes: start them, read what they cost, end them."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from benchmarks.load import Job, Outcome

SETTLED_SHARE = 0.02  # of one core: below it, a process has no work left over from the load
SETTLE_S_MAX = 3.0
SETTLE_STEP_S = 0.05
END_S = 8.0
FILES_WANTED = 16_384


def tree(pid: int) -> list[int]:
    """This process and all its descendants."""
    found = [pid]
    for parent in found:  # grows while it is walked
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in _read(task).split()]
    return found


def cpu_s(pids: list[int]) -> float:
    """User and system time of these processes, all threads, those that have ended included.

    Read from each process's CPU clock: the same account as /proc/<pid>/stat, in nanoseconds instead of
    ticks of 10 ms. The clock's number is the complement of the process id and three flag bits (2: scheduler).
    """
    return sum(_clock_s(pid) for pid in pids)


def _clock_s(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0  # it has ended between the listing and the reading


def settled_cpu_s(pids: list[int]) -> float:
    """CPU time once the work that a load left behind is done, so that work put off is not work saved."""
    last = cpu_s(pids)
    for _ in range(int(SETTLE_S_MAX / SETTLE_STEP_S)):
        time.sleep(SETTLE_STEP_S)
        now = cpu_s(pids)
        if now - last < SETTLED_SHARE * SETTLE_STEP_S:
            return now
        last = now
    return last


def rss_bytes(pids: list[int]) -> int:
    """Resident memory, pages that are shared within the tree counted in each."""
    sizes = [_read(Path(f"/proc/{pid}/statm")).split() for pid in pids]
    return sum(int(size[1]) for size in sizes if size) * resource.getpagesize()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def machine_ticks() -> tuple[int, int]:
    """Of the whole machine: ticks that a hypervisor gave to others while we wanted them, and all ticks."""
    ticks = [int(word) for word in _read(Path("/proc/stat")).split("\n", 1)[0].split()[1:9]]
    return ticks[7], sum(ticks)


def stolen_share(before: tuple[int, int]) -> float:
    """Of the machine's time since then, the share that was stolen: it makes everybody's CPU time look longer."""
    stolen, every = (now - then for now, then in zip(machine_ticks(), before, strict=True))
    return stolen / max(every, 1)


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def allow_many_files() -> None:
    """Let this process and its children hold enough sockets for a thousand streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop; what is left of its tree after a while is killed, each by its id."""
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in family[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Upstream:
    """The provider's process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.upstream"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())


class Generator:
    """The load generator's process; one job at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.load"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, job: Job) -> None:
        assert self.process.stdin
        self.process.stdin.write(msgspec.json.encode(job) + b"\n")
        self.process.stdin.flush()

    def outcome(self) -> Outcome:
        assert self.process.stdout
        return msgspec.json.decode(self.process.stdout.readline(), type=Outcome)

    def run(self, job: Job) -> Outcome:
        self.begin(job)
        return self.outcome()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(END_S)
