"""A drill on a running gateway, held up by a test in place of a command."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from freehold.gateway import drill_order
from freehold.gateway.drill_order import TOKEN_HEADER, Mode, Order, Struck
from freehold.gateway.running import running
from freehold.ledger import query
from freehold.vocabulary.exchange import Event, Exchange
from tests.gateway.house import PATIENCE_S, House, Said, path, question

TOKEN = "a token of nobody's"
LONG_MS = 600_000


def noted(state: Path, kind: str, drill: str) -> list[Event]:
    """What the gateway has said of a drill."""
    return [one for one in query.events(state, kind) if one.about.get("drill") == drill]


def wait_for(state: Path, kind: str, drill: str) -> Event:
    """The event, once it is there."""
    until = time.monotonic() + PATIENCE_S
    while not (found := noted(state, kind, drill)):
        assert time.monotonic() < until, f"no {kind} of {drill}"
        time.sleep(0.05)
    return found[0]


def order(state: Path, drill: str, mode: Mode, *struck: Struck, share: float = 1.0, in_ms: int = 0) -> Order:
    """A drill whose fault begins in so many milliseconds."""
    gateway = running(state)
    assert gateway is not None
    from_ms = time.time_ns() // 1_000_000 + in_ms
    token = sha256(TOKEN.encode()).hexdigest() if mode is Mode.MARKED else ""
    return Order(drill, gateway.run, "test", mode, share, token, from_ms, from_ms + LONG_MS, struck)


def hold(state: Path) -> None:
    """A lease that outlasts any test."""
    later = time.time() + LONG_MS / 1000
    os.utime(state / drill_order.FILE, (later, later))


@contextmanager
def drilled(state: Path, mode: Mode, *struck: Struck, share: float = 1.0, in_ms: int = 0) -> Iterator[Order]:
    """In force within the block."""
    drill = f"d{time.time_ns():019x}"[:20]
    asked = order(state, drill, mode, *struck, share=share, in_ms=in_ms)
    drill_order.put(state, asked)
    hold(state)
    try:
        wait_for(state, "drill-in-force", drill)
        yield asked
    finally:
        drill_order.remove(state)
    wait_for(state, "drill-over", drill)


def ask(
    there: House, alias: str, *, marked: bool = True, dialect: str = "chat", stream: bool = False, **more: str
) -> Said:
    """A question, marked for the drill or not, with other headers of the gateway's own."""
    headers = {f"x-freehold-{name.replace('_', '-')}": value for name, value in more.items()}
    body = question(dialect, alias, stream=stream)
    return there.post(path(dialect, alias, stream), body, headers | ({TOKEN_HEADER: TOKEN} if marked else {}))


def outcomes(exchange: Exchange) -> list[tuple[str, str, int | None]]:
    """Who was tried, and what came of it."""
    return [(one.endpoint, one.outcome, one.status) for one in exchange.attempts]
