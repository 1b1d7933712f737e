"""What the examples share: a company's folder with a gateway, what serves its own models, and a rival to replace.

Every step is a command that anybody can type; it is printed before it is run. All processes are real, listen on free
ports of this machine, and are ended by their ids when the block is left.

    with Walk("An own model", {"assistant": RIVAL}) as walk:
        walk.run("v1", PLAN)  # own.toml
        walk.stages("v1")  # corpus, train, evaluate, publish
        walk.up()
        walk.ask("assistant", "Hello?")
        walk.promote("v1")  # off -> shadow
        walk.promote("v1", expect_refusal="more pairs")
"""

import json
import os
import select
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from freehold.gateway.promotion_order import IN_FORCE, TAKEN_BACK, read
from freehold.ledger.query import events
from freehold.vocabulary.exchange import Event

RIVAL = "rival/large"  # a made-up provider's model, that says made-up words: an incumbent for chat
READY_S = 60.0
STOPPED_S = 20.0
PATIENCE_S = 120.0
POLL_S = 0.5
THREADS = "2"
_COMMAND = [sys.executable, "-m", "freehold"]


class Walk:
    """One company. Use it as a context manager.

    `aliases` are those of its freehold.toml, each with the endpoint that answers for it today: RIVAL, or an own model
    such as "own/small". `more` is put at the end of that file. Without `folder` all is gone at the end.
    """

    def __init__(
        self, title: str, aliases: Mapping[str, str], *, more: str = "", folder: Path | None = None
    ) -> None:
        self.title, self._aliases, self._more = title, aliases, more
        self._left = ExitStack()
        self._processes: list[subprocess.Popen[str]] = []
        self._began = time.monotonic()
        self._folder = folder
        self.url = ""  # the gateway's, once it is up

    def __enter__(self) -> Self:
        try:
            kept = self._folder or Path(self._left.enter_context(TemporaryDirectory(prefix="freehold-walk-")))
            self.folder = kept.absolute()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._left.callback(self._end)
            print(f"# {self.title}", flush=True)
            self._write()
        except BaseException:
            self._left.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._left.close()
        if kind is None:
            print(f"# done in {time.monotonic() - self._began:.0f} s", flush=True)

    # Files.

    def run(self, name: str, plan: str) -> str:
        """A run's folder with its plan; its name, as the commands take it."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "own.toml").write_text(plan, encoding="utf-8")
        return name

    def report(self, run: str) -> dict[str, Any]:
        """What the evaluation of a run found."""
        return dict(json.loads((self.folder / run / "evaluate" / "report.json").read_bytes()))

    # Commands.

    def freehold(self, *words: str, expect: int = 0) -> str:
        """Print a command, run it in the folder, print what it says, and give it back.

        Raises SystemExit where it ends with another exit code than expected.
        """
        print(f"\n$ freehold {' '.join(words)}", flush=True)
        said, code = self._said(words, shown=True)
        if code != expect:
            raise SystemExit(f"freehold {' '.join(words)}: exit code {code}, not {expect}")
        return said

    def stages(self, run: str, *stages: str) -> None:
        """Work through stages of a run; without names, through all of them up to its publication."""
        for stage in stages or ("run",):
            self.freehold("own", stage, run)

    def promote(self, run: str, *, to: str = "", expect_refusal: str = "") -> str:
        """Take a run's model one step on, or to a stage; with `expect_refusal`, be told these words why not."""
        words = ["own", "promote", run, *(["--to", to] if to else [])]
        said = self.freehold(*words, expect=1 if expect_refusal else 0)
        if expect_refusal not in said:
            raise SystemExit(f"the refusal does not say `{expect_refusal}`")
        if self.url and not expect_refusal:
            orders = {one.id for one in read(self.folder / ".freehold").promotions}
            self.until(lambda: orders <= {one.about["promotion"] for one in self._in_force()}, "the step")
        return said

    def standing(self, model: str) -> dict[str, Any]:
        """Where one own model stands."""
        return next(one for one in self.status() if one["model"] == model)

    def shadowed(self, model: str, pairs: int) -> None:
        """Wait until so many of a model's copies are answered."""
        self.until(lambda: int(self.standing(model)["live"]["pairs"]) >= pairs, f"{pairs} copies")

    def status(self) -> list[dict[str, Any]]:
        """Where each own model stands, as `freehold own status --json` tells it."""
        said, _ = self._said(["own", "status", "--json"], shown=False)
        return list(json.loads(said))

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for something that happens by itself. Raises SystemExit where it does not."""
        end = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > end:
                raise SystemExit(f"{what}: it did not happen within {PATIENCE_S:.0f} s\n{self._logs()}")
            time.sleep(POLL_S)

    # Serving.

    def up(self) -> None:
        """Serve the own models that are published, and the gateway before them."""
        self._start("serve", "own", "serve", ready="")
        print("\n$ freehold up", flush=True)
        said = self._start("gateway", "up", "--port", "0", "--console-port", "0", "--json", ready="{")
        self.url = str(json.loads(said)["url"])
        print(f"  {self.url}", flush=True)

    def ask(self, alias: str, prompt: str, **fields: object) -> str:
        """Ask an alias, or an endpoint, over chat completions, and print both."""
        body = {"model": alias, "messages": [{"role": "user", "content": prompt}], **fields}
        told, headers = self.post("/v1/chat/completions", body)
        text = str(told["choices"][0]["message"]["content"])
        _show(f"{alias} <- {prompt}", text, headers)
        return text

    def predict(self, name: str, inputs: Sequence[object], **fields: object) -> list[Any]:
        """Ask an own predictor or genome model, by its name or its alias, and print both."""
        told, headers = self.post(f"/v1/own/{name}:predict", {"inputs": list(inputs), **fields})
        _show(f"{name}:predict <- {json.dumps(inputs)}", json.dumps(told["predictions"]), headers)
        return list(told["predictions"])

    def post(self, path: str, body: object) -> tuple[dict[str, Any], Mapping[str, str]]:
        """What the gateway answers, and its headers. Raises SystemExit where that is an error."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return dict(json.loads(answer.read())), {k.lower(): v for k, v in answer.headers.items()}
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.code} {error.read().decode()}\n{self._logs()}") from None

    # Below: processes.

    def _in_force(self) -> list[Event]:
        """What the gateway says that it has taken up, which it does once a second."""
        state = self.folder / ".freehold"
        return [*events(state, IN_FORCE), *events(state, TAKEN_BACK)]

    def _write(self) -> None:
        """The configuration; the rival is up before it, so that it can be named there."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        lines = ["[providers.own]", f'base_url = "http://127.0.0.1:{port}/v1"']
        if RIVAL in self._aliases.values():
            url = self._start("rival", "sparring", "--port", "0", ready="http")
            lines += ["[providers.rival]", f'base_url = "{url}"', 'dialects = ["chat"]']
        lines += ["[aliases]", *(f"{name} = {json.dumps([it])}" for name, it in self._aliases.items())]
        (self.folder / "freehold.toml").write_text("\n".join([*lines, self._more, ""]), encoding="utf-8")

    def _start(self, name: str, *words: str, ready: str) -> str:
        """Start a command, and wait for its first line that begins with `ready`; that line."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*_COMMAND, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=_environment(),
                text=True,
            )
        self._processes.append(process)
        end = time.monotonic() + READY_S
        while process.stdout and select.select([process.stdout], [], [], max(end - time.monotonic(), 0))[0]:
            line = process.stdout.readline()
            if not line:
                break
            if line.startswith(ready):
                return line.strip()
        raise SystemExit(f"`freehold {' '.join(words)}` did not become ready\n{self._logs()}")

    def _said(self, words: Sequence[str], *, shown: bool) -> tuple[str, int]:
        said = []
        with subprocess.Popen(
            [*_COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if shown else None,
            cwd=self.folder,
            env=_environment(),
            text=True,
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                if shown:
                    print(f"  {line.rstrip()}", flush=True)
        return "".join(said), process.returncode

    def _logs(self) -> str:
        paths = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in paths)

    def _end(self) -> None:
        """The gateway first, or it would note that its providers vanish."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(STOPPED_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _environment() -> dict[str, str]:
    return {"OMP_NUM_THREADS": THREADS, **os.environ, "PYTHONUNBUFFERED": "1"}


def _show(asked: str, said: str, headers: Mapping[str, str]) -> None:
    by = headers.get("x-freehold-endpoint", "?")
    print(f"\n  {asked[:300]}\n  {by} -> {said[:600]}", flush=True)
