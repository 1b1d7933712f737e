"""What a simulation supposes, what it leaves out, and how far its engine agrees with the record, in sentences."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from freehold.config.schema import Strategy
from freehold.drills.applying import KEPT
from freehold.drills.deciding import AS_RECORDED, Deciding, Row
from freehold.drills.scenario import CHEAPEST, Scenario
from freehold.drills.simulation import Line
from freehold.drills.spreading import UNKNOWN, grouped, index
from freehold.drills.traffic import Traffic
from freehold.drills.world import World
from freehold.policy.expression import ALWAYS
from freehold.policy.rules import Bound, Limit
from freehold.vocabulary.endpoint import EMBEDS

_DAY_MS = 86_400_000
_LATENCY = (
    "Another endpoint's answer has as many tokens as the recorded one, and takes as long as its own recorded answers "
    "of such a length did; more load makes nobody slower."
)
_MINUTES = (
    "Limits of rate are looked at by calendar minute: what finds no room goes to whoever is next, without waiting; "
    "limits on requests at once are left out, and what was served in fact counts as within the limits."
)
_FASTEST = 'For "fastest" the means of the period stand for what the gateway measures from minute to minute.'
_LEAST_BUSY = 'For "least_busy" everybody who may be asked is taken to get the same share.'
_QUALITY = (
    "Scores are taken to be independent of each other, and to hold for this traffic as for the bench's cases; for a "
    "model that was not measured where it would answer under another's name, its score at another provider stands."
)
_STICKY = "Each exchange is decided by itself: that conversations stay with one endpoint is left out."
_ONE = "An exchange counts as that of who answered it first, whoever was asked beside it or went on with its stream."
_EMBEDDINGS = (
    "Embeddings of another model count as served, though an index that was made with one model cannot be searched "
    "with those of another."
)


class Outcome(NamedTuple):
    """What a simulation has worked out."""

    deciding: Deciding
    rows: Sequence[Row]
    total: Line
    lines: Sequence[Line]


def assumptions(
    world: World, after: World, scenario: Scenario, traffic: Traffic, found: Outcome
) -> Iterator[str]:
    """Everything a reader of the figures has to know."""
    yield from untouched(after)
    yield from _of_period(scenario, traffic)
    yield from _left_out(traffic, found)
    yield from _engine(found)
    yield from _routing(world)
    yield from _of_limits(after, found)
    yield _LATENCY
    if found.total.quality is not None and found.total.quality.low < found.total.quality.high:
        yield _QUALITY
    if any(row.kind.dialect in EMBEDS and row.who and not row.as_before for row in found.rows):
        yield _EMBEDDINGS
    yield from _refusals(world, after)
    for policy in world.rules.enforced:
        for limit in policy.limits:
            yield from _of_policy(policy.name, limit, after, traffic, found)


def untouched(after: World) -> Iterator[str]:
    """That a scenario hits nobody here, or has a word that stands for nobody."""
    if all(one.fate == KEPT for one in after.fates):
        yield "The scenario hits no endpoint of this configuration."
    for word in after.unsettled:
        yield (
            f"Who is most used by `{word}` is not known: no endpoint in use that the scenario asks about has a known "
            "value of it."
        )
    for name in after.endpoints:
        model = after.change(name).replaced_by
        if model == CHEAPEST:
            yield (
                f"Which model would answer in place of {name} is not known: no cheaper one of its provider is in use. "
                "Put one in place of @cheapest in a copy of the scenario."
            )
        elif model is not None:
            yield f"Under the name of {name}, {model} answers."


def _routing(world: World) -> Iterator[str]:
    every = world.resolved.settings.values()
    strategies = {settings.strategy for settings in every}
    yield from (said for one, said in _STRATEGIES.items() if one in strategies)
    if any(one.sticky and one.strategy is not Strategy.ORDERED for one in every):
        yield _STICKY
    if any(one.hedge or one.continue_ for one in every):
        yield _ONE


_STRATEGIES = {Strategy.FASTEST: _FASTEST, Strategy.LEAST_BUSY: _LEAST_BUSY}


def _of_period(scenario: Scenario, traffic: Traffic) -> Iterator[str]:
    if traffic.invented:
        yield "There is invented traffic on this ledger; its volumes, times and sizes say nothing of a real company."
    if scenario.days is not None or scenario.begins is not None:
        begins = "" if scenario.begins is None else f" from {scenario.begins}"
        days = (
            "" if scenario.days is None else f" for {scenario.days:g} day{'' if scenario.days == 1 else 's'}"
        )
        yield f"The scenario holds{begins}{days}; here it is taken to hold for the whole period."


def _left_out(traffic: Traffic, found: Outcome) -> Iterator[str]:
    for why, count in sorted(traffic.left_out.items()):
        yield f"Left out: {count:,} {why}."
    unknown = traffic.exchanges - found.total.exchanges
    if unknown:
        yield f"Left out: {unknown:,} exchanges for names that the configuration no longer serves."
    if found.total.failed:
        yield (
            f"{found.total.failed:.2%} failed for reasons of their own (outages, answers that broke off), and are "
            "taken to fail again."
        )
    if AS_RECORDED in found.total.refused:
        yield (
            f"{found.total.refused[AS_RECORDED]:.2%} were refused by limits or by earlier rules, though the rules of "
            "now would not; they stay refused."
        )


def _engine(found: Outcome) -> Iterator[str]:
    """How far policy and routing by themselves agree with who answered in fact."""
    cells: dict[tuple[str, str, str], float] = defaultdict(float)
    count = shut = 0
    for row in found.rows:
        case, kind = found.deciding.case(row.kind), row.kind
        if case is None or kind.endpoint is None or not row.was_served or kind.cached:
            continue
        count += row.group.exchanges
        shut += row.group.exchanges if kind.endpoint not in case.allowed_before else 0
        cells[kind.application, kind.alias, kind.endpoint] += row.group.exchanges
        for endpoint, share in (case.first_before or {"": 1.0}).items():
            cells[kind.application, kind.alias, endpoint] -= share * row.group.exchanges
    if count:
        apart = sum(map(abs, cells.values())) / 2 / count
        yield (
            f"Without the scenario, policy and routing by themselves would have sent {apart:.2%} of the answered "
            "exchanges to somebody else than the record says (failovers, limits, other rules then)."
        )
    if shut:
        yield (
            f"{shut / count:.2%} of the answered exchanges were answered by endpoints that the rules and pools of now "
            "do not allow. They are decided by what holds now; what becomes of them is no effect of the scenario alone."
        )


def _of_limits(after: World, found: Outcome) -> Iterator[str]:
    limits, asked = after.resolved.config.limits, set(found.total.by_after)
    unlimited = sorted(
        name
        for name in asked & set(after.endpoints)
        if name not in limits
        or (limits[name].requests_per_minute, limits[name].tokens_per_minute) == (None, None)
    )
    if unlimited:
        yield f"No limit of rate is known of {', '.join(unlimited)}: taken to have room for everything."
    if limits:
        yield _MINUTES
    served = [row for row in found.rows if row.was_served and not row.kind.cached]
    uncounted = sum(row.group.exchanges for row in served if not row.group.counted)
    if uncounted and any(limit.tokens_per_minute is not None for limit in limits.values()):
        share = uncounted / sum(row.group.exchanges for row in served)
        yield f"Of {share:.2%} of the answered exchanges nobody counted the tokens; in loads they have none."


def _refusals(world: World, after: World) -> Iterator[str]:
    changes = [after.change(name) for name in world.endpoints]
    if any(one.refuses_share is not None for one in changes):
        if world.resolved.config.policy.refused_elsewhere:
            yield "What a model declines goes to whoever is next, as `refused_elsewhere` allows; the category fits."
        else:
            yield "What a model declines is refused: no category of it may go elsewhere."
    if any(one.refuses is not None for one in changes):
        yield "Refusals on a topic are not simulated: the ledger's records hold no words. A rehearsal shows them."


def _of_policy(policy: str, limit: Limit, after: World, traffic: Traffic, found: Outcome) -> Iterator[str]:
    """Limits over time are not enforced here; whether they would be passed is told."""
    name = f"{policy}/{limit.id}"
    if limit.bound is Bound.BUDGET:
        yield from _budget(name, limit, traffic, found)
    elif limit.bound in (Bound.SHARE, Bound.CONCENTRATION):
        shares = grouped(found.total.by_after, limit.by.value, after)
        for group, value in _measured(limit, shares).items():
            if value > limit.value:
                some = "" if limit.when == ALWAYS else ", if it held for every request"
                yield (
                    f"{name} is not simulated, and would be passed: {group} at {value:.1%} over the whole period, "
                    f"{limit.value:.1%} is the most{some}. The gateway would send elsewhere or refuse what is above."
                )


def _measured(limit: Limit, shares: Mapping[str, float]) -> Mapping[str, float]:
    if limit.bound is Bound.SHARE:
        return {f"{limit.by.value} {group}": share for group, share in shares.items() if group != UNKNOWN}
    return {f"the index by {limit.by.value}": index(shares) or 0.0}


def _budget(name: str, limit: Limit, traffic: Traffic, found: Outcome) -> Iterator[str]:
    days = max(1.0, (traffic.until_ms - traffic.since_ms) / _DAY_MS)
    spent: dict[str, float] = defaultdict(float)
    for line in found.lines:
        if limit.application in (None, line.application):
            spent[line.application] += line.cost_after_usd or 0.0
    over = {application: usd / days for application, usd in spent.items() if usd / days > limit.value}
    for application, usd in sorted(over.items()):
        yield (
            f"{name} is not simulated, and would be passed: `{application}` at {usd:.2f} USD on an average day, "
            f"{limit.value:.2f} is the most. The gateway would refuse what is above."
        )
