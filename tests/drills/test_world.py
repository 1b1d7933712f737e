"""The production decision over changed facts; what is lost and what is refused are told apart."""

from datetime import date
from math import inf
from pathlib import Path

import pytest

from freehold.catalog.knowledge import knowledge
from freehold.catalog.overview import known_providers
from freehold.config.schema import Config
from freehold.drills.assuming import untouched
from freehold.drills.scenario import Change, Loss, Scenario, Way, Words
from freehold.drills.selecting import CLOUD_OWNERS, value_of
from freehold.drills.traffic import Group, Kind, Traffic
from freehold.drills.world import World
from freehold.vocabulary.facts import RequestFacts
from tests.drills.typical import NOW, typical

GPT, OPUS, QWEN = "openai/gpt-5-mini", "anthropic/claude-opus-4-5", "vllm/Qwen/Qwen3-32B"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> World:
    return typical(tmp_path_factory.mktemp("state"))


def losing(way: Way = Way.UNREACHABLE, **words: str | tuple[str, ...]) -> Scenario:
    return Scenario("lost", "", "", lost=(Loss(where(**words), way),))


def where(**words: str | tuple[str, ...]) -> Words:
    return tuple((name, (said,) if isinstance(said, str) else said) for name, said in words.items())


def changing(change: Change, **of_scenario: date | float) -> Scenario:
    return Scenario("changed", "", "", changed=(change,), **of_scenario)  # type: ignore[arg-type]


def fate(world: World, endpoint: str) -> str:
    return next(one.fate for one in world.fates if one.endpoint == endpoint)


def left(world: World, alias: str) -> list[str]:
    ruling = world.ruling(RequestFacts("app", alias), "chat")
    assert ruling is not None
    return [] if ruling.lane is None else [one.id for one in ruling.lane.pool]


def test_the_world_as_it_is_loses_nobody(here: World) -> None:
    assert left(here, "chat") == [GPT, "azure/gpt-5-mini", "mistral/mistral-large-latest", QWEN]
    assert (here.fates, here.lost) == ((), frozenset())


def test_who_is_lost_is_not_asked_and_still_counts_as_allowed(here: World) -> None:
    under = here.under(losing(Way.FORBIDDEN, parent="openai*"))

    ruling = under.ruling(RequestFacts("app", "chat"), "chat")

    assert ruling is not None
    assert GPT in ruling.allowed
    assert GPT not in left(under, "chat")
    assert under.way(GPT) is Way.FORBIDDEN


def test_all_endpoints_lost_is_no_lane_and_no_refusal(here: World) -> None:
    ruling = here.under(losing(endpoint="*")).ruling(RequestFacts("app", "chat"), "chat")

    assert ruling is not None
    assert ruling.lane is None
    assert (len(ruling.allowed), ruling.refused) == (4, ())


def test_a_name_or_dialect_that_nobody_serves_has_no_ruling(here: World) -> None:
    assert here.ruling(RequestFacts("app", "nobody"), "chat") is None
    assert here.ruling(RequestFacts("app", "chat"), "gibberish") is None


def test_losing_a_parent_takes_what_its_cloud_hosts(here: World) -> None:
    under = here.under(losing(hosted_by="Amazon.com, Inc."))

    assert fate(under, "bedrock/eu.anthropic.claude-opus-4-5-20251101-v1:0") == "lost"
    assert fate(under, "vertex/claude-opus-4-5") == "kept"
    assert fate(under, QWEN) == "kept"
    # Whose machines these run on nobody has said, so it may be theirs.
    assert fate(under, OPUS) == "unknown"
    assert "unknown: cloud" in {one.because for one in under.fates}
    assert OPUS in under.lost


def test_an_unknown_fact_counts_as_lost_and_is_named(here: World) -> None:
    under = here.under(losing(inference_region="US"))

    told = next(one for one in under.fates if one.endpoint == GPT)

    assert (told.fate, told.because) == ("unknown", "unknown: inference_region")
    assert fate(under, "vertex/claude-opus-4-5") == "kept"


def test_words_of_one_block_must_all_hold(here: World) -> None:
    under = here.under(losing(weights_origin="CN", own="false"))

    assert fate(under, QWEN) == "kept"
    assert fate(under, "deepseek/deepseek-chat") == "lost"


