"""What takes longer than a page may: worked out beside the request, and remembered for the next one."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

WAIT_S = 0.02  # of a tenth of a second, which a page may take; some pages wait for several things
REMEMBERED = 64
THREADS = 2  # a long one must not keep the others waiting


class _Entry(NamedTuple):
    made_of: Hashable
    future: "Future[Any]"
    before: Any  # what it was before it was made again


class Later:
    """Makes things by their names. Thread-safe."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(THREADS, "console-later")

    def get(
        self, name: Hashable, made_of: Hashable, make: Callable[[], T], wait_s: float = WAIT_S
    ) -> T | None:
        """What `make` gives, remembered for as long as `made_of` stays the same.

        While it is being made, what it was before; None where it never was. Raises what `make` raises.
        """
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or (entry.future.done() and (entry.made_of != made_of or _failed(entry))):
                before = None if entry is None or _failed(entry) else entry.future.result()
                entry = _Entry(made_of, self._threads.submit(make), before)
                self._entries[name] = entry
            self._entries.move_to_end(name)
            while len(self._entries) > REMEMBERED:
                self._entries.popitem(last=False)
        try:
            found: T = entry.future.result(wait_s)
        except TimeoutError:
            if entry.future.done():
                raise
            before_that: T | None = entry.before
            return before_that
        return found


def _failed(entry: _Entry) -> bool:
    return entry.future.exception() is not None


LATER = Later()
