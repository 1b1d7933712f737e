"""Before a step is taken: live answers are opened, and compared by what they say, where a plan asks for that."""

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from freehold.catalog.pools import settings_of
from freehold.cli.bench import resolved_or_stop
from freehold.cli.ledger_bodies import OPENED, who
from freehold.config.schema import Config
from freehold.gateway.inside import inside
from freehold.gateway.rulebook import rulebook
from freehold.ledger.bodies import Opened, opened
from freehold.ledger.ledger import event, noted
from freehold.own.promote.answers import SAME, judged, keep, rulings, same
from freehold.own.promote.live import Twin
from freehold.own.promote.standing import Place, live_twins
from freehold.vocabulary.errors import BadRequest

AT_ONCE = 8
PAIRS_MAX = 200  # of one command: each costs two calls of a judge


def rule(args: Namespace, config: Config, place: Place) -> None:
    """Have copies compared that nobody has compared yet. Raises BadRequest where nobody says why bodies are opened."""
    judge = place.plan.promote.judge
    if not judge:
        return
    _see_other(config, place, judge)
    known = rulings(place.state, place.entry.endpoint, judge)
    kept = [
        one
        for one in live_twins(place)
        if one.copy.id not in known and one.exchange.bodies and one.copy.bodies
    ]
    due = kept[:PAIRS_MAX]
    if not due:
        return
    if not (args.reason and args.reason.strip()):
        raise BadRequest(
            f"{len(due)} answers are to be opened and compared by {judge}", remedy="Say why with --reason."
        )
    ids = tuple(name for one in due for name in (one.exchange.id, one.copy.id))
    about = {"exchanges": ids, "own": place.entry.endpoint, "by": who(), "reason": args.reason}
    noted(place.state, config.ledger, event(OPENED, about))
    if judge == SAME:
        for one in due:
            keep(place.state, place.entry.endpoint, same(one, _bodies(place.state, one)))
    else:
        asyncio.run(_asked(args, place, judge, due))


def _see_other(config: Config, place: Place, judge: str) -> None:
    """Raises BadRequest where a model would judge itself."""
    written = config.aliases.get(judge)
    asked = settings_of(written).pool if written else (judge,)
    if place.entry.endpoint in asked or judge == place.alias:
        remedy = "Set `judge` in [promote] to a model that is neither of the two."
        raise BadRequest(f"{place.entry.endpoint} would be judged by itself, as {judge}", remedy=remedy)


async def _asked(args: Namespace, place: Place, judge: str, due: Sequence[Twin]) -> None:
    resolved = resolved_or_stop(args)
    gate = asyncio.Semaphore(AT_ONCE)
    rules = rulebook(resolved.config, place.state)
    async with inside(resolved, rules, state=place.state, application="bench") as call:

        async def ask(one: Twin) -> None:
            async with gate:
                ruling = await judged(one, _bodies(place.state, one), call, judge)
            keep(place.state, place.entry.endpoint, ruling)

        await asyncio.gather(*map(ask, due))


def _bodies(state: Path, twin: Twin) -> tuple[Sequence[Opened], ...]:
    return tuple(tuple(opened(state, one)) for one in (twin.exchange, twin.copy))
