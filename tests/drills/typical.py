"""A configuration like many companies have: the labs, the clouds, a router, and a server of their own."""

from datetime import UTC, datetime
from pathlib import Path

from freehold.catalog.resolve import keyless
from freehold.config.load import Loaded, load_text
from freehold.drills.world import World, world

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TYPICAL = """
[providers.openai]
account = ["zero-retention"]
[providers.anthropic]
[providers.vertex]
region = "europe-west4"
project = "a-project"
[providers.bedrock]
region = "eu-central-1"
[providers.azure]
resource = "a-resource"
region = "swedencentral"
[providers.mistral]
[providers.deepseek]
[providers.openrouter]
[providers.vllm]
base_url = "http://10.0.0.5:8000/v1"

[aliases]
chat = ["openai/gpt-5-mini", "azure/gpt-5-mini", "mistral/mistral-large-latest", "vllm/Qwen/Qwen3-32B"]
code = [
    "anthropic/claude-opus-4-5", "bedrock/eu.anthropic.claude-opus-4-5-20251101-v1:0",
    "vertex/claude-opus-4-5", "openrouter/deepseek/deepseek-v3.2",
]
cheap = ["deepseek/deepseek-chat", "vertex/gemini-2.5-flash", "vllm/openai/gpt-oss-20b"]
"any/*" = ["openrouter/*"]

[prices."openai/gpt-5-mini"]
input = 1.0
output = 2.0

[limits."openai/gpt-5-mini"]
requests_per_minute = 101
concurrency = 1
"""


def typical(state: Path, more: str = "") -> World:
    """What decides with it; `more` goes before it."""
    loaded = load_text(more + TYPICAL, "freehold.toml")
    assert isinstance(loaded, Loaded), loaded
    return world(keyless(loaded.config, {}), state, NOW)
