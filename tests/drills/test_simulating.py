"""What a scenario would have done to a period, over the example company's configuration."""

from datetime import date
from pathlib import Path

import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.config.schema import Limit
from freehold.drills.deciding import AS_RECORDED, DECLINED
from freehold.drills.loading import shipped
from freehold.drills.scenario import Change, Loss, Scenario
from freehold.drills.simulating import expected, simulate
from freehold.drills.simulation import Line, Simulation
from freehold.drills.summing import MEMORY
from freehold.drills.traffic import Kind, Traffic
from freehold.drills.world import World
from freehold.vocabulary.report import Interval
from tests.drills.example import AZURE, BEDROCK, CLAUDE, MISTRAL, OPENAI, OWN, company, kind, traffic
from tests.drills.typical import typical

LIMITS = """
[limits.spread]
max_share = 0.7
by = "parent"
reason = "Nobody gets most of it."
severity = "low"

[limits.purse]
budget_usd_per_day = 1.0
reason = "Nobody spends more."
severity = "low"
"""
NOTHING = Scenario("nothing", "Nothing happens", "")
CHAT = (AZURE, OPENAI, MISTRAL, OWN)
ANSWERS = [
    *(kind(name, data_class=word) for name in (AZURE, MISTRAL, OWN) for word in ("internal", "personal")),
    *(kind(name, alias="code", application="code-assistant") for name in (BEDROCK, CLAUDE, OWN)),
    kind(OPENAI, data_class="public", application="newsletter"),
    kind("mistral/mistral-embed", alias="embed", application="intranet-search"),
    kind(None, "rejected", "embed", application="hr-screening", data_class="special"),
    kind(None, "failed"),
    kind(AZURE, "cut"),
    kind(AZURE, "abandoned"),
    kind(AZURE, "declined"),
    kind(AZURE, cached=True),
]
TRAFFIC = st.dictionaries(st.sampled_from(ANSWERS), st.integers(1, 500), min_size=1).map(
    lambda counts: traffic(counts.items())
)
ENDPOINTS = st.sets(st.sampled_from((*CHAT, BEDROCK, CLAUDE, "mistral/mistral-embed")))


def losing(*endpoints: str) -> Scenario:
    lost = (Loss((("endpoint", endpoints),)),) if endpoints else ()
    return Scenario("lost", "They are gone", "", lost)


def changing(endpoint: str, **change: object) -> Scenario:
    where = (("endpoint", (endpoint,)),)
    return Scenario("changed", "It is another", "", changed=(Change(where, **change),))  # type: ignore[arg-type]


def simulated(here: World, scenario: Scenario, *counts: tuple[Kind, int], **scores: float) -> Simulation:
    qualities = {name.replace("__", "/"): Interval(q, q - 0.05, q + 0.05) for name, q in scores.items()}
    return simulate(here, scenario, traffic(counts), qualities)


def shares(line: Line) -> float:
    return line.served_after + sum(line.refused.values()) + line.lost + line.limited + line.failed


@settings(max_examples=40, deadline=None)
@given(TRAFFIC)
def test_where_nothing_happens_all_is_as_it_was_recorded(here: World, found: Traffic) -> None:
    simulation = simulate(here, NOTHING, found, {})

    for line in (*simulation.lines, simulation.total):
        assert (line.served_after, line.by_after) == (line.served_before, line.by_before)
        assert (line.lost, line.limited) == (0, 0)
        assert line.cost_after_usd == pytest.approx(line.cost_before_usd)
        assert line.latency_after_ms == line.latency_before_ms
        assert line.quality is None or (line.quality.low, line.quality.high) == (0, 0)
    assert all(load.requests_before == load.requests_after for load in simulation.loads)
    assert all(one.shares_before == one.shares_after for one in simulation.concentration)


@settings(max_examples=60, deadline=None)
@given(TRAFFIC, ENDPOINTS)
def test_every_exchange_has_one_end_and_nobody_lost_answers(
    here: World, found: Traffic, lost: set[str]
) -> None:
    simulation = simulate(here, losing(*sorted(lost)), found, {})

    for line in (*simulation.lines, simulation.total):
        assert shares(line) == pytest.approx(1)
        assert sum(line.by_after.values()) == pytest.approx(line.served_after)
        assert not lost & set(line.by_after)
    assert sum(line.exchanges for line in simulation.lines) == simulation.exchanges == found.exchanges
    assert not any(load.requests_after for load in simulation.loads if load.endpoint in lost)


