"""Each scenario that comes along does something in a configuration like many have, and not always everything."""

import pytest

from freehold.drills.loading import shipped
from freehold.drills.scenario import Scenario
from freehold.drills.world import World
from tests.drills.typical import typical

# Whom each must hit for sure, and whom it must leave alone.
EXPECTED = {
    "answers-four-times-slower": ("anthropic/claude-opus-4-5", "vllm/Qwen/Qwen3-32B"),
    "biggest-parent-and-its-cloud": ("anthropic/claude-opus-4-5", "vllm/Qwen/Qwen3-32B"),
    "cloud-region-gone": ("vertex/claude-opus-4-5", "openai/gpt-5-mini"),
    "cn-apis-gone": ("deepseek/deepseek-chat", "vllm/Qwen/Qwen3-32B"),
    "cn-weights-forbidden": ("vllm/Qwen/Qwen3-32B", "openai/gpt-5-mini"),
    "licence-withdrawn": ("vllm/openai/gpt-oss-20b", "openai/gpt-5-mini"),
    "limits-halved": ("openai/gpt-5-mini", "vllm/Qwen/Qwen3-32B"),
    "main-origin-of-weights-forbidden": ("openai/gpt-5-mini", "vllm/Qwen/Qwen3-32B"),
    "prices-tripled": ("mistral/mistral-large-latest", "vllm/Qwen/Qwen3-32B"),
    "retirements-reached": ("openai/gpt-5-mini", "vllm/Qwen/Qwen3-32B"),
    "router-gone": ("openrouter/deepseek/deepseek-v3.2", "openai/gpt-5-mini"),
    "silent-replacement": ("anthropic/claude-opus-4-5", "azure/gpt-5-mini"),
    "topic-refused": ("anthropic/claude-opus-4-5", "vllm/Qwen/Qwen3-32B"),
    "two-frontier-models-off": ("vertex/claude-opus-4-5", "vllm/Qwen/Qwen3-32B"),
    "two-providers-at-once": ("anthropic/claude-opus-4-5", "mistral/mistral-large-latest"),
    "two-providers-on-one-cloud": ("vertex/gemini-2.5-flash", "openai/gpt-5-mini"),
    "us-apis-gone": ("openai/gpt-5-mini", "vllm/openai/gpt-oss-20b"),
    "zero-retention-withdrawn": ("openai/gpt-5-mini", "vllm/Qwen/Qwen3-32B"),
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> World:
    return typical(tmp_path_factory.mktemp("state"))


def test_every_scenario_that_comes_along_is_expected_here() -> None:
    assert {one.name for one in shipped()} == set(EXPECTED)


@pytest.mark.parametrize("scenario", shipped(), ids=lambda one: one.name)
def test_it_hits_whom_it_should_and_leaves_others(scenario: Scenario, here: World) -> None:
    hit, left = EXPECTED[scenario.name]

    fates = {one.endpoint: one for one in here.under(scenario).fates}

    assert fates[hit].fate == ("lost" if scenario.lost else "changed"), fates[hit]
    assert "unknown" not in fates[hit].because
    assert fates[left].fate == "kept", fates[left]
