"""The stations of a pipeline, put together for one process."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from freehold.catalog.resolve import Resolved
from freehold.gateway.admission import Admission
from freehold.gateway.aliases import Aliases
from freehold.gateway.bodies import Keeper
from freehold.gateway.cache import ResponseCache
from freehold.gateway.drilled import Around
from freehold.gateway.drilling import Drilling
from freehold.gateway.earlier import Run
from freehold.gateway.ending import Ending
from freehold.gateway.governance import Governance
from freehold.gateway.metrics import Metrics
from freehold.gateway.pipeline import Pipeline
from freehold.gateway.promoting import Promoting
from freehold.gateway.rulebook import Rulebook
from freehold.gateway.shadowing import Shadowing
from freehold.gateway.watching import Watching, refusal_model
from freehold.ledger.ledger import Ledger, event
from freehold.routing.router import Router
from freehold.upstream.door import Door
from freehold.vocabulary.exchange import Plain
from freehold.watch.watch import Watch


class Parts(NamedTuple):
    """What a pipeline serves with."""

    resolved: Resolved
    rules: Rulebook
    state: Path
    ledger: Ledger
    adapted: Callable[[Rulebook], Rulebook] = lambda rules: rules  # what of the policies on disk is in force


def assembled(parts: Parts, admission: Admission, metrics: Metrics, run: Run) -> Pipeline:
    """A pipeline that counts in `metrics` what `admission` lets in."""
    config, ledger = parts.resolved.config, parts.ledger
    router = Router(config, time.monotonic)
    model = refusal_model(parts.state) if config.watch.text else None
    governance = Governance(
        parts.resolved,
        parts.state,
        parts.rules,
        good=admission.in_force,
        note=partial(note, ledger),
        adapted=parts.adapted,
    )
    shadowing = Shadowing(parts.resolved, governance, metrics, partial(note, ledger))
    door = Door(parts.resolved.accounts, config.upstream, config.timeouts)
    around = Around(config, parts.resolved, router, door, governance)
    drilling = Drilling(parts.state, str(run.began_ms), around, metrics, partial(note, ledger))
    promoting = Promoting(parts.state, parts.resolved, metrics, partial(note, ledger))
    governance.catch_up()
    governance.restore(run)
    governance.announce()
    return Pipeline(
        config,
        admission,
        Aliases(parts.resolved),
        governance,
        ResponseCache(config.cache, time.monotonic),
        router,
        door,
        ledger,
        metrics,
        Ending(
            router,
            ledger,
            metrics,
            Keeper(config, ledger.bodies),
            governance,
            Watching(Watch(config.watch, model), metrics, text=config.watch.text),
        ),
        shadowing,
        drilling,
        promoting,
    )


def note(ledger: Ledger, kind: str, about: Mapping[str, Plain]) -> None:
    """Put an event on the ledger. Raises LedgerUnavailable."""
    ledger.append(replace(event(kind, about), node=ledger.node))
