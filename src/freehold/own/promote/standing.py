"""Where an own model stands at its alias: its stage, the evidence for it, and what the next step lacks.

A step counts for the files that were published when it was taken. Other files under the same name start from off.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from freehold.config.document import read
from freehold.config.schema import Own
from freehold.gateway import promotion_order
from freehold.gateway.promotion_order import TAKEN_BACK, Promotion, Stage
from freehold.ledger.query import events
from freehold.own.artefact import Kind
from freehold.own.evaluate import report
from freehold.own.plan import FILE, Plan
from freehold.own.promote import answers, live
from freehold.own.promote.evidence import LIVE, Evidence, judged, spent
from freehold.own.promote.knobs import Promote
from freehold.own.promote.live import Canary, Twin
from freehold.own.publish.registry import Entry
from freehold.own.stage import digest_of, inputs_of, made
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Event

PROMOTED = "own-promoted"  # the kind of event that says: somebody took a model a step on, or back
EVALUATE, TRAIN, PUBLISH = "evaluate", "train", "publish"
NEXT = {Stage.OFF: Stage.SHADOW, Stage.SHADOW: Stage.CANARY, Stage.CANARY: Stage.DEFAULT}
ORDER = tuple(Stage)


class Place(NamedTuple):
    """A published model, its run, and whom its alias asks today."""

    state: Path
    run: Path
    plan: Plan
    entry: Entry
    pool: tuple[str, ...]  # endpoints that answer for the alias, the first of them first
    most: Own = Own()  # what the company lets a plan ask for

    @property
    def alias(self) -> str:
        return self.plan.promote.alias


class Standing(Struct, frozen=True, omit_defaults=True):
    """One model at one alias."""

    model: str  # own/NAME
    kind: Kind
    alias: str
    stage: Stage
    publication: str  # the digest of its files
    in_force: Stage = (
        Stage.OFF
    )  # as the gateway reads it; another than `stage` by a step that nobody took for these files
    since_ms: int = 0
    who: str = ""
    why: str = ""
    rolled_back: str = ""  # why a gateway took it back, if that was the last that happened
    tries: int = 0  # how often these files were put into shadow
    evaluations: int = 0  # that came to other pairs, under this name since it last became the default
    evaluated: tuple[Evidence, ...] = ()
    live: Evidence | None = None
    ruled: Evidence | None = None  # of live pairs whose words or predictions were compared
    left_out: int = 0  # copies that say nothing about the model
    canary: Canary | None = None
    next: Stage | None = None
    missing: tuple[str, ...] = ()  # what the next step lacks; nothing: it may be taken

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All that there is."""
        return (*self.evaluated, *(one for one in (self.live, self.ruled) if one))


class _Past(NamedTuple):
    """What the ledger says of these files at this alias."""

    steps: tuple[str, ...]  # since the last time they were put into shadow: ids, the last one last
    tries: int
    rolled_back: str


def standing(place: Place, now_ms: int) -> Standing:
    """What is known at a moment. Raises BadRequest where the run's alias is not named."""
    if not place.alias:
        raise BadRequest(
            f"{place.run}/own.toml names no alias that {place.entry.endpoint} is to answer",
            remedy="Set `alias` in [promote].",
        )
    past = _past(place)
    written = _written(place)
    order = written if written is not None and written.id in past.steps else None
    stage = order.stage if order else Stage.OFF
    twins = live.twins(place.state, past.steps) if stage is not Stage.OFF else []
    pairs = list(live.pairs(twins, place.alias))
    evaluations = _evaluations(place)
    found = Standing(
        place.entry.endpoint,
        place.entry.kind,
        place.alias,
        stage,
        place.entry.digest,
        written.stage if written else Stage.OFF,
        order.since_ms if order else 0,
        order.who if order else "",
        order.why if order else "",
        past.rolled_back,
        past.tries,
        evaluations,
        tuple(_evaluated(place, max(1, evaluations))),
        None if stage is Stage.OFF else _live(place, pairs, LIVE, past.tries),
        _ruled(place, twins, past.tries) if stage is not Stage.OFF and place.plan.promote.judge else None,
        len(twins) - len(pairs),
        live.canary(place.state, order, now_ms) if order and stage in (Stage.CANARY, Stage.DEFAULT) else None,
        NEXT.get(stage),
    )
    return msgspec.structs.replace(found, missing=tuple(missing(place, found)))


