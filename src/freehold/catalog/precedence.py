"""Which record wins, and so what is known of an endpoint on one surface.

What is said of certain models wins over what is said of all together: an account that keeps nothing says nothing of a
model that keeps everything `always`. Then the higher layer wins; in a layer the record with more selectors; then the
one with the more telling selectors, in the order of `SELECTORS`; then the one whose patterns come closer to the names.
Records that are left are equals: where they differ the fact is unknown, and so it is where it cannot be told whether a
record of that rank or above applies.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from freehold.catalog.records import SELECTORS, FactRecord, Layer
from freehold.catalog.selectors import Match, match, precision
from freehold.catalog.subjects import Subject
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.facts import Fact, Value

_NEVER = datetime.max.replace(tzinfo=UTC)
# How the reasons begin for which a fact is unknown that records state.
CONFLICT, DIFFERS, OPEN = "conflict: ", "differs by surface: ", "cannot be told whether it applies: "
STRANGER = "its base_url leads elsewhere"
_REMEMBERED = 16_384  # comparisons; callers choose models' names, and memory must not follow them
_OWNERS = ("entity", "parent")  # selectors that are facts themselves; the first may tell the second

Owners = Mapping[str, Fact | None]


class Rank(NamedTuple):
    """How closely a record describes an endpoint. The greatest wins."""

    strength: int
    layer: Layer
    selectors: int
    which: tuple[bool, ...]  # for each of SELECTORS, whether the record has it
    patterns: tuple[tuple[int, bool], ...]  # for each that it has, how close its best pattern comes


class _Candidate(NamedTuple):
    """A record that applies to an endpoint, or may."""

    rank: Rank
    record: FactRecord
    until: datetime  # when it ends, or when a fact ends that it selects by
    open: str  # the selector of which it cannot be told whether it matches


def facts_on(records: Iterable[FactRecord], subject: Subject, surface: Dialect | None) -> dict[str, Fact]:
    """What these records say of an endpoint on one of its surfaces."""
    likely = [record for record in records if _candidate(record, subject, surface, {})]
    owners: dict[str, Fact | None] = {}
    for owner in _OWNERS:
        stating = [record for record in likely if owner in dict(record.values)]
        owners[owner] = _by_name(stating, subject, surface, owners).get(owner)
    return _by_name(likely, subject, surface, owners)


def applies(record: FactRecord, subject: Subject, known: Owners) -> bool:
    """Whether a record applies to an endpoint, or may; `known` are the endpoint's facts."""
    surfaces = subject.surfaces or (None,)
    return any(_candidate(record, subject, surface, known) for surface in surfaces)


def agreed(by_surface: Mapping[Dialect, Mapping[str, Fact]]) -> dict[str, Fact]:
    """What holds on every surface; a fact that differs between them is unknown."""
    names = dict.fromkeys(name for facts in by_surface.values() for name in facts)
    return {
        name: _on_all(name, {surface: facts.get(name) for surface, facts in by_surface.items()})
        for name in names
    }


def unknown(name: str, why: str, facts: Sequence[Fact]) -> Fact:
    """A fact that is unknown although records state it; `facts` are what they say."""
    first = facts[0]
    return Fact(
        name,
        None,
        first.basis,
        _joined(fact.source for fact in facts),
        max(fact.read for fact in facts),
        attached=_joined(fact.attached for fact in facts),
        why=why,
        place=_joined(fact.place for fact in facts),
    )


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text for text in texts if text))


def _by_name(
    records: Iterable[FactRecord], subject: Subject, surface: Dialect | None, owners: Owners
) -> dict[str, Fact]:
    stated: dict[str, list[tuple[_Candidate, Value | None]]] = defaultdict(list)
    for record in records:
        if candidate := _candidate(record, subject, surface, owners):
            for name, value in record.values:
                stated[name].append((candidate, value))
    return {name: _settled(name, found) for name, found in stated.items()}


def _candidate(
    record: FactRecord, subject: Subject, surface: Dialect | None, owners: Owners
) -> _Candidate | None:
    """The record as it applies to the endpoint; None where it does not."""
    patterns, until, undecided = [], record.expires or _NEVER, ""
    for selector, written in record.selectors:
        names: tuple[str, ...] = ("*",)  # of an owner who is not known: any
        if selector not in _OWNERS:
            names = _names(selector, record.layer, subject, surface)
        elif (owner := owners.get(selector)) is not None and owner.value is not None:
            names, until = (str(owner.value),), min(until, owner.expires or _NEVER)
        certain, best = _closest(written, names)
        if certain is Match.NO:
            return None
        undecided = selector if certain is Match.MAYBE or names == ("*",) else undecided
        patterns.append(best)
    has = dict(record.selectors)
    which = tuple(name in has for name in SELECTORS)
    rank = Rank(_strength(record), record.layer, len(has), which, tuple(patterns))
    return _Candidate(rank, record, until, undecided)


