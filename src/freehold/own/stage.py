"""A stage of a run: a folder of plain files with a record of what they were made from, by which it is known as done.

A stage that was killed leaves its folder without a record, and goes on from what lies there. One whose knobs or inputs
have changed is made anew.
"""

import fcntl
import hashlib
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from freehold import __version__
from freehold.config import clock
from freehold.ledger.durable import replace
from freehold.vocabulary.errors import BadRequest

RECORD = "record.json"
SCRATCH = "scratch"  # a stage's folder that is not part of its result: checkpoints, unfinished work
BEGUN = "begun.json"
BESIDE = ".beside"  # in a run: a stage that is to take the place of an earlier one


class Made(Struct, frozen=True):
    """What a stage was made from and what it made; digests are SHA-256 in hex."""

    stage: str
    inputs: Mapping[str, str]  # name -> digest
    knobs: Mapping[str, object]
    outputs: Mapping[str, str] = {}  # file in the stage's folder -> digest
    began_ms: int = 0
    ended_ms: int = 0
    machine: str = ""
    code: str = ""  # the version of this program, and of the sources of `own`


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def made(run: Path, stage: str) -> Made | None:
    """The record of a stage that is done; None where it is not. Raises BadRequest where it cannot be read."""
    path = run / stage / RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=Made) if path.exists() else None
    except msgspec.DecodeError as error:
        raise BadRequest(f"{path}: {error}", remedy=_remade(run, stage)) from None


def _see_whole(run: Path, stage: str, record: Made) -> None:
    """See that a stage's files are what it made; others beside them do not count. Raises BadRequest for the first."""
    for name, digest in record.outputs.items():
        path = run / stage / name
        if not path.is_file():
            raise BadRequest(f"{path} is gone", remedy=f"Put it back. {_remade(run, stage)}")
        if digest_of(path) != digest:
            raise BadRequest(
                f"{path} is not what `freehold own {stage}` made",
                remedy=f"Put it back. {_remade(run, stage)}",
            )


def _is_there(run: Path, stage: str, record: Made, *, cheap: bool) -> bool:
    try:
        _see_whole(run, stage, record)
    except BadRequest:
        if cheap:
            return False
        raise
    return True


def _remade(run: Path, stage: str) -> str:
    return f"To make all of {stage} anew, remove {run / stage / RECORD} and run `freehold own {stage} {run}`."


def inputs_of(run: Path, *stages: str, whole: bool = False) -> dict[str, str]:
    """What later stages are made from: the outputs of earlier ones.

    Raises BadRequest where one is not done; with `whole`, which reads them, also where they are not what it made.
    """
    found: dict[str, str] = {}
    for stage in stages:
        record = made(run, stage)
        if record is None:
            raise BadRequest(f"{run} has no {stage} yet", remedy=f"Run `freehold own {stage} {run}` first.")
        if whole:
            _see_whole(run, stage, record)
        found |= {f"{stage}/{name}": digest for name, digest in record.outputs.items()}
    return found


def code() -> str:
    """The version of this program with the first digits of a SHA-256 of own's sources: what made a stage's result."""
    sources = Path(__file__).parent
    lines = [f"{digest_of(path)}  {path.relative_to(sources)}" for path in sorted(sources.rglob("*.py"))]
    return f"{__version__}+{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:12]}"


@contextmanager
def working(
    run: Path, stage: str, knobs: Struct, inputs: Mapping[str, str], *, beside: bool = False
) -> Iterator[Path | None]:
    """The stage's folder to work in; None where it was done from the same before. Recorded if the block ends well.

    With `beside` the work is in another folder, which takes the stage's place when the block has ended well: what was
    there before is there till then, and what is no longer as it was made is made anew. Without it that is a BadRequest:
    nothing that may have cost days is cleared away unasked. Raises it while another process works in the run, too.
    """
    plain = msgspec.json.decode(msgspec.json.encode(knobs))  # as the record is read again: a tuple is a list
    folder = run / BESIDE / stage if beside else run / stage
    run.mkdir(parents=True, exist_ok=True)
    with _alone(run):
        if beside and (folder / RECORD).exists():  # killed when it was about to take its place
            _put(folder, run / stage)
        known = made(run, stage)
        same = known is not None and (known.inputs, known.knobs) == (dict(inputs), plain)
        if known is not None and same and _is_there(run, stage, known, cheap=beside):
            yield None
            return
        begun = Made(stage, dict(inputs), plain, began_ms=clock.now_ms(), machine=platform.platform())
        begun = msgspec.structs.replace(begun, code=code())
        folder.mkdir(parents=True, exist_ok=True)
        begun = _goes_on(folder, begun)
        folder.chmod(0o700)  # what people wrote, in the clear; and what learnt it may say it again
        yield folder
        outputs = {
            str(path.relative_to(folder)): digest_of(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.relative_to(folder).parts[0] not in (SCRATCH, BEGUN, RECORD)
        }
        ended = msgspec.structs.replace(begun, outputs=outputs, ended_ms=clock.now_ms())
        replace(folder / RECORD, msgspec.json.format(msgspec.json.encode(ended), indent=1) + b"\n")
        (folder / BEGUN).unlink(missing_ok=True)
        if beside:
            _put(folder, run / stage)


def _put(fresh: Path, place: Path) -> None:
    """A whole stage in place of the one before, if there is one. Between two names there is a moment without."""
    old = fresh.with_name(f"{fresh.name}-before")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(fresh.parent)


def _goes_on(folder: Path, begun: Made) -> Made:
    """What was begun from the same is gone on with; anything else is cleared away."""
    path = folder / BEGUN
    with suppress(FileNotFoundError, msgspec.DecodeError):
        earlier = msgspec.json.decode(path.read_bytes(), type=Made)
        if (earlier.inputs, earlier.knobs) == (begun.inputs, begun.knobs):
            return earlier
    shutil.rmtree(folder)
    folder.mkdir()
    replace(path, msgspec.json.encode(begun))
    return begun


@contextmanager
def _alone(run: Path) -> Iterator[None]:
    descriptor = os.open(run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadRequest(
                f"another process works in {run}", remedy="Wait for it, or end it; what it has done is kept."
            ) from None
        yield
    finally:
        os.close(descriptor)
