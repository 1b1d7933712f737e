"""Start, serve, drain, stop: one process or several on one port."""

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import uvicorn
import uvloop

from freehold.catalog.resolve import Resolved
from freehold.config import clock
from freehold.config.schema import Config
from freehold.gateway.admission import Admission
from freehold.gateway.app import App
from freehold.gateway.assembly import Parts, assembled
from freehold.gateway.connection import GuardedProtocol, guarded
from freehold.gateway.earlier import Run
from freehold.gateway.expiring import expire_each_hour
from freehold.gateway.keys import KeyRing
from freehold.gateway.metrics import Metrics, leave
from freehold.gateway.pipeline import Pipeline
from freehold.gateway.rulebook import Rulebook
from freehold.gateway.running import Running, announce
from freehold.gateway.workers import supervise
from freehold.ledger.ledger import Ledger
from freehold.ledger.recovery import Recovered

TICK_S = 1.0
BACKLOG = 2_048
LAST_WORDS_S = 1.0  # a caller who does not even read why its answer was broken off is not waited for longer
GC_THRESHOLDS = (20_000, 20, 50)  # an exchange leaves few cycles behind, and a collection stops them all

OnReady = Callable[[str], None]

_log = logging.getLogger("freehold")


def serve(resolved: Resolved, rules: Rulebook, *, state: Path, on_ready: OnReady | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `on_ready` is told the URL once requests are answered.

    Raises OSError if the port cannot be had, and LedgerUnavailable if nothing could be recorded.
    """
    settings = resolved.config.server
    listening = _listen(settings.host, settings.port)
    url = _url(listening)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left_over in state.glob("metrics-*.json"):
        left_over.unlink()
    given = _Given(resolved, rules, listening, state, clock.now_ms(), os.getpid())

    def ready() -> None:
        announce(state, Running(str(given.began_ms), url, settings.workers))
        if on_ready is not None:
            on_ready(url)

    if settings.workers == 1:
        return _run(given, 0, ready)
    return supervise(
        settings.workers,
        lambda worker, ready: _run(given, worker, ready),
        drain_s=settings.drain_s,
        on_ready=ready,
    )


class _Given(NamedTuple):
    """What all workers serve with."""

    resolved: Resolved
    rules: Rulebook
    listening: socket.socket
    state: Path
    began_ms: int  # Unix milliseconds
    supervisor: int  # the process that began it all, and that several workers must not outlive


def _run(given: _Given, worker: int, ready: Callable[[], None]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(given, worker, ready))


async def _serve(given: _Given, worker: int, ready: Callable[[], None]) -> int:
    config, state = given.resolved.config, given.state
    ledger = Ledger.open(state, f"node-{worker}", config.ledger)
    _report(ledger.recovered)
    try:
        parts = Parts(given.resolved, given.rules, state, ledger)
        metrics, ring = Metrics(), KeyRing(state / "keys.json")
        metrics.interrupted = ledger.recovered.interrupted
        admission = Admission(config.server, ring, metrics)
        pipeline = assembled(
            parts, admission, metrics, Run(ledger.node, config.server.workers, given.began_ms)
        )
        pipeline.promoting.look()
        protocol = guarded(config.server, pipeline.exchange)
        server = _Server(_uvicorn_config(App(pipeline, state, worker), protocol, config), ready)
        pipeline.shadowing.until(lambda: server.should_exit)
        upkeep = [asyncio.create_task(_upkeep(pipeline, ring, server, given, worker))]
        if worker == 0:
            upkeep.append(asyncio.create_task(expire_each_hour(config, state)))
        try:
            await server.serve(sockets=[given.listening])
            await _last_words(server)
            await pipeline.shadowing.stop()
            await pipeline.drilling.stop()
            await pipeline.promoting.stop()
        finally:
            for task in upkeep:
                task.cancel()
            pipeline.door.close()
        return 0 if server.started else 3
    finally:
        ledger.close()


def _report(recovered: Recovered) -> None:
    """Say what the last run left behind that was not as it should be."""
    for damage in recovered.torn:
        _log.warning("a record that was never finished was cut off: %s", damage)
    for damage in recovered.damages:
        _log.error("a damaged record was passed over and left in place: %s", damage)
    if recovered.interrupted:
        count = f"{recovered.interrupted} exchange{'s' if recovered.interrupted > 1 else ''}"
        _log.warning("%s had begun when the last run was stopped in the middle", count)
    if recovered.trouble:
        _log.error("the ledger's database lags behind, and nothing is lost: %s", recovered.trouble)


def _uvicorn_config(app: App, protocol: type[GuardedProtocol], config: Config) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(config.server.keep_alive_s),
        timeout_graceful_shutdown=int(config.server.drain_s),
    )


async def _upkeep(pipeline: Pipeline, ring: KeyRing, server: "_Server", given: _Given, worker: int) -> None:
    """Once a second: what must be looked at now and then, and not for each request."""
    workers = pipeline.config.server.workers
    while True:
        await asyncio.sleep(TICK_S)
        if workers > 1 and os.getppid() != given.supervisor:
            server.should_exit = True  # the supervisor was killed: nobody would stop us
        try:
            ring.refresh()
            pipeline.door.sweep()
            pipeline.ledger.bodies.sweep()
            await pipeline.governance.look()
            pipeline.drilling.look()
            pipeline.promoting.look()
            pipeline.metrics.conditions = {
                "ledger_healthy": pipeline.ledger.probe(),
                "ledger_searchable": not pipeline.ledger.trouble,
                "ledger_signed": not pipeline.ledger.log_trouble,
                "rules_current": not pipeline.governance.trouble,
            }
            now = time.monotonic()
            for connection in list(server.server_state.connections):
                if isinstance(connection, GuardedProtocol):
                    connection.look_at_clock(now)
            if workers > 1:
                leave(pipeline.metrics.snapshot(), given.state, worker)
        except OSError as error:
            _log.warning("upkeep: %s", error)
        except Exception:
            _log.exception("upkeep failed for a reason that nobody foresaw, and goes on")


async def _last_words(server: "_Server") -> None:
    """Let exchanges that had to be broken off be recorded, and their callers told, before the ledger closes.

    uvicorn has cancelled them when the drain was over; it does neither for a second signal, nor does it wait.
    """
    tasks = list(server.server_state.tasks)
    if server.force_exit:
        for task in tasks:
            task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LAST_WORDS_S)


class _Server(uvicorn.Server):
    """uvicorn's server, stopped by SIGTERM or SIGINT: the first drains, the second does not wait."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what exists now lives for ever: later collections need not look at it
        gc.set_threshold(*GC_THRESHOLDS)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise OSError(
            error.errno, f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}"
        ) from None
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
