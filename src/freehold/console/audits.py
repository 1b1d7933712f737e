"""Audits: what each found and could have found, how its evidence grew, what it was fixed to, and its evidence pack."""

import math
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup
from msgspec import Struct
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from freehold.audits.evidence import LedgerProofs, milestones, pack, write
from freehold.audits.fleet import FLEET
from freehold.audits.folder import PROTOCOL, REPORT, SAMPLES, Folder, compared_with, run_called, runs
from freehold.audits.page import MEANING, effect_plot, evidence_plots, rows
from freehold.audits.verifying import BEGUN, ENDED
from freehold.config.document import Signature, signature
from freehold.console.curves import Looks, curve, sampled
from freehold.console.damaged import readable
from freehold.console.shell import need, page, there
from freehold.ledger.proving import proofs_of
from freehold.ledger.query import events
from freehold.vocabulary.errors import BadRequest, FreeholdError, ServiceError, Unverified
from freehold.vocabulary.exchange import Event
from freehold.vocabulary.report import AuditReport, AuditVerdict

SHOWN = 100  # runs on one page
STEPS_SHOWN = 12  # of a curve, in its table
PACKED_BYTES_MAX = 200 << 20  # of samples, for a pack that is made while somebody waits
UNDER_WAY_S = 120.0  # a run whose last answer is no older than that is taken to be going on
HOW: Mapping[AuditVerdict, str] = {
    AuditVerdict.SAME_SO_FAR: "good",
    AuditVerdict.NOT_WORSE: "good",
    AuditVerdict.DIFFERENT: "warn",
    AuditVerdict.WORSE: "bad",
    AuditVerdict.CANT_TELL_YET: "unknown",
}
_packing = Lock()


class Fixed(Struct, frozen=True):
    """What a list shows of a protocol."""

    id: str
    kind: str
    subject: str
    limits: Mapping[str, Any] = {}
    arms: tuple[Mapping[str, Any], ...] = ()
    prompts: tuple[msgspec.Raw, ...] = ()
    runs: Mapping[str, str] = {}  # of a fleet's audit
    forever: bool = False


class Line(NamedTuple):
    """One run in the list."""

    fixed: Fixed
    at_ms: int
    report: AuditReport | None
    samples: int  # of one that has not ended
    going_on: bool


class Step(NamedTuple):
    """One point of a curve."""

    units: int
    e: float
    placebo_e: float | None


class Said(NamedTuple):
    """What the ledger says of a run."""

    event: Event
    matches: bool | None  # whether it names the protocol that lies in the folder; None: it names none


def listing(request: Request) -> Response:
    """All runs, the latest first."""
    state, first = there(request).state, _number(request.query_params.get("from", "0"))
    folders = list(runs(state))[::-1]
    lines, damaged = readable(folders[first : first + SHOWN], _line)
    return page(
        request,
        "audits.html",
        lines=lines,
        damaged=damaged,
        total=len(folders),
        first=first,
        newer=f"/audits?from={max(0, first - SHOWN)}" if first else None,
        older=f"/audits?from={first + SHOWN}" if first + SHOWN < len(folders) else None,
        how=HOW,
    )


def one(request: Request) -> Response:
    """One run."""
    here = there(request)
    folder = run_called(here.state, request.path_params["id"])
    line, trouble, found = _line(folder), "", None
    if line.fixed.kind != FLEET:
        try:
            found = curve(folder)
        except FreeholdError as error:
            trouble = f"{error.message}. {error.remedy}"
    report = line.report or (None if found is None else found.report)
    fixed = {} if report is None or line.fixed.kind == FLEET else folder.protocol
    return page(
        request,
        "audit.html",
        line=line,
        report=report,
        how=HOW,
        meaning=MEANING,
        trouble=trouble,
        found=found,
        plots=_drawn("" if found is None or not fixed else evidence_plots(fixed, found.looks)),
        effect=_drawn(_effect(fixed, report)),
        told=[] if report is None or not fixed else rows(fixed, msgspec.to_builtins(report)),
        steps=[] if found is None else steps(found.looks),
        accuse=fixed.get("accuse"),
        alarm=fixed.get("alarm"),
        digest=folder.digest,
        said=list(_said(here.state, folder)),
        packable=line.report is not None and bool(fixed) and not trouble,
        placed=str(folder.path),
    )


