"""What is not known, what will soon not be known, and what contradicts itself or is about nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from msgspec import Struct

from freehold.catalog.flaws import KNOWABLE
from freehold.catalog.knowledge import Knowledge
from freehold.catalog.precedence import CONFLICT, DIFFERS, OPEN, STRANGER, applies, shown
from freehold.catalog.providers import providers
from freehold.catalog.records import FactRecord, Layer
from freehold.catalog.subjects import Subject
from freehold.vocabulary.errors import ConfigError
from freehold.vocabulary.facts import Basis, Fact, Value


class Problems(NamedTuple):
    """What keeps facts from being used, and what they can be used in spite of."""

    errors: tuple[ConfigError, ...]
    warnings: tuple[ConfigError, ...]


class Gap(Struct, frozen=True):
    """A fact that is not known of some endpoints, or will not be for long, and why."""

    fact: str
    why: str
    known: bool  # still
    endpoints: tuple[str, ...]


def state_of(fact: Fact | None, now: datetime, soon: timedelta = timedelta(0)) -> str:
    """Why a fact is unknown, or that it soon will be; "" where neither is so."""
    if fact is None:
        return "missing"
    if fact.value is None:
        return fact.why or "looked for, not verified"
    if fact.expires is None or fact.expires > now + soon:
        return ""
    return f"{'expired' if fact.expires <= now else 'expires'} on {fact.expires.date()}"


# By how the state of a fact begins, what would make it known.
_WAYS = {
    "missing": "state it in a file of [catalog] facts",
    CONFLICT: "correct one of them, or let one say more closely what it is about",
    DIFFERS: "leave surfaces out of the provider's `dialects`, or state it for all without `surface`",
    STRANGER: "give the table a name of its own: by this one the catalog knows a provider at another address",
    OPEN: "state what is not known in a file of [catalog] facts; of a pool's pattern, a caller's model tells it",
    "": "look again at its source, or state it in a file of [catalog] facts",
}
_ASK_AGAIN = (
    "ask again with `freehold catalog attest`; a file of [catalog] facts counts once the block is gone"
)


def way_to_know(fact: Fact | None, now: datetime) -> str:
    """What would make a fact known; "" where it is."""
    state = state_of(fact, now)
    if not state:
        return ""
    found = next(beginning for beginning in _WAYS if state.startswith(beginning))
    asked = found == "" and fact is not None and fact.basis is Basis.ATTESTATION
    return _ASK_AGAIN if asked else _WAYS[found]


def gaps(
    knowledge: Knowledge,
    subjects: Mapping[str, Subject],
    now: datetime,
    soon: timedelta,
    needed: Sequence[str] = (),
) -> list[Gap]:
    """What is unknown of these endpoints or expires soon: needed facts first, then what most of them lack."""
    found: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for endpoint, subject in subjects.items():
        facts = knowledge.facts(subject)
        for name in needed or KNOWABLE:
            fact = facts.get(name)
            if why := state_of(fact, now, soon):
                found[name, why, fact is not None and fact.at(now) is not None].append(endpoint)
    rows = [Gap(name, why, known, tuple(endpoints)) for (name, why, known), endpoints in found.items()]
    order = list(needed or KNOWABLE)
    if needed:
        return sorted(rows, key=lambda gap: (order.index(gap.fact), gap.known, -len(gap.endpoints)))
    return sorted(rows, key=lambda gap: (gap.known, -len(gap.endpoints), order.index(gap.fact)))


def inspect(
    knowledge: Knowledge, subjects: Mapping[str, Subject], now: datetime, soon: timedelta
) -> Problems:
    """What is wrong between records, and with the time. Of what stands in one block alone, `reading` tells."""
    own = [record for record in knowledge.records if record.place and record.layer is not Layer.SHIPPED]
    warnings = [
        *_out_of_time(knowledge.records, now, soon),
        *_about_nothing(own, knowledge, subjects),
        *_elsewhere(subjects),
    ]
    conflicts = tuple(_conflicts(knowledge.records))
    return Problems((*conflicts, *_in_doubt(knowledge, subjects, conflicts)), tuple(warnings))


def _conflicts(records: Iterable[FactRecord]) -> Iterator[ConfigError]:
    """Records that would be equals for some endpoint, and differ."""
    groups: dict[tuple[Layer, tuple[str, ...], str], list[tuple[FactRecord, Value | None]]] = defaultdict(
        list
    )
    for record in records:
        for name, value in record.values:
            groups[record.layer, tuple(dict(record.selectors)), name].append((record, value))
    for (_, _, name), stated in groups.items():
        for (one, value), (other, differing) in combinations(stated, 2):
            if value != differing and _are_equals(one, other):
                yield _problem(
                    other,
                    f"`{name}` is {shown(differing)} here and {shown(value)} at {one.place or one.source}, "
                    "for the same endpoints: it is unknown",
                    "Correct one of them, or let one say more closely what it is about.",
                )


def _are_equals(one: FactRecord, other: FactRecord) -> bool:
    """Whether both hold a pattern in common for all that they select by.

    Patterns that differ may meet as well, but seldom in a name that exists: `_in_doubt` looks at those in use.
    """
    return all(
        {text.casefold() for text in patterns} & {text.casefold() for text in others}
        for (_, patterns), (_, others) in zip(one.selectors, other.selectors, strict=True)
    )


def _in_doubt(
    knowledge: Knowledge, subjects: Mapping[str, Subject], told: Iterable[ConfigError]
) -> Iterator[ConfigError]:
    """Conflicts about endpoints in use that are not told yet."""
    places = {(one.file, one.line) for one in told}
    for endpoint, subject in subjects.items():
        for fact in knowledge.facts(subject).values():
            found = [_place(place) for place in fact.place.split(", ")]
            if fact.why.startswith(CONFLICT) and places.isdisjoint(found):
                yield ConfigError(
                    f"`{fact.name}` of {endpoint} is unknown: {fact.why}",
                    remedy="Correct one of them, or let one say more closely what it is about.",
                    file=found[0][0],
                    line=found[0][1],
                    column=1,
                )


def _out_of_time(records: Iterable[FactRecord], now: datetime, soon: timedelta) -> Iterator[ConfigError]:
    for record in records:
        if record.read > now.date() + timedelta(days=1):  # it may be tomorrow already where it was read
            yield _problem(record, f"`read` is {record.read}, a day to come", "Write the day it was seen.")
        if record.expires is not None and record.expires <= now + soon:
            word = "expired" if record.expires <= now else "expires"
            names = ", ".join(name for name, _ in record.values)
            yield _problem(
                record,
                f"{names} of {record.attached} {word} on {record.expires.date()}",
                f"Look again at {record.source}, and change `read` and what has changed.",
            )


def _about_nothing(
    own: Iterable[FactRecord], knowledge: Knowledge, subjects: Mapping[str, Subject]
) -> Iterator[ConfigError]:
    for record in own:
        if subjects and not any(
            applies(record, subject, knowledge.facts(subject)) for subject in subjects.values()
        ):
            yield _problem(
                record,
                f"{record.attached} is no endpoint in use",
                "See `freehold catalog list` for those that are; until then the block does nothing.",
            )


def _elsewhere(subjects: Mapping[str, Subject]) -> Iterator[ConfigError]:
    strangers = {one.provider: one for one in subjects.values() if not one.at_home and not one.own}
    for name, stranger in strangers.items():
        known = stranger.kind in providers()
        why = (
            f"its base_url does not lead to {stranger.kind}" if known else "no row of the catalog is about it"
        )
        yield ConfigError(
            f'no fact that comes along holds for provider "{name}": {why}',
            remedy=f'Write facts of your own with provider = "{name}".',
        )


def _problem(record: FactRecord, message: str, remedy: str) -> ConfigError:
    file, line = _place(record.place)
    return ConfigError(message, remedy=remedy, file=file, line=line, column=1)


def _place(written: str) -> tuple[str, int]:
    """File and line of a place."""
    file, _, line = written.rpartition(":")
    return (file, int(line)) if file and line.isdigit() else (written, 0)
