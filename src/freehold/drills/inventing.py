"""Traffic of applications that have asked nothing yet: invented, decided by the gateway's own code, written as it does.

Only policy, routing and prices are real. Volumes, hours, sizes, times and failures are made up, the same for the same
seed, configuration and facts. The shape is an office's: most of it on weekdays between eight and six, UTC.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from math import exp
from pathlib import Path
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from freehold.config import schema
from freehold.config.schema import Application
from freehold.drills.asking import Tiers, asked, tiers
from freehold.drills.traffic import INVENTED
from freehold.drills.world import World
from freehold.gateway.cost import ONLY_INPUT, Rates, cost_usd, terms
from freehold.gateway.snapshot import Ruling
from freehold.ledger.ledger import Ledger, event
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import AllEndpointsFailed, Fault, LedgerUnavailable, NoEligibleEndpoint
from freehold.vocabulary.exchange import Attempt, Exchange, Finish, Outcome, Plain, Served, Usage
from freehold.vocabulary.facts import RequestFacts

NODE = "node-0"
HOUR_MS = 3_600_000
_APPLICATIONS = ("support-desk", "contract-review", "code-assistant", "intranet-search", "newsletter")
_DIALECTS = (Dialect.CHAT, Dialect.MESSAGES, Dialect.EMBEDDINGS, Dialect.RESPONSES, Dialect.GEMINI)
_EMBEDS = "embed"  # in the name of an alias: what is asked for is no text
_ALIASES = 2  # that an application asks for
_SECOND, _RAISED = (
    0.3,
    0.05,
)  # shares of requests: for its second alias, and of more sensitive data than usual
_FAILS, _LEAVES = 0.004, 0.003  # shares of attempts that fail, and of callers who hang up
_OUTAGE_HOURS = 3.0  # of one endpoint


class Plan(Struct, frozen=True):
    """What is to be invented."""

    exchanges: int
    days: int
    seed: int
    until_ms: int  # the end of the last day, Unix milliseconds


class Profile(Struct, frozen=True):
    """Requests of one application that are alike."""

    request: RequestFacts
    dialect: Dialect
    weight: float
    input_tokens: float  # the median
    output_tokens: float
    streams: float  # share


class _Manner(Struct, frozen=True):
    """How an endpoint answers."""

    first_ms: float
    token_ms: float
    rates: Rates
    out_ms: tuple[float, float]  # from when to when it does not


class Inventing:
    """A company's requests, one after the other."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world, self._plan, self._random = world, plan, Random(plan.seed)  # noqa: S311 - nothing secret
        self._since_ms = plan.until_ms - plan.days * 24 * HOUR_MS
        self.profiles = tuple(_profiles(world, self._random))
        self._manners = {name: self._manner(name) for name in world.endpoints}
        self._ruled = [self._decided(profile) for profile in self.profiles]

    def exchanges(self) -> Iterator[Exchange]:
        """All of them, oldest first; none where no alias can be asked for."""
        weights = [profile.weight for profile in self.profiles]
        places = range(len(self.profiles))
        for at_ms in self._times() if self.profiles else ():
            (place,) = self._random.choices(places, weights)
            yield self._exchange(self.profiles[place], *self._ruled[place], at_ms)

    def _times(self) -> list[int]:
        hours = range(self._plan.days * 24)
        weights = [_busy(self._since_ms + hour * HOUR_MS) for hour in hours]
        drawn = self._random.choices(hours, weights, k=self._plan.exchanges)
        return sorted(self._since_ms + int((hour + self._random.random()) * HOUR_MS) for hour in drawn)

    def _manner(self, name: str) -> _Manner:
        rates = terms(self._world.facts(name), int(self._world.now.timestamp() * 1000)).rates
        first_ms, token_ms = self._random.uniform(150, 900), self._random.uniform(6, 30)
        begins = self._since_ms + self._random.random() * self._plan.days * 24 * HOUR_MS
        hours = _OUTAGE_HOURS if name == min(self._world.endpoints) else 0.0
        return _Manner(first_ms, token_ms, rates, (begins, begins + hours * HOUR_MS))

    def _decided(self, profile: Profile) -> tuple[Ruling, Tiers]:
        ruling = self._world.ruling(profile.request, profile.dialect)
        if ruling is None or ruling.lane is None:
            return ruling or Ruling(None, frozenset(), {}), ()
        prices = self._world.resolved.config.prices
        return ruling, tiers(ruling.lane, prices, lambda name: self._manners[name].first_ms)

    def _exchange(self, profile: Profile, ruling: Ruling, order: Tiers, at_ms: int) -> Exchange:
        draw, request = self._random, profile.request
        known = Exchange(
            f"x{at_ms:011x}{draw.getrandbits(64):016x}",
            at_ms,
            request.application,
            profile.dialect,
            request.alias,
            Outcome.REJECTED,
            NoEligibleEndpoint.status,
            draw.random() < profile.streams,
            code=NoEligibleEndpoint.code,
            request_bytes=4 * int(profile.input_tokens),
            took_us=300,
            node=NODE,
            data_class=request.data_class,
            purpose=request.purpose,
            user_region=request.user_region,
            tools=request.tools,
            policy=ruling.policy,
            facts=ruling.facts,
            refused=ruling.refused,
            shadow=ruling.shadow,
        )
        return known if ruling.lane is None else self._tried(known, profile, order)

    def _tried(self, known: Exchange, profile: Profile, order: Tiers) -> Exchange:
        attempts: list[Attempt] = []
        began_us = 0
        while others := asked(order, {one.endpoint for one in attempts}):
            (name,) = self._random.choices(tuple(others), tuple(others.values()))
            began, ended = self._manners[name].out_ms
            if not (began <= known.at_ms < ended or self._random.random() < _FAILS):
                return self._answered(known, profile, name, attempts, began_us)
            took_us = int(self._random.uniform(20_000, 400_000))
            attempts.append(Attempt(name, Fault.STATUS, 503, began_us, None, took_us))
            began_us += took_us
        failed = AllEndpointsFailed
        return replace(
            known, outcome=Outcome.FAILED, status=failed.status, code=failed.code, attempts=tuple(attempts),
            took_us=began_us,
        )  # fmt: skip

    def _answered(
        self, known: Exchange, profile: Profile, name: str, failed: list[Attempt], began_us: int
    ) -> Exchange:
        draw, manner = self._random, self._manners[name]
        read = int(draw.lognormvariate(0, 0.6) * profile.input_tokens) + 1
        written = int(draw.lognormvariate(0, 0.8) * profile.output_tokens)
        first_us = int(draw.lognormvariate(0, 0.3) * manner.first_ms * 1000)
        took_us = first_us + int(written * manner.token_ms * 1000)
        left = draw.random() < _LEAVES
        usage = Usage(read, written or None)
        attempt = Attempt(name, "ok", 200, began_us, first_us, took_us)
        return replace(
            known,
            outcome=Outcome.ABANDONED if left else Outcome.ANSWERED,
            status=200,
            endpoint=name,
            code=None,
            attempts=(*failed, attempt),
            served=Served(name.partition("/")[2], finish=Finish.STOP, usage=None if left else usage),
            request_bytes=4 * read,
            answer_bytes=4 * written,
            first_byte_us=began_us + first_us,
            took_us=began_us + took_us,
            cost_usd=None if left else cost_usd(manner.rates, usage, profile.dialect),
        )


