"""`python -m MODULE WORDS`, in a process forked from one that has imported what the program needs.

A program that starts takes half a second of processor time to import itself, and hundreds are started here. What is
forked is as much a process as any: it has a process id, an end and an exit code of its own. That a program starts from
nothing is for the tests that start it with `sys.executable`.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, NoReturn, TextIO

IMPORTED = (
    "freehold.cli.main",
    "freehold.cli.up",
    "freehold.ledger.checkpoint",
    "freehold.ledger.growth",
    "freehold.sparring.server",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)


class Warm:
    """What tests use of `subprocess.Popen`, of a process that was forked."""

    def __init__(
        self,
        module: str,
        *words: str,
        stderr: IO[str] | None = None,
        imported: tuple[str, ...] = IMPORTED,
    ) -> None:
        """Start it; its standard output is a pipe, and its errors go where a Popen's would."""
        self.returncode: int | None = None
        self._end, theirs = socket.socketpair()
        reading, writing = os.pipe()
        asked = json.dumps([str(Path.cwd()), dict(os.environ), module, words]).encode()
        errors = 2 if stderr is None else stderr.fileno()
        with theirs:
            told = [theirs.fileno(), writing, errors]
            socket.send_fds(_forking(imported), [len(asked).to_bytes(8, "big"), asked], told)
        os.close(writing)
        self.stdout: TextIO = os.fdopen(reading, encoding="utf-8")
        self.pid = self._told()

    def poll(self) -> int | None:
        """Its exit code, if it is over."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, sign: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, as `Popen.wait` tells it; raises TimeoutExpired."""
        if self.returncode is None:
            self._end.settimeout(timeout)
            try:
                self.returncode = self._told()
            except (TimeoutError, BlockingIOError) as error:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from error
            self._end.close()
        return self.returncode

    def communicate(self) -> str:
        """Wait for the end, and return the rest of what it said."""
        rest = "" if self.stdout.closed else self.stdout.read()
        self.wait()
        self.stdout.close()
        return rest

    def _told(self) -> int:
        said = self._end.recv(4)
        assert len(said) == 4, "the process that forks has ended"
        return int.from_bytes(said, "big", signed=True)


@cache
def _forking(imported: tuple[str, ...]) -> socket.socket:
    """The process that has imported this and forks, one for each that runs tests; it ends with it."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm", str(theirs.fileno()), *imported],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.DEVNULL,  # what is forked writes there, through a pipe of its own
            pass_fds=[theirs.fileno()],
        )

    def over() -> None:
        ours.close()
        process.wait()

    atexit.register(over)
    return ours


def serve(asking: socket.socket, imported: Sequence[str]) -> None:
    """Fork whenever asked, until nobody is left to ask."""
    for module in imported:
        import_module(module)
    gc.freeze()
    while True:
        length, inherited, _, _ = socket.recv_fds(asking, 8, 3)
        if not length:
            return
        asked = asking.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
        if os.fork() == 0:
            asking.close()
            _keep(json.loads(asked), *inherited)
        for number in inherited:
            os.close(number)
        while _ended():
            pass


def _ended() -> bool:
    """Whether one of those that keep has ended, which is then forgotten."""
    try:
        return os.waitpid(-1, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return False


def _keep(asked: tuple[str, dict[str, str], str, list[str]], end: int, out: int, err: int) -> None:
    """Fork once more, tell the process id, wait for the end, and tell that."""
    pid = os.fork()
    if pid == 0:
        os.close(end)
        for number, known in ((out, 1), (err, 2)):
            os.dup2(number, known)
            os.close(number)
        _run(*asked)
    for number in (out, err):
        os.close(number)
    with socket.socket(fileno=end) as telling:
        telling.sendall(pid.to_bytes(4, "big", signed=True))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        telling.sendall(code.to_bytes(4, "big", signed=True))
    os._exit(0)


def _run(folder: str, env: dict[str, str], module: str, words: list[str]) -> NoReturn:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [module, *words]
    gc.unfreeze()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    raise SystemExit(0)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
