"""Traffic is read whole, once, and without what no application asked for."""

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from freehold.config import schema
from freehold.drills.traffic import COPIES, LEFT_OUT, Traffic, grouped, read_traffic
from freehold.ledger.journal import Journal
from freehold.ledger.ledger import Ledger, event
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import PEERS_ASKED, Attempt, Event, Exchange, Outcome, Plain, Served, Usage
from tests.ledger.ledger_samples import fill

AT_MS = 1_790_000_000_000
EVER = (0, AT_MS * 2)
PLAIN = Exchange(
    "",
    AT_MS,
    "app",
    "chat",
    "fast",
    Outcome.ANSWERED,
    200,
    endpoint="a/1",
    attempts=(Attempt("z/9", "connect"), Attempt("a/1", "ok", 200)),
    served=Served("1", usage=Usage(100, 10)),
    first_byte_us=1_000,
    took_us=5_000,
    node="node-0",
    data_class="internal",
    cost_usd=0.5,
)


def exchange(number: int, **other: object) -> Exchange:
    at_ms = AT_MS + number * 1_000
    return replace(PLAIN, **{"id": f"x{at_ms:011x}{number:016x}", "at_ms": at_ms, **other})


def ledger(state: Path, *records: Exchange | Event, node: str = "node-0") -> None:
    """Written and closed: all of it is in the database."""
    fill(
        Ledger.open(state, node, schema.Ledger(tree=False)),
        *(replace(record, node=node) for record in records),
    )


def sums(found: Traffic) -> tuple[int, int, int, float]:
    groups = list(found.groups.values())
    tokens = sum(group.input_tokens + group.output_tokens for group in groups)
    return found.exchanges, sum(one.counted for one in groups), tokens, sum(one.cost_usd for one in groups)


def test_alike_is_added_up_and_different_is_kept_apart(tmp_path: Path) -> None:
    others = [exchange(61, alias="large"), exchange(62, endpoint=None, outcome=Outcome.FAILED, served=None)]
    ledger(tmp_path, *map(exchange, range(60)), *others)

    found = read_traffic(tmp_path, *EVER)

    assert Counter((kind.alias, kind.endpoint, kind.outcome) for kind in found.groups) == {
        ("fast", "a/1", "answered"): 1,
        ("large", "a/1", "answered"): 1,
        ("fast", None, "failed"): 1,
    }
    assert sums(found)[:3] == (62, 61, 61 * 110)
    first = next(iter(found.groups))
    assert sum(found.minutes[first].values()) == 60
    assert len(found.minutes[first]) == 2


def test_an_answer_whose_length_nobody_counted_has_no_count(tmp_path: Path) -> None:
    served = Served("1", usage=Usage(100, None))
    ledger(
        tmp_path, exchange(0), exchange(1, served=served), exchange(2, served=served, dialect="embeddings")
    )

    assert sums(read_traffic(tmp_path, *EVER))[1:3] == (2, 110 + 100)


def test_what_only_a_journal_holds_yet_is_read_as_well(tmp_path: Path) -> None:
    ledger(tmp_path, *map(exchange, range(5)))
    journal = Journal.open(tmp_path / "journal", "node-1", schema.Ledger())
    for number in range(5, 9):
        journal.append(exchange(number, node="node-1"))

    assert read_traffic(tmp_path, *EVER).exchanges == 9
    journal.close()


def test_a_period_ends_before_its_end(tmp_path: Path) -> None:
    ledger(tmp_path, *map(exchange, range(10)))

    assert read_traffic(tmp_path, AT_MS + 2_000, AT_MS + 5_000).exchanges == 3


def test_what_no_application_asked_for_is_left_out_and_counted(tmp_path: Path) -> None:
    copy = exchange(4)
    about: dict[str, Plain] = {"exchange": exchange(0).id, "peers": ("b/2",), "exchanges": (copy.id,)}
    ledger(
        tmp_path,
        exchange(0),
        exchange(1, drill="d1"),
        exchange(2, outcome=Outcome.REJECTED, code="unknown_model", endpoint=None),
        exchange(3, outcome=Outcome.REJECTED, code="no_eligible_endpoint", endpoint=None),
        copy,
        event(PEERS_ASKED, about),
    )
    ledger(tmp_path, exchange(5), node="node-audit")

    found = read_traffic(tmp_path, *EVER)

    assert found.exchanges == 2
    assert found.left_out == dict.fromkeys((*LEFT_OUT.values(), COPIES), 1)


def test_a_record_of_a_shape_to_come_is_an_error_and_not_passed_over() -> None:
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        grouped([b'{"id":"x","at_ms":"soon"}'], *EVER)


def test_what_is_worked_out_from_it_is_worked_out_once() -> None:
    found = Traffic(0, 1, {}, {})

    assert found.kept(_worked_out) is found.kept(_worked_out)


def _worked_out(found: Traffic) -> list[Traffic]:
    return [found]
