"""A witness (C2SP tlog-witness): cosigns a log's checkpoint only if it continues the one that it cosigned last.

So nobody who asks for its cosignature can be shown another tree than everybody else. It does not look into the
logs, and where its own folder is put back to an earlier state it can be misled: begin a new witness then.
"""

import fcntl
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from socket import gethostname
from threading import Lock

from freehold.ledger.checkpoint import Checkpoint, read
from freehold.ledger.cosignature import ED25519, ML_DSA_44, Cosigner, CosignerKey, cosigned, cosigners
from freehold.ledger.durable import replace, sync
from freehold.ledger.merkle import EMPTY_ROOT, HASH_BYTES, check_consistency
from freehold.ledger.notes import Note, Verifier, decoded, encoded
from freehold.vocabulary.errors import BadRequest, FreeholdError, Unverified

PATH_LINES_MAX = 63
BODY_BYTES_MAX = 256 << 10  # a checkpoint with dozens of cosignatures of ML-DSA-44
REFUSED_KEPT_MAX = (
    64  # of a log, and of each kind: those that contradict what was cosigned, and those without proof
)
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})")
_NOTHING = Checkpoint("", 0, EMPTY_ROOT)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered over HTTP."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint, and the proof that it continues the tree of `old` leaves."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: Note

    @classmethod
    def read(cls, body: bytes) -> "Submission":
        """Read a request's body strictly. Raises Unverified where it is not one."""
        head, gap, note = body.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        old = _OLD.fullmatch(first)
        if not gap or old is None or len(lines) > PATH_LINES_MAX:
            raise Unverified("a request is `old SIZE`, up to 63 hashes, an empty line and a checkpoint")
        try:
            path = tuple(decoded(line.decode("ascii")) for line in lines)
        except UnicodeDecodeError as error:
            raise Unverified("a line of the proof is not base64") from error
        if any(len(each) != HASH_BYTES for each in path):
            raise Unverified("a line of the proof is not a hash of 32 bytes")
        return cls(int(old[1]), path, *read(note))


def submission(old: int, path: Iterable[bytes], note: bytes) -> bytes:
    """A request's body: a checkpoint as its log signed it, and the proof from a tree of `old` leaves."""
    return "".join(f"{line}\n" for line in (f"old {old}", *map(encoded, path), "")).encode() + note


