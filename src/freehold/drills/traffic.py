"""Traffic in groups: exchanges that policy and routing cannot tell apart, counted; read from the ledger in one pass.

Left out are the project's own calls (audits, benches, copies for peers), requests under a drill, and what was turned
down before any policy was asked. How many of each is kept.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from freehold.gateway.cost import ONLY_INPUT
from freehold.ledger.query import events, reader
from freehold.ledger.search_rows import aside
from freehold.vocabulary.errors import LedgerUnavailable
from freehold.vocabulary.exchange import PEERS_ASKED, Outcome
from freehold.vocabulary.facts import RequestFacts

T = TypeVar("T")

MINUTE_MS = 60_000
INVENTED = "synthetic-traffic"  # the kind of event that says: exchanges here were invented
COPIES = "copies that other models were asked beside an answer"
LEFT_OUT = {  # by what the ledger calls it
    "own": "calls of audits, benches and other commands",
    "drill": "requests under a drill",
    "rejected": "requests that were turned down before any policy was asked",
}


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
    counted: int = 0  # exchanges whose tokens were counted, all that there are of them
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


class _Usage(Struct, gc=False, frozen=True):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Served(Struct, gc=False, frozen=True):
    usage: _Usage = _Usage()


class _Row(Struct, gc=False):
    """The fields of an exchange that count here. Leaving the others unread makes it twice as fast."""

    at_ms: int
    application: str
    dialect: str
    alias: str
    outcome: str
    endpoint: str | None = None
    code: str | None = None
    served: _Served = _Served()
    first_byte_us: int = 0
    took_us: int = 0
    node: str = ""
    cached: bool = False
    data_class: str | None = None
    purpose: str | None = None
    user_region: str | None = None
    tools: bool | None = None
    cost_usd: float | None = None
    drill: str | None = None


class _Id(Struct, gc=False):
    id: str


_row, _id = msgspec.json.Decoder(_Row).decode, msgspec.json.Decoder(_Id).decode
_Key = tuple[
    str, str, str, str | None, str | None, str | None, bool | None, str | None, str, bool,
    str, str | None, str | None,
]  # fmt: skip  # what makes a kind, and why it may not count: node, drill, code
_ANSWERED = Outcome.ANSWERED.value


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
    left_out: dict[str, int] = defaultdict(int)
    copied = frozenset(copies)
    try:
        cells = _counted(_without(records, copied, left_out) if copied else records)
    except msgspec.MsgspecError as error:
        remedy = "A newer Freehold wrote it; read it with that version."
        raise LedgerUnavailable(f"a record cannot be read: {error}", remedy=remedy) from error
    groups, minutes = dict[Kind, Group](), dict[Kind, dict[int, int]]()
    for key, cell in cells.items():
        kind = Kind(*key[:10])
        node, drill, code = key[10:]
        if why := aside(node, drill, kind.outcome, code):
            left_out[LEFT_OUT[why]] += cell.exchanges
        else:
            places = groups.setdefault(kind, Group()), minutes.setdefault(kind, {})
            cell.add_to(*places, answered=kind.outcome == _ANSWERED)
    return Traffic(since_ms, until_ms, groups, minutes, dict(left_out))


def _without(records: Iterable[bytes], copies: frozenset[str], left_out: dict[str, int]) -> Iterator[bytes]:
    for record in records:
        if _id(record).id in copies:
            left_out[COPIES] += 1
        else:
            yield record


def _counted(records: Iterable[bytes]) -> "dict[_Key, _Cell]":
    """Each step here costs a million exchanges a tenth of a second: nothing is called that need not be."""
    cells: dict[_Key, _Cell] = {}
    for row in map(_row, records):
        key = (
            row.application, row.alias, row.dialect, row.data_class, row.purpose, row.user_region, row.tools,
            row.endpoint, row.outcome, row.cached, row.node, row.drill, row.code,
        )  # fmt: skip
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = _Cell([0] * 6, [0.0], defaultdict(int))
        counts, usd, minutes = cell
        minutes[row.at_ms // MINUTE_MS] += 1
        counts[0] += row.took_us
        counts[1] += row.first_byte_us
        read, written = row.served.usage.input_tokens, row.served.usage.output_tokens
        if read is not None and (written is not None or row.dialect in ONLY_INPUT):
            counts[2] += read
            counts[3] += written or 0
            counts[4] += 1
        if row.cost_usd is not None:
            counts[5] += 1
            usd[0] += row.cost_usd
    return cells


class _Cell(NamedTuple):
    """Exchanges of one key. Lists, because to add to the fields of a value takes half as long again."""

    counts: list[int]
    usd: list[float]
    minutes: defaultdict[int, int]

    @property
    def exchanges(self) -> int:
        return sum(self.minutes.values())

    def add_to(self, group: Group, minutes: dict[int, int], *, answered: bool) -> None:
        """Put them into the group of their kind."""
        took_us, first_byte_us, read, written, counted, priced = self.counts
        group.exchanges += self.exchanges
        group.input_tokens += read
        group.output_tokens += written
        group.counted += counted
        group.cost_usd += self.usd[0]
        group.priced += priced
        if answered:
            group.took_us += took_us
            group.first_byte_us += first_byte_us
            group.timed += self.exchanges
        for minute, count in self.minutes.items():
            minutes[minute] = minutes.get(minute, 0) + count


def _texts(value: object) -> Iterator[str]:
    return (one for one in value if isinstance(one, str)) if isinstance(value, tuple | list) else iter(())
