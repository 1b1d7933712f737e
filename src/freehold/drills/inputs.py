"""What a drill was worked out from, beside the ledger: enough to work it out again on another machine, years later.

Holds no key, no header and no address: of each provider only what facts and policies look at. Facts are kept as they
were known of each endpoint, each with its source and its end, because those that come along change with versions.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from freehold import __version__
from freehold.catalog.accounts import Account
from freehold.catalog.knowledge import Knowledge, Subject
from freehold.catalog.pools import settings_of
from freehold.catalog.resolve import Resolved
from freehold.config.document import parse, read
from freehold.config.schema import Alias, Application, Config, Limit, Price, Provider
from freehold.drills.traffic import Traffic
from freehold.drills.world import World
from freehold.gateway.rulebook import Rulebook
from freehold.policy.named import policy_file
from freehold.policy.source import load_policy
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import Unverified
from freehold.vocabulary.facts import Basis, Fact, Facts, as_plain, from_plain
from freehold.vocabulary.report import Interval


class PolicyText(Struct, frozen=True):
    """An enforced policy, as its file has it."""

    label: str  # its name and digest
    text: str


class Known(Struct, frozen=True):
    """A fact as JSON can hold it: `inf` and dates are texts."""

    name: str
    value: bool | int | float | str | tuple[str, ...] | None
    basis: Basis
    source: str
    read: date
    expires: datetime | None = None
    attached: str = ""
    who: str = ""
    why: str = ""


class Inputs(Struct, frozen=True):
    """Configuration, policies and facts at one moment, and the period that is looked at."""

    freehold: str  # the version
    now: datetime
    since_ms: int
    until_ms: int
    data_classes: tuple[str, ...]
    default_class: str | None
    providers: dict[str, Provider]  # without addresses, keys and headers
    aliases: dict[str, Alias]
    prices: dict[str, Price]
    limits: dict[str, Limit]
    applications: dict[str, Application]
    policies: tuple[PolicyText, ...]
    knowledge: str  # digest of everything that was known
    facts: dict[str, tuple[Known, ...]]  # by endpoint, also of those that only callers have named
    qualities: dict[str, Interval]  # score of each endpoint in a bench, 0 to 1
    refused_elsewhere: tuple[str, ...] = ()  # refusals after which a prompt may go to the next endpoint


def inputs_of(world: World, traffic: Traffic, qualities: Mapping[str, Interval]) -> Inputs:
    """What a drill is worked out from. Raises Unverified where a policy's file is no longer what is in force."""
    resolved, config = world.resolved, world.resolved.config
    names = {*world.endpoints, *(kind.endpoint for kind in traffic.groups if kind.endpoint is not None)}
    for alias, dialect in {(kind.alias, kind.dialect) for kind in traffic.groups}:
        lane = world.lane(alias, dialect)
        names |= set() if lane is None else {endpoint.id for endpoint in lane.pool}
    return Inputs(
        __version__,
        world.now,
        traffic.since_ms,
        traffic.until_ms,
        config.data_classes,
        config.policy.default_class,
        {name: _bare(given, resolved.accounts[name]) for name, given in config.providers.items()},
        {name: settings_of(written) for name, written in config.aliases.items()},
        config.prices,
        config.limits,
        config.applications,
        tuple(_texts(config, world.rules)),
        world.rules.knowledge.digest,
        {name: tuple(map(_plain, world.facts(name).values())) for name in sorted(names)},
        dict(qualities),
        config.policy.refused_elsewhere,
    )


def world_of(inputs: Inputs) -> World:
    """The world that a drill was worked out in. Raises Unverified, and ConfigError for a policy that cannot be read."""
    return World(_resolved(inputs), _rules(inputs), inputs.now)


def _resolved(inputs: Inputs) -> Resolved:
    config = Config(
        data_classes=inputs.data_classes,
        policy=replace(
            Config().policy, default_class=inputs.default_class, refused_elsewhere=inputs.refused_elsewhere
        ),
        providers=inputs.providers,
        aliases=dict(inputs.aliases),
        prices=inputs.prices,
        limits=inputs.limits,
        applications=inputs.applications,
    )
    pools = {alias: tuple(_endpoint(one, inputs) for one in it.pool) for alias, it in inputs.aliases.items()}
    globs = [(alias.removesuffix("*"), pool) for alias, pool in pools.items() if alias.endswith("*")]
    accounts = {
        name: Account(name, dict.fromkeys(given.dialects or (), ""), (), region=given.region or "")
        for name, given in inputs.providers.items()
    }
    return Resolved(
        config,
        MappingProxyType(accounts),
        MappingProxyType({alias: pool for alias, pool in pools.items() if not alias.endswith("*")}),
        tuple(sorted(globs, key=lambda glob: len(glob[0]), reverse=True)),
        MappingProxyType(dict(inputs.aliases)),
    )


def _rules(inputs: Inputs) -> Rulebook:
    policies = []
    for each in inputs.policies:
        policy = load_policy(parse(each.text, each.label), inputs.data_classes)
        if policy.label != each.label:
            remedy = "Its text was changed, or this version reads it in another way."
            raise Unverified(f"the policy {each.label} reads as {policy.label}", remedy=remedy)
        policies.append(policy)
    return Rulebook(KnownThen(inputs), tuple(policies), ())


class KnownThen(Knowledge):
    """What was known when a drill was made."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__((), inputs.now.date())
        self.digest = inputs.knowledge
        self._then = {name: {one.name: _fact(one) for one in facts} for name, facts in inputs.facts.items()}

    def facts(self, subject: Subject) -> Facts:
        """What was known of an endpoint; nothing of one that was in no pool and that nobody asked."""
        return self._then.get(f"{subject.provider}/{subject.model}", {})


def _bare(given: Provider, account: Account) -> Provider:
    """Of an account, what facts are attached to, and what it speaks."""
    spoken = tuple(account.urls)
    return Provider(given.kind, dialects=spoken, region=account.region or None, account=given.account)


def _texts(config: Config, rules: Rulebook) -> Iterable[PolicyText]:
    for name, policy in zip(config.policy.enforce, rules.enforced, strict=True):
        document = read(policy_file(name, Path()))
        found = load_policy(document, config.data_classes)
        if found.label != policy.label:
            remedy = "The file was changed this very moment. Try again."
            raise Unverified(f"{policy.label} is in force, and its file holds {found.label}", remedy=remedy)
        yield PolicyText(policy.label, document.text)


def _endpoint(name: str, inputs: Inputs) -> Endpoint:
    provider, _, model = name.partition("/")
    return Endpoint(name, provider, model, inputs.providers[provider].dialects or ())


def _plain(fact: Fact) -> Known:
    rest = (fact.basis, fact.source, fact.read, fact.expires, fact.attached, fact.who, fact.why)
    return Known(fact.name, as_plain(fact.value), *rest)


def _fact(one: Known) -> Fact:
    rest = (one.basis, one.source, one.read, one.expires, one.attached, one.who, one.why)
    return Fact(one.name, from_plain(one.name, one.value), *rest)
