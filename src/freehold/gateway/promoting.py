"""Takes up which own models are promoted, once a second, and puts them where their stage says.

Shadow: copies of a share of requests are asked of it, once their callers have their answers; nobody sees what it says.
Canary: for a share of conversations it is asked first, and the alias's own pool stands behind it. Default: for all.
Policy decides whether it may be asked, as for anybody. Where it cannot be put on the ledger that a stage is in force,
it is not; what breaks its limits is out of force at once here, and everywhere as soon as that is on the ledger.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from freehold.catalog.resolve import Resolved
from freehold.config.document import Signature, signature
from freehold.dialects.peek import Route
from freehold.gateway.client import Client
from freehold.gateway.digest import digest
from freehold.gateway.draft import Draft
from freehold.gateway.governance import Note
from freehold.gateway.metrics import Metrics
from freehold.gateway.promoted import Promoted
from freehold.gateway.promotion_order import (
    FILE,
    IN_FORCE,
    TAKEN_BACK,
    Promotion,
    Stage,
    about_of,
    read,
    take_back,
)
from freehold.gateway.shadowing import STOP_S, Sample, Serve, again
from freehold.gateway.traits import Traits
from freehold.gateway.unconnected import Unconnected
from freehold.routing.plan import Lane
from freehold.vocabulary.errors import BadRequest, LedgerUnavailable
from freehold.vocabulary.exchange import PEERS_ASKED, Plain

AT_ONCE = 16  # copies under way in one process
TAKEN_AWAY = "it was taken away"

_log = logging.getLogger("freehold")

Place = tuple[str, str]  # an alias, and an endpoint


@dataclass(frozen=True, slots=True)
class Copy:
    """A request once more, for an own model in shadow, when its caller has the answer."""

    draft: Draft
    sample: Sample
    lane: Lane

    def narrowed(self, lane: Lane) -> Lane:
        """There is only one; whether it may be asked is for the plan to say."""
        return lane


class Copied(NamedTuple):
    """A request of which copies are to be made."""

    sample: Sample
    steps: tuple[Promoted, ...]


class Promoting:
    """One process's own models. Only the event loop calls it."""

    def __init__(self, state: Path, resolved: Resolved, metrics: Metrics, note: Note) -> None:
        self.now: Mapping[str, tuple[Promoted, ...]] | None = None  # by alias; None: nothing is promoted
        self.trouble = ""  # why what is asked for is not in force; "" where it is
        self._state, self._resolved, self._metrics, self._note = state, resolved, metrics, note
        self._seen: Signature = None
        self._due = False  # what was read is not taken up yet
        self._wanted: tuple[Promotion, ...] = ()
        self._steps: dict[str, Promoted] = {}  # by the orders' ids
        self._noted: dict[Place, Promotion] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def put(self, draft: Draft, lane: Lane, traits: Traits) -> Lane:
        """The lane for a request, with an own model before the others where one is to be asked first."""
        steps = () if self.now is None else self.now.get(lane.alias, ())
        for step in steps:
            if step.order.stage is Stage.SHADOW or step.why or not step.endpoint.ways(draft.dialect):
                continue
            if step.takes(draft.application, traits.conversation() or draft.id.encode()):
                draft.step = step
                return step.first(lane)
        return lane

    def copies(self, draft: Draft, sample: Sample) -> Copied | None:
        """Who is to be asked the same request once more; None: nobody."""
        steps = () if self.now is None else self.now.get(sample.lane.alias, ())
        found = tuple(
            step
            for step in steps
            if step.order.stage is Stage.SHADOW
            and step.endpoint.ways(draft.dialect)
            and step.takes(draft.application, draft.id.encode())
        )
        return Copied(sample, found) if found else None

    def answered(self, draft: Draft, copied: Copied, serve: Serve) -> None:
        """The caller of such a request has its answer. Under load nothing is copied."""
        most = self._resolved.config.server.in_flight_max // 2
        for step in copied.steps:
            if self._stopped or len(self._tasks) >= AT_ONCE or self._metrics.in_flight > most:
                return
            task = asyncio.create_task(self._copy(draft, copied.sample, step, serve))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, draft: Draft, sample: Sample, step: Promoted, serve: Serve) -> None:
        head, copy = sample.asked.head, again(draft, sample)
        talk = Traits(draft.dialect, sample.asked.body, draft.application).conversation()
        about: dict[str, Plain] = {
            "exchange": draft.id,
            "peers": (step.endpoint.id,),
            "exchanges": (copy.id,),
        }
        try:
            named = {"conversation": digest(step.order.id, talk).hex()[:16]} if talk else {}
            self._note(PEERS_ASKED, about | {"promotion": step.order.id} | named)
        except LedgerUnavailable:
            return  # the journal has reported itself
        route = Route(copy.dialect, head.model, head.stream, head.method)
        client = Client(Unconnected(), route, list(sample.headers.items()), keep_alive=True, chunked=True)
        client.more_body = False
        await serve(client, Copy(copy, sample, step.alone(sample.lane)))

    async def stop(self) -> None:
        """Break off what is under way, and let it be recorded."""
        self._stopped = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    # Once a second.

    def look(self) -> None:
        """Take up what the file says, and take back what broke its limits. Never raises."""
        try:
            seen = signature(self._state / FILE)
            if seen != self._seen:
                self._wanted, self.trouble = self._read()
                self._seen, self._due = seen, True
            if self._due:
                self._take_up()
                self._due = False
            for step in [one for one in self._steps.values() if one.why]:
                self._take_back(step)
        except LedgerUnavailable:
            return  # tried again in a second; nothing is sent meanwhile either
        except Exception:
            _log.exception("what is promoted cannot be looked at for a reason that nobody foresaw")

    def _read(self) -> tuple[tuple[Promotion, ...], str]:
        try:
            return read(self._state).promotions, ""
        except BadRequest as error:
            _log.error("%s. %s", error, error.remedy)
            return (), f"{error}; nothing is promoted"

    def _take_up(self) -> None:
        """First out of force what is no longer wanted, then on the ledger, and then into force what is new."""
        wanted = {one.id: one for one in self._wanted if one.stage is not Stage.OFF}
        steps = {name: one for name, one in self._steps.items() if wanted.get(name) == one.order}
        self._put_in_force(steps.values())
        for name, order in wanted.items():
            if name not in steps and (step := self._step(order)) is not None:
                steps[name] = step
        self._tell({_place(one.order): one.order for one in steps.values()})
        self._steps = steps
        self._put_in_force(steps.values())

    def _tell(self, now: Mapping[Place, Promotion]) -> None:
        """Put on the ledger what is in force from now on, and what no longer is. Raises LedgerUnavailable."""
        said = {_place(one): one for one in self._wanted}
        for place, before in list(self._noted.items()):
            if place not in now:
                over = said.get(place, replace(before, why=TAKEN_AWAY))
                self._note(IN_FORCE, about_of(replace(over, stage=Stage.OFF)))
                _log.warning("%s is no longer promoted at `%s`: %s", before.endpoint, before.alias, over.why)
                del self._noted[place]
        for place, order in now.items():
            if self._noted.get(place) != order:
                self._note(IN_FORCE, about_of(order))
                _log.warning("%s is at the stage %s of `%s`", order.endpoint, order.stage, order.alias)
                self._noted[place] = order

    def _step(self, order: Promotion) -> Promoted | None:
        """A step, where the configuration knows whom and what it is about."""
        endpoint, why = self._resolved.endpoint(order.endpoint), ""
        if order.alias not in self._resolved.settings:
            why = f"there is no alias `{order.alias}`"
        elif endpoint is None:
            why = f"there is no table [providers.{order.endpoint.partition('/')[0]}]"
        if endpoint is None or why:
            self.trouble = f"{order.endpoint} is promoted at `{order.alias}`, but {why}"
            _log.error("%s", self.trouble)
            return None
        return Promoted(order, endpoint)

    def _put_in_force(self, steps: Iterable[Promoted]) -> None:
        by_alias = defaultdict[str, list[Promoted]](list)
        for step in steps:
            by_alias[step.order.alias].append(step)
        # A canary is drawn before the default that it is to follow.
        self.now = {name: tuple(sorted(found, key=_is_last)) for name, found in by_alias.items()} or None

    def _take_back(self, step: Promoted) -> None:
        def told(over: Promotion) -> None:
            self._note(TAKEN_BACK, about_of(over))

        if take_back(self._state, step.order.id, step.why, told):
            _log.error("%s is taken back from `%s`: %s", step.endpoint.id, step.order.alias, step.why)


def _place(order: Promotion) -> Place:
    return order.alias, order.endpoint


def _is_last(step: Promoted) -> bool:
    return step.order.stage is Stage.DEFAULT
