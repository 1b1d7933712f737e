"""A log follows its journal, whatever process stops where, and never signs over what was signed."""

import shutil
import stat
from collections.abc import Callable
from hmac import digest
from pathlib import Path
from zlib import crc32

import pytest
from msgspec.structs import replace as replaced

from freehold.config import schema
from freehold.ledger import Ledger, growth, log_keys
from freehold.ledger.checkpoint import Checkpoint, opened
from freehold.ledger.durable import replace
from freehold.ledger.journal import Journal
from freehold.ledger.leaves import (
    DAMAGED,
    RECORD,
    Salts,
    commitment,
    content_of,
    entry_of,
    leaf_of,
    salts_of,
    seed_file,
)
from freehold.ledger.log import Log
from freehold.ledger.notes import verifier
from freehold.ledger.tiles import TiledTree, Tiles
from freehold.ledger.verify import verify
from freehold.vocabulary.errors import Unverified
from tests.ledger.ledger_samples import SETTINGS, SMALL_SEGMENTS, exchange, fill, lines
from tests.ledger.logs import NODE, folder, journal, lines_of, rewritten, signed, vkey


def reached(state: Path) -> tuple[Path, int]:
    last = sorted((state / "journal" / NODE).glob("*.jsonl"))[-1]
    return last, last.stat().st_size


def test_each_leaf_commits_to_its_line(tmp_path: Path) -> None:
    (path,) = journal(tmp_path, 3)
    with path.open("ab") as file:
        file.write(b"00000000 {}\nnothing\n\n")
    assert signed(tmp_path).size == 6
    leaves = [leaf_of(Tiles(folder(tmp_path), 6).entry(index)) for index in range(6)]
    salts = salts_of(path)

    assert [leaf.kind for leaf in leaves] == [RECORD] * 3 + [DAMAGED] * 3
    assert [leaf.at_ms for leaf in leaves[:4]] == [*(exchange(number).at_ms for number in range(3)), 0]
    for number, line in enumerate(lines_of(path)):
        assert leaves[number].commitment == commitment(salts(number), content_of(line)[1])


def test_salts_are_those_of_the_description() -> None:
    seed = bytes(range(32))
    assert [Salts(seed)(number) for number in (0, 1, 70_000)] == [
        digest(seed, number.to_bytes(8, "big"), "sha256")[:16] for number in (0, 1, 70_000)
    ]


@pytest.mark.parametrize("body", [b'{"id":"x"}', b'{"\xff":1}', b'{"at_ms":-1}', b"[]", b""])
def test_a_line_with_a_checksum_and_without_a_time_is_damaged(body: bytes) -> None:
    assert leaf_of(entry_of(b"%08x %b" % (crc32(body), body), bytes(16))).kind == DAMAGED


def test_journals_from_before_there_was_a_log_are_taken_in_from_their_beginning(tmp_path: Path) -> None:
    journal(tmp_path, 2, 300, 1)

    assert signed(tmp_path).size == 303
    assert not verify(folder(tmp_path)).problems


def test_a_running_ledger_signs_what_it_records(tmp_path: Path) -> None:
    for count in (5, 700, 0, 1):
        ledger = Ledger.open(tmp_path, NODE, SMALL_SEGMENTS)
        for number in range(count):
            ledger.append(exchange(number))
        ledger.close()
        assert ledger.log_trouble == ""

    told = verify(folder(tmp_path), [verifier(vkey(tmp_path))])
    assert (told.size, told.records, told.beyond, told.problems) == (706, 706, 0, [])


@pytest.mark.parametrize("parts", [(1, 255, 1, 256, 3), (300, 300), (256, 256), (40,) * 12])
def test_however_often_it_is_opened_anew_the_tree_is_the_same(tmp_path: Path, parts: tuple[int, ...]) -> None:
    for part in parts:
        journal(tmp_path, part)
        found = signed(tmp_path)
    leaves = Tiles(folder(tmp_path), found.size)
    at_once = TiledTree(tmp_path / "other", 0)
    at_once.extend([leaves.entry(index) for index in range(found.size)])

    assert (found.size, found.root) == (sum(parts), at_once.root())
    assert verify(folder(tmp_path)).records == sum(parts)


