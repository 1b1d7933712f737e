"""Runs audits inside a gateway of the command's own: prices, scores, progress, and what is printed."""

import asyncio
import math
import sys
import textwrap
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace as changed

from freehold.audits.folder import Folder, new_id
from freehold.audits.judging import Judging
from freehold.audits.kinds import Design, placed
from freehold.audits.plan import Limits, protocol
from freehold.audits.running import Means, Run
from freehold.catalog.resolve import Resolved
from freehold.cli.as_json import print_result
from freehold.cli.audit_scores import scorer
from freehold.cli.audit_sealed import opening
from freehold.cli.output import CANNOT_SERVE, OK, PROBLEMS, USAGE, Stop, tell
from freehold.cli.period import span_in
from freehold.cli.settings import configured, resolution
from freehold.config.environment import environment
from freehold.config.load import Loaded, load_all
from freehold.config.schema import Audits
from freehold.gateway.inside import Inside, inside
from freehold.gateway.rulebook import Rulebook, rulebook, rulebook_problems
from freehold.vocabulary.errors import BadRequest, ConfigError, FreeholdError
from freehold.vocabulary.report import AuditReport, AuditVerdict

APPLICATION = "audit"
WIDTH = 110
ACCUSING = (AuditVerdict.DIFFERENT, AuditVerdict.WORSE)


class Place(NamedTuple):
    """The configuration that an audit works with."""

    resolved: Resolved
    rules: Rulebook
    state: Path

    def with_audits(self, knobs: Audits) -> "Place":
        """The same with other settings for audits."""
        config = changed(self.resolved.config, audits=knobs)
        return self._replace(resolved=replace(self.resolved, config=config))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that can be asked: aliases and ids of endpoints."""
        return tuple({*self.resolved.aliases, *self.endpoints})

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The ids of endpoints, but for patterns."""
        return tuple(sorted(name for name in self.resolved.endpoints if "*" not in name))


def place_of(args: Namespace) -> Place:
    """The configuration, its policies and facts. Stops where they cannot be used."""
    env = environment()
    path = configured(args, env)
    if path is None:
        remedy = "Write one with `freehold init`, or name one with --config."
        raise Stop(
            USAGE, ConfigError("there is no configuration, so that nobody can be asked", remedy=remedy)
        )
    loaded = load_all(path)
    found = resolution(loaded, env)
    if found.resolved is None or not isinstance(loaded, Loaded):
        raise Stop(USAGE, *found.errors)
    state = Path(found.resolved.config.state_dir).absolute()
    if problems := list(rulebook_problems(found.resolved.config, state, loaded.document)):
        raise Stop(USAGE, *problems)
    return Place(found.resolved, rulebook(found.resolved.config, state), state)


def settings_of(args: Namespace, place: Place) -> dict[str, Any]:
    """How everybody is asked."""
    headers = {"x-freehold-data-class": args.data_class} if args.data_class else {}
    return {
        "system": args.system,
        "temperature": args.temperature,
        "max_tokens": args.max_tokens or place.resolved.config.audits.answer_tokens,
        "headers": headers,
    }


def limits_of(args: Namespace, place: Place, prompts: int, *, forever: bool = False) -> Limits:
    """When a run ends at the latest. Raises BadRequest."""
    knobs = place.resolved.config.audits
    see_limits(args)
    units = args.prompts or prompts
    if units > prompts and not forever:
        units = prompts
    over = span_in(args.over, "--over").total_seconds() if args.over else 0.0
    return Limits(
        units=None if forever else units,
        usd=knobs.usd if args.usd is None else args.usd,
        calls=args.calls or knobs.calls,
        pace_s=over / max(1, units),
        at_once=knobs.at_once,
    )


def see_limits(args: Namespace) -> None:
    """Raises BadRequest for a limit that limits nothing, or everything."""
    for name, least in (("usd", 0), ("calls", 1), ("prompts", 1)):
        given = getattr(args, name)
        if given is not None and not least <= given < math.inf:  # nor nan, than which nothing is more
            raise BadRequest(f"--{name} {given:g} is no limit", remedy=f"Write a number from {least} on.")


def margin_of(args: Namespace, place: Place) -> float:
    """The difference that "same so far" rules out. Raises BadRequest."""
    margin = place.resolved.config.audits.margin if args.margin is None else args.margin
    if not 0 < margin < 0.5:
        raise BadRequest(f"--margin {margin:g} is no margin", remedy="Write a share below a half, like 0.15.")
    return float(margin)


