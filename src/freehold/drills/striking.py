"""A scenario in plain words for a running gateway: what becomes of each endpoint, and what is known of it."""

from collections.abc import Iterator

from freehold.config.schema import Limit
from freehold.drills.measuring import Allowed
from freehold.drills.scenario import CHEAPEST
from freehold.drills.traffic import Traffic
from freehold.drills.world import World
from freehold.gateway.drill_order import Plain, Struck
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Exchange
from freehold.vocabulary.facts import Facts, as_plain


def struck(before: World, under: World, traffic: Traffic | None = None) -> tuple[Struck, ...]:
    """Every endpoint that the scenario hits; of patterns also those that `traffic` went to, each by itself.

    Raises BadRequest where it hits none.
    """
    asked = set() if traffic is None else {kind.endpoint for kind in traffic.groups if kind.endpoint}
    names = dict.fromkeys([*before.endpoints, *sorted(asked)])
    every = tuple(_struck(name, before, under) for name in names)
    patterns = any("*" in one.endpoint for one in every if not one.spared)
    found = tuple(one for one in every if patterns or not one.spared)
    if not found:
        remedy = "Choose another scenario; `freehold drill show` tells what one looks for."
        raise BadRequest("the scenario hits no endpoint of this configuration", remedy=remedy)
    return found


def _struck(name: str, before: World, under: World) -> Struck:
    facts = dict(_changed(before.facts(name), under.facts(name)))
    if (way := under.way(name)) is not None:
        return Struck(name, way.value, facts=facts)
    change = under.change(name)
    if change.replaced_by == CHEAPEST:
        remedy = "Put the model that you fear in place of @cheapest in a copy of the scenario."
        raise BadRequest(f"which model would answer in place of {name} is not known", remedy=remedy)
    limit = under.resolved.config.limits.get(name, Limit()) if change.limits is not None else Limit()
    return Struck(
        name,
        latency=max(change.latency or 1.0, 1.0),
        price=1.0 if change.price is None else change.price,
        requests_per_minute=limit.requests_per_minute,
        tokens_per_minute=limit.tokens_per_minute,
        replaced_by=change.replaced_by,
        refuses=change.refuses,
        refuses_share=0.0 if change.refuses is not None else change.refuses_share or 0.0,
        facts=facts,
    )


def _changed(before: Facts, under: Facts) -> Iterator[tuple[str, Plain]]:
    for name, fact in under.items():
        was = before.get(name)
        if was is None or was.value != fact.value:
            yield name, as_plain(fact.value)


def allowed(before: World, under: World) -> Allowed:
    """Whom policy lets see an exchange's request, decided again: as it is, and under the scenario as well."""

    def may(exchange: Exchange, raging: bool) -> frozenset[str] | None:
        worlds = (before, under) if raging else (before,)
        found = [world.ruling(exchange.request, exchange.dialect) for world in worlds]
        seen = [one.allowed for one in found if one is not None]
        return frozenset.intersection(*seen) if len(seen) == len(found) else None

    return may
