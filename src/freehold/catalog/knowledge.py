"""Everything that is known of endpoints: the records of all layers, and which of them holds for whom.

Fails closed. Where two records of one rank differ, where a fact differs between the surfaces of an endpoint, or where
it cannot be told whether a record applies, the fact is unknown; and a record that has expired still hides those below
it. What holds is settled without a clock: each fact carries the moment at which it ends.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from freehold.catalog.attestations import attestations
from freehold.catalog.precedence import STRANGER, agreed, facts_on
from freehold.catalog.prices import price_records, prices_digest
from freehold.catalog.providers import providers
from freehold.catalog.records import FactRecord
from freehold.catalog.resolve import Resolved
from freehold.catalog.shelves import CONFIGURATION, own_files, prices, published, shipped
from freehold.catalog.subjects import Subject, subject
from freehold.config.schema import Config
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.errors import ConfigError
from freehold.vocabulary.facts import Basis, EndpointFacts, Fact, Facts, Value

__all__ = ["Knowledge", "Subject", "digest", "endpoint_facts", "knowledge", "sound_knowledge", "subject"]

_REMEMBERED = 8_192  # endpoints; callers choose models' names, and memory must not follow them

# A record with a piece of each model that it is about: a look for them spares most records the closer one.
_Entry = tuple[tuple[str, ...], FactRecord]


class Knowledge:
    """Records, by what they are about. Never changes; to learn something new, make another one.

    Its `digest` is the same for the same content, whatever order and place it is written in.
    """

    def __init__(
        self, records: Iterable[FactRecord], today: date | None = None, *, with_prices: bool = False
    ) -> None:
        """`today` is the day on which the configuration was read; `with_prices`: those of the price list as well."""
        self.records = tuple(records)
        self.digest = digest(self.records, prices_digest() if with_prices else "")
        self._with_prices = with_prices
        self._today = today or datetime.now(UTC).date()
        self._of_provider: dict[str, list[_Entry]] = defaultdict(list)
        self._of_any: list[_Entry] = []
        self._known: dict[Subject, Facts] = {}
        for record in self.records:
            selectors = dict(record.selectors)
            pieces = tuple(map(_piece, selectors.get("model", ("*",))))
            named = selectors.get("provider", ("*",))
            if any("*" in name for name in named):
                self._of_any.append((pieces, record))
            else:
                for name in {name.casefold() for name in named}:
                    self._of_provider[name].append((pieces, record))

    def facts(self, subject: Subject) -> Facts:
        """What is known of an endpoint. A fact that is not in it is unknown; so is one whose value is None."""
        known = self._known.get(subject)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[subject] = MappingProxyType(self._facts(subject))
        return known

    def _facts(self, subject: Subject) -> dict[str, Fact]:
        names = sorted({subject.provider.casefold(), subject.kind.casefold()})
        nearby = chain(*(self._of_provider.get(name, ()) for name in names), self._of_any)
        records = list(_about(subject.model.casefold(), nearby))
        if self._with_prices and subject.at_home:
            records += price_records(subject.kind, subject.model)
        differ = any(selector == "surface" for record in records for selector, _ in record.selectors)
        surfaces = subject.surfaces if differ else subject.surfaces[:1]
        facts = agreed({surface: facts_on(records, subject, surface) for surface in surfaces})
        return _stated(subject, self._today) | facts


def _piece(pattern: str) -> str:
    """The longest text that every name holds which fits the pattern."""
    return max(pattern.casefold().split("*"), key=len)


def _about(model: str, entries: Iterable[_Entry]) -> Iterator[FactRecord]:
    """The records that may be about a model."""
    for pieces, record in entries:
        for piece in pieces:
            if piece in model or "*" in model:
                yield record
                break


def knowledge(
    config: Config, state: Path, today: date | None = None, *, with_shipped: bool = True
) -> Knowledge:
    """What is known with this configuration. Raises ConfigError for the first problem of a facts file.

    Without what comes along, only prices are known beside one's own facts; to read the rest takes a tenth of a second.
    """
    known, problems = sound_knowledge(config, state, today, with_shipped=with_shipped)
    if problems:
        raise problems[0]
    return known


def sound_knowledge(
    config: Config, state: Path, today: date | None = None, *, with_shipped: bool = True
) -> tuple[Knowledge, tuple[ConfigError, ...]]:
    """What the sound blocks of all files say, and every problem of the others."""
    own = (*own_files(config), published(state), attestations(state))
    found = (*(shipped() if with_shipped else ()), *own)
    day = today or datetime.now(UTC).date()
    records = (*chain.from_iterable(one.records for one in found), *prices(config, day))
    return Knowledge(records, day, with_prices=True), tuple(
        chain.from_iterable(one.problems for one in found)
    )


def endpoint_facts(
    resolved: Resolved, knowledge: Knowledge, endpoint: Endpoint, surfaces: tuple[Dialect, ...] = ()
) -> EndpointFacts:
    """What is known of an endpoint of the configuration; `surfaces` where it will be asked only on some of its own.

    The model of `endpoint` may be the one that a caller asks for, in place of a pool's pattern.
    """
    given = resolved.config.providers[endpoint.provider]
    about = subject(given, endpoint, resolved.accounts[endpoint.provider].region)
    return EndpointFacts(endpoint.id, knowledge.facts(replace(about, surfaces=surfaces or about.surfaces)))


def digest(records: Iterable[FactRecord], also: str = "") -> str:
    """12 hexadecimal digits of the SHA-256 of what the records say, in whatever order and place, and of `also`."""
    # What the configuration states is as old as the last look at it, which is no content.
    contents = {
        msgspec.msgpack.encode(
            replace(record, place="", read=date.min if record.source == CONFIGURATION else record.read)
        )
        for record in records
    }
    return sha256(b"".join((*sorted(contents), also.encode()))).hexdigest()[:12]


def _stated(subject: Subject, today: date) -> dict[str, Fact]:
    """What the configuration says of an endpoint, and what follows from the address that it gives."""
    row = providers().get(subject.kind)
    values: dict[str, Value | None] = {"provider": subject.kind if subject.at_home else subject.provider}
    if not subject.at_home and subject.provider in providers():
        values["provider"] = None  # it is called like somebody else's row
    values["model"] = None if "*" in subject.model else subject.model
    if subject.region:
        values["region"] = subject.region
    if subject.own or (subject.at_home and row is not None and not row.local):
        values["own"] = subject.own
    return {name: _of_configuration(name, value, subject, today) for name, value in values.items()}


def _of_configuration(name: str, value: Value | None, subject: Subject, today: date) -> Fact:
    why = ""
    if value is None:
        why = "it depends on what is asked for" if name == "model" else STRANGER
    about = f"provider={subject.provider} model={subject.model}"
    return Fact(name, value, Basis.ACCOUNT_SETTING, CONFIGURATION, today, attached=about, why=why)
