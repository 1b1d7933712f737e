"""Help, exit codes, and how errors are told."""

import errno
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from freehold import __version__
from freehold.cli.main import main

COMMANDS = [
    (),
    ("up",),
    ("init",),
    ("check",),
    ("demo",),
    ("sparring",),
    ("catalog",),
    ("catalog", "list"),
    ("catalog", "show"),
    ("catalog", "gaps"),
    ("catalog", "check"),
    ("keys",),
    ("keys", "create"),
    ("keys", "list"),
    ("keys", "revoke"),
    ("ledger",),
    ("ledger", "tail"),
    ("ledger", "show"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_has_an_example(command: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])

    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"usage: {' '.join(['freehold', *command])}" in out
    assert "example:\n  " in out
    assert "freehold" in out.partition("example:\n")[2]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"freehold {__version__}\n"


@pytest.mark.parametrize("words", [[], ["nonsense"], ["keys"], ["up", "--port", "x"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert "usage: freehold" in capsys.readouterr().err


def test_the_module_runs_as_the_command_does(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "freehold", "check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert ended.stderr == (
        "error: there is no freehold.toml here\nremedy: Name a file, or let `freehold init` write one.\n"
    )


def test_an_interrupt_is_quiet(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "freehold", "ledger", "tail", "--follow"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("AT (UTC)")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)

    assert (running.returncode, out, err) == (130, "", "")


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    script = f"'{sys.executable}' -m freehold sparring --list --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert (ended.stdout, ended.stderr) == ("[0\n", "")


def test_a_full_disk_is_no_wrong_path(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("freehold.cli.own_init.run", full)

    assert main(["own", "init", "run", "--recipe", "text"]) == 3
    assert "remedy: Make room where it writes" in capsys.readouterr().err
