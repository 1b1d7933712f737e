"""What a drill's numbers say, in sentences: each follows from numbers of the report by a fixed rule, and names them."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from freehold.drills.dataside import DataSide
from freehold.drills.legs import Legs
from freehold.drills.rehearsal import BEFORE, DURING, Rehearsal
from freehold.drills.simulation import Line, Load, Simulation
from freehold.ledger.exposure import Held

SHOWN = 5  # of one kind, the largest
SMALL = 0.0005  # shares below are told as none
FIRST = ("served", "traffic")  # what a report begins with
NOTABLE = 0.05  # of cost, latency or share


class Weight(StrEnum):
    """How much it matters."""

    SERIOUS, NOTABLE, NOTED = "serious", "notable", "noted"


class Finding(Struct, frozen=True):
    """One sentence."""

    name: str  # stable: "leg.chat"
    weight: Weight
    says: str
    rests_on: str  # the path of the number in the report


def findings(
    found: Simulation,
    rehearsal: Rehearsal | None,
    data: DataSide,
    held_under: Iterable[Held] | None,
    stands: Iterable[Legs],
) -> tuple[Finding, ...]:
    """All of them: first what becomes of service, then the weightiest."""
    parts = (
        _served(found.total),
        _lost(found.lines),
        _refused(found.total),
        _standing(stands),
        _loads(found.loads),
        _money_and_time(found.total),
        _quality(found.total),
        _concentration(found),
        _fates(found),
        _behind(data),
        _unseen(data),
        _held_under(data, held_under or ()),
        () if rehearsal is None else _rehearsed(rehearsal),
    )
    order = tuple(Weight)
    found_ones = (one for part in parts for one in part)
    return tuple(sorted(found_ones, key=lambda one: (one.name not in FIRST, order.index(one.weight))))


def percent(share: float) -> str:
    """A share as one reads it: no rounding makes something of nothing, or all of nearly all."""
    if 0 < share < SMALL:
        return "less than 0.1 %"
    if 1 - SMALL < share < 1:
        return "more than 99.9 %"
    return f"{100 * share:.3g} %" if share < 0.1 else f"{100 * share:.1f} %".replace(".0 %", " %")


def _served(total: Line) -> Iterator[Finding]:
    if not total.exchanges:
        yield Finding(
            "traffic", Weight.SERIOUS, "There was no traffic in the period.", "simulation.exchanges"
        )
        return
    less = total.served_before - total.served_after
    weight = Weight.SERIOUS if less > NOTABLE else Weight.NOTABLE if less > SMALL else Weight.NOTED
    says = (
        f"Of {total.exchanges:,} exchanges, {percent(total.served_before)} were served; under the scenario "
        f"{percent(total.served_after)} would be."
    )
    yield Finding("served", weight, says, "simulation.total.served_after")


def _lost(lines: Iterable[Line]) -> Iterator[Finding]:
    hit = sorted((line for line in lines if line.lost > 0), key=lambda line: -line.lost * line.exchanges)
    for line in islice(hit, SHOWN):
        says = (
            f"Application {line.application} would have nobody left for {percent(line.lost)} of its requests for "
            f"{line.alias}: every endpoint that policy allows is lost."
        )
        path = f"simulation.lines[application={line.application},alias={line.alias}].lost"
        yield Finding(f"lost.{line.application}.{line.alias}", Weight.SERIOUS, says, path)


def _refused(total: Line) -> Iterator[Finding]:
    for rule, share in islice(total.refused.items(), SHOWN):
        says = f"{percent(share)} of all requests are refused by {rule}."
        weight = Weight.NOTABLE if share > NOTABLE else Weight.NOTED
        yield Finding(f"refused.{rule}", weight, says, f"simulation.total.refused[{rule}]")
    if total.limited > 0:
        says = (
            f"For {percent(total.limited)} of all requests no survivor has room within its known rate limits."
        )
        yield Finding("limited", Weight.SERIOUS, says, "simulation.total.limited")


def _standing(stands: Iterable[Legs]) -> Iterator[Finding]:
    for one in stands:
        path = f"legs[alias={one.alias}].endpoints_after"
        if not one.endpoints_after:
            says = f"Alias {one.alias} falls: of some of its requests nobody is left who may answer."
            yield Finding(f"leg.{one.alias}", Weight.SERIOUS, says, path)
        elif one.endpoints_after == 1:
            was = "did already" if one.endpoints_before == 1 else f"stood on {one.endpoints_before}"
            says = f"Alias {one.alias} stands on one leg: a single endpoint is left; before, it {was}."
            yield Finding(f"leg.{one.alias}", Weight.NOTABLE, says, path)
        elif not one.firm:
            known = "only one company" if one.after["parent"] else "no company"
            says = (
                f"Alias {one.alias} has {one.endpoints_after} endpoints left; {known} behind them is known."
            )
            yield Finding(f"leg.{one.alias}", Weight.NOTABLE, says, f"legs[alias={one.alias}].after.parent")


def _loads(loads: Iterable[Load]) -> Iterator[Finding]:
    for load in loads:
        for what, after, limit in (
            ("requests", load.requests_after, load.requests_limit),
            ("tokens", load.tokens_after, load.tokens_limit),
        ):
            if limit and after > limit:
                says = (
                    f"In its busiest minute the load on {load.endpoint} is {after / limit:.1f} times its limit of "
                    f"{limit:,} {what} a minute."
                )
                path = f"simulation.loads[endpoint={load.endpoint}].{what}_after"
                yield Finding(f"load.{load.endpoint}.{what}", Weight.SERIOUS, says, path)


def _money_and_time(total: Line) -> Iterator[Finding]:
    for name, unit, values, parts in (
        (
            "cost",
            "USD in all",
            (total.cost_before_usd, total.cost_after_usd),
            (total.unpriced_before, total.unpriced),
        ),
        (
            "latency",
            "ms for a whole answer",
            (total.latency_before_ms, total.latency_after_ms),
            (total.untimed_before, total.untimed),
        ),
    ):
        field = f"simulation.total.{name}_after_{'usd' if name == 'cost' else 'ms'}"
        before, after = values
        if before is None or after is None:
            yield Finding(name, Weight.NOTABLE, f"What becomes of {name} is not known.", field)
            continue
        change = (after - before) / before if before else 0.0
        alike = abs(parts[0] - parts[1]) < NOTABLE  # else the two are of other requests
        known = f" ({change:+.0%})" if alike else ""
        whose = ("was served", "would be")
        unknown = [f"{percent(part)} of what {one}" for part, one in zip(parts, whose, strict=True) if part]
        open_part = f"; of {' and '.join(unknown)} it is not known, and left out" if unknown else ""
        fewer = name == "cost" and total.served_before - total.served_after > SMALL
        less = "; what is no longer served costs nothing" if fewer else ""
        says = f"{name.capitalize()} goes from {before:,.4g} to {after:,.4g} {unit}{known}{open_part}{less}."
        is_notable = change > NOTABLE or not alike
        yield Finding(name, Weight.NOTABLE if is_notable else Weight.NOTED, says, field)


def _quality(total: Line) -> Iterator[Finding]:
    found, path = total.quality, "simulation.total.quality"
    if found is None:
        yield Finding("quality", Weight.NOTABLE, "What becomes of quality is not known.", path)
        return
    beside = (
        f"; {percent(total.unmeasured)} moved to or from who was never measured" if total.unmeasured else ""
    )
    says = (
        f"Quality changes by {100 * found.estimate:+.1f} points of 100 ({found.confidence:.0%} interval "
        f"{100 * found.low:+.1f} to {100 * found.high:+.1f}){beside}."
    )
    weight = Weight.SERIOUS if found.high < 0 else Weight.NOTABLE if found.low < 0 else Weight.NOTED
    yield Finding("quality", weight, says, path)


def _concentration(found: Simulation) -> Iterator[Finding]:
    for one in found.concentration:
        before, after = one.effective_before, one.effective_after
        if one.by == "parent" and before is not None and after is not None:
            word = "narrows" if after < before else "widens" if after > before else "stays"
            says = (
                f"Traffic {word}: it is spread over the equivalent of {after:.2f} equally large companies; before, "
                f"of {before:.2f}."
            )
            weight = Weight.NOTABLE if after < before - NOTABLE else Weight.NOTED
            yield Finding("concentration.parent", weight, says, "simulation.concentration[by=parent]")


def _fates(found: Simulation) -> Iterator[Finding]:
    unknown = [fate.endpoint for fate in found.fates if fate.fate == "unknown"]
    if unknown:
        shown = ", ".join(unknown[:SHOWN]) + (
            f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        )
        says = f"Whether the scenario hits these is not known, so they count as lost until the fact is stated: {shown}."
        yield Finding("fates.unknown", Weight.NOTABLE, says, "simulation.fates[fate=unknown]")


def _behind(data: DataSide) -> Iterator[Finding]:
    for held in data.held:
        if held.there:
            parts = ((held.without_limit, "without limit"), (held.unknown, "nobody knows how long"))
            told = ", ".join(f"{count:,} {how}" for count, how in parts if count)
            says = f"{held.provider} may still hold {held.there:,} prompts{f' ({told})' if told else ''}."
            weight = Weight.SERIOUS if held.without_limit or held.unknown else Weight.NOTABLE
            yield Finding(f"held.{held.provider}", weight, says, f"data_side.held[provider={held.provider}]")
    for one in data.artefacts:
        path = f"data_side.artefacts[kind={one.kind}].seen"
        if one.seen:
            says = f"{one.seen:,} exchanges used {one.kind}. {one.means}"
            yield Finding(f"behind.{one.kind}", Weight.NOTABLE, says, path)


def _held_under(data: DataSide, under: Iterable[Held]) -> Iterator[Finding]:
    """What a change of promises makes of prompts that were sent."""
    was = {held.provider: held.there for held in data.held}
    for held in under:
        if held.there > was.get(held.provider, 0):
            says = (
                f"By the scenario's terms {held.provider} would still hold {held.there:,} prompts of the period, in "
                f"place of {was.get(held.provider, 0):,}."
            )
            path = f"held_under[provider={held.provider}]"
            yield Finding(f"held_under.{held.provider}", Weight.SERIOUS, says, path)


def _unseen(data: DataSide) -> Iterator[Finding]:
    unknown = [one for one in data.artefacts if one.unknown]
    if unknown:
        most = max(one.unknown for one in unknown)
        says = (
            f"Lost endpoints answered {data.answered:,} exchanges. Whether they used "
            f"{', '.join(one.kind for one in unknown)}, nobody can tell of up to {most:,} of them."
        )
        yield Finding("behind.unknown", Weight.NOTABLE, says, "data_side.artefacts")


def _rehearsed(one: Rehearsal) -> Iterator[Finding]:
    bad = len(one.violations)
    says = (
        f"In {bad} exchanges a prompt went where policy does not allow it."
        if bad
        else "No prompt went astray."
    )
    yield Finding(
        "rehearsal.violations", Weight.SERIOUS if bad else Weight.NOTED, says, "rehearsal.violations"
    )
    if not one.met:
        says = "No request of the rehearsal met the fault: it shows nothing of who would carry on."
        yield Finding("rehearsal.unmet", Weight.SERIOUS, says, "rehearsal.detected")
    elif one.restored is None:
        says = "Service was not restored while it was measured."
        yield Finding("rehearsal.restored", Weight.SERIOUS, says, "rehearsal.restored")
    elif one.restored.after_ms:
        says = f"Service was restored {one.restored.after_ms / 1000:,.1f} s after the fault began."
        yield Finding("rehearsal.restored", Weight.NOTABLE, says, "rehearsal.restored.after_ms")
    else:
        yield Finding(
            "rehearsal.restored", Weight.NOTED, "No request failed in the rehearsal.", "rehearsal.restored"
        )
    yield from _noticed(one)
    for phase in one.phases:
        if phase.name == DURING and phase.failed is not None and phase.failed.estimate > 0:
            says = (
                f"{percent(phase.failed.estimate)} of {phase.exchanges:,} requests failed during the fault."
            )
            yield Finding("rehearsal.failed", Weight.SERIOUS, says, "rehearsal.phases[name=during].failed")


def _noticed(one: Rehearsal) -> Iterator[Finding]:
    """What answers of the fault had more often than those before it: refusals, above all."""
    parts = {phase.name: phase for phase in one.phases}
    before, during = parts[BEFORE], parts[DURING]
    if not before.exchanges or not during.exchanges:
        return
    was, now = (0.0 if part.refused is None else part.refused.estimate for part in (before, during))
    if now > was:
        says = f"Policy refused {percent(now)} of the requests during the fault; before, {percent(was)}."
        yield Finding("rehearsal.refused", Weight.SERIOUS, says, "rehearsal.phases[name=during].refused")
    for kind, count in during.findings.items():
        was, now = before.findings.get(kind, 0) / before.exchanges, count / during.exchanges
        if now - was > NOTABLE:
            says = f"{percent(now)} of the requests during the fault had the finding {kind}; before, {percent(was)}."
            path = f"rehearsal.phases[name=during].findings[{kind}]"
            yield Finding(f"rehearsal.finding.{kind}", Weight.NOTABLE, says, path)
