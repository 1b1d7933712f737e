"""Policy: what is enforced and what runs beside it, who may see what as a map, and why not, for any place on it."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from freehold.config.schema import Application
from freehold.console.known import ENFORCED, Known, known
from freehold.console.shell import page, there
from freehold.gateway.reach import NOT_SAID, reach
from freehold.policy.difference import ELSE
from freehold.policy.explain import Answer, answers
from freehold.policy.limits import refusals
from freehold.policy.rules import Bound, Limit, Policy, worst_first
from freehold.vocabulary.decision import Refusal, Verdict
from freehold.vocabulary.errors import BadRequest, NotFound
from freehold.vocabulary.facts import EndpointFacts, RequestFacts

WORD_CHARS_MAX = 512  # what was asked is remembered
YES, NO = "yes", "no"  # as a query says whether a request offers tools
BOUNDS: Mapping[Bound, str] = {
    Bound.PARENTS: "at least {value:g} independent parents in the pool",
    Bound.SHARE: "at most {value:.0%} of the traffic of {hours} h to one {by}, from {requests} requests on",
    Bound.CONCENTRATION: "concentration (HHI) by {by} over {hours} h at most {value:g}, from {requests} requests on",
    Bound.OWN_FALLBACK: "an endpoint of the company's own in the pool",
    Bound.BUDGET: "at most {value:,.2f} USD a day for {application}",
}


class Cell(NamedTuple):
    """Whether requests of one kind may go to an endpoint."""

    word: str  # yes, no or unknown
    rule: str  # what counts most against it; "" where nothing does
    query: Mapping[str, str]  # that asks why


class Row(NamedTuple):
    """One endpoint on the map."""

    endpoint: str
    cells: tuple[Cell, ...]


class Bounded(NamedTuple):
    """One limit in words."""

    policy: str
    limit: Limit
    words: str


def overview(request: Request) -> Response:
    """Policies, limits, and the map."""
    view, asked = known(there(request)), request.query_params
    name, alias = asked.get("policy", ENFORCED), asked.get("alias", "")
    application, find = asked.get("application", ELSE), asked.get("find", "").strip().casefold()
    named = view.policies_called(name)
    rows = list(_rows(view, name, alias, application)) if named else []
    return page(
        request,
        "policy.html",
        enforced=view.rules.enforced,
        shadow=view.rules.shadow,
        bounds=list(_bounds((*view.rules.enforced, *view.rules.shadow))),
        reached=reach(view.snapshot, view.resolved) if view.rules.enforced else {},
        sizes={alias: len(pool) for alias, pool in view.pools.items()},
        classes=view.resolved.config.data_classes,
        names=[one for one in view.policies if one],
        aliases=list(view.pools),
        applications=_applications(view, application),
        named=named,
        name=name,
        alias=alias,
        application=application,
        find=find,
        rows=[one for one in rows if find in one.endpoint.casefold()],
        total=len(rows),
    )


def why(request: Request) -> Response:
    """Why one endpoint may or may not see one kind of request, or each endpoint of an alias."""
    view, asked = known(there(request)), request.query_params
    name, alias = asked.get("policy", ENFORCED), asked.get("alias", "")
    named, wanted = view.policies_called(name), asked.get("endpoint", "")
    endpoints, said = _endpoints(view, alias, wanted), _described(view, asked, alias)
    asks = bool(named) and bool(alias or wanted)
    found = answers(named, said, endpoints, datetime.now(UTC), is_pool=bool(alias)) if asks else []
    return page(
        request,
        "policy_why.html",
        asked=said,
        name=name,
        names=[one for one in view.policies if one],
        named=named,
        asks=asks,
        aliases=list(view.pools),
        applications=_applications(view, said.application),
        classes=view.resolved.config.data_classes,
        endpoints=[one.endpoint for one in (view.pool_facts(alias) if alias else view.facts)],
        wanted=wanted,
        answers=[_of(one, wanted) for one in found],
        late=[one for one in _bounds(named) if one.limit.bound not in (Bound.PARENTS, Bound.OWN_FALLBACK)],
        digest=view.rules.knowledge.digest,
        command=_command(said, name),
    )


def _applications(view: Known, asked: str) -> list[str]:
    """Those with settings, and the one that is asked about: a key names an application without any, too."""
    return list(dict.fromkeys((ELSE, *view.resolved.config.applications, asked)))


def _of(answer: Answer, endpoint: str) -> Answer:
    """What of an answer is about one endpoint; all of it where none is named."""
    if not endpoint:
        return answer
    return replace(answer, endpoints=tuple(one for one in answer.endpoints if one.endpoint == endpoint))


def _endpoints(view: Known, alias: str, endpoint: str) -> tuple[EndpointFacts, ...]:
    """An alias's pool, or one endpoint, or all. Raises NotFound."""
    found = view.pool_facts(alias) if alias else view.facts
    if endpoint and endpoint not in {one.endpoint for one in found}:
        known_as = None if alias else view.facts_called(endpoint)
        if known_as is None:
            of = f" in the pool of `{alias}`" if alias else ""
            raise NotFound(
                f"no endpoint `{endpoint[:200]}` is{of or ' in use'}", remedy="Look at the page Endpoints."
            )
        return (known_as,)
    if endpoint and not alias:
        return tuple(one for one in found if one.endpoint == endpoint)
    return found


