"""What a drill was worked out from goes through JSON, holds no secret, and decides as it decided."""

from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import msgspec
import pytest

from freehold.catalog.resolve import resolve
from freehold.config.load import load
from freehold.drills.inputs import Inputs, inputs_of, world_of
from freehold.drills.traffic import Group, Kind, Traffic
from freehold.drills.world import World, world
from freehold.policy.named import shipped
from freehold.vocabulary.errors import Unverified
from freehold.vocabulary.facts import RequestFacts
from freehold.vocabulary.report import Interval

CONFIG = """
state_dir = "state"
[policy]
enforce = [{policies}]
default_class = "internal"
[providers.openai]
key_env = "SECRET_NAME"
headers = {{ x-team = "headersecret" }}
[providers.mistral]
[providers.house]
base_url = "http://10.0.0.7:8000/v1"
dialects = ["chat"]
[aliases]
fast = ["openai/gpt-4.1", "mistral/mistral-large-latest", "house/llama"]
"gpt-*" = ["openai/gpt-*"]
[prices."house/llama"]
input = 0.1
output = 0.2
[limits."house/llama"]
requests_per_minute = 60
"""
ENV = {"SECRET_NAME": "keysecret", "MISTRAL_API_KEY": "keysecret"}
NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ASKED = ("fast", "gpt-4.1-mini", "nobody")


def a_world(folder: Path, *policies: str) -> World:
    file = folder / "freehold.toml"
    file.write_text(CONFIG.format(policies=", ".join(f'"{name}"' for name in policies)))
    config = load(file)
    return world(resolve(config, ENV), folder / "state", NOW)


def some_traffic() -> Traffic:
    kinds = [
        Kind("app", alias, "chat", None, None, None, None, "openai/gpt-4.1", "answered") for alias in ASKED
    ]
    return Traffic(0, 60_000, {kind: Group(exchanges=1) for kind in kinds}, {kind: {0: 1} for kind in kinds})


def through_json(inputs: Inputs) -> Inputs:
    return msgspec.json.decode(msgspec.json.encode(inputs), type=Inputs)


@pytest.mark.parametrize("policy", shipped())
def test_what_was_worked_out_from_files_is_decided_the_same_from_what_was_written_down(
    tmp_path: Path, policy: str
) -> None:
    there = a_world(tmp_path, policy)
    written = inputs_of(there, some_traffic(), {"openai/gpt-4.1": Interval(0.8, 0.7, 0.9)})

    again = world_of(through_json(written))

    for alias, data_class, region in product(ASKED, ("public", "personal", "special", None), ("DE", None)):
        request = RequestFacts("app", alias, data_class, None, region, False)
        assert again.ruling(request, "chat") == there.ruling(request, "chat")
    for name in written.facts:
        assert {key: (fact.value, fact.expires) for key, fact in again.facts(name).items()} == {
            key: (fact.value, fact.expires) for key, fact in there.facts(name).items()
        }


def test_no_key_no_header_and_no_address_is_written_down(tmp_path: Path) -> None:
    written = msgspec.json.encode(inputs_of(a_world(tmp_path, "eu-sovereign"), some_traffic(), {})).decode()

    assert "secret" not in written.lower().replace("secret_name", "")
    assert "SECRET_NAME" not in written
    assert "10.0.0.7" not in written
    assert str(tmp_path) not in written


def test_a_policy_whose_text_was_changed_is_not_taken_for_the_same(tmp_path: Path) -> None:
    written = inputs_of(a_world(tmp_path, "eu-sovereign"), some_traffic(), {})
    one = written.policies[0]
    other = msgspec.structs.replace(one, text=one.text.replace("runs-in-europe", "runs-anywhere"))

    with pytest.raises(Unverified, match="eu-sovereign@"):
        world_of(msgspec.structs.replace(written, policies=(other,)))
