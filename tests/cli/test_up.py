"""`freehold up` as a process of its own: what it says, what it refuses, how it stops."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG, Run

LOCAL = '[providers.p]\nbase_url = "http://127.0.0.1:9/v1"\n[aliases]\nfast = ["p/small", "p/large"]\n"p/*" = ["p/*"]\n'


@contextmanager
def up(*words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A gateway process on a free port, with everything it said until it listened."""
    command = [sys.executable, "-m", "freehold", "up", "--port", "0", "--console-port", "0", *words]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        assert running.stdout is not None
        said = ""
        while not re.search(r"listening on .*\n.+\n|^\{.*\}\n", said):
            line = running.stdout.readline()
            assert line, (said, running.communicate())
            said += line
        yield running, said
    finally:
        running.kill()
        running.communicate()


def url_in(said: str) -> str:
    found = re.search(r"listening on (http://\S+)", said)
    assert found
    return found[1]


def test_it_says_where_it_listens_and_who_answers_and_stops_when_told(folder: Path) -> None:
    (folder / "freehold.toml").write_text(LOCAL)

    with up() as (running, said):
        url = url_in(said)
        with urllib.request.urlopen(f"{url}/v1/models") as answer:
            listed = json.load(answer)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)

    assert said == (
        "ALIAS  ANSWERED BY\n"
        "fast   p/small, then p/large\n"
        "p/*    p/*\n"
        "\nno policy is enforced: every application may send anything to every endpoint of its aliases\n"
        f"\nlistening on {url} (asks for no key)\nbase URL for OpenAI clients {url}/v1, for Anthropic's {url}\n"
    )
    assert "fast" in [model["id"] for model in listed["data"]]
    assert (running.returncode, err) == (0, "")


def test_without_a_file_it_says_what_it_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    with up() as (_, said):
        assert said.startswith("no freehold.toml; serving what is here (`freehold init` writes it down):\n")
        assert re.search(r"^openai +OPENAI_API_KEY", said, re.MULTILINE)
        assert re.search(r"^gpt-\* +openai/gpt-\*$", said, re.MULTILINE)
        assert "sk-secret" not in said


def test_json_is_one_line_once_it_is_ready(folder: Path) -> None:
    (folder / "freehold.toml").write_text(LOCAL)

    with up("--json") as (_, said):
        ready = json.loads(said)

    assert ready == {
        "url": ready["url"],
        "asks_for_keys": False,
        "aliases": {"fast": ["p/small", "p/large"], "p/*": ["p/*"]},
        "policy": None,
        "shadow": [],
        "facts": ready["facts"],
        "allowed": None,
        "console": None,
    }
    assert re.fullmatch(r"[0-9a-f]{12}", ready["facts"])


def test_once_a_key_exists_it_asks_for_one(run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text(LOCAL)
    run("keys", "create", "app")

    with up() as (_, said):
        assert "(asks for a key)" in said


KEYLESS = "Run `freehold keys create NAME` first, or listen on 127.0.0.1 without `keys = true`."
REFUSALS = [
    (
        LOCAL,
        ["--host", "0.0.0.0"],
        f"error: 0.0.0.0 can be reached from other machines, and there is no key yet\nremedy: {KEYLESS}\n",
    ),
    (
        "server.keys = true\n" + LOCAL,
        [],
        f"error: server.keys is true, and there is no key yet\nremedy: {KEYLESS}\n",
    ),
    (
        "server.keys = false\n" + LOCAL,
        ["--host", "0.0.0.0"],
        "error: freehold.toml:1:8: server.keys is false, but server.host is 0.0.0.0, which others can reach\n"
        'remedy: Remove `keys = false`, or listen on host = "127.0.0.1".\n',
    ),
    (
        LOCAL,
        ["--port", "70000"],
        "error: the command line: Expected `int` <= 65535 - at `--port`\nremedy: See `freehold up --help`.\n",
    ),
    (
        LOCAL,
        ["--workers", "0"],
        "error: the command line: Expected `int` >= 1 - at `--workers`\nremedy: See `freehold up --help`.\n",
    ),
    (
        CONFIG,
        [],
        'error: freehold.toml:2:1: provider "openai" has no key: OPENAI_API_KEY is not set\n'
        "remedy: Set OPENAI_API_KEY, or name a key_file in [providers.openai], or remove the table.\n",
    ),
]


@pytest.mark.parametrize(
    ("config", "words", "err"), REFUSALS, ids=[err.split("\n")[0] for _, _, err in REFUSALS]
)
def test_what_it_refuses_is_2(run: Run, folder: Path, config: str, words: list[str], err: str) -> None:
    (folder / "freehold.toml").write_text(config)

    assert run("up", *words) == (2, "", err)


def test_a_port_that_is_taken_is_3(run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text(LOCAL)
    with up() as (_, said):
        port = url_in(said).rpartition(":")[2]
        refused = run("up", "--port", port)

    assert (refused.code, refused.out) == (3, "")
    assert f"cannot listen on 127.0.0.1:{port}" in refused.err