def evidence(request: Request) -> Response:
    """The evidence pack of a run as a zip. It holds prompts and answers, so that not everybody may have it."""
    need(request, "operator")
    here = there(request)
    folder = run_called(here.state, request.path_params["id"])
    if sampled(folder) > PACKED_BYTES_MAX:
        raise BadRequest(
            f"the samples of {folder.id} are too large for a page to pack",
            remedy=f"Run `freehold audit evidence {folder.id}`.",
        )
    here.note("evidence-downloaded", {"audit": folder.id, "who": request.state.who})
    if not _packing.acquire(blocking=False):
        raise ServiceError("another pack is being made", remedy="Ask again in a moment.")
    place = Path(mkdtemp(prefix="freehold-pack-"))
    try:
        name = f"freehold-evidence-{folder.id}.zip"
        own = [event for event in _events(here.state) if event.about.get("audit") == folder.id]
        settings = here.resolved().config.ledger
        proofs = LedgerProofs(*proofs_of(here.state, milestones(folder.id, own), settings))
        write(pack(folder, proofs, baseline=compared_with(folder)), place / name)
    except BaseException:
        _removed(place)
        raise
    finally:
        _packing.release()
    task = BackgroundTask(_removed, place)
    return FileResponse(place / name, media_type="application/zip", filename=name, background=task)


def _removed(place: Path) -> None:
    for file in place.iterdir():
        file.unlink()
    place.rmdir()


def _line(folder: Folder) -> Line:
    """A run, as far as the list tells of it. Raises Unverified."""
    fixed = _fixed(folder.path / PROTOCOL, signature(folder.path / PROTOCOL))
    report = _report(folder.path, signature(folder.path / REPORT))
    at_ms = int(folder.id[1:12], 16)
    if report is not None:
        return Line(fixed, at_ms, report, 0, False)
    file = folder.path / SAMPLES
    if not file.exists():
        return Line(fixed, at_ms, None, 0, time.time() - at_ms / 1000 < UNDER_WAY_S)
    found = file.stat()
    samples = _lines(file, signature(file))
    return Line(fixed, at_ms, None, samples, time.time() - found.st_mtime < UNDER_WAY_S)


@lru_cache(maxsize=1_000)
def _fixed(path: Path, seen: Signature) -> Fixed:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Fixed)
    except (OSError, msgspec.DecodeError) as error:
        raise Unverified(f"{path} cannot be read: {error}", remedy="Restore it from a backup.") from None


@lru_cache(maxsize=1_000)
def _report(path: Path, seen: Signature) -> AuditReport | None:
    return Folder(path).report()


@lru_cache(maxsize=100)
def _lines(path: Path, seen: Signature) -> int:
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def _events(state: Path) -> list[Event]:
    kinds = (*BEGUN, ENDED)
    return sorted((one for kind in kinds for one in events(state, kind)), key=lambda one: one.id)


def _said(state: Path, folder: Folder) -> Sequence[Said]:
    """What is on the ledger of a run, in order."""
    own = (one for one in _events(state) if one.about.get("audit") == folder.id)
    digest = folder.digest
    return [
        Said(one, None if "protocol" not in one.about else one.about["protocol"] == digest) for one in own
    ]


def _effect(fixed: Mapping[str, Any], report: AuditReport | None) -> str:
    return effect_plot(fixed, msgspec.to_builtins(report)) if fixed and report is not None else ""


def _drawn(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - it is drawn by audits.plots, which escapes every word


def steps(looks: Looks) -> list[Step]:
    """Some points of a curve, evenly spread, with the last."""
    every = max(1, math.ceil(len(looks) / STEPS_SHOWN))
    chosen = [*looks[every - 1 :: every]]
    if looks and chosen[-1:] != [looks[-1]]:
        chosen.append(looks[-1])
    return [
        Step(units, math.exp(min(e, 600.0)), None if placebo is None else math.exp(min(placebo, 600.0)))
        for units, e, placebo in chosen
    ]


def _number(written: str) -> int:
    if not written.isdecimal() or len(written) > 9:
        raise BadRequest(f"`{written[:20]}` is no number of a run", remedy="Follow the links of the list.")
    return int(written)


ROUTES: tuple[BaseRoute, ...] = (
    Route("/audits", listing),
    Route("/audits/{id}", one),
    Route("/audits/{id}/evidence.zip", evidence),
)
