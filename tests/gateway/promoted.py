"""Own models at an alias of a running gateway, put there by a test in place of a command."""

import time
from pathlib import Path
from typing import Any

from freehold.gateway import promotion_order
from freehold.gateway.promotion_order import IN_FORCE, TAKEN_BACK, Promotion, Stage
from freehold.ledger import query
from freehold.vocabulary.exchange import PEERS_ASKED, Event, Exchange
from tests.gateway.ruled import until

OWN = "own/small"


def noted(state: Path, kind: str, promotion: Promotion) -> list[Event]:
    """What a gateway has said of a step."""
    return [one for one in query.events(state, kind) if one.about.get("promotion") == promotion.id]


def put(state: Path, alias: str, stage: Stage, endpoint: str = OWN, **limits: Any) -> Promotion:
    """Ask for a step."""
    order = Promotion(f"p{time.time_ns():x}", alias, endpoint, stage, who="anna", **limits)
    promotion_order.put(state, order)
    return order


def promote(state: Path, alias: str, stage: Stage, workers: int = 1, **limits: Any) -> Promotion:
    """Ask for a step, and wait until it is in force in each process."""
    order = put(state, alias, stage, **limits)
    until(lambda: len(noted(state, IN_FORCE, order)) >= workers)
    return order


def copies(state: Path, exchange: str) -> list[tuple[Event, Exchange]]:
    """What the ledger says of an exchange's copies, once they are over."""
    found = []
    for event in query.events(state, PEERS_ASKED):
        names = event.about["exchanges"]
        assert isinstance(names, tuple)
        copy = query.find(state, names[0]) if event.about["exchange"] == exchange else None
        if isinstance(copy, Exchange):
            found.append((event, copy))
    return found


def wait_taken_back(state: Path, order: Promotion) -> Event:
    """The event that says so, once the file says so, too."""
    (told,) = until(lambda: noted(state, TAKEN_BACK, order))

    def over() -> bool:
        (now,) = (one for one in promotion_order.read(state).promotions if one.id == order.id)
        return (now.stage, now.why) == (Stage.OFF, told.about["why"])

    until(over)  # which comes after it is told
    return told
