"""The rows hold together: every one can be reached, has a source and a date, and owns its names alone."""

import re
from collections import Counter
from datetime import date
from urllib.parse import urlsplit

import pytest

from freehold.catalog.providers import Row, providers
from freehold.config.environment import is_loopback

ROWS = list(providers().values())
HOSTED = {"openai", "anthropic", "gemini", "mistral", "deepseek", "groq", "together", "fireworks"}
HOSTED |= {"openrouter", "xai", "cerebras", "deepinfra", "moonshot", "alibaba", "zai", "minimax"}
HOSTED |= {"azure", "vertex", "bedrock"}
HOSTED |= {"cloudflare", "cohere", "coreweave", "huggingface", "ionos", "nebius", "ovhcloud", "perplexity"}
HOSTED |= {"sambanova", "scaleway", "siliconflow"}
LOCAL = {"ollama", "vllm", "sglang", "llamacpp", "lmstudio", "own"}


def test_the_rows_that_must_be_there_are_there() -> None:
    assert {row.name for row in ROWS if row.local} == LOCAL
    assert {row.name for row in ROWS if not row.local} == HOSTED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_can_be_reached_and_says_where_it_was_read(row: Row) -> None:
    for url in (row.base_url, *row.bases.values(), *row.regions.values()):
        parts = urlsplit(url)
        assert parts.hostname
        assert not url.endswith("/")
        assert parts.scheme == ("http" if row.local else "https")
        assert is_loopback(parts.hostname) is row.local
    assert set(row.bases) | set(row.auths) <= set(row.dialects)
    assert len(set(row.dialects)) == len(row.dialects) > 0
    assert urlsplit(row.source).scheme == "https" or row.name == "own"  # which this project documents
    assert date(2026, 1, 1) < row.read


@pytest.mark.parametrize("row", [row for row in ROWS if not row.local], ids=lambda row: row.name)
def test_a_remote_row_names_the_variable_of_its_key_unless_google_signs(row: Row) -> None:
    assert bool(row.key_env) is (row.auth != "google")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_needs_what_its_bases_have_in_braces(row: Row) -> None:
    assert set(re.findall(r"\{(\w+)\}", row.base_url)) == set(row.needs)
    for base in row.regions.values():
        assert set(re.findall(r"\{(\w+)\}", base)) == set(row.needs) - {"region"}


def test_no_two_rows_own_a_name_or_read_the_same_variable() -> None:
    globs = Counter(glob for row in ROWS for glob in row.models)
    variables = Counter(name for row in ROWS for name in row.key_env)

    assert max(globs.values()) == 1
    assert max(variables.values()) == 1


def test_the_names_a_row_owns_end_in_a_star() -> None:
    assert all(glob.endswith("*") and glob.count("*") == 1 for row in ROWS for glob in row.models)
