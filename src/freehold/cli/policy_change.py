"""`freehold policy diff|compare`: what another policy would change, and what shadow policies would have changed."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from freehold.catalog.subjects import subject_called
from freehold.cli.as_json import print_json, print_result
from freehold.cli.governed import House, house, moment, policies, with_facts
from freehold.cli.output import OK, PROBLEMS, progress, table
from freehold.cli.period import unix_ms
from freehold.gateway.cost import cost_usd, terms
from freehold.ledger.query import between
from freehold.policy.comparison import Compared
from freehold.policy.comparison import compare as compared
from freehold.policy.difference import Change, Difference, PoolChange, Side, difference, every_request
from freehold.policy.rules import Policy
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Exchange
from freehold.vocabulary.facts import RequestFacts

_REQUESTS_SHOWN = 3  # of a change, in the text; JSON has them all
_SAID = ("application", "alias", "data_class", "purpose", "user_region", "tools")


def diff(args: Namespace) -> int:
    """Print what becomes allowed or denied, for which requests, and which aliases are left without a choice."""
    there = house(args)
    now = moment(args.at, datetime.now(UTC))
    before = policies([args.before] if args.before else None, there)
    after = policies([args.after], there) if args.after else before
    known, then = with_facts(there, args.facts), moment(args.then, now)
    if (before, there.known.digest, now) == (after, known.digest, then):
        remedy = "Name another policy, --facts FILE or --then DATE."
        raise BadRequest("there are no two things to compare", remedy=remedy)
    with progress("comparing"):
        sides = Side(before, there.facts(), now), Side(after, there.facts(known), then)
        requests = every_request(sides, list(there.config.applications), list(there.pools))
        found = difference(*sides, requests, there.pools)
    print_result(args, found, _told(before, after, found))
    return PROBLEMS if found.changes or found.pools else OK


def _told(old: Sequence[Policy], new: Sequence[Policy], found: Difference) -> Iterator[str]:
    before, after = (" + ".join(one.label for one in side) for side in (old, new))
    yield f"{before} -> {after}: {found.compared:,} pairs of a request and an endpoint compared"
    for allowed, word in ((True, "becomes allowed"), (False, "becomes denied")):
        for change in found.changes:
            if change.allowed is allowed:
                yield from _change(change, word)
    for pool in found.pools:
        yield from _pool(pool)
    if not (found.changes or found.pools):
        yield "nothing changes"


def _change(change: Change, word: str) -> Iterator[str]:
    yield f"\n{change.endpoint} {word} for {_requests(change.requests)}"
    side = "before, it was refused by" if change.allowed else "refused by"
    for refusal in change.refusals:
        yield f"  {side} {refusal.policy}/{refusal.rule} ({refusal.verdict.value}): {refusal.reason}"


def _pool(pool: PoolChange) -> Iterator[str]:
    left = (
        "no endpoint"
        if not pool.after
        else f"a single parent: {', '.join(pool.parents) or 'none that is known'}"
    )
    yield f"\nalias {pool.alias} is left with {left}, for {_requests(pool.requests)}"
    yield f"  before: {', '.join(pool.before)}; afterwards: {', '.join(pool.after) or 'nobody'}"


def _requests(requests: Sequence[RequestFacts]) -> str:
    shown = [_request(one) for one in requests[:_REQUESTS_SHOWN]]
    more = len(requests) - len(shown)
    return f"{'; '.join(shown)}{f'; and {more} more kinds of request' if more else ''}"


def _request(one: RequestFacts) -> str:
    said = [
        f"{name.replace('_', ' ')} {one.value(name)}" for name in _SAID if one.value(name) not in (None, "")
    ]
    return ", ".join(said) or "every request that says nothing of itself"


def compare(args: Namespace) -> int:
    """Print for each shadow policy on which share of the traffic it disagreed, and what that would have cost."""
    there, now = house(args), datetime.now(UTC)
    since, until = moment(args.since, now - timedelta(days=30)), moment(args.until, now)
    with progress("reading the ledger"):
        exchanges = between(there.state, unix_ms(since), unix_ms(until))
        found = compared(exchanges, lambda exchange, endpoint: _price(there, exchange, endpoint))
    if args.json:
        print_json(found)
        return OK
    if not found:
        print(f"no exchange since {since:%Y-%m-%d} has a shadow policy; name some as `shadow` in [policy]")
        return OK
    print(*table(_HEAD, [_row(one) for one in found]), sep="\n")
    for one in found:
        if not one.application:
            print(*_cost(one), sep="\n")
    return OK


_HEAD = (
    "SHADOW POLICY", "APPLICATION", "EXCHANGES", "AGREES", "OTHER FIRST", "NEVER THERE", "NOBODY", "NEWLY", "WHY",
)  # fmt: skip


def _row(one: Compared) -> tuple[str, ...]:
    def share(count: int) -> str:
        return f"{100 * count / one.exchanges:.1f}%" if one.exchanges else "-"

    why = ", ".join(f"{rule} {count}" for rule, count in list(one.rules.items())[:3])
    agrees = share(one.same + one.both_none)
    shares = (share(one.elsewhere), share(one.never_there), share(one.nobody), share(one.newly))
    return (one.policy, one.application or "(all)", str(one.exchanges), agrees, *shares, why or "-")


def _cost(one: Compared) -> Iterator[str]:
    moved = one.elsewhere + one.never_there
    if moved:
        more = one.would_have_paid_usd - one.paid_usd
        yield f"\n{one.policy}: {moved} exchanges would have gone elsewhere; of {one.priced} both costs are known:"
        yield f"  {one.paid_usd:.4f} USD paid, {one.would_have_paid_usd:.4f} USD otherwise ({more:+.4f})"


def _price(there: House, exchange: Exchange, endpoint: str) -> float | None:
    """What an exchange's tokens would have cost at another endpoint, at its price of that day as known today."""
    subject = subject_called(endpoint, there.config, there.env)
    if subject is None or exchange.served is None:
        return None
    rates = terms(there.known.facts(subject), exchange.at_ms).rates
    return cost_usd(rates, exchange.served.usage, Dialect(exchange.dialect))
