"""The console over a folder of its own, on loopback, and a visitor who is signed in."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode, urlsplit

import uvicorn

from freehold.config.load import Loaded, load_all
from freehold.console.app import application
from freehold.console.current import Current
from freehold.console.serving import Notebook, settings
from freehold.console.there import There
from freehold.console.tokens import Tokens

CONFIG = """
[providers.p]
base_url = "http://127.0.0.1:9/v1"
[aliases]
assistant = ["p/small", "p/large"]
"""
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    text: str

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
            return Page(answer.status, found, answer.read().decode())
        finally:
            connection.close()


@dataclass
class Site:
    """A console that is served by a thread of the test."""

    url: str
    folder: Path
    there: There

    @property
    def state(self) -> Path:
        return self.there.state

    def visitor(self) -> Visitor:
        """Somebody who is not signed in."""
        return Visitor(self.url)

    def signed_in(self, role: str = "admin", name: str = "ana") -> Visitor:
        """Somebody who is, with a token of their own."""
        visitor = self.visitor()
        page = visitor.sign_in(Tokens(self.state).make(name, role))
        assert page.status == 303, page.text
        return visitor


NO_PORTS: Mapping[str, object] = MappingProxyType({})


@contextmanager
def site(
    folder: Path,
    config: str = CONFIG,
    *,
    ports: Mapping[str, object] = NO_PORTS,
    gateway: str | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> Iterator[Site]:
    """The console over `folder`/state as this configuration has it."""
    file = folder / "freehold.toml"
    file.write_text(config, encoding="utf-8")
    loaded = load_all(file)
    assert isinstance(loaded, Loaded), loaded
    current = Current(loaded, file)
    notebook = Notebook(current.state, loaded.config.ledger)
    there = There(current.state, current.resolved, current.rules, notebook.note, gateway, ports)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(settings(application(there, now_s)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}", folder, there)
    finally:
        server.should_exit = True
        thread.join()
        notebook.close()
        listening.close()
