"""`freehold own promote|status`: from shadow to canary to default, each step on evidence, and back at any time."""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from freehold.catalog.pools import settings_of
from freehold.cli.as_json import print_result
from freehold.cli.ledger_bodies import who
from freehold.cli.output import OK, PROBLEMS, table
from freehold.cli.own_rulings import rule
from freehold.cli.settings import config_and_state
from freehold.config import clock
from freehold.config.schema import Config
from freehold.config.shape import nearest
from freehold.gateway import promotion_order
from freehold.gateway.promotion_order import Stage
from freehold.ledger.ledger import event, noted
from freehold.own.plan import load_plan
from freehold.own.promote.evidence import Evidence
from freehold.own.promote.standing import Place, Standing, standing
from freehold.own.promote.steps import Leave, Note, allowed, off, take, wanted
from freehold.own.publish.registry import PROVIDER, Entry, registered
from freehold.vocabulary.errors import BadRequest, ConfigError, FreeholdError, NotFound
from freehold.vocabulary.exchange import Plain

_HEAD = ("EVIDENCE", "AGAINST", "PAIRS", "CLUSTERS", "DIFFERENCE", "E", "VERDICT")
_STATUS = ("MODEL", "KIND", "ALIAS", "STAGE", "SINCE (UTC)", "EVALUATED", "LIVE", "NEXT", "MISSING")


def run(args: Namespace) -> int:
    """Take a step where the evidence allows it; else say what is missing."""
    config, state = config_and_state(args)
    leave = Leave(clock.now_ms(), who(), args.reason or "")

    def note(kind: str, about: Mapping[str, Plain]) -> None:
        noted(state, config.ledger, event(kind, about))

    if args.to == Stage.OFF:
        return _off(args, state, leave, note)
    place = _published(config, state, args.run)
    rule(args, config, place)
    found = standing(place, clock.now_ms())
    to = wanted(found, args.to)
    _see_configured(config, place)
    if not allowed(found, to):
        lines = (*_lines(found), f"refused: {found.model} stays at {found.stage}")
        print_result(args, {"refused": found.missing, "standing": found}, lines)
        return PROBLEMS
    step = take(place, found, to, leave, note)
    line = f"{found.model}: {found.stage} -> {to} at {found.alias}, allowed by {step.who}: {step.id}"
    print_result(args, {"promotion": step, "standing": found}, (*_evidence(found), line))
    return OK


def _off(args: Namespace, state: Path, leave: Leave, note: Note) -> int:
    """Back, without a look at anything that could be missing or broken: not even the run has to be there."""
    try:
        name = load_plan(Path(args.run)).name
    except (ConfigError, OSError):
        name = _name_of(state, Path(args.run))
    endpoint = f"{PROVIDER}/{name}"
    over = off(state, endpoint, leave, note)
    if not over:
        raise BadRequest(
            f"{endpoint} is off already", remedy="`freehold own status` shows where each model stands."
        )
    lines = (f"{endpoint}: {one.stage} -> off at {one.alias}, by {leave.who}" for one in over)
    print_result(args, {"off": over}, lines)
    return OK


def _name_of(state: Path, run: Path) -> str:
    """The model that was published from a run which is no longer there; else as the run is called."""
    with suppress(FreeholdError):
        folders = {Path(entry.folder).parent: entry.name for entry in registered(state).values()}
        return folders.get(run.resolve(), run.name)
    return run.name


def _published(config: Config, state: Path, run: str) -> Place:
    plan = load_plan(Path(run))
    entry = registered(state).get(plan.name)
    if entry is None or Path(entry.folder).parent != Path(run).resolve():
        remedy = f"Run `freehold own publish {run}` first."
        raise BadRequest(f"{PROVIDER}/{plan.name} is not published from {run}", remedy=remedy)
    return _place(config, state, entry)


def status(args: Namespace) -> int:
    """Where each own model stands, and what its next step lacks."""
    config, state = config_and_state(args)
    entries = registered(state)
    if args.model and args.model.removeprefix(f"{PROVIDER}/") not in entries:
        raise NotFound(f"{args.model} is not published", remedy=f"Known are: {', '.join(entries) or 'none'}.")
    named = [entries[args.model.removeprefix(f"{PROVIDER}/")]] if args.model else list(entries.values())
    found = [_standing(config, state, entry) for entry in named]
    lines = _lines(found[0]) if args.model else table(_STATUS, list(map(_row, found)))
    print_result(args, found, lines)
    return OK


