"""What comes along about providers: each fact can be traced, none contradicts another, and a few are known by heart."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from freehold.catalog import providers as rows
from freehold.catalog.inspection import inspect
from freehold.catalog.knowledge import Knowledge
from freehold.catalog.records import FactRecord, Layer, Reading, read_all
from freehold.catalog.subjects import Subject
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.facts import GROUPS, REGISTRY, Basis

FOLDER = Path(rows.__file__).with_name("facts")
READINGS = {path.name: read_all(path, Layer.SHIPPED) for path in sorted(FOLDER.glob("providers-*.toml"))}
RECORDS = [record for reading in READINGS.values() for record in reading.records]
KNOWLEDGE = Knowledge(RECORDS)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
DECISIVE = ("entity", "parent", "entity_jurisdiction", "parent_jurisdiction")
HANDLING = ("retention_days", "trains_on_inputs", "zero_retention_available", "distillation_allowed")
HOSTED = [name for name, row in rows.providers().items() if not row.local]
CLOUDS = ("bedrock", "azure", "vertex")


def known(provider: str, fact: str, model: str = "m", region: str = "", account: str = "") -> object:
    """A fact's value on the day after it was read; None is unknown, as is what nobody wrote."""
    row = rows.providers()[provider]
    about = Subject(provider, provider, model, row.dialects, region, (account,) if account else ())
    found = KNOWLEDGE.facts(about).get(fact)
    return found.at(NOW) if found else None


def stated() -> dict[str, set[str]]:
    """The facts that each provider has a record for, known or not."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in RECORDS:
        for provider in dict(record.selectors)["provider"]:
            found[provider] |= {name for name, _ in record.values}
    return found


def located() -> dict[tuple[str, str], set[object]]:
    """The countries in which data of a region is said to be stored, by provider and region."""
    found: dict[tuple[str, str], set[object]] = defaultdict(set)
    for record in RECORDS:
        selectors, values = dict(record.selectors), dict(record.values)
        if "storage_region" in values:
            for region in selectors.get("region", ()):
                found[selectors["provider"][0], region].add(values["storage_region"])
    return found


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_a_file_is_read_without_a_complaint(reading: Reading) -> None:
    assert reading.problems == ()
    assert reading.records


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.place.rpartition("/")[2])
def test_a_record_says_where_and_when_it_was_read_and_until_when_it_holds(record: FactRecord) -> None:
    assert urlsplit(record.source).scheme == "https"
    assert urlsplit(record.source).hostname
    assert record.read >= date(2026, 11, 23)
    assert record.expires is not None
    assert timedelta() < record.expires - datetime(2026, 11, 23, tzinfo=UTC) <= timedelta(days=400)
    assert "provider" in dict(record.selectors)
    accounts = dict(record.selectors).get("account", ())
    assert record.basis is (
        Basis.ACCOUNT_SETTING if accounts and accounts != ("*",) else Basis.PUBLISHED_DEFAULT
    )


def test_no_two_records_contradict_each_other() -> None:
    assert inspect(KNOWLEDGE, {}, NOW, timedelta()).errors == ()


def test_every_provider_of_the_catalog_is_told_who_it_is_or_that_this_is_unknown() -> None:
    facts = stated()
    untold = {name for name in rows.providers() if not set(DECISIVE) <= facts[name]}
    assert untold == {"own"}  # what is known of a model of one's own is written when it is published
    assert {name for name in HOSTED if not {*HANDLING, "inference_region"} <= facts[name]} == set()
    assert len(facts) >= 28


def test_what_is_known_of_a_provider_can_attach_to_it() -> None:
    """Only at a row's host are a provider's facts its own; Replicate's own protocol is none that a row can name."""
    assert set(stated()) - set(rows.providers()) == {"replicate"}


def test_what_is_not_known_is_written_down_as_unknown() -> None:
    values = [value for record in RECORDS for _, value in record.values]
    assert values.count(None) > 100
    assert sum(value is not None for value in values) > 200


@pytest.mark.parametrize(
    ("provider", "fact", "value"),
    [
        ("openai", "retention_days", 30),
        ("openai", "trains_on_inputs", False),
        ("openai", "entity", None),
        ("anthropic", "distillation_allowed", False),
        ("anthropic", "parent", "Anthropic, PBC"),
        ("gemini", "parent", "Alphabet Inc."),
        ("gemini", "trains_on_inputs", None),
        ("vertex", "parent", "Alphabet Inc."),
        ("azure", "parent", "Microsoft Corporation"),
        ("bedrock", "parent", "Amazon.com, Inc."),
        ("bedrock", "retention_days", None),
        ("mistral", "entity_jurisdiction", "FR"),
        ("mistral", "storage_region", "EU"),
        ("mistral", "inference_region", None),
        ("deepseek", "inference_region", "CN"),
        ("deepseek", "retention_days", float("inf")),
        ("deepseek", "distillation_allowed", True),
        ("xai", "distillation_allowed", False),
        ("groq", "retention_days", 30),
        ("together", "entity_jurisdiction", "US"),
        ("fireworks", "retention_days", None),
        ("zai", "distillation_allowed", False),
        ("minimax", "trains_on_inputs", None),
        ("cloudflare", "trains_on_inputs", False),
        ("cohere", "retention_days", None),
        ("coreweave", "retention_days", 14),
        ("nebius", "parent", "Nebius Group N.V."),
        ("perplexity", "retention_days", 0),
        ("scaleway", "entity_jurisdiction", "FR"),
    ],
)
def test_a_default_is_what_its_page_says(provider: str, fact: str, value: object) -> None:
    assert known(provider, fact) == value


