"""The thread that makes the journal durable and brings its records into the database, a group at a time.

Does not hold up the journal: while the database is locked or broken, records wait there.
"""

import logging
import sqlite3
import time
from pathlib import Path
from threading import Event, Thread

from freehold.ledger.index import connected, lagging, take
from freehold.ledger.journal import Journal
from freehold.vocabulary.errors import LedgerUnavailable

RECONNECT_S = 1.0

log = logging.getLogger(__name__)


class Writer:
    """Serves one journal. `trouble` says why the database lags behind; "" when it does not."""

    def __init__(self, journal: Journal, database: Path, commit_s: float) -> None:
        self.trouble = ""
        self._journal = journal
        self._database = database
        self._commit_s = commit_s
        self._connection: sqlite3.Connection | None = None
        self._taken: tuple[Path, int] | None = None  # the segment and size that the last round saw
        self._retry_at = 0.0
        self._stop = Event()
        self._thread = Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread works; without it nothing becomes durable."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Take in what is left, and end."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._commit_s):
                self._round()
            self._retry_at = 0.0
            self._round()
        finally:
            if self._connection is not None:
                self._connection.close()

    def _round(self) -> None:
        self._journal.sync()
        if time.monotonic() < self._retry_at:
            return
        try:
            self._catch_up()
        except (sqlite3.Error, OSError, LedgerUnavailable) as error:
            self._hold_off(str(error))

    def _catch_up(self) -> None:
        """Take the present segment up to where it is now, and before that those that were finished since."""
        present, size = self._journal.segment, self._journal.size
        if self._taken == (present, size):
            return
        if self._connection is None:
            self._connection = connected(self._database)
        paths = [present]
        if self._taken is None or self._taken[0] != present:
            paths[:0] = [path for path in lagging(self._connection, present.parent) if path < present]
        for path in paths:
            for damage in take(self._connection, path).damages:
                log.error("a damaged record was passed over and left in place: %s", damage)
        self._taken = (present, size)
        if self.trouble:
            log.warning("the ledger's database has caught up")
            self.trouble = ""

    def _hold_off(self, trouble: str) -> None:
        if not self.trouble:
            log.error("the ledger's database lags behind, and nothing is lost: %s", trouble)
        self.trouble = trouble
        self._retry_at = time.monotonic() + RECONNECT_S
        self._taken = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
