"""Check a report: work every number of it out again from the ledger, and compare.

Raises nothing for what does not agree: each check gives a line. Where the ledger itself was changed, `freehold ledger
verify` says where; here its signature, its tree and its journal are looked at too.

Does not show that the gateway recorded what it did; that is what witnesses and audits are for. Nor when a report was
made, who made it, and whether the scores of benches and of test answers are right: these are taken as they are.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from freehold.drills.dataside import Body
from freehold.drills.folder import plain
from freehold.drills.rehearsal import Rehearsal
from freehold.drills.report import BEGAN, ENDED, Given, Report, announcements, made
from freehold.drills.report_page import page
from freehold.drills.simulation import SIMULATED, Simulation
from freehold.ledger.log_keys import VKEY
from freehold.ledger.notes import Verifier, verifier
from freehold.ledger.proofs import parse_proof
from freehold.ledger.verify import logs, traces, verify_all
from freehold.vocabulary.errors import FreeholdError, Unverified
from freehold.vocabulary.exchange import Event

OK, OPEN, WRONG = "ok", "open", "WRONG"
RELATIVE = 1e-9
NAMED = 20  # differences that are told one by one
_ASIDE = ("freehold", "announced", "keys", "checkpoints")  # who made it, and what is checked in another way
_UNREADABLE = (
    FreeholdError,
    msgspec.DecodeError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    RecursionError,
)
_FROM_BODIES = ("data_side", "findings", "register")


class Line(NamedTuple):
    """One thing that was looked at."""

    state: str
    says: str


def checks(data: bytes, state: Path, keys: Sequence[str] = (), body: Body | None = None) -> Iterator[Line]:
    """All checks of report.json against the ledger in `state`. `keys`: the logs', from elsewhere than the report."""
    try:
        report = msgspec.json.decode(data, type=Report)
        again = made(state, given_of(report), body or (lambda exchange: None))
    except _UNREADABLE as error:
        yield from _ledger(state, keys, ())
        yield Line(WRONG, f"it cannot be worked out again: {error}")
        return
    yield from _ledger(state, keys, report.checkpoints)
    yield from _proofs(report, state, keys)
    yield from _announced(report, state)
    yield from _numbers(msgspec.json.decode(data), again, report, looked=body is not None)
    if report.freehold != again.freehold:
        yield Line(OPEN, f"it was made by Freehold {report.freehold}, and checked by {again.freehold}")


def given_of(report: Report) -> Given:
    """What a report was made of."""
    tried = report.rehearsal
    return Given(
        report.drill,
        report.made,
        report.name,
        report.scenario,
        report.inputs,
        None if tried is None else (tried.ended, tried.measured_ms),
        () if tried is None else tried.graded,
        report.announced,
        report.keys,
        report.checkpoints,
        report.bodies,
    )


def as_announced(report: Report, found: Simulation | None, tried: Rehearsal | None) -> Report:
    """The report with the results as they were kept, whose digests are on the ledger.

    Sums of the same numbers in another order differ in their last digit. Raises Unverified for any other difference.
    """
    kept = {"simulation": found or report.simulation, "rehearsal": tried}
    for name, value in kept.items():
        one, other = (msgspec.json.decode(plain(each)) for each in (value, getattr(report, name)))
        if wrong := next(differences(name, one, other), None):
            remedy = (
                "The ledger or the drill's folder was changed since, or another version made it: drill anew."
            )
            raise Unverified(f"the drill's result cannot be worked out again: {wrong}", remedy=remedy)
    return replace(report, **kept)


def looks_right(data: bytes, html: str) -> Line:
    """Whether a page says what report.json says."""
    try:
        if page(msgspec.json.decode(data, type=Report)) == html:
            return Line(OK, "report.html says what report.json says")
    except _UNREADABLE as error:
        return Line(WRONG, f"no page can be made of report.json: {error}")
    return Line(WRONG, "report.html says something else than report.json")


