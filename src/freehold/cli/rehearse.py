"""`freehold drill rehearse|stop`: a scenario on the gateway that is running, and the way to end it at once."""

import asyncio
import math
import re
import secrets
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from freehold.bench.cases import Tasks, read_tasks
from freehold.bench.results import qualities
from freehold.catalog.resolve import Resolved, keyless
from freehold.cli.as_json import print_json
from freehold.cli.ledger_bodies import who
from freehold.cli.output import CANNOT_SERVE, OK, PROBLEMS, USAGE, Stop, table
from freehold.cli.settings import config_of, state_dir
from freehold.config import clock
from freehold.config.environment import environment
from freehold.drills import folder
from freehold.drills.calling import Calling
from freehold.drills.inputs import inputs_of
from freehold.drills.loading import SCENARIOS, load_scenario
from freehold.drills.measuring import measured
from freehold.drills.rehearsal import DONE, Moment, Phase, Rehearsal
from freehold.drills.rehearsing import RATE_MAX, Course, Criteria, Rehearsing, Tests
from freehold.drills.report import BEGAN, ENDED
from freehold.drills.scenario import Scenario
from freehold.drills.striking import allowed, struck
from freehold.drills.traffic import Traffic, read_traffic
from freehold.drills.world import World, world
from freehold.gateway import drill_order
from freehold.gateway.aliases import Aliases
from freehold.gateway.drill_order import Mode, Order, Struck
from freehold.gateway.keys import KeyStore
from freehold.gateway.running import Running, running
from freehold.ledger.ledger import event, noted
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, FreeholdError
from freehold.vocabulary.exchange import Plain
from freehold.vocabulary.report import Interval

LEAD_MS = 2_500  # for all processes of the gateway to take it up
TRAFFIC_MS = 7 * 86_400_000  # how far back `@most-used` looks, and what is simulated beside it
SHARE_MOST = 0.5  # without --yes
TIME_S_MAX = 3_600


class Terms(NamedTuple):
    """How it is to be done."""

    mode: Mode
    share: float
    times_ms: tuple[int, int, int]  # before, during, after
    criteria: Criteria
    tests: Tasks | None  # with known answers


def run(args: Namespace) -> int:
    """Announce, do, measure, keep and print."""
    terms = _terms(args)
    resolved = keyless(config_of(args), environment())  # the gateway it is that asks providers
    state = Path(resolved.config.state_dir)
    gateway = _gateway(state)
    scenario = load_scenario(args.scenario, state / SCENARIOS)
    before = world(resolved, state, datetime.now(UTC))
    traffic = _traffic(state, scenario, resolved)
    under = before.under(scenario, traffic)
    hit = struck(before, under, traffic)
    _none_other(state)
    token = secrets.token_urlsafe(24)
    tests = _tests(args, terms, resolved, Calling(gateway.url, token, _key(args.key_env)))
    drill = folder.new(state, scenario)
    order = _order(terms, gateway, (drill, scenario.name, token), hit)
    ends_ms = order.until_ms + terms.times_ms[2]
    begins_ms = order.from_ms - terms.times_ms[0]
    may = allowed(before, under)
    course = Course(state, gateway, order, begins_ms, ends_ms, terms.criteria, may, tests)
    began = noted(state, resolved.config.ledger, event(BEGAN, _announced(course, scenario, terms)))
    told = _silent if args.json else _tell
    told(f"drill {drill}: {scenario.title}; `freehold drill stop` ends it at once")
    doing = Rehearsing(course, told)
    why, measured_ms = asyncio.run(_done(doing))
    found = measured(began, doing.records, course.allowed, (why, measured_ms), doing.graded)
    noted(state, resolved.config.ledger, event(ENDED, _ended(found) | _kept(state, found, before)))
    if args.json:
        print_json(found)
    else:
        print(*_lines(found), sep="\n")
    return OK if why == DONE and not found.violations else PROBLEMS


def stop(args: Namespace) -> int:
    """Take away what a drill has put before the gateway."""
    state = state_dir(args)
    order = drill_order.read(state)
    if not drill_order.remove(state):
        print("no rehearsal is under way")
        return PROBLEMS
    print(f"stopped{f' {order.id}' if order else ''}; the gateway drops it within a second or two")
    return OK


async def _done(doing: Rehearsing) -> tuple[str, int]:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await doing.run()