def _strength(record: FactRecord) -> int:
    """Of what comes along, only what holds `always`; of one's own and of what was attested, whatever names models."""
    if record.layer is not Layer.SHIPPED and record.names_model:
        return 2
    return 1 if record.always else 0


def _names(selector: str, layer: Layer, subject: Subject, surface: Dialect | None) -> tuple[str, ...]:
    """What a selector is compared with."""
    match selector:
        case "provider" if layer is Layer.SHIPPED:  # knows nothing of what tables are called, or lead to
            return (subject.kind,) if subject.at_home else ()
        case "provider" if layer is Layer.ATTESTATION:  # of one account, and not of others of the same kind
            return (subject.provider,)
        case "provider":
            return (subject.provider, subject.kind)
        case "model":
            return (subject.model,)
        case "region":
            return (subject.region,) if subject.region else ()
        case "surface":
            return (surface,) if surface else ()
        case _:
            return subject.account


@lru_cache(_REMEMBERED)
def _closest(written: tuple[str, ...], names: tuple[str, ...]) -> tuple[Match, tuple[int, bool]]:
    """How well any of the patterns matches any of the names, and how close the best of them comes."""
    found: dict[Match, tuple[int, bool]] = {}
    for pattern in written:
        for name in names:
            how = match(pattern, name)
            found[how] = max(found.get(how, (-1, False)), precision(pattern))
    nothing = (-1, False)
    certain, possible = found.get(Match.YES, nothing), found.get(Match.MAYBE, nothing)
    if possible > certain:  # it may come closer than is certain, and so hide what comes as close
        return Match.MAYBE, possible
    return (Match.NO if certain == nothing else Match.YES), certain


def _settled(name: str, stated: Sequence[tuple[_Candidate, Value | None]]) -> Fact:
    """The fact that follows from everything that is stated."""
    top = max((one.rank for one, _ in stated if not one.open), default=None)
    rivals = [(one, value) for one, value in stated if top is None or one.rank >= top]
    facts = sorted((_fact(name, one, value) for one, value in rivals), key=_order, reverse=True)
    if top is None:
        reasons = _joined(sorted(f"its {one.open} is not known" for one, _ in rivals))
        return unknown(name, f"{OPEN}{reasons}", facts)
    if len({value for _, value in rivals}) > 1:
        said = " and ".join(sorted(f"{shown(fact.value)} ({fact.place or fact.source})" for fact in facts))
        return unknown(name, f"{CONFLICT}{said}", facts)
    best = max((_fact(name, one, value) for one, value in rivals if not one.open), key=_order)
    ends = min([best.expires or _NEVER, *(one.until for one, _ in rivals if one.open)])
    return replace(best, expires=None if ends == _NEVER else ends)


def _order(fact: Fact) -> tuple[datetime, str, str, str]:
    """Of equals that agree, the one that holds longest; the rest only makes it the same one each time."""
    return fact.expires or _NEVER, str(fact.read), fact.source, f"{fact.place} {fact.attached} {fact.basis}"


def _fact(name: str, one: _Candidate, value: Value | None) -> Fact:
    record, ends = one.record, None if one.until == _NEVER else one.until
    return Fact(
        name,
        value,
        record.basis,
        record.source,
        record.read,
        ends,
        record.attached,
        record.who,
        record.why,
        record.place,
    )


def _on_all(name: str, by_surface: Mapping[Dialect, Fact | None]) -> Fact:
    facts = [fact for fact in by_surface.values() if fact is not None]
    values = {fact.value if fact else None for fact in by_surface.values()}
    if len(values) > 1:
        said = ", ".join(
            f"{surface} {shown(fact.value if fact else None)}" for surface, fact in by_surface.items()
        )
        return unknown(name, f"{DIFFERS}{said}", facts)
    return min(facts, key=lambda fact: fact.expires or _NEVER)


def shown(value: Value | None) -> str:
    """A value as tables and reasons print it."""
    match value:
        case None:
            return "unknown"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value)
