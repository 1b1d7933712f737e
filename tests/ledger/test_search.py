"""Exchanges are found and added up as if somebody had gone through the whole ledger, whatever befell the index."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from freehold.ledger.proving import line_at, locate
from freehold.ledger.search import NONE, WORDS, Query, Row, Search
from freehold.ledger.search_filling import FILE, HOUR_MS, MINUTE_MS
from freehold.ledger.search_rows import FAILED, FINDING, KIND, ON_PURPOSE
from freehold.ledger.segment import framed
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import (
    INJECTED,
    Attempt,
    Event,
    Exchange,
    Finding,
    Outcome,
    Record,
    Served,
    Usage,
)

BEGAN_MS = 1_780_000_000_000
ENDPOINTS = ("near/large-1", "far/large-1", None)


def exchange_id(at_ms: int, number: int) -> str:
    return f"x{at_ms:011x}{number:016x}"


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    at_ms = BEGAN_MS + draw(st.integers(0, 4 * HOUR_MS))
    endpoint = draw(st.sampled_from(ENDPOINTS))
    failed = draw(st.lists(st.sampled_from(("near/large-1", "down/small")), max_size=2))
    found = draw(st.lists(st.sampled_from(("truncation", "refusal")), max_size=2, unique=True))
    usage = draw(
        st.none() | st.builds(Usage, st.none() | st.integers(0, 999), st.none() | st.integers(0, 999))
    )
    return Exchange(
        id=exchange_id(at_ms, draw(st.integers(0, 1 << 40))),
        at_ms=at_ms,
        application=draw(st.sampled_from(("invoices", "chat"))),
        dialect=draw(st.sampled_from(("chat", "messages"))),
        alias=draw(st.sampled_from(("large", "small", ""))),
        outcome=draw(st.sampled_from((Outcome.ANSWERED, Outcome.FAILED, Outcome.CUT))),
        status=200,
        stream=draw(st.booleans()),
        endpoint=endpoint,
        attempts=(*(Attempt(one, "connect") for one in failed), Attempt(endpoint or "down/small", "ok")),
        served=None if usage is None else Served("m", usage=usage),
        findings=tuple(Finding(kind, f"so it says: {kind}", 0.5) for kind in found),
        first_byte_us=draw(st.none() | st.integers(1, 10_000)),
        took_us=draw(st.integers(0, 1_000_000)),
        cached=draw(st.booleans()),
        data_class=draw(st.none() | st.sampled_from(("public", "personal"))),
        tools=draw(st.none() | st.booleans()),
        cost_usd=draw(st.none() | st.sampled_from((0.25, 0.5))),
        node=draw(st.sampled_from(("node-0", "node-audit"))),
    )


def ledgers(most: int = 30) -> st.SearchStrategy[list[Exchange]]:
    return st.lists(exchanges(), max_size=most, unique_by=lambda one: one.id)


def write(state: Path, records: list[Record], segment: int = 1, node: str = "node-0") -> Path:
    path = state / "journal" / node / f"{segment:015d}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"".join(map(framed, records)))
    return path


def searched(state: Path, records: list[Exchange]) -> Search:
    write(state, [*records])
    search = Search(state)
    assert search.catch_up()
    return search


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path


def one_of(values: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(values)


QUERIES = st.builds(
    Query,
    application=one_of(("invoices", "nobody")),
    alias=one_of(("large", "")),
    endpoint=one_of(("near/large-1", NONE)),
    outcome=one_of(("answered", "failed")),
    data_class=one_of(("personal", NONE)),
    finding=one_of(("truncation", "slowness")),
    failed=one_of(("near/large-1", "down/small")),
    since_ms=st.none() | st.integers(BEGAN_MS, BEGAN_MS + 4 * HOUR_MS),
    until_ms=st.none() | st.integers(BEGAN_MS, BEGAN_MS + 4 * HOUR_MS),
)


def fits(query: Query, it: Exchange) -> bool:
    words = ((getattr(query, word), getattr(it, word)) for word in WORDS)
    return (
        all(asked in (None, NONE if said is None else said) for asked, said in words)
        and (query.finding is None or query.finding in {one.kind for one in it.findings})
        and (query.failed is None or (query.failed, "connect") in {(one.endpoint, one.outcome) for one in it.attempts})
        and (query.since_ms is None or it.at_ms >= query.since_ms)
        and (query.until_ms is None or it.at_ms < query.until_ms)
    )  # fmt: skip


def pages(search: Search, query: Query, count: int) -> Iterator[Row]:
    page = search.find(query, None, count)
    yield from page.rows
    while page.after is not None:
        page = search.find(query, page.after, count)
        assert page.rows
        yield from page.rows


@given(ledgers(), st.lists(QUERIES, min_size=1, max_size=4), st.integers(1, 7))
@settings(max_examples=30, deadline=None)
def test_a_search_finds_what_going_through_the_ledger_finds_newest_first(
    records: list[Exchange], queries: list[Query], count: int
) -> None:
    with TemporaryDirectory() as folder:
        search = searched(Path(folder), records)
        for query in queries:
            found = [row.id for row in pages(search, query, count)]
            assert found == sorted((one.id for one in records if fits(query, one)), reverse=True)
        search.close()


@given(
    ledgers(),
    st.integers(BEGAN_MS - HOUR_MS, BEGAN_MS + 4 * HOUR_MS),
    st.integers(0, 5 * HOUR_MS),
    st.sets(st.sampled_from(KIND[:-1]), max_size=3),
    st.sampled_from((None, MINUTE_MS, HOUR_MS, 2 * HOUR_MS)),
)
@settings(max_examples=30, deadline=None)
def test_sums_are_those_of_the_exchanges_of_the_period(
    records: list[Exchange], since_ms: int, length_ms: int, by: set[str], every_ms: int | None
) -> None:
    since = since_ms // MINUTE_MS * MINUTE_MS
    until = -(-(since_ms + length_ms) // MINUTE_MS) * MINUTE_MS
    expected: Counter[tuple[object, ...]] = Counter()
    tokens: Counter[tuple[object, ...]] = Counter()
    for one in records:
        if since <= one.at_ms < until:
            at = None if every_ms is None else one.at_ms // every_ms * every_ms
            key = (at, *(getattr(one, word) for word in by))
            expected[key] += 1
            if one.served is not None and one.served.usage is not None and not one.cached:
                tokens[key] += one.served.usage.input_tokens or 0
    with TemporaryDirectory() as folder:
        search = searched(Path(folder), records)
        sums = search.rollup(since_ms, since_ms + length_ms, tuple(by), every_ms)
        search.close()
    assert {(one.at_ms, *one.by): one.exchanges for one in sums} == expected
    assert {(one.at_ms, *one.by): one.input_tokens for one in sums if one.input_tokens} == +tokens


@given(ledgers())
@settings(max_examples=25, deadline=None)
def test_kinds_keep_their_minutes_and_add_up_to_everything(records: list[Exchange]) -> None:
    with TemporaryDirectory() as folder:
        search = searched(Path(folder), records)
        kinds = search.grouped(BEGAN_MS, BEGAN_MS + 5 * HOUR_MS)
        search.close()
    found = {one.sum.by: one.minutes for one in kinds}
    expected: dict[tuple[object, ...], Counter[int]] = {}
    for it in records:
        words = (*(getattr(it, word) for word in KIND[:-1]), "" if it.node == "node-0" else "own")
        expected.setdefault(words, Counter())[it.at_ms // MINUTE_MS] += 1
    assert found == expected
    assert sum(one.sum.exchanges for one in kinds) == len(records)
    timed = [it for it in records if it.outcome is Outcome.ANSWERED]
    assert sum(one.sum.timed for one in kinds) == len(timed)
    assert sum(one.sum.took_us for one in kinds) == sum(it.took_us for it in timed)
    known = [it.cost_usd for it in records if it.cost_usd is not None and not it.cached]
    assert sum(one.sum.cost_usd for one in kinds) == sum(known)


def plain(number: int, **changes: object) -> Exchange:
    at_ms = BEGAN_MS + 1_000 * number
    it = Exchange(exchange_id(at_ms, number), at_ms, "invoices", "chat", "large", Outcome.ANSWERED, 200)
    return replace(it, endpoint="near/large-1", **changes)


def test_what_is_found_often_is_not_walked_for_what_is_found_seldom(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = [plain(number, findings=(Finding("truncation", "cut", 0.5),)) for number in range(3_000)]
    seldom = replace(often[7], attempts=(Attempt("down/small", "connect"), Attempt("near/large-1", "ok")))
    search = searched(state, [*often[:7], seldom, *often[8:]])
    steps: list[int] = []

    class Counting(sqlite3.Connection):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.set_progress_handler(lambda: steps.append(1), 1_000)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Counting))
    found = search.find(Query(finding="truncation", failed="down/small"))
    search.close()

    assert [row.id for row in found.rows] == [seldom.id]
    assert len(steps) < 40  # thousands of the machine's instructions


def test_an_exchange_is_found_by_the_beginning_of_its_id(state: Path) -> None:
    records = [plain(number) for number in range(40)]
    search = searched(state, records)

    (row,) = search.named(records[7].id).rows
    assert row.at_ms == records[7].at_ms
    assert len(search.named(records[7].id[:7]).rows) == 40
    assert not search.named("e").rows


def test_a_row_says_what_the_exchange_says(state: Path) -> None:
    tried = (
        Attempt("far/large-1", "breaker_open"),
        Attempt("down/small", "status", 503),
        Attempt("near/large-1", "ok"),
    )
    it = plain(
        1,
        stream=True,
        attempts=tried,
        served=Served("m", usage=Usage(12, 3)),
        findings=(Finding("refusal", "said"), Finding("refusal", "said", endpoint="far/large-1")),
        took_us=9_000,
        first_byte_us=500,
        data_class="personal",
        cost_usd=0.125,
    )
    (row,) = searched(state, [it]).find(Query()).rows

    assert asdict(row) == {
        "id": it.id,
        "at_ms": it.at_ms,
        "application": "invoices",
        "alias": "large",
        "dialect": "chat",
        "endpoint": "near/large-1",
        "outcome": "answered",
        "data_class": "personal",
        "status": 200,
        "code": None,
        "stream": True,
        "attempts": 2,
        "took_us": 9_000,
        "first_byte_us": 500,
        "cost_usd": 0.125,
        "input_tokens": 12,
        "output_tokens": 3,
        "findings": ("refusal",),
    }


def told_later(it: Exchange) -> Event:
    about = {
        "exchange": it.id,
        "endpoint": "near/large-1",
        "kind": "deflection",
        "evidence": "unlike its peers",
    }
    return Event(f"e{it.at_ms:011x}{1:016x}", it.at_ms + MINUTE_MS, "finding", {**about, "strength": 0.75})


def test_a_finding_that_came_later_is_found_with_its_exchange_whichever_is_read_first(state: Path) -> None:
    early, late = plain(1), plain(2)
    write(state, [early], segment=1)  # the newest segment is read first
    write(state, [told_later(early), late, told_later(late)], segment=2)
    search = Search(state)
    search.catch_up()

    found = search.find(Query(finding="deflection", application="invoices")).rows
    assert [(row.id, row.findings) for row in found] == [
        (late.id, ("deflection",)),
        (early.id, ("deflection",)),
    ]
    mark = search.latest(FINDING, 5)[0]
    assert (mark.name, mark.other, mark.strength, mark.evidence) == (
        "deflection",
        "near/large-1",
        0.75,
        "unlike its peers",
    )
    assert search.marked(FINDING, BEGAN_MS, BEGAN_MS + HOUR_MS) == [("deflection", "near/large-1", 2)]


def test_who_failed_is_counted_by_fault(state: Path) -> None:
    tried = (
        Attempt("down/small", "connect"),
        Attempt("down/small", "connect"),
        Attempt("far/large-1", "cooling"),
    )
    search = searched(state, [plain(number, attempts=tried) for number in range(3)])

    assert search.marked(FAILED, BEGAN_MS, BEGAN_MS + HOUR_MS) == [("down/small", "connect", 3)]
    assert not search.marked(FAILED, BEGAN_MS + HOUR_MS, BEGAN_MS + 2 * HOUR_MS)
    assert search.choices("failed") == ["down/small"]
    assert search.choices("endpoint") == ["near/large-1"]


def test_what_a_drill_made_fail_is_no_fault_of_the_endpoint(state: Path) -> None:
    tried = (Attempt("down/small", "connect", detail=f"{INJECTED} d1"), Attempt("down/small", "reset"))
    search = searched(state, [plain(1, attempts=tried, drill="d1")])

    found = search.marked(FAILED, BEGAN_MS, BEGAN_MS + HOUR_MS)
    assert sorted(found) == [("down/small", ON_PURPOSE, 1), ("down/small", "reset", 1)]


def test_what_is_written_twice_or_damaged_counts_as_it_should(state: Path) -> None:
    """A journal that was deleted under its writer is written anew, with what it held."""
    records = [plain(number, findings=(Finding("refusal", "said"),)) for number in range(5)]
    path = write(state, [*records[:3]], segment=1)
    path.write_bytes(path.read_bytes().replace(b"invoices", b"invoicez", 1))
    search = Search(state)
    search.catch_up()
    write(state, [*records[1:], records[4]], segment=2)
    search.catch_up()

    assert [row.id for row in search.find(Query()).rows] == [one.id for one in reversed(records[1:])]
    (total,) = search.rollup(BEGAN_MS, BEGAN_MS + HOUR_MS)
    assert total.exchanges == 4
    assert search.marked(FINDING, BEGAN_MS, BEGAN_MS + HOUR_MS) == [("refusal", "near/large-1", 4)]


def test_it_grows_with_the_ledger_and_says_how_far_it_is(state: Path) -> None:
    write(state, [plain(number) for number in range(10)])
    search = Search(state)
    assert (search.progress, search.find(Query()).rows, search.rollup(0, BEGAN_MS)) == (0, (), [])
    search.catch_up()
    assert search.progress == 1
    path = write(state, [plain(10)])
    assert 0.8 < search.progress < 1
    with path.open("ab") as file:
        file.write(framed(plain(11))[:-20])  # its writer is not done yet
    search.catch_up()
    assert search.find(Query(), None, 1).rows[0].id == plain(10).id
    with path.open("ab") as file:
        file.write(framed(plain(11))[-20:])
    search.catch_up()
    assert search.find(Query(), None, 1).rows[0].id == plain(11).id
    assert search.progress == 1


def test_the_place_of_a_record_is_where_its_line_begins(state: Path) -> None:
    records = [plain(number, findings=(Finding("refusal", "é" * number),)) for number in range(20)]
    write(state, [*records[:7]], segment=1)
    write(state, [*records[7:]], segment=2, node="node-1")
    search = Search(state)
    search.catch_up()

    for number, it in enumerate(records):
        place = search.place(it.id)
        assert place is not None
        line = line_at(*place, it.id)
        assert line == locate(state, it.id)
        assert line is not None and line.number == (number if number < 7 else number - 7)
    assert search.place("x0") is None
    assert place is not None
    segment, offset = place
    assert line_at(segment, offset + 1, records[-1].id) is None
    assert line_at(segment, offset, records[0].id) is None
    assert line_at(segment, 1 << 30, records[-1].id) is None
    assert line_at(segment.with_name("gone.jsonl"), offset, records[-1].id) is None


def test_one_process_writes_and_every_one_reads(state: Path) -> None:
    first = searched(state, [plain(1)])
    second = Search(state)
    assert not second.catch_up()
    assert second.find(Query()).rows == first.find(Query()).rows
    first.close()
    assert second.catch_up()


DIES = """
import os, signal, sys
from itertools import count
from pathlib import Path
from freehold.ledger.proving import line_at, locate
from freehold.ledger.search import Search

