"""Who is signed in: kept in the console's memory, so that signing out, a new token and a restart all end it.

Also how often a sign-in may fail before no more is written of it for a while.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

SESSIONS_MAX = 1_000  # the one that was unused for longest makes room
SESSIONS_EACH_MAX = 20  # of one person, who can so put out no other's
FAILURES_MAX = 5  # at once, from one address
FAILURE_S = 10.0  # after so long, one more may fail
ADDRESSES_MAX = 10_000


@dataclass(slots=True)
class Session:
    """One person at one browser."""

    who: str
    role: str
    digest: str | None  # of the token it was opened with; None: not by a token
    began_s: float
    used_s: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))  # what its forms carry


class Sessions:
    """All sessions of a console. Any thread may call it."""

    def __init__(self, now_s: Callable[[], float], idle_s: float, longest_s: float) -> None:
        self._now_s, self._idle_s, self._longest_s = now_s, idle_s, longest_s
        self._open: dict[str, Session] = {}
        self._lock = Lock()

    def open(self, who: str, role: str, digest: str | None = None) -> Session:
        """A session with an id of its own."""
        now = self._now_s()
        session = Session(who, role, digest, now, now)
        with self._lock:
            own = [one for one in self._open.values() if one.who == who]
            for some, most in ((own, SESSIONS_EACH_MAX), (self._open.values(), SESSIONS_MAX)):
                if len(some) >= most:
                    del self._open[min(some, key=lambda one: one.used_s).id]
            self._open[session.id] = session
        return session

    def find(self, name: str, *, is_used: bool = True) -> Session | None:
        """The session with this id, if it has not ended."""
        now = self._now_s()
        with self._lock:
            session = self._open.get(name)
            if session is None:
                return None
            if now - session.used_s > self._idle_s or now - session.began_s > self._longest_s:
                del self._open[name]
                return None
            if is_used:
                session.used_s = now
            return session

    def close(self, name: str) -> None:
        """End a session, if there is one."""
        with self._lock:
            self._open.pop(name, None)


class Throttle:
    """How many failed sign-ins of an address are listened to: a few at once, then one each `FAILURE_S`."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._free_s: dict[str, float] = {}  # by address: when all of its failures are forgotten
        self._lock = Lock()

    def wait_s(self, address: str) -> float:
        """How long no other failure is listened to at this address; 0: speak."""
        with self._lock:
            left = self._free_s.get(address, 0.0) - self._now_s()
        return max(left - (FAILURES_MAX - 1) * FAILURE_S, 0.0)

    def failed(self, address: str) -> None:
        """A sign-in from this address has failed."""
        now = self._now_s()
        with self._lock:
            if len(self._free_s) >= ADDRESSES_MAX:
                self._free_s = {one: until for one, until in self._free_s.items() if until > now}
            self._free_s[address] = max(self._free_s.get(address, 0.0), now) + FAILURE_S
