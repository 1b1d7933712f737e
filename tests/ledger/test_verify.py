"""Whatever is changed in a log or its journal is found, and named."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.ledger import Ledger
from freehold.ledger.checkpoint import Checkpoint
from freehold.ledger.leaves import SALT_BYTES, seed_file
from freehold.ledger.matching import Problem
from freehold.ledger.merkle import EMPTY_ROOT, leaf_hash
from freehold.ledger.notes import Signer, signer, verifier
from freehold.ledger.proofs import parse_proof
from freehold.ledger.proving import catch_up, locate, prove
from freehold.ledger.segment import body_of, framed
from freehold.ledger.tiles import Tiles
from freehold.ledger.verify import Verified, logs, traces, verify, verify_all
from freehold.vocabulary.errors import NotFound, Unverified
from tests.ledger.ledger_samples import SETTINGS, exchange, fill, lines
from tests.ledger.logs import NODE, folder, journal, lines_of, rewritten, signed, vkey

COUNTS = (300, 20, 7)
ALL = sum(COUNTS)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("original")
    journal(state, *COUNTS)
    signed(state)
    return state


@pytest.fixture
def state(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "state"))


def segment(state: Path, number: int) -> Path:
    return sorted((state / "journal" / NODE).glob("*.jsonl"))[number]


def change(path: Path, at: int, data: bytes) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:at] + data + content[at + len(data) :])


def told(state: Path, *vkeys: str, saved: Sequence[bytes] = ()) -> Verified:
    return verify(folder(state), [verifier(key) for key in vkeys or (vkey(state),)], saved)


def whats(found: Verified) -> list[str]:
    return [problem.what for problem in found.problems]


def test_a_log_as_it_was_signed_has_no_problems(state: Path) -> None:
    found = told(state)

    assert (found.size, found.records, found.beyond, found.problems) == (ALL, ALL, 0, [])
    assert found.signers == (verifier(vkey(state)),)
    assert not found.assumed
    assert verify(folder(state)).assumed
    assert logs(state) == [folder(state)]


def test_nothing_private_is_needed(state: Path) -> None:
    shutil.rmtree(state / "log/keys")
    shutil.rmtree(state / "journal")

    found = told(state)
    assert (found.problems, found.journal) == ([], False)


def test_processes_share_the_work_and_come_to_the_same(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freehold.ledger.verify.ONE_PROCESS_BELOW", 0)
    rewritten(segment(state, 1), lines_of(segment(state, 1))[1:])

    assert verify(folder(state), processes=2) == verify(folder(state), processes=1)


def test_an_edited_leaf_is_found(state: Path) -> None:
    bundle = folder(state) / "tile/entries/000"
    change(bundle, 44 * 17 + 20, b"\xff\xff")

    (first, *_) = told(state).problems
    assert (first.what, first.place, first.leaf) == ("edited", str(bundle), 17)


def test_an_edited_leaf_is_found_even_if_its_hash_was_edited_too(state: Path) -> None:
    bundle, tile = folder(state) / "tile/entries/000", folder(state) / "tile/0/000"
    change(bundle, 44 * 17 + 20, b"\xff\xff")
    change(tile, 32 * 17, leaf_hash(bundle.read_bytes()[44 * 17 + 2 : 44 * 18]))

    found = told(state)
    assert "forged" in whats(found)
    name, place = exchange(17).id, f"{segment(state, 0)}:18"
    assert (
        Problem("edited", place, f"record {name} is not what leaf 17 commits to", 17, name) in found.problems
    )


def test_a_removed_leaf_is_found(state: Path) -> None:
    bundle = folder(state) / "tile/entries/000"
    content = bundle.read_bytes()
    bundle.write_bytes(content[: 44 * 5] + content[44 * 6 :])

    (problem, *_) = told(state).problems
    assert problem.what == "missing"
    assert f"{bundle} is shorter than the tree" in problem.says


def test_reordered_leaves_are_found(state: Path) -> None:
    bundle = folder(state) / "tile/entries/000"
    content = bundle.read_bytes()
    change(bundle, 44 * 5, content[44 * 6 : 44 * 7] + content[44 * 5 : 44 * 6])

    assert [problem.leaf for problem in told(state).problems[:2]] == [5, 6]


def test_an_edited_tile_is_told_from_an_edited_entry(state: Path) -> None:
    tile = folder(state) / "tile/0/000"
    change(tile, 32 * 9, b"\0\0")

    (problem,) = told(state).problems
    assert (problem.what, problem.place, problem.leaf) == ("edited", str(tile), 9)


def test_swapped_tiles_are_found(state: Path) -> None:
    journal(state, 300)
    signed(state)
    one, other = folder(state) / "tile/0/000", folder(state) / "tile/0/001"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)

    assert {problem.place for problem in told(state).problems} == {str(one), str(other)}


@pytest.mark.parametrize("level", ["1/000.p/1"])
def test_an_edited_tile_above_is_found(state: Path, level: str) -> None:
    change(folder(state) / "tile" / level, 3, b"\0\0")

    (problem,) = told(state).problems
    assert (problem.what, problem.place) == ("edited", str(folder(state) / "tile" / level))


def test_a_truncated_log_is_found_by_a_saved_checkpoint(state: Path, tmp_path: Path) -> None:
    saved = (folder(state) / "checkpoint").read_bytes()
    early = tmp_path / "early"
    journal(early, 100)
    (early / "log").mkdir()
    shutil.copytree(state / "log/keys", early / "log/keys")
    key = signer(early / "log/keys" / f"{NODE}.key")
    (early / "log" / NODE).mkdir()
    empty = Checkpoint(key.verifier.name, 0, EMPTY_ROOT).signed([key])
    (early / "log" / NODE / "checkpoint").write_bytes(empty)
    (early / "log" / NODE / "vkey").write_text(f"{key.verifier}\n")
    signed(early)

    assert whats(told(early)) == []
    (problem,) = told(early, saved=[saved]).problems
    assert problem.what == "truncated"
    assert f"the log had {ALL} leaves, and now has 100" in problem.says


def test_a_rewritten_log_is_found_by_a_saved_checkpoint(state: Path) -> None:
    key = signer(state / "log/keys" / f"{NODE}.key")
    saved = Checkpoint(key.verifier.name, 100, bytes(32)).signed([key])

    assert whats(told(state, saved=[saved])) == ["rewritten"]


def test_a_saved_checkpoint_that_fits_is_no_problem_and_a_strangers_is_one(state: Path) -> None:
    saved = (folder(state) / "checkpoint").read_bytes()
    journal(state, 10)
    signed(state)

    assert whats(told(state, saved=[saved])) == []
    stranger = Signer("elsewhere.example/log", bytes(32))
    strange = Checkpoint("elsewhere.example/log", 1, bytes(32)).signed([stranger])
    assert whats(told(state, saved=[strange])) == ["rewritten"]


def test_a_forged_checkpoint_is_found(state: Path) -> None:
    checkpoint = folder(state) / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(str(ALL).encode(), str(ALL - 1).encode(), 1))

    assert "forged" in whats(told(state))
    (forged, *_) = [problem for problem in told(state).problems if problem.place == str(checkpoint)]
    assert forged.what == "forged"


def test_a_checkpoint_of_another_key_under_the_same_name_is_found(state: Path) -> None:
    known = vkey(state)
    checkpoint = folder(state) / "checkpoint"
    impostor = Signer(verifier(known).name, bytes(32))
    text = checkpoint.read_bytes().split(b"\n\n")[0] + b"\n"
    checkpoint.write_bytes(text + b"\n" + impostor.signature_line(text).encode())

    (problem,) = told(state, known).problems
    assert "none of the keys that are trusted" in problem.says


def test_a_wrong_key_verifies_nothing(state: Path) -> None:
    other = Signer(verifier(vkey(state)).name, bytes(32)).verifier

    assert whats(told(state, str(other))) == ["forged"]
    assert whats(told(state, str(Signer("other.example/log", bytes(32)).verifier))) == ["forged"]


def edited(line: bytes) -> bytes:
    body = line[9:].replace(b'"alias":"large"', b'"alias":"small"')
    return framed_body(body)


def framed_body(body: bytes) -> bytes:
    return b"%08x %b" % (crc32(body), body)


Change = Callable[[list[bytes]], list[bytes]]
CHANGES: dict[str, tuple[Change, list[tuple[str, int, int | None]]]] = {
    "one edited": (lambda it: [*it[:4], edited(it[4]), *it[5:]], [("edited", 5, 304)]),
    "the first edited": (lambda it: [edited(it[0]), *it[1:]], [("edited", 1, 300)]),
    "the last edited": (lambda it: [*it[:-1], edited(it[-1])], [("edited", 20, 319)]),
    "only its checksum edited": (lambda it: [*it[:4], b"0" * 8 + it[4][8:], *it[5:]], [("edited", 5, 304)]),
    "two neighbours edited": (
        lambda it: [*it[:4], edited(it[4]), edited(it[5]), *it[6:]],
        [("edited", 5, 304), ("edited", 6, 305)],
    ),
    "one removed": (lambda it: [*it[:4], *it[5:]], [("removed", 5, 304)]),
    "the first removed": (lambda it: it[1:], [("removed", 1, 300)]),
    "the last removed": (lambda it: it[:-1], [("removed", 20, 319)]),
    "three removed": (lambda it: [*it[:4], *it[7:]], [("removed", at + 1, 300 + at) for at in (4, 5, 6)]),
    "one added": (lambda it: [*it[:4], lines(900)[:-1], *it[4:]], [("added", 5, None)]),
    "one added at the end": (lambda it: [*it, lines(900)[:-1]], [("added", 21, None)]),
    "one written twice": (lambda it: [*it[:4], it[3], *it[4:]], [("added", 5, None)]),
    "two swapped": (lambda it: [*it[:4], it[9], *it[5:9], it[4], *it[10:]], [("moved", 5, 309), ("moved", 10, 304)]),
    "one removed and a later one edited": (
        lambda it: [*it[:4], *it[5:9], edited(it[9]), *it[10:]],
        [("edited", 9, 309), ("removed", 5, 304)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_became_of_records_is_named_by_file_and_line(state: Path, name: str) -> None:
    how, expected = CHANGES[name]
    path = segment(state, 1)
    rewritten(path, how(lines_of(path)))

    found = told(state)
    assert [(each.what, each.place, each.leaf) for each in found.problems] == [
        (what, f"{path}:{line}", leaf) for what, line, leaf in expected
    ]


def test_two_neighbours_that_changed_places_are_one_move(state: Path) -> None:
    path = segment(state, 1)
    kept = lines_of(path)
    rewritten(path, [*kept[:4], kept[5], kept[4], *kept[6:]])

    (problem,) = told(state).problems
    assert problem.what == "moved"
    assert problem.record in (exchange(304).id, exchange(305).id)


def test_a_removed_record_is_named_by_its_id_where_the_database_has_it(tmp_path: Path) -> None:
    fill(Ledger.open(tmp_path, NODE, SETTINGS), *(exchange(number) for number in range(10)))
    rewritten(segment(tmp_path, 0), lines_of(segment(tmp_path, 0))[:5])

    assert [problem.record for problem in told(tmp_path).problems] == [exchange(n).id for n in range(5, 10)]


def test_a_file_that_is_gone_and_one_that_was_slipped_in_are_named(state: Path) -> None:
    gone = segment(state, 1)
    gone.unlink()
    slipped = gone.with_name("000000000000001.jsonl")
    slipped.write_bytes(lines(1, 2))

    missing, added = told(state).problems
    assert (missing.what, missing.place, missing.leaf) == ("missing", str(gone), 300)
    assert (added.what, added.place) == ("added", str(slipped))


def test_a_seed_that_is_gone_leaves_its_records_unproven(state: Path) -> None:
    seed_file(segment(state, 0)).unlink()

    found = told(state)
    assert whats(found) == ["missing"]
    assert found.records == ALL - 300


def test_many_problems_are_counted_and_not_all_named(state: Path) -> None:
    rewritten(segment(state, 0), [edited(line) for line in lines_of(segment(state, 0))])

    found = told(state)
    assert whats(found) == ["edited"] * 100 + ["more"]
    assert found.records == ALL - 300


def test_records_after_the_checkpoint_are_no_problem(state: Path) -> None:
    with segment(state, 2).open("ab") as file:
        file.write(lines(800, 801))
    journal(state, 3)

    found = told(state)
    assert (found.problems, found.beyond, found.records) == ([], 5, ALL)


@given(bit=st.integers(0, 2**24))
@settings(max_examples=60, deadline=None)
def test_no_bit_of_a_records_line_can_change(original: Path, bit: int) -> None:
    path = segment(original, 2)
    content = path.read_bytes()
    at = bit % (8 * len(content))
    try:
        change(path, at // 8, bytes([content[at // 8] ^ 1 << at % 8]))
        assert told(original).problems
    finally:
        path.write_bytes(content)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_bit_of_any_file_can_change_without_being_found(original: Path, data: st.DataObject) -> None:
    key = vkey(original)
    checked = [path for place in ("log/node-0", "journal/node-0") for path in (original / place).rglob("*")]
    path = data.draw(
        st.sampled_from(sorted(p for p in checked if p.is_file() and p.name not in ("vkey", "lock")))
    )
    content = path.read_bytes()
    at = data.draw(st.integers(0, 8 * len(content) - 1))
    try:
        change(path, at // 8, bytes([content[at // 8] ^ 1 << at % 8]))
        assert told(original, key).problems
    finally:
        path.write_bytes(content)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_done_to_a_note_or_a_proof_it_is_refused_and_nothing_else_happens(
    original: Path, data: st.DataObject
) -> None:
    whole = prove(original, exchange(17).id).text().encode()
    text = bytearray(whole)
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    text[begin:end] = data.draw(st.binary(max_size=40))
    with suppress(Unverified):
        parse_proof(bytes(text)).checked([verifier(vkey(original))])
        assert bytes(text) == whole


def test_a_proof_opens_one_record_and_shows_no_other(state: Path) -> None:
    text = prove(state, exchange(17).id).text()
    proof = parse_proof(text.encode())

    assert proof.checked([verifier(vkey(state))]).size == ALL
    assert proof.record == body_of(framed(exchange(17)))
    assert (proof.index, len(proof.salt)) == (17, SALT_BYTES)
    assert exchange(16).id not in text
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert text.endswith((folder(state) / "checkpoint").read_text())


def test_a_proof_of_which_anything_was_changed_is_refused(state: Path) -> None:
    text = prove(state, exchange(305).id).text()
    trusted = [verifier(vkey(state))]
    accepted = []
    for at in range(0, len(text), 3):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        try:
            parse_proof(changed.encode()).checked(trusted)
        except Unverified:
            continue
        accepted.append(at)

    assert accepted == []


@pytest.mark.parametrize(
    "bad", ["", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nindex 1\n\nnote\n", "x" * 99]
)
def test_what_is_no_proof_is_refused(bad: str) -> None:
    with pytest.raises(Unverified):
        parse_proof(bad.encode())


def test_a_proof_needs_a_record_and_a_checkpoint_over_it(state: Path) -> None:
    with pytest.raises(NotFound):
        prove(state, "ex_99999999")
    with segment(state, 2).open("ab") as file:
        file.write(lines(800))
    with pytest.raises(Unverified, match="under no checkpoint yet"):
        prove(state, exchange(800).id)


def test_no_proof_is_given_of_a_record_that_was_edited(state: Path) -> None:
    path = segment(state, 1)
    rewritten(path, [edited(line) for line in lines_of(path)])
    with pytest.raises(Unverified, match="is not what the tree"):
        prove(state, exchange(305).id)


def test_a_record_is_found_by_its_line(state: Path) -> None:
    line = locate(state, exchange(305).id)

    assert line is not None
    assert (line.segment, line.number) == (segment(state, 1), 5)
    assert locate(state, exchange(305).id[:-1]) is None


def test_the_log_of_a_node_that_is_gone_is_caught_up_and_a_living_one_is_left_alone(state: Path) -> None:
    journal(state, 4)
    found = catch_up(state, NODE, SETTINGS)
    assert found is not None
    assert found.size == ALL + 4

    ledger = Ledger.open(state, NODE, SETTINGS)
    ledger.append(exchange(900))
    assert catch_up(state, NODE, SETTINGS) is None
    ledger.close()
    assert Tiles(folder(state), ALL + 5).entry(ALL + 4)


def test_a_journal_that_is_gone_is_missed_where_the_log_is_written(state: Path) -> None:
    shutil.rmtree(state / "journal" / NODE)
    assert whats(told(state)) == ["missing"]
    shutil.rmtree(state / "journal")
    assert whats(told(state)) == ["missing"]


def test_a_list_of_segments_that_is_gone_is_missed(state: Path) -> None:
    (folder(state) / "segments").unlink()

    assert whats(told(state)) == ["missing"]


@pytest.mark.parametrize("left", ["log/keys", f"log/{NODE}/tile", "journal"])
def test_a_log_that_is_gone_is_missed_by_whatever_is_left_of_it(state: Path, left: str) -> None:
    (folder(state) / "checkpoint").unlink()
    for other in {"log/keys", f"log/{NODE}/tile", "journal"} - {left}:
        shutil.rmtree(state / other)

    assert traces(state) == [folder(state)]
    (found,) = verify_all(traces(state), [], [], None)
    assert whats(found) == ["missing"]
