"""The index that pages search and add up by: one for each state directory of a process, filled beside its requests."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event, Thread

from starlette.requests import Request

from freehold.console.shell import there
from freehold.ledger.search import Search

AS_GOOD_AS_ALL = 0.995
LITTLE_BYTES = 1 << 20  # what came in the last second, and is taken in within the next

_log = logging.getLogger("freehold.console")


@cache
def search_of(state: Path) -> Search:
    """The index of a state directory."""
    return Search(state)


def search(request: Request) -> Search:
    """The index of what this console shows."""
    return search_of(there(request).state)


def unfinished(found: Search) -> float | None:
    """How much of the ledger is in the index, 0 to 1; None where it is as good as all."""
    taken, written = found.taken()
    little = max(LITTLE_BYTES, (1 - AS_GOOD_AS_ALL) * written)
    is_as_good = not written or (taken is not None and written - taken < little)
    return None if is_as_good else min(1.0, (taken or 0) / written)


@contextmanager
def kept_up(state: Path) -> Iterator[None]:
    """Fill the index for as long as this lasts, in a thread of its own."""
    stop, told = Event(), set[str]()

    def tell(error: Exception) -> None:
        if str(error) not in told:  # it is tried each second
            told.add(str(error))
            _log.warning("the index of exchanges cannot be brought up to date: %s", error)

    thread = Thread(target=search_of(state).keep_up, args=(stop, tell), name="console-search", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
