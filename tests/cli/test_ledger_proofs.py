"""`freehold ledger verify`, `prove`, `checkpoint` and `rotate-key`, as an operator and an outsider use them."""

import json
from pathlib import Path

import pytest

from freehold.ledger import Ledger
from freehold.ledger.notes import Signer
from tests.cli.conftest import Run
from tests.ledger.ledger_samples import SETTINGS, exchange, fill
from tests.ledger.logs import NODE, lines_of, rewritten


@pytest.fixture
def recorded(folder: Path) -> Path:
    fill(Ledger.open(folder / ".freehold", NODE, SETTINGS), *(exchange(number) for number in range(5)))
    return folder


def key(run: Run) -> str:
    return run("ledger", "checkpoint", "--keys").out.strip()


def test_a_log_verifies_until_a_record_is_edited(run: Run, recorded: Path) -> None:
    said = run("ledger", "verify", "--vkey", key(run))
    assert said.code == 0
    kept = "  5 records are what their leaves commit to"
    searched = f"{recorded / '.freehold/ledger.sqlite'}: 5 records are as a journal has them"
    assert said.out.splitlines()[2:] == [
        kept,
        "  everything is as it was signed",
        searched,
        "  searches find what the journals have",
    ]

    (segment,) = (recorded / ".freehold/journal" / NODE).glob("*.jsonl")
    lines = lines_of(segment)
    rewritten(segment, [lines[0], lines[1].replace(b"large", b"small"), *lines[2:]])
    said = run("ledger", "verify", "--json")
    log, database = json.loads(said.out)
    assert said.code == 1
    assert [problem["record"] for problem in database["problems"]] == [exchange(1).id]
    assert log["problems"] == [
        {
            "what": "edited",
            "place": f"{segment}:2",
            "says": f"record {exchange(1).id} is not what leaf 1 commits to",
            "leaf": 1,
            "record": exchange(1).id,
        }
    ]


def test_the_beginning_of_an_id_is_enough_where_one_record_has_it(run: Run, recorded: Path) -> None:
    fill(Ledger.open(recorded / ".freehold", NODE, SETTINGS), exchange(77))

    assert run("ledger", "prove", exchange(77).id[:-1]).out == run("ledger", "prove", exchange(77).id).out
    several, none = run("ledger", "prove", exchange(0).id[:-1]), run("ledger", "prove", "nobody")
    assert (several.code, none.code) == (2, 1)
    assert "begins several ids" in several.err
    assert "no record has an id that begins with nobody" in none.err


def test_an_outsider_checks_one_record_with_the_key_alone(run: Run, recorded: Path) -> None:
    known = key(run)
    Path("record.tlog-proof").write_text(run("ledger", "prove", exchange(3).id).out)
    said = run("ledger", "verify", "--proof", "record.tlog-proof", "--vkey", known, "--json")

    assert said.code == 0
    shown = json.loads(said.out)
    assert (shown["leaf"], shown["size"], shown["record"]["id"]) == (3, 5, exchange(3).id)

    spoilt = Path("record.tlog-proof").read_text().replace("index 3", "index 2")
    Path("record.tlog-proof").write_text(spoilt)
    assert run("ledger", "verify", "--proof", "record.tlog-proof", "--vkey", known).code == 1
    assert run("ledger", "verify", "--proof", "record.tlog-proof").code == 2


def test_a_saved_checkpoint_and_the_first_key_hold_through_a_rotation(run: Run, recorded: Path) -> None:
    known = key(run)
    Path("saved").write_text(run("ledger", "checkpoint").out)
    said = run("ledger", "rotate-key", NODE)
    assert said.code == 0
    assert said.out.splitlines()[0] == f"{NODE} signs with the new key; the old one is removed"
    assert said.out.splitlines()[1] == key(run) != known

    assert run("ledger", "verify", "--vkey", known, "--checkpoint", "saved").code == 0
    folder = str(recorded / ".freehold/log" / NODE)
    assert run("ledger", "verify", folder, "--vkey", key(run)).code == 0


def test_a_key_that_is_to_rotate_under_a_running_gateway_waits_for_its_next_start(
    run: Run, recorded: Path
) -> None:
    before = key(run)
    ledger = Ledger.open(recorded / ".freehold", NODE, SETTINGS)
    said = run("ledger", "rotate-key", NODE)
    assert (said.code, "when it is started next" in said.out) == (0, True)
    ledger.close()
    assert key(run) == before

    Ledger.open(recorded / ".freehold", NODE, SETTINGS).close()
    assert key(run) != before
    assert run("ledger", "verify", "--vkey", before).code == 0


def test_each_log_goes_by_the_keys_and_checkpoints_of_its_own_name(run: Run, recorded: Path) -> None:
    Ledger.open(recorded / ".freehold", "node-1", SETTINGS).close()
    Path("saved").write_text(run("ledger", "checkpoint").out)
    known = run("ledger", "checkpoint", "--keys", "--node", NODE).out.strip()
    Ledger.open(recorded / ".freehold", "node-1", SETTINGS).close()

    said = run("ledger", "verify", "--checkpoint", "saved", "--vkey", known, "--json")
    assert (said.code, [log["key_assumed"] for log in json.loads(said.out)[:2]]) == (0, [False, True])
    said = run("ledger", "verify", "--vkey", str(Signer("elsewhere.example/node-0", bytes(32)).verifier))
    assert (said.code, "no log here has the name elsewhere.example/node-0" in said.err) == (1, True)


@pytest.mark.parametrize("text", ["rubbish\n", "a\n1\n\n— a AAAA\n", "a\n1\nAAAA\n\n"])
def test_a_file_without_checkpoints_is_a_wrong_command(run: Run, recorded: Path, text: str) -> None:
    Path("saved").write_text(text)
    said = run("ledger", "verify", "--checkpoint", "saved")

    assert said.code == 2
    assert said.err.startswith("error: saved: ")


def test_where_there_is_no_log_it_says_how_one_begins(run: Run, folder: Path) -> None:
    for words in (("verify",), ("checkpoint",), ("rotate-key", NODE)):
        said = run("ledger", *words)
        assert said.code == 1
        assert "no log" in said.err
    assert run("ledger", "prove", "ex_1").code == 1
