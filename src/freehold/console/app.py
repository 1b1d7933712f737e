"""The console as one ASGI application: its pages, its files, and what every answer carries."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freehold.console.shell import HERE
from freehold.console.there import There

# Nothing is loaded from anywhere else, nothing runs that is not a file of ours, and nobody may frame it.
HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}

PAGES: Sequence[BaseRoute] = ()


class Guarded:
    """Puts the headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message)
            await send(message)

        await self._app(scope, receive, sent)


def _add(message: MutableMapping[str, Any]) -> None:
    present = {name for name, _ in message.get("headers", ())}
    more = [(name, value) for name, value in HEADERS.items() if name not in present]
    message["headers"] = [*message.get("headers", ()), *more]


def application(there: There) -> Starlette:
    """The console over one gateway's files."""
    files = Mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app = Starlette(routes=[*PAGES, files], middleware=[Middleware(Guarded)])
    app.state.there = there
    return app
