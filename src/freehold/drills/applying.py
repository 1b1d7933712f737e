"""A scenario over what is known at one moment: what becomes of each endpoint, and which facts are other ones.

Where it is unknown whether a loss hits an endpoint, the endpoint counts as lost. Where it is unknown whether a change
does, each fact that it would change is unknown, and all else counts as changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace as with_values
from datetime import date, datetime, timedelta
from functools import reduce
from hashlib import sha256
from types import MappingProxyType

from msgspec.structs import replace

from freehold.catalog.knowledge import Knowledge
from freehold.catalog.resolve import Resolved
from freehold.catalog.subjects import Subject
from freehold.config.schema import Limit, Price
from freehold.drills.scenario import CHEAPEST, Change, Loss, Scenario, Way
from freehold.drills.selecting import Hit, hit, settled, value_of
from freehold.drills.simulation import Fate
from freehold.vocabulary.facts import Basis, EndpointFacts, Fact, Facts, Value

LOST, CHANGED, KEPT, UNKNOWN = "lost", "changed", "kept", "unknown"
NOTHING = Change(())  # changes
_PRICES = ("input_usd_per_mtok", "output_usd_per_mtok")
_RATES = ("requests_per_minute", "tokens_per_minute")
_EMBEDS = "embed"
_FACTORS = ("price", "latency", "limits")


class Applied:
    """A scenario, its `@most-used` filled in. `fates` are of the endpoints that it was given.

    It answers for any other, too; what it is told of an endpoint is always what is known without the scenario.
    """

    def __init__(
        self, scenario: Scenario, about: Sequence[EndpointFacts], used: Mapping[str, float], now: datetime
    ) -> None:
        self._now, self._about = now, about
        self._begins = scenario.begins or now.date()
        self._ends = _later(self._begins, scenario.days or 0.0)
        self.scenario = replace(
            scenario,
            lost=tuple(replace(one, where=settled(one.where, about, used, now)) for one in scenario.lost),
            changed=tuple(
                replace(one, where=settled(one.where, about, used, now)) for one in scenario.changed
            ),
            source="",
        )
        self._hits: dict[str, tuple[tuple[Loss | Change, Hit], ...]] = {}
        self._fates: dict[str, tuple[Fate, Way | None]] = {}
        self.fates = tuple(self.fate(one) for one in about)

    def fate(self, about: EndpointFacts) -> Fate:
        """What becomes of an endpoint."""
        return self._settled(about)[0]

    def way(self, about: EndpointFacts) -> Way | None:
        """How a lost endpoint shows that it is gone; None: it is not lost."""
        return self._settled(about)[1]

    def change(self, about: EndpointFacts) -> Change:
        """All changes of an endpoint in one: factors multiplied, of the rest the last that is written."""
        found = reduce(_both, (one for one, _ in self._hit_by(about) if isinstance(one, Change)), NOTHING)
        return replace(found, replaced_by=self._cheapest(about)) if found.replaced_by == CHEAPEST else found

    def _cheapest(self, about: EndpointFacts) -> str:
        """The cheapest other model of its provider that is in use, if it costs less; else nobody has said which."""
        provider = about.endpoint.partition("/")[0]
        prices = {
            one.endpoint: sum(parts)
            for one in (*self._about, about)
            if one.endpoint.partition("/")[0] == provider
            and _EMBEDS not in one.endpoint.casefold()  # no fact tells who only embeds
            and all(parts := [value_of(one.facts, name, self._now) for name in _PRICES])
        }
        least = min(prices, key=lambda name: (prices[name], name), default=about.endpoint)
        less = about.endpoint in prices and prices[least] < prices[about.endpoint]
        return least.partition("/")[2] if less else CHEAPEST

    def facts(self, about: EndpointFacts) -> Facts:
        """The endpoint's facts under the scenario."""
        facts = dict(about.facts)
        for one, how in self._hit_by(about):
            if isinstance(one, Change):
                facts |= {fact.name: fact for fact in self._changed_facts(facts, one, how)}
        return MappingProxyType(facts)

    def _changed_facts(self, facts: Facts, one: Change, how: Hit) -> Iterable[Fact]:
        values: dict[str, Value | None] = {}
        if one.price is not None:
            known = {name: value_of(facts, name, self._now) for name in _PRICES}
            values |= {name: value * one.price for name, value in known.items() if value is not None}
        if one.retention_days is not None:
            values["retention_days"] = one.retention_days
        if one.deprecated_on is not None:
            values["deprecated_on"] = one.deprecated_on
        for name, value in values.items():
            yield Fact(
                name,
                value if how.holds else None,
                Basis.ACCOUNT_SETTING,
                f"scenario {self.scenario.name}",
                self._now.date(),
                why=how.because,
            )

    def _hit_by(self, about: EndpointFacts) -> tuple[tuple[Loss | Change, Hit], ...]:
        """The losses and changes that hit an endpoint, or may."""
        found = self._hits.get(about.endpoint)
        if found is None:
            parts: tuple[Loss | Change, ...] = (*self.scenario.lost, *self.scenario.changed)
            all_of = ((one, hit(one.where, about, self._now)) for one in parts)
            found = tuple((one, how) for one, how in all_of if how.holds is not False)
            self._hits[about.endpoint] = found
        return found

    def _settled(self, about: EndpointFacts) -> tuple[Fate, Way | None]:
        kept = self._fates.get(about.endpoint)
        if kept is None:
            kept = self._fates[about.endpoint] = self._worked_out(about)
        return kept

    def _worked_out(self, about: EndpointFacts) -> tuple[Fate, Way | None]:
        name, hits = about.endpoint, self._hit_by(about)
        losses = [(one, how) for one, how in hits if isinstance(one, Loss)]
        for holds, fate in ((True, LOST), (None, UNKNOWN)):
            for loss, how in losses:
                if how.holds is holds:
                    return Fate(name, fate, how.because), loss.way
            if fate is LOST and (ends := self._retired(about)) is not None:
                return Fate(name, LOST, f"deprecated_on = {ends}"), Way.GONE
        if hits:
            return Fate(name, CHANGED, "; ".join(how.because for _, how in hits)), None
        return Fate(name, KEPT), None

    def _retired(self, about: EndpointFacts) -> date | None:
        """The day of a retirement that the scenario sets before its end, or that comes before its beginning.

        None: there is none, or it is past already.
        """
        ends: date | None = value_of(self.facts(about), "deprecated_on", self._now)
        before: date | None = value_of(about.facts, "deprecated_on", self._now)
        if ends is None or (ends == before and not self._now.date() < ends <= self._begins):
            return None
        return ends if ends <= self._ends else None