def test_a_group_of_countries_stands_for_each(here: World) -> None:
    assert fate(here.under(losing(storage_region="EU")), "vertex/claude-opus-4-5") == "lost"


def test_a_model_that_only_a_caller_names_is_lost_by_its_own_facts(here: World) -> None:
    under = here.under(losing(weights_origin="CN"))

    assert left(under, "any/deepseek/deepseek-v3.2") == []
    assert left(under, "any/openai/gpt-5-mini") == ["openrouter/openai/gpt-5-mini"]


def test_prices_and_limits_change_in_facts_and_in_the_configuration(here: World) -> None:
    under = here.under(changing(Change(where(provider="openai"), price=3.0, limits=0.5)))

    assert value_of(under.facts(GPT), "input_usd_per_mtok", NOW) == 3.0
    assert under.resolved.config.prices[GPT].output == 6.0
    limit = under.resolved.config.limits[GPT]
    assert (limit.requests_per_minute, limit.concurrency) == (50, 1)
    assert fate(under, GPT) == "changed"
    assert value_of(here.facts(GPT), "input_usd_per_mtok", NOW) == 1.0


def test_factors_of_two_changes_multiply_and_other_values_follow_the_last(here: World) -> None:
    both = (
        Change(where(provider="openai"), latency=2.0, refuses="a"),
        Change(where(own="false"), latency=3.0),
    )

    change = here.under(Scenario("two", "", "", changed=both)).change(GPT)

    assert change is not None
    assert (change.latency, change.refuses) == (6.0, "a")


def test_policy_refuses_by_the_changed_fact_and_that_is_not_a_loss(tmp_path: Path) -> None:
    governed = typical(tmp_path, '[policy]\nenforce = ["zero-retention"]\ndefault_class = "confidential"\n')
    kept = Change(where(retention_days="0"), retention_days=30.0)
    request = RequestFacts("app", "chat", "confidential")

    before = governed.ruling(request, "chat")
    after = governed.under(changing(kept)).ruling(request, "chat")

    assert before is not None
    assert after is not None
    assert GPT in before.allowed
    assert GPT in after.why
    assert governed.under(changing(kept)).lost == frozenset()


def test_where_it_is_unknown_whether_a_fact_changes_the_fact_is_unknown(here: World) -> None:
    under = here.under(changing(Change(where(inference_region="US"), price=9.0, latency=4.0)))

    assert value_of(under.facts(GPT), "input_usd_per_mtok", NOW) is None
    change = under.change(GPT)
    assert change is not None
    assert change.latency == 4.0


@pytest.mark.parametrize(
    ("begins", "days", "lost"),
    [
        (None, None, False),
        (None, 90.0, False),
        (date(2026, 12, 10), inf, False),
        (date(2026, 12, 11), None, True),
    ],
)
def test_who_has_retired_by_the_time_a_scenario_begins_is_lost(
    here: World, begins: date | None, days: float | None, lost: bool
) -> None:
    scenario = Scenario("later", "", "", begins=begins, days=days)  # GPT is served until 2026-12-11

    assert here.under(scenario).is_lost(GPT) is lost


@pytest.mark.parametrize(("days", "lost"), [(None, False), (1.0, False), (2.0, True), (inf, True)])
def test_a_retirement_that_a_scenario_sets_is_lost_if_it_comes_before_its_end(
    here: World, days: float | None, lost: bool
) -> None:
    change = Change(where(provider="mistral"), deprecated_on=date(2026, 11, 25))
    scenario = Scenario("later", "", "", changed=(change,), days=days)

    assert here.under(scenario).is_lost("mistral/mistral-large-latest") is lost


def test_a_retirement_that_is_brought_forward_loses_at_once(here: World) -> None:
    under = here.under(changing(Change(where(provider="mistral"), deprecated_on=date(2026, 11, 1))))

    assert under.way("mistral/mistral-large-latest") is Way.GONE
    assert not under.is_lost(
        "deepseek/deepseek-chat"
    )  # its end had come before: nothing of the scenario's doing


def test_most_used_is_what_most_traffic_went_to(here: World) -> None:
    kind = Kind("app", "any/z-ai/glm", "chat", None, None, None, None, "vertex/gemini-2.5-flash", "answered")
    traffic = Traffic(0, 1, {kind: Group(exchanges=5)}, {})
    scenario = losing(weights_family="@most-used", own="false")

    assert fate(here.under(scenario, traffic), "vertex/gemini-2.5-flash") == "lost"
    assert fate(here.under(scenario), "vertex/gemini-2.5-flash") == "kept"
    assert fate(here.under(scenario), OPUS) == "lost"  # three places in one pool


