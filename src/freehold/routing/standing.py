"""What this process knows of each endpoint, by its id."""

from collections.abc import Callable, Mapping

from freehold.config.schema import Breaker as Settings
from freehold.config.schema import Limit
from freehold.routing.breaker import Breaker, State
from freehold.routing.limits import NO_LIMIT, Load
from freehold.routing.strategy import Speed

STANDINGS_MAX = 10_000


class Standing:
    """How one endpoint has been doing lately."""

    __slots__ = ("breaker", "load", "speeds")

    def __init__(self, breaker: Breaker, load: Load) -> None:
        self.breaker = breaker
        self.load = load
        self.speeds = (Speed(), Speed())  # of whole answers, of streams

    def is_open(self, now: float) -> bool:
        """Whether nothing at all speaks against asking it."""
        breaker = self.breaker
        return breaker.state is State.CLOSED and breaker.cooling_until <= now and not self.load.limited


class Standings:
    """All endpoints that have been asked; globs let callers invent some, so the oldest are forgotten."""

    __slots__ = ("_freed", "_known", "_limited", "_settings")

    def __init__(
        self, settings: Settings, limits: Mapping[str, Limit], freed: Callable[[Load], None]
    ) -> None:
        self._settings = settings
        self._freed = freed
        self._limited = {name: self._new(limit) for name, limit in limits.items()}  # never forgotten
        self._known: dict[str, Standing] = {}

    def of(self, endpoint: str) -> Standing:
        """The standing of an endpoint, by its id."""
        standing = self._known.get(endpoint)
        if standing is None:
            if len(self._known) >= STANDINGS_MAX:
                del self._known[next(iter(self._known))]
            standing = self._known[endpoint] = self._limited.get(endpoint) or self._new(NO_LIMIT)
        return standing

    def beside(self, apart: Callable[[str], bool]) -> "Standings":
        """The same, but of those endpoints another opinion; what they have to do is one load."""
        return Beside(self, self._settings, apart)

    def _new(self, limit: Limit) -> Standing:
        return Standing(Breaker(self._settings), Load(limit, self._freed))


class Beside(Standings):
    """Learns for itself how some endpoints are doing; of the others it knows what all know."""

    __slots__ = ("_all", "_apart")

    def __init__(self, everybody: Standings, settings: Settings, apart: Callable[[str], bool]) -> None:
        super().__init__(settings, {}, lambda _: None)
        self._all, self._apart = everybody, apart

    def of(self, endpoint: str) -> Standing:
        """The standing of an endpoint, by its id."""
        shared = self._all.of(endpoint)
        if not self._apart(endpoint):
            return shared
        own = self._known.get(endpoint)
        if own is None:
            own = self._known[endpoint] = Standing(Breaker(self._settings), shared.load)
        return own