class Witness:
    """Cosigns for the logs whose keys it knows, by their names. For any number of threads, and one process.

    What it cosigned last of a log lies in a file that is replaced, durably, before the cosignature is handed out.
    Its keys are made at the first start, under `name`. Raises BadRequest for a folder that cannot be gone on with.
    """

    def __init__(self, folder: Path, name: str | None, logs: Iterable[Verifier]) -> None:
        self._folder = folder
        self._keys = dict[str, list[Verifier]]()
        for key in logs:
            self._keys.setdefault(key.name, []).append(key)
        self._held = _locked(folder)
        self._own = _own_keys(folder, name)
        self._turn = Lock()

    @property
    def keys(self) -> tuple[CosignerKey, ...]:
        """The public keys that others trust."""
        return tuple(each.key for each in self._own)

    def close(self) -> None:
        """Let another process be this witness."""
        os.close(self._held)

    def add_checkpoint(self, body: bytes, now_s: int) -> Answer:
        """Answer a request for a cosignature (tlog-witness, add-checkpoint)."""
        try:
            asked = Submission.read(body)
        except Unverified as error:
            return Answer(400, f"{error}\n")
        known = self._keys.get(asked.checkpoint.origin)
        if known is None:
            return Answer(404, "no log of this name is known here\n")
        try:
            signers = asked.note.signers(known)
        except Unverified as error:
            return Answer(403, f"{error}\n")
        if not signers:
            return Answer(403, "no known key of this log signed the checkpoint\n")
        if asked.old > asked.checkpoint.size:
            return Answer(400, "the checkpoint is smaller than the tree it is said to continue\n")
        with self._turn:  # to compare with the last checkpoint and to replace it is one step
            return self._answer(asked, signers, now_s)

    def latest(self, origin: str) -> Checkpoint:
        """What was cosigned last of a log; of one that never came, the empty tree."""
        return self._last(origin)[0]

    def _answer(self, asked: Submission, signers: Sequence[Verifier], now_s: int) -> Answer:
        found, known = asked.checkpoint, {(each.name, each.id) for each in signers}
        note = Note(
            asked.note.text, tuple(line for line in asked.note.signatures if (line.name, line.id) in known)
        )
        last, last_s = self._last(found.origin)
        if asked.old != last.size:
            return Answer(409, f"{last.size}\n", SIZE_TYPE)
        if found.size == last.size and found.root != last.root:
            self._keep(found, note, "contradictory")
            return Answer(409, f"{last.size}\n", SIZE_TYPE)
        try:
            check_consistency(last.size, last.root, found.size, found.root, asked.path)
        except Unverified as error:
            self._keep(found, note, "unproven")
            return Answer(422, f"{error}\n")
        at_s = max(now_s, last_s)  # a clock that is put back must not make a larger tree the older one
        lines = "".join(each.line(note.text, at_s) for each in self._own)
        replace(self._state(found.origin), bytes(note) + lines.encode())
        return Answer(200, lines)

    def _last(self, origin: str) -> tuple[Checkpoint, int]:
        """What was cosigned last, and when. Raises Unverified if the file is not what was written."""
        path = self._state(origin)
        if not path.exists():
            return _NOTHING, 0
        found, note = read(path.read_bytes())
        times = [each.at_s for each in cosigned(note, self.keys)]
        if found.origin != origin or not times:
            raise Unverified(f"{path} is not what this witness cosigned")
        return found, max(times)

    def _state(self, origin: str) -> Path:
        return self._folder / "logs" / _digest(origin)

    def _keep(self, found: Checkpoint, note: Note, kind: str) -> None:
        """Keep what was refused, as its log signed it: beside what was cosigned it can be proof of two trees."""
        log.warning("refused a checkpoint of %s of size %d, which is %s", found.origin, found.size, kind)
        folder = self._folder / "refused" / kind
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = _digest(found.origin)[:16]
        path = folder / f"{name}-{found.size}-{found.root.hex()[:16]}"
        if not path.exists() and sum(1 for _ in folder.glob(f"{name}-*")) < REFUSED_KEPT_MAX:
            replace(path, bytes(note))


def _own_keys(folder: Path, name: str | None) -> tuple[Cosigner, ...]:
    """The private keys. Keys without the memory of what was cosigned, or the reverse, are not gone on with."""
    file, memory = folder / "keys", folder / "logs"
    remembers = memory.exists() and any(memory.iterdir())
    if (file.exists() and not memory.exists()) or (remembers and not file.exists()):
        raise BadRequest(
            f"{memory if file.exists() else file} is gone, and without it this witness cannot go on",
            remedy="Bring the folder back as it was last, or begin a new witness in a new folder.",
        )
    if not file.exists():
        memory.mkdir(mode=0o700, exist_ok=True)
        sync(folder)
        name = name or f"freehold.local/{gethostname()}/witness"
        replace(file, "".join(Cosigner.new(name, kind).secret() for kind in (ED25519, ML_DSA_44)).encode())
    found = cosigners(file)
    if any(each.key.name != (name or found[0].key.name) for each in found):
        raise BadRequest(
            f"the witness in {folder} is called {found[0].key.name}, not {name}",
            remedy="Give its own name, or another folder for another witness.",
        )
    return found


def _locked(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        remedy = "Stop the other process, or give each witness a folder of its own."
        raise FreeholdError(f"a witness runs in {folder} already", remedy=remedy) from error
    return descriptor


def _digest(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()