class Overlaid(Knowledge):
    """What would be known under a scenario. Has a digest of its own."""

    def __init__(self, under: Knowledge, applied: Applied) -> None:
        # The records are not sorted in again: nobody asks them here.
        self.records = under.records
        self.digest = sha256(f"{under.digest}\n{applied.scenario!r}".encode()).hexdigest()[:12]
        self._under, self._applied = under, applied

    def facts(self, subject: Subject) -> Facts:
        """What would be known of an endpoint."""
        name = f"{subject.provider}/{subject.model}"
        return self._applied.facts(EndpointFacts(name, self._under.facts(subject)))


def affected(resolved: Resolved, applied: Applied, about: Iterable[EndpointFacts]) -> Resolved:
    """The configuration with the scenario's prices and rate limits."""
    prices, limits = dict(resolved.config.prices), dict(resolved.config.limits)
    for one in about:
        change = applied.change(one)
        if change.price is not None and (price := prices.get(one.endpoint)):
            prices[one.endpoint] = Price(price.input * change.price, price.output * change.price)
        if change.limits is not None and (limit := limits.get(one.endpoint)):
            limits[one.endpoint] = _times(limit, change.limits)
    return with_values(resolved, config=replace(resolved.config, prices=prices, limits=limits))


def _times(limit: Limit, factor: float) -> Limit:
    rates = {name: getattr(limit, name) for name in _RATES}
    less = {name: max(1, int(value * factor)) for name, value in rates.items() if value is not None}
    return replace(limit, **less)


def _both(one: Change, other: Change) -> Change:
    """Two changes of an endpoint in one."""
    values = {}
    for name in one.__struct_fields__[1:]:
        first, second = getattr(one, name), getattr(other, name)
        both = name in _FACTORS and first is not None and second is not None
        values[name] = first * second if both else first if second is None else second
    return Change(one.where, **values)


def _later(day: date, days: float) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max
