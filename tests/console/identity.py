"""An OpenID Connect provider on loopback: it lets everybody in, checks what it is told, and can be made to lie."""

import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.answering import Answering, answering

CLIENT, SECRET = "freehold", "a secret: with/signs+"


@dataclass
class Identities:
    """What the provider knows and says."""

    claims: dict[str, Any] = field(default_factory=lambda: {"email": "ana@example.com", "groups": ["ops"]})
    lies: dict[str, Any] = field(
        default_factory=dict
    )  # claims that it says instead; None: it leaves them out
    sign: str = "own"  # or: another's key, our secret, or none at all
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}))
    denies: bool = False
    issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)  # what was wrong with what it was asked

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.lies.get("issuer", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": self.lies.get("token_endpoint", f"{self.issuer}/token"),
            "jwks_uri": f"{self.issuer}/keys",
        }

    def authorized(self, asked: dict[str, str]) -> str:
        """Where to send the browser back to."""
        back = {"state": asked["state"]}
        if self.denies:
            return f"{asked['redirect_uri']}?{urlencode(back | {'error': 'access_denied'})}"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode(back | {'code': code, 'iss': self.issuer})}"

    def token(self, fields: dict[str, str], authorization: str) -> dict[str, str] | None:
        """The identity for a code; None, and why, where anything is not as it has to be."""
        asked = self.codes.pop(fields.get("code", ""), None)
        name, _, secret = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        verifier = sha256(fields.get("code_verifier", "").encode()).digest()
        if asked is None:
            self.told.append("code")
        elif (unquote_plus(name), unquote_plus(secret)) != (CLIENT, SECRET):
            self.told.append("client")
        elif urlsafe_b64encode(verifier).decode().rstrip("=") != asked["code_challenge"]:
            self.told.append("verifier")
        elif fields.get("redirect_uri") != asked["redirect_uri"]:
            self.told.append("redirect_uri")
        else:
            return {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(asked["nonce"])}
        return None

    def _signed(self, nonce: str) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce}
        said |= self.claims | self.lies
        said = {name: value for name, value in said.items() if value is not None}
        if self.sign == "none":
            parts = [{"alg": "none"}, said]
            return (
                ".".join(urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)
                + "."
            )
        if self.sign == "secret":
            return jwt.encode({"alg": "HS256"}, said, OctKey.import_key(SECRET))
        key = self.key if self.sign == "own" else ECKey.generate_key("P-256", {"kid": "one"})
        return jwt.encode({"alg": "ES256", "kid": "one"}, said, key)


@contextmanager
def identities() -> Iterator[Identities]:
    """A running provider."""
    known = Identities()

    class Handler(Answering):
        def answer(self) -> None:
            path, query = urlsplit(self.path).path, urlsplit(self.path).query
            if path == "/authorize":
                self.send_response(302)
                self.send_header("location", known.authorized(dict(parse_qsl(query))))
                self.end_headers()
            elif path == "/keys":
                self.tell(200, {"keys": [known.key.as_dict(private=False)]})
            elif path == "/.well-known/openid-configuration":
                self.tell(200, known.about())
            elif self.command == "GET":
                self.tell(404, {})
            else:
                self._exchange()

        def _exchange(self) -> None:
            given = known.token(dict(parse_qsl(self.sent().decode())), self.headers.get("authorization", ""))
            self.tell(400 if given is None else 200, given or {"error": "invalid_grant"})

    with answering(Handler) as known.issuer:
        yield known
