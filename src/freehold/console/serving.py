"""The console as a process of its own: it serves pages on this machine, and ends with the process that began it."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from msgspec.structs import replace

from freehold.config import schema
from freehold.console.app import application
from freehold.console.current import Current
from freehold.console.gate import Gate
from freehold.console.searching import kept_up
from freehold.console.shell import compile_templates
from freehold.console.there import There
from freehold.ledger.ledger import Ledger, event
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import Plain

NODE = "node-console"
NODES = 4  # consoles over one state directory, each with a journal of its own
HEAD_BYTES_MAX = 32_768
STOP_S = 2  # requests under way get this long


class Notebook:
    """The console's own journal, opened when there is something to note. Any thread may note."""

    def __init__(self, state: Path, settings: schema.Ledger) -> None:
        self._state, self._settings = state, settings
        self._ledger: Ledger | None = None
        self._lock = threading.Lock()

    def note(self, kind: str, about: Mapping[str, Plain]) -> None:
        """Put an event on the ledger, durably. Raises LedgerUnavailable."""
        with self._lock:
            ledger = self._ledger = self._ledger or self._opened()
            ledger.probe()
            ledger.append(replace(event(kind, about), node=ledger.node))
            if not ledger.sync():
                raise LedgerUnavailable(f"the journal cannot be written: {ledger.reason}")

    def close(self) -> None:
        """Make everything durable and searchable."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()

    def _opened(self) -> Ledger:
        for number in range(1, NODES):
            with suppress(LedgerUnavailable):
                return Ledger.open(self._state, f"{NODE}-{number}" if number > 1 else NODE, self._settings)
        return Ledger.open(self._state, f"{NODE}-{NODES}", self._settings)


def serve(
    current: Current,
    listening: socket.socket,
    gateway: str | None,
    ports: Mapping[str, object],
    on_ready: Callable[[], None],
    parent: int | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the file `parent` ends: then the process at its other end is gone."""
    notebook = Notebook(current.state, current.resolved().config.ledger)
    there = There(current.state, current.resolved, current.rules, notebook.note, gateway, ports)
    server = _Server(settings(application(there)), on_ready)
    compile_templates()
    if parent is not None:
        threading.Thread(target=_until_gone, args=(parent,), daemon=True).start()
    try:
        with kept_up(current.state):
            asyncio.run(server.serve(sockets=[listening]))
    finally:
        notebook.close()


def settings(app: Gate) -> uvicorn.Config:
    """How the console is served."""
    return uvicorn.Config(
        app,
        http="h11",  # bounds the head of a request
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )


class _Server(uvicorn.Server):
    """uvicorn's server. It ends with the signal that ends it: what stands after it is done too."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield


def _until_gone(parent: int) -> None:
    """Wait for the end of what the process that began us writes, and end too."""
    while os.read(parent, 1_024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
