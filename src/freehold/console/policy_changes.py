"""What another policy would change, and what shadow policies would have changed on the last exchanges."""

from collections.abc import Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from freehold.console.known import ENFORCED, Known, known
from freehold.console.later import LATER
from freehold.console.recent import recent
from freehold.console.shell import page, there
from freehold.gateway.cost import cost_usd, terms
from freehold.policy.comparison import Compared, compare
from freehold.policy.difference import Difference, Side, difference, every_request
from freehold.policy.rules import Policy
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Exchange
from freehold.vocabulary.facts import RequestFacts

REQUESTS_SHOWN = 3  # of a change
CHANGES_SHOWN = 200
_SAID = ("application", "alias", "data_class", "purpose", "user_region", "tools")


def diff(request: Request) -> Response:
    """What becomes allowed or denied, and which aliases are left without a choice."""
    view, asked = known(there(request)), request.query_params
    names = (asked.get("before", ENFORCED), asked.get("after", ""))
    before, after = (view.policies_called(name) for name in names)
    differ = bool(before) and bool(after) and before != after
    return page(
        request,
        "policy_diff.html",
        names=[one for one in view.policies if one],
        before=names[0],
        after=names[1],
        old=before,
        new=after,
        enforced=view.rules.enforced,
        differ=differ,
        found=_difference(view, before, after) if differ else None,
        most=CHANGES_SHOWN,
        told=told,
    )


def _difference(view: Known, before: Sequence[Policy], after: Sequence[Policy]) -> Difference | None:
    """None: it is being worked out."""
    labels = tuple(tuple(one.label for one in side) for side in (before, after))
    now = view.snapshot.now

    def worked_out() -> Difference:
        sides = Side(before, view.facts, now), Side(after, view.facts, now)
        applications = list(view.resolved.config.applications)
        return difference(*sides, every_request(sides, applications, list(view.pools)), view.pools)

    return LATER.get(("difference", labels, view.resolved.config.state_dir), id(view), worked_out)


def told(requests: Sequence[RequestFacts]) -> str:
    """For which requests something changes."""
    shown = "; ".join(_request(one) for one in requests[:REQUESTS_SHOWN])
    more = len(requests) - REQUESTS_SHOWN
    return f"{shown}; and {more:,} more kinds of request" if more > 0 else shown


def _request(one: RequestFacts) -> str:
    return ", ".join(_words(one)) or "every request that says nothing of itself"


def _words(one: RequestFacts) -> Iterator[str]:
    for name in _SAID:
        if (value := one.value(name)) not in (None, ""):
            yield f"{name.replace('_', ' ')} {value}"


def shadow(request: Request) -> Response:
    """Where shadow policies disagreed with what was enforced."""
    here = there(request)
    view, seen = known(here), recent(here.state)
    found: tuple[Compared, ...] | None = None
    if seen is not None:
        made_of = (id(seen), view.rules.knowledge.digest)
        found = LATER.get(
            ("shadow", here.state), made_of, lambda: compare(seen.exchanges, lambda *one: _price(view, *one))
        )
    return page(
        request,
        "policy_shadow.html",
        found=found,
        seen=seen,
        shadow=view.rules.shadow,
        current={one.label for one in view.rules.shadow},
    )


def _price(view: Known, exchange: Exchange, endpoint: str) -> float | None:
    """What an exchange's tokens would have cost at another endpoint, at its price of that day as known today."""
    about = view.facts_called(endpoint)
    if about is None or exchange.served is None:
        return None
    return cost_usd(
        terms(about.facts, exchange.at_ms).rates, exchange.served.usage, Dialect(exchange.dialect)
    )


ROUTES: tuple[BaseRoute, ...] = (Route("/policy/diff", diff), Route("/policy/shadow", shadow))
