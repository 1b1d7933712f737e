"""The demo's stage: three sparring providers and a gateway, each a process, in a folder that goes with them."""

import http.client
import json
import select
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Self
from urllib.parse import urlsplit

from msgspec.structs import replace

from freehold.cli.demo_scenery import ALIAS, CONFIG, PROVIDERS, SCENARIO, Provider, files
from freehold.cli.output import CANNOT_SERVE, Stop, progress
from freehold.cli.settings import state_dir
from freehold.config.environment import environment
from freehold.drills.loading import SCENARIOS
from freehold.gateway.keys import KeyStore
from freehold.ledger.segment import exchange_of, framed, unframed
from freehold.vocabulary.errors import FreeholdError

GATEWAY = "gateway"
CONSOLE = "console"
DRILL = "drill"
_KEY = "FREEHOLD_DEMO_KEY"  # shown by the drill's requests
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_S = 20.0
STOPPED_S = 5.0
CONTROL_S = 5.0
LOG_CHARS = 600


class Stage:
    """Everything the demo starts. Use it as a context manager: whatever happens, nothing is left behind."""

    url: str  # the gateway's
    key = ""
    claims_key: str  # of an application whose data is personal
    folder: Path

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._urls: dict[str, str] = {}
        self._left = ExitStack()

    def __enter__(self) -> Self:
        try:
            with progress("starting three providers and a gateway"):
                self.folder = Path(self._left.enter_context(TemporaryDirectory(prefix="freehold-demo-")))
                self._left.callback(self._end)
                self._start_providers(PROVIDERS)
                self._open_gateway()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with uninterrupted():
            self._left.close()

    @property
    def config(self) -> Path:
        """The gateway's configuration."""
        return self.folder / CONFIG

    @property
    def state(self) -> Path:
        """Where its keys and its ledger lie."""
        return state_dir(Namespace(config=str(self.config)))

    def open_console(self) -> tuple[str, str]:
        """Serve web pages over all of it: their address, and a token to sign in with."""
        self._spawn(CONSOLE, "console", "--config", str(self.config), "--port", "0", "--json")
        said = json.loads(self._first_line(CONSOLE))
        return str(said["url"]), str(said["token"])

    def drill(self, *words: str) -> Iterator[str]:
        """Rehearse a scenario with test requests of its own: what the command says, line by line, until it ends."""
        shown = ("--alias", ALIAS, "--key-env", _KEY, "--config", str(self.config))
        self._spawn(DRILL, "drill", "rehearse", *words, *shown)
        process = self._processes[DRILL]
        for line in process.stdout or ():
            yield line.rstrip()
        process.wait()

    def pid(self, name: str) -> int:
        """The process of a provider or of the gateway."""
        return self._processes[name].pid

    def address(self, provider: Provider) -> str:
        """Host and port."""
        return urlsplit(self._urls[provider.name]).netloc

    def kill(self, *providers: Provider) -> None:
        """End providers as a power failure does: they have no say in it."""
        for provider in providers:
            self._processes[provider.name].kill()
        for provider in providers:
            self._processes[provider.name].wait()

    def revive(self, *providers: Provider) -> None:
        """Start killed providers again, where they were."""
        self._start_providers(providers)

    def tell(self, provider: Provider, fault: str) -> None:
        """Have a provider misbehave from now on; "ok" ends it."""
        connection = http.client.HTTPConnection(self.address(provider), timeout=CONTROL_S)
        try:
            connection.request("POST", "/sparring", json.dumps({"fault": fault}))
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"{provider.name} does not obey: {answer.read().decode(errors='replace')}")
        finally:
            connection.close()

    def rewritten(self, before: str, after: str) -> Path:
        """A copy of the state in which the first answer of one endpoint is another's, checksum and all."""
        copy = self.folder / "rewritten"
        shutil.copytree(self.state, copy)
        for path in copy.glob("journal/*/*.jsonl"):
            lines = path.read_bytes().splitlines()
            for at, line in enumerate(lines):
                found = unframed(line)
                exchange = exchange_of(found[1]) if found and found[0].outcome else None
                if exchange is not None and exchange.endpoint == before:
                    lines[at] = framed(replace(exchange, endpoint=after)).rstrip()
                    path.write_bytes(b"\n".join(lines) + b"\n")
                    return copy
        return copy

    def running(self) -> bool:
        """Whether the gateway is still there."""
        return self._processes[GATEWAY].poll() is None

    def log(self, name: str) -> str:
        """The end of what a process complained about."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-LOG_CHARS:].strip() if path.exists() else ""

    def _start_providers(self, providers: Sequence[Provider]) -> None:
        for provider in providers:
            port = urlsplit(self._urls.get(provider.name, "")).port or 0
            seed = PROVIDERS.index(provider)
            self._spawn(provider.name, "sparring", "--port", str(port), "--seed", str(seed))
        for provider in providers:
            self._urls[provider.name] = self._first_line(provider.name)

    def _open_gateway(self) -> None:
        for name, text in files(self._urls).items():
            (self.folder / name).write_text(text, encoding="utf-8")
        _, self.key = KeyStore(self.state).create("demo")
        _, self.claims_key = KeyStore(self.state).create("claims", data_class="personal")
        own = self.state / SCENARIOS
        own.mkdir()
        (self.folder / f"{SCENARIO}.toml").rename(own / f"{SCENARIO}.toml")
        self._spawn(
            GATEWAY, "up", "--config", str(self.config), "--port", "0", "--console-port", "0", "--json"
        )
        self.url = str(json.loads(self._first_line(GATEWAY))["url"])

    def _spawn(self, name: str, *words: str) -> None:
        """Start a command of this program; in a group of its own, Ctrl-C reaches only us, and we end it."""
        with uninterrupted(), (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own program with our own words
                [sys.executable, "-m", "freehold", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if name == DRILL else log,
                cwd=self.folder,
                env={**environment(), _KEY: self.key},
                text=True,
                process_group=0,
            )

    def _first_line(self, name: str) -> str:
        """What a process prints once it is ready."""
        said = self._processes[name].stdout
        if said is not None and select.select([said], [], [], READY_S)[0] and (line := said.readline()):
            return line.strip()
        remedy = self.log(name).replace("\n", "; ") or "Try again when the machine has less to do."
        raise Stop(CANNOT_SERVE, FreeholdError(f"the demo's {name} did not start", remedy=remedy))

    def _end(self) -> None:
        """The gateway first, or it would note that its providers vanish."""
        everyone = list(reversed(self._processes.values()))
        for process in everyone:
            process.terminate()
        until = time.monotonic() + STOPPED_S
        for process in everyone:
            try:
                process.wait(max(until - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal come between starting a process and knowing its id; one that comes waits for the end."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt
