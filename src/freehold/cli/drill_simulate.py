"""`freehold drill simulate`: what a period would have been under a scenario."""

from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from freehold.bench.results import qualities
from freehold.catalog.resolve import keyless
from freehold.cli.as_json import print_json
from freehold.cli.output import OK, USAGE, Stop, one_line, progress, table
from freehold.cli.period import day_in, unix_ms
from freehold.cli.scenarios import UNKNOWN_FATE
from freehold.cli.settings import config_of
from freehold.config import clock
from freehold.config import schema as settings
from freehold.config.environment import environment
from freehold.drills import folder
from freehold.drills.inputs import Inputs, inputs_of
from freehold.drills.loading import SCENARIOS, load_scenario
from freehold.drills.scenario import Scenario
from freehold.drills.simulating import simulate
from freehold.drills.simulation import SIMULATED, Concentration, Line, Load, Simulation
from freehold.drills.traffic import MINUTE_MS, Traffic, read_traffic
from freehold.drills.world import world
from freehold.gateway.running import running
from freehold.ledger.ledger import event, noted
from freehold.vocabulary.errors import BadRequest, ConfigError

_LINES_SHOWN = 40
_LINES = (
    "APPLICATION",
    "ALIAS",
    "EXCHANGES",
    "SERVED",
    "AFTER",
    "REFUSED",
    "LOST",
    "LIMITED",
    "USD",
    "AFTER",
    "MS",
    "AFTER",
    "QUALITY",
)
_ENDPOINTS = (
    "ENDPOINT",
    "SHARE",
    "AFTER",
    "REQUESTS/MIN",  # in the busiest minute
    "AFTER",
    "LIMIT",
    "TOKENS/MIN",
    "AFTER",
    "LIMIT",
    "OVER",
)
_SPREAD = ("BY", "HHI", "AFTER", "EFFECTIVE", "AFTER", "LARGEST AFTER")


def run(args: Namespace) -> int:
    """Read, decide again, print, and keep it where that is wanted."""
    config = config_of(args)
    if not config.aliases:
        remedy = (
            "Let `freehold init` write one, or `freehold drill traffic --into DIR` an example with traffic."
        )
        raise Stop(USAGE, ConfigError("there is no configuration with an alias", remedy=remedy))
    own = Path(config.state_dir).absolute()
    state = own if args.ledger is None else Path(args.ledger).absolute()
    scenario = load_scenario(args.scenario, own / SCENARIOS)
    with progress("reading the ledger"):
        traffic = _traffic(args, state, _under_way_ms(state, config.timeouts) if args.save else 0)
        before, scores = world(keyless(config, environment()), own, datetime.now(UTC)), qualities(own)
        found = simulate(before, scenario, traffic, scores)
    drill = None
    if args.save:
        inputs = inputs_of(before, traffic, scores)
        drill = _kept(state, config.ledger, scenario, inputs, found)
    if args.json:
        print_json(found if drill is None else {"drill": drill, "simulation": found})
        return OK
    print(*map(one_line, _told(found, scenario.title)), sep="\n")
    if drill is not None:
        print(f"\nkept as {drill}; `freehold drill report {drill}` makes a page of it")
    return OK


def _under_way_ms(state: Path, timeouts: settings.Timeouts) -> int:
    """How long an exchange can be under way while a gateway runs: what began then may yet come to the ledger."""
    return 0 if running(state) is None else int(timeouts.total_s * 1000)


def _traffic(args: Namespace, state: Path, under_way_ms: int) -> Traffic:
    """The period's. Where no beginning is given, it begins with the first exchange. Raises BadRequest for none.

    What is kept is to be worked out again, so it leaves out what is too young to be over, unless there is nothing else.
    """
    if not state.is_dir():
        raise BadRequest(f"there is no ledger in {state}", remedy="Name its folder with --ledger.")
    now_ms = clock.now_ms()
    since_ms = _day_ms(args.since, "--from") if args.since else 0
    until_ms = min(now_ms, _day_ms(args.until, "--to", 1) if args.until else now_ms)
    if since_ms >= now_ms:
        raise BadRequest(f"--from {args.since} is yet to come", remedy="Name a day that has traffic.")
    if until_ms <= since_ms:
        raise BadRequest("the period ends before it begins", remedy="Swap --from and --to.")
    found = read_traffic(state, since_ms, max(since_ms, min(until_ms, now_ms - under_way_ms)))
    if under_way_ms and not found.groups:
        found = read_traffic(state, since_ms, until_ms)
    if not found.groups:
        remedy = "`freehold drill traffic --into DIR` invents some, for a look at what a simulation says."
        raise BadRequest(f"no exchange of the period is on the ledger in {state}", remedy=remedy)
    first = min(min(minutes) for minutes in found.minutes.values()) * MINUTE_MS
    return found if args.since else replace(found, since_ms=first)


