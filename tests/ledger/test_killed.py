"""A process that is killed at any point of the way of a record loses nothing that it acknowledged."""

import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryFile

import pytest

import freehold.ledger
from freehold.config.environment import FAULT_VARIABLE, fault_point
from freehold.ledger import Ledger, query
from freehold.ledger.bodies import opened
from freehold.ledger.faultpoints import POINTS
from freehold.ledger.recovery import recover
from freehold.ledger.segment import journals, records_after, segments
from freehold.ledger.verify import logs, verify
from tests.ledger.ledger_samples import SETTINGS, ids_in_database
from tests.warm import Warm

RECORDS = "400"  # far more than it takes to pass each point a few times
DURABLE = "durable "


def killed_at(state: Path, point: str, mode: str) -> tuple[list[str], int]:
    """What a process acknowledged before it died at a point, line by line, and how it ended."""
    with pytest.MonkeyPatch.context() as patch, TemporaryFile("w+") as errors:
        patch.setenv(FAULT_VARIABLE, point)
        died = Warm("tests.ledger.dying", str(state), mode, RECORDS, stderr=errors)
        told = died.communicate()
        errors.seek(0)
        assert "Traceback" not in (said := errors.read()), said
    return told[: told.rfind("\n") + 1].splitlines(), died.wait()


@pytest.mark.parametrize(("passage", "mode"), [(1, "strict"), (3, "journal")])
@pytest.mark.parametrize("point", POINTS)
def test_what_was_acknowledged_is_found_and_nothing_twice(
    tmp_path: Path, point: str, passage: int, mode: str
) -> None:
    told, code = killed_at(tmp_path, f"{point}:{passage}", mode)
    assert code == -9, f"{point} was never reached: let tests/ledger/dying.py do what passes it"
    acknowledged = {line.removeprefix(DURABLE) for line in told}

    recover(tmp_path)

    rows = ids_in_database(tmp_path)
    assert len(rows) == len(set(rows))
    assert acknowledged <= set(rows)
    written = Counter(
        row.id
        for journal in journals(tmp_path)
        for path in segments(journal)
        for row, _, _ in records_after(path, 0)
        if not row.kind
    )
    assert set(written) == set(rows)
    assert set(written.values()) <= {1}
    recorded = query.tail(tmp_path, 1_000)
    assert {one.id for one in recorded} == set(rows)
    for one in recorded:
        assert [body.data for body in opened(tmp_path, one)] == [one.id.encode()]
    next_start = Ledger.open(tmp_path, "node-0", SETTINGS)
    next_start.close()
    assert next_start.log_trouble == ""
    assert [verify(log, processes=1).problems for log in logs(tmp_path)] == [[]]


def test_every_point_that_the_code_passes_is_listed_and_the_other_way_round() -> None:
    files = Path(freehold.ledger.__file__).parent.glob("*.py")
    passed = [point for file in files for point in re.findall(r'\breached\("([^"]+)"\)', file.read_text())]

    assert sorted(passed) == sorted(POINTS)


def test_a_point_is_named_by_the_environment_with_its_passage() -> None:
    assert fault_point({}) is None
    assert fault_point({FAULT_VARIABLE: "journal.synced"}) == ("journal.synced", 1)
    assert fault_point({FAULT_VARIABLE: "journal.synced:3"}) == ("journal.synced", 3)
