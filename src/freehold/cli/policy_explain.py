"""`freehold policy explain|matrix`: why a request may go where it may, and which requests may go where."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from freehold.cli.as_json import print_json
from freehold.cli.governed import House, house, moment, policies, request
from freehold.cli.output import OK, table, tell
from freehold.config import clock
from freehold.config.shape import nearest
from freehold.ledger.query import find
from freehold.policy.difference import ELSE
from freehold.policy.explain import Answer, Evidence, Objecting, answers
from freehold.policy.matrix import Matrix
from freehold.policy.rules import Policy
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, ConfigError, Fault, NotFound
from freehold.vocabulary.exchange import Exchange
from freehold.vocabulary.facts import About, EndpointFacts, RequestFacts

_SAID = ("application", "alias", "data_class", "purpose", "user_region", "tools")


class Late(Struct, frozen=True):
    """Why an endpoint that the rules may have allowed was not asked: traffic, money, or a key that ended."""

    endpoint: str
    why: str


class Cell(Struct, frozen=True):
    """Whether requests of an application and a data class may go to an endpoint."""

    policy: str
    application: str
    data_class: str | None
    endpoint: str
    refused_by: str | None  # the rule that counts most against it; None: allowed


class Asked(NamedTuple):
    """A request, its moment, the endpoints that may answer it, and what was said against them at its attempts."""

    request: RequestFacts
    at: datetime
    endpoints: tuple[EndpointFacts, ...]
    at_attempts: tuple[Late, ...] = ()


def explain(args: Namespace) -> int:
    """Print for one request every endpoint, the rules that refuse it, their facts, and what would have to change."""
    there = house(args)
    named = policies(args.policy, there)
    asked = _from_ledger(args, there, named) if args.exchange is not None else _described(args, there)
    said = answers(named, asked.request, asked.endpoints, asked.at, is_pool=bool(there.pools))
    if args.json:
        late = {"at_attempts": asked.at_attempts} if args.exchange is not None else {}
        print_json({"knowledge": there.known.digest, "policies": said, **late})
        return OK
    facts = ((name.replace("_", " "), asked.request.value(name)) for name in _SAID)
    print(
        "request: "
        + ", ".join(f"{name} {'unknown' if value is None else value or 'any'}" for name, value in facts)
    )
    print(f"at: {asked.at:%Y-%m-%d %H:%M} UTC, with knowledge {there.known.digest}")
    for answer in said:
        print(*_told(answer), sep="\n")
    if asked.at_attempts:
        print("\nrefused when it was about to be asked, whatever the rules say:")
        print(*(f"  {one.endpoint}: {one.why}" for one in asked.at_attempts), sep="\n")
    return OK


def _described(args: Namespace, there: House) -> Asked:
    if args.alias is None:
        raise BadRequest("explain takes an alias or --exchange ID", remedy="Give one of the two.")
    endpoints = there.pool(args.alias) if there.pools else there.facts()
    if not endpoints:
        raise _unknown_alias(args.alias, there)
    return Asked(request(args, there, args.alias), moment(args.at, datetime.now(UTC)), endpoints)


def _unknown_alias(alias: str, there: House) -> NotFound:
    meant = nearest(alias, list(there.pools))
    remedy = f"Did you mean {meant}?" if meant else f"Known are: {', '.join(there.pools)}."
    return NotFound(f"no alias is called `{alias}`", remedy=remedy)


def _from_ledger(args: Namespace, there: House, named: Sequence[Policy]) -> Asked:
    if args.alias is not None:
        raise BadRequest("explain takes an alias or --exchange ID", remedy="Give one of the two.")
    exchange = find(there.state, args.exchange)
    if not isinstance(exchange, Exchange):
        remedy = "`freehold ledger tail` shows the latest."
        raise NotFound(f"no exchange has an id that begins with {args.exchange}", remedy=remedy)
    endpoints = there.pool(exchange.alias, Dialect(exchange.dialect))
    if not endpoints:
        raise _unknown_alias(exchange.alias, there)
    in_pool = {one.endpoint for one in endpoints}
    tried = [one.endpoint for one in exchange.attempts] + [one.endpoint for one in exchange.refused]
    promoted = [name for name in dict.fromkeys(tried) if name not in in_pool]  # own models can be in none
    endpoints = (*there.called(promoted), *endpoints)
    _warn_of_change(exchange, there, named)
    late = (Late(one.endpoint, one.detail) for one in exchange.attempts if one.outcome == Fault.POLICY)
    return Asked(
        exchange.request,
        moment(args.at, clock.utc(exchange.at_ms)),
        endpoints,
        tuple(late),
    )


def _warn_of_change(exchange: Exchange, there: House, named: Sequence[Policy]) -> None:
    """What is explained is what policies and facts say today; at the time they may have said something else."""
    labels = " + ".join(one.label for one in named)
    for then, now, what in (
        (exchange.policy, labels, "policy"),
        (exchange.facts, there.known.digest, "knowledge"),
    ):
        if then != now:
            told = (
                f"the {what} is {now} today and was {then or 'none'} then: this may not be what was decided"
            )
            tell(OK, ConfigError(told, remedy="`freehold ledger show` has what was decided."), word="warning")


def _told(answer: Answer) -> Iterator[str]:
    yield f"\npolicy {answer.policy}"
    for one in answer.endpoints:
        limits = answer.limits.get(one.endpoint, ())
        word = "allowed" if one.allowed and not limits else "refused"
        preferred = f" (preferred by {', '.join(one.preferences)})" if one.preferences else ""
        yield f"\n{one.endpoint}: {word}{preferred}"
        for objection in one.objections:
            yield from _objection(objection)
        for limit in limits:
            yield f"  {limit.rule} ({limit.severity}): {limit.reason}"


def _objection(objection: Objecting) -> Iterator[str]:
    refusal = objection.refusal
    yield f"  {refusal.rule} ({refusal.severity}): {refusal.reason}"
    when = "" if objection.when == "True" else f" when {objection.when}"
    yield f"    {objection.effect} {objection.condition}{when}"
    for fact in {fact.name: fact for part in objection.parts for fact in part.facts}.values():
        yield f"    {fact.name}: {fact}{_evidence(fact)}"
    yield f"    to be allowed, {objection.change}"


def _evidence(fact: Evidence) -> str:
    if fact.about is not About.ENDPOINT or fact.basis is None:
        return ""
    ends = f", holds until {fact.expires:%Y-%m-%d}" if fact.expires and fact.value is not None else ""
    return f"  [{fact.basis}, {fact.source}, read {fact.read}, {fact.age_days} days ago{ends}]"


def matrix(args: Namespace) -> int:
    """Print which application may send which data class to which endpoint."""
    there, at = house(args), moment(args.at, datetime.now(UTC))
    named = policies(args.policy, there)
    cells = [cell for one in named for cell in _cells(one, args, there, at)]
    if args.json:
        print_json(cells)
        return OK
    for label, application in dict.fromkeys((cell.policy, cell.application) for cell in cells):
        rows = [cell for cell in cells if (cell.policy, cell.application) == (label, application)]
        classes = list(dict.fromkeys(cell.data_class for cell in rows))
        lines = {cell.endpoint: [cell.endpoint] for cell in rows}
        for cell in rows:
            lines[cell.endpoint].append(cell.refused_by or "yes")
        print(f"policy {label}, application {application}")
        print(
            *table(("ENDPOINT", *(one or "(nobody said)" for one in classes)), list(lines.values())),
            "",
            sep="\n",
        )
    return OK


def _cells(policy: Policy, args: Namespace, there: House, at: datetime) -> Iterator[Cell]:
    """Applications that the policy cannot tell apart are one."""
    endpoints = there.facts()
    table_of = Matrix(policy, endpoints, at)
    names = [args.application] if args.application else [*there.config.applications, ELSE]
    if "application" not in policy.uses:
        names = [args.application or ELSE]
    for name in names:
        args.application = name
        asked = request(args, there)
        for data_class in (
            (*there.config.data_classes, None) if args.data_class is None else (asked.data_class,)
        ):
            row = table_of.row(replace(asked, data_class=data_class))
            for one in endpoints:
                refusals = row.refusals(one.endpoint)
                yield Cell(
                    policy.label, name, data_class, one.endpoint, refusals[0].rule if refusals else None
                )
