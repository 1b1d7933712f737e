"""Try endpoints in order until one answers; leave alone those that failed too often or asked us to wait.

An attempt that raises `UpstreamFailed` is followed by the next. Anything it returns is the answer, a caller's
own error (400, 413, 422 ...) included: others would say the same, and a refusal is never carried elsewhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from freehold.config.schema import Breaker as Settings
from freehold.routing.breaker import Breaker
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import (
    AllEndpointsBusy,
    AllEndpointsFailed,
    DeadlineExceeded,
    Fault,
    ServiceError,
    UpstreamFailed,
)
from freehold.vocabulary.exchange import Attempt

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

TIMEOUTS = (Fault.TIMEOUT_FIRST_BYTE, Fault.TIMEOUT_IDLE, Fault.TIMEOUT_TOTAL, Fault.TIMEOUT_CONNECT)
BREAKERS_MAX = 10_000
WAIT_S_MIN = 0.25  # a wish to be left alone for a millisecond, said again and again, would keep us busy
EARLY_S = 0.005  # event loops wake a little too soon, and then it would still be cooling
OUR_DOING = (Fault.TIMEOUT_TOTAL, Fault.UNFIT)  # our deadline, our translation: nothing about the endpoint


class Call(Protocol[T_co]):
    """Sends one request to one endpoint.

    Returns once the answer has begun well. Raises UpstreamFailed for every failure after which another
    endpoint may be asked, and nothing else. `deadline`: the end of the whole exchange, on the router's clock.
    """

    def __call__(self, endpoint: Endpoint, deadline: float, /) -> Awaitable[T_co]:
        """Ask `endpoint`."""


class Router:
    """Knows how each endpoint has been doing lately."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._breakers: dict[str, Breaker] = {}

    def breaker(self, endpoint: str) -> Breaker:
        """The breaker of an endpoint, by its id."""
        breaker = self._breakers.get(endpoint)
        if breaker is None:
            if len(self._breakers) >= BREAKERS_MAX:  # globs let callers invent endpoints: forget the oldest
                del self._breakers[next(iter(self._breakers))]
            breaker = self._breakers[endpoint] = Breaker(self._settings)
        return breaker

    async def first_answer(
        self, pool: Sequence[Endpoint], call: Call[T], deadline: float, attempts: list[Attempt]
    ) -> tuple[Endpoint, T]:
        """The first answer that begins well, and who gave it; its end is told to the breaker by the caller.

        Each try is appended to `attempts`, also those not made.
        Raises AllEndpointsFailed, AllEndpointsBusy or DeadlineExceeded.
        """
        began = self._clock()
        failures: list[UpstreamFailed] = []
        asked: set[str] = set()
        while True:
            while (found := self._next(pool, asked, attempts)) is not None:
                endpoint, breaker = found
                now = self._clock()
                try:
                    answer = await call(endpoint, deadline)
                except UpstreamFailed as failure:
                    failures.append(failure)
                    attempts.append(self._failed(endpoint, failure, now - began, self._clock() - now))
                except BaseException:
                    breaker.abandoned(self._clock())
                    raise
                else:
                    breaker.began()
                    attempts.append(_succeeded(endpoint, now - began, self._clock() - now))
                    return endpoint, answer
                if self._clock() >= deadline:
                    raise DeadlineExceeded("no endpoint answered before the exchange's deadline")
            patience = min(began + self._settings.wait_s_max, deadline)
            if not await self._wait_for_one(pool, asked, patience):
                raise self._verdict(pool, failures)

    def _next(
        self, pool: Sequence[Endpoint], asked: set[str], attempts: list[Attempt]
    ) -> tuple[Endpoint, Breaker] | None:
        """The first that has not been asked yet and is not to be left alone; who is passed over is noted."""
        for endpoint in pool:
            if endpoint.id in asked:
                continue
            breaker, now = self.breaker(endpoint.id), self._clock()
            if breaker.admit(now):
                asked.add(endpoint.id)
                return endpoint, breaker
            if all(attempt.endpoint != endpoint.id for attempt in attempts):
                why = Fault.COOLING if breaker.cooling_until > now else Fault.BREAKER_OPEN
                attempts.append(Attempt(endpoint.id, why))
        return None

    def _failed(self, endpoint: Endpoint, failure: UpstreamFailed, began_s: float, took_s: float) -> Attempt:
        """Learn from a failure, and say what there is to record of it."""
        breaker, now = self.breaker(endpoint.id), self._clock()
        if failure.retry_after_s is not None:
            breaker.cool(now, failure.retry_after_s)
        if failure.http_status == 429:
            breaker.succeeded()  # busy is not broken
        elif failure.fault in OUR_DOING:
            breaker.abandoned(now)
        else:
            breaker.failed(now)
        return Attempt(
            endpoint.id,
            failure.fault,
            failure.http_status,
            int(began_s * 1e6),
            None,
            int(took_s * 1e6),
            failure.message,
        )

    async def _wait_for_one(self, pool: Sequence[Endpoint], asked: set[str], patience: float) -> bool:
        """When somebody asked us to wait, and will be free again before `patience` ends: wait, and say so."""
        now = self._clock()
        breakers = {endpoint.id: self.breaker(endpoint.id) for endpoint in pool}
        free_at = {name: b.free_at(now) for name, b in breakers.items() if b.cooling_until > now}
        if not free_at or (first := min(free_at.values())) >= patience:
            return False
        await self._sleep(max(first - now, WAIT_S_MIN) + EARLY_S)
        asked.difference_update(free_at)
        return True

    def _verdict(self, pool: Sequence[Endpoint], failures: list[UpstreamFailed]) -> ServiceError:
        now = self._clock()
        wait_s = max(min(self.breaker(endpoint.id).free_at(now) for endpoint in pool) - now, 0.0)
        busy = all(failure.http_status == 429 for failure in failures)
        if busy and all(self.breaker(endpoint.id).cooling_until > now for endpoint in pool):
            return AllEndpointsBusy(_told("every endpoint asked us to wait", failures), retry_after_s=wait_s)
        if busy and failures:
            return AllEndpointsBusy(_told("every endpoint is busy", failures), retry_after_s=max(wait_s, 1.0))
        if failures and all(failure.fault in TIMEOUTS for failure in failures):
            return DeadlineExceeded(_told("no endpoint answered in time", failures))
        message = "no endpoint answered" if failures else "every endpoint is being left alone after failures"
        return AllEndpointsFailed(_told(message, failures), retry_after_s=wait_s or None)


def _succeeded(endpoint: Endpoint, began_s: float, took_s: float) -> Attempt:
    took_us = int(took_s * 1e6)
    return Attempt(endpoint.id, "ok", None, int(began_s * 1e6), took_us, took_us)


def _told(message: str, failures: list[UpstreamFailed]) -> str:
    return f"{message}: {'; '.join(failure.message for failure in failures)}" if failures else message
