"""What the requests of one process share on their way: what is known of endpoints, who waits, what may be spent."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from freehold.config.schema import Alias, Config, Strategy
from freehold.routing.budget import Budget
from freehold.routing.hedge import Pace
from freehold.routing.limits import Load
from freehold.routing.plan import Lane, Plan
from freehold.routing.queue import Line
from freehold.routing.standing import Standings
from freehold.routing.sticky import Key, Sticky
from freehold.routing.strategy import Pool, cheapest, fastest, weighted

RETRIES_RESERVE = 10.0  # retries that a quiet process can make at once


class World(Protocol):
    """What time and chance are."""

    clock: Callable[[], float]  # seconds, forward only
    sleep: Callable[[float], Awaitable[None]]
    draw: Callable[[], float]  # a number from 0 to 1, 1 excluded


class Desk:
    """One process's view: workers learn each for themselves, and nothing survives a restart."""

    def __init__(self, config: Config, world: World) -> None:
        self.config = config
        self.clock = world.clock
        self.sleep = world.sleep
        self.draw = world.draw
        self.line = Line(config.queue.max)
        self.standings = Standings(config.breaker, config.limits, self._freed)
        share = config.retry.budget
        self.retries = Budget(share, RETRIES_RESERVE, RETRIES_RESERVE if share else 0.0)
        self.sticky = Sticky()
        aliases = [written for written in config.aliases.values() if isinstance(written, Alias)]
        self.measures = any(alias.strategy is Strategy.FASTEST for alias in aliases)
        self._paces: dict[tuple[str, bool], Pace] = {}

    def share(self, other: "Desk", apart: Callable[[str], bool]) -> None:
        """Wait in the other's line, and know what it knows, but of some endpoints."""
        self.line, self.standings = other.line, other.standings.beside(apart)

    def pace(self, plan: Plan) -> Pace:
        """How long this alias's answers take to begin."""
        key = (plan.lane.alias, plan.stream)
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace(self.config.hedging.share_max)
        return pace

    def order(self, plan: Plan, key: Key | None, now: float) -> Pool:
        """In which order the pool is asked: by its strategy, but whom the conversation is with goes first."""
        lane = plan.lane
        order = lane.pool
        if lane.settings.strategy is not Strategy.ORDERED:
            order = self._by_strategy(lane, now, stream=plan.stream)
            if lane.scores:  # policy's preference comes first, and the strategy among those it likes alike
                order = tuple(sorted(order, key=lambda endpoint: lane.scores[endpoint.id], reverse=True))
        if key is None or (kept := self.sticky.endpoint(key, now)) is None:
            return order
        return tuple(sorted(order, key=lambda endpoint: endpoint.id != kept))

    def _by_strategy(self, lane: Lane, now: float, *, stream: bool) -> Pool:
        match lane.settings.strategy:
            case Strategy.WEIGHTED:
                return weighted(lane.pool, lane.weights, self.draw)
            case Strategy.CHEAPEST:
                return cheapest(lane.pool, self.config.prices)
            case Strategy.FASTEST:
                speeds = {e.id: self.standings.of(e.id).speeds[stream] for e in lane.pool}
                return fastest(lane.pool, speeds, now)
            case _:
                return tuple(sorted(lane.pool, key=lambda e: self.standings.of(e.id).load.in_flight))

    def _freed(self, load: Load) -> None:
        if len(self.line):
            self.line.serve(load, self.clock())
