"""How many could serve, what one loss or two would leave, and that nothing unknown counts as independent."""

from math import isclose
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.drills.independence import OWN, Independence, Loss, Standing, independence, standings
from freehold.drills.scenario import Loss as Losing
from freehold.drills.scenario import Scenario
from freehold.drills.selecting import CLOUD_OWNERS
from freehold.drills.traffic import Group, Kind, Traffic
from freehold.drills.world import World
from freehold.vocabulary.report import Interval
from tests.drills.typical import typical

GPT, OPUS, QWEN = "openai/gpt-5-mini", "anthropic/claude-opus-4-5", "vllm/Qwen/Qwen3-32B"
MISTRAL = "mistral/mistral-large-latest"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> World:
    return typical(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def found(here: World) -> Independence:
    return independence(here, {GPT: good(0.9), MISTRAL: good(0.7), QWEN: good(0.6)})


def good(estimate: float) -> Interval:
    return Interval(estimate, estimate - 0.1, estimate + 0.1)


def of(found: Independence, alias: str) -> Standing:
    return next(one for one in found.standings if one.alias == alias)


def lost(losses: tuple[Loss, ...], *values: str) -> Loss:
    return next(one for one in losses if one.lost == values)


def asked(alias: str, endpoint: str, data_class: str | None = None) -> Kind:
    return Kind("app", alias, "chat", data_class, None, None, None, endpoint, "answered")


def test_known_legs_are_counted_and_own_machines_are_one(found: Independence) -> None:
    chat = of(found, "chat")

    assert chat.known["parent"] == (OWN, "Microsoft Corporation", "Mistral AI", "OpenAI Foundation")
    assert not chat.one_leg


def test_what_is_unknown_is_told_apart_and_is_no_leg(found: Independence) -> None:
    code = of(found, "code")

    assert code.known["cloud"] == ("AWS", "Google Cloud")
    assert code.unknown["cloud"] == 2  # Anthropic's own, and the router's
    assert code.known["weights_family"] == ("claude", "deepseek-v3")


def test_who_has_retired_serves_nobody(found: Independence) -> None:
    cheap = of(found, "cheap")

    assert cheap.retired == ("deepseek/deepseek-chat",)
    assert [one.endpoint for one in cheap.candidates] == [
        "vertex/gemini-2.5-flash",
        "vllm/openai/gpt-oss-20b",
    ]


def test_the_quality_elsewhere_is_the_best_of_another_parent(found: Independence) -> None:
    assert of(found, "chat").candidates[0].quality == good(0.9)
    assert of(found, "chat").elsewhere == good(0.7)
    assert of(found, "code").elsewhere is None  # no bench has measured any


def test_losing_a_parent_takes_what_its_cloud_may_host(found: Independence) -> None:
    amazon = lost(found.without_one, "Amazon.com, Inc.")

    # For sure only what is known to run elsewhere is left; Vertex and the company's own machines are.
    assert (amazon.by, amazon.aliases, amazon.aliases_at_best) == ("parent", 3, 3)


def test_two_losses_leave_no_more_than_either(found: Independence) -> None:
    for two in found.without_two:
        ones = [one for one in found.without_one if one.by == two.by and one.lost[0] in two.lost]
        assert len(ones) == 2
        assert two.aliases <= min(one.aliases for one in ones)
        assert two.requests_at_best <= min(one.requests_at_best for one in ones)
        assert two.requests <= two.requests_at_best


def test_the_worst_point_is_what_is_known_to_hurt_most(found: Independence) -> None:
    assert found.worst is not None
    assert (found.worst.by, found.worst.lost) == ("weights_origin", ("US",))
    assert (found.worst.aliases, found.worst.aliases_at_best) == (
        2,
        2,
    )  # all that is left of `cheap` is from there


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.builds(
            asked,
            st.sampled_from(("chat", "code", "cheap", "any/lab/model", "no-longer-there")),
            st.just(GPT),
            st.sampled_from((None, "public", "internal")),
        ),
        st.integers(1, 50),
    )
)
def test_losses_are_what_they_are_request_by_request(here: World, counts: dict[Kind, int]) -> None:
    groups = {kind: Group(exchanges=count) for kind, count in counts.items()}
    found = independence(here, {}, Traffic(0, 1, groups, {})) if groups else independence(here, {})

    pools = {kind: here.left(kind.request, kind.dialect) for kind in groups}
    served = {kind: pool for kind, pool in pools.items() if pool}
    if groups:
        assert found.exchanges == sum(counts[kind] for kind, pool in pools.items() if pool is not None)
    for loss in (*found.without_one, *found.without_two) if served else ():
        for survives, aliases, requests in (
            ((False,), loss.aliases, loss.requests),
            ((False, None), loss.aliases_at_best, loss.requests_at_best),
        ):
            left = {
                kind: any(
                    all(gone(here, name, loss.by, one) in survives for one in loss.lost) for name in pool
                )
                for kind, pool in served.items()
            }
            hurt = {kind.alias for kind, is_left in left.items() if not is_left}
            assert aliases == len({kind.alias for kind in served} - hurt)
            there = sum(counts[kind] for kind, is_left in left.items() if is_left)
            assert requests == pytest.approx(there / sum(counts[kind] for kind in served))


