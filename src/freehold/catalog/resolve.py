"""From configuration, rows and environment to the values that a gateway serves with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from freehold.catalog.accounts import Account, Draft, account
from freehold.catalog.pools import pool_errors, pool_warnings, settings_of
from freehold.catalog.providers import OWN
from freehold.catalog.subjects import in_use, region_of, subject_called
from freehold.config.document import Document
from freehold.config.environment import Environment, is_loopback
from freehold.config.named import name_problems
from freehold.config.schema import Alias, Config
from freehold.config.shape import nearest
from freehold.vocabulary.endpoint import Endpoint
from freehold.vocabulary.errors import ConfigError

__all__ = ["Account", "Pool", "Resolution", "Resolved", "keyless", "resolve", "resolve_all"]

Pool = tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a gateway serves with.

    A glob's endpoint may hold `*` in its model: what the caller wrote at the alias's `*` goes there.
    """

    config: Config
    accounts: Mapping[str, Account]
    aliases: Mapping[str, Pool]
    globs: tuple[tuple[str, Pool], ...]  # by what stands before the `*`, the longest first
    settings: Mapping[str, Alias]  # how each alias's pool is used, by the alias as it is written

    @property
    def pools(self) -> Mapping[str, Pool]:
        """All pools, by the alias as it is written."""
        return {**self.aliases, **{f"{prefix}*": pool for prefix, pool in self.globs}}

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The endpoints of all pools, by their ids."""
        return {one.id: one for pool in self.pools.values() for one in pool}

    def endpoint(self, name: str) -> Endpoint | None:
        """Who is called "provider/model", in whatever pool or in none; None: there is no such provider."""
        provider, _, model = name.partition("/")
        found = self.accounts.get(provider)
        return Endpoint(name, provider, model, tuple(found.urls)) if found is not None and model else None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Everything that was found out: the values unless there are errors, and warnings either way."""

    resolved: Resolved | None
    errors: tuple[ConfigError, ...]
    warnings: tuple[ConfigError, ...]


def resolve(config: Config, env: Environment) -> Resolved:
    """The values to serve with. Raises ConfigError for the first problem."""
    resolution = resolve_all(config, env)
    if resolution.resolved is None:
        raise resolution.errors[0]
    return resolution.resolved


def resolve_all(config: Config, env: Environment, document: Document | None = None) -> Resolution:
    """The values to serve with, or every problem; `document` lets problems point at their place."""
    document = document or Document()
    errors: list[ConfigError] = list(_server_problems(config, document))
    warnings: list[ConfigError] = []
    accounts: dict[str, Account] = {}
    for name, given in config.providers.items():
        if found := account(Draft(name, given, env, document, errors, warnings)):
            accounts[name] = found
    pools: dict[str, Pool] = {}
    for alias, written in config.aliases.items():
        pools[alias] = tuple(_pool(config, accounts, document, alias, written, errors))
    errors.extend(pool_errors(config, document))
    errors.extend(name_problems(config, document))
    warnings.extend(_idle_providers(config, document))
    warnings.extend(pool_warnings(config, document))
    in_order = sorted(errors, key=lambda error: (error.line, error.column))
    resolved = None if errors else _resolved(config, accounts, pools)
    return Resolution(resolved, tuple(in_order), tuple(warnings))


def keyless(config: Config, env: Environment) -> Resolved:
    """The values to decide with where nothing is sent: no keys and no addresses are looked for.

    Entries of pools that lead to no provider are left out.
    """
    accounts = {}
    for name, given in config.providers.items():
        if about := subject_called(f"{name}/*", config, env):
            urls = dict.fromkeys(about.surfaces, "")
            accounts[name] = Account(name, urls, (), region=region_of(given, name, env))
    found = {
        entry: Endpoint(entry, about.provider, about.model, about.surfaces)
        for entry, about in in_use(config, env).items()
    }
    pools = {
        alias: tuple(found[entry] for entry in settings_of(written).pool if entry in found)
        for alias, written in config.aliases.items()
    }
    return _resolved(config, accounts, pools)


