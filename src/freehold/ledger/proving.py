"""Prove a record by its id, and bring the logs of nodes that are not running up to date."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname

from freehold.config import schema
from freehold.ledger import checkpoint, growth
from freehold.ledger.checkpoint import Checkpoint
from freehold.ledger.durable import sync
from freehold.ledger.growth import read_places
from freehold.ledger.journal import locked
from freehold.ledger.leaves import salts_of
from freehold.ledger.log_keys import CHECKPOINT, VKEY
from freehold.ledger.notes import verifier
from freehold.ledger.proofs import Proof, proof_of
from freehold.ledger.query import find
from freehold.ledger.segment import CHUNK_BYTES, journals, segments
from freehold.ledger.tiles import Tiles
from freehold.ledger.witnessed import with_cosignatures
from freehold.vocabulary.errors import NotFound, Unverified
from freehold.vocabulary.exchange import Event


@dataclass(frozen=True, slots=True)
class Line:
    """Where a record stands in the journals."""

    segment: Path
    number: int  # in the segment, from 0
    record: bytes


def locate(state: Path, record_id: str) -> Line | None:
    """The last line with this id; the database is not asked, because it does not know lines."""
    for directory in journals(state):
        for path in reversed(segments(directory)):
            data = path.read_bytes()
            at = data.rfind(_beginning(record_id))
            if at >= 0:
                end = data.find(b"\n", at)
                return Line(path, data.count(b"\n", 0, at), data[at + 1 : end if end >= 0 else len(data)])
    return None


def line_at(segment: Path, offset: int, record_id: str) -> Line | None:
    """The line that begins at an offset; None if it is not of this record."""
    number = 0
    try:
        with segment.open("rb") as file:
            while left := offset - file.tell():
                chunk = file.read(min(left, CHUNK_BYTES))
                if not chunk:
                    return None
                number += chunk.count(b"\n")
            line = file.readline().removesuffix(b"\n")
    except FileNotFoundError:
        return None
    return Line(segment, number, line[9:]) if line[8:].startswith(_beginning(record_id)) else None


def _beginning(record_id: str) -> bytes:
    """How a record's JSON begins, and what stands before it in its line."""
    return b' {"id":"%b"' % record_id.encode()


def _meant(state: Path, prefix: str) -> Line:
    """The line with this id, or the only one whose id begins so."""
    if (line := locate(state, prefix)) is not None:
        return line
    record = find(state, prefix)
    if record is not None and (line := locate(state, record.id)) is not None:
        return line
    remedy = "Look for it with `freehold ledger tail`."
    raise NotFound(f"no record has an id that begins with {prefix}", remedy=remedy)


def prove(state: Path, prefix: str, place: tuple[Path, int] | None = None) -> Proof:
    """The proof of a record under a checkpoint of its log: the one that most witnesses cosigned, else the last.

    `place`: the segment and the offset at which somebody says that the record is, so that it need not be looked for.
    Raises NotFound if no record has this id, or one that begins so, BadRequest if several have, and Unverified if it is
    not, or not yet, what a leaf commits to.
    """
    line = (line_at(*place, prefix) if place is not None else None) or _meant(state, prefix)
    folder = state / "log" / line.segment.parent.name
    later = "the record is under no checkpoint yet"
    if not (folder / CHECKPOINT).exists():
        raise Unverified(later, remedy="Run `freehold ledger checkpoint`, which signs what is not signed.")
    note = (folder / CHECKPOINT).read_bytes()
    size = checkpoint.read(note)[0].size
    first = {name: first for first, name in read_places(folder)}.get(line.segment.name)
    if first is None or first + line.number >= size:
        remedy = "A running gateway signs each `checkpoint_s`, unless `tree` is false."
        raise Unverified(later, remedy=remedy)
    salt = salts_of(line.segment)(line.number)
    note = with_cosignatures(folder, note, first + line.number)
    tiles = Tiles(folder, checkpoint.read(note)[0].size)
    proof = proof_of(tiles, note, first + line.number, salt, line.record)
    proof.checked([verifier((folder / VKEY).read_text())])
    return proof


def prove_all(state: Path, node: str, ids: Collection[str]) -> Iterator[Proof]:
    """Proofs of those of these records that a node wrote, under its last checkpoint; its journal is read once.

    Records that the checkpoint does not cover are left out. Raises Unverified if a segment's salts are gone.
    """
    folder, wanted = state / "log" / node, {one.encode() for one in ids}
    if not (folder / CHECKPOINT).exists():
        return
    note = (folder / CHECKPOINT).read_bytes()
    tiles = Tiles(folder, checkpoint.read(note)[0].size)
    first = {name: first for first, name in read_places(folder)}
    for path in segments(state / "journal" / node):
        if path.name not in first:
            continue
        salts = salts_of(path)
        for number, line in enumerate(path.read_bytes().split(b"\n"), first[path.name]):
            record = line[9:]
            if record[7 : record.find(b'"', 7)] in wanted and number < tiles.size:
                yield proof_of(tiles, note, number, salts(number - first[path.name]), record)


def proofs_of(
    state: Path, named: Mapping[str, Event], settings: schema.Ledger
) -> tuple[dict[str, bytes], list[str]]:
    """The proof of each event by its name, and the keys of the logs that they are on; logs are brought up to date.

    Raises what `prove` and `catch_up` raise.
    """
    nodes = {one.node for one in named.values()}
    for node in nodes:
        catch_up(state, node, settings)
    proofs = {name: prove(state, one.id).text().encode() for name, one in named.items()}
    return proofs, [(state / "log" / node / VKEY).read_text() for node in sorted(nodes)]


def catch_up(state: Path, node: str, settings: schema.Ledger) -> Checkpoint | None:
    """Sign what a node's journal holds beyond its log; None if its own process does that, or nothing is there.

    Raises Unverified if the log is not what was signed.
    """
    directory = state / "journal" / node
    paths = segments(directory)
    lock = locked(directory) if paths else None
    if lock is None:
        return None
    with open(lock, "rb"):  # noqa: PTH123 - a descriptor, which is to be closed
        for path in paths:
            sync(path)
        log = growth.opened(state, node, settings.origin, gethostname())
        log.extend(paths[-1], paths[-1].stat().st_size)
        return log.sign()
