"""Keys from the command line: shown once, listed without their text, ended at once."""

import json
import re
from pathlib import Path

import pytest

from freehold.gateway.key_terms import ending_ms
from freehold.vocabulary.errors import BadRequest
from tests.cli.conftest import Run

NOW_MS = 1_767_225_600_000  # 2026-01-01
HOUR_MS = 3_600_000


def test_only_the_key_goes_to_stdout(run: Run) -> None:
    said = run(
        "keys", "create", "invoices", "--alias", "gpt-*", "--alias", "claude-*", "--expires", "2099-01-31"
    )

    assert said.code == 0
    assert re.fullmatch(r"fh_\S{20,}\n", said.out)
    assert "gpt-*, claude-*" in said.err
    assert "2099-01-31 00:00" in said.err
    assert said.out.strip() not in said.err


def test_a_key_is_listed_without_its_text(run: Run) -> None:
    secret = run("keys", "create", "invoices").out.strip()
    (listed,) = json.loads(run("keys", "list", "--json").out)

    assert (listed["name"], listed["aliases"], listed["expires_ms"]) == ("invoices", [], None)
    said = run("keys", "list")
    assert re.search(rf"{listed['id']} +invoices +all +- +\S+ \S+ +never +in force\n", said.out)
    assert secret not in said.out


def test_a_key_has_a_data_class_of_the_configuration(run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text('data_classes = ["open", "secret"]\n')
    run("keys", "create", "invoices", "--data-class", "secret")
    unknown = run("keys", "create", "invoices", "--data-class", "secrets")

    assert json.loads(run("keys", "list", "--json").out)[0]["data_class"] == "secret"
    assert unknown.code == 2
    assert 'no data class is called "secrets"; did you mean "secret"?' in unknown.err
    assert "Name one of open, secret, the least sensitive first." in unknown.err


def test_json_holds_the_key_once(run: Run) -> None:
    made = json.loads(run("keys", "create", "invoices", "--json").out)

    assert made["key"].startswith("fh_")
    assert "key" not in json.loads(run("keys", "list", "--json").out)[0]


def test_a_revoked_key_says_so(run: Run) -> None:
    run("keys", "create", "invoices")
    (listed,) = json.loads(run("keys", "list", "--json").out)

    assert run("keys", "revoke", listed["id"]) == (0, f"revoked {listed['id']} of invoices\n", "")
    assert run("keys", "revoke", listed["id"]) == (0, f"{listed['id']} was revoked before\n", "")
    assert run("keys", "list").out.rstrip().endswith("revoked")


def test_a_key_that_is_not_there_is_1(run: Run) -> None:
    said = run("keys", "revoke", "key_0")

    assert (said.code, said.out) == (1, "")
    assert said.err.endswith("remedy: `freehold keys list` shows them.\n")


def test_keys_lie_in_the_state_directory_of_the_configuration(run: Run, folder: Path) -> None:
    (folder / "etc").mkdir()
    (folder / "etc" / "f.toml").write_text('state_dir = "state"')
    run("keys", "create", "invoices", "--config", "etc/f.toml")

    assert (folder / "etc" / "state" / "keys.json").exists()
    assert not (folder / ".freehold").exists()


def test_a_broken_configuration_is_2(run: Run, folder: Path) -> None:
    (folder / "freehold.toml").write_text("state_dir = 1")

    assert run("keys", "list") == (
        2,
        "",
        "error: freehold.toml:1:1: `state_dir` is 1, not a string\nremedy: Give `state_dir` a string.\n",
    )


@pytest.mark.parametrize(
    ("written", "hours"),
    [("12h", 12), ("30d", 720), ("8w", 1344), ("2026-01-02", 24), ("2026-01-02T01:00+01:00", 24)],
)
def test_an_end_is_a_duration_or_a_day(written: str, hours: int) -> None:
    assert ending_ms(written, NOW_MS) == NOW_MS + hours * HOUR_MS


@pytest.mark.parametrize(
    ("written", "why"),
    [("0d", "no time"), ("30", "no time"), ("soon", "no time"), ("2025-12-31", "over already")],
)
def test_an_end_that_is_none_is_refused(written: str, why: str) -> None:
    with pytest.raises(BadRequest, match=f'"{written}" is {why}'):
        ending_ms(written, NOW_MS)
