"""The console as one ASGI application: its pages, its files, and who may see them."""

import logging
import time
from collections.abc import Callable, Sequence
from importlib import import_module

from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from freehold.config.environment import environment
from freehold.console import (
    access,
    audits,
    cutoff,
    endpoints,
    exchanges,
    keys,
    now,
    policy,
    policy_changes,
    standing,
)
from freehold.console.access import Access
from freehold.console.gate import Gate
from freehold.console.settings import lacking
from freehold.console.shell import HERE
from freehold.console.there import There

PAGES: Sequence[BaseRoute] = (
    *now.ROUTES,
    *exchanges.ROUTES,
    *endpoints.ROUTES,
    *policy.ROUTES,
    *policy_changes.ROUTES,
    *audits.ROUTES,
    *cutoff.ROUTES,
    *standing.ROUTES,
    *keys.ROUTES,
)


def application(there: There, now_s: Callable[[], float] = time.monotonic) -> Gate:
    """The console over one gateway's files. `now_s` is what sessions and throttling go by."""
    settings = there.resolved().config.console
    routes = [*PAGES, *access.ROUTES, Mount("/static", StaticFiles(directory=HERE / "static"))]
    env = environment()
    problem = None if settings.oidc is None else lacking(settings.oidc, env)
    if problem is not None:
        logging.getLogger("freehold.console").warning("%s. %s", problem, problem.remedy)
        settings = replace(settings, oidc=None)
    if settings.oidc is not None:  # only then is its library needed
        routes += import_module("freehold.console.oidc").routes(settings.oidc, env, now_s)
    app = Starlette(routes=routes)
    app.state.there = there
    endpoints.prepare(there)
    app.state.access = Access(there.state, settings, now_s)
    return Gate(app, app.state.access)