def live_twins(place: Place) -> list[Twin]:
    """Exchanges and their copies since these files were put into shadow, if they are in service."""
    past = _past(place)
    order = _written(place)
    taken = order is not None and order.id in past.steps and order.stage is not Stage.OFF
    return live.twins(place.state, past.steps) if taken else []


def missing(place: Place, found: Standing) -> list[str]:
    """What the next step lacks, each thing as a sentence."""
    if found.next is None:
        return []
    if place.pool[:1] == (found.model,) and found.stage is Stage.OFF:
        return [f"it stands first in the pool of {found.alias}: nothing is to be promoted"]
    lacks = [*_about_policy(place), *_about_evaluation(place, found)]
    if found.next in (Stage.CANARY, Stage.DEFAULT):
        lacks += _about_live(found, place.plan.promote)
    if found.next is Stage.DEFAULT and found.canary is not None:
        lacks += _about_canary(found.canary, place.plan.promote)
    return lacks


def _about_policy(place: Place) -> Iterator[str]:
    """The company has the last word on what counts as evidence."""
    knobs, most = place.plan.promote, place.most
    for name, asked, limit in (
        ("delta", knobs.delta, most.delta_max),
        ("delta_bits", knobs.delta_bits or 0.0, most.delta_bits_max),
        ("alpha", knobs.alpha, most.alpha_max),
    ):
        if asked > limit:
            remedy = f"Lower it there, or have `{name}_max` raised in [own] of freehold.toml."
            where = read(place.run / FILE).problem(("promote", name), "", remedy)
            place_of_it = f"{where.file}:{where.line}:{where.column}"
            yield f"{place_of_it}: `{name}` is {asked:g}, and the company allows {limit:g}. {remedy}"


def _about_evaluation(place: Place, found: Standing) -> list[str]:
    if not found.evaluated:
        return ["no pairs with an incumbent: name it in [evaluate], and run `freehold own evaluate`"]
    lacks = [f"{one.source}: {one.words}" for one in found.evaluated if not one.suffices]
    evaluation = made(place.run, EVALUATE)
    if made(place.run, PUBLISH) is None or evaluation is None:
        return [*lacks, "the run's record of its evaluation or publication is gone"]
    if evaluation.outputs.get(report.PAIRS) != digest_of(place.run / EVALUATE / report.PAIRS):
        lacks.append("the pairs are not those that were written: run `freehold own evaluate` again")
    trained = inputs_of(place.run, TRAIN)
    for stage in (EVALUATE, PUBLISH):
        record = made(place.run, stage)
        known = record.inputs if record else {}
        if any(known.get(name, digest) != digest for name, digest in trained.items()):
            lacks.append(f"what `{stage}` was made from has changed since: run `freehold own {stage}` again")
    against = {one.against for one in found.evaluated}
    if not against <= {found.alias, *place.pool}:
        lacks.append(
            f"{found.alias} is answered by {', '.join(place.pool)}, and pairs are with {', '.join(against)}"
        )
    return lacks


def _about_live(found: Standing, knobs: Promote) -> list[str]:
    pairs = found.live.pairs if found.live else 0
    if pairs < knobs.pairs_min:
        return [f"live: {pairs} of {knobs.pairs_min} pairs; {knobs.pairs_min - pairs} more pairs are needed"]
    both = (one for one in (found.live, found.ruled) if one is not None)
    return [f"{one.source}: {one.words}" for one in both if not one.suffices]


