"""Traffic in groups: exchanges that policy and routing cannot tell apart, counted; read from the ledger in one pass.

Left out are the project's own calls (audits, benches, copies for peers), requests under a drill, and what was turned
down before any policy was asked. How many of each is kept.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from freehold.gateway.shadowing import PEERS_ASKED
from freehold.ledger.query import events, reader
from freehold.vocabulary.errors import LedgerUnavailable, NoEligibleEndpoint
from freehold.vocabulary.exchange import Outcome
from freehold.vocabulary.facts import RequestFacts

T = TypeVar("T")

MINUTE_MS = 60_000
INVENTED = "synthetic-traffic"  # the kind of event that says: exchanges here were invented
OWN_CALLS = "calls of audits, benches and other commands"
COPIES = "copies that other models were asked beside an answer"
DRILLED = "requests under a drill"
TURNED_DOWN = "requests that were turned down before any policy was asked"
_GATEWAY = re.compile(r"node-\d+|")  # nodes that serve applications


class Kind(Struct, frozen=True):
    """What policy and routing can see of a request, and who answered it."""

    application: str
    alias: str
    dialect: str
    data_class: str | None
    purpose: str | None
    user_region: str | None
    tools: bool | None
    endpoint: str | None  # who answered; None: nobody
    outcome: str
    cached: bool = False  # answered from memory; `endpoint` is who had answered then

    @property
    def request(self) -> RequestFacts:
        """The facts that policy decides by."""
        return RequestFacts(
            self.application, self.alias, self.data_class, self.purpose, self.user_region, self.tools
        )


class Group(Struct):
    """Exchanges of one kind, added up."""

    exchanges: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    counted: int = 0  # exchanges whose tokens were counted
    cost_usd: float = 0.0
    priced: int = 0  # exchanges whose cost is known
    took_us: int = 0
    first_byte_us: int = 0
    timed: int = 0  # exchanges that were answered, and so count in the two times above


class Traffic(Struct, frozen=True, dict=True):
    """The exchanges of a period."""

    since_ms: int
    until_ms: int
    groups: dict[Kind, Group]
    minutes: dict[Kind, dict[int, int]]  # exchanges by minute (Unix time / 60,000)
    left_out: dict[str, int] = {}  # why: how many exchanges
    invented: bool = False  # whether there is invented traffic on the ledger

    @property
    def exchanges(self) -> int:
        """How many there were."""
        return sum(group.exchanges for group in self.groups.values())

    def kept(self, made: Callable[["Traffic"], T]) -> T:
        """What is worked out from it once, and asked for at each simulation."""
        known: dict[Any, T] = self.__dict__
        if made not in known:
            known[made] = made(self)
        return known[made]


class _Usage(Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Served(Struct, gc=False):
    usage: _Usage | None = None


class _Row(Struct, gc=False):
    """The fields of an exchange that count here. Leaving the others unread makes it twice as fast."""

    id: str
    at_ms: int
    application: str
    dialect: str
    alias: str
    outcome: str
    endpoint: str | None = None
    code: str | None = None
    served: _Served | None = None
    first_byte_us: int | None = None
    took_us: int = 0
    node: str = ""
    cached: bool = False
    data_class: str | None = None
    purpose: str | None = None
    user_region: str | None = None
    tools: bool | None = None
    cost_usd: float | None = None
    drill: str | None = None


_row = msgspec.json.Decoder(_Row).decode
_Key = tuple[str, str, str, str | None, str | None, str | None, bool | None, str | None, str, bool]
_Cell = tuple[list[int], list[float], defaultdict[int, int]]  # as `_count` fills it
_ANSWERED, _REJECTED, _REFUSED = Outcome.ANSWERED.value, Outcome.REJECTED.value, NoEligibleEndpoint.code


def read_traffic(state: Path, since_ms: int, until_ms: int) -> Traffic:
    """The exchanges of a period (Unix milliseconds, its end excluded), from the database and the journals.

    Takes a few microseconds for each. Raises LedgerUnavailable.
    """
    copies = {name for one in events(state, PEERS_ASKED) for name in _texts(one.about.get("exchanges"))}
    invented = bool(events(state, INVENTED))
    with reader(state) as moment:  # of its own: each reader gives what only a journal holds once
        found = grouped(moment.records(since_ms, until_ms), since_ms, until_ms, copies)
    return replace(found, invented=invented)


def grouped(records: Iterable[bytes], since_ms: int, until_ms: int, copies: Iterable[str] = ()) -> Traffic:
    """Exchanges as JSON, put into groups; `copies` are the ids of those that no application asked for.

    Raises LedgerUnavailable for a record that this version cannot read.
    """
    cells: dict[_Key, _Cell] = {}
    left_out: dict[str, int] = {}
    copied = frozenset(copies)
    try:
        for row in map(_row, records):
            if (why := _why_left_out(row, copied)) is None:
                _count(cells, row)
            else:
                left_out[why] = left_out.get(why, 0) + 1
    except msgspec.MsgspecError as error:
        remedy = "A newer Freehold wrote it; read it with that version."
        raise LedgerUnavailable(f"a record cannot be read: {error}", remedy=remedy) from error
    found = [(Kind(*key), cell) for key, cell in cells.items()]
    groups = {kind: _group(*cell) for kind, cell in found}
    return Traffic(since_ms, until_ms, groups, {kind: dict(cell[2]) for kind, cell in found}, left_out)


def _why_left_out(row: _Row, copies: frozenset[str]) -> str | None:
    if not _serves(row.node):
        return OWN_CALLS
    if row.drill is not None:
        return DRILLED
    if row.outcome == _REJECTED and row.code != _REFUSED:
        return TURNED_DOWN
    return COPIES if copies and row.id in copies else None


@cache
def _serves(node: str) -> bool:
    return _GATEWAY.fullmatch(node) is not None


def _count(cells: dict[_Key, _Cell], row: _Row) -> None:
    said = (row.data_class, row.purpose, row.user_region, row.tools)
    key = (row.application, row.alias, row.dialect, *said, row.endpoint, row.outcome, row.cached)
    cell = cells.get(key)
    if cell is None:
        cell = cells[key] = [0] * 7, [0.0], defaultdict(int)
    counts, usd, minutes = cell  # lists, because to add to the fields of a value takes half as long again
    minutes[row.at_ms // MINUTE_MS] += 1
    served = row.served
    if (
        served is not None
        and (usage := served.usage) is not None
        and (read := usage.input_tokens) is not None
    ):
        counts[0] += read
        counts[1] += usage.output_tokens or 0
        counts[2] += 1
    if (cost := row.cost_usd) is not None:
        counts[3] += 1
        usd[0] += cost
    if row.outcome == _ANSWERED:
        counts[4] += row.took_us
        counts[5] += row.first_byte_us or 0
        counts[6] += 1


def _group(counts: list[int], usd: list[float], minutes: dict[int, int]) -> Group:
    read, written, counted, priced, took_us, first_byte_us, timed = counts
    exchanges = sum(minutes.values())
    return Group(exchanges, read, written, counted, usd[0], priced, took_us, first_byte_us, timed)


def _texts(value: object) -> Iterator[str]:
    return (one for one in value if isinstance(one, str)) if isinstance(value, tuple | list) else iter(())
