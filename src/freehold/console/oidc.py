"""Signing in with OpenID Connect: the authorization code with PKCE, state and nonce.

Does not notice when a role is taken away at the provider: what somebody may do is decided when they sign in.
"""

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from http.client import HTTPException as HTTPError
from threading import BoundedSemaphore, Lock
from typing import Any
from urllib import request as http
from urllib.parse import urlencode, urlsplit

import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from freehold.config.environment import Environment, is_loopback, proxy_for
from freehold.config.schema import Oidc
from freehold.console.access import SIGN_IN, access, own_path, waiting
from freehold.console.shell import page
from freehold.console.tokens import NAME_CHARS_MAX, ROLES
from freehold.vocabulary.errors import Unverified

START, BACK = f"{SIGN_IN}/oidc", f"{SIGN_IN}/oidc/back"
# Signed with the provider's own key; what is signed with our secret, or with none, anybody could have made.
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
ANSWER_BYTES_MAX = 1 << 20
ASK_S = 10.0
KNOWN_S = 3_600.0  # what the provider says of itself is asked for again after this
LEEWAY_S = 60  # clocks differ
PENDING_S = 600.0  # so long somebody may take to sign in there
PENDING_MAX = 20_000  # others can begin some too; of more the oldest makes room
ASKING_MAX = 8  # at once: a provider that is slow holds up no page


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that has begun."""

    state: str
    nonce: str
    verifier: str
    then: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Known:
    """What the provider says of itself."""

    authorization: str
    token: str
    keys: KeySet
    by_post: bool  # it takes the secret in the form alone
    until_s: float


class Provider:
    """One OpenID Connect provider, and the sign-ins that have begun there. Any thread may call it."""

    def __init__(self, settings: Oidc, env: Environment, now_s: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._env, self._now_s = env, now_s
        self._secret = env.get(settings.client_secret_env or "", "").strip()
        self._known: Known | None = None
        self._pending: dict[str, Pending] = {}
        self._lock, self._turns = Lock(), BoundedSemaphore(ASKING_MAX)

    def begin(self, back: str, then: str) -> tuple[str, Pending]:
        """Where to send somebody who wants to sign in. Raises Unverified where the provider cannot be had."""
        known, now = self._about(), self._now_s()
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        pending = Pending(state, nonce, verifier, then, now + PENDING_S)
        with self._lock:
            self._pending = {name: one for name, one in self._pending.items() if one.until_s > now}
            if len(self._pending) >= PENDING_MAX:
                del self._pending[next(iter(self._pending))]
            self._pending[pending.state] = pending
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(self.settings.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": create_s256_code_challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        sign = "&" if urlsplit(known.authorization).query else "?"
        return f"{known.authorization}{sign}{urlencode(asked)}", pending

    def pending(self, state: str) -> Pending | None:
        """The sign-in with this state, which can be gone on with once."""
        with self._lock:
            found = self._pending.pop(state, None)
        return found if found is not None and found.until_s > self._now_s() else None

    def identity(self, code: str, pending: Pending, back: str) -> Mapping[str, Any]:
        """Who has signed in: the claims of the identity, all checked. Raises Unverified."""
        known = self._about()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self.settings.client_id,
            "code_verifier": pending.verifier,
        }
        headers = {}
        if self._secret and known.by_post:
            fields["client_secret"] = self._secret
        elif self._secret:
            headers["authorization"] = _basic(self.settings.client_id, self._secret)
        answer = self._ask(known.token, urlencode(fields).encode(), headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unverified("the provider gave no identity")
        return self._checked(token, known.keys, pending.nonce)

    def _checked(self, token: str, keys: KeySet, nonce: str) -> Mapping[str, Any]:
        try:
            read = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            wanted = {
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
            }
            params = {"nonce": nonce, "client_id": self.settings.client_id}
            claims = CodeIDToken(read.claims, read.header, wanted, params)
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            with self._lock:
                self._known = None  # its keys may have changed
            raise Unverified(f"the identity does not hold: {error}") from error
        return dict(claims)

    def _about(self) -> Known:
        known = self._known
        if known is None or known.until_s < self._now_s():
            issuer = self.settings.issuer
            told = self._ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if told.get("issuer") != issuer:
                raise Unverified(f"the provider calls itself {told.get('issuer')!r}, and not {issuer!r}")
            ways = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            known = self._known = Known(
                _safe(told.get("authorization_endpoint")),
                _safe(told.get("token_endpoint")),
                _keys(self._ask(_safe(told.get("jwks_uri")))),
                "client_secret_basic" not in ways and "client_secret_post" in ways,
                self._now_s() + KNOWN_S,
            )
        return known

    def _ask(
        self, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One question to the provider; it may lead nowhere else."""
        proxy = proxy_for(url, self._env)
        opener = http.build_opener(http.ProxyHandler({"https": proxy} if proxy else {}), _Straight())
        asked = http.Request(url, body, {"accept": "application/json", **(headers or {})})  # noqa: S310 - checked
        if not self._turns.acquire(blocking=False):
            raise Unverified("too many are signing in at this moment", remedy="Try again in a moment.")
        try:
            with opener.open(asked, timeout=ASK_S) as answer:
                return msgspec.json.decode(answer.read(ANSWER_BYTES_MAX), type=dict[str, Any])
        except (OSError, HTTPError, msgspec.MsgspecError, RecursionError) as error:
            raise Unverified(f"{urlsplit(url).netloc} cannot be asked: {error}") from error
        finally:
            self._turns.release()


