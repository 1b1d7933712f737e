"""One model's engine: verified, started, watched, started again, ended.

Weights are verified before each start, and again as soon as a file of theirs looks changed: what is not what was
published is not served. An engine reads them under names of its own (hard links), so that it serves on while other
files take their place. It ends with this process, however that ends, on Linux (prctl); elsewhere only where
this process is told to stop. Between a look at the weights and their reading an attacker who may write there fits in.
"""

import asyncio
import ctypes
import os
import secrets
import shutil
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from tempfile import mkdtemp

from freehold.catalog.accounts import Account
from freehold.catalog.providers import PATHS
from freehold.config.environment import environment
from freehold.config.schema import Timeouts, Upstream
from freehold.ledger.durable import make_private
from freehold.own.artefact import MODEL
from freehold.own.publish import manifest as manifests
from freehold.own.publish.engines import HOST, Launch, environment_of, launch
from freehold.own.publish.manifest import Manifest, digest_of_all, digest_of_files, files_of
from freehold.own.publish.registry import Entry
from freehold.upstream.door import Door
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, Overloaded, Unverified, UpstreamFailed

LOOK_S = 1.0
POLL_S = 0.1  # while it starts
IDLE_S = 2.0  # an unused connection to an engine is closed after this
HEALTH_S = 5.0  # how long an idle engine may take to say that it is well
HEALTH_LOOKS = 5  # looks between two questions
SICK = 3  # so often in a row it may not be well, before it is ended
BACKOFF_S, BACKOFF_S_MAX = 1.0, 60.0
LONG_S = 60.0  # one that has run for this long begins its backoff anew
END_S = 10.0  # then it is killed
LOGS, HELD = "logs", "served"  # in STATE/own
LOG_BYTES_MAX = 16 << 20  # then the log is begun anew; at a start the one before is kept
DIALECTS = (Dialect.CHAT, Dialect.PREDICT, Dialect.EMBED, Dialect.EMBEDDINGS)
COMES_BACK = "It is started again by itself; `freehold own serve` says why it ended."
PUBLISH_AGAIN = "Publish it again with `freehold own publish RUN`, or put back what was published."
FIRST_TO_GO = (
    "500"  # of -1000 to 1000, in proc(5)'s oom_score_adj: an engine before this front, or the gateway
)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

Signatures = tuple[tuple[str, int, int, int, int], ...]


class State(StrEnum):
    """How an engine is."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"  # it will be started again
    REFUSED = "refused"  # its weights are not what was published


class Tended:
    """The engine of one published model. `say` is told what an operator should know."""

    def __init__(self, entry: Entry, own: Path, start_s: float, say: Callable[[str], None]) -> None:
        self.entry, self.state, self.why = entry, State.STARTING, ""
        self.in_flight = 0
        self.pid: int | None = None
        self.called = ""  # by its engine, if not by its name
        self._log, self._held = own / LOGS / f"{entry.name}.log", own / HELD
        self._start_s, self._say = start_s, say
        self._door: Door | None = None
        self._account = _account(entry.name, 0, "")
        self._settled = asyncio.Event()  # it is ready, or it is known why not
        self._loop = asyncio.get_running_loop()

    async def settled(self) -> None:
        """Wait until it is ready, or it is known why it is not."""
        await self._settled.wait()

    async def idle(self, most_s: float) -> None:
        """Wait until nobody waits for its answer, but no longer than that."""
        until = self._loop.time() + most_s
        while self.in_flight and self._loop.time() < until:  # noqa: ASYNC110 - a count that others change
            await asyncio.sleep(POLL_S)

    async def door(self) -> Door:
        """The way to it. Raises Overloaded while it does not run."""
        await self._settled.wait()
        if self._door is None:
            said = f"own/{self.entry.name} is not served: {self.why}"
            raise Overloaded(said, remedy=COMES_BACK, retry_after_s=BACKOFF_S)
        return self._door

    async def tend(self) -> None:
        """Keep it running until cancelled."""
        backoff_s = BACKOFF_S
        while True:
            published = Path(self.entry.folder)
            began, before = self._loop.time(), _signatures(published)
            try:
                with _held(published, self._held) as folder:
                    await self._serve(folder)
            except Unverified as changed:
                self._is_not(State.REFUSED, changed.message)
                await _until_changed(published, before)
                continue
            except Exception as error:  # whatever it is: it is tried again, and the others are served on
                self._is_not(State.FAILED, str(error) or repr(error))
            if self._loop.time() - began > LONG_S:
                backoff_s = BACKOFF_S
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)
            self.state = State.STARTING

    async def _serve(self, folder: Path) -> None:
        """Run it until it ends. Raises BadRequest or Unverified, or OSError, with the reason."""
        port, watched = _free_port(), Watched(self.entry, folder)
        started = launch(self.entry.engine, folder, await asyncio.to_thread(watched.verified), port)
        key = secrets.token_urlsafe()
        self._account = _account(self.entry.name, port, key)
        process = await self._started(started, key)
        self.pid, self.called = process.pid, started.called
        door, health = _door(self._account), f"http://{HOST}:{port}{started.health}"
        try:
            await self._begun(process, door, health)
            self._door, self.state, self.why = door, State.READY, ""
            self._settled.set()
            self._say(f"own/{self.entry.name} is served by {self.entry.engine} (process {process.pid})")
            await self._watch(process, door, health, watched)
        finally:
            self._door, self.pid = None, None
            await _ended(process)
            door.close()

    async def _started(self, started: Launch, key: str) -> Process:
        self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.1"))
        make_private(self._log)  # an engine may print what it was asked
        with self._log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *started.command,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                env=environment_of(environment(), key),
                start_new_session=True,  # an interrupt at the terminal is for us, who end it in order
                preexec_fn=_ends_with(os.getpid()),
            )

    def _begin_log_anew(self) -> None:
        """An engine that is asked what it cannot read may print all of that, and would fill the ledger's disk."""
        with suppress(OSError):
            if self._log.stat().st_size > LOG_BYTES_MAX:
                os.truncate(self._log, 0)  # it is written to at its end, wherever that is

    async def _begun(self, process: Process, door: Door, health: str) -> None:
        until = self._loop.time() + self._start_s
        while not await self._is_well(door, health):
            if process.returncode is not None:
                raise BadRequest(f"its engine {_end(process)}; see {self._log}")
            if self._loop.time() >= until:
                raise BadRequest(f"it was not ready after {self._start_s:g} s; see {self._log}")
            await asyncio.sleep(POLL_S)

    async def _watch(self, process: Process, door: Door, health: str, watched: "Watched") -> None:
        sick, looks = 0, 0
        while process.returncode is None and sick < SICK:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), LOOK_S)
            if watched.changed:
                await asyncio.to_thread(watched.verified)
            looks += 1
            door.sweep()
            self._begin_log_anew()
            if not self.in_flight and looks % HEALTH_LOOKS == 0:  # one that works may be too busy to say
                sick = 0 if await self._is_well(door, health) else sick + 1
        how = "says no longer that it is well" if process.returncode is None else _end(process)
        raise BadRequest(f"its engine {how}; see {self._log}")

    async def _is_well(self, door: Door, url: str) -> bool:
        try:
            answer = await door.ask(self._account, url, self._loop.time() + HEALTH_S)
            await answer.whole()
        except UpstreamFailed:
            return False
        return answer.status == 200

    def _is_not(self, state: State, why: str) -> None:
        self._door, self.state, self.why = None, state, why
        self._settled.set()
        self._say(f"own/{self.entry.name} is not served: {why}")


