"""`freehold drill list|show|due`: which scenarios there are, what they hit here, and which are due."""

import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from freehold.bench.results import qualities
from freehold.catalog.resolve import keyless
from freehold.cli.as_json import print_json, print_result
from freehold.cli.output import OK, PROBLEMS, USAGE, Stop, one_line, progress, table
from freehold.cli.period import begin_of, day_in, unix_ms
from freehold.cli.settings import config_of, state_dir
from freehold.config.environment import environment
from freehold.drills.applying import KEPT
from freehold.drills.assuming import untouched
from freehold.drills.due import Due
from freehold.drills.due import due as due_of
from freehold.drills.independence import Standing, standings
from freehold.drills.loading import SCENARIOS, load_scenario, scenarios, shipped
from freehold.drills.scenario import Scenario
from freehold.drills.traffic import Traffic, read_traffic
from freehold.drills.world import World, world
from freehold.ledger.query import events
from freehold.vocabulary.errors import ConfigError

_SINCE_DAYS = 30
UNKNOWN_FATE = "who may be hit, counts as lost; `freehold catalog show ENDPOINT` tells how to state the fact"


class Place(NamedTuple):
    """What decides here, and what was asked lately."""

    state: Path
    world: World
    traffic: Traffic | None  # None: nothing was recorded


def place_of(args: Namespace) -> Place:
    """The configuration's world, with the traffic since `args.since`. Stops where there is no alias; needs no keys."""
    config = config_of(args)
    if not config.aliases:
        remedy = "Run `freehold init`, or name a configuration with --config."
        raise Stop(USAGE, ConfigError("there is no configuration with an alias", remedy=remedy))
    state = Path(config.state_dir).absolute()
    now = datetime.now(UTC)
    with progress("reading facts and the ledger"):
        here = world(keyless(config, environment()), state, now)
        traffic = _traffic(state, _since(args, now), now) if state.is_dir() else None
    return Place(state, here, traffic)


def _since(args: Namespace, now: datetime) -> datetime:
    if args.since is None:
        return now - timedelta(days=_SINCE_DAYS)
    return begin_of(day_in(args.since, "--from"))


def _traffic(state: Path, since: datetime, now: datetime) -> Traffic | None:
    found = read_traffic(state, unix_ms(since), unix_ms(now))
    return found if found.exchanges else None


def listing(args: Namespace) -> int:
    """List every scenario."""
    found = _all_due(args)
    print_result(args, found, _rows(found))
    return OK


def due(args: Namespace) -> int:
    """List what is due; the exit code says whether anything is."""
    found = [one for one in _all_due(args) if one.due]
    if args.json:
        print_json(found)
    elif found:
        print(
            *_rows(found), "", "`freehold drill simulate SCENARIO --save` or a rehearsal is a drill", sep="\n"
        )
    else:
        print("no drill is due")
    return PROBLEMS if found else OK


def _all_due(args: Namespace) -> Sequence[Due]:
    state = state_dir(args)
    named = {one.name: one for one in (*shipped(), *scenarios(state / SCENARIOS))}
    told = events(state) if state.is_dir() else []
    today = datetime.fromtimestamp(time.time(), UTC).date()
    return due_of(named.values(), told, today)


def _rows(found: Sequence[Due]) -> Iterator[str]:
    rows = [(one.scenario, _day(one.last, "never"), _again(one), one.title) for one in found]
    return table(("SCENARIO", "LAST DRILLED", "AGAIN", "WHAT"), rows)


def _again(one: Due) -> str:
    return f"due since {one.retest}" if one.due and one.retest else _day(one.retest, "due")


def _day(day: date | None, without: str) -> str:
    return without if day is None else str(day)


def show(args: Namespace) -> int:
    """Print a scenario, what becomes of each endpoint, and who is left for each alias."""
    scenario = load_scenario(args.scenario, state_dir(args) / SCENARIOS)
    place = place_of(args)
    under = place.world.under(scenario, place.traffic)
    left = standings(under, qualities(place.state), place.traffic)
    if args.json:
        print_json({"scenario": scenario, "facts": under.digest, "fates": under.fates, "left": left})
        return OK
    print(*map(one_line, _head(scenario)), "", sep="\n")
    print(*_fates(under), sep="\n")
    print("\nwho is left, as policy allows now:", *_left(place, left), sep="\n")
    return OK


def _head(scenario: Scenario) -> Iterator[str]:
    lasts = "for good" if scenario.days is None else f"for {scenario.days:g} days"
    begins = "at once" if scenario.begins is None else f"from {scenario.begins} on"
    yield f"{scenario.title} ({begins}, {lasts}; to be drilled every {scenario.retest_days} days)"
    yield " ".join(scenario.why.split())


def _fates(under: World) -> Iterator[str]:
    fates = under.fates
    hit = [(one.fate, one.endpoint, one.because) for one in fates if one.fate != KEPT]
    if hit:
        yield from table(("FATE", "ENDPOINT", "BECAUSE"), hit)
    if any(fate == "unknown" for fate, _, _ in hit):
        yield UNKNOWN_FATE
    yield from untouched(under)
    yield f"{len(fates) - len(hit)} of {len(fates)} endpoints are not hit"


def _left(place: Place, left: Sequence[Standing]) -> Iterator[str]:
    rows = [(one.alias, asked_by(place, one), _names(one), _parents(one)) for one in left]
    yield from table(("ALIAS", "ASKED BY", "LEFT", "KNOWN PARENTS LEFT"), rows)


def _parents(one: Standing) -> str:
    return ", ".join(one.known["parent"]) or "-"


def _names(one: Standing) -> str:
    return ", ".join(candidate.endpoint for candidate in one.candidates) or "NOBODY"


def asked_by(place: Place, one: Standing) -> str:
    """Whose requests these are, and with which data classes if not with any."""
    who, classes = ", ".join(one.applications), place.world.resolved.config.data_classes
    if set(classes) <= set(one.data_classes):
        return who
    return f"{who}: {', '.join(name or 'no class' for name in one.data_classes)}"