def test_answers_in_words_say_who_is_most_used_and_embeddings_only_without_any(here: World) -> None:
    embeds = Kind("app", "e", "embeddings", None, None, None, None, GPT, "answered")
    writes = Kind("app", "c", "chat", None, None, None, None, OPUS, "answered")
    both = Traffic(0, 1, {embeds: Group(90), writes: Group(1)}, {})

    assert fate(here.under(losing(endpoint="@most-used"), both), OPUS) == "lost"
    assert (
        fate(here.under(losing(endpoint="@most-used"), Traffic(0, 1, {embeds: Group(90)}, {})), GPT) == "lost"
    )


def test_where_nobody_is_most_used_nobody_is_lost(here: World) -> None:
    under = here.under(losing(provider="mistral", region="@most-used"))

    assert under.lost == frozenset()


def test_a_pool_entry_that_callers_fill_in_may_be_the_endpoint_that_is_lost(here: World) -> None:
    under = here.under(losing(endpoint="openrouter/openai/gpt-5-mini"))

    assert fate(under, "openrouter/*") == "unknown"
    assert left(under, "any/openai/gpt-5-mini") == []
    assert left(under, "any/openai/gpt-4o") == ["openrouter/openai/gpt-4o"]


def test_the_same_words_over_other_traffic_are_other_facts(here: World) -> None:
    kind = Kind("app", "chat", "chat", None, None, None, None, "vertex/gemini-2.5-flash", "answered")
    scenario = losing(endpoint="@most-used")

    assert here.under(scenario).digest != here.under(scenario, Traffic(0, 1, {kind: Group(9)}, {})).digest


def test_each_scenario_has_facts_of_its_own_digest(here: World) -> None:
    digests = {here.digest, *(here.under(losing(endpoint=name)).digest for name in ("a/b", "a/c"))}

    assert len(digests) == 3
    assert here.under(losing(endpoint="a/b")).digest in digests


def test_the_owners_of_clouds_are_those_of_the_facts_that_come_along(tmp_path: Path) -> None:
    known = knowledge(Config(), tmp_path, NOW.date())
    facts = [known.facts(one) for one in known_providers(known).values()]
    stated = {(value_of(one, "cloud", NOW), value_of(one, "parent", NOW)) for one in facts}

    # Of clouds whose owner is unknown no provider may be known to be owned by somebody.
    assert {pair for pair in stated if None not in pair} == set(CLOUD_OWNERS.items())


def test_a_word_that_stands_for_nobody_is_told(tmp_path: Path) -> None:
    world = typical(tmp_path)
    under = world.under(losing(provider="bedrock", cloud="@most-used", region="@most-used"))

    nobody = world.under(losing(provider="nobody", cloud="@most-used"))

    assert under.unsettled == ()
    assert nobody.unsettled == ("cloud",)
    assert world.unsettled == ()
    assert [said.split(":")[0] for said in untouched(nobody)] == [
        "The scenario hits no endpoint of this configuration.",
        "Who is most used by `cloud` is not known",
    ]


CHEAPER = """
[aliases.brief]
pool = ["openai/gpt-5-nano", "openai/gpt-5-pro"]
[aliases.embed]
pool = ["openai/text-embedding-3-small", "mistral/mistral-embed"]
"""


def test_the_cheapest_that_takes_a_models_place_is_of_its_provider_costs_less_and_can_write(
    tmp_path: Path,
) -> None:
    world = typical(tmp_path, CHEAPER)
    names = ("openai/gpt-5-pro", GPT, "openai/gpt-5-nano", QWEN, "mistral/mistral-large-latest")
    under = world.under(changing(Change(where(endpoint="*"), replaced_by="@cheapest")))

    found = [under.change(name).replaced_by for name in names]

    assert found == ["gpt-5-nano", "gpt-5-nano", "@cheapest", "@cheapest", "@cheapest"]
    told = "\n".join(untouched(under))
    assert f"Under the name of {GPT}, gpt-5-nano answers." in told
    assert f"Which model would answer in place of {QWEN} is not known" in told