def _terms(args: Namespace) -> Terms:
    times = (args.before, args.lasts, args.after)
    ms = [_ms(text, flag) for text, flag in zip(times, ("--before", "--for", "--after"), strict=True)]
    if not ms[1]:
        raise BadRequest("--for 0s: a fault that never comes", remedy="Write it like 60s or 5m.")
    tasks = _tasks(args)
    mode, share = _mode(args)
    for flag, limit in (("--abort-p95-ms", args.abort_p95_ms), ("--abort-usd", args.abort_usd)):
        if limit is not None and not 0 <= limit < math.inf:
            raise BadRequest(f"{flag} {limit:g} is no limit", remedy="Write a number of at least 0.")
    criteria = Criteria(_percent(args.abort_failed), args.abort_p95_ms, args.abort_usd)
    asked = (args.requests or 0) + 3 * (0 if tasks is None else len(tasks.cases))
    if asked > RATE_MAX * sum(ms) / 1000:
        remedy = f"Give it longer, or ask for no more than {RATE_MAX:g} a second."
        raise BadRequest(f"{asked} test requests in {sum(ms) / 1000:g} s are too many", remedy=remedy)
    return Terms(mode, share, (ms[0], ms[1], ms[2]), criteria, tasks)


def _mode(args: Namespace) -> tuple[Mode, float]:
    marked = args.requests is not None or args.tasks is not None
    given = [
        flag for flag, value in (("--share", args.share), ("--shadow", args.shadow)) if value is not None
    ]
    if len(given) + marked != 1:
        remedy = "Give one of --share, --shadow, or --requests and --tasks with --alias."
        raise BadRequest("which requests are to be in it?", remedy=remedy)
    if marked:
        if args.alias is None or (args.requests is not None and args.requests < 1):
            raise BadRequest(
                "test requests of what?", remedy="Name it with --alias; --requests is 1 or more."
            )
        return Mode.MARKED, 0.0
    share = args.share if args.share is not None else args.shadow
    if not 0 < share <= 1:
        raise BadRequest(f"{given[0]} {share:g} is no share", remedy="Give more than 0, and 1 at most.")
    if args.share is not None and share > SHARE_MOST and not args.yes:
        remedy = "Add --yes if that is meant, or begin with less: 0.01 shows how it goes."
        raise BadRequest(f"--share {share:g} would put most of the traffic into the drill", remedy=remedy)
    return (Mode.SHADOW if args.share is None else Mode.SHARE), share


def _tasks(args: Namespace) -> Tasks | None:
    if args.tasks is None:
        return None
    tasks = read_tasks(Path(args.tasks))
    if isinstance(tasks, list):
        raise Stop(USAGE, *tasks)
    if tasks.runs_code or tasks.judged:
        remedy = "Leave out the cases with unit tests and with a judge."
        raise BadRequest(f"{args.tasks} has cases that a rehearsal cannot grade in passing", remedy=remedy)
    return tasks


def _gateway(state: Path) -> Running:
    found = running(state)
    if found is None:
        remedy = "Start it with `freehold up`; `freehold drill simulate` needs none."
        raise Stop(CANNOT_SERVE, FreeholdError(f"no gateway runs on {state}", remedy=remedy))
    return found


def _none_other(state: Path) -> None:
    """Raises BadRequest where another drill is under way; what a killed one has left is swept up."""
    if drill_order.lease_ms(state) > clock.now_ms():
        order = drill_order.read(state)
        name = "another drill" if order is None else f"the drill {order.id}"
        raise BadRequest(f"{name} is under way", remedy="Wait for it, or end it with `freehold drill stop`.")
    drill_order.remove(state)


def _traffic(state: Path, scenario: Scenario, resolved: Resolved) -> Traffic | None:
    """What was asked lately, where it matters: to who is most used, and to what stands at a pool's `*`."""
    where = [*(one.where for one in scenario.lost), *(one.where for one in scenario.changed)]
    words = [text for one in where for _, texts in one for text in texts]
    now_ms = clock.now_ms()
    ranked = any(text.startswith("@") for text in words)
    return read_traffic(state, now_ms - TRAFFIC_MS, now_ms) if ranked or resolved.globs else None


def _order(terms: Terms, gateway: Running, named: tuple[str, str, str], hit: tuple[Struck, ...]) -> Order:
    (drill, scenario, token), (before, lasts, _) = named, terms.times_ms
    from_ms = clock.now_ms() + LEAD_MS + before
    shown = sha256(token.encode()).hexdigest() if terms.mode is Mode.MARKED else ""
    until_ms = from_ms + lasts
    return Order(drill, gateway.run, scenario, terms.mode, terms.share, shown, from_ms, until_ms, hit)


def _tests(args: Namespace, terms: Terms, resolved: Resolved, calling: Calling) -> Tests | None:
    """Raises FreeholdError where the gateway would turn all of them down."""
    if terms.mode is not Mode.MARKED:
        return None
    Aliases(resolved).lane(args.alias, Dialect.CHAT)
    server = resolved.config.server
    asks = KeyStore(Path(resolved.config.state_dir)).list() if server.keys is None else server.keys
    if asks and calling.key is None:
        remedy = "Put one into a variable, and name that with --key-env."
        raise BadRequest("the gateway asks for a key, also of test requests", remedy=remedy)
    return Tests(args.alias, calling, args.requests or 0, () if terms.tests is None else terms.tests.cases)


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    if not (key := environment().get(variable)):
        raise BadRequest(f"{variable} is not set", remedy="Put the key that test requests show in there.")
    return key