class Watched:
    """The files that an engine reads: those that were published, under the same names or others."""

    def __init__(self, entry: Entry, folder: Path) -> None:
        self._entry, self._folder = entry, folder
        self._seen: Signatures = ()

    @property
    def changed(self) -> bool:
        """Whether a file looks otherwise than when they were last verified."""
        return _signatures(self._folder) != self._seen

    def verified(self) -> Manifest:
        """The manifest, if they are what was published. Raises Unverified, naming the first file that differs."""
        seen = _signatures(self._folder)  # before they are read
        manifest = verified(self._entry, self._folder)
        self._seen = seen
        return manifest


async def _until_changed(folder: Path, before: Signatures) -> None:
    known = [one[:-1] for one in before]  # without the time at which a name was given or taken
    while [one[:-1] for one in _signatures(folder)] == known:  # noqa: ASYNC110 - others change them
        await asyncio.sleep(LOOK_S)


@contextmanager
def _held(folder: Path, beside: Path) -> Iterator[Path]:
    """A folder's files under names of our own, which stay when those are replaced; itself where that cannot be."""
    beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = Path(mkdtemp(dir=beside))
    try:
        yield held if _linked(folder, held) else folder
    finally:
        shutil.rmtree(held, ignore_errors=True)


def _linked(folder: Path, held: Path) -> bool:
    try:
        shutil.copytree(folder, held, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    except OSError:  # not there, not ours, or on another disk
        return False
    return True


def verified(entry: Entry, folder: Path) -> Manifest:
    """What was published, if that is what lies in a folder. Raises Unverified, naming the first file that differs."""
    named = Path(entry.folder)  # where whoever reads it finds the file
    try:
        manifest = manifests.read(folder)
        found = files_of(folder / MODEL)
    except (BadRequest, OSError) as error:
        raise _changed(str(error).replace(str(folder), str(named))) from None
    said = digest_of_files(manifest.files), digest_of_all(manifest)
    if said != (entry.digest, entry.manifest):
        raise _changed(f"{named / manifests.FILE} is not the manifest that was registered")
    odd = sorted(name for name in {*found, *manifest.files} if found.get(name) != manifest.files.get(name))
    if odd:
        raise _changed(f"{named / MODEL / odd[0]} is not what was published")
    return manifest


def _changed(message: str) -> Unverified:
    return Unverified(message, remedy=PUBLISH_AGAIN)


def _signatures(folder: Path) -> Signatures:
    """What tells one state of the files from another without reading them."""
    paths = [folder / manifests.FILE, *sorted((folder / MODEL).rglob("*"))]
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            seen = path.stat()
            found.append((str(path), seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))
    return tuple(found)


def _end(process: Process) -> str:
    if process.returncode == -signal.SIGKILL:
        return "was killed, as the system does where memory is short"
    return f"ended with {process.returncode}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def _account(name: str, port: int, key: str) -> Account:
    urls = {one: f"http://{HOST}:{port}/v1{PATHS[one]}" for one in DIALECTS}
    return Account(name, urls, (("authorization", f"Bearer {key}"),))


def _door(account: Account) -> Door:
    # How long an answer may take is for the gateway to say, which hangs up. Engines hang up on who is idle for 5 s.
    waits = Timeouts(first_byte_s=86_400.0, idle_s=86_400.0)
    return Door({account.name: account}, Upstream(idle_s=IDLE_S), waits)


def _ends_with(parent: int) -> Callable[[], None] | None:
    """Run in a child before its command: it is killed when this process ends, and first where memory is short."""
    libc = _LIBC
    if libc is None:
        return None

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that
            os._exit(1)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)

    return tie


async def _ended(process: Process) -> None:
    """End an engine and all that it has started."""
    for number, wait_s in ((signal.SIGTERM, END_S), (signal.SIGKILL, None)):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), wait_s)
