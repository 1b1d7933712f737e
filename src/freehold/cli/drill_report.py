"""`freehold drill report` and `verify`: what a drill found, for people and machines, and whether it is so."""

import time
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from freehold.cli.as_json import print_json
from freehold.cli.ledger_bodies import OPENED, who
from freehold.cli.output import OK, PROBLEMS, USAGE, Stop, one_line, progress
from freehold.cli.settings import config_of, state_dir
from freehold.config import schema
from freehold.drills import folder
from freehold.drills.dataside import Body
from freehold.drills.inputs import Inputs
from freehold.drills.loading import parsed
from freehold.drills.rehearsal import Rehearsal
from freehold.drills.report import Announced, Given, Report, announcements, made
from freehold.drills.report_page import page
from freehold.drills.simulation import Simulation
from freehold.drills.verifying import OPEN, WRONG, as_announced, checks, looks_right
from freehold.ledger.bodies import opened
from freehold.ledger.durable import replace as put
from freehold.ledger.ledger import event, noted
from freehold.ledger.log_keys import CHECKPOINT, VKEY
from freehold.ledger.proving import catch_up, prove
from freehold.ledger.segment import journals
from freehold.ledger.verify import logs
from freehold.vocabulary.errors import BadRequest, NotFound, Unverified
from freehold.vocabulary.exchange import Event, Exchange, Part

PAGE = "report.html"
ENDING = ".toml"
BYTES_MAX = 256 << 20  # of a report that is checked

T = TypeVar("T")


def run(args: Namespace) -> int:
    """Work a drill's report out, and write it as JSON and as a page."""
    state = _state(args)
    drill = _drill(state, args.drill)
    settings = config_of(args).ledger
    with progress("working it out"):
        tried = _result(state, drill, folder.REHEARSAL, Rehearsal)
        given = _given(state, drill, settings, tried, bodies=args.bodies)
        report = made(state, given, _bodies(args, state, settings, drill))
        report = as_announced(report, _result(state, drill, folder.SIMULATION, Simulation), tried)
    place = Path(args.out) if args.out else folder.path_of(state, drill)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = {
        folder.REPORT: folder.plain(report),
        PAGE: page(msgspec.json.decode(folder.plain(report), type=Report)).encode(),
    }
    for name, data in files.items():
        put(place / name, data)
    if args.json:
        print_json(
            {"drill": drill, "files": [str(place / name) for name in files], "findings": report.findings}
        )
        return OK
    print(*(one_line(f"{one.weight.value:<8}  {one.says}") for one in report.findings), sep="\n")
    print(f"\n{place / PAGE}: to read or print; `freehold drill verify {place / folder.REPORT}` checks it")
    return OK


def run_verify(args: Namespace) -> int:
    """Work every number of a report out again; the exit code is 1 where one differs."""
    file, state = Path(args.report), _state(args)
    data = _file(file)
    with progress("working it out again"):
        body = _bodies(args, state, config_of(args).ledger, file.name) if args.bodies else None
        told = list(checks(data, state, args.vkey, body))
        if (beside := file.with_name(PAGE)).exists():
            told.append(looks_right(data, _file(beside).decode(errors="replace")))
    if args.json:
        print_json([one._asdict() for one in told])
    else:
        print(*(one_line(f"{one.state:<6} {one.says}") for one in told), sep="\n")
        wrong = sum(one.state == WRONG for one in told)
        left = sum(one.state == OPEN for one in told)
        print(f"\n{wrong} wrong, {left} open" if wrong else f"\neverything agrees; {left} open")
    return PROBLEMS if any(one.state == WRONG for one in told) else OK


def _file(file: Path) -> bytes:
    """What somebody has sent, if it can be a report or its page."""
    try:
        size = file.stat().st_size if file.is_file() else None
        if size is not None and size <= BYTES_MAX:
            return file.read_bytes()
        why = "it is no file" if size is None else f"it is longer than {BYTES_MAX:,} bytes"
    except OSError as error:
        why = str(error.strerror)
    raise Stop(USAGE, BadRequest(f"{file} cannot be read: {why}", remedy="Name the report.json of a drill."))


def _state(args: Namespace) -> Path:
    state = Path(args.ledger).absolute() if args.ledger else state_dir(args)
    if not state.is_dir():
        raise BadRequest(f"there is no ledger in {state}", remedy="Name its folder with --ledger.")
    return state


def _drill(state: Path, written: str) -> str:
    """The drill with this id, or the last one of the scenario with this name. Raises NotFound."""
    name = Path(written).name.removesuffix(ENDING)
    for drill in reversed(folder.listed(state)):
        if folder.has(state, drill, folder.INPUTS) and _name(state, drill) == name:
            return drill
    try:
        return folder.find(state, written)
    except NotFound:
        remedy = f"`freehold drill simulate {name} --save` makes one."
        raise NotFound(
            f"there is no drill {written!r}, nor one of a scenario of that name", remedy=remedy
        ) from None


def _name(state: Path, drill: str) -> str:
    for file in (folder.SIMULATION, folder.REHEARSAL):
        if folder.has(state, drill, file):
            return str(folder.read(state, drill, file, dict)["scenario"])
    return ""


def _result(state: Path, drill: str, name: str, kind: type[T]) -> T | None:
    return folder.read(state, drill, name, kind) if folder.has(state, drill, name) else None


def _given(
    state: Path, drill: str, settings: schema.Ledger, tried: Rehearsal | None, *, bodies: bool
) -> Given:
    """What a report is made of. Raises NotFound where the drill is not over."""
    name = _name(state, drill)
    if not name:
        remedy = "Wait for its end, or run it anew."
        raise NotFound(f"the drill {drill} has no result", remedy=remedy)
    text = folder.text(state, drill, folder.SCENARIO)
    parsed(text, f"{name}{ENDING}")
    told = announcements(state, drill)
    for directory in journals(state):
        catch_up(state, directory.name, settings)
    return Given(
        drill,
        datetime.fromtimestamp(time.time_ns() // 1_000_000_000, UTC),
        name,
        text,
        folder.read(state, drill, folder.INPUTS, Inputs),
        None if tried is None else (tried.ended, tried.measured_ms),
        () if tried is None else tried.graded,
        tuple(Announced(one.id, one.kind, one.at_ms, _proof(state, one)) for one in told),
        tuple((log / VKEY).read_text() for log in logs(state)),
        tuple((log / CHECKPOINT).read_text() for log in logs(state)),
        bodies,
    )


def _proof(state: Path, one: Event) -> str | None:
    try:
        return prove(state, one.id).text()
    except Unverified:
        if logs(state):
            raise
        return None  # the configuration keeps no tree


def _bodies(args: Namespace, state: Path, settings: schema.Ledger, drill: str) -> Body:
    """What opens bodies, once the ledger says that they are opened, by whom and why."""
    if not args.bodies:
        return lambda exchange: None
    if not (args.reason and args.reason.strip()):
        raise BadRequest("who opens bodies says why", remedy="Say it with --reason.")
    noted(
        state,
        settings,
        event(OPENED, {"for": drill, "parts": ("request",), "by": who(), "reason": args.reason}),
    )

    def body(exchange: Exchange) -> bytes | None:
        asked = replace(exchange, bodies=tuple(one for one in exchange.bodies if one.part is Part.REQUEST))
        return next(
            (one.data for one in opened(state, asked) if not one.trouble and not one.reference.cut), None
        )

    return body