def recorded(
    state: Path, settings: schema.Ledger, exchanges: Iterable[Exchange], about: Mapping[str, Plain]
) -> int:
    """Write them as a gateway does, after an event that says what they are; how many. Raises LedgerUnavailable."""
    ledger = Ledger.open(state, NODE, settings)
    count = 0
    try:
        ledger.append(replace(event(INVENTED, about), node=NODE))
        for exchange in exchanges:
            ledger.append(exchange)
            count += 1
    finally:
        ledger.close()
    if ledger.log_trouble or ledger.trouble:
        raise LedgerUnavailable(
            f"not all of it is searchable and signed: {ledger.log_trouble or ledger.trouble}"
        )
    return count


def example_files() -> Mapping[str, str]:
    """The configuration of a company that does not exist, its policy and its facts, by name of the file."""
    names = ("freehold.toml", "policy.toml", "facts.toml")
    folder = files("freehold.drills") / "company"
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def _profiles(world: World, draw: Random) -> Iterator[Profile]:
    """What each application asks for; the first of the configuration asks most."""
    config = world.resolved.config
    found = {alias: dialect for alias in world.resolved.aliases if (dialect := _dialect(world, alias))}
    names = tuple(config.applications) or _APPLICATIONS
    for place, name in enumerate(names if found else ()):
        settings = config.applications.get(name, Application())
        usual = settings.data_class or config.policy.default_class
        for rank, alias in enumerate(draw.sample(sorted(found), min(_ALIASES, len(found)))):
            share = (_SECOND if rank else 1 - _SECOND) / (place + 1)
            sizes = draw.uniform(200, 2_500), draw.uniform(80, 700), draw.choice((0.0, 0.5, 0.9))
            if found[alias] in ONLY_INPUT:
                sizes = sizes[0], 0.0, 0.0
            for word, part in ((usual, 1 - _RAISED), (_next(usual, config.data_classes), _RAISED)):
                request = RequestFacts(
                    name, alias, word, settings.purpose, settings.user_region, _tools(world)
                )
                yield Profile(request, found[alias], share * part, *sizes)


def _dialect(world: World, alias: str) -> Dialect | None:
    """The first in which an alias can be asked for. Many endpoints could embed; whose name says so is asked to."""
    order = sorted(_DIALECTS, key=lambda one: (one is Dialect.EMBEDDINGS) != (_EMBEDS in alias.casefold()))
    return next((dialect for dialect in order if world.lane(alias, dialect) is not None), None)


def _next(word: str | None, classes: tuple[str, ...]) -> str | None:
    """The next more sensitive class of data."""
    if word is None or word not in classes:
        return word
    return classes[min(classes.index(word) + 1, len(classes) - 1)]


def _tools(world: World) -> bool | None:
    """What the ledger says of tools: nothing where no policy asks."""
    return False if any("tools" in policy.uses for policy in world.rules.enforced) else None


def _busy(at_ms: int) -> float:
    """How much is asked in an hour, of an office at work."""
    hour, weekday = at_ms // HOUR_MS % 24, (at_ms // (24 * HOUR_MS) + 3) % 7  # 1970 began on a Thursday
    day = 0.06 + exp(-((hour - 10) ** 2) / 8) + 0.8 * exp(-((hour - 15) ** 2) / 7)
    return day * (0.2 if weekday >= 5 else 1.0)