@settings(max_examples=60, deadline=None)
@given(TRAFFIC, ENDPOINTS, ENDPOINTS)
def test_who_loses_more_never_serves_more(
    here: World, found: Traffic, lost: set[str], more: set[str]
) -> None:
    one, other = (simulate(here, losing(*sorted(names)), found, {}) for names in (lost, lost | more))

    for before, after in zip(one.lines, other.lines, strict=True):
        assert after.served_after <= before.served_after + 1e-9


@settings(max_examples=20, deadline=None)
@given(TRAFFIC, st.sampled_from([one.name for one in shipped()]))
def test_the_same_inputs_give_the_same_figures(here: World, found: Traffic, name: str) -> None:
    scenario = next(one for one in shipped() if one.name == name)

    assert simulate(here, scenario, found, {}) == simulate(here, scenario, found, {})


def test_what_policy_refuses_is_told_apart_from_what_is_lost(here: World) -> None:
    special = kind(OWN, data_class="special")
    refused = kind(OWN, alias="embed", data_class="special")

    found = simulated(here, losing(OWN), (special, 30), (refused, 10))

    by_alias = {line.alias: line for line in found.lines}
    assert (by_alias["chat"].lost, by_alias["chat"].refused) == (1, {})
    assert (by_alias["embed"].lost, by_alias["embed"].refused) == (0, {"example-company/at-home": 1})


def test_a_fact_that_changes_makes_rules_refuse(here: World) -> None:
    found = simulated(here, changing(AZURE, retention_days=30.0), (kind(data_class="confidential"), 10))

    assert found.total.by_after == {OPENAI: 1}
    found = simulated(
        here,
        changing("mistral/mistral-embed", retention_days=30.0),
        (kind(alias="embed", data_class="personal"), 10),
    )
    assert found.total.refused == {"example-company/not-kept": 1}


def test_what_was_refused_by_limits_of_then_stays_refused(here: World) -> None:
    found = simulated(here, NOTHING, (kind(None, "rejected"), 10))

    assert found.total.refused == {AS_RECORDED: 1}


def test_weights_are_shared_out_anew_among_who_is_left(here: World) -> None:
    one = kind(BEDROCK, alias="code")

    found = simulated(
        here,
        losing(BEDROCK),
        (one, 60),
        (replace(one, endpoint=CLAUDE), 20),
        (replace(one, endpoint=OWN), 20),
    )

    assert found.total.by_after == pytest.approx({CLAUDE: 0.5, OWN: 0.5})


def test_memory_helps_as_long_as_somebody_fills_it(here: World) -> None:
    kept = kind(data_class="special", cached=True)

    assert simulated(here, NOTHING, (kept, 10)).total.by_after == {MEMORY: 1}
    assert simulated(here, losing(OWN), (kept, 10)).total.lost == 1
    assert simulated(here, NOTHING, (kept, 10)).total.cost_after_usd == 0


def test_prices_and_latency_of_who_stays_and_of_who_takes_over(here: World) -> None:
    counts = [(kind(AZURE), 100), (kind(MISTRAL, data_class="personal"), 100)]

    dearer = simulated(here, changing(AZURE, price=3.0), *counts).total
    slower = simulated(here, changing(AZURE, latency=4.0), *counts).total
    gone = simulated(here, losing(AZURE, OPENAI), *counts).total

    # A thousand tokens at 0.25 USD a million and 200 at 2: 0.00065 USD; three times that, and what is recorded.
    assert dearer.cost_after_usd == pytest.approx(100 * 3 * 0.00065 + 1.0)
    assert slower.latency_after_ms == pytest.approx((4 * 2_000 + 2_000) / 2)
    assert gone.cost_after_usd == pytest.approx(100 * (0.002 + 0.0012) + 1.0)
    assert (gone.unpriced, gone.untimed) == (0, 0)


def test_who_was_never_seen_has_an_unknown_latency(here: World) -> None:
    found = simulated(here, losing(AZURE), (kind(), 50)).total

    assert (found.by_after, found.latency_after_ms, found.untimed) == ({OPENAI: 1}, None, 1)