def _announced(course: Course, scenario: Scenario, terms: Terms) -> dict[str, Plain]:
    """What is said before: enough to measure by."""
    order = course.order
    return {
        "drill": order.id,
        "scenario": scenario.name,
        "title": scenario.title,
        "text": scenario.source,
        "mode": order.mode.value,
        "share": order.share,
        "who": who(),
        "begins_ms": course.begins_ms,
        "from_ms": order.from_ms,
        "until_ms": order.until_ms,
        "ends_ms": course.ends_ms,
        "lost": tuple(one.endpoint for one in order.struck if one.way is not None),
        "changed": tuple(one.endpoint for one in order.struck if one.way is None and not one.spared),
        "criteria": terms.criteria.told(),
    }


def _ended(found: Rehearsal) -> dict[str, Plain]:
    return {"drill": found.id, "scenario": found.scenario, "why": found.ended}


def _kept(state: Path, found: Rehearsal, before: World) -> dict[str, Plain]:
    """Put what it came to, and what that was decided by, into its folder; SHA-256 of both."""
    period = read_traffic(state, found.began_ms - TRAFFIC_MS, found.began_ms)
    inputs = inputs_of(before, period, qualities(state))
    return {
        "inputs": folder.write(state, found.id, folder.INPUTS, inputs),
        "sha256": folder.write(state, found.id, folder.REHEARSAL, found),
    }


def _tell(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


def _silent(said: str) -> None:
    return None


def _ms(text: str, flag: str) -> int:
    found = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)(s|m)", text)
    seconds = float(found[1]) * (60 if found[2] == "m" else 1) if found else math.inf
    if seconds > TIME_S_MAX:
        raise BadRequest(f"{flag} {text!r} is no time", remedy="Write it like 30s or 5m; an hour at most.")
    return int(seconds * 1000)


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%", text)
    if not found or float(found[1]) > 100:
        raise BadRequest(f"--abort-failed {text!r} is no share", remedy="Write it like 5%.")
    return float(found[1]) / 100


def _lines(found: Rehearsal) -> Iterator[str]:
    """What a rehearsal came to, as people read it."""
    yield f"drill {found.id}, scenario {found.scenario}: {found.ended}"
    yield f"lost: {', '.join(found.lost) or 'nobody'}; changed: {', '.join(found.changed) or 'nobody'}"
    yield ""
    head = (
        "",
        "EXCHANGES",
        "ANSWERED",
        "FAILED",
        "REFUSED",
        "DEGRADED",
        "QUEUED",
        "LATENCY MS",
        "USD/1000",
        "QUALITY",
    )
    yield from table(head, [_row(one) for one in found.phases])
    yield ""
    yield from table(
        ("", "AFTER", "BETWEEN"),
        [
            ("the first failed attempt at who is lost", *_moment(found.detected)),
            ("left alone", *_moment(found.left_alone)),
            ("service restored", *_restored(found)),
            ("back at who was lost, after the fault", *_moment(found.returned)),
        ],
    )
    yield ""
    for phase in found.phases:
        for alias, shares in phase.by.items():
            yield f"{phase.name}, {alias}: " + ", ".join(
                f"{name} {_share(one)}" for name, one in shares.items()
            )
        if phase.findings:
            yield f"{phase.name}, findings: " + ", ".join(
                f"{kind} {count}" for kind, count in phase.findings.items()
            )
    if not found.met:
        yield "no request met the fault: it shows nothing of who would carry on"
    lost = sum(one.streams_lost for one in found.phases)
    yield f"streams that broke off: {lost}; prompts where policy did not allow them: {len(found.violations)}"


def _row(one: Phase) -> tuple[str, ...]:
    shares = map(_share, (one.answered, one.failed, one.refused, one.degraded))
    figures = (
        _figure(one.latency_ms, ".0f"),
        _figure(one.cost_usd, ".2f", 1000),
        _figure(one.quality, ".2f"),
    )
    return (one.name, str(one.exchanges), *shares, str(one.queued), *figures)


def _share(it: Interval | None) -> str:
    return "-" if it is None else f"{100 * it.estimate:.0f} % ({100 * it.low:.0f} to {100 * it.high:.0f})"


def _figure(it: Interval | None, how: str, times: int = 1) -> str:
    if it is None:
        return "-"
    return f"{times * it.estimate:{how}} ({times * it.low:{how}} to {times * it.high:{how}})"


def _restored(found: Rehearsal) -> tuple[str, str]:
    never_lost = found.restored is not None and not found.restored.after_ms
    return ("no request failed", "-") if never_lost else _moment(found.restored)


def _moment(it: Moment | None) -> tuple[str, str]:
    if it is None:
        return "not seen", "-"
    return f"{it.after_ms / 1000:.2f} s", f"{it.low_ms / 1000:.2f} and {it.high_ms / 1000:.2f} s"
