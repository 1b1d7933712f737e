"""The ledger as the gateway uses it: open, append, ask whether it is healthy, close.

Does not prove to outsiders that nothing was changed.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from freehold.config import clock, schema
from freehold.config.schema import Durability
from freehold.ledger.anchoring import Anchoring
from freehold.ledger.bodies import Bodies
from freehold.ledger.commit import GroupCommit
from freehold.ledger.journal import LOCK_WAIT_S, Journal
from freehold.ledger.log import ROTATED, Log, rotation_due
from freehold.ledger.recovery import Recovered, recover
from freehold.ledger.writer import Writer
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import Event, Plain

COMMANDS_NODE = "node-cli"  # the journal of commands that run beside a gateway
ANCHORING_NODE = "node-0"  # whose process takes the checkpoints of all to witnesses
DURABLE_S_MAX = 30.0  # a disk that takes longer to sync is taken for broken
WITHHELD = "withheld"  # the event that tells which records' callers got an error
WITHHELD_AT_ONCE = 1_000
COMMANDS_WAIT_S = 10.0  # for another command to be done with it


class Ledger:
    """One process's access to the ledger. `append` and `probe` belong to one thread."""

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        commit: GroupCommit | None,
        recovered: Recovered,
        bodies: Bodies,
    ) -> None:
        self.recovered = recovered
        self.bodies = bodies
        self.node = journal.directory.name
        self.strict = commit is not None
        self.append = journal.append  # bound here, because each exchange passes through it
        self.sync = journal.sync
        self._journal = journal
        self._writer = writer
        self._commit = commit
        self._anchoring: Anchoring | None = None
        self._closed = False
        self._withheld: list[str] = []  # exchanges on record, whose callers got an error in place of that

    @classmethod
    def open(cls, state: Path, node: str, settings: schema.Ledger) -> "Ledger":
        """Bring in what earlier processes left, then begin this node's journal. Raises LedgerUnavailable."""
        recovered = recover(state)
        wait_s = COMMANDS_WAIT_S if node == COMMANDS_NODE else LOCK_WAIT_S
        journal = Journal.open(state / "journal", node, settings, wait_s)
        bodies = Bodies(state, node)
        journal.before_sync = bodies.sync  # a record must not outlive in a power cut what it refers to
        if rotation := rotation_due(state, node):
            journal.append(replace(event(ROTATED, rotation), node=node))
        writer = Writer(journal, state / "ledger.sqlite", settings.commit_s, Log(state, node, settings))
        writer.start()
        commit = GroupCommit(journal) if settings.durability is Durability.STRICT else None
        if commit is not None:
            commit.start()
        ledger = cls(journal, writer, commit, recovered, bodies)
        if node == ANCHORING_NODE and Anchoring.wanted(settings):
            ledger._anchoring = Anchoring(state, settings)
            ledger._anchoring.start()
        return ledger

    @property
    def healthy(self) -> bool:
        """Whether what happens can be recorded. If not, nothing may be sent to a provider."""
        return self._journal.healthy and self._writer.alive and (self._commit is None or self._commit.alive)

    @property
    def reason(self) -> str:
        """Why it is not healthy."""
        return self._journal.reason or ("" if self._writer.alive else "the writer thread has stopped")

    async def durable(self) -> None:
        """Wait until what was appended would survive a power cut; in "journal" mode nobody has to wait for that.

        Raises LedgerUnavailable if it cannot be made durable: then nobody may be told that it was recorded.
        """
        if self._commit is None:
            return
        try:
            async with asyncio.timeout(DURABLE_S_MAX):
                durable, reason = await self._commit.durable(), self.reason
        except TimeoutError:
            durable, reason = False, f"the disk has not answered for {DURABLE_S_MAX:g} s"
        if not durable:
            raise LedgerUnavailable(f"the journal cannot be made durable: {reason}")

    def withhold(self, exchange: str) -> None:
        """What was appended of an exchange could not be made durable, so its caller was told an error.

        Its record may outlast that. As soon as the journal can be written again it says of which this is so.
        """
        self._withheld.append(exchange)

    def probe(self) -> bool:
        """Whether what happens can be recorded, having tried whether it can again where it could not."""
        if self._journal.probe():
            self._tell_withheld()
        return self.healthy

    def _tell_withheld(self) -> None:
        while self._withheld:
            some = tuple(self._withheld[:WITHHELD_AT_ONCE])
            try:
                self.append(replace(event(WITHHELD, {"exchanges": some}), node=self.node))
            except LedgerUnavailable:
                return  # the next probe tries again
            del self._withheld[: len(some)]

    @property
    def groups(self) -> int:
        """How many syncs somebody waited for; 0 in "journal" mode."""
        return 0 if self._commit is None else self._commit.syncs

    @property
    def trouble(self) -> str:
        """Why searches may be slow: the database lags behind the journal. Nothing is lost by that."""
        return self._writer.trouble

    @property
    def log_trouble(self) -> str:
        """Why the signed log does not keep up, or reaches nobody who keeps its checkpoints; "" when it does."""
        anchoring = self._anchoring.trouble if self._anchoring else ""
        return "; ".join(filter(None, (self._writer.tree.trouble, anchoring)))

    def close(self) -> None:
        """Make everything durable and searchable, and stop. May be called again."""
        if not self._closed:
            self._closed = True
            if self._anchoring is not None:
                self._anchoring.stop()
            if self._commit is not None:
                self._commit.stop()
            if self._withheld:
                self.probe()
            self._writer.stop()
            self._journal.close()
            self.bodies.close()


def event(kind: str, about: Mapping[str, Plain]) -> Event:
    """An event that happens now."""
    at_ms = clock.now_ms()
    return Event(f"e{at_ms:011x}{os.urandom(8).hex()}", at_ms, kind, about)


def noted(state: Path, settings: schema.Ledger, event: Event) -> Event:
    """Record what a command did, durably, whether or not a gateway runs; what was written.

    Raises LedgerUnavailable: then nothing was recorded, and the command has to undo or not to begin.
    """
    written = replace(event, node=COMMANDS_NODE)
    ledger = Ledger.open(state, COMMANDS_NODE, settings)
    try:
        ledger.append(written)
        if not ledger.sync():
            raise LedgerUnavailable(f"the journal cannot be written: {ledger.reason}")
    finally:
        ledger.close()
    return written