@pytest.mark.parametrize(
    "provider", ["openai", "anthropic", "xai", "mistral", "groq", "bedrock", "vertex", "nebius"]
)
def test_an_account_that_keeps_nothing_keeps_nothing(provider: str) -> None:
    assert known(provider, "zero_retention_available") is True
    assert known(provider, "retention_days", account="zero-retention") == 0


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_with_whom_the_contract_is_follows_from_where_the_customer_is(provider: str) -> None:
    assert known(provider, "entity_jurisdiction", account="eea") == "IE"
    assert known(provider, "entity_jurisdiction", account="non-eea") == "US"


def test_azure_keeps_nothing_only_on_surfaces_without_state() -> None:
    account = ("zero-retention",)
    chat = Subject("azure", "azure", "gpt", (Dialect.CHAT, Dialect.EMBEDDINGS), "", account)
    assert KNOWLEDGE.facts(chat)["retention_days"].at(NOW) == 0
    both = Subject("azure", "azure", "gpt", (Dialect.CHAT, Dialect.RESPONSES), "", account)
    assert KNOWLEDGE.facts(both)["retention_days"].at(NOW) is None


@pytest.mark.parametrize("account", ["", "zero-retention", "eea"])
@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-fable-5"),
        ("bedrock", "eu.anthropic.claude-fable-5-v1:0"),
        ("vertex", "claude-fable-5-1"),
    ],
)
def test_a_model_that_keeps_prompts_on_every_platform_keeps_them_whatever_the_account_says(
    provider: str, model: str, account: str
) -> None:
    assert known(provider, "retention_days", model=model, account=account) == 30
    assert known(provider, "zero_retention_available", model=model, account=account) is False


def test_mistral_trains_on_prompts_to_its_labs_models_whatever_the_account_says() -> None:
    assert known("mistral", "trains_on_inputs", model="labs-devstral", account="paid") is True
    assert known("mistral", "trains_on_inputs", model="mistral-large", account="paid") is False
    assert known("mistral", "retention_days", model="labs-devstral", account="zero-retention") != 0


@pytest.mark.parametrize("provider", CLOUDS)
def test_a_region_is_in_one_country(provider: str) -> None:
    places = {region: found for (name, region), found in located().items() if name == provider}
    assert len(places) >= 25
    assert {region for region, found in places.items() if len(found) != 1} == set()


@pytest.mark.parametrize(
    ("provider", "region", "country"),
    [
        ("bedrock", "eu-west-1", "IE"),
        ("bedrock", "eu-central-1", "DE"),
        ("bedrock", "eu-west-2", "GB"),
        ("bedrock", "eu-central-2", "CH"),
        ("bedrock", "us-east-1", "US"),
        ("bedrock", "us-gov-west-1", "US"),
        ("vertex", "europe-west4", "NL"),
        ("vertex", "europe-west2", "GB"),
        ("vertex", "eu", None),
        ("vertex", "global", "global"),
        ("vertex", "nowhere-east1", None),
    ],
)
def test_a_region_decides_where_data_lies_and_where_a_model_runs(
    provider: str, region: str, country: str | None
) -> None:
    assert known(provider, "storage_region", region=region) == country
    assert known(provider, "inference_region", region=region) == country


@pytest.mark.parametrize(
    ("region", "account", "stored", "runs"),
    [
        ("swedencentral", "", "SE", None),
        ("swedencentral", "regional", "SE", "SE"),
        ("swedencentral", "data-zone", "SE", "EU"),
        ("swedencentral", "global", "SE", "global"),
        ("westeurope", "regional", "NL", None),
        ("westeurope", "data-zone", "NL", "EU"),
        ("eastus", "data-zone", "US", "US"),
        ("uksouth", "data-zone", "GB", None),
    ],
)
def test_where_azure_runs_a_model_follows_from_the_type_of_its_deployment(
    region: str, account: str, stored: str, runs: str | None
) -> None:
    assert known("azure", "storage_region", region=region, account=account) == stored
    assert known("azure", "inference_region", region=region, account=account) == runs


@pytest.mark.parametrize(
    ("model", "runs"),
    [
        ("anthropic.claude-sonnet", "IE"),
        ("eu.anthropic.claude-sonnet", None),
        ("global.anthropic.claude-sonnet", "global"),
    ],
)
def test_a_profile_of_bedrock_runs_a_model_outside_of_the_region_that_stores(
    model: str, runs: str | None
) -> None:
    assert known("bedrock", "inference_region", model=model, region="eu-west-1") == runs
    assert known("bedrock", "storage_region", model=model, region="eu-west-1") == "IE"


def test_a_data_zone_of_the_union_is_offered_only_inside_of_it() -> None:
    inside = {
        region for (name, region), found in located().items() if name == "azure" and found <= GROUPS["EU"]
    }
    offered = {
        region
        for record in RECORDS
        if dict(record.values).get("inference_region") == "EU"
        for region in dict(record.selectors)["region"]
        if "azure" in dict(record.selectors)["provider"]
    }
    assert offered == inside


def test_no_fact_is_called_by_a_name_that_nobody_asks_for() -> None:
    assert {name for record in RECORDS for name, _ in record.values} <= set(REGISTRY)
