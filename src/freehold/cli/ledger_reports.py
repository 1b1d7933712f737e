"""`freehold ledger export` and `freehold ledger stats`: a period of the ledger, whole or added up."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec

from freehold.cli.as_json import print_json
from freehold.cli.output import OK, progress, table
from freehold.cli.period import begin_of, day_in, unix_ms
from freehold.cli.settings import state_dir
from freehold.ledger.query import reader
from freehold.ledger.tally import Sum, tallied
from freehold.vocabulary.errors import BadRequest, FreeholdError
from freehold.vocabulary.exchange import Exchange

Write = Callable[[Iterable[Exchange], BinaryIO], int]

_COLUMNS = (
    "EXCHANGES",
    "ANSWERED",
    "TOKENS IN",
    "OUT",
    "UNCOUNTED",
    "USD",
    "UNPRICED",
    "FINDINGS",
    "REFUSED",
)
_ALL = date(1970, 1, 1), date(2400, 1, 1)


def run_export(args: Namespace) -> int:
    """Write the exchanges of a period, oldest first, one JSON object a line or as Parquet."""
    write = _parquet() if args.format == "parquet" else _write_lines
    exchanges = _exchanges(args)
    if args.output is None:
        if args.format == "parquet":
            raise BadRequest("Parquet goes into a file", remedy="Name one with -o.")
        write(exchanges, sys.stdout.buffer)
        return OK
    target = Path(args.output)
    if (
        target.exists() and not target.is_file()
    ):  # a pipe or a device: to put a file in its place would end it
        with progress("writing"), target.open("wb") as file:
            write(exchanges, file)
        return OK
    draft = target.with_name(f".{target.name}.part")  # nobody is to take half an export for a whole one
    try:
        with progress("writing"), draft.open("wb") as file:
            count = write(exchanges, file)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    print(f"{count} exchanges in {target}", file=sys.stderr)
    return OK


def run_stats(args: Namespace) -> int:
    """Add up the exchanges of a period: together, by application, by who answered, and by day."""
    with progress("reading the ledger"):
        found = tallied(_exchanges(args))
    if args.json:
        print_json(found)
        return OK
    groups = {"APPLICATION": found.applications, "ENDPOINT": found.endpoints, "DAY (UTC)": found.days}
    for heading, sums in groups.items():
        rows = [(name, *_cells(one)) for name, one in sums.items()]
        print(*table((heading, *_COLUMNS), [*rows, ("all", *_cells(found.total))]), sep="\n", end="\n\n")
    print(*table(("OUTCOME", "EXCHANGES"), _counted(found.total.outcomes)), sep="\n")
    if found.total.findings:
        print("", *table(("FINDING", "TIMES"), _counted(found.total.findings)), sep="\n")
    return OK


def _exchanges(args: Namespace) -> Iterator[Exchange]:
    since = day_in(args.since, "--from") if args.since else _ALL[0]
    until = day_in(args.until, "--to") if args.until else date.max
    if until < since:
        raise BadRequest(f"the period ends on {until}, before it begins", remedy="Swap --from and --to.")
    since, until = min(since, _ALL[1]), min(until, _ALL[1])
    return _between(args, unix_ms(begin_of(since)), unix_ms(begin_of(until + timedelta(days=1))))


def _between(args: Namespace, since_ms: int, until_ms: int) -> Iterator[Exchange]:
    with reader(state_dir(args)) as moment:
        for exchange in moment.between(since_ms, until_ms):
            if args.application in (None, exchange.application):
                yield exchange


def _parquet() -> Write:
    try:
        from freehold.ledger.parquet import write  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise FreeholdError(
            "Parquet needs the library pyarrow", remedy='Install it with `pip install "freehold[parquet]"`.'
        ) from None
    return write


def _write_lines(exchanges: Iterable[Exchange], file: BinaryIO) -> int:
    count, encode = 0, msgspec.json.Encoder().encode
    for exchange in exchanges:
        file.write(encode(exchange) + b"\n")
        count += 1
    file.flush()
    return count


def _cells(one: Sum) -> tuple[str, ...]:
    return (
        str(one.exchanges),
        str(one.outcomes.get("answered", 0)),
        str(one.input_tokens),
        str(one.output_tokens),
        str(one.uncounted),
        f"{one.cost_usd:.4f}",
        str(one.unpriced),
        str(sum(one.findings.values())),
        str(one.refused),
    )


def _counted(counts: dict[str, int]) -> list[tuple[str, str]]:
    return [(name, str(count)) for name, count in counts.items()]
