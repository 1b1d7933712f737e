"""Endpoints: what is known of each and what that rests on, how it does, what its provider holds, whom it serves."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from freehold import __version__
from freehold.catalog.bom import bom
from freehold.catalog.flaws import KNOWABLE
from freehold.catalog.inspection import state_of, way_to_know
from freehold.catalog.precedence import CONFLICT, DIFFERS, shown
from freehold.console.known import ENFORCED, Known, known
from freehold.console.later import LATER
from freehold.console.recent import NEVER_ASKED, Health, held, recent
from freehold.console.scraping import counted
from freehold.console.shell import page, there
from freehold.console.there import There
from freehold.gateway.bill import used
from freehold.vocabulary.errors import NotFound
from freehold.vocabulary.facts import REGISTRY, About, Basis, Fact, Facts

CHIEF = {
    "parent": "Parent",
    "entity_jurisdiction": "Law",
    "inference_region": "Runs in",
    "retention_days": "Kept, days",
}
SOON = timedelta(days=30)
_WEB = ("https://", "http://")


class Line(NamedTuple):
    """One endpoint in the list."""

    name: str
    chief: tuple[str, ...]
    unknown: int  # facts, among them those in conflict or expired
    doubtful: int  # facts that are in conflict, or expired
    health: Health


class Told(NamedTuple):
    """One fact as the page shows it."""

    name: str
    sentence: str
    value: str
    word: str  # known, expires soon, expired, in conflict, unknown
    how: str  # the badge's shape
    why: str
    remedy: str
    fact: Fact | None
    age_days: int | None
    link: str  # the source, where it is an address

    @property
    def is_attested(self) -> bool:
        """Whether the provider itself said so."""
        return self.fact is not None and self.fact.basis is Basis.ATTESTATION


def listing(request: Request) -> Response:
    """All endpoints in use."""
    here, now = there(request), datetime.now(UTC)
    view, seen = known(here), recent(here.state)
    find = request.query_params.get("find", "").strip()
    by_name: Mapping[str, Health] = {} if seen is None else seen.health
    lines = [
        _line(one.endpoint, one.facts, by_name.get(one.endpoint, NEVER_ASKED), now)
        for one in view.facts
        if find.casefold() in one.endpoint.casefold()
    ]
    return page(
        request,
        "endpoints.html",
        chief=tuple(CHIEF.values()),
        lines=lines,
        total=len(view.facts),
        find=find,
        seen=seen,
        exposed=held(here.state, view.kept, view.rules.knowledge.digest, now),
        now=now,
    )


def one(request: Request) -> Response:
    """One endpoint."""
    here, now = there(request), datetime.now(UTC)
    view, name = known(here), request.path_params["id"]
    found = view.facts_called(name)
    if found is None:
        raise NotFound(
            f"no endpoint is called `{name[:200]}`", remedy="The page Endpoints lists those in use."
        )
    seen, counts = recent(here.state), counted(here.gateway)
    exposed = held(here.state, view.kept, view.rules.knowledge.digest, now)
    provider = name.partition("/")[0]
    return page(
        request,
        "endpoint.html",
        name=name,
        facts=list(told(found.facts, now)),
        digest=view.rules.knowledge.digest,
        aliases=[alias for alias, pool in view.pools.items() if name in pool],
        seen=seen,
        health=NEVER_ASKED if seen is None else seen.health.get(name, NEVER_ASKED),
        counts=None if counts is None else counts.get(name),
        provider=provider,
        exposed=exposed,
        part=None if exposed is None else exposed.of(provider),
        classes=_classes(view, name),
        now=now,
    )


def bill(request: Request) -> Response:
    """The bill of materials, to download."""
    view, now = known(there(request)), datetime.now(UTC)
    listed = used(view.resolved.config, view.subjects, view.pools, view.facts, view.rules.enforced, now)
    made = bom(listed, now, freehold=__version__, digest=view.rules.knowledge.digest)
    name = f"freehold-bom-{now:%Y-%m-%d}.cdx.json"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-type": "application/vnd.cyclonedx+json; version=1.7",
    }
    return Response(msgspec.json.format(msgspec.json.encode(made)), headers=headers)


def prepare(there: There) -> None:
    """Begin to work out what pages rest on: it takes longer than the first of them may."""

    def prepared() -> None:
        view = known(there)
        view.policies_called(ENFORCED)  # reads those that come along, for the page Policy
        recent(there.state)
        held(there.state, view.kept, view.rules.knowledge.digest, datetime.now(UTC))

    LATER.get(("prepared", there.state), None, prepared, 0.0)


def told(facts: Facts, now: datetime) -> Iterator[Told]:
    """Every fact that can be known of an endpoint."""
    for name, word in REGISTRY.items():
        if word.about is not About.ENDPOINT:
            continue
        fact = facts.get(name)
        state = state_of(fact, now)
        soon = "" if state else state_of(fact, now, SOON)
        source = "" if fact is None else fact.source
        yield Told(
            name,
            word.sentence,
            shown(None if fact is None else fact.at(now)),
            *_standing(state, soon),
            state or soon,
            way_to_know(fact, now),
            fact,
            None if fact is None else (now.date() - fact.read).days,
            source if source.startswith(_WEB) and not set(source) & set(" ,") else "",
        )


def _standing(state: str, soon: str) -> tuple[str, str]:
    if not state:
        return ("expires soon", "warn") if soon else ("known", "good")
    if state.startswith("expired"):
        return "expired", "bad"
    if state.startswith((CONFLICT, DIFFERS)):
        return "in conflict", "bad"
    return "unknown", "unknown"


def _line(name: str, facts: Facts, health: Health, now: datetime) -> Line:
    values = (facts.get(key) for key in CHIEF)
    standings = [_standing(state, "")[0] for key in KNOWABLE if (state := state_of(facts.get(key), now))]
    doubtful = sum(word != "unknown" for word in standings)
    chief = tuple(shown(None if fact is None else fact.at(now)) for fact in values)
    return Line(name, chief, len(standings), doubtful, health)


def _classes(view: Known, name: str) -> list[str] | None:
    """The data classes that enforced policies let an endpoint see; None where none is enforced."""
    if not view.rules.enforced or name not in view.endpoints:
        return None
    listed = used(
        view.resolved.config,
        view.subjects,
        {},
        [view.snapshot.facts[name]],
        view.rules.enforced,
        view.snapshot.now,
    )
    return list(listed[0].classes)


ROUTES: tuple[BaseRoute, ...] = (
    Route("/endpoints", listing),
    Route("/endpoints/bom.json", bill),
    Route("/endpoints/{id:path}", one),
)
