"""`freehold bench run|show|list`: quality on the company's own tasks, through a gateway of the command's own."""

import asyncio
import math
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from freehold.bench import results
from freehold.bench.cases import Tasks, read_tasks
from freehold.bench.comparing import Ended, TraitsOf, report
from freehold.bench.results import Line, Plan, Results, Sample
from freehold.bench.running import Bench, check, order
from freehold.bench.standing import BenchReport, Traits
from freehold.catalog.knowledge import knowledge
from freehold.catalog.pools import stands_for
from freehold.catalog.resolve import Resolved
from freehold.catalog.subjects import subject_called
from freehold.cli.as_json import print_json, print_result
from freehold.cli.bench_tables import report_lines, wrong_lines
from freehold.cli.output import OK, USAGE, Stop, one_line, progress, table, tell
from freehold.cli.settings import config_of, configured, resolution, state_dir
from freehold.config import clock
from freehold.config.environment import Environment, environment
from freehold.config.load import load_all
from freehold.config.schema import Config
from freehold.config.shape import nearest
from freehold.gateway.inside import Inside, inside
from freehold.gateway.rulebook import rulebook
from freehold.vocabulary.errors import BadRequest, ConfigError, UnknownModel

ENDED = "bench-ended"  # the kind of event that says what a bench came to
EXAMPLE = "freehold bench run tasks.jsonl --on fast --on strong"


def run(args: Namespace) -> int:
    """Ask, compare, keep and print."""
    tasks = read_tasks(Path(args.tasks))
    if isinstance(tasks, list):
        raise Stop(USAGE, *tasks)
    resolved = resolved_or_stop(args)
    state = Path(resolved.config.state_dir)
    if args.usd is not None and not 0 < args.usd < math.inf:  # nor nan, than which nothing is more
        raise BadRequest(f"--usd {args.usd:g} is no limit", remedy="Give more than 0, or leave it out.")
    plan = _resumed(args, state, tasks) if args.resume else _plan(args, tasks)
    check(tasks, plan, runs_code=args.run_code)
    try:
        found = asyncio.run(_ask(args, tasks, plan, resolved, state))
    except KeyboardInterrupt:
        again = f"freehold bench run {args.tasks} --resume {plan.id}"
        print(f"interrupted; what came is kept: `{again}` goes on", file=sys.stderr)
        raise
    return told(args, found)


def show(args: Namespace) -> int:
    """Print a report once more; of a bench that is not over, what it comes to so far."""
    state = state_dir(args)
    name = results.find(state, args.id)
    lines = results.read_lines(state, name)
    found = results.read_report(state, name) or _so_far(args, state, name, lines)
    told(args, found)
    if args.wrong and not args.json:
        print("", *wrong_lines([one for one in lines if isinstance(one, Sample)]), sep="\n")
    return OK


def _so_far(args: Namespace, state: Path, name: str, lines: Sequence[Line]) -> BenchReport:
    """What a bench that is not over comes to: bounds that hold at any moment."""
    sizes = Counter({line.case: line.cluster for line in lines}.values())
    known = traits(config_of(args), environment(), state)
    return report(results.read_plan(state, name), lines, Ended("it is not over", sizes, frozenset()), known)


def listing(args: Namespace) -> int:
    """Print all benches, the oldest first."""
    state = state_dir(args)
    plans = [results.read_plan(state, name) for name in results.ids(state)]
    if args.json:
        print_json(plans)
        return OK
    rows = []
    for plan in plans:
        done = results.read_report(state, plan.id)
        at = clock.utc(plan.at_ms).strftime("%Y-%m-%d %H:%M")
        rows.append((plan.id, at, plan.tasks, ", ".join(plan.subjects), done.ended if done else "not over"))
    print(*table(("ID", "AT (UTC)", "TASKS", "ON", "ENDED"), rows), sep="\n")
    return OK


def told(args: Namespace, found: BenchReport) -> int:
    """Print a report."""
    print_result(args, found, map(one_line, report_lines(found)))
    return OK


