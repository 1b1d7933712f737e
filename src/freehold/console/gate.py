"""What each request passes before a page sees it: whose it is, where it comes from, and what it carries.

Protects against other web pages (rebound names, forged forms, frames) and against people who are not signed in.
Does not protect against a browser extension, or against somebody who reads this process's memory.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from freehold.config.environment import is_loopback
from freehold.console.access import SIGN_IN, Access
from freehold.console.sessions import Session
from freehold.console.shell import page
from freehold.vocabulary.errors import CallerError, FreeholdError, NotFound

FORM_BYTES_MAX = 1 << 18
FORM_FIELDS_MAX = 1_000
FORM_S = 30.0  # a form must have arrived by then
FORM_TYPE = "application/x-www-form-urlencoded"
WITHOUT_SESSION = ("/static/", SIGN_IN)
_NAME = re.compile(r"[A-Za-z0-9._:\[\]-]+")

# Nothing is loaded from anywhere else, nothing runs that is not a file of ours, and nobody may frame it. The referrer
# stays at home; with none at all, browsers would not say where a form comes from either.
HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}

_log = logging.getLogger("freehold.console")


class Gate:
    """Stands before all pages; puts the headers on every answer, and turns every error into a page."""

    def __init__(self, app: Starlette, access: Access) -> None:
        self._app, self._access = app, access

    @property
    def state(self) -> State:
        """What the pages' application holds."""
        return self._app.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        scope["app"] = self._app
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _add(message)
            await send(message)

        request = Request(scope, receive)
        try:
            answer = await self._stopped(request)
            if answer is None:
                await self._app.router(scope, receive, sent)  # errors come here, not to Starlette
            else:
                await answer(scope, receive, sent)
        except Exception as error:
            if begun:
                raise
            await _failed(request, error)(scope, receive, sent)

    async def _stopped(self, request: Request) -> Response | None:
        """The answer to a request that may not pass. Raises HTTPException."""
        if not self._is_our_name(request):
            return PlainTextResponse(
                "This console is not served under that name.", HTTPStatus.MISDIRECTED_REQUEST
            )
        if request.method not in ("GET", "HEAD", "POST"):
            raise HTTPException(405, "There is nothing that can be done here in this way.")
        session = await asyncio.to_thread(self._access.session, request)
        state = request.state
        state.who = state.session = None
        if session is not None:
            state.who, state.role, state.csrf, state.session = (
                session.who,
                session.role,
                session.csrf,
                session,
            )
        if request.method == "POST":
            await self._check_form(request, session)
        if session is None and not request.url.path.startswith(WITHOUT_SESSION):
            return _to_sign_in(request)
        return None

    def _is_our_name(self, request: Request) -> bool:
        """Whether the caller meant us: a name that somebody let point to this machine is not ours."""
        given = request.headers.getlist("host")
        if len(given) != 1 or not _NAME.fullmatch(given[0]):
            return False
        if given[0] == self._access.outside.netloc:
            return True
        try:
            return is_loopback(urlsplit(f"//{given[0]}").hostname or "")
        except ValueError:
            return False

    async def _check_form(self, request: Request, session: Session | None) -> None:
        if not self._is_our_origin(request):
            raise HTTPException(403, "This form was sent by another web page, and nothing was done.")
        request.state.form = fields = await _form(request)
        if session is None:
            if request.url.path != SIGN_IN:
                raise HTTPException(403, "You are not signed in any more, and nothing was done.")
        elif request.url.path != SIGN_IN and not secrets.compare_digest(
            fields.get("csrf", "").encode(), session.csrf.encode()
        ):
            raise HTTPException(403, "This form is out of date: open its page again. Nothing was done.")

    def _is_our_origin(self, request: Request) -> bool:
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
        if origin is None:  # a program, which has no page that could be misled
            return site in ("same-origin", "none")
        return origin == self._access.base(request)


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a form of bounded size."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise HTTPException(415, "What was sent is not a form.")
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_S):
            async for piece in request.stream():
                body += piece
                if len(body) > FORM_BYTES_MAX:
                    raise HTTPException(413, f"The form is longer than {FORM_BYTES_MAX} bytes.")
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX))
    except TimeoutError:
        raise HTTPException(408, "The form did not arrive in time.") from None
    except (ValueError, ClientDisconnect):
        raise HTTPException(400, "The form cannot be read.") from None


def _to_sign_in(request: Request) -> Response:
    if "hx-request" in request.headers:  # a part of a page that is open: all of it goes to the sign-in
        return Response(status_code=401, headers={"hx-redirect": SIGN_IN})
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(SIGN_IN if asked == "/" else f"{SIGN_IN}?then={quote(asked)}", 303)


def _failed(request: Request, error: Exception) -> Response:
    """What an error looks like. What nobody foresaw is told by an id alone."""
    if isinstance(error, HTTPException):
        title = "Not here" if error.status_code == 404 else HTTPStatus(error.status_code).phrase
        text = (
            "There is no such page."
            if error.status_code == 404 and error.detail == "Not Found"
            else error.detail
        )
        return _page(request, error.status_code, title, text)
    if isinstance(error, FreeholdError):
        title = "That cannot be done" if isinstance(error, CallerError) else "That did not work"
        title = "Not here" if isinstance(error, NotFound) else title
        return _page(request, error.status, title, str(error), error.remedy)
    name = secrets.token_hex(4)
    _log.error("a page failed (%s): %s %r", name, request.method, request.url.path, exc_info=error)
    return _page(
        request, 500, "That did not work", "This page failed, which is a defect in Freehold.", name=name
    )


def _page(
    request: Request, status: int, title: str, text: str, remedy: str = "", *, name: str = ""
) -> Response:
    return page(request, "failed.html", status, title=title, text=text, remedy=remedy, id=name)


def _add(message: MutableMapping[str, Any]) -> None:
    present = {name for name, _ in message.get("headers", ())}
    more = [(name, value) for name, value in HEADERS.items() if name not in present]
    message["headers"] = [*message.get("headers", ()), *more]