class _Straight(http.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _safe(url: object) -> str:
    """An address that the provider names, if what is sent there stays between us."""
    parts = urlsplit(url if isinstance(url, str) else "")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return parts.geturl()
    raise Unverified(f"the provider names {url!r} as an address of its own")


def _keys(told: dict[str, Any]) -> KeySet:
    """Its keys; of kinds that we do not know there may be others."""
    try:
        return KeySet.import_key_set(told)  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unverified(f"the provider's keys cannot be read: {error}") from error


def _basic(name: str, secret: str) -> str:
    """Both are form-encoded first (RFC 6749, section 2.3.1)."""
    both = urlencode({name: secret})
    name, _, secret = both.partition("=")
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


def name_of(claims: Mapping[str, Any], claim: str) -> str:
    """What somebody is called here; their subject where the provider says nothing usable, or does not vouch for it."""
    told = claims.get(claim)
    vouched = claim != "email" or claims.get("email_verified") is not False
    if isinstance(told, str) and told.isprintable() and 0 < len(told) <= NAME_CHARS_MAX and vouched:
        return told
    return str(claims["sub"])[:NAME_CHARS_MAX]


def role_of(claims: Mapping[str, Any], settings: Oidc) -> str | None:
    """The role that may most, of those that the identity has; None: it has none."""
    found: Any = claims
    for name in settings.roles_claim.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    values = {found} if isinstance(found, str) else set(map(str, found)) if isinstance(found, list) else set()
    values.add("*")
    held = [role for role in ROLES if values & set(getattr(settings.roles, role))]
    return held[-1] if held else None


def routes(settings: Oidc, env: Environment, now_s: Callable[[], float]) -> list[Route]:
    """The two addresses of a sign-in with this provider."""
    provider = Provider(settings, env, now_s)

    def start(request: Request) -> Response:
        return _start(request, provider)

    def back(request: Request) -> Response:
        return _back(request, provider)

    return [Route(START, start), Route(BACK, back)]


def _start(request: Request, provider: Provider) -> Response:
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise HTTPException(403, "A sign-in begins on a page of this console.")
    base = access(request).base(request)
    url, pending = provider.begin(base + BACK, own_path(request.query_params.get("then", "/")))
    response = RedirectResponse(url, 303)
    # Lax: the way back begins at the provider, and a strict cookie would not come along.
    response.set_cookie(
        _cookie(request), pending.state, int(PENDING_S), secure=base.startswith("https:"), httponly=True
    )
    return response


def _back(request: Request, provider: Provider) -> Response:
    here, given = access(request), request.query_params
    state = given.get("state", "")
    is_theirs = compare_digest(state.encode(), request.cookies.get(_cookie(request), "").encode())
    pending = provider.pending(state) if state and is_theirs else None
    if pending is None:
        return _refused(request, "no sign-in that began in this browser a moment ago")
    if given.get("iss", provider.settings.issuer) != provider.settings.issuer:
        return _refused(request, "the answer is another provider's")
    if "code" not in given:
        return _refused(request, "the provider did not let them in")
    try:
        claims = provider.identity(given["code"], pending, here.base(request) + BACK)
    except Unverified as error:
        return _refused(request, error.message)
    who = name_of(claims, provider.settings.name_claim)
    role = role_of(claims, provider.settings)
    if role is None:
        return _refused(request, f"{who} has no role here")
    # From this page of ours the browser goes on with the strict cookie, which it would not send on the way from there.
    response = page(request, "signed-in.html", then=pending.then, as_whom=who)
    secure = here.base(request).startswith("https:")
    response.delete_cookie(_cookie(request), secure=secure, httponly=True)
    about = {"way": "oidc", "subject": str(claims["sub"])[:NAME_CHARS_MAX]}
    return here.signed_in(request, response, here.sessions.open(who, role), about)


def _refused(request: Request, why: str) -> Response:
    if (response := waiting(request)) is not None:
        return response
    access(request).failed(request, "oidc", why)
    text = f"Nobody was signed in: {why}."
    remedy = "Begin again, or ask an admin for a role or a token."
    return page(request, "failed.html", 403, title="Not signed in", text=text, remedy=remedy, id="")


def _cookie(request: Request) -> str:
    return f"{access(request).cookie(request)}-oidc"
