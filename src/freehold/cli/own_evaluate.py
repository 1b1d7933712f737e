"""`freehold own evaluate`: a model on what was held out, beside its baselines and who it would replace."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from freehold.bench.cases import Tasks, read_tasks
from freehold.catalog.pools import pool_of, settings_of
from freehold.cli.as_json import print_result
from freehold.cli.bench import resolved_or_stop
from freehold.cli.ledger_bodies import who
from freehold.cli.output import OK, USAGE, Stop, table
from freehold.cli.settings import config_and_state
from freehold.config.schema import Config
from freehold.gateway.inside import inside
from freehold.gateway.promotion_order import Stage
from freehold.gateway.promotion_order import read as promotions
from freehold.gateway.rulebook import rulebook
from freehold.ledger.ledger import event, noted
from freehold.ledger.query import events
from freehold.own.artefact import MODEL
from freehold.own.evaluate import report
from freehold.own.evaluate.against import Either, Incumbent, ask_tasks, joined
from freehold.own.evaluate.evaluating import EVALUATE, PAGE, Beside, evaluate
from freehold.own.evaluate.page import COMPARED, MEASURED, compared_row, measured_row
from freehold.own.evaluate.report import Evaluation
from freehold.own.evaluate.scores import Scores
from freehold.own.plan import Plan, Recipe, load_plan
from freehold.own.publish.registry import PROVIDER, registered
from freehold.own.stage import digest_of
from freehold.vocabulary.errors import BadRequest


def run(args: Namespace) -> int:
    """Evaluate the run's model, and print what was found."""
    run = Path(args.run)
    plan = load_plan(run)
    config, state = config_and_state(args)
    incumbent = incumbent_of(plan, config, state)
    tasks = [_tasks(run / name) for name in plan.evaluate.tasks]
    ask = partial(_asked, args, run, plan, incumbent, tasks) if tasks else None
    found = evaluate(run, plan, Beside(incumbent, ask), partial(print, file=sys.stderr, flush=True))
    _noted(config, state, plan, run)
    print_result(args, found, _lines(found, run))
    return OK


def _noted(config: Config, state: Path, plan: Plan, run: Path) -> None:
    """On the ledger, where there are pairs that are not there yet: who evaluates until it fits has tried so often."""
    path, model = run / EVALUATE / report.PAIRS, f"{PROVIDER}/{plan.name}"
    about = {"model": model, "pairs": digest_of(path)}
    told = (one.about for one in events(state, report.EVALUATED))
    if path.stat().st_size and not any(about.items() <= one.items() for one in told):
        noted(state, config.ledger, event(report.EVALUATED, about | {"by": who()}))


def incumbent_of(plan: Plan, config: Config, state: Path) -> Incumbent | None:
    """Who answers today for the alias that the plan names; None where it names nobody."""
    name = plan.evaluate.incumbent or plan.promote.alias
    pools = {alias: settings_of(written).pool for alias, written in config.aliases.items()}
    promoted = [
        one.endpoint
        for one in promotions(state).promotions
        if one.alias == name and one.stage is Stage.DEFAULT
    ]
    answering = [one for one in (*promoted, *pool_of(name, pools)) if one != f"{PROVIDER}/{plan.name}"]
    if name in pools and not answering:
        return None  # the alias is the model's own already
    endpoint = answering[0] if answering else name
    entry = registered(state).get(endpoint.removeprefix(f"{PROVIDER}/"))
    if entry is not None and entry.endpoint == endpoint:
        return Incumbent(endpoint, Path(entry.folder) / MODEL, entry.digest)
    return Incumbent(endpoint) if endpoint else None


def _tasks(path: Path) -> Tasks:
    found = read_tasks(path)
    if isinstance(found, list):
        raise Stop(USAGE, *found)
    return found


def _asked(
    args: Namespace, run: Path, plan: Plan, incumbent: Incumbent | None, tasks: Sequence[Tasks], scratch: Path
) -> Sequence[Scores]:
    """Ask the company's tasks of both."""
    if plan.recipe not in (Recipe.TEXT, Recipe.ADAPT):
        raise BadRequest(f"tasks are conversations, and {plan.name} does not chat", remedy="Remove `tasks`.")
    if incumbent is None:
        remedy = "Set `incumbent` in [evaluate] to an alias or an endpoint."
        raise BadRequest("nobody is named to be asked the tasks, too", remedy=remedy)
    return asyncio.run(_through_gateway(args, run, plan, incumbent.name, tasks, scratch))


async def _through_gateway(
    args: Namespace, run: Path, plan: Plan, incumbent: str, tasks: Sequence[Tasks], scratch: Path
) -> Sequence[Scores]:
    speaking = import_module("freehold.own.evaluate.speaking")  # PyTorch, which only tasks need here
    speaker = speaking.Speaker(run / "train" / MODEL)
    resolved = resolved_or_stop(args)
    state = Path(resolved.config.state_dir)
    async with inside(resolved, rulebook(resolved.config, state), state=state, application="bench") as call:
        either = Either(f"{PROVIDER}/{plan.name}", speaker, call)
        found = [one for each in tasks for one in await ask_tasks(each, plan, incumbent, either, scratch)]
    return joined(found)


def _lines(found: Evaluation, run: Path) -> Iterator[str]:
    yield from table([cell.upper() for cell in MEASURED], list(map(measured_row, found.measured)))
    if found.compared:
        yield ""
        yield from table([cell.upper() for cell in COMPARED], list(map(compared_row, found.compared)))
    for one in found.calibrations:
        chance = f"{one.by_chance:.4f} by chance alone"
        yield f"{one.subject}: calibration error {one.expected_error:.4f} ({chance}), log loss {one.log_loss:.4f} nats"
    yield from (f"note: {note}" for note in found.notes)
    yield f"{run / EVALUATE / PAGE} has all of it"
