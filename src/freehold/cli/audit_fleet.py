"""`freehold audit fleet`: every endpoint of the configuration against its baseline."""

import asyncio
from argparse import Namespace
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from freehold.audits.fleet import fleet_protocol, fleet_report, levels_for
from freehold.audits.folder import Folder, new_id
from freehold.audits.kinds import EVERYDAY, baseline, baseline_of, prompts_of, since
from freehold.audits.running import BEGUN, ENDED
from freehold.cli.audit_run import (
    APPLICATION,
    Place,
    begin,
    place_of,
    run_one,
    see_limits,
    settings_of,
    tell_report,
)
from freehold.cli.audit_watch import stream_of
from freehold.cli.output import USAGE, Stop
from freehold.gateway.inside import Inside, inside
from freehold.vocabulary.errors import ConfigError
from freehold.vocabulary.exchange import Plain
from freehold.vocabulary.report import AuditReport

AT_ONCE = 8  # endpoints; each asks as many prompts at once as [audits] allows
Visits = Mapping[
    str, tuple[Folder, int | None]
]  # by endpoint: its run, and how many prompts it may have been asked


def run(args: Namespace) -> int:
    """Compare every endpoint with its baseline; of those that have none, take one."""
    place = place_of(args)
    see_limits(args)
    endpoints = place.endpoints
    if not endpoints:
        raise Stop(USAGE, ConfigError("the configuration has no endpoint", remedy="Add one to an alias."))
    strict = levels_for(place.resolved.config.audits, len(endpoints))
    place = place.with_audits(replace(strict, usd=_budget(args, strict.usd) / len(endpoints)))
    args.usd = None
    visits = {name: _visit(args, place, name) for name in endpoints}
    fixed = fleet_protocol(
        new_id(), {folder.id: folder.protocol for folder, _ in visits.values()}, strict.alpha
    )
    whole = Folder.create(place.state, fixed)
    report = asyncio.run(_run(args, place, whole, visits))
    return tell_report(args, report)


def _budget(args: Namespace, usual: float) -> float:
    return usual if args.usd is None else float(args.usd)


def _visit(args: Namespace, place: Place, endpoint: str) -> tuple[Folder, int | None]:
    if args.tokens:
        return stream_of(args, place, endpoint)
    taken = baseline_of(place.state, endpoint, "baseline")
    if taken is None:
        prompts = prompts_of(args.probes or [EVERYDAY])
        return begin(args, place, baseline(endpoint, prompts, settings_of(args, place))), None
    return begin(args, place, since(endpoint, taken, place.resolved.config.audits.margin)), None


async def _run(args: Namespace, place: Place, whole: Folder, visits: Visits) -> AuditReport:
    free = asyncio.Semaphore(AT_ONCE)
    async with inside(place.resolved, place.rules, state=place.state, application=APPLICATION) as call:
        about: dict[str, Plain] = {"audit": whole.id, "protocol": whole.digest}
        call.note(BEGUN, about | {"kind": "fleet"})
        reports = await asyncio.gather(*(_one(args, call, *visit, free) for visit in visits.values()))
        report = _summed(whole, list(visits.values()), reports)
        call.note(ENDED, about | {"verdict": report.verdict.value, "report": whole.write_report(report)})
    return report


async def _one(
    args: Namespace, call: Inside, folder: Folder, units: int | None, free: asyncio.Semaphore
) -> AuditReport:
    async with free:
        return await run_one(args, call, folder, units)


def _summed(
    whole: Folder, visits: Sequence[tuple[Folder, int | None]], reports: Sequence[AuditReport]
) -> AuditReport:
    """What was compared, and what only gave its baseline."""
    compared, baselines = list[AuditReport](), list[AuditReport]()
    for (folder, units), report in zip(visits, reports, strict=True):
        fixed = folder.protocol
        first = fixed["statistic"] == "baseline" or units == fixed["baseline_units"]
        (baselines if first else compared).append(report)
    return fleet_report(whole.protocol, whole.digest, compared, baselines)
