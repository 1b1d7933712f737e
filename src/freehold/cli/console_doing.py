"""The commands that the console starts for whoever asks: a drill for real, and a simulation whose report is kept.

They are processes of their own, so that nothing they do holds up a page, and a drill ends by its own rules when the
console is gone.
"""

import os
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, NamedTuple

import msgspec

from freehold.cli.console_drills import Looking
from freehold.cli.drill_report import PAGE
from freehold.cli.output import OK
from freehold.config import clock
from freehold.config.environment import environment
from freehold.console.current import Current
from freehold.console.cutoff import Order, Wish
from freehold.drills import folder
from freehold.drills.loading import SUFFIX, written
from freehold.gateway import drill_order
from freehold.gateway.keys import KeyStore
from freehold.vocabulary.errors import BadRequest, FreeholdError, ServiceError

KEY_VARIABLE, KEY_NAME = "FREEHOLD_DRILL_KEY", "drill"
KEY_S = 3_600  # longer than a drill from here can take
BEFORE_S, AFTER_S, REQUESTS = 5, 10, 60
FAILED_MOST = "20%"  # of what is in the drill; more breaks it off
SAID_BYTES = 20_000
COMMAND_S_MAX = 300.0
_ERROR = re.compile(r"^error: (.+)\nremedy: (.*)$", re.MULTILINE)
_DRILL = re.compile(r"^drill (d[0-9a-f]{19})", re.MULTILINE)


class Run(NamedTuple):
    """A drill for real."""

    scenario: str
    is_over: bool
    said: str
    drill: str | None  # its id, once it has one


class _Child(NamedTuple):
    scenario: str
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]


class Drilling(Looking):
    """What the console is lent: to look, and to do."""

    def __init__(self, current: Current, config: Path | None) -> None:
        super().__init__(current)
        self._config = [] if config is None else ["--config", str(config)]
        self._turn, self._working = threading.Lock(), threading.Lock()
        self._child: _Child | None = None

    def keep(self, wish: Wish) -> str:
        """Simulate over the ledger itself, and keep the result; the drill's id. Raises FreeholdError."""
        with TemporaryDirectory() as place:
            file = Path(place) / f"{wish.scenario or 'clicked'}{SUFFIX}"
            file.write_text(written(self.scenario(wish)), encoding="utf-8")
            first = datetime.now(UTC).date() - timedelta(days=wish.days)
            words = ["simulate", str(file), "--save", "--from", first.isoformat(), "--json"]
            return str(msgspec.json.decode(self._done(words))["drill"])

    def report(self, drill: str) -> str:
        """A drill's report as a page; made when somebody first asks for it. Raises NotFound."""
        found = folder.find(self._state, drill)
        if not folder.has(self._state, found, PAGE):
            self._done(["report", found, "--json"])
        return folder.text(self._state, found, PAGE)

    def start(self, order: Order) -> None:
        """Begin a drill for real. Raises BadRequest where one is under way, ConfigError for what is no scenario."""
        self.scenario(Wish(order.scenario))
        with self._turn:
            if (before := self._running()) is not None and not before.is_over:
                raise BadRequest(
                    f"a drill of {before.scenario} is under way", remedy="Wait for it, or stop it."
                )
            key, secret = self._key(order)
            output = TemporaryFile()  # noqa: SIM115 - it is read for as long as somebody looks
            process = subprocess.Popen(  # noqa: S603 - our own command
                self._command(self._words(order, has_key=key is not None)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment(), **secret},
                start_new_session=True,
            )
            self._child = _Child(order.scenario, process, output)
        threading.Thread(target=self._await, args=(process, key), daemon=True).start()

    def running(self) -> Run | None:
        """What runs, begun here or elsewhere; or what has ended last of those begun here."""
        with self._turn:
            return self._running()

    def stop(self) -> None:
        """Take the fault away: who has begun it writes down what there is. What has put none up yet is ended."""
        was_there = drill_order.remove(self._state)
        with self._turn:
            if not was_there and self._child is not None:
                self._child.process.terminate()

    def _running(self) -> Run | None:
        child = self._child
        if child is not None and child.process.poll() is None:
            return _run(child)
        if drill_order.lease_ms(self._state) > clock.now_ms():
            order = drill_order.read(self._state)
            if order is not None:
                return Run(order.scenario, False, "It was not begun from this page.", order.id)
        return None if child is None else _run(child)

    def _done(self, words: list[str]) -> str:
        """What a command prints. Raises FreeholdError with what it says where it does not end well.

        One at a time: each may take a core and a while, and whoever looks at pages could begin many.
        """
        if not self._working.acquire(blocking=False):
            raise ServiceError("another simulation or report is being made", remedy="Ask again in a moment.")
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                self._command(words), capture_output=True, text=True, timeout=COMMAND_S_MAX, check=False
            )
        finally:
            self._working.release()
        if done.returncode != OK:
            if (found := _ERROR.search(done.stderr)) is None:
                raise RuntimeError(done.stderr)
            raise FreeholdError(found[1], remedy=found[2])
        return done.stdout

    def _command(self, words: list[str]) -> list[str]:
        return [sys.executable, "-m", "freehold", "drill", *words, *self._config]

    def _words(self, order: Order, *, has_key: bool) -> list[str]:
        times = ["--before", f"{BEFORE_S}s", "--for", f"{order.lasts_s}s", "--after", f"{AFTER_S}s"]
        words = ["rehearse", order.scenario, *times]
        if order.way == "share":
            return [*words, "--share", f"{order.share:g}", "--abort-failed", FAILED_MOST, "--yes"]
        if order.way == "shadow":
            return [*words, "--shadow", f"{order.share:g}"]
        key = ["--key-env", KEY_VARIABLE] if has_key else []
        return [*words, "--alias", order.alias, "--requests", str(REQUESTS), *key]

    def _key(self, order: Order) -> tuple[str | None, dict[str, str]]:
        """A key for test requests, where the gateway asks for one; its id, and the variable that holds it."""
        store = KeyStore(self._state)
        if order.way != "marked" or not store.list():
            return None, {}
        expires_ms = clock.now_ms() + KEY_S * 1000
        key, secret = store.create(KEY_NAME, (order.alias,), expires_ms)
        return key.id, {KEY_VARIABLE: secret}

    def _await(self, process: "subprocess.Popen[bytes]", key: str | None) -> None:
        process.wait()
        if key is not None:
            KeyStore(self._state).revoke(key)


def _run(child: _Child) -> Run:
    is_over, file = child.process.poll() is not None, child.output.fileno()
    begins = max(0, os.fstat(file).st_size - SAID_BYTES)
    said = os.pread(file, SAID_BYTES, begins).decode(
        errors="replace"
    )  # to seek would move where the child writes
    found = _DRILL.search(said)
    return Run(child.scenario, is_over, said, found[1] if found else None)
