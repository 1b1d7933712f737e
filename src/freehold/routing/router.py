"""The way in: who is asked, and who answers. `trip` has what happens to one request."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from freehold.config.schema import Config
from freehold.routing import learnt
from freehold.routing.breaker import Breaker
from freehold.routing.desk import Desk
from freehold.routing.plan import Call, Plan, Won
from freehold.routing.race import race
from freehold.routing.trip import Candidate, Trip, answered
from freehold.routing.verdict import verdict
from freehold.routing.waiting import Patience
from freehold.vocabulary.errors import DeadlineExceeded, UpstreamFailed
from freehold.vocabulary.exchange import Attempt

T = TypeVar("T")


class Router:
    """Knows how each endpoint has been doing lately, and sends requests where they are answered."""

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self.draw = draw
        self._wall_clock = wall_clock
        self._desk = Desk(config, self)

    def beside(self, config: Config, apart: Callable[[str], bool]) -> "Router":
        """One for other requests that learns for itself how these endpoints are doing; all lines and loads are one."""
        other = Router(config, self.clock, self.sleep, self.draw, self._wall_clock)
        other._desk.share(self._desk, apart)
        return other

    async def first_answer(
        self, plan: Plan, call: Call[T], deadline: float, attempts: list[Attempt]
    ) -> Won[T]:
        """The first answer that begins well, and who gave it; its end is told to the breaker by the caller.

        Each try is appended to `attempts`, also those not made; the one that won is the last of them. The
        caller releases the lease when the exchange is over, to its last byte.
        Raises AllEndpointsFailed, AllEndpointsBusy, NoEligibleEndpoint or DeadlineExceeded.
        """
        desk, lane = self._desk, plan.lane
        desk.retries.earn()
        began, endpoint = self.clock(), lane.pool[0]
        if not lane.plain or (plan.key is not None and self._is_elsewhere(plan, began)):
            return await self._on(Trip(desk, plan, call, deadline, attempts))
        # Nearly always the first is asked and answers, and then there is nothing to keep account of.
        standing = desk.standings.of(endpoint.id)
        if not standing.is_open(began) or (plan.may is not None and plan.may(endpoint) is not None):
            return await self._on(Trip(desk, plan, call, deadline, attempts))
        lease = standing.load.take(began, plan.tokens)
        if plan.sent is not None:
            plan.sent(endpoint)
        try:
            answer = await call(endpoint, deadline)
        except UpstreamFailed as failure:
            trip = Trip(desk, plan, call, deadline, attempts)
            trip.began = began
            trip.asked.add(endpoint.id)
            trip.failed(Candidate(endpoint, standing, lease, began), failure)
            self._goes_on(trip)
            return await self._on(trip)
        except BaseException:
            standing.breaker.abandoned(self.clock())
            lease.release()
            raise
        standing.breaker.began()
        took_s = self.clock() - began
        if desk.measures:
            standing.speeds[plan.stream].began(took_s, began + took_s)
        attempts.append(answered(endpoint, 0.0, took_s))
        return Won(endpoint, answer, lease)

    def _is_elsewhere(self, plan: Plan, now: float) -> bool:
        """Whether the conversation is with somebody already."""
        lane, sticky = plan.lane, self._desk.sticky
        if plan.key is None or not lane.settings.sticky or not sticky.remembers(now):
            return False
        key = plan.key()
        return key is not None and sticky.endpoint((lane.alias, key), now) is not None

    async def _on(self, trip: Trip[T]) -> Won[T]:
        pace = self._desk.pace(trip.plan) if trip.plan.lane.settings.hedge else None
        if pace is not None:
            pace.budget.earn()
        patience: Patience | None = None
        while True:
            while (candidate := trip.next()) is not None:
                won = await (trip.ask(candidate) if pace is None else race(trip, candidate, pace))
                if won is not None:
                    return won
                self._goes_on(trip)
            patience = patience or Patience(trip)
            if not await patience.another_chance():
                raise verdict(trip)

    def _goes_on(self, trip: Trip[T]) -> None:
        """Whether another may be asked after a failure. Raises what the caller is told if not."""
        if self.clock() >= trip.deadline:
            raise DeadlineExceeded("no endpoint answered before the exchange's deadline")
        if trip.acted:
            raise verdict(trip)

    def breaker(self, endpoint: str) -> Breaker:
        """The breaker of an endpoint, by its id."""
        return self._desk.standings.of(endpoint).breaker

    def learn(self, endpoint: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Leave an endpoint alone when its answer's headers say that nothing remains of a rate limit."""
        wait_s = learnt.wait_s(headers, self._wall_clock)
        if wait_s is not None:
            self.breaker(endpoint).cool(self.clock(), wait_s)