def gone(here: World, endpoint: str, by: str, value: str) -> bool | None:
    """Whether an endpoint is lost with a parent and all that its cloud hosts, a cloud, or a country."""
    facts = here.about(endpoint).facts
    known = {name: fact.at(here.now) for name, fact in facts.items()}
    if by == "parent_jurisdiction":
        return None if known.get(by) is None else known[by] == value
    names = ("parent", "cloud") if by == "parent" else ("cloud",)
    held = [
        CLOUD_OWNERS.get(str(known.get(name)), known.get(name)) if by == "parent" else known.get(name)
        for name in names
    ]
    if value in (*held, *(known.get(name) for name in names)):
        return True
    return None if None in held and known.get("own") is not True else False


def test_a_provider_whose_parent_nobody_knows_can_be_what_hurts_most(tmp_path: Path) -> None:
    here = typical(
        tmp_path,
        """
        [providers.stranger]
        kind = "openai"
        base_url = "https://stranger.example/v1"
        [aliases.odd]
        pool = ["stranger/model"]
        """,
    )

    found = independence(here, {}, Traffic(0, 1, {asked("odd", "stranger/model"): Group(exchanges=1)}, {}))

    assert found.standings[0].unknown["parent"] == 1
    assert found.worst is not None
    assert (found.worst.by, found.worst.lost, found.worst.requests_at_best) == ("provider", ("stranger",), 0)


def test_recorded_requests_weigh_as_often_as_they_were_made(here: World) -> None:
    groups = {asked("chat", GPT): Group(exchanges=90), asked("code", OPUS): Group(exchanges=10)}

    found = independence(here, {}, Traffic(0, 1, groups, {}))

    assert (found.exchanges, found.aliases) == (100, 2)
    us = lost(found.without_one, "US")
    assert (us.aliases, us.requests) == (1, 0.9)  # Mistral goes on; of the router nothing is known
    assert us.requests_at_best == 1.0
    provider = next(one for one in found.spreads if one.by == "provider")
    assert provider.shares == {"openai": 0.9, "anthropic": 0.1}
    assert provider.hhi is not None
    assert isclose(provider.hhi, 0.82)


def test_data_classes_that_policy_treats_differently_stand_apart(tmp_path: Path) -> None:
    governed = typical(tmp_path, '[policy]\nenforce = ["zero-retention"]\ndefault_class = "public"\n')

    found = independence(governed, {})

    code = {one.data_classes: one for one in found.standings if one.alias == "code"}
    assert [one.endpoint for one in code["public",].candidates] == [OPUS]
    assert code["confidential", "internal", "personal", "special"].candidates == ()
    assert all(one.one_leg for one in code.values())
    assert found.aliases == 3


def test_under_a_scenario_the_survivors_are_told(here: World) -> None:
    us = Scenario("us", "", "", lost=(Losing((("own", ("false",)), ("parent_jurisdiction", ("US",)))),))

    left = {one.alias: one for one in standings(here.under(us), {})}

    assert [one.endpoint for one in left["chat"].candidates] == [MISTRAL, QWEN]
    assert left["cheap"].one_leg
    assert left["code"].candidates == ()


def test_nobody_to_serve_is_nothing_to_lose(tmp_path: Path) -> None:
    governed = typical(tmp_path, '[policy]\nenforce = ["us-federal"]\ndefault_class = "special"\n')

    found = independence(governed, {})

    assert (found.aliases, found.without_one, found.worst) == (0, (), None)
    assert all(one.hhi is None for one in found.spreads)
