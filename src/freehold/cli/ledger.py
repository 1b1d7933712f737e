"""`freehold ledger`: what was recorded, whether or not a gateway is running."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from freehold.cli.as_json import print_json, print_result
from freehold.cli.ledger_bodies import show_bodies
from freehold.cli.output import OK, progress, table
from freehold.cli.settings import state_dir
from freehold.config import clock
from freehold.ledger import query
from freehold.ledger.ledger import WITHHELD
from freehold.ledger.query import find, follow
from freehold.vocabulary.errors import NotFound
from freehold.vocabulary.exchange import Attempt, Event, Exchange, Plain, Record, Shadow, asked

_HEAD = ("AT (UTC)", "APPLICATION", "ALIAS", "ENDPOINT", "OUTCOME", "TRIES", "MS", "NOTICED", "ID")
_EVENTS_HEAD = ("AT (UTC)", "KIND", "ABOUT", "NODE", "ID")
_WIDTHS = (19, 12, 20, 28, 9, 5, 7, 12, 0)  # for lines that are printed before the next is known


_NAME_WIDTH = len("served.fingerprint")


def tail(args: Namespace) -> int:
    """Print the latest exchanges, oldest first; with --follow, go on until interrupted.

    With --all the events between them too, with --events those alone.
    """
    state = state_dir(args)
    if args.events:
        return _tail_events(args)
    if args.follow:
        if not args.json:
            print(_padded(_HEAD), flush=True)
        for record in follow(state, args.n, events=args.all):
            if args.json:
                print_json(record, indent=-1)
            else:
                print(_padded(_row(record)), flush=True)
        return OK
    with progress("reading the ledger"):
        records: list[Record] = [*query.tail(state, args.n)]
        if args.all:
            records = query.tail_records(state, args.n)
    print_result(args, records, table(_HEAD, [_row(record) for record in records]))
    return OK


def _tail_events(args: Namespace) -> int:
    with progress("reading the ledger"):
        events = query.events(state_dir(args))[-args.n :]
    rows = [
        (_moment(event.at_ms), event.kind, _about(event), event.node or "-", event.id) for event in events
    ]
    print_result(args, events, table(_EVENTS_HEAD, rows))
    return OK


def show(args: Namespace) -> int:
    """Print everything that was recorded of one exchange, or of one event."""
    with progress("reading the ledger"):
        record = find(state_dir(args), args.id)
    if record is None:
        remedy = "Look for it with `freehold ledger tail --all`."
        raise NotFound(f"no exchange and no event has an id that begins with {args.id}", remedy=remedy)
    if args.body and isinstance(record, Exchange):
        return show_bodies(args, record)
    if args.json:
        print_json(record)
    elif isinstance(record, Event):
        print(*_happened(record), sep="\n")
    else:
        print(*_described(record), *_withheld(state_dir(args), record.id), sep="\n")
    return OK


def _withheld(state: Path, exchange: str) -> Iterator[str]:
    for event in query.events(state, WITHHELD):
        told = event.about.get("exchanges")
        if isinstance(told, tuple) and exchange in told:
            yield f"\nIts end could not be made durable in time: its caller was told an error. See {event.id}."


def _row(record: Record) -> tuple[str, ...]:
    if isinstance(record, Event):
        about = _about(record)
        return (_moment(record.at_ms), "-", record.kind, about or "-", "-", "-", "-", "-", record.id)
    exchange = record
    return (
        _moment(exchange.at_ms),
        exchange.application,
        exchange.alias,
        _who(exchange),
        exchange.outcome.value,
        str(asked(exchange.attempts)),
        f"{exchange.took_us / 1000:.1f}",
        ", ".join(finding.kind for finding in exchange.findings) or "-",
        exchange.id,
    )


def _about(event: Event) -> str:
    """What an event is about, on one line: texts of several lines are left to `show`."""
    words = {name: _word(value) for name, value in event.about.items()}
    return ", ".join(f"{name} {word}" for name, word in words.items() if "\n" not in word)


def _word(value: Plain) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _happened(event: Event) -> Iterator[str]:
    plain = {"id": event.id, "at_ms": f"{_moment(event.at_ms)} UTC", "kind": event.kind, "node": event.node}
    about = {f"about.{name}": _word(value) for name, value in event.about.items()}
    for name, value in (plain | about).items():
        if "\n" in value:
            yield from (f"\n{name}", *(line for one in value.splitlines() for line in table((one,), [])))
        elif value:
            yield from table((name.ljust(_NAME_WIDTH), value), [])


def _who(exchange: Exchange) -> str:
    """Who answered; of an answer from memory, who had answered then."""
    if exchange.cached:
        return f"{exchange.endpoint} (cached)"
    return " + ".join(filter(None, (exchange.endpoint, exchange.continued_by))) or "-"


def _padded(row: tuple[str, ...]) -> str:
    cells = zip(row, _WIDTHS, strict=True)
    return next(iter(table([cell.ljust(width) for cell, width in cells], [])))


def _described(exchange: Exchange) -> Iterator[str]:
    """Plain values first, one a line, in the ledger's own names; then tables of what there are several of."""
    plain: dict[str, object] = msgspec.to_builtins(exchange)
    served = plain.pop("served", {})
    if isinstance(served, dict):
        plain |= {f"served.{name}": value for name, value in served.items()}
    if exchange.served and (usage := exchange.served.usage):
        counts = msgspec.structs.asdict(usage).items()
        plain["served.usage"] = ", ".join(f"{name} {count}" for name, count in counts if count is not None)
    plain["at_ms"] = f"{_moment(exchange.at_ms)} UTC"
    plain["lost"] = ", ".join(exchange.lost)
    plain["refused"] = ", ".join(f"{one.endpoint} by {one.by}" for one in exchange.refused)
    plain["shadow"] = "; ".join(map(_shadow, exchange.shadow))
    plain["bodies"] = ", ".join(reference.part for reference in exchange.bodies)
    for name, value in plain.items():
        if value and name not in ("attempts", "findings"):
            yield from table((name.ljust(_NAME_WIDTH), str(value)), [])
    if exchange.attempts:
        yield ""
        head = ("ATTEMPT", "ENDPOINT", "OUTCOME", "STATUS", "BEGAN MS", "FIRST BYTE MS", "TOOK MS", "DETAIL")
        numbered = enumerate(exchange.attempts, start=1)
        yield from table(head, [(str(number), *_attempt(attempt)) for number, attempt in numbered])
    if exchange.findings:
        yield ""
        rows = [(finding.kind, f"{finding.strength:.2f}", finding.evidence) for finding in exchange.findings]
        yield from table(("FINDING", "STRENGTH", "EVIDENCE"), rows)


def _shadow(shadow: Shadow) -> str:
    """What a policy that was not enforced would have decided."""
    refused = ", ".join(f"{one.endpoint} by {one.by}" for one in shadow.refused)
    return f"{shadow.policy}: {shadow.first or 'nobody'} first" + (f", refused {refused}" if refused else "")


def _attempt(attempt: Attempt) -> tuple[str, ...]:
    first = "-" if attempt.first_byte_us is None else f"{attempt.first_byte_us / 1000:.1f}"
    return (
        attempt.endpoint,
        attempt.outcome,
        "-" if attempt.status is None else str(attempt.status),
        f"{attempt.began_us / 1000:.1f}",
        first,
        f"{attempt.took_us / 1000:.1f}",
        ": ".join(filter(None, (attempt.detail, attempt.said))),
    )


def _moment(at_ms: int) -> str:
    return clock.utc(at_ms).strftime("%Y-%m-%d %H:%M:%S")
