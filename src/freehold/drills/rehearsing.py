"""A rehearsal from its announcement to its end: holds the fault up, sends test requests, follows the ledger, lets go.

Whatever ends this process ends the fault: the file that it holds up is taken away, or its lease runs out. What is
under way at a provider at that moment is not called back.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from freehold.bench.cases import Case
from freehold.bench.grading import grade
from freehold.config import clock
from freehold.drills.measuring import ANSWERED, FAILED, Allowed, counts, p95, phase, violations
from freehold.drills.rehearsal import DONE, DURING, Graded
from freehold.gateway import drill_order
from freehold.gateway.drill_order import Order
from freehold.gateway.drilling import IN_FORCE, OVER
from freehold.gateway.running import Running, running
from freehold.ledger.query import Reader, reader, record_of
from freehold.vocabulary.errors import KeyNotAllowed
from freehold.vocabulary.exchange import Event, Exchange
from freehold.vocabulary.probe import Call, ask

TICK_S, RENEW_S = 0.25, 1.0
TAKE_UP_S = 10.0  # for a gateway to notice a drill, or its end
LAST_ANSWERS_S = 30.0  # for test requests that are under way
SETTLED_MS = 300  # what was over so long ago is on the ledger
ABORT_MIN = 10  # exchanges in the fault before a share or a percentile breaks it off
RATE_MAX = 20.0  # test requests per second

PLAIN = ask("Say in one word whether you are there.")
TURNED_DOWN, NO_KEY = (400, 401, 404), KeyNotAllowed.code

STOPPED, INTERRUPTED, GONE = (
    "it was stopped",
    "it was interrupted",
    "the gateway that it was meant for no longer runs",
)


class Criteria(Struct, frozen=True):
    """What breaks a rehearsal off. A prompt that goes where policy does not allow it always does."""

    failed: float | None = None  # share of the exchanges in the fault
    p95_ms: float | None = None  # of their answers
    usd: float | None = None  # what all exchanges of the drill may cost

    def told(self) -> tuple[str, ...]:
        """In words."""
        said = ["a prompt goes where policy does not allow it"]
        if self.failed is not None:
            said.append(f"more than {100 * self.failed:g} % fail, of {ABORT_MIN} or more")
        if self.p95_ms is not None:
            said.append(f"95 of 100 take longer than {self.p95_ms:g} ms, of {ABORT_MIN} or more")
        if self.usd is not None:
            said.append(f"more than {self.usd:g} USD are spent, or nobody knows how much")
        return tuple(said)

    def broken(self, exchanges: Sequence[Exchange], order: Order) -> str | None:
        """Which of them is met by the exchanges of a drill so far."""
        part = [it for it in exchanges if counts(it) and phase(it, order.from_ms, order.until_ms) == DURING]
        failed = sum(it.outcome in FAILED for it in part)
        if self.failed is not None and len(part) >= ABORT_MIN and failed > self.failed * len(part):
            return f"{failed} of {len(part)} exchanges failed"
        took = [it.took_us / 1000 for it in part if it.outcome in ANSWERED]
        if self.p95_ms is not None and len(took) >= ABORT_MIN and (ms := p95(took)) > self.p95_ms:
            return f"95 of 100 answers took up to {ms:.0f} ms"
        return self._spent(exchanges)

    def _spent(self, exchanges: Sequence[Exchange]) -> str | None:
        good = [it for it in exchanges if it.outcome in ANSWERED]
        if self.usd is None:
            return None
        for it in good:
            if it.cost_usd is None and it.served is not None:
                return f"what the answer in {it.id} cost is not known, and no limit on cost can hold"
        spent = sum(it.cost_usd or 0.0 for it in good)
        return f"{spent:.4f} USD were spent" if spent > self.usd else None


class Tests(Struct, frozen=True):
    """Requests of the drill's own."""

    alias: str
    call: Call
    requests: int = 0  # plain ones, spread over its whole time
    cases: tuple[Case, ...] = ()  # asked once in each of its parts


class Course(Struct, frozen=True):
    """What is to be done. `begins_ms` is when all processes will have taken the drill up."""

    state: Path
    gateway: Running
    order: Order
    begins_ms: int
    ends_ms: int
    criteria: Criteria
    allowed: Allowed
    tests: Tests | None = None