def _resolved(config: Config, accounts: Mapping[str, Account], pools: Mapping[str, Pool]) -> Resolved:
    globs = [(alias.removesuffix("*"), pool) for alias, pool in pools.items() if alias.endswith("*")]
    return Resolved(
        config,
        MappingProxyType(dict(accounts)),
        MappingProxyType({alias: pool for alias, pool in pools.items() if not alias.endswith("*")}),
        tuple(sorted(globs, key=lambda glob: len(glob[0]), reverse=True)),
        MappingProxyType({alias: settings_of(written) for alias, written in config.aliases.items()}),
    )


def _server_problems(config: Config, document: Document) -> Iterator[ConfigError]:
    if config.server.keys is False and not is_loopback(config.server.host):
        yield document.problem(
            ("server", "keys"),
            f"server.keys is false, but server.host is {config.server.host}, which others can reach",
            'Remove `keys = false`, or listen on host = "127.0.0.1".',
        )
    if not config.aliases:
        yield document.problem(
            ("aliases",),
            "there is no alias, so there is nothing to ask for",
            'Add one, e.g. [aliases] with fast = ["openai/gpt-5-mini"].',
        )


def _pool(
    config: Config,
    accounts: Mapping[str, Account],
    document: Document,
    alias: str,
    written: Alias | tuple[str, ...],
    errors: list[ConfigError],
) -> Iterator[Endpoint]:
    entries = settings_of(written).pool
    path = ("aliases", alias, "pool") if isinstance(written, Alias) else ("aliases", alias)
    if fault := _alias_fault(alias):
        errors.append(document.problem(("aliases", alias), *fault))
    for index, entry in enumerate(entries):
        fault = _entry_fault(config, alias, entry)
        if not fault and entry in entries[:index]:
            fault = (f'"{entry}" stands twice in the pool of "{alias}"', "Remove one of them.")
        if fault:
            errors.append(document.problem((*path, index), *fault))
            continue
        provider, _, model = entry.partition("/")
        if provider in accounts:  # otherwise its own table has an error already
            yield Endpoint(entry, provider, model, tuple(accounts[provider].urls))


def _alias_fault(alias: str) -> tuple[str, str] | None:
    if "*" in alias.removesuffix("*"):
        return (
            f'alias "{alias}" has a `*` before its end',
            "Let the `*` be the last character, and only there.",
        )
    if not alias or alias != alias.strip() or not alias.isprintable():
        return f'alias "{alias}" is empty or has blanks around it', "Write the name as applications will."
    return None


def _entry_fault(config: Config, alias: str, entry: str) -> tuple[str, str] | None:
    provider, slash, model = entry.partition("/")
    if not (slash and provider and model):
        return f'"{entry}" is not "provider/model"', 'Write both, e.g. "openai/gpt-5-mini".'
    if provider not in config.providers:
        meant = nearest(provider, config.providers)
        first = f'Did you mean "{meant}/{model}"? If not, add' if meant else "Add"
        return f'pool of "{alias}": no provider "{provider}"', f"{first} a table [providers.{provider}]."
    if model.count("*") > 1:
        return f'"{entry}" has more than one `*`', "Keep one; what the caller wrote goes there."
    if "*" in model and not alias.endswith("*"):
        return (
            f'"{entry}" has a `*`, but the alias "{alias}" has none',
            "Name one model, or end the alias in `*`.",
        )
    return None


def _idle_providers(config: Config, document: Document) -> Iterator[ConfigError]:
    pools = (settings_of(written).pool for written in config.aliases.values())
    used = {entry.partition("/")[0] for pool in pools for entry in pool}
    for name in config.providers:
        if name not in used and name != OWN:  # its models can be promoted without standing in a pool
            yield document.problem(
                ("providers", name), f'provider "{name}" is in no pool', f'Add "{name}/MODEL" to an alias.'
            )
