"""The console's process: beside a gateway, after its death, without its port, and alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from freehold.cli.beside import Shown
from freehold.console.child import Child, listen
from freehold.ledger import query
from tests.console.site import CONFIG
from tests.console.visitor import PATIENCE_S, Visitor

PORTS_TRIED = 10


def eventually(holds: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def answers(url: str) -> bool:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/sign-in")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def consoles(up: int) -> list[int]:
    """The console processes of a gateway: its children in a session of their own."""
    with suppress(FileNotFoundError, ProcessLookupError):  # one of them may end meanwhile
        tasks = Path(f"/proc/{up}/task").iterdir()
        children = [int(one) for task in tasks for one in (task / "children").read_text().split()]
        return [one for one in children if os.getsid(one) == one]
    return []


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def up(
    folder: Path, port: int, *words: str, config: str | None = CONFIG
) -> Iterator[tuple["subprocess.Popen[str]", Any]]:
    """A gateway with its console on this port, and what it said in JSON; without a file, it serves what it finds."""
    if config is not None:
        (folder / "freehold.toml").write_text(config)
    command = [sys.executable, "-m", "freehold", "up", "--port", "0", "--console-port", str(port), "--json"]
    with (folder / "stderr").open("a") as stderr:
        running = subprocess.Popen(
            [*command, *words],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder,
            env=os.environ | {"OPENAI_API_KEY": "sk-none"},
        )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line, (folder / "stderr").read_text()
        yield running, json.loads(line)
    finally:
        running.kill()
        running.communicate()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def up_with_console(
    folder: Path, *words: str, config: str | None = CONFIG
) -> Iterator[tuple["subprocess.Popen[str]", Any]]:
    """The same on a port that nobody took before it could."""
    for _ in range(PORTS_TRIED):
        with up(folder, free_port(), *words, config=config) as (running, said):
            if said["console"] is not None:
                yield running, said
                return
    raise AssertionError("every port was taken")


def test_it_serves_what_was_found_beside_the_gateway_comes_back_and_ends_with_it(tmp_path: Path) -> None:
    with up_with_console(tmp_path, config=None) as (running, said):
        console = said["console"]
        eventually(lambda: answers(console["url"]))
        visitor = Visitor(console["url"])
        assert visitor.sign_in(console["token"]).status == 303

        (first,) = consoles(running.pid)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: consoles(running.pid) not in ([], [first]) and answers(console["url"]))
        (second,) = consoles(running.pid)
        assert visitor.get("/static/console.css").status == 200
        assert visitor.get("/keys").status == 303  # sessions are in its memory
        assert visitor.sign_in(console["token"]).status == 303

        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE_S) == 0
        assert not is_alive(second)
    who = [event.about["who"] for event in query.events(tmp_path / ".freehold", "console-signed-in")]
    assert who == ["admin", "admin"]
    assert "the console has ended (-9); starting it again" in (tmp_path / "stderr").read_text()


def test_it_ends_when_a_gateway_of_several_workers_is_killed(tmp_path: Path) -> None:
    with up_with_console(tmp_path, "--workers", "2") as (running, said):
        eventually(lambda: answers(said["console"]["url"]))
        (child,) = consoles(running.pid)
        os.kill(running.pid, signal.SIGKILL)
        running.wait(PATIENCE_S)

        eventually(lambda: not is_alive(child))


def test_a_port_that_is_taken_is_a_warning_and_the_gateway_serves(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with up(tmp_path, port) as (_, said):
            host = urlsplit(said["url"]).netloc
            connection = HTTPConnection(host, timeout=PATIENCE_S)
            connection.request("GET", "/v1/models")
            assert connection.getresponse().status == 200
            connection.close()

    assert said["console"] is None
    warned = (tmp_path / "stderr").read_text()
    assert f"warning: there is no console: 127.0.0.1:{port}: Address already in use" in warned
    assert "remedy: Give it another port with --console-port, or 0 for none." in warned
    assert not (tmp_path / ".freehold" / "console.json").exists()  # a token is not printed for no console


def test_what_cannot_start_is_not_started_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shown = Shown("http://127.0.0.1:9", str(tmp_path / "gone.toml"), "")
    child = Child(listen(0), msgspec.json.encode(shown) + b"\n")
    err = ""

    def said() -> bool:
        nonlocal err
        err += capfd.readouterr().err
        return "is not started again" in err

    eventually(said)
    child.stop()

    assert "gone.toml: there is no such file" in err
    assert "warning: the console has ended (2) and is not started again; the gateway goes on" in err


def test_it_serves_alone_on_the_files_of_a_gateway(tmp_path: Path) -> None:
    (tmp_path / "freehold.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "freehold", "console"]

    def run(*words: str) -> str:
        done = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    token = run("token", "--name", "ana", "--role", "viewer").strip()
    with subprocess.Popen(
        [*command, "--port", "0", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        said = json.loads(running.stdout.readline())
        visitor = Visitor(said["url"])
        came = visitor.sign_in(token).status
        run("token", "--name", "ana", "--end")
        then = visitor.get("/keys").status
        running.terminate()

    assert "token" not in said  # there was one
    assert (came, then) == (303, 303)
    assert running.returncode == 0
    assert json.loads(run("token", "--list", "--json")) == []