async def _ask(args: Namespace, tasks: Tasks, plan: Plan, resolved: Resolved, state: Path) -> BenchReport:
    rules = rulebook(resolved.config, state)
    async with inside(resolved, rules, state=state, application="bench") as call:
        _known([*plan.subjects, *filter(None, [plan.judge])], call)
        with Results(state, plan) as kept, progress("asking"):
            cases = sum(map(len, order(tasks, plan)))
            print(f"bench {plan.id}: {cases} cases of {tasks.file}", file=sys.stderr, flush=True)
            kept.plan = plan  # a resumed one may have more money
            ended = await Bench(tasks, kept, call, jobs=max(1, args.jobs)).run()
            found = report(plan, kept.lines, ended, traits(resolved.config, environment(), state))
        results.write_report(state, found)
        digests = {"tasks": found.digest, "samples": found.samples}
        call.note(ENDED, {"bench": found.id, **digests, "on": plan.subjects, "ended": found.ended})
    return found


def _plan(args: Namespace, tasks: Tasks) -> Plan:
    subjects = tuple(dict.fromkeys(args.on or ()))
    if not subjects:
        raise BadRequest("nobody is named to be asked", remedy=f"Write it like `{EXAMPLE}`.")
    for flag, value in (("--n", args.n), ("--repeats", args.repeats), ("--max-tokens", args.max_tokens)):
        if value is not None and value < 1:
            raise BadRequest(f"{flag} {value} is too few", remedy="Give 1 or more.")
    if args.temperature is not None and not 0 <= args.temperature <= 2:
        raise BadRequest(f"--temperature {args.temperature:g} is none", remedy="Give one from 0 to 2.")
    return Plan(
        results.new_id(),
        clock.now_ms(),
        tasks.file,
        tasks.digest,
        subjects,
        min(args.n or len(tasks.cases), len(tasks.cases)),
        args.seed,
        args.repeats,
        not args.all,
        args.usd,
        args.judge,
        args.max_tokens,
        args.temperature,
        args.keep_answers,
    )


def _resumed(args: Namespace, state: Path, tasks: Tasks) -> Plan:
    """The plan of a run that was interrupted; --usd may be another. Raises BadRequest for other tasks."""
    plan = results.read_plan(state, results.find(state, args.resume))
    if plan.digest != tasks.digest:
        remedy = "Put the file back as it was, or start anew without --resume."
        raise BadRequest(f"{args.tasks} is not what {plan.id} began with", remedy=remedy)
    if args.on and tuple(dict.fromkeys(args.on)) != plan.subjects:
        remedy = "Leave --on out, or start anew without --resume."
        raise BadRequest(f"{plan.id} asks {', '.join(plan.subjects)}", remedy=remedy)
    return plan if args.usd is None else replace(plan, usd=args.usd)


def _known(names: Sequence[str], call: Inside) -> None:
    globs = [one.removesuffix("*") for one in call.names if one.endswith("*")]
    for name in names:
        if "*" in name or not (name in call.names or any(stands_for(glob, name) for glob in globs)):
            meant = nearest(name, list(call.names))
            remedy = f"Did you mean {meant}?" if meant else "Add it to an alias of the configuration."
            raise UnknownModel(f"neither an alias nor an endpoint is called `{name[:200]}`", remedy=remedy)


def resolved_or_stop(args: Namespace) -> Resolved:
    """The configuration with its keys; ends the command where there is none, or it cannot be used."""
    env = environment()
    path = configured(args, env)
    if path is None:
        remedy = "Let `freehold init` write one, or name it with --config."
        raise Stop(USAGE, ConfigError("there is no freehold.toml here", remedy=remedy))
    found = resolution(load_all(path), env)
    tell(OK, *found.warnings, word="warning")
    if found.resolved is None:
        raise Stop(USAGE, *found.errors)
    return found.resolved


def traits(config: Config, env: Environment, state: Path) -> TraitsOf:
    """What is known now of whoever answered."""
    known, now = knowledge(config, state), datetime.now(UTC)

    def of(endpoint: str) -> Traits:
        subject = subject_called(endpoint, config, env)
        facts = {} if subject is None else known.facts(subject)
        values = {
            name: facts[name].at(now) if name in facts else None
            for name in ("open_weights", "weights_origin")
        }
        opened, origin = values["open_weights"], values["weights_origin"]
        return Traits(
            opened if isinstance(opened, bool) else None, origin if isinstance(origin, str) else None
        )

    return of
