"""The steps of a promotion: off, shadow, canary, default; up one at a time and on evidence, down at any time.

What is done is on the ledger, durably, before the gateway can read it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from freehold.gateway import promotion_order
from freehold.gateway.promotion_order import Promotion, Stage, about_of
from freehold.ledger.query import events
from freehold.own.promote.evidence import Evidence
from freehold.own.promote.knobs import Promote
from freehold.own.promote.standing import ORDER, PROMOTED, Place, Standing
from freehold.own.publish.registry import Entry
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Plain

Note = Callable[[str, Mapping[str, Plain]], object]  # puts an event on the ledger; raises LedgerUnavailable


class Leave(NamedTuple):
    """When a step was allowed, by whom and why."""

    at_ms: int
    who: str
    why: str


def wanted(found: Standing, to: str) -> Stage:
    """The stage that is asked for; the next one where none is named. Raises BadRequest where it cannot be taken."""
    if not to:
        if found.next is None:
            raise BadRequest(f"{found.model} is the default already", remedy="Take it back with `--to off`.")
        return found.next
    stage = Stage(to)
    if stage is found.stage:
        raise BadRequest(
            f"{found.model} is at {stage} already", remedy="`freehold own status` shows where it stands."
        )
    if ORDER.index(stage) > ORDER.index(found.stage) + 1:
        raise BadRequest(
            f"from {found.stage} the next step is {found.next}, not {stage}",
            remedy=f"No step is skipped: `freehold own promote RUN --to {found.next}`.",
        )
    return stage


def allowed(found: Standing, to: Stage) -> bool:
    """Whether a step may be taken: down always, up where nothing is missing."""
    return ORDER.index(to) < ORDER.index(found.stage) or not found.missing


def take(place: Place, found: Standing, to: Stage, leave: Leave, note: Note) -> Promotion:
    """Take a step, and say who allowed it and on what evidence. Raises LedgerUnavailable: then it is not taken."""
    knobs = place.plan.promote
    step = Promotion(
        _id(leave),
        found.alias,
        found.model,
        to,
        _share(to, knobs),
        knobs.applications if to is Stage.CANARY else (),
        knobs.canary_min,
        knobs.errors_max,
        knobs.findings_max,
        knobs.p95_ms_max,
        *leave,
    )
    about = about_of(step) | {"from": found.stage.value, "publication": found.publication}
    note(PROMOTED, about | {"delta": knobs.delta, "alpha": knobs.alpha} | _told(found))
    promotion_order.put(place.state, step)
    return step


def off(state: Path, endpoint: str, leave: Leave, note: Note) -> list[Promotion]:
    """Take a model off every alias, whatever is known of it; what was in force. Raises LedgerUnavailable."""
    return _off(state, [one for one in _in_force(state) if one.endpoint == endpoint], leave, note)


def withdraw(state: Path, entry: Entry, who: str, note: Note) -> None:
    """Take a model off every alias where a step was taken for other files of that name. Raises LedgerUnavailable."""
    of = {one.about.get("promotion"): one.about.get("publication") for one in events(state, PROMOTED)}
    mine = (one for one in _in_force(state) if one.endpoint == entry.endpoint)
    others = [one for one in mine if of.get(one.id) != entry.digest]
    _off(state, others, Leave(entry.at_ms, who, "other files are published under its name"), note)


def _in_force(state: Path) -> list[Promotion]:
    return [one for one in promotion_order.read(state).promotions if one.stage is not Stage.OFF]


def _off(state: Path, orders: list[Promotion], leave: Leave, note: Note) -> list[Promotion]:
    for one in orders:
        since_ms, who, why = leave
        over = replace(one, id=_id(leave), stage=Stage.OFF, since_ms=since_ms, who=who, why=why)
        note(PROMOTED, about_of(over) | {"from": one.stage.value})
        promotion_order.put(state, over)
    return orders


def _id(leave: Leave) -> str:
    return f"p{leave.at_ms:011x}{os.urandom(4).hex()}"


def _share(to: Stage, knobs: Promote) -> float:
    return {Stage.SHADOW: knobs.shadow_share, Stage.CANARY: knobs.canary_share}.get(to, 1.0)


def _told(found: Standing) -> dict[str, Plain]:
    """The evidence, as an event holds it."""
    told: dict[str, Plain] = {
        "evidence": tuple(f"{one.source}: {one.words}, {_figures(one)}" for one in found.evidence),
        "digests": tuple(one.digest for one in found.evidence),
    }
    if found.canary is not None:
        seen = found.canary
        told["canary"] = f"{seen.answers} answers, {seen.failed} failed, {seen.findings} with a finding"
    return told


def _figures(one: Evidence) -> str:
    shown = "" if one.difference is None else f", {one.difference.estimate:+.3f}"
    return f"{one.pairs} pairs{shown}, e = {one.e_value:.3g}"
