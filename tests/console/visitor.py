"""A visitor of a console: a browser without JavaScript, over real HTTP. Imports nothing of the console."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    text: str  # a space that does not break a line reads as a space

    @property
    def csrf(self) -> str:
        """What the forms of this page carry."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        assert found, self.text
        return found[1]


@dataclass
class Visitor:
    """A browser without JavaScript: it keeps cookies, and follows nothing by itself."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def get(self, path: str, **headers: str) -> Page:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Page:
        """Send a form as a browser does from a page of this console, unless `headers` say otherwise."""
        given = {"content-type": "application/x-www-form-urlencoded", "origin": self.url} | headers
        return self._ask("POST", path, urlencode(fields), given)

    def sign_in(self, token: str, then: str = "/") -> Page:
        return self.post("/sign-in", {"token": token, "then": then})

    def send(self, path: str, **fields: str) -> Page:
        """Fill in and send a form of a page that is open, with what the page's forms carry."""
        return self.post(path, {"csrf": self.get("/sign-in").csrf, **fields})

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Page:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = HTTPConnection(self.host, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            for cookie in answer.msg.get_all("set-cookie") or ():
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value.strip('"')
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Page(answer.status, found, answer.read().decode().replace("\xa0", " "))
        finally:
            connection.close()
