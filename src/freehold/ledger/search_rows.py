"""What the side index takes from each record: narrow rows, what they add to the sums, and what marks them."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from freehold.ledger.leaves import RECORD, content_of
from freehold.vocabulary.errors import NoEligibleEndpoint
from freehold.vocabulary.exchange import INJECTED, PASSED_OVER, Finding, Outcome

FINDING, FAILED, DRILL = "finding", "failed", "drill"  # what an exchange can be marked with
ON_PURPOSE = "drill"  # the fault of an attempt that a drill made fail
LATER = "finding"  # the kind of event that tells of a finding after its exchange was over

KIND = (
    "application",
    "alias",
    "dialect",
    "data_class",
    "purpose",
    "user_region",
    "tools",
    "endpoint",
    "outcome",
    "cached",  # answered from memory; `endpoint` is who had answered then
    "aside",  # why it is not traffic of an application that policy was asked about; "": it is
)
SUMS = (
    "exchanges",
    "input_tokens",
    "output_tokens",
    "counted",
    "cost_usd",
    "priced",
    "took_us",
    "first_byte_us",
    "timed",
)

_GATEWAY = re.compile(r"node-\d+|")  # nodes that serve applications

# What, its name, the kind of exchange (0: not known yet), its id, other, when, strength, evidence.
Mark = tuple[str, str, int, str, str, int, float, str]


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Served(msgspec.Struct, gc=False):
    usage: _Usage | None = None


class _Attempt(msgspec.Struct, gc=False):
    endpoint: str
    outcome: str
    detail: str = ""


class SearchedRecord(msgspec.Struct, gc=False):
    """What of a record is kept here. Leaving the others unread makes it quicker."""

    id: str
    at_ms: int
    application: str = ""
    alias: str = ""
    dialect: str = ""
    data_class: str | None = None
    purpose: str | None = None
    user_region: str | None = None
    tools: bool | None = None
    endpoint: str | None = None
    continued_by: str | None = None
    outcome: str = ""
    status: int = 0
    code: str | None = None
    stream: bool = False
    cached: bool = False
    attempts: tuple[_Attempt, ...] = ()
    served: _Served | None = None
    findings: tuple[Finding, ...] = ()
    took_us: int = 0
    first_byte_us: int | None = None
    cost_usd: float | None = None
    drill: str | None = None
    node: str = ""
    offset: int = 0  # of its line in its segment
    kind: str = ""  # of an event
    about: dict[str, object] = {}


class _Later(msgspec.Struct):
    exchange: str
    kind: str
    evidence: str
    endpoint: str = ""
    strength: float = 1.0


_decode = msgspec.json.Decoder(SearchedRecord).decode


def records_in(lines: Iterable[bytes], offset: int) -> Iterator[SearchedRecord]:
    """The records in some lines of a segment, the first of which begins at `offset`.

    What is damaged, or of a shape that only a newer version knows, is passed over.
    """
    for line in lines:
        how, content = content_of(line)
        if how == RECORD:
            try:
                found = _decode(content)
            except msgspec.MsgspecError:
                pass
            else:
                found.offset = offset
                yield found
        offset += len(line) + 1


def words_of(it: SearchedRecord) -> tuple[object, ...]:
    """Its `KIND`."""
    return (
        it.application,
        it.alias,
        it.dialect,
        it.data_class,
        it.purpose,
        it.user_region,
        it.tools,
        it.endpoint,
        it.outcome,
        it.cached,
        aside(it.node, it.drill, it.outcome, it.code),
    )


def aside(node: str, drill: str | None, outcome: str, code: str | None) -> str:
    """Why an exchange is not traffic of an application that policy was asked about; "": it is."""
    if _GATEWAY.fullmatch(node) is None:
        return "own"  # a call of an audit, a bench or another command
    if drill is not None:
        return "drill"
    return "rejected" if outcome == Outcome.REJECTED and code != NoEligibleEndpoint.code else ""


def row_of(it: SearchedRecord, kind: int, segment: int) -> tuple[object, ...]:
    """Its row in `exchange`."""
    usage = _usage(it)
    asked = sum(one.outcome not in PASSED_OVER for one in it.attempts)
    return (
        it.id,
        kind,
        it.at_ms,
        it.status,
        it.code,
        it.stream,
        asked,
        it.took_us,
        it.first_byte_us,
        it.cost_usd,
        usage.input_tokens,
        usage.output_tokens,
        segment,
        it.offset,
    )


def _usage(it: SearchedRecord) -> _Usage:
    return (it.served.usage if it.served is not None else None) or _Usage()


def addends(it: SearchedRecord) -> list[float]:
    """What an exchange adds to `SUMS`. For one that was answered from memory nothing was used."""
    usage = _Usage() if it.cached else _usage(it)
    cost = None if it.cached else it.cost_usd
    timed = it.outcome == Outcome.ANSWERED
    return [
        1,
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        usage.input_tokens is not None,
        cost or 0,
        cost is not None,
        it.took_us if timed else 0,
        (it.first_byte_us or 0) if timed else 0,
        timed,
    ]


def marks_of(it: SearchedRecord, kind: int) -> Iterator[Mark]:
    """What was found in it, who failed it, and the drill that it was part of."""
    for finding in it.findings:
        where = finding.endpoint or it.continued_by or it.endpoint or ""
        yield FINDING, finding.kind, kind, it.id, where, it.at_ms, finding.strength, finding.evidence
    for one in it.attempts:
        if one.outcome != "ok" and one.outcome not in PASSED_OVER:
            fault = ON_PURPOSE if it.drill is not None and INJECTED in one.detail else one.outcome
            yield FAILED, one.endpoint, kind, it.id, fault, it.at_ms, 1.0, one.detail
    if it.drill is not None:
        yield DRILL, it.drill, kind, it.id, "", it.at_ms, 1.0, ""


def mark_of(event: SearchedRecord) -> Mark | None:
    """The finding that an event tells of, in an exchange of a kind that is not known; None: of another shape."""
    try:
        told = msgspec.convert(event.about, _Later)
    except msgspec.ValidationError:
        return None
    return FINDING, told.kind, 0, told.exchange, told.endpoint, event.at_ms, told.strength, told.evidence
