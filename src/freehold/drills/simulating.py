"""A scenario over recorded traffic: the gateway's decisions, taken again. Pure: the same inputs give the same figures.

Before is what was recorded. After, whatever the scenario does not touch goes on as it was recorded, and what it does
touch is decided anew by policy and routing. How far the engine by itself agrees with the record is told as well.
"""

from collections.abc import Iterable, Mapping

from freehold.config.schema import Application
from freehold.drills.assuming import Outcome, assumptions
from freehold.drills.deciding import Deciding, Row
from freehold.drills.minutes import Clock, Ranks, within_limits
from freehold.drills.scenario import Scenario
from freehold.drills.simulation import Line, Simulation
from freehold.drills.spreading import concentrations
from freehold.drills.summing import Scales, Sums
from freehold.drills.timing import timings
from freehold.drills.traffic import Traffic
from freehold.drills.world import World
from freehold.stats.intervals import predicted
from freehold.vocabulary.report import Interval

CONFIDENCE = 0.95
_ANY = Application()


def simulate(
    world: World, scenario: Scenario, traffic: Traffic, qualities: Mapping[str, Interval]
) -> Simulation:
    """What a period would have been under a scenario. `qualities`: each endpoint's score, from 0 to 1.

    Raises ConfigError where the scenario names what is not there.
    """
    after = world.under(scenario, traffic)
    known = timings(traffic)
    deciding = Deciding(world, after, lambda name: known[name].first_ms if name in known else None)
    rows = list(deciding.rows(traffic))
    applications, limits = world.resolved.config.applications, after.resolved.config.limits
    ranks = Ranks(
        lambda application: applications.get(application, _ANY).priority,
        lambda endpoint: after.change(endpoint).limits is not None,
    )
    loads = within_limits(traffic.kept(Clock), rows, limits, ranks)
    lines, total = _lines(rows, Scales(world, after, known, qualities))
    return Simulation(
        scenario.name,
        world.rules.label,
        world.digest,
        traffic.since_ms,
        traffic.until_ms,
        total.exchanges,
        after.fates,
        lines,
        total,
        loads,
        concentrations(total, world, after),
        tuple(assumptions(world, after, scenario, traffic, Outcome(deciding, rows, total, lines))),
    )


def expected(share: float, exchanges: int, requests: int, confidence: float = CONFIDENCE) -> Interval:
    """Where the share of so many requests of a rehearsal lies, if it agrees with a share of so many exchanges.

    Both are taken to be drawn at one rate, which nobody knows. Raises ValueError for no requests and no exchanges.
    """
    found = predicted(share * exchanges, exchanges, requests, confidence)
    return Interval(*found, confidence)


def _lines(rows: Iterable[Row], scales: Scales) -> tuple[tuple[Line, ...], Line]:
    every, by_name = Sums(scales), dict[tuple[str, str], Sums]()
    for row in rows:
        key = row.kind.application, row.kind.alias
        if key not in by_name:
            by_name[key] = Sums(scales)
        by_name[key].add(row)
    for sums in by_name.values():
        every.absorb(sums)
    lines = (sums.line(*key) for key, sums in by_name.items())
    return tuple(sorted(lines, key=lambda line: (-line.exchanges, line.application, line.alias))), every.line(
        "", ""
    )