def differences(path: str, one: Any, other: Any) -> Iterator[str]:
    """Where two plain values differ, each place by its path; numbers may differ by 1e-9 of the larger."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in {**one, **other}:
            inner = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                yield f"{inner}: {'not in the report' if key not in one else 'not in what was worked out'}"
            else:
                yield from differences(inner, one[key], other[key])
    elif isinstance(one, list) and isinstance(other, list):
        for at, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from differences(f"{path}[{at}]", left, right)
        if len(one) != len(other):
            yield f"{path}: the report has {len(one)} entries, worked out were {len(other)}"
    elif not _same(one, other):
        yield f"{path}: the report says {_short(one)}, worked out was {_short(other)}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=RELATIVE, abs_tol=1e-12)
    return type(one) is type(other) and bool(one == other)


def _short(value: Any) -> str:
    told = msgspec.json.encode(value).decode()
    return told if len(told) <= 80 else f"{told[:77]}..."


def _numbers(report: Mapping[str, Any], again: Report, typed: Report, *, looked: bool) -> Iterator[Line]:
    was, now = typed.data_side.opened, again.data_side.opened
    if looked and now < was:
        yield Line(OPEN, f"of {was:,} bodies that were looked at, {now:,} can still be opened")
        looked = False
    skipped = (*_ASIDE, *(_FROM_BODIES if typed.bodies and not looked else ()))
    found = msgspec.json.decode(plain(again))
    pair = [{key: value for key, value in one.items() if key not in skipped} for one in (report, found)]
    # Where the records are other ones, all else follows from that.
    wrong = sorted(differences("", *pair), key=lambda one: not one.startswith("ledger."))
    yield from (Line(WRONG, one) for one in wrong[:NAMED])
    if len(wrong) > NAMED:
        yield Line(WRONG, f"and {len(wrong) - NAMED} more differences")
    if not wrong:
        numbers = _count(pair[0])
        yield Line(
            OK,
            f"{numbers:,} numbers were worked out again from {typed.ledger.exchanges:,} exchanges, and agree",
        )
    if typed.bodies and not looked:
        yield Line(
            OPEN, f"{', '.join(_FROM_BODIES)} rest on sealed bodies too; with --bodies they are checked"
        )
    if typed.rehearsal is not None and typed.rehearsal.graded:
        yield Line(OPEN, f"{len(typed.rehearsal.graded)} scores of test answers are as they were recorded")


def _count(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_count, value.values()))
    if isinstance(value, list):
        return sum(map(_count, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ledger(state: Path, keys: Sequence[str], checkpoints: Sequence[str]) -> Iterator[Line]:
    folders = traces(state)
    if not folders:
        yield Line(OPEN, "there is no signed log: nothing shows that the records are as they were written")
        return
    try:
        trusted, saved = [verifier(key) for key in keys], [one.encode() for one in checkpoints]
        found = verify_all(folders, trusted, saved, 1)
    except FreeholdError as error:
        yield Line(WRONG, f"the ledger: {error}")
        return
    for told in found:
        name = told.origin or str(told.folder)
        if told.problems:
            yield from (Line(WRONG, f"{name}: {problem}") for problem in told.problems[:NAMED])
        else:
            yield Line(
                OK,
                f"{name}: {told.size:,} leaves are as they were signed, and go on from what the report saw",
            )


def _proofs(report: Report, state: Path, keys: Sequence[str]) -> Iterator[Line]:
    try:
        here = [(log / VKEY).read_text() for log in logs(state)]
        trusted: list[Verifier] = [verifier(key) for key in (keys or here or report.keys)]
    except FreeholdError as error:
        yield Line(WRONG, f"a key of the report cannot be read: {error}")
        return
    known = [one for one in dict.fromkeys((*here, *keys)) if one in report.keys]
    origins = [one.partition("\n")[0] for one in report.checkpoints]
    if known != list(report.keys) or origins != [one.partition("+")[0] for one in known]:
        yield Line(WRONG, "the report's keys and checkpoints are not those of the logs")
    for one in report.announced:
        if one.proof is None:
            yield Line(OPEN, f"{one.kind} {one.event} is in no log")
            continue
        try:
            proof = parse_proof(one.proof.encode())
            found = proof.checked(trusted)
            told = msgspec.json.decode(proof.record, type=dict[str, Any])
        except _UNREADABLE as error:
            yield Line(WRONG, f"the proof of {one.kind} {one.event}: {error}")
            continue
        if (told.get("id"), told.get("kind"), told.get("at_ms")) != (one.event, one.kind, one.at_ms):
            yield Line(WRONG, f"the proof of {one.kind} {one.event} is that of another record")
        else:
            yield Line(OK, f"{one.kind} {one.event} is leaf {proof.index} of {found.size} of {found.origin}")
    if report.announced and not keys:
        yield Line(
            OPEN, "the keys are those that lie beside the ledger; give --vkey with those that you know"
        )


def _announced(report: Report, state: Path) -> Iterator[Line]:
    """Whether the ledger names the drill, its scenario and inputs, and the very results that the report has."""
    there = announcements(state, report.drill)
    told, said = {(one.event, one.kind, one.at_ms) for one in report.announced}, set(map(_named, there))
    if told != said or len(report.announced) != len(there):
        yield Line(
            WRONG,
            f"the ledger has {len(said)} events of {report.drill}, and they are not those of the report",
        )
    results = {SIMULATED: report.simulation, ENDED: report.rehearsal}
    for one in there:
        if one.about.get("text", report.scenario) != report.scenario:
            yield Line(WRONG, f"the scenario is not the one that was put on the ledger ({one.kind})")
        for name, value, which in (
            ("sha256", results.get(one.kind), "the result is {}the one"),
            ("inputs", report.inputs, "the inputs are {}those"),
        ):
            if value is not None and (digest := one.about.get(name)) is not None:
                same = sha256(plain(value)).hexdigest() == digest
                says = (
                    f"{which.format('' if same else 'not ')} whose SHA-256 was put on the ledger ({one.kind})"
                )
                yield Line(OK if same else WRONG, says)
    if not any(one.kind in (SIMULATED, BEGAN) for one in there):
        yield Line(OPEN, "the drill was not announced on the ledger")


def _named(one: Event) -> tuple[str, str, int]:
    return one.id, one.kind, one.at_ms