STEPS = ("store", "segments", "checkpoint")


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_stops_at_any_step_is_gone_on_from(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(tmp_path, 200)
    before = signed(tmp_path)
    journal(tmp_path, 200, 200)

    class Stopped(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patched, pytest.raises(Stopped):
        if step == "store":
            patched.setattr(TiledTree, "store", stop)
        else:
            patched.setattr(
                growth, "replace", lambda path, data: stop() if path.name == step else replace(path, data)
            )
        signed(tmp_path)
    assert opened((folder(tmp_path) / "checkpoint").read_bytes(), [verifier(vkey(tmp_path))]) == before

    assert signed(tmp_path).size == 600
    told = verify(folder(tmp_path))
    assert (told.records, told.problems) == (600, [])


def test_keys_and_seeds_are_for_nobody_else(tmp_path: Path) -> None:
    (path,) = journal(tmp_path, 1)
    signed(tmp_path)

    for secret in (seed_file(path), tmp_path / "log/keys/node-0.key"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "log/keys").stat().st_mode) == 0o700


def test_seeds_differ_from_segment_to_segment(tmp_path: Path) -> None:
    paths = journal(tmp_path, 1, 1)
    signed(tmp_path)

    assert len({seed_file(path).read_bytes() for path in paths}) == 2


def _edit_tile(state: Path) -> None:
    tile = folder(state) / "tile/0/000.p/50"
    tile.write_bytes(b"\0" + tile.read_bytes()[1:])


def _edit_last_record(state: Path) -> None:
    path = reached(state)[0]
    rewritten(path, [*lines_of(path)[:-1], lines(7)[:-1]])


def _cut_journal(state: Path) -> None:
    path = reached(state)[0]
    rewritten(path, lines_of(path)[:-1])


def _remove_tiles(state: Path) -> None:
    shutil.rmtree(folder(state) / "tile/0")


def _spoil(path: Path) -> None:
    path.write_bytes(b"\xff" + path.read_bytes())


TAMPERING: dict[str, Callable[[Path], None]] = {
    "do not lead to the root": _edit_tile,
    "is not the record that was signed": _edit_last_record,
    "has 19 of the 20 records": _cut_journal,
    "is gone, and the log has records of it": lambda state: reached(state)[0].unlink(),
    "seed is missing": lambda state: seed_file(reached(state)[0]).unlink(),
    "segments is missing": lambda state: (folder(state) / "segments").unlink(),
    "checkpoint is gone": lambda state: (folder(state) / "checkpoint").unlink(),
    "node-0.key is gone": lambda state: (state / "log/keys/node-0.key").unlink(),
    "000.p/50 is missing": _remove_tiles,
    "the note is not UTF-8": lambda state: _spoil(folder(state) / "checkpoint"),
    "segments is not what was written": lambda state: _spoil(folder(state) / "segments"),
    "log cannot be read: UnicodeDecodeError": lambda state: _spoil(folder(state) / "vkey"),
    "holds no private key": lambda state: _spoil(state / "log/keys/node-0.key"),
}


@pytest.mark.parametrize("says", TAMPERING)
def test_what_was_tampered_with_is_reported_at_start_and_not_signed_over(tmp_path: Path, says: str) -> None:
    journal(tmp_path, 30, 20)
    signed(tmp_path)
    TAMPERING[says](tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file()}

    ledger = Ledger.open(tmp_path, NODE, SETTINGS)
    ledger.append(exchange(99))
    ledger.close()

    assert says in ledger.log_trouble
    assert lines_of(reached(tmp_path)[0]) == [lines(99)[:-1]], "the journal goes on"
    assert {path: path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file()} == before


def test_a_disk_that_fails_for_a_while_leaves_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal(tmp_path, 400)
    log = Log(tmp_path, NODE, SETTINGS)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(TiledTree, "_fill", full)
        log.keep_up(*reached(tmp_path))
    assert "No space left" in log.trouble

    log.keep_up(*reached(tmp_path), last=True)
    assert log.trouble == ""
    told = verify(folder(tmp_path))
    assert (told.records, told.problems) == (400, [])


def test_what_is_not_durable_yet_is_no_leaf_yet(tmp_path: Path) -> None:
    (path,) = journal(tmp_path, 10)
    log = Log(tmp_path, NODE, schema.Ledger(checkpoint_s=0.001))
    half = len(lines(*range(6)))

    log.keep_up(path, half + 3, last=True)
    assert log_keys.last_checkpoint(folder(tmp_path)).size == 6
    log.keep_up(*reached(tmp_path), last=True)
    assert verify(folder(tmp_path)).records == 10


def test_without_a_tree_records_are_kept_and_cannot_be_proved_until_it_is_switched_on(tmp_path: Path) -> None:
    for number, tree in enumerate((False, True)):
        ledger = Ledger.open(tmp_path, NODE, replaced(SETTINGS, tree=tree))
        ledger.append(exchange(number))
        ledger.close()
        assert ledger.log_trouble == ""
        assert folder(tmp_path).exists() is tree

    assert verify(folder(tmp_path)).records == 2


def test_a_rotation_is_signed_by_both_keys_and_then_by_the_new_one(tmp_path: Path) -> None:
    journal(tmp_path, 300)
    signed(tmp_path)
    old = verifier(vkey(tmp_path))
    new = log_keys.prepare_rotation(tmp_path, NODE).next
    assert new is not None

    Ledger.open(tmp_path, NODE, SETTINGS).close()
    note = (folder(tmp_path) / "checkpoint").read_bytes()
    assert opened(note, [old]) == opened(note, [new.verifier])

    fill(Ledger.open(tmp_path, NODE, SETTINGS), exchange(1_000))
    note = (folder(tmp_path) / "checkpoint").read_bytes()
    assert opened(note, [new.verifier]).size == 302
    with pytest.raises(Unverified):
        opened(note, [old])
    for key in (old, new.verifier):
        told = verify(folder(tmp_path), [key])
        assert (told.signers, told.problems) == ((new.verifier,), [])


def test_keys_rotate_again_and_again_and_the_first_one_still_leads_to_the_last(tmp_path: Path) -> None:
    journal(tmp_path, 3)
    signed(tmp_path)
    first = verifier(vkey(tmp_path))
    for _ in range(3):
        log_keys.prepare_rotation(tmp_path, NODE)
        Ledger.open(tmp_path, NODE, SETTINGS).close()

    told = verify(folder(tmp_path), [first])
    assert told.problems == []
    assert verifier(vkey(tmp_path)) in told.signers


@pytest.mark.parametrize("step", ["checkpoint", "vkey"])
def test_a_rotation_that_was_cut_short_is_finished(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(tmp_path, 3)
    signed(tmp_path)
    old = verifier(vkey(tmp_path))
    log_keys.prepare_rotation(tmp_path, NODE)

    def stop(path: Path, data: bytes) -> None:
        if path.name == step:
            raise OSError(5, "stopped here")
        replace(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(growth, "replace", stop)
        ledger = Ledger.open(tmp_path, NODE, SETTINGS)
        ledger.close()
        assert "stopped here" in ledger.log_trouble
    Ledger.open(tmp_path, NODE, SETTINGS).close()

    assert not (tmp_path / "log/keys/node-0.next").exists()
    told = verify(folder(tmp_path), [old])
    assert (told.problems, told.signers[-1]) == ([], verifier(vkey(tmp_path)))


def test_only_a_rotation_that_was_asked_for_changes_the_key(tmp_path: Path) -> None:
    journal(tmp_path, 1)
    signed(tmp_path)
    before = vkey(tmp_path)
    fill(Journal.open(tmp_path / "journal", NODE, SETTINGS), exchange(5, prefix="log-key-rotated"))
    signed(tmp_path)

    assert vkey(tmp_path) == before
    assert isinstance(log_keys.last_checkpoint(folder(tmp_path)), Checkpoint)