asked, last = count(1), int(sys.argv[2])

def stopped():
    if next(asked) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

Search(Path(sys.argv[1])).catch_up(stopped)
"""


def test_a_process_that_is_killed_while_it_catches_up_leaves_an_index_to_go_on_with(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked whether it should stop inside of each transaction and between them, and is killed there."""
    records = [plain(number, findings=(Finding("refusal", "said"),)) for number in range(6_000)]
    for segment in range(3):
        write(state, [*records[segment * 2_000 : (segment + 1) * 2_000]], segment=segment + 1)
    for last in (2, 3, 5):
        died = subprocess.run([sys.executable, "-c", DIES, str(state), str(last)], check=False, timeout=60)
        assert died.returncode == -signal.SIGKILL
    before = Search(state).progress
    assert 0 < before < 1
    search = Search(state)
    search.catch_up()

    assert search.progress == 1
    (total,) = search.rollup(BEGAN_MS, BEGAN_MS + 2 * HOUR_MS)
    assert total.exchanges == 6_000
    assert search.marked(FINDING, BEGAN_MS, BEGAN_MS + 2 * HOUR_MS) == [("refusal", "near/large-1", 6_000)]
    with sqlite3.connect(state / FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def overwritten(state: Path) -> None:
    file = state / FILE
    file.write_bytes(file.read_bytes()[:4096] + os.urandom(file.stat().st_size - 4096))


def of_another_version(state: Path) -> None:
    with sqlite3.connect(state / FILE) as connection:
        connection.execute("PRAGMA user_version = 99")


def behind_a_restored_journal(state: Path) -> None:
    (path,) = (state / "journal" / "node-0").iterdir()
    path.write_bytes(b"".join(map(framed, [plain(7), plain(8)])))


def removed(state: Path) -> None:
    for file in state.glob("search.sqlite*"):
        file.unlink()


@pytest.mark.parametrize("befalls", [overwritten, of_another_version, behind_a_restored_journal, removed])
def test_an_index_that_is_no_good_is_built_again(state: Path, befalls: Callable[[Path], None]) -> None:
    searched(state, [plain(number) for number in range(300)]).close()
    befalls(state)
    search = Search(state)
    search.catch_up()

    left = 2 if befalls is behind_a_restored_journal else 300
    assert sum(1 for _ in pages(search, Query(), 50)) == left
    assert search.progress == 1


def test_damage_that_is_met_while_it_is_in_use_is_told_and_mended(state: Path) -> None:
    search = searched(state, [plain(number) for number in range(300)])
    search.close()  # so that nothing is held back beside the file
    search.catch_up()
    overwritten(state)

    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        Search(state).find(Query())
    with pytest.raises(LedgerUnavailable):
        search.find(Query())
    search.catch_up()
    assert len(search.find(Query()).rows) == 50


def test_what_keeps_it_from_filling_is_told_and_tried_again(state: Path) -> None:
    write(state, [plain(1)])
    (state / FILE).mkdir()
    search, stop, mended, told = Search(state), threading.Event(), threading.Event(), list[Exception]()

    def mend(error: Exception) -> None:
        told.append(error)
        (state / FILE).rmdir()
        mended.set()

    filling = threading.Thread(target=search.keep_up, args=(stop, mend))
    filling.start()
    assert mended.wait(30)
    end = time.monotonic() + 30
    while not search.find(Query()).rows:
        assert time.monotonic() < end
    stop.set()
    filling.join()
    assert len(told) == 1
    assert Search(state).catch_up()  # the lock is free again


def test_nothing_is_added_up_by_a_word_that_is_not_kept(state: Path) -> None:
    with pytest.raises(ValueError, match="nothing is added up by key"):
        searched(state, []).rollup(0, 1, ("key",))
