"""Which endpoints a scenario's words hold of: yes, no, or unknown, where a fact is missing.

What runs on machines of this company has nobody else's provider, parent, cloud or region, unless its facts name one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct

from freehold.catalog.precedence import shown
from freehold.catalog.selectors import Match, match
from freehold.drills.scenario import Words
from freehold.policy.expression import Compare, Literal, Name, Op, compared, known
from freehold.vocabulary.countries import PLACE_FACTS
from freehold.vocabulary.facts import GROUPS, REGISTRY, About, EndpointFacts, Facts
from freehold.vocabulary.facts import Kind as FactKind

ENDPOINT, HOSTED_BY, JURISDICTION, RETIRES = "endpoint", "hosted_by", "jurisdiction", "retires_within_days"
MOST_USED = ("@most-used", "@second-most-used")
_LOOKS_AT = {
    HOSTED_BY: ("parent", "cloud"),
    JURISDICTION: ("entity_jurisdiction", "parent_jurisdiction", "storage_region", "inference_region"),
}
# Whose clouds these are. Tests hold them to the facts that come along.
CLOUD_OWNERS = {"AWS": "Amazon.com, Inc.", "Azure": "Microsoft Corporation", "Google Cloud": "Alphabet Inc."}
SELECTORS = (
    ENDPOINT,
    HOSTED_BY,
    JURISDICTION,
    RETIRES,
    *(name for name, type_ in REGISTRY.items() if type_.about is About.ENDPOINT),
)
_STANDS_FOR = {HOSTED_BY: "parent", JURISDICTION: "parent_jurisdiction"}  # what is counted for `@most-used`
_OTHERS = frozenset({"provider", "entity", "parent", "cloud", "region"})  # of a company beside this one


class Hit(Struct, frozen=True):
    """Whether words hold of an endpoint; None: it is not known."""

    holds: bool | None
    because: str  # the words that hold, or the facts that are not known


def hit(where: Words, about: EndpointFacts, now: datetime) -> Hit:
    """Whether all words hold of an endpoint at a moment."""
    said = [(name, texts, _holds(name, texts, about, now)) for name, texts in where]
    if any(holds is False for _, _, holds in said):
        return Hit(False, "")
    unknown = [
        one for name, texts, holds in said if holds is None for one in _missing(name, texts, about, now)
    ]
    if unknown and not about.facts:
        return Hit(None, "unknown: the configuration no longer names it")
    if unknown:
        return Hit(None, f"unknown: {', '.join(dict.fromkeys(unknown))}")
    return Hit(True, ", ".join(f"{name} = {_shown(name, texts, about, now)}" for name, texts, _ in said))


def settled(
    where: Words, known_ones: Iterable[EndpointFacts], used: Mapping[str, float], now: datetime
) -> Words:
    """The words with a value in place of each `@most-used`: of the endpoints that the other words hold of.

    `used` is how much went to each endpoint. Where nobody has a known value, the word holds of nobody.
    """
    plain = tuple((name, texts) for name, texts in where if not set(texts) & set(MOST_USED))
    if len(plain) == len(where):
        return where
    asked = [one for one in known_ones if hit(plain, one, now).holds is True]
    return tuple((name, _ranked(name, texts, asked, used, now)) for name, texts in where)


def _ranked(
    name: str,
    texts: tuple[str, ...],
    asked: Iterable[EndpointFacts],
    used: Mapping[str, float],
    now: datetime,
) -> tuple[str, ...]:
    counts: dict[str, float] = defaultdict(float)
    for one in asked:
        value = one.endpoint if name == ENDPOINT else value_of(one.facts, _STANDS_FOR.get(name, name), now)
        if value is not None and used.get(one.endpoint):
            counts[str(value)] += used[one.endpoint]
    order = sorted(counts, key=lambda value: (-counts[value], value))
    places = {word: order[at] for at, word in enumerate(MOST_USED) if at < len(order)}
    found = (places.get(text) if text in MOST_USED else text for text in texts)
    return tuple(text for text in found if text is not None)


def value_of(facts: Facts, name: str, now: datetime) -> Any:
    """A fact's value at a moment; None: unknown."""
    return known(facts, name, now, {})


def _holds(name: str, texts: tuple[str, ...], about: EndpointFacts, now: datetime) -> bool | None:
    if "*" in texts:
        return True
    facts = about.facts
    if not texts:  # nobody was most used
        return False
    if name == ENDPOINT:
        return _text_fits(texts, about.endpoint)
    if name == RETIRES:
        ends = value_of(facts, "deprecated_on", now)
        return any(ends <= now.date() + timedelta(days=float(text)) for text in texts) if ends else False
    owner = CLOUD_OWNERS.get(value_of(facts, "cloud", now) or "") if name == HOSTED_BY else None
    owned = _text_fits(texts, owner) if owner else False
    return _any([owned, *(_fits(one, texts, facts, now) for one in _LOOKS_AT.get(name, (name,)))])


def _missing(name: str, texts: tuple[str, ...], about: EndpointFacts, now: datetime) -> list[str]:
    """The facts of which it depends whether a word holds, and which are not known."""
    looked = _LOOKS_AT.get(name, (name,))
    return [one for one in looked if _fits(one, texts, about.facts, now) is None]


def _any(found: Iterable[bool | None]) -> bool | None:
    seen = set(found)
    return True if True in seen else None if None in seen else False


def _fits(name: str, texts: tuple[str, ...], facts: Facts, now: datetime) -> bool | None:
    """Whether a fact is one of the texts."""
    value = value_of(facts, name, now)
    if value is None:
        own = value_of(facts, "own", now) is True and name in _OTHERS and name not in PLACE_FACTS
        return False if own else None
    if name in PLACE_FACTS:
        places = frozenset(one for text in texts for one in GROUPS.get(text, (text,)))
        literal = Literal(places, "", FactKind.TEXT)
        return compared(Compare(Name(name), Op.IN, literal), value, places)
    return _OF_KIND[REGISTRY[name].kind](texts, value)


def _text_fits(texts: tuple[str, ...], value: str) -> bool | None:
    found = {match(text, value) for text in texts}
    return True if Match.YES in found else None if Match.MAYBE in found else False


_OF_KIND: Mapping[FactKind, Callable[[tuple[str, ...], Any], bool | None]] = {
    FactKind.TEXT: _text_fits,
    FactKind.TEXTS: lambda texts, values: _any(_text_fits(texts, value) for value in values),
    FactKind.BOOLEAN: lambda texts, value: str(value).lower() in texts,
    FactKind.NUMBER: lambda texts, value: any(float(text) == value for text in texts),
    FactKind.DATE: lambda texts, value: any(date.fromisoformat(text) == value for text in texts),
}


def _shown(name: str, texts: tuple[str, ...], about: EndpointFacts, now: datetime) -> str:
    """What it is that fits: the endpoint's own value where one fact says it, else the words."""
    value = value_of(about.facts, name, now) if name in REGISTRY else None
    return " or ".join(texts) if value is None or isinstance(value, frozenset) else shown(value)
