"""What a start does first: bring in what processes that are gone have left in their journals.

Does not touch the journal of a living process, and does not delete a damaged record: it names it and goes on.
"""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from freehold.ledger.index import connected, lagging, take
from freehold.ledger.journal import locked
from freehold.ledger.segment import Damage, cut_torn_line, journals


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found, and what became of it."""

    records: int = 0  # brought into the database
    torn: tuple[Damage, ...] = ()  # last records that a dying process did not finish: cut
    damages: tuple[Damage, ...] = ()  # records that are not what was written: passed over, left in place
    living: tuple[Path, ...] = ()  # journals left alone, because a process writes them
    trouble: str = ""  # why the database could not be brought up to date; it will be, later


def recover(state: Path) -> Recovered:
    """Bring every abandoned journal under `state` into the database. Raises if a newer Freehold made that."""
    database = state / "ledger.sqlite"
    torn, damages, living = list[Damage](), list[Damage](), list[Path]()
    records, trouble = 0, ""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = connected(database)
        try:
            for directory in journals(state):
                cut = _cut(directory, lagging(connection, directory))
                if cut is None:
                    living.append(directory)
                    continue
                torn += cut
                for path in lagging(connection, directory):
                    taken = take(connection, path)
                    records += taken.records
                    damages += taken.damages
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        trouble = f"{database}: {error}"
    return Recovered(records, tuple(torn), tuple(damages), tuple(living), trouble)


def _cut(directory: Path, paths: list[Path]) -> list[Damage] | None:
    """Cut torn last lines; None if the journal is alive.

    The lock is held for this only, so that a process which opens this journal meanwhile need not wait for the
    database. That takes in each record once, whoever asks it to.
    """
    lock = locked(directory)
    if lock is None:
        return None
    try:
        return [damage for path in paths if (damage := cut_torn_line(path))]
    finally:
        os.close(lock)
