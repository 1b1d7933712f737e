"""A command line in an empty folder, without keys and without local servers."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from freehold.catalog.providers import providers
from freehold.cli import discover
from freehold.cli.main import main

CONFIG = '[providers.openai]\nkey_env = "OPENAI_API_KEY"\n[aliases]\nfast = ["openai/gpt-5-mini"]\n'


class Said(NamedTuple):
    """What one command came to."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("FREEHOLD_CONFIG", *(name for row in providers().values() for name in row.key_env)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        discover, "usual_ports", dict
    )  # whatever runs on this machine is none of a test's business
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str) -> Said:
        capsys.readouterr()
        code = main(words)
        return Said(code, *capsys.readouterr())

    return command