def _standing(config: Config, state: Path, entry: Entry) -> Standing:
    """Also where a run is gone, or its plan names no alias."""
    try:
        return standing(_place(config, state, entry), clock.now_ms())
    except FreeholdError as error:
        found = Standing(
            entry.endpoint,
            entry.kind,
            "",
            Stage.OFF,
            entry.digest,
            missing=(f"{error}. {error.remedy}",),
        )
        orders = (one for one in promotion_order.read(state).promotions if one.endpoint == entry.endpoint)
        order = next((one for one in orders if one.stage is not Stage.OFF), None)
        if order is None:
            return found
        return replace(
            found, alias=order.alias, stage=order.stage, in_force=order.stage, since_ms=order.since_ms
        )


def _place(config: Config, state: Path, entry: Entry) -> Place:
    run = Path(entry.folder).parent
    plan = load_plan(run)
    alias = plan.promote.alias
    written = config.aliases.get(alias)
    others = [
        one.endpoint
        for one in promotion_order.read(state).promotions
        if one.alias == alias and one.stage is Stage.DEFAULT and one.endpoint != entry.endpoint
    ]
    return Place(
        state, run, plan, entry, (*others, *(settings_of(written).pool if written else ())), config.own
    )


def _see_configured(config: Config, place: Place) -> None:
    """Raises ConfigError where the gateway could not ask it."""
    if PROVIDER not in config.providers:
        remedy = "Add an empty table [providers.own] to freehold.toml."
        raise ConfigError("no gateway asks own models", remedy=remedy)
    if place.alias not in config.aliases:
        meant = nearest(place.alias, list(config.aliases))
        remedy = f"Did you mean {meant}?" if meant else "Add it to [aliases] of freehold.toml."
        raise ConfigError(f"{place.run}/own.toml: nobody is called `{place.alias}`", remedy=remedy)


def _lines(found: Standing) -> Iterator[str]:
    since = f" since {_day(found.since_ms)}, allowed by {found.who}" if found.since_ms else ""
    yield f"{found.model} at {found.alias or 'no alias'}: {found.stage}{since}"
    if found.in_force is not found.stage:
        yield f"the gateway has it at {found.in_force}, by a step that nobody took for these files: `--to off` ends it"
    if found.rolled_back:
        yield f"taken back by the gateway: {found.rolled_back}; live evidence counts anew"
    if found.tries > 1:
        yield f"these files were put into shadow {found.tries} times: live evidence has to be the stronger for it"
    if found.evaluations > 1:
        yield f"it was evaluated {found.evaluations} times since it last was the default: so has its evaluation"
    yield from _evidence(found)
    if found.next is not None:
        yield f"next: {found.next}" + ("" if found.missing else ", nothing is missing")
    yield from (f"missing: {one}" for one in found.missing)


def _evidence(found: Standing) -> Iterator[str]:
    if found.evidence:
        yield from table(_HEAD, list(map(_evidence_row, found.evidence)))
    if found.live is not None:
        out = f"; {found.left_out} copies say nothing of the model" if found.left_out else ""
        yield f"live pairs compare: answered, without a finding{out}"
    if (seen := found.canary) is not None:
        p95 = "" if seen.p95_ms is None else f", 95 in 100 within {seen.p95_ms:.0f} ms"
        yield f"answers to callers: {seen.answers}, {seen.failed} failed, {seen.findings} with a finding{p95}"


def _evidence_row(one: Evidence) -> tuple[str, ...]:
    it = one.difference
    shown = "-" if it is None else f"{it.estimate:+.3f} ({it.low:+.3f} to {it.high:+.3f})"
    return (
        one.source,
        one.against,
        str(one.pairs),
        str(one.clusters),
        shown,
        f"{one.e_value:.3g}",
        one.words,
    )


def _row(one: Standing) -> tuple[str, ...]:
    evaluated = _verdicts(one.evaluated)
    live = "-" if one.live is None else f"{one.live.pairs} pairs: {one.live.verdict}"
    since = _day(one.since_ms) if one.since_ms else "-"
    strange = [f"in force as {one.in_force} without a step"] if one.in_force is not one.stage else []
    back = [f"taken back: {one.rolled_back}"] if one.rolled_back else []
    lacks = "; ".join((*strange, *back, *one.missing)) or "-"
    placed = (one.model, one.kind.value, one.alias or "-", one.stage.value, since)
    return (*placed, evaluated, live, one.next.value if one.next else "-", lacks)


def _verdicts(found: Sequence[Evidence]) -> str:
    return ", ".join(f"{one.source}: {one.verdict}" for one in found) or "-"


def _day(at_ms: int) -> str:
    return clock.utc(at_ms).strftime("%Y-%m-%d %H:%M")