class Rehearsing:
    """One rehearsal under way. `records` and `graded` grow."""

    def __init__(self, course: Course, told: Callable[[str], None] = lambda said: None) -> None:
        self._course, self._told = course, told
        self._following = Following(course.state, course.order.id)
        self._answers = set[asyncio.Task[None]]()
        self.records: list[Exchange | Event] = []
        self.graded: list[Graded] = []
        self._turned_down = ""  # why a test request was
        self._look_at, self._judged = 0.0, 0  # when next, and how many records were

    async def run(self) -> tuple[str, int]:
        """Go through with it, and take the fault away, however that ends; why, and when what is measured was over."""
        try:
            why = await self._course_of_it()
        except asyncio.CancelledError:
            why = INTERRUPTED
        finally:
            self._let_go()
        self._told(f"the fault is taken away: {why}")
        for task in self._answers:
            task.cancel()
        if why != GONE:
            await self._until(lambda: len(self._nodes(OVER)) >= len(self._nodes(IN_FORCE)), TAKE_UP_S)
        measured_ms = clock.now_ms()
        await asyncio.sleep(SETTLED_MS / 1000)
        self._look()
        return why, measured_ms

    async def _course_of_it(self) -> str:
        course = self._course
        try:
            drill_order.put(course.state, course.order)
        except FileExistsError:
            return "another drill had begun"
        renewing = asyncio.create_task(self._renew())
        try:
            workers = course.gateway.workers
            if not await self._until(lambda: len(self._nodes(IN_FORCE)) >= workers, TAKE_UP_S):
                return "the gateway did not take it up"
            self._told("in force; nothing fails yet")
            return await self._watched(renewing)
        finally:
            renewing.cancel()

    async def _watched(self, renewing: "asyncio.Task[None]") -> str:
        course, raging = self._course, False
        due = deque(_schedule(course))
        while (now_ms := clock.now_ms()) < course.ends_ms:
            while due and due[0][0] <= now_ms:
                self._begin(due.popleft()[1])
            if not raging and now_ms >= course.order.from_ms:
                raging = True
                self._told("the fault is there")
            if (why := self._over(renewing)) is not None:
                return why
            next_s = (due[0][0] - clock.now_ms()) / 1000 if due else TICK_S
            await asyncio.sleep(min(max(next_s, 0.0), TICK_S))
        if self._answers:
            await asyncio.wait(self._answers, timeout=LAST_ANSWERS_S)
        return self._over(renewing) or self._criteria() or DONE

    def _over(self, renewing: "asyncio.Task[None]") -> str | None:
        """Why it cannot go on."""
        course = self._course
        if renewing.done():
            return STOPPED
        if self._turned_down:
            return f"the gateway turned a test request down: {self._turned_down}"
        now = running(course.state)
        if now is None or now.run != course.gateway.run:
            return GONE
        return self._criteria() if time.monotonic() >= self._look_at else None

    def _criteria(self) -> str | None:
        """Which criterion is met. Once a second: all exchanges are looked at again, but for where prompts went."""
        self._look_at = time.monotonic() + RENEW_S
        course, order = self._course, self._course.order
        self._look()
        new = [it for it in self.records[self._judged :] if isinstance(it, Exchange)]
        self._judged = len(self.records)
        if bad := violations(new, course.allowed, order.from_ms, order.until_ms):
            return f"in {bad[0]} a prompt went where policy does not allow it"
        return course.criteria.broken([it for it in self.records if isinstance(it, Exchange)], order)

    async def _renew(self) -> None:
        """Hold it up; ends when somebody has taken it away."""
        state, order = self._course.state, self._course.order
        with suppress(FileNotFoundError):
            while (found := drill_order.read(state)) is not None and found.id == order.id:
                drill_order.renew(state)
                await asyncio.sleep(RENEW_S)

    def _let_go(self) -> None:
        found = drill_order.read(self._course.state)
        if found is not None and found.id == self._course.order.id:
            drill_order.remove(self._course.state)

    def _begin(self, case: Case | None) -> None:
        task = asyncio.create_task(self._ask(case))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _ask(self, case: Case | None) -> None:
        tests = self._course.tests
        if tests is None:
            return
        question = PLAIN if case is None else case.question()
        reply = await tests.call(tests.alias, question)
        if reply.error is not None and (reply.status in TURNED_DOWN or reply.error.startswith(NO_KEY)):
            self._turned_down = reply.error
        if reply.error is None and case is not None:
            marked = await grade(case, reply.text)
            self.graded.append(Graded(reply.exchange, case.id, case.cluster, marked.score))

    def _look(self) -> None:
        self.records += self._following.look()

    def _nodes(self, kind: str) -> set[str]:
        """Which processes have said so."""
        self._look()
        return {it.node for it in self.records if isinstance(it, Event) and it.kind == kind}

    async def _until(self, holds: Callable[[], bool], within_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not holds():  # noqa: ASYNC110 - other processes do it
                    await asyncio.sleep(TICK_S)
                return True
        return False


class Following:
    """What is recorded of one drill from now on."""

    def __init__(self, state: Path, drill: str) -> None:
        self._mark = drill.encode()
        with reader(state) as moment:
            self._moment: Reader = moment
            for _ in moment.fresh():
                pass

    def look(self) -> Iterator[Exchange | Event]:
        """What has come since the last look."""
        for found in self._moment.fresh():
            if self._mark in found[3]:
                yield record_of(found)


def _schedule(course: Course) -> list[tuple[int, Case | None]]:
    """When each test request begins: plain ones evenly, cases evenly over each part."""
    tests, order = course.tests, course.order
    if tests is None:
        return []
    found: list[tuple[int, Case | None]] = [
        (at, None) for at in _spread(course.begins_ms, course.ends_ms, tests.requests)
    ]
    parts = (
        (course.begins_ms, order.from_ms),
        (order.from_ms, order.until_ms),
        (order.until_ms, course.ends_ms),
    )
    for since, until in parts:
        found += zip(
            _spread(since, until, len(tests.cases) if until > since else 0), tests.cases, strict=False
        )
    return sorted(found, key=lambda one: one[0])


def _spread(since: int, until: int, count: int) -> list[int]:
    return [since + int((at + 0.5) * (until - since) / count) for at in range(count)]