def test_limits_that_are_halved_send_on_what_is_too_much(here: World) -> None:
    special = kind(OWN, data_class="special")  # 60 a minute; known are 40

    found = simulated(here, changing(OWN, limits=0.5), (special, 600))

    assert found.total.limited == pytest.approx(2 / 3)
    assert (found.loads[0].requests_before, found.loads[0].requests_after, found.loads[0].over) == (60, 20, 1)


def test_a_share_that_a_model_declines_is_not_served(here: World) -> None:
    found = simulated(here, changing(AZURE, refuses_share=0.25), (kind(), 100)).total

    assert (found.refused, found.served_after) == ({DECLINED: 0.25}, 0.75)


def test_a_model_that_only_its_callers_name_declines_as_well(tmp_path: Path) -> None:
    one = kind("openrouter/lab/model", alias="any/lab/model")

    found = simulated(typical(tmp_path), changing("openrouter/lab/model", refuses_share=0.25), (one, 100))

    assert found.total.refused == {DECLINED: 0.25}


def test_there_are_no_words_to_decline_an_embedding_with(here: World) -> None:
    embeds = "mistral/mistral-embed"

    found = simulated(here, changing(embeds, refuses_share=0.25), (kind(embeds, alias="embed"), 100))

    assert found.total.by_after == {embeds: 1}


def test_quality_changes_by_the_difference_of_scores_and_unknown_stays_unknown(here: World) -> None:
    scores = {f"{AZURE}".replace("/", "__"): 0.8, f"{OPENAI}".replace("/", "__"): 0.7}
    counts = [(kind(), 50), (kind(OWN, data_class="special"), 50)]

    known = simulated(here, losing(AZURE), *counts, **scores).total
    unknown = simulated(here, losing(AZURE), *counts).total

    assert known.quality is not None
    assert known.quality.estimate == pytest.approx(-0.05)
    half = 0.5 * (0.05**2 + 0.05**2) ** 0.5
    assert (known.quality.low, known.quality.high) == pytest.approx((-0.05 - half, -0.05 + half))
    assert (unknown.quality, unknown.unmeasured) == (None, 0.5)


def test_another_model_under_the_same_name_has_its_own_score(here: World) -> None:
    scores = {AZURE.replace("/", "__"): 0.8, "azure__gpt-5-nano": 0.5}

    known = simulated(here, changing(AZURE, replaced_by="gpt-5-nano"), (kind(), 50), **scores).total
    unknown = simulated(here, changing(AZURE, replaced_by="gpt-9"), (kind(), 50), **scores).total

    assert known.quality is not None
    assert known.quality.estimate == pytest.approx(-0.3)
    assert (unknown.quality, unknown.unmeasured, unknown.served_after) == (None, 1, 1)


def test_what_moves_to_who_was_not_measured_is_no_part_of_the_mean_change_of_quality(here: World) -> None:
    scores = {AZURE.replace("/", "__"): 0.8, OPENAI.replace("/", "__"): 0.7}
    counts = [(kind(), 50), (kind(CLAUDE, alias="code", application="code-assistant"), 50)]

    found = simulated(here, losing(AZURE, CLAUDE), *counts, **scores).total

    assert (found.served_after, found.unmeasured) == (1, 0.5)
    assert found.quality is not None
    assert found.quality.estimate == pytest.approx(-0.1)


def test_a_score_that_counts_twice_does_not_make_the_interval_narrower(here: World) -> None:
    both = Scenario("weaker", "Both answer with a weaker model", "", changed=(
        Change((("endpoint", (AZURE, OPENAI)),), replaced_by="gpt-5-nano"),
    ))  # fmt: skip
    scores = {AZURE: 0.8, OPENAI: 0.8, "openai/gpt-5-nano": 0.5}
    qualities = {name: Interval(score, score - 0.05, score + 0.05) for name, score in scores.items()}
    one, two = kind(), kind(OPENAI, data_class="public", application="newsletter")

    found = simulate(here, both, traffic([(one, 50), (two, 50)]), qualities).total.quality

    assert found is not None
    # A half of each of the two that answered, and all of the one that answers now.
    half = (0.025**2 + 0.025**2 + 0.05**2) ** 0.5
    assert (found.low, found.high) == pytest.approx((-0.3 - half, -0.3 + half))


