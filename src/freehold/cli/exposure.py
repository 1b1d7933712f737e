"""`freehold exposure`: what providers hold of what was sent to them, and until when."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache

from freehold.catalog.knowledge import Knowledge
from freehold.catalog.subjects import subject_called
from freehold.cli.as_json import print_json
from freehold.cli.governed import House, house, moment, with_facts
from freehold.cli.output import OK, progress, table
from freehold.cli.period import unix_ms
from freehold.config.shape import nearest
from freehold.ledger.exposure import Held, Kept, exposure
from freehold.ledger.query import between
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Exchange
from freehold.vocabulary.facts import Fact

_HEAD = ("PROVIDER", "SENT", "GONE", "HELD", "WITHOUT LIMIT", "UNKNOWN", "TOKENS", "DATA CLASSES", "GONE BY")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def run(args: Namespace) -> int:
    """Print for each provider what it holds, and beside it what it would hold if other facts were true."""
    there, now = house(args), moment(args.at, datetime.now(UTC))
    since = moment(args.since, _LONG_AGO)
    assumed = _assumed(args.assume)
    with progress("reading the ledger"):
        exchanges = list(between(there.state, unix_ms(since), unix_ms(now)))
        found = exposure(exchanges, _kept(there, there.known), now)
        _see_that_it_is_known(args, [*there.config.providers, *(one.provider for one in found)])
        other = _otherwise(args, there, exchanges, assumed, now)
    if args.json:
        print_json({"at": now, "knowledge": there.known.digest, "held": found, "otherwise": other})
        return OK
    print(f"at {now:%Y-%m-%d %H:%M} UTC, by what providers promise (knowledge {there.known.digest})")
    print(*_told(found, now), sep="\n")
    if other is not None:
        print("\nif the facts were those:", *_told(other, now), *_change(found, other), sep="\n")
    return OK


def _see_that_it_is_known(args: Namespace, providers: Sequence[str]) -> None:
    """An assumption about nobody would look like one that changes nothing."""
    if args.provider is None:
        return
    if args.assume is None:
        remedy = "Add --assume DAYS: what is to be assumed of it."
        raise BadRequest("--provider says of whom something is assumed, but nothing is", remedy=remedy)
    if args.provider not in providers:
        meant = nearest(args.provider, list(providers))
        remedy = f"Did you mean {meant}?" if meant else f"Known are: {', '.join(dict.fromkeys(providers))}."
        raise BadRequest(f"no provider is called `{args.provider}`", remedy=remedy)


def _otherwise(
    args: Namespace, there: House, exchanges: Sequence[Exchange], assumed: float | None, now: datetime
) -> tuple[Held, ...] | None:
    if not args.facts and args.assume is None:
        return None
    kept = _kept(there, with_facts(there, args.facts))

    def supposed(endpoint: str, at: datetime) -> float | None:
        concerned = args.provider is None or endpoint.partition("/")[0] == args.provider
        return assumed if args.assume is not None and concerned else kept(endpoint, at)

    return exposure(exchanges, supposed, now)


def _kept(there: House, known: Knowledge) -> Kept:
    """How long an endpoint keeps things, by what was true at the time as far as it is known today."""

    @cache
    def fact(endpoint: str) -> Fact | None:
        subject = subject_called(endpoint, there.config, there.env)
        return None if subject is None else known.facts(subject).get("retention_days")

    def kept(endpoint: str, at: datetime) -> float | None:
        found = fact(endpoint)
        return None if found is None else found.number_at(at)

    return kept


def _assumed(written: str | None) -> float | None:
    if written is None or written == "unknown":
        return None
    try:
        days = float(written)
    except ValueError:
        days = -1.0
    if not days >= 0:
        raise BadRequest(f'"{written}" is no number of days', remedy="Write 0, 30, inf or unknown.")
    return days


def _told(found: Sequence[Held], now: datetime) -> Iterator[str]:
    rows = [
        (
            one.provider,
            str(one.sent),
            str(one.gone),
            str(one.held),
            str(one.without_limit),
            str(one.unknown),
            f"{one.tokens:,}" + (f" (+{one.uncounted} prompts uncounted)" if one.uncounted else ""),
            ", ".join(f"{name} {count}" for name, count in one.classes.items()) or "-",
            _ends(one, now),
        )
        for one in found
    ]
    yield from table(_HEAD, rows)


def _ends(one: Held, now: datetime) -> str:
    """When what is held is gone: how much within a week and a month, and the last day."""
    if not one.due:
        return "-"
    return f"{max(one.due)} ({one.due_within(7, now)} in 7 days, {one.due_within(30, now)} in 30)"


def _change(before: Sequence[Held], after: Sequence[Held]) -> Iterator[str]:
    was = {one.provider: one for one in before}
    for one in after:
        more = one.there - was[one.provider].there
        if more:
            word = "more" if more > 0 else "fewer"
            yield f"{one.provider}: {abs(more)} prompts {word} would still be there"
