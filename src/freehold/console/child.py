"""The console beside a gateway: begun, watched, begun again a few times, and ended. Imports nothing heavy.

The gateway never waits for it, and nothing that happens to it touches the gateway.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from threading import Event, Thread

HOST = "127.0.0.1"
BACKLOG = 128
LOOK_S = 1.0
RESTARTS_MAX = 5  # in a row; one that has run for LONG_S begins a new row
RESTART_S = 1.0  # before the first of them, doubled at each
LONG_S = 300.0
END_S = 5.0  # then it is killed
# Exit codes: somebody has told it to stop; or the configuration or the machine must change first.
NOT_AGAIN = (0, -signal.SIGTERM, 2, 3)


class Child:
    """One console process at a time, on a socket that outlives it."""

    def __init__(self, listening: socket.socket, given: bytes) -> None:
        self.url = f"http://{HOST}:{listening.getsockname()[1]}"
        self._listening, self._given = listening, given
        self._stopped = Event()
        self._process = self._begun()
        self._watching = Thread(target=self._watch, name="console", daemon=True)
        self._watching.start()

    def stop(self) -> None:
        """End it, and wait until it is over."""
        self._stopped.set()
        self._watching.join()

    def _begun(self) -> "subprocess.Popen[bytes]":
        """The process reads what it is to serve, and then waits for the end of its input: for ours."""
        reading, self._ours = os.pipe()
        number = self._listening.fileno()
        command = [sys.executable, "-m", "freehold", "console", "--beside", str(number)]
        try:
            os.write(self._ours, self._given)
            return subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=reading,
                stdout=subprocess.DEVNULL,
                pass_fds=(number,),
                start_new_session=True,  # an interrupt at the terminal is for the gateway, which ends us in order
            )
        finally:
            os.close(reading)

    def _watch(self) -> None:
        restarts, began = 0, time.monotonic()
        while not self._stopped.wait(LOOK_S):
            if (code := self._process.poll()) is None:
                continue
            if time.monotonic() - began > LONG_S:
                restarts = 0
            if code in NOT_AGAIN or restarts == RESTARTS_MAX:
                _warn(f"the console has ended ({code}) and is not started again; the gateway goes on")
                break
            _warn(f"the console has ended ({code}); starting it again")
            if self._stopped.wait(RESTART_S * 2**restarts):
                break
            restarts, began = restarts + 1, time.monotonic()
            os.close(self._ours)
            self._process = self._begun()
        self._end()

    def _end(self) -> None:
        os.close(self._ours)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listening.close()


def listen(port: int) -> socket.socket:
    """A socket of this machine alone; 0 takes a free port. Raises OSError."""
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection: without it each page waits 40 ms for an acknowledgement of its head.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((HOST, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"{HOST}:{port}: {os.strerror(error.errno or 0)}") from None
    return listening


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)
