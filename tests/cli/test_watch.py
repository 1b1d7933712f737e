"""`freehold watch`: on a terminal, through a pipe, as JSON, and once."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from freehold.ledger.segment import framed
from freehold.vocabulary.exchange import Attempt, Event, Exchange, Finding, Outcome, Plain
from tests.cli.conftest import Run

AT_MS = 1_795_392_000_000  # 2026-11-23 00:00:00 UTC
PATIENCE_S = 30.0
FINDINGS = {
    1: (Finding("refusal", "worded as a refusal (0.93)", 0.93),),
    2: (Finding("truncation", "it stops\x1b[2J here", 0.5), Finding("refusal", "finish reason refusal")),
}


def exchange(number: int) -> Exchange:
    return Exchange(
        id=f"x{AT_MS + number * 1_000:011x}{number:016x}",
        at_ms=AT_MS + number * 1_000,
        application="invoices",
        dialect="chat",
        alias="fast",
        outcome=Outcome.ANSWERED,
        status=200,
        endpoint="near/small" if number % 2 else "far/large",
        attempts=(Attempt("near/small", "ok", 200, 900, 41_000, 90_000),),
        findings=FINDINGS.get(number, ()),
        first_byte_us=40_000,
        took_us=91_000,
    )


def segment(folder: Path) -> Path:
    return folder / ".freehold" / "journal" / "node-0" / f"{AT_MS:015d}.jsonl"


@pytest.fixture
def recorded(folder: Path) -> Path:
    """Four exchanges in the journal of the default state directory."""
    segment(folder).parent.mkdir(parents=True)
    segment(folder).write_bytes(b"".join(framed(exchange(number)) for number in range(4)))
    return folder


def test_once_shows_each_endpoint_and_the_last_findings(run: Run, recorded: Path) -> None:
    code, out, err = run("watch", "--once")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "4 exchanges, 3 findings",
        "",
        "ENDPOINT    ANSWERS  FIRST BYTE MS  95 IN 100  FOUND IN 100 ANSWERS",
        "far/large   2        41             41         truncation 50, refusal 50",
        "near/small  2        41             41         refusal 50",
        "",
        "AT (UTC)  ENDPOINT    FOUND       STRENGTH  IT RESTS ON",
        f"00:00:02  far/large   refusal     1.00      finish reason refusal ({exchange(2).id})",
        rf"00:00:02  far/large   truncation  0.50      it stops\x1b[2J here ({exchange(2).id})",
        f"00:00:01  near/small  refusal     0.93      worded as a refusal (0.93) ({exchange(1).id})",
    ]


def test_once_as_json_is_the_same(run: Run, recorded: Path) -> None:
    told = json.loads(run("watch", "--once", "--json").out)

    assert told["exchanges"] == 4
    assert [(row["endpoint"], row["answers"], row["findings"]) for row in told["endpoints"]] == [
        ("far/large", 2, {"truncation": 1, "refusal": 1}),
        ("near/small", 2, {"refusal": 1}),
    ]
    assert told["findings"][0] == {
        "at_ms": AT_MS + 1_000,
        "exchange": exchange(1).id,
        "endpoint": "near/small",
        "application": "invoices",
        "finding": {"kind": "refusal", "strength": 0.93, "evidence": "worded as a refusal (0.93)"},
    }


def test_what_was_found_afterwards_is_seen_at_its_endpoint(run: Run, recorded: Path) -> None:
    about: dict[str, Plain] = {
        "exchange": "x1",
        "endpoint": "near/small",
        "kind": "deflection",
        "evidence": "unlike",
        "strength": 0.7,
    }
    later = [
        Event("e1", AT_MS, "finding", about),
        Event("e2", AT_MS, "opened", about),
        Event("e3", AT_MS, "finding"),
    ]
    with segment(recorded).open("ab") as journal:
        journal.write(b"".join(map(framed, later)))

    told = json.loads(run("watch", "--once", "--json").out)

    assert told["exchanges"] == 4
    assert {row["endpoint"]: row["findings"] for row in told["endpoints"]}["near/small"] == {
        "refusal": 1,
        "deflection": 1,
    }


def test_an_empty_ledger_is_an_empty_table(run: Run) -> None:
    assert run("watch", "--once").out.startswith("0 exchanges, 0 findings\n\nENDPOINT")


def test_through_a_pipe_each_finding_is_a_line_as_it_happens(recorded: Path) -> None:
    command = [sys.executable, "-m", "freehold", "watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        before = [json.loads(running.stdout.readline()) for _ in range(3)]
        with segment(recorded).open("ab") as journal:
            journal.write(framed(exchange(4)))
            last = exchange(5)
            journal.write(
                framed(
                    Exchange(
                        **{name: getattr(last, name) for name in last.__struct_fields__}
                        | {"findings": FINDINGS[1]}
                    )
                )
            )
        after = json.loads(running.stdout.readline())
        running.terminate()

    assert [one["finding"]["kind"] for one in before] == ["refusal", "truncation", "refusal"]
    assert (after["exchange"], after["endpoint"]) == (exchange(5).id, "near/small")


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "Ctrl-C"])
def test_on_a_terminal_it_is_drawn_until_a_key_ends_it(recorded: Path, key: bytes) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "freehold", "watch"])
    drawn, deadline = b"", time.monotonic() + PATIENCE_S
    awaited = (b"finish reason refusal", b"near/small", b"q ends")  # a key may end it in the middle of a page
    while not all(one in drawn for one in awaited) and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.5)[0]:
            drawn += os.read(terminal, 65_536)
    os.write(terminal, key)
    while time.monotonic() < deadline:
        try:
            drawn += os.read(terminal, 65_536)
        except OSError:  # the other end is closed
            break
    _, status = os.waitpid(child, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0
    assert b"near/small" in drawn and b"q ends" in drawn
    assert drawn.index(b"\x1b[?1049h") < drawn.index(b"near/small") < drawn.index(b"\x1b[?1049l")
    assert b"\x1b[2J" not in drawn  # what a provider says does not steer the terminal
