"""Places between two steps where a test lets the process die, as a power switch or an operator would.

Nothing happens here unless the environment names one of them: see `config/environment.py`.
"""

import os
import signal
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count

from freehold.config.environment import environment, fault_point

# In the order in which a record passes them. Tests kill a process at each; add a point here and in the code.
POINTS: Mapping[str, str] = {
    "body.written": "an exchange's bodies were written, and its record is not",
    "journal.written": "a record was written to its segment",
    "journal.created": "a new segment was created, and nothing is written to it yet",
    "journal.rotated": "records go to a new segment from now on",
    "journal.syncing": "records are about to be synced",
    "journal.synced": "records were synced",
    "journal.named": "the name of a new segment was synced",
    "log.seeded": "a segment has a seed, and no leaf is made of its records yet",
    "log.stored": "the tree's tiles are durable, and nothing points to them",
    "log.placed": "where each segment begins in the tree is durable, and no checkpoint covers it",
    "log.signed": "the checkpoint is durable",
    "index.inserted": "rows are in the database's transaction, and the offset is not",
    "index.offset": "rows and offset are in the transaction, which is not committed",
    "index.committed": "rows and offset are in the database",
}


def _passed(point: str) -> None:
    """Go on."""


def _deadly(wanted: str, time: int) -> Callable[[str], None]:
    passing = count(1)

    def reached(point: str) -> None:
        if point == wanted and next(passing) == time:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


@cache
def _at_points() -> Callable[[str], None]:
    wanted = fault_point(environment())
    return _passed if wanted is None else _deadly(*wanted)


def reached(point: str) -> None:
    """Go on, or die here; the first point that is passed looks into the environment."""
    _at_points()(point)
