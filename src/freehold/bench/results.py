"""What a bench left behind, and how it is read again: `bench/ID/` below the state directory.

`plan.json` is fixed before the first call; `samples.jsonl` grows by a line for each answer and each ruling, so
that a run that was interrupted goes on where it stopped; `report.json` is written when it is over. Answers themselves
are kept only if the plan says so: the ledger has the exchange of each, and its body where there is a
retention class.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from freehold.bench.standing import BenchReport
from freehold.config import clock
from freehold.vocabulary.errors import BadRequest, ConfigError, NotFound
from freehold.vocabulary.report import Interval

T = TypeVar("T")

PLAN, SAMPLES, REPORT = "plan.json", "samples.jsonl", "report.json"
ID = re.compile(r"b[0-9a-f]{19}")


class Plan(Struct, frozen=True, omit_defaults=True):
    """What was fixed before the first call."""

    id: str
    at_ms: int
    tasks: str  # the file's name, or the names of the logs that were imported
    digest: str  # SHA-256 of it, in hex
    subjects: tuple[str, ...]  # aliases and endpoints, as they are asked for
    cases: int  # at most so many
    seed: int = 0  # of the order of the clusters
    repeats: int = 1  # how often each case is asked
    early: bool = True  # whether to stop where differences are clear
    usd: float | None = None
    judge: str | None = None
    max_tokens: int | None = None  # where a case does not say
    temperature: float | None = None
    keep_answers: bool = False
    imported: bool = False


class Sample(Struct, frozen=True, omit_defaults=True, tag="sample"):
    """One answer and its grade. A call that failed has an `error`, and no score; what a judge compares has no score."""

    case: str
    cluster: str
    subject: str
    repeat: int
    score: float | None = None  # 0 to 1
    error: str | None = None
    why: str = ""  # why it is not right
    exchange: str = ""
    endpoint: str | None = None
    model: str | None = None  # what the provider says it used
    at_ms: int = 0
    took_us: int | None = None
    first_byte_us: int | None = None
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    findings: tuple[str, ...] = ()
    text: str | None = None  # the answer, where the plan keeps it


class Judgement(Struct, frozen=True, omit_defaults=True, tag="judgement"):
    """What a judge said of two answers to a case, in both orders."""

    case: str
    cluster: str
    repeat: int
    first: str  # subjects
    second: str
    straight: str | None = (
        None  # who won with `first` in seat A: "first", "second" or "tie"; None: not understood
    )
    swapped: str | None = None
    preference: float | None = None  # 1: first won both times; None: a verdict is missing
    cost_usd: float | None = None
    exchanges: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


Line: TypeAlias = Sample | Judgement
_lines = msgspec.json.Decoder(Line)


def new_id() -> str:
    """ "b" and hexadecimal digits; sorts by time."""
    return f"b{clock.now_ms():011x}{secrets.token_hex(4)}"


def folder(state: Path, name: str) -> Path:
    """Where a bench lies."""
    return state / "bench" / name


class Results:
    """A bench that is under way: takes lines and writes each at once. Raises BadRequest if another process does."""

    def __init__(self, state: Path, plan: Plan) -> None:
        self.plan, self.path = plan, folder(state, plan.id)
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.path / PLAN).exists():
            _write(self.path / PLAN, msgspec.json.encode(plan))
        file = self.path / SAMPLES
        self._file = file.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise BadRequest(
                f"{plan.id} is under way", remedy="Wait for it, or interrupt it first."
            ) from None
        data = file.read_bytes()
        whole = data.rfind(b"\n") + 1  # a line that a killed process left torn is asked again
        self.lines: list[Line] = list(_decoded(data[:whole], file))
        self._file.truncate(whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, line: Line) -> None:
        """Take one more."""
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        self.lines.append(line)


def write_report(state: Path, report: BenchReport) -> None:
    """Keep the report of a bench that is over."""
    _write(folder(state, report.id) / REPORT, msgspec.json.format(msgspec.json.encode(report), indent=1))


def find(state: Path, name: str) -> str:
    """The id that begins with `name`; "last" is the newest. Raises NotFound for none and for several."""
    known = ids(state)
    found = known[-1:] if name == "last" else [one for one in known if one.startswith(name)]
    if len(found) != 1:
        said = "no bench has" if not found else "several benches have"
        raise NotFound(f"{said} an id that begins with {name}", remedy="`freehold bench list` shows them.")
    return found[0]


def ids(state: Path) -> list[str]:
    """All benches, the oldest first."""
    place = state / "bench"
    names = (path.name for path in place.iterdir()) if place.is_dir() else ()
    return sorted(name for name in names if ID.fullmatch(name) and (place / name / PLAN).exists())


def read_plan(state: Path, name: str) -> Plan:
    """Raises ConfigError for a file that is damaged."""
    return _read(folder(state, name) / PLAN, Plan)


def read_lines(state: Path, name: str) -> tuple[Line, ...]:
    """Everything that was asked so far. Raises ConfigError for a file that is damaged."""
    file = folder(state, name) / SAMPLES
    data = file.read_bytes() if file.exists() else b""
    return tuple(_decoded(data[: data.rfind(b"\n") + 1], file))


def read_report(state: Path, name: str) -> BenchReport | None:
    """None: it is not over. Raises ConfigError for a file that is damaged."""
    file = folder(state, name) / REPORT
    return _read(file, BenchReport) if file.exists() else None


def qualities(state: Path, tasks: str | None = None) -> Mapping[str, Interval]:
    """How well each endpoint does, from 0 to 1, in its newest bench on the same tasks as the newest bench.

    `tasks` is the digest of other tasks. An alias counts as the endpoint that answered for it, where it was but one.
    """
    found: dict[str, Interval] = {}
    reports = (report for name in reversed(ids(state)) if (report := read_report(state, name)) is not None)
    for report in reports:
        tasks = tasks or report.digest
        if report.digest != tasks:
            continue
        for one in report.standings:
            if len(one.endpoints) == 1 and one.quality is not None:
                found.setdefault(one.endpoints[0], one.quality)
    return found


def _decoded(data: bytes, file: Path) -> Iterator[Line]:
    for number, line in enumerate(data.splitlines(), 1):
        try:
            yield _lines.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _damaged(file, error, number) from None


def _read(file: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(file, error) from None


def _damaged(file: Path, error: Exception, line: int = 0) -> ConfigError:
    remedy = "Take the folder away, or put it back from a backup."
    return ConfigError(f"cannot be read: {error}", remedy=remedy, file=str(file), line=line, column=1)


def _write(file: Path, data: bytes) -> None:
    """All of it or nothing."""
    beside = file.with_suffix(".new")
    with beside.open("wb") as written:
        written.write(data)
        written.flush()
        os.fsync(written.fileno())
    beside.replace(file)