def begin(args: Namespace, place: Place, design: Design, *, forever: bool = False) -> Folder:
    """Fix a protocol, and make its folder. Raises BadRequest."""
    see_names({one.ask for one in design.arms} | {design.aim.judge} - {""}, place.names)
    limits = limits_of(args, place, len(design.prompts), forever=forever)
    fixed = protocol(
        new_id(),
        design.aim,
        design.arms,
        design.prompts,
        limits,
        place.resolved.config.audits,
        seed=args.seed,
    )
    folder = Folder.create(place.state, fixed)
    if design.samples:
        with folder.appending() as samples:
            for one in placed(fixed, design.samples):
                samples.add(one)
    return folder


def run_to_its_end(args: Namespace, place: Place, folder: Folder, *, units: int | None = None) -> AuditReport:
    """Run it in a gateway of the command's own. Raises BadRequest for a name that nothing has."""
    return asyncio.run(_run(args, place, folder, units))


async def _run(args: Namespace, place: Place, folder: Folder, units: int | None) -> AuditReport:
    async with inside(place.resolved, place.rules, state=place.state, application=APPLICATION) as call:
        return await run_one(args, call, folder, units)


async def run_one(args: Namespace, call: Inside, folder: Folder, units: int | None = None) -> AuditReport:
    """One run, to its end. Raises BadRequest for a name that nothing has."""
    fixed = folder.protocol
    see_names({arm["ask"] for arm in fixed["arms"]} | {fixed["judge"]} - {""}, call.names)
    if not args.json:
        print(
            f"{folder.id}: {fixed['kind']} {fixed['subject']}; protocol {folder.digest[:16]}", file=sys.stderr
        )
    score = scorer(fixed, folder.path)
    clear = opening(folder.path.parent.parent, folder).clear
    means = Means(call, call.note, call.price_usd_per_mtok, score, _looks(folder.id), clear)
    report = await Run(folder, means, units).to_its_end()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    return report


def see_names(wanted: set[str], known: Sequence[str]) -> None:
    """Raises BadRequest for a name that is neither an alias nor an endpoint's id."""
    for name in sorted(wanted - set(known)):
        shown = ", ".join(sorted(known)[:12]) or "none"
        raise BadRequest(
            f"nothing is called {name!r} here", remedy=f"Ask for an alias or an endpoint: {shown}."
        )


def _looks(name: str) -> Callable[[Judging, float], None]:
    """Live progress, in one line, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda judging, spent: None

    def look(judging: Judging, spent: float) -> None:
        placebo = judging.measure.placebo_log_e
        beside = "" if placebo is None else f", placebo {shown_e(2.718281828 ** min(placebo, 600))}"
        e_value = shown_e(2.718281828 ** min(judging.measure.log_e, 600))
        sys.stderr.write(
            f"\r\x1b[K{name}: {judging.units} prompts, {judging.calls} calls, {spent:.4f} USD, e {e_value}{beside}"
        )
        sys.stderr.flush()

    return look


def tell_report(args: Namespace, report: AuditReport) -> int:
    """Print a report, and say with the exit code whether there is something to look at."""
    print_result(args, report, told(report), indent=-1 if getattr(args, "forever", False) else 2)
    return standing(report)


def standing(report: AuditReport) -> int:
    """The exit code that a report amounts to."""
    if report.verdict in ACCUSING:
        return PROBLEMS
    if report.calls and report.failed >= report.calls:
        remedy = "See `freehold ledger tail`: it tells what was tried."
        return tell(CANNOT_SERVE, FreeholdError("no call got an answer", remedy=remedy))
    return OK


def told(report: AuditReport) -> Iterator[str]:
    """A report in words."""
    yield f"{report.kind}: {report.subject} ({report.audit})"
    placebo = "" if report.placebo_e is None else f"; placebo {shown_e(report.placebo_e)}"
    rows: Mapping[str, str | None] = {
        "verdict": report.verdict.value.upper(),
        "effect": report.effect,
        "evidence": f"e = {shown_e(report.e_value)}{placebo} (an accusation needs 1,000, and a placebo below 20)",
        "could have found": report.detectable,
        "more calls": None if report.more_calls is None else f"about {report.more_calls:,} until it can tell",
        "may also be": "; ".join(report.innocent) or None,
        "calls": f"{report.calls:,}, {report.failed} without an answer, {_cost(report.cost_usd)}",
        "note": "; ".join(report.notes) or None,
        "protocol": report.protocol or None,
    }
    for name, value in rows.items():
        if value is not None:
            yield textwrap.fill(
                "".join(letter if letter.isprintable() else " " for letter in value),
                WIDTH,
                initial_indent=f"  {name:<17}",
                subsequent_indent=" " * 19,
                break_on_hyphens=False,
            )


def shown_e(value: float) -> str:
    """An e-value as people read it."""
    if value >= 1e6:
        return f"{value:.0e}"
    return f"{value:,.0f}" if value >= 20 else f"{value:.2g}"


def _cost(usd: float | None) -> str:
    return "cost unknown" if usd is None else f"{usd:.4f} USD"
