"""Signing in and out: who somebody is, for how long, and what the ledger is told of it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from freehold.config.schema import Console
from freehold.console.sessions import Session, Sessions, Throttle
from freehold.console.shell import form, page, there
from freehold.console.tokens import Tokens

SIGN_IN = "/sign-in"
TOKEN_CHARS_MAX = 200
WHY_CHARS_MAX = 500
UNATTENDED = "x-unattended"  # a header of what a page asks for while nobody does anything
SIGNED_IN, SIGN_IN_FAILED = "console-signed-in", "console-sign-in-failed"  # kinds of events


class Access:
    """Who may come in."""

    def __init__(self, state: Path, settings: Console, now_s: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.outside = urlsplit(settings.url or "")
        self.tokens = Tokens(state)
        self.sessions = Sessions(now_s, settings.idle_s, settings.session_s)
        self.throttle = Throttle(now_s)

    def base(self, request: Request) -> str:
        """Scheme and authority that whoever asks sees us under."""
        host = request.headers["host"]
        return f"{self.outside.scheme if host == self.outside.netloc else 'http'}://{host}"

    def cookie(self, request: Request) -> str:
        """The name of our cookie. Cookies know no ports, and a neighbour's must not put out ours."""
        if self._is_secure(request):
            return "__Host-freehold"
        return f"freehold-{request.headers['host'].rpartition(':')[2]}"

    def session(self, request: Request) -> Session | None:
        """Whose request it is; None where nobody is signed in, or the token has ended meanwhile.

        What a page asks for by itself does not keep a session from ending.
        """
        is_used = UNATTENDED not in request.headers
        session = self.sessions.find(request.cookies.get(self.cookie(request), ""), is_used=is_used)
        if session is not None and session.digest is not None and not self.tokens.good(session.digest):
            self.sessions.close(session.id)
            return None
        return session

    def signed_in(
        self, request: Request, response: Response, session: Session, about: Mapping[str, str]
    ) -> Response:
        """Tell the ledger, with what more is known `about` it, and the browser.

        A session that was there before ends: its id may be known to others.
        """
        if (before := request.state.session) is not None:
            self.sessions.close(before.id)
        told = {"who": session.who, "role": session.role, **about, "from": address(request)}
        there(request).note(SIGNED_IN, told)
        name, secure = self.cookie(request), self._is_secure(request)
        response.set_cookie(name, session.id, path="/", secure=secure, httponly=True, samesite="strict")
        return response

    def failed(self, request: Request, way: str, why: str) -> None:
        """Tell the ledger of a sign-in that failed. So many may fail, and no more is ever written than that."""
        self.throttle.failed(address(request))
        about = {"way": way, "why": why[:WHY_CHARS_MAX], "from": address(request)}
        there(request).note(SIGN_IN_FAILED, about)

    def _is_secure(self, request: Request) -> bool:
        return self.base(request).startswith("https:")


def access(request: Request) -> Access:
    """Who may come in, as this console has it."""
    found: Access = request.app.state.access
    return found


def address(request: Request) -> str:
    """Where a request comes from; behind a proxy, the proxy."""
    return request.client.host if request.client else "unknown"


def own_path(given: str) -> str:
    """A path of this console to go on to; the first page where it is anything else."""
    plain = given.isprintable() and given.startswith("/") and not given.startswith("//") and "\\" not in given
    return given if plain else "/"


def waiting(request: Request) -> Response | None:
    """The answer to a sign-in that failed while too many have, from where it comes. What is right always gets in.

    A token cannot be guessed; what is bounded is how much others can have written on the ledger.
    """
    wait_s = access(request).throttle.wait_s(address(request))
    if not wait_s:
        return None
    said = f"Too many sign-ins have failed. Try again in {int(wait_s) + 1} seconds."
    response = _shown(request, 429, said)
    response.headers["retry-after"] = str(int(wait_s) + 1)
    return response


def asked_token(request: Request) -> Response:
    """The page that asks for a token."""
    return _shown(request, 200, "")


def given_token(request: Request) -> Response:
    """Sign in with a token."""
    here, fields = access(request), form(request)
    text = fields.get("token", "").strip()
    token = here.tokens.find(text) if 0 < len(text) <= TOKEN_CHARS_MAX else None
    if token is None:
        if (response := waiting(request)) is not None:
            return response
        here.failed(request, "token", "the token is not known")
        return _shown(request, 403, "This token is not known here, or has been replaced by a newer one.")
    session = here.sessions.open(token.name, token.role, token.digest)
    then = own_path(fields.get("then", "/"))
    return here.signed_in(request, RedirectResponse(then, 303), session, {"way": "token"})


def sign_out(request: Request) -> Response:
    """End the session."""
    here = access(request)
    here.sessions.close(request.state.session.id)
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(
        here.cookie(request), secure=here.base(request).startswith("https:"), httponly=True, samesite="strict"
    )
    return response


def _shown(request: Request, status: int, problem: str) -> Response:
    then = own_path(form(request).get("then") or request.query_params.get("then", "/"))
    oidc = access(request).settings.oidc
    issuer = urlsplit(oidc.issuer).hostname if oidc else None
    return page(request, "sign-in.html", status, then=then, problem=problem, issuer=issuer)


ROUTES = (
    Route(SIGN_IN, asked_token),
    Route(SIGN_IN, given_token, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
)
