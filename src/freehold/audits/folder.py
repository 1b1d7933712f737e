"""Where a run lies: `<state>/audits/<ID>` with protocol.json, samples.jsonl and report.json.

The protocol is written once, before the first call, and known by its SHA-256. A sample is appended as it comes, with
one write; what a killed process left of a line is cut off when the run goes on. Unless a codec hides them, it holds
prompts and answers in the clear, readable by the state directory's user alone, until somebody deletes the folder.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from freehold.vocabulary.errors import BadRequest, NotFound, ServiceError, Unverified
from freehold.vocabulary.report import AuditReport

PROTOCOL, SAMPLES, REPORT = "protocol.json", "samples.jsonl", "report.json"
CANDIDATES_SHOWN = 5
_DAMAGED = "Restore the folder from a backup, or run the audit anew."

Plain = Mapping[str, Any]


def new_id() -> str:
    """A run's id: sorts by time."""
    return f"a{time.time_ns() // 1_000_000:011x}{secrets.token_hex(4)}"


def digest_of(protocol: Plain) -> str:
    """SHA-256 over the protocol as it lies in the folder, in hex."""
    return hashlib.sha256(_encoded(protocol)).hexdigest()


def _encoded(protocol: Plain) -> bytes:
    return msgspec.json.format(msgspec.json.encode(protocol, order="deterministic"), indent=1) + b"\n"


class Codec(Protocol):
    """How samples lie on disk."""

    def hide(self, sample: Plain, /) -> Plain:
        """A sample as it is kept."""

    def show(self, sample: Plain, /) -> Plain:
        """A sample as it was."""


class InClear:
    """Samples are kept as they are."""

    def hide(self, sample: Plain, /) -> Plain:
        """The sample."""
        return sample

    def show(self, sample: Plain, /) -> Plain:
        """The sample. Raises Unverified for one that is sealed."""
        if "sealed" in sample:
            remedy = "It asked production prompts: `freehold audit show` and `resume` open them."
            raise Unverified("the samples of this run are sealed", remedy=remedy)
        return sample


class Folder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self.codec: Codec = InClear()

    @classmethod
    def create(cls, state: Path, protocol: Plain) -> "Folder":
        """A new run's folder with its protocol, which is durable before anything is asked."""
        path = state / "audits" / str(protocol["id"])
        path.mkdir(parents=True, mode=0o700)
        _write(path / PROTOCOL, _encoded(protocol))
        return cls(path)

    @property
    def protocol(self) -> dict[str, Any]:
        """What was fixed. Raises Unverified."""
        try:
            found: dict[str, Any] = msgspec.json.decode((self.path / PROTOCOL).read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise Unverified(f"{self.path / PROTOCOL} cannot be read: {error}", remedy=_DAMAGED) from None
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of the protocol's file."""
        return hashlib.sha256((self.path / PROTOCOL).read_bytes()).hexdigest()

    def samples(self) -> Iterator[Plain]:
        """Every whole sample, in the order in which they were written. Raises Unverified."""
        path = self.path / SAMPLES
        if not path.exists():
            return
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return  # a process was killed while it wrote it
                try:
                    sample = msgspec.json.decode(line)
                except msgspec.DecodeError as error:
                    raise Unverified(f"{path}:{number}: {error}", remedy=_DAMAGED) from None
                yield self.codec.show(sample)

    @contextmanager
    def appending(self) -> Iterator["Appending"]:
        """The end of samples.jsonl, for one process at a time. Raises ServiceError."""
        descriptor = os.open(self.path / SAMPLES, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                remedy = "Wait until it is done, or end it; what it has asked so far is kept."
                raise ServiceError(f"another process is at {self.id}", remedy=remedy) from None
            _cut_torn_line(descriptor)
            yield Appending(descriptor, self.codec)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write_report(self, report: AuditReport) -> str:
        """Keep the report; SHA-256 of what was written."""
        data = msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
        _write(self.path / REPORT, data)
        return hashlib.sha256(data).hexdigest()

    def report(self) -> AuditReport | None:
        """The report, once there is one. Raises Unverified."""
        path = self.path / REPORT
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=AuditReport)
        except (OSError, msgspec.DecodeError) as error:
            raise Unverified(f"{path} cannot be read: {error}", remedy=_DAMAGED) from None

    def samples_digest(self) -> str:
        """SHA-256 of samples.jsonl as it is now."""
        found = hashlib.sha256()
        if (self.path / SAMPLES).exists():
            with (self.path / SAMPLES).open("rb") as file:
                while piece := file.read(1 << 20):
                    found.update(piece)
        return found.hexdigest()


class Appending:
    """Appends samples, each with one write."""

    def __init__(self, descriptor: int, codec: Codec) -> None:
        self._descriptor, self._codec = descriptor, codec

    def add(self, sample: Plain) -> None:
        """Append one sample, or raise OSError and leave the file as it was."""
        line = msgspec.json.encode(self._codec.hide(sample)) + b"\n"
        size = os.fstat(self._descriptor).st_size
        if os.write(self._descriptor, line) != len(line):
            os.ftruncate(self._descriptor, size)
            raise OSError(f"the disk took only a part of a sample of {len(line)} bytes")


def runs(state: Path) -> Iterator[Folder]:
    """Every run, the oldest first."""
    place = state / "audits"
    if place.is_dir():
        for path in sorted(place.iterdir()):
            if (path / PROTOCOL).is_file():
                yield Folder(path)


def run_called(state: Path, prefix: str) -> Folder:
    """The run whose id begins so. Raises NotFound, and BadRequest where several do."""
    found = [folder for folder in runs(state) if folder.id.startswith(prefix)]
    if not found:
        raise NotFound(f"no audit has the id {prefix!r}", remedy="`freehold audit list` shows them all.")
    if len(found) > 1:
        shown = ", ".join(folder.id for folder in found[:CANDIDATES_SHOWN])
        raise BadRequest(f"{prefix!r} begins several ids: {shown}", remedy="Give more of the id.")
    return found[0]


def compared_with(folder: Folder) -> Folder | None:
    """The run that a run compares with, if it is still there."""
    name = (folder.protocol.get("baseline") or {}).get("audit")
    try:
        return None if name is None else run_called(folder.path.parent.parent, name)
    except NotFound:
        return None


def _cut_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    end = size
    while end and os.pread(descriptor, 1, end - 1) != b"\n":
        end -= 1
    if end != size:
        os.ftruncate(descriptor, end)


def _write(path: Path, data: bytes) -> None:
    """The new content or the old one, whatever happens."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    place = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)
