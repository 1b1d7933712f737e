"""`freehold check` names every problem; `freehold init` writes what it has nothing against."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG, Run


def test_a_good_file_is_0(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    (folder / "freehold.toml").write_text(CONFIG)

    assert run("check") == (0, "freehold.toml: good (providers: 1, aliases: 1)\n", "")


def test_every_problem_is_told_and_it_is_1(run: Run, folder: Path) -> None:
    (folder / "f.toml").write_text('[server]\nprot = 1\nport = "x"\n')

    assert run("check", "f.toml") == (
        1,
        "",
        "error: f.toml:2:1: unknown key `prot` in [server]\n"
        "remedy: Write `port`.\n"
        'error: f.toml:3:1: `server.port` is "x", not a whole number\n'
        "remedy: Give `server.port` a whole number.\n",
    )


def test_a_missing_variable_is_told(run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text(CONFIG)

    assert run("check") == (
        1,
        "",
        'error: freehold.toml:2:1: provider "openai" has no key: OPENAI_API_KEY is not set\n'
        "remedy: Set OPENAI_API_KEY, or name a key_file in [providers.openai], or remove the table.\n",
    )


def test_what_the_console_cannot_use_is_told_and_what_this_machine_lacks_is_a_warning(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    oidc = '[console.oidc]\nissuer = "{}"\nclient_id = "c"\nclient_secret_env = "NO_SECRET"\nroles.admin = ["a"]\n'
    (folder / "bad.toml").write_text(CONFIG + oidc.format("a.example"))
    (folder / "good.toml").write_text(CONFIG + oidc.format("https://a.example"))
    bad, good = run("check", "bad.toml"), run("check", "good.toml")

    assert (bad.code, good.code) == (1, 0)
    assert bad.err.startswith('error: bad.toml:6:1: "a.example" cannot be an issuer\n')
    assert good.err.startswith("warning: good.toml:8:1: NO_SECRET is not set\n")


def test_json_says_the_same(run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text(CONFIG + "[providers.ollama]\n")
    said = run("check", "--json")

    assert said.code == 1
    assert json.loads(said.out) == [
        {
            "severity": "error",
            "file": "freehold.toml",
            "line": 2,
            "column": 1,
            "message": 'provider "openai" has no key: OPENAI_API_KEY is not set',
            "remedy": "Set OPENAI_API_KEY, or name a key_file in [providers.openai], or remove the table.",
        },
        {
            "severity": "warning",
            "file": "freehold.toml",
            "line": 5,
            "column": 12,
            "message": 'provider "ollama" is in no pool',
            "remedy": 'Add "ollama/MODEL" to an alias.',
        },
    ]


def test_a_warning_alone_is_0(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    (folder / "freehold.toml").write_text(CONFIG + "[providers.ollama]\n")
    said = run("check")

    assert said.code == 0
    assert said.err.startswith('warning: freehold.toml:5:12: provider "ollama" is in no pool\n')


def test_the_variable_names_the_file(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREEHOLD_CONFIG", "other.toml")

    assert run("check").err.startswith("error: other.toml: there is no such file\n")


def test_init_writes_a_file_that_checks_clean(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "ak-secret")
    said = run("init")

    assert said == (
        0,
        "PROVIDER   NOTICED            MODELS\nanthropic  ANTHROPIC_API_KEY\n"
        "\nwrote freehold.toml; `freehold up` serves it\n",
        "",
    )
    assert "ak-secret" not in (folder / "freehold.toml").read_text()
    assert run("check") == (0, "freehold.toml: good (providers: 1, aliases: 2)\n", "")


def test_init_tells_what_it_found_as_json(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "x")

    assert json.loads(run("init", "f.toml", "--json").out) == {
        "file": "f.toml",
        "found": [{"provider": "groq", "noticed": "GROQ_API_KEY", "models": []}],
    }


def test_init_overwrites_only_when_told(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    (folder / "mine.toml").write_text("# mine")

    assert run("init", "mine.toml") == (
        2,
        "",
        "error: mine.toml: the file exists already\nremedy: Choose another name, or overwrite it with --force.\n",
    )
    assert (folder / "mine.toml").read_text() == "# mine"
    assert run("init", "mine.toml", "--force").code == 0
    assert (folder / "mine.toml").read_text() != "# mine"


@pytest.mark.parametrize("command", ["init", "up"])
def test_where_there_is_nothing_to_serve_it_is_3(run: Run, folder: Path, command: str) -> None:
    assert run(command) == (
        3,
        "",
        "error: no provider key is in the environment, and no model server answers on this machine\n"
        "remedy: Set a key, e.g. OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama, vLLM, SGLang, llama.cpp or "
        "LM Studio.\n",
    )
    assert list(folder.iterdir()) == []