def _about_canary(seen: Canary, knobs: Promote) -> list[str]:
    if seen.answers < knobs.canary_min:
        more = knobs.canary_min - seen.answers
        return [f"canary: {seen.answers} of {knobs.canary_min} answers; {more} more are needed"]
    lacks = []
    for word, count, most in (
        ("failed", seen.failed, knobs.errors_max),
        ("have a finding", seen.findings, knobs.findings_max),
    ):
        if count > most * seen.answers:
            lacks.append(f"canary: {count} of {seen.answers} answers {word}; {most:.1%} may")
    if knobs.p95_ms_max is not None and (seen.p95_ms is None or seen.p95_ms > knobs.p95_ms_max):
        took = "unknown" if seen.p95_ms is None else f"{seen.p95_ms:.0f} ms"
        lacks.append(
            f"canary: the 95th percentile of whole answers is {took}; {knobs.p95_ms_max:g} ms may be"
        )
    return lacks


def _evaluated(place: Place, tries: int) -> list[Evidence]:
    """What the pairs of an evaluation say. Each further evaluation has less of alpha left."""
    path = place.run / EVALUATE / report.PAIRS
    found: dict[tuple[str, str], list[report.Pair]] = {}
    for pair in report.read_pairs(path) if path.exists() else ():
        found.setdefault((pair.source, pair.against), []).append(pair)
    knobs, alpha = place.plan.promote, spent(place.plan.promote.alpha, tries)
    return [
        judged(pairs, knobs.margin(place.plan.recipe, bits=pairs[0].bits > 0), alpha)
        for _, pairs in sorted(found.items())
    ]


def _evaluations(place: Place) -> int:
    """How many are on the ledger that came to other pairs, with these; a series ends where it became the default."""
    path = place.run / EVALUATE / report.PAIRS
    known = {digest_of(path)} if path.exists() and path.stat().st_size else set()
    steps = [
        one for one in events(place.state, PROMOTED) if one.about.get("endpoint") == place.entry.endpoint
    ]
    ended = max((one.id for one in steps if one.about.get("stage") == Stage.DEFAULT), default="")
    for one in events(place.state, report.EVALUATED):
        if one.about.get("model") == place.entry.endpoint and one.id > ended:
            known.add(str(one.about.get("pairs")))
    return len(known)


def _live(place: Place, pairs: Sequence[report.Pair], source: str, tries: int) -> Evidence:
    """Evidence of no pairs says of what it is, too."""
    knobs = place.plan.promote
    found = judged(pairs, knobs.delta, spent(knobs.alpha, max(1, tries)), drawn=False)
    return msgspec.structs.replace(found, source=source, against=place.alias)


def _ruled(place: Place, twins: Sequence[Twin], tries: int) -> Evidence:
    judge = place.plan.promote.judge
    known = answers.rulings(place.state, place.entry.endpoint, judge)
    return _live(place, list(answers.pairs(twins, known, place.alias)), f"{LIVE}, {judge}", tries)


def _written(place: Place) -> Promotion | None:
    """What the gateway reads of it. It counts as taken only by a step that the ledger has for these files."""
    orders = promotion_order.read(place.state).promotions
    here = (place.alias, place.entry.endpoint)
    return next((one for one in orders if (one.alias, one.endpoint) == here), None)


def _past(place: Place) -> _Past:
    steps: list[str] = []
    tries, rolled_back = 0, ""
    told = [*events(place.state, PROMOTED), *events(place.state, TAKEN_BACK)]
    for event in sorted((one for one in told if _is_here(one, place)), key=lambda one: one.id):
        if event.kind == TAKEN_BACK:
            rolled_back = (
                str(event.about.get("why", "")) if event.about.get("promotion") in steps else rolled_back
            )
        elif event.about.get("publication") == place.entry.digest:
            to, rolled_back = event.about.get("stage"), ""
            if to == Stage.SHADOW and event.about.get("from") == Stage.OFF:
                steps, tries = [], tries + 1
            steps.append(str(event.about.get("promotion")))
    return _Past(tuple(steps), tries, rolled_back)


def _is_here(event: Event, place: Place) -> bool:
    about: Mapping[str, object] = event.about
    return (about.get("alias"), about.get("endpoint")) == (place.alias, place.entry.endpoint)
