"""The ledger as the gateway uses it: open, append, ask whether it is healthy, close.

Does not keep bodies, and does not prove to outsiders that nothing was changed.
"""

from pathlib import Path

from freehold.config import schema
from freehold.ledger.journal import Journal
from freehold.ledger.recovery import Recovered, recover
from freehold.ledger.writer import Writer


class Ledger:
    """One process's access to the ledger. `append` and `probe` belong to one thread."""

    def __init__(self, journal: Journal, writer: Writer, recovered: Recovered) -> None:
        self.recovered = recovered
        self.append = journal.append  # bound here, because each exchange passes through it
        self.probe = journal.probe
        self._journal = journal
        self._writer = writer
        self._closed = False

    @classmethod
    def open(cls, state: Path, node: str, settings: schema.Ledger) -> "Ledger":
        """Bring in what earlier processes left, then begin this node's journal. Raises LedgerUnavailable."""
        recovered = recover(state)
        journal = Journal.open(state / "journal", node, settings)
        writer = Writer(journal, state / "ledger.sqlite", settings.commit_s)
        writer.start()
        return cls(journal, writer, recovered)

    @property
    def healthy(self) -> bool:
        """Whether what happens can be recorded. If not, nothing may be sent to a provider."""
        return self._journal.healthy and self._writer.alive

    @property
    def reason(self) -> str:
        """Why it is not healthy."""
        return self._journal.reason or ("" if self._writer.alive else "the writer thread has stopped")

    @property
    def trouble(self) -> str:
        """Why searches may be slow: the database lags behind the journal. Nothing is lost by that."""
        return self._writer.trouble

    def close(self) -> None:
        """Make everything durable and searchable, and stop. May be called again."""
        if not self._closed:
            self._closed = True
            self._writer.stop()
            self._journal.close()
