"""The example company, what decides there, and traffic of it made from a few words."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from freehold.catalog.resolve import keyless
from freehold.config.load import Loaded, load_all
from freehold.drills.inventing import Inventing, Plan, example_files
from freehold.drills.traffic import Group, Kind, Traffic
from freehold.drills.world import World, world
from freehold.vocabulary.exchange import Exchange

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, MINUTES = 29_923_200, 10  # the traffic's first, and how many it has
AZURE, OPENAI, MISTRAL = "azure/gpt-5-mini", "openai/gpt-5-mini", "mistral/mistral-large-latest"
OWN, BEDROCK = "vllm/Qwen/Qwen3-32B", "bedrock/eu.anthropic.claude-opus-4-5-20251101-v1:0"
CLAUDE = "anthropic/claude-opus-4-5"


def company(folder: Path, policy: str = "") -> World:
    """What decides in the example company; `policy` goes to the end of its policy."""
    for name, text in example_files().items():
        (folder / name).write_text(text + (policy if name == "policy.toml" else ""))
    loaded = load_all(folder / "freehold.toml")
    assert isinstance(loaded, Loaded), loaded
    return world(keyless(loaded.config, {}), folder, NOW)


def kind(
    endpoint: str | None = AZURE,
    outcome: str = "answered",
    alias: str = "chat",
    *,
    application: str = "support-desk",
    data_class: str | None = "internal",
    cached: bool = False,
) -> Kind:
    """Requests of which most is as usual."""
    dialect = "embeddings" if alias == "embed" else "chat"
    return Kind(application, alias, dialect, data_class, None, None, None, endpoint, outcome, cached)


def traffic(counts: Iterable[tuple[Kind, int]], *, minutes: int = MINUTES) -> Traffic:
    """So many of each kind, spread over the first minutes; each of 1,000 tokens and 200, 2 s and 0.01 USD."""
    groups, by_minute = dict[Kind, Group](), dict[Kind, dict[int, int]]()
    for one, count in counts:
        answered = count if one.outcome == "answered" else 0
        known = 0 if one.cached else answered
        sums = (1_000 * known, 200 * known, known, 0.01 * known, known)
        groups[one] = Group(count, *sums, 2_000_000 * answered, 500_000 * answered, answered)
        spread = [count // minutes + (place < count % minutes) for place in range(minutes)]
        by_minute[one] = {MINUTE + place: part for place, part in enumerate(spread) if part}
    return Traffic(MINUTE * 60_000, (MINUTE + MINUTES) * 60_000, groups, by_minute)


def invented(here: World, exchanges: int, days: int = 7, seed: int = 0) -> list[Exchange]:
    """Exchanges of the days before this one."""
    until_ms = int(NOW.timestamp() * 1000) // 86_400_000 * 86_400_000
    return list(Inventing(here, Plan(exchanges, days, seed, until_ms)).exchanges())