def test_what_was_not_priced_or_timed_is_told_of_before_as_well(here: World) -> None:
    found = simulated(here, NOTHING, (kind(), 60), (kind(outcome="abandoned"), 20)).total

    assert (found.unpriced_before, found.untimed_before) == (0.25, 0.25)


def test_the_spread_is_known_before_and_after(here: World) -> None:
    found = simulated(here, losing(AZURE), (kind(), 50), (kind(OWN, data_class="special"), 50))

    parent = next(one for one in found.concentration if one.by == "parent")
    assert (parent.hhi_before, parent.effective_before) == (0.5, 2)
    assert parent.shares_after == {"Example Company": 0.5, "OpenAI Foundation": 0.5}


def test_what_is_supposed_is_said(here: World) -> None:
    scenario = replace(losing(AZURE), begins=date(2026, 12, 1), days=13)
    counts = [(kind(), 90), (kind(None, "failed"), 10), (kind(alias="gone"), 5)]
    found = replace(traffic(counts), left_out={"calls of audits": 7})

    said = " ".join(simulate(here, scenario, found, {}).assumptions)

    for word in (
        "from 2026-12-01 for 13 days",
        "7 calls of audits",
        "5 exchanges for names",
        "10.00% failed",
    ):
        assert word in said
    assert "0.00% of the answered exchanges to somebody else" in said


def test_what_rules_of_now_would_not_have_allowed_then_is_told(here: World) -> None:
    counts = [(kind(), 60), (kind(data_class="special"), 40)]

    said = " ".join(simulated(here, NOTHING, *counts).assumptions)

    assert (
        "40.00% of the answered exchanges were answered by endpoints that the rules and pools of now" in said
    )


def test_tokens_that_nobody_counted_are_told_where_loads_have_limits_on_them(tmp_path: Path) -> None:
    found = traffic([(kind(), 60)])
    (group,) = found.groups.values()
    group.counted = 0
    limited = company(tmp_path)
    limited.resolved.config.limits[AZURE] = Limit(tokens_per_minute=10_000)

    said = " ".join(simulate(limited, NOTHING, found, {}).assumptions)

    assert "Of 100.00% of the answered exchanges nobody counted the tokens" in said


def test_limits_over_time_are_not_enforced_and_said_to_be_passed(tmp_path: Path) -> None:
    here = company(tmp_path, LIMITS)

    said = simulated(here, losing(AZURE), (kind(), 900), (kind(OWN, data_class="special"), 100)).assumptions

    assert any(
        one.startswith("example-company/spread is not simulated") and "OpenAI Foundation at 90.0%" in one
        for one in said
    )
    assert any(
        one.startswith("example-company/purse is not simulated") and "`support-desk`" in one for one in said
    )


def test_embeddings_that_move_are_warned_of(here: World) -> None:
    moving = simulated(
        here, losing("mistral/mistral-embed"), (kind("mistral/mistral-embed", alias="embed"), 5)
    )

    assert moving.total.served_after == 1
    assert any("cannot be searched" in one for one in moving.assumptions)


def test_the_expected_share_of_a_rehearsal_is_wider_for_fewer_requests_and_exchanges() -> None:
    least, few, many = (expected(0.9, *counts) for counts in ((20, 20), (2_000, 20), (2_000, 2_000)))

    assert least.low < few.low < many.low < 0.9 < many.high < few.high <= least.high
    assert expected(1.0, 100, 100).high == 1
    assert 0.9 < expected(1.0, 100, 100).low < 0.97
    with pytest.raises(ValueError, match="cannot be"):
        expected(0.5, 100, 0)


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.9, 0.99, 1.0])
@pytest.mark.parametrize(("exchanges", "requests"), [(25, 60), (300, 100)])
def test_a_rehearsal_agrees_with_its_simulation_as_often_as_it_is_said(
    rate: float, exchanges: int, requests: int
) -> None:
    chances = scipy.stats.binom.pmf(range(exchanges + 1), exchanges, rate)
    agrees = 0.0
    for count, chance in enumerate(chances):
        bounds = expected(count / exchanges, exchanges, requests)
        low, high = round(bounds.low * requests), round(bounds.high * requests)
        agrees += chance * (
            scipy.stats.binom.cdf(high, requests, rate) - scipy.stats.binom.cdf(low - 1, requests, rate)
        )

    assert agrees >= 0.95 - 1e-9
