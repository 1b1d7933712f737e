"""A drill's report: what was found, what it rests on, and how each number of it is worked out again.

Everything in it follows from the inputs that it carries and from the ledger; `verifying.py` does it once more.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from freehold import __version__
from freehold.drills.dataside import Behind, Body, DataSide
from freehold.drills.findings import Finding, findings
from freehold.drills.independence import Loss, independence
from freehold.drills.inputs import Inputs, world_of
from freehold.drills.legs import Legs, legs
from freehold.drills.loading import parsed
from freehold.drills.mapping import Register, Row, register, rows
from freehold.drills.measuring import measured
from freehold.drills.rehearsal import Graded, Rehearsal
from freehold.drills.scenario import Scenario
from freehold.drills.simulating import simulate
from freehold.drills.simulation import SIMULATED, Simulation
from freehold.drills.striking import allowed
from freehold.drills.traffic import read_traffic
from freehold.drills.world import World
from freehold.gateway.drilling import OVER
from freehold.ledger.exposure import Held, exposure
from freehold.ledger.query import between, events, reader
from freehold.vocabulary.errors import NotFound
from freehold.vocabulary.exchange import Event, Exchange

VERSION = 1
BEGAN, ENDED = "drill-began", "drill-ended"  # kinds of events
NOT_MEASURED = (
    "People: whether somebody knows what to do, who decides, and how customers are told.",
    "Contracts: notice, termination, the return of data and help with a transition.",
    "Capacity that survivors would give or take away while others, too, move to them.",
    "Quality of answers where no bench has measured it; it is shown as unknown.",
)
RECOMPUTED = {
    "scenario": "From the text of the scenario in this file.",
    "simulation": "The exchanges of the period are read from the ledger, and policy and routing decide each kind of "
    "them again: as recorded, and under the scenario, over the facts and policies in `inputs`.",
    "rehearsal": "From the records of the drill on the ledger. Scores of test answers (`graded`) are as recorded.",
    "data_side": "From the attempts of the period's exchanges at endpoints that are lost or keep longer, and the "
    "retention that was known of each, as of `made`.",
    "legs": "From what the policies in `inputs` allow for each request of the period.",
    "worst_before": "Each known parent, cloud, jurisdiction and origin is taken away in turn.",
    "worst_after": "The same, under the scenario.",
    "findings": "From the numbers above, by fixed rules.",
    "register": "From the numbers above, by fixed rules.",
    "ledger": "The records of the period are counted; the digest is SHA-256 over the sorted SHA-256 of each.",
}


class Range(Struct, frozen=True):
    """The records on the ledger that a report rests on."""

    since_ms: int
    until_ms: int
    exchanges: int  # all of the period, those that were left out too
    left_out: dict[str, int]  # why: how many
    digest: str


class Announced(Struct, frozen=True):
    """An event of the drill, with the proof that a signed log holds it."""

    event: str
    kind: str
    at_ms: int
    proof: str | None  # None: there is no log


class Report(Struct, frozen=True):
    """The whole. `made` is the moment as of which exposure is told."""

    version: int
    freehold: str
    drill: str
    made: datetime
    name: str
    title: str
    why: str
    scenario: str  # the text of its file
    inputs: Inputs
    simulation: Simulation
    rehearsal: Rehearsal | None
    data_side: DataSide
    held_under: tuple[Held, ...] | None  # by the facts of the scenario; None: it changes no retention
    legs: tuple[Legs, ...]
    worst_before: Loss | None  # the single point that hurts most; None: nothing that is known does
    worst_after: Loss | None  # and the next one, under the scenario
    findings: tuple[Finding, ...]
    register: tuple[Register, ...]
    mapping: tuple[Row, ...]
    retest: date
    not_measured: tuple[str, ...]
    ledger: Range
    announced: tuple[Announced, ...]
    keys: tuple[str, ...]  # of the logs
    checkpoints: tuple[str, ...]  # what the logs last signed when it was made
    bodies: bool  # whether sealed bodies were looked at
    recomputed: dict[str, str]  # how, by the part of the report


class Given(Struct, frozen=True):
    """What a report is made of, beside the ledger."""

    drill: str
    made: datetime
    name: str
    scenario: str
    inputs: Inputs
    ended: tuple[str, int] | None = None  # of a rehearsal: why it ended, and by when it was measured
    graded: tuple[Graded, ...] = ()
    announced: tuple[Announced, ...] = ()
    keys: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    bodies: bool = False


def made(state: Path, given: Given, body: Body = lambda exchange: None) -> Report:
    """Work everything out from the ledger in `state`.

    Raises LedgerUnavailable, Unverified for inputs that contradict themselves, and ConfigError for a scenario or a
    policy that this version cannot read.
    """
    inputs, scenario = given.inputs, parsed(given.scenario, f"{given.name}.toml")
    period = inputs.since_ms, inputs.until_ms
    before = world_of(inputs)
    traffic = read_traffic(state, *period)
    after = before.under(scenario, traffic)
    simulation = simulate(before, scenario, traffic, inputs.qualities)
    rehearsal = None if given.ended is None else _rehearsal(state, given, before, after)
    data, held_under = _data(state, given, scenario, (before, after), body)
    stands = legs(before, after, traffic)
    said = findings(simulation, rehearsal, data, held_under, stands)
    fields = register(simulation, data, before)
    return Report(
        VERSION,
        __version__,
        given.drill,
        given.made,
        scenario.name,
        scenario.title,
        scenario.why,
        given.scenario,
        inputs,
        simulation,
        rehearsal,
        data,
        held_under,
        stands,
        independence(before, inputs.qualities, traffic).worst,
        independence(after, inputs.qualities, traffic).worst,
        said,
        fields,
        rows(rehearsal),
        _retest(given, scenario),
        NOT_MEASURED,
        _range(state, *period, traffic.left_out),
        given.announced,
        given.keys,
        given.checkpoints,
        given.bodies,
        RECOMPUTED,
    )


def announcements(state: Path, drill: str) -> list[Event]:
    """What the ledger holds of a drill, oldest first."""
    return [one for one in events(state) if one.about.get("drill") == drill and one.kind in _KINDS]


_KINDS = (SIMULATED, BEGAN, ENDED)


def _retest(given: Given, scenario: Scenario) -> date:
    return given.made.date() + timedelta(days=scenario.retest_days)


def _data(
    state: Path, given: Given, scenario: Scenario, worlds: tuple[World, World], body: Body
) -> tuple[DataSide, tuple[Held, ...] | None]:
    """What stays behind at endpoints that are lost, or whose terms change; and what they would hold by new terms."""
    before, after = worlds
    period = given.inputs.since_ms, given.inputs.until_ms

    @cache
    def keeps_longer(endpoint: str) -> bool:
        return after.change(endpoint).retention_days is not None

    lost = cache(after.is_lost)
    behind = Behind(lost, keeps_longer, body)
    found = behind.told(exposure(behind.watching(between(state, *period)), _kept(before), given.made))
    if all(one.retention_days is None for one in scenario.changed):
        return found, None
    sent = Behind(lost, keeps_longer).watching(between(state, *period))
    return found, exposure(sent, _kept(after), given.made)


def _kept(world: World) -> Callable[[str, datetime], float | None]:
    def kept(endpoint: str, at: datetime) -> float | None:
        fact = world.facts(endpoint).get("retention_days")
        return None if fact is None else fact.number_at(at)

    return kept


def _rehearsal(state: Path, given: Given, before: World, after: World) -> Rehearsal:
    began = next((one for one in announcements(state, given.drill) if one.kind == BEGAN), None)
    if began is None or given.ended is None:
        remedy = "Name the state directory of the gateway that it was rehearsed on."
        raise NotFound(f"the ledger has no beginning of the rehearsal {given.drill}", remedy=remedy)

    span = between(state, began.at_ms, given.ended[1] + 1)
    records: list[Exchange | Event] = [one for one in span if one.drill == given.drill]
    records += (one for one in events(state, OVER) if one.about.get("drill") == given.drill)
    return measured(began, records, allowed(before, after), given.ended, given.graded)


def _range(state: Path, since_ms: int, until_ms: int, left_out: dict[str, int]) -> Range:
    with reader(state) as moment:
        digests = sorted(sha256(record).digest() for record in moment.records(since_ms, until_ms))
    return Range(since_ms, until_ms, len(digests), left_out, sha256(b"".join(digests)).hexdigest())