def _day_ms(text: str, flag: str, days: int = 0) -> int:
    day = day_in(text, flag) + timedelta(days=days)
    return unix_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _kept(state: Path, ledger: settings.Ledger, scenario: Scenario, inputs: Inputs, found: Simulation) -> str:
    """Put it into a folder of its own and announce it on the ledger; the drill's id."""
    drill = folder.new(state, scenario)
    about = {
        "drill": drill,
        "scenario": found.scenario,
        "text": scenario.source,
        "inputs": folder.write(state, drill, folder.INPUTS, inputs),
        "sha256": folder.write(state, drill, folder.SIMULATION, found),
    }
    noted(state, ledger, event(SIMULATED, about))
    return drill


def _told(found: Simulation, title: str) -> Iterator[str]:
    since, until = (clock.utc(ms) for ms in (found.since_ms, found.until_ms))
    yield f"{title} ({found.scenario})"
    yield f"{found.exchanges:,} exchanges, {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    yield f"policy {found.policy or 'none'}, facts {found.facts}"
    hit = [one for one in found.fates if one.fate != "kept"]
    if hit:
        rows = [(one.endpoint, one.fate, one.because) for one in hit]
        yield from ("", *table(("ENDPOINT", "FATE", "BECAUSE"), rows))
    if any(one.fate == "unknown" for one in hit):
        yield UNKNOWN_FATE
    yield from ("", *table(_LINES, [*map(_line, found.lines[:_LINES_SHOWN]), _line(found.total)]))
    if len(found.lines) > _LINES_SHOWN:
        yield f"and {len(found.lines) - _LINES_SHOWN} smaller ones; --json has them all"
    for rule, share in found.total.refused.items():
        yield f"refused by {rule}: {_percent(share)}"
    yield from ("", *_endpoints(found))
    yield from ("", *table(_SPREAD, list(map(_spread, found.concentration))))
    yield from ("", *(f"- {one}" for one in found.assumptions))


def _line(one: Line) -> tuple[str, ...]:
    return (
        one.application or ("all" if not one.alias else "-"),
        one.alias,
        f"{one.exchanges:,}",
        _percent(one.served_before, "0%"),
        _percent(one.served_after, "0%"),
        _percent(sum(one.refused.values())),
        _percent(one.lost),
        _percent(one.limited),
        _known(one.cost_before_usd, "{:,.2f}", one.unpriced_before),
        _known(one.cost_after_usd, "{:,.2f}", one.unpriced),
        _known(one.latency_before_ms, "{:,.0f}", one.untimed_before),
        _known(one.latency_after_ms, "{:,.0f}", one.untimed),
        _quality(one),
    )


def _quality(one: Line) -> str:
    if one.quality is None:
        return "unknown"
    found = one.quality
    said = (
        "0"
        if found.low == found.high == 0
        else f"{found.estimate:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
    )
    return said + (f", unknown of {_percent(one.unmeasured)}" if one.unmeasured else "")


def _endpoints(found: Simulation) -> Iterator[str]:
    before, after = found.total.by_before, found.total.by_after
    loads = {one.endpoint: one for one in found.loads}
    rows = []
    for name in dict.fromkeys((*before, *after)):
        shares = _percent(before.get(name, 0.0)), _percent(after.get(name, 0.0))
        rows.append((name, *shares, *(_load(loads[name]) if name in loads else ("-",) * 7)))
    yield from table(_ENDPOINTS, rows)


def _load(one: Load) -> tuple[str, ...]:
    return (
        f"{one.requests_before:,}",
        f"{one.requests_after:,}",
        _known(one.requests_limit, "{:,}"),
        f"{one.tokens_before:,}",
        f"{one.tokens_after:,}",
        _known(one.tokens_limit, "{:,}"),
        _percent(one.over),
    )


def _spread(one: Concentration) -> tuple[str, ...]:
    largest = next(iter(one.shares_after.items()), None)
    return (
        one.by,
        _known(one.hhi_before, "{:.3f}"),
        _known(one.hhi_after, "{:.3f}"),
        _known(one.effective_before, "{:.1f}"),
        _known(one.effective_after, "{:.1f}"),
        "-" if largest is None else f"{largest[0]} {_percent(largest[1])}",
    )


def _known(value: float | None, how: str, unknown: float = 0.0) -> str:
    """A value, and of which share it is not known."""
    said = "unknown" if value is None else how.format(value)
    return f"{said} (+{_percent(unknown)} unknown)" if value is not None and unknown else said


def _percent(share: float, none: str = "-") -> str:
    return none if not share else "<0.1%" if share < 0.001 else f"{share:.1%}"
