"""Keys and budgets: who may ask for what, and what of it is used. Admins make and end keys here."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from freehold.config import clock
from freehold.config.schema import Application, Config
from freehold.console.budgets import spent, today
from freehold.console.searching import search
from freehold.console.shell import form, may, need, page, there
from freehold.gateway.key_terms import ending_ms, known_class
from freehold.gateway.keys import Key, KeyStore
from freehold.ledger.search import Sum
from freehold.vocabulary.errors import BadRequest, FreeholdError, NotFound

CREATED, REVOKED = "key-created", "key-revoked"
KEYS_SHOWN = 500
FIELDS = ("name", "aliases", "data_class", "ends")


class Used(NamedTuple):
    """What an application did today."""

    exchanges: int = 0
    usd: float = 0.0
    unpriced: int = 0


class Line(NamedTuple):
    """One application: how it is treated, and what it did today."""

    name: str
    settings: Application
    used: Used


def overview(request: Request) -> Response:
    """The page."""
    return _shown(request)


def create(request: Request) -> Response:
    """Make a key and show it, this once."""
    need(request, "admin")
    here, fields = there(request), form(request)
    try:
        name = fields.get("name", "").strip()
        aliases = tuple(fields.get("aliases", "").replace(",", " ").split())
        ends = fields.get("ends", "").strip()
        data_class = known_class(fields.get("data_class") or None, here.resolved().config.data_classes)
        ends_ms = ending_ms(ends, clock.now_ms()) if ends else None
        key, secret = KeyStore(here.state).create(name, aliases, ends_ms, data_class)
    except BadRequest as error:
        return _shown(request, 400, problem=error, given=fields)
    about = {"key": key.id, "application": key.name, "aliases": key.aliases, "who": request.state.who}
    try:
        here.note(CREATED, about)
    except FreeholdError:
        KeyStore(here.state).revoke(key.id)  # what is not on the ledger was not done
        raise
    return _shown(request, made=key, secret=secret)


def one(request: Request) -> Response:
    """One key, and the question whether to end it."""
    return page(
        request, "key.html", key=_found(request), now_ms=clock.now_ms(), is_admin=may(request, "admin")
    )


def revoke(request: Request) -> Response:
    """End a key. The ledger is told first: a key that stays in force after that can be ended again."""
    need(request, "admin")
    key = _found(request)
    if key.revoked_ms is None:
        there(request).note(REVOKED, {"key": key.id, "application": key.name, "who": request.state.who})
        KeyStore(there(request).state).revoke(key.id)
    return RedirectResponse("/keys", 303)


def _found(request: Request) -> Key:
    name = request.path_params["id"]
    for key in KeyStore(there(request).state).list():
        if key.id == name:
            return key
    raise NotFound(f"There is no key {name}.", remedy="The page of keys lists them.")


def _shown(
    request: Request,
    status: int = 200,
    *,
    problem: BadRequest | None = None,
    given: Mapping[str, str] | None = None,
    made: Key | None = None,
    secret: str = "",
) -> Response:
    here, sums = there(request), today(search(request))
    config, now_ms = here.resolved().config, clock.now_ms()
    keys = sorted(KeyStore(here.state).list(), key=lambda key: -key.created_ms)
    good = [key for key in keys if key.state(now_ms) == "in force"]
    policies = here.rules().enforced
    return page(
        request,
        "keys.html",
        status,
        config=config,
        good=good[:KEYS_SHOWN],
        good_count=len(good),
        ended=[key for key in keys if key not in good][:KEYS_SHOWN],
        now_ms=now_ms,
        lines=_lines(config, keys, sums),
        spent=sorted(spent(policies, sums), key=lambda one: -one.share),
        enforced=policies,
        problem=problem,
        given=dict.fromkeys(FIELDS, "") | dict(given or {}),
        made=made,
        secret=secret,
        is_admin=may(request, "admin"),
    )


def _lines(config: Config, keys: Sequence[Key], sums: Sequence[Sum]) -> list[Line]:
    """Every application that has a key, settings or traffic today, who spent most first."""
    used: defaultdict[str, Used] = defaultdict(Used)
    for one in sums:
        before = used[str(one.by[0])]
        used[str(one.by[0])] = Used(
            before.exchanges + one.exchanges,
            before.usd + one.cost_usd,
            before.unpriced + one.exchanges - one.priced,
        )
    names = {key.name for key in keys if key.revoked_ms is None} | set(config.applications) | set(used)
    lines = [Line(name, config.applications.get(name, Application()), used[name]) for name in names]
    return sorted(lines, key=lambda line: (-line.used.usd, -line.used.exchanges, line.name))[:KEYS_SHOWN]


ROUTES = (
    Route("/keys", overview),
    Route("/keys", create, methods=["POST"]),
    Route("/keys/{id}", one),
    Route("/keys/{id}/revoke", revoke, methods=["POST"]),
)
