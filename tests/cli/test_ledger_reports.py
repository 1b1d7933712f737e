"""A period of the ledger, written out whole or added up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from freehold.ledger import Ledger
from freehold.vocabulary.exchange import Exchange, Outcome, Refused, Usage
from tests.cli.conftest import Run
from tests.ledger.ledger_samples import SETTINGS, exchange, fill

DAY_MS, FIRST_MS = 86_400_000, 1_793_491_200_000  # 2026-11-01 00:00 UTC


def at(number: int, ms: int, **changed: object) -> Exchange:
    return replace(exchange(number), id=f"x{ms:011x}{number:016x}", at_ms=ms, **changed)


ANSWERED = at(1, FIRST_MS, application="claims", cost_usd=0.25)
LAST_MOMENT = at(2, FIRST_MS + DAY_MS - 1, cost_usd=0.5, refused=(Refused("far/large-1", "eu"),))
FAILED = at(
    3,
    FIRST_MS + DAY_MS,
    outcome=Outcome.FAILED,
    endpoint=None,
    served=None,
    findings=(),
    application="claims",
)
UNCOUNTED = at(4, FIRST_MS + 2 * DAY_MS, served=None)
CACHED = at(5, FIRST_MS + 3 * DAY_MS, cached=True)
ALL = [ANSWERED, LAST_MOMENT, FAILED, UNCOUNTED, CACHED]


@pytest.fixture
def recorded(folder: Path) -> Path:
    fill(Ledger.open(folder / ".freehold", "node-0", SETTINGS), *reversed(ALL))
    return folder


def lines(run: Run, *words: str) -> list[Exchange]:
    code = run("ledger", "export", "-o", "out.jsonl", *words)
    assert code.code == 0, code.err
    return [msgspec.json.decode(line, type=Exchange) for line in Path("out.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), ALL),
        (("--from", "2026-11-01", "--to", "2026-11-01"), [ANSWERED, LAST_MOMENT]),
        (("--from", "2026-11-02"), [FAILED, UNCOUNTED, CACHED]),
        (("--to", "2026-11-02", "--application", "claims"), [ANSWERED, FAILED]),
        (("--from", "2027-01-01"), []),
    ],
)
def test_a_period_comes_out_as_it_was_recorded(
    run: Run, recorded: Path, words: tuple[str, ...], wanted: list[Exchange]
) -> None:
    assert lines(run, *words) == wanted


def test_lines_go_to_standard_output_where_no_file_is_named(recorded: Path) -> None:
    command = [sys.executable, "-m", "freehold", "ledger", "export"]
    out = subprocess.run(command, cwd=recorded, capture_output=True, check=True).stdout

    assert [msgspec.json.decode(line, type=Exchange) for line in out.splitlines()] == ALL


def test_parquet_holds_the_same_in_columns_and_whole(run: Run, recorded: Path) -> None:
    assert run("ledger", "export", "--format", "parquet", "-o", "out.parquet").code == 0

    rows = pq.read_table("out.parquet").to_pylist()
    assert [msgspec.json.decode(row["record"], type=Exchange) for row in rows] == ALL
    first = rows[0]
    assert (first["application"], first["outcome"], first["tries"]) == ("claims", "answered", 2)
    assert (first["input_tokens"], first["cost_usd"], first["findings"]) == (1_200, 0.25, ["truncation"])
    assert first["at"].isoformat() == "2026-11-01T00:00:00+00:00"
    assert (rows[2]["endpoint"], rows[2]["model"], rows[2]["cost_usd"]) == (None, None, None)
    assert rows[1]["refused"] == ["far/large-1: eu"]


def test_without_its_library_parquet_says_what_to_install(
    run: Run, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "freehold.ledger.parquet", raising=False)

    said = run("ledger", "export", "--format", "parquet", "-o", "out.parquet")

    assert said.code == 3
    assert 'pip install "freehold[parquet]"' in said.err
    assert not Path("out.parquet").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "--format", "parquet"), "Parquet goes into a file"),
        (("export", "--from", "yesterday"), "--from 'yesterday' is no day"),
        (("stats", "--from", "2026-11-02", "--to", "2026-11-01"), "before it begins"),
    ],
)
def test_what_cannot_be_meant_is_told(run: Run, recorded: Path, words: tuple[str, ...], message: str) -> None:
    said = run("ledger", *words)

    assert said.code == 2
    assert message in said.err


def test_a_broken_export_leaves_neither_a_half_nor_the_old_one_changed(run: Run, recorded: Path) -> None:
    Path("out.jsonl").write_text("from before")
    (recorded / ".freehold" / "ledger.sqlite").write_bytes(b"no database " * 99)

    assert run("ledger", "export", "-o", "out.jsonl").code == 3
    assert Path("out.jsonl").read_text() == "from before"
    assert not list(Path().glob(".*.part"))


def test_a_pipe_is_written_to_and_stays_one(run: Run, recorded: Path) -> None:
    os.mkfifo("pipe")
    reading = os.open("pipe", os.O_RDWR)  # so that writing need not wait
    said = run("ledger", "export", "-o", "pipe")

    assert (said.code, Path("pipe").is_fifo()) == (0, True)
    assert len(os.read(reading, 1 << 16).splitlines()) == len(ALL)
    os.close(reading)


@pytest.mark.parametrize(("words", "count"), [
    (("--to", "9999-12-31"), len(ALL)),
    (("--from", "0001-01-01"), len(ALL)),
    (("--from", "9999-12-31"), 0),
])  # fmt: skip
def test_a_period_may_reach_to_the_end_of_time(
    run: Run, recorded: Path, words: tuple[str, ...], count: int
) -> None:
    assert len(lines(run, *words)) == count


def test_stats_add_up_and_count_what_nobody_knows(run: Run, recorded: Path) -> None:
    found = json.loads(run("ledger", "stats", "--json").out)

    assert found["total"] == {
        "exchanges": 5,
        "outcomes": {"answered": 4, "failed": 1},
        "input_tokens": 2_400,
        "output_tokens": 600,
        "uncounted": 1,
        "cost_usd": 0.75,
        "unpriced": 1,
        "findings": {"truncation": 4},
        "refused": 1,
    }
    assert {name: one["exchanges"] for name, one in found["applications"].items()} == {
        "claims": 2,
        "invoices": 3,
    }
    assert {name: one["exchanges"] for name, one in found["endpoints"].items()} == {
        "(nobody)": 1,
        "near/large-1": 4,
    }
    assert {name: one["exchanges"] for name, one in found["days"].items()} == {
        "2026-11-01": 2,
        "2026-11-02": 1,
        "2026-11-03": 1,
        "2026-11-04": 1,
    }
    assert ANSWERED.served is not None and ANSWERED.served.usage == Usage(1_200, 300)


def test_stats_as_tables_name_each_group_and_all_together(run: Run, recorded: Path) -> None:
    out = run("ledger", "stats", "--to", "2026-11-01").out

    assert [line.split()[:3] for line in out.split("\n\n")[0].splitlines()[1:]] == [
        ["claims", "1", "1"],
        ["invoices", "1", "1"],
        ["all", "2", "2"],
    ]
    assert [block.split()[0] for block in out.strip().split("\n\n")] == [
        "APPLICATION", "ENDPOINT", "DAY", "OUTCOME", "FINDING",
    ]  # fmt: skip


def test_stats_of_nothing_are_nothing(run: Run, folder: Path) -> None:
    assert json.loads(run("ledger", "stats", "--json").out)["total"]["exchanges"] == 0
    assert run("ledger", "stats").code == 0
