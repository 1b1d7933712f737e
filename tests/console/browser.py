"""A real browser before a real console: a gateway with sparring partners, its ledger filled, and who looks at it.

Playwright drives Debian's Chromium. Its blocking interface keeps an event loop of its own in the thread that starts
it, so a browser is closed before tests of another module run.
"""

import http.client
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect, sync_playwright

from freehold.gateway.keys import KeyStore
from freehold.ledger.search import Search
from freehold.sparring.server import Sparring
from tests.gateway.house import Partners
from tests.gateway.process import Gateway

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
STARTS = 5  # a free port may be taken before it is used

_PROVIDER = '[providers.{name}]\nbase_url = "{url}"\ndialects = ["chat"]\n'
_CONFIG = """
[aliases]
assistant = ["north/atlas-2", "south/atlas-2", "west/meridian-1"]
coder = ["north/atlas-code", "west/meridian-1"]
notes = ["north/atlas-2"]
[policy]
enforce = ["policy.toml"]
default_class = "public"
[catalog]
facts = ["facts.toml"]
"""
_POLICY = """
name = "at-home"
about = "Personal data stays in Europe."
[rules.in-europe]
when = "data_class >= personal"
require = "inference_region in EEA"
reason = "Personal data stays in Europe."
severity = "high"
"""
_FACTS = """
[[fact]]
provider = ["{name}"]
basis = "contract"
source = "https://example.org/{name}/terms"
read = 2026-11-20
who = "legal"
why = "as the contract says"
[fact.values]
parent = "{parent}"
cloud = "{cloud}"
entity_jurisdiction = "{law}"
inference_region = "{place}"
retention_days = {days}
input_usd_per_mtok = {price}
output_usd_per_mtok = {price}
"""
_KNOWN = (
    ("north", "Polar Group", "Polar Cloud", "US", "US", 30, 2.5),
    ("south", "Polar Group", "Delta Cloud", "IE", "IE", 0, 3.0),
    ("west", "Fjord AS", "Delta Cloud", "FI", "FI", 0, 1.5),
)


def chromium() -> str | None:
    """The browser's program: what CHROMIUM names, or Debian's; None where there is none."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """One browser."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS, timeout=PATIENCE_MS)
        try:
            yield opened
        finally:
            opened.close()


@dataclass
class Visit:
    """One person's pages, and what went wrong in them. Reads `problems` at the end."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note what a visitor would see in the browser's console, and whatever leaves this machine."""
        self.page.on("console", lambda said: self._note(said.type in ("error", "warning"), said.text))
        self.page.on("pageerror", lambda error: self._note(True, str(error)))
        self.page.on("request", lambda request: self._note(self._is_outside(request.url), request.url))

    def open(self, path: str) -> Page:
        """Go to a page; it must be there."""
        answer = self.page.goto(self.url + path)
        assert answer is not None and answer.status == 200, (path, answer and answer.status)
        return self.page

    def sign_in(self, token: str) -> None:
        """As a person does it: on the form."""
        self.open("/sign-in")
        self.page.fill("input[name=token]", token)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def _note(self, is_problem: bool, said: str) -> None:
        if is_problem:
            self.problems.append(said)

    def _is_outside(self, url: str) -> bool:
        return urlsplit(url).scheme != "data" and not url.startswith(self.url)


@contextmanager
def visiting(
    opened: Browser,
    url: str,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
    javascript: bool = True,
) -> Iterator[Visit]:
    """A person with a window of their own, in which nothing may go wrong."""
    size = {"width": width, "height": 900}
    context = opened.new_context(color_scheme=scheme, viewport=size, java_script_enabled=javascript)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    try:
        visit = Visit(context.new_page(), url)
        visit.watch()
        yield visit
        assert visit.problems == []
    finally:
        context.close()


@dataclass
class Town:
    """What runs: a gateway with its console, partners behind it, and a token to sign in with."""

    url: str  # the console's
    token: str
    gateway: Gateway
    keys: dict[str, str]  # by application
    exchanges: list[str] = field(default_factory=list)

    def ask(self, application: str, alias: str, words: str = "Which way is north?") -> int:
        """One request of an application; its status."""
        body = json.dumps({"model": alias, "messages": [{"role": "user", "content": words}]})
        headers = {"authorization": f"Bearer {self.keys[application]}", "content-type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)) as connection:
            connection.request("POST", "/v1/chat/completions", body, headers)
            answer = connection.getresponse()
            answer.read()
            self.exchanges.append(answer.headers["x-freehold-exchange"])
            return answer.status


@contextmanager
def town(folder: Path) -> Iterator[Town]:
    """All of it, with some traffic behind it: answers, fail-overs, findings, refusals by rule."""
    with Partners() as partners:
        behind = {name: partners.open() for name, *_ in _KNOWN}
        addresses = "".join(_PROVIDER.format(name=name, url=one.base_url) for name, one in behind.items())
        names = ("name", "parent", "cloud", "law", "place", "days", "price")
        facts = "".join(_FACTS.format(**dict(zip(names, one, strict=True))) for one in _KNOWN)
        (folder / "facts.toml").write_text(facts, encoding="utf-8")
        (folder / "policy.toml").write_text(_POLICY, encoding="utf-8")
        gateway = Gateway(folder, addresses + _CONFIG)
        try:
            keys = KeyStore(gateway.state)
            made = {name: keys.create(name, data_class=level)[1] for name, level in _APPLICATIONS.items()}
            found = Town(*_started(gateway, folder), gateway, made)
            _fill(found, partners, behind["north"])
            indexed(gateway.state)
            yield found
        finally:
            gateway.kill()


_APPLICATIONS = {"website": None, "claims": "personal"}


def _started(gateway: Gateway, folder: Path) -> tuple[str, str]:
    """The console's URL and the first token, once both are there."""
    for _ in range(STARTS):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        gateway.start("--console-port", str(port))
        if (said := gateway.said.get("console")) is not None:
            return said["url"], said["token"]
        gateway.kill()
    raise AssertionError((folder / "stderr").read_text())


def _fill(found: Town, partners: Partners, north: Sparring) -> None:
    for _ in range(4):
        assert found.ask("website", "assistant") == 200
        assert found.ask("website", "coder") == 200
    for fault in ("503", "refusal", "half-sentence"):
        partners.tell(north, fault)
        found.ask("website", "assistant")
        found.ask("claims", "assistant")
    partners.tell(north, "ok")
    assert found.ask("website", "notes") == 200
    assert found.ask("claims", "notes") == 403  # nobody in Europe serves it


def indexed(state: Path) -> None:
    """Wait until the console has taken in what is on the ledger."""
    search, until = Search(state), time.monotonic() + PATIENCE_MS / 1000
    while search.progress < 1:
        assert time.monotonic() < until, search.progress
        time.sleep(0.05)
