"""The console over a folder of its own, on loopback, and a visitor who is signed in."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import uvicorn

from freehold.config.load import Loaded, load_all
from freehold.console.app import application
from freehold.console.current import Current
from freehold.console.serving import Notebook, settings
from freehold.console.there import There
from freehold.console.tokens import Tokens
from tests.console.visitor import PATIENCE_S, Page, Visitor

__all__ = ["CONFIG", "PATIENCE_S", "Page", "Site", "Visitor", "site"]

CONFIG = """
[providers.p]
base_url = "http://127.0.0.1:9/v1"
[aliases]
assistant = ["p/small", "p/large"]
"""


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
