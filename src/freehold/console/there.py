"""What the console shows, and the little that it may do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from freehold.catalog.resolve import Resolved
from freehold.gateway.rulebook import Rulebook
from freehold.vocabulary.exchange import Plain


@dataclass(frozen=True, slots=True)
class There:
    """One gateway's files and ledger. `note` puts an event on the ledger."""

    state: Path
    resolved: Callable[[], Resolved]  # as the configuration is now
    rules: Callable[[], Rulebook]  # policies and facts as they are on disk now
    note: Callable[[str, Mapping[str, Plain]], None]
    gateway: str | None = None  # its URL; None: it is not running
    ports: Mapping[str, object] = field(default_factory=dict)  # what rooms beside this one lend, by name
