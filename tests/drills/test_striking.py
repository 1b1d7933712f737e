"""A scenario in the words of a running gateway, and whom they hit there."""

from pathlib import Path

import pytest

from freehold.drills.scenario import Change, Loss, Scenario, Way
from freehold.drills.striking import allowed, struck
from freehold.drills.traffic import Group, Kind, Traffic
from freehold.drills.world import World
from freehold.gateway.drill_order import Struck
from freehold.gateway.faulty import Strikes
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.exchange import Exchange, Outcome
from tests.drills.typical import typical

GPT = "openai/gpt-5-mini"
POLICY = """\
name = "brief"
[rules.kept-briefly]
require = "retention_days <= 7"
reason = "Everything is kept for a week at most."
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("state")
    (folder / "brief.toml").write_text(POLICY)
    return typical(folder, f'[policy]\nenforce = ["{folder / "brief.toml"}"]\n')


def changing(**effects: float | str) -> Scenario:
    return Scenario("changed", "", "", changed=(Change((("endpoint", (GPT,)),), **effects),))  # type: ignore[arg-type]


def hit(here: World, scenario: Scenario, traffic: Traffic | None = None) -> dict[str, Struck]:
    return {one.endpoint: one for one in struck(here, here.under(scenario, traffic), traffic)}


def test_who_is_lost_is_gone_in_the_way_that_the_scenario_says(here: World) -> None:
    scenario = Scenario("lost", "", "", lost=(Loss((("provider", ("mistral",)),), Way.GONE),))

    assert hit(here, scenario)["mistral/mistral-large-latest"].way == "gone"


@pytest.mark.parametrize(
    ("effects", "is_struck"),
    [
        ({"latency": 3.0}, Struck(GPT, latency=3.0)),
        ({"latency": 0.5}, Struck(GPT)),  # nobody can be made faster
        ({"limits": 0.5}, Struck(GPT, requests_per_minute=50)),
        ({"replaced_by": "gpt-5-nano"}, Struck(GPT, replaced_by="gpt-5-nano")),
        ({"refuses": "north"}, Struck(GPT, refuses="north")),
        ({"refuses_share": 0.2}, Struck(GPT, refuses_share=0.2)),
        ({"retention_days": float("inf")}, Struck(GPT, facts={"retention_days": "inf"})),
    ],
)
def test_each_change_is_told_in_plain_words(
    here: World, effects: dict[str, float | str], is_struck: Struck
) -> None:
    if is_struck.spared:
        with pytest.raises(BadRequest, match="hits no endpoint"):
            hit(here, changing(**effects))
    else:
        assert hit(here, changing(**effects)) == {GPT: is_struck}


def test_of_a_pattern_that_may_be_lost_those_are_spared_that_are_known_not_to_be(here: World) -> None:
    kind = Kind("app", "any/x", "chat", None, None, None, None, "openrouter/openai/gpt-5", "answered")
    traffic = Traffic(0, 1, {kind: Group(1)}, {})
    scenario = Scenario("lost", "", "", lost=(Loss((("endpoint", ("openrouter/*",)),)),))
    narrow = Scenario(
        "lost", "", "", lost=(Loss((("model", ("openai/gpt-4",)), ("provider", ("openrouter",)))),)
    )

    every, few = hit(here, scenario, traffic), hit(here, narrow, traffic)

    strikes = Strikes(few, (0, 1), 1)
    assert every["openrouter/openai/gpt-5"].way == "unreachable"
    assert few["openrouter/*"].way == "unreachable"  # nobody knows which model it will be
    assert few["openrouter/openai/gpt-5"].spared
    assert strikes.hits("openrouter/who/knows")
    assert not strikes.hits("openrouter/openai/gpt-5")
    assert not strikes.hits("mistral/mistral-large-latest")


def test_who_may_see_a_prompt_is_decided_again_as_it_is_and_as_it_would_be(
    here: World, tmp_path: Path
) -> None:
    it = Exchange("x1", 1, "app", "chat", "chat", Outcome.ANSWERED, 200)
    may = allowed(here, here.under(changing(retention_days=30.0)))

    calm, raging = may(it, False), may(it, True)

    assert calm is not None
    assert raging is not None
    assert calm - raging == {GPT}
    assert may(Exchange("x2", 1, "app", "chat", "nobody", Outcome.REJECTED, 404), False) is None


def test_a_promise_that_only_the_scenario_makes_allows_nobody_more(here: World) -> None:
    it = Exchange("x1", 1, "app", "chat", "chat", Outcome.ANSWERED, 200)
    under = here.under(Scenario("kind", "", "", changed=(Change((("endpoint", ("*",)),), retention_days=0),)))
    may = allowed(here, under)

    calm, raging = may(it, False), may(it, True)

    assert calm == raging


def test_a_model_that_nobody_has_named_is_not_put_in_anothers_place(here: World) -> None:
    with pytest.raises(
        BadRequest, match="which model would answer in place of openai/gpt-5-mini is not known"
    ):
        hit(here, changing(replaced_by="@cheapest"))