def _described(view: Known, asked: Mapping[str, str], alias: str) -> RequestFacts:
    """The request that a query describes; what it leaves out is what the application's settings say."""
    application = asked.get("application") or ELSE
    settings = view.resolved.config.applications.get(application, Application())
    said, classes = asked.get("data_class", ""), view.resolved.config.data_classes
    if said and said not in classes:
        raise BadRequest(
            f"no data class is called `{said[:200]}`", remedy=f"Known are: {', '.join(classes)}."
        )
    for name in ("application", "purpose", "user_region"):
        if len(asked.get(name, "")) > WORD_CHARS_MAX:
            raise BadRequest(f"`{name}` is longer than {WORD_CHARS_MAX} characters", remedy="Shorten it.")
    tools = {YES: True, NO: False}.get(asked.get("tools", ""))
    purpose, region = asked.get("purpose", "").strip(), asked.get("user_region", "").strip().upper()
    return RequestFacts(
        application, alias, said or None, purpose or settings.purpose, region or settings.user_region, tools
    )


def _rows(view: Known, name: str, alias: str, application: str) -> Iterator[Row]:
    """Each endpoint of an alias, or of all, with what policies say of each data class, and of none."""
    matrices = view.matrices(name)
    facts = view.pool_facts(alias) if alias else view.facts
    classes = (*view.resolved.config.data_classes, NOT_SAID)
    against: dict[str, Mapping[str, Sequence[Refusal]]] = {}
    for word in classes:
        asked = replace(_described(view, {"application": application}, alias), data_class=word or None)
        if alias:
            against[word] = refusals(matrices, facts, asked)
        else:
            rows = [matrix.row(asked) for matrix in matrices]
            against[word] = {
                one.endpoint: [refusal for row in rows for refusal in row.refusals(one.endpoint)]
                for one in facts
            }
    for one in facts:
        query = {"policy": name, "alias": alias, "application": application, "endpoint": one.endpoint}
        yield Row(
            one.endpoint,
            tuple(_cell(against[word][one.endpoint], query | {"data_class": word}) for word in classes),
        )


def _cell(said: Sequence[Refusal], query: Mapping[str, str]) -> Cell:
    asked = {key: value for key, value in query.items() if value}
    if not said:
        return Cell("yes", "", asked)
    worst = min(said, key=worst_first)
    return Cell("no" if worst.verdict is Verdict.DENY else "unknown", worst.rule, asked)


def _bounds(policies: Sequence[Policy]) -> Iterator[Bounded]:
    """Every limit of some policies, in words."""
    for policy in policies:
        for limit in policy.limits:
            words = BOUNDS[limit.bound].format(
                value=limit.value,
                by=limit.by.value.replace("_", " "),
                hours=limit.window_hours,
                requests=limit.from_requests,
                application=limit.application or "each application",
            )
            yield Bounded(policy.label, limit, words)


def _command(asked: RequestFacts, name: str) -> str:
    """What says the same on a command line."""
    words = ["freehold", "policy", "explain", asked.alias or "ALIAS"]
    given = {
        "--policy": name,
        "--application": "" if asked.application == ELSE else asked.application,
        "--data-class": asked.data_class,
        "--purpose": asked.purpose,
        "--user-region": asked.user_region,
        "--tools": None if asked.tools is None else YES if asked.tools else NO,
    }
    return shlex.join((*words, *(word for flag, value in given.items() if value for word in (flag, value))))


ROUTES: tuple[BaseRoute, ...] = (Route("/policy", overview), Route("/policy/why", why))
