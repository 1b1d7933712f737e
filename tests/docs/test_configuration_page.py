"""Every knob, provider and variable has its line in docs/configuration.md, with its default."""

import json
import re

import msgspec
import pytest
from msgspec import NODEFAULT, Struct

from freehold.catalog.providers import providers
from freehold.config import environment, schema
from tests.docs.pages import code, rows, sections, text_of

PAGE = sections(text_of("docs/configuration.md"))
TABLES: dict[str, type[Struct]] = {
    "Top level": schema.Config,
    "[server]": schema.Server,
    "[timeouts]": schema.Timeouts,
    "[breaker]": schema.Breaker,
    "[retry]": schema.Retry,
    "[hedging]": schema.Hedging,
    "[queue]": schema.Queue,
    "[cache]": schema.Cache,
    "[policy]": schema.Policy,
    "[upstream]": schema.Upstream,
    "[ledger]": schema.Ledger,
    "[ledger.witnesses.NAME]": schema.Witness,
    "[providers.NAME]": schema.Provider,
    "[aliases]": schema.Alias,
    '[prices."provider/model"]': schema.Price,
    '[limits."provider/model"]': schema.Limit,
    "[applications.NAME]": schema.Application,
    "[catalog]": schema.Catalog,
    "[retention.NAME]": schema.Retention,
    "[audits]": schema.Audits,
    "[watch]": schema.Watch,
    "[console]": schema.Console,
    "[own]": schema.Own,
    "[console.oidc]": schema.Oidc,
    "[console.oidc.roles]": schema.Roles,
}


def shown(field: msgspec.structs.FieldInfo) -> str:
    """A default as the page writes it."""
    if field.default_factory is not NODEFAULT:
        return f"`{json.dumps(field.default_factory())}`"
    if field.default is NODEFAULT:
        return "required"
    return "unset" if field.default is None else f"`{json.dumps(field.default)}`"


def knobs(table: type[Struct]) -> dict[str, str]:
    """The knobs of a table and their defaults; tables inside tables have a section of their own."""
    inner = {heading.strip("[]").partition(".")[0] for heading in TABLES if table is schema.Config}
    return {
        f.encode_name: shown(f)
        for f in msgspec.structs.fields(table)
        if f.encode_name not in inner and not isinstance(f.default, Struct)
    }


def test_every_table_has_its_section() -> None:
    structs = {
        value for value in vars(schema).values() if isinstance(value, type) and issubclass(value, Struct)
    }

    assert structs - {Struct} == set(TABLES.values())


@pytest.mark.parametrize("heading", TABLES)
def test_every_knob_is_there_with_its_default(heading: str) -> None:
    told = {row[0].strip("`"): row[1] for row in rows(PAGE[heading])}

    assert told == knobs(TABLES[heading])


@pytest.mark.parametrize("heading", TABLES)
def test_a_knob_with_a_unit_says_it(heading: str) -> None:
    units = {"s": "seconds; ", "bytes": "bytes", "max": ""}
    for name, _, sentence in rows(PAGE[heading]):
        plain = name.strip("`").removesuffix("_max")
        unit = units.get(plain.rpartition("_")[2], "")
        assert sentence.startswith(unit), name


def test_every_strategy_is_there() -> None:
    assert [row[0].strip("`") for row in rows(PAGE["Strategies"])] == list(schema.Strategy)


def test_every_provider_is_there_with_its_address_and_variables() -> None:
    told = {row[0].strip("`"): row for row in rows(PAGE["Providers"])}

    assert list(told) == list(providers())
    for name, (_, address, dialects, keys) in told.items():
        row = providers()[name]
        assert code(address)[0] == row.base_url
        assert code(address)[1:] == list(row.bases.values())
        assert dialects == ", ".join(row.dialects)
        assert code(keys) == list(row.key_env)


def test_the_providers_that_are_never_found_by_their_variable_are_named() -> None:
    sentence = re.search(r"The variables of (.+?) are often set for something else", PAGE["Providers"], re.S)

    assert sentence
    assert code(sentence[1]) == [row.name for row in providers().values() if row.shared_key]


def test_every_variable_is_there() -> None:
    told = code(PAGE["Variables"])

    for name in (environment.CONFIG_VARIABLE, "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        assert name in told
