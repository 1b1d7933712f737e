"""What is published is known by name, and policies know what is true of it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from freehold.catalog.knowledge import knowledge
from freehold.catalog.subjects import Subject
from freehold.config.schema import Config
from freehold.own.artefact import Kind
from freehold.own.publish.manifest import Engine, Manifest
from freehold.own.publish.registry import FILE, Entry, entry_of, register, registered
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import BadRequest, ConfigError
from freehold.vocabulary.facts import Value


def entry(name: str = "small", **more: str) -> Entry:
    digest, at_ms = "ab" * 32, 1_790_000_000_000
    plain = Entry(name, "/runs/small", Kind.LANGUAGE, Engine.LLAMA_CPP, digest, digest, "MIT", at_ms, "alice")
    return replace(plain, **more)


def known(state: Path, name: str = "small") -> dict[str, Value | None]:
    subject = Subject("own", "own", name, (Dialect.CHAT,), own=True)
    return {fact.name: fact.value for fact in knowledge(Config(), state).facts(subject).values()}


def test_what_is_registered_is_found_by_its_name(tmp_path: Path) -> None:
    manifest = Manifest(
        "small", Kind.LANGUAGE, "text", "MIT", (Engine.LLAMA_CPP,), "ab" * 32, {}, context=512, region="FI"
    )
    made = entry_of(tmp_path / "publish", manifest, Engine.LLAMA_CPP, "alice")
    register(tmp_path, made)
    assert registered(tmp_path) == {"small": made}
    assert (made.endpoint, made.folder, made.region) == ("own/small", str(tmp_path / "publish"), "FI")


def test_where_nothing_is_published_there_is_nothing(tmp_path: Path) -> None:
    assert registered(tmp_path) == {}


def test_a_model_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for licence in ("MIT", "Apache-2.0"):
        register(tmp_path, entry(licence=licence))
    assert registered(tmp_path)["small"].licence == known(tmp_path)["licence"] == "Apache-2.0"


def test_of_many_who_publish_at_once_nothing_is_lost(tmp_path: Path) -> None:
    names = [f"model-{n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: register(tmp_path, entry(name)), names))
    assert sorted(registered(tmp_path)) == sorted(names)
    assert all(known(tmp_path, name)["retention_days"] == 0 for name in names)


def test_an_own_model_keeps_nothing_and_is_its_owners(tmp_path: Path) -> None:
    register(tmp_path, entry(jurisdiction="FI", region="SE"))
    facts = known(tmp_path)
    assert facts["own"] is True and facts["trains_on_inputs"] is False and facts["retention_days"] == 0
    assert (facts["entity_jurisdiction"], facts["inference_region"], facts["weights_lab"]) == (
        "FI",
        "SE",
        "own",
    )
    assert facts["distillation_allowed"] is True


def test_what_the_plan_does_not_say_and_what_a_bases_terms_allow_stays_unknown(tmp_path: Path) -> None:
    register(tmp_path, entry(base="some/checkpoint"))
    facts = known(tmp_path)
    assert not {"distillation_allowed", "weights_origin", "inference_region", "entity_jurisdiction"} & set(
        facts
    )


def test_of_models_that_were_not_published_nothing_is_said(tmp_path: Path) -> None:
    register(tmp_path, entry())
    assert "retention_days" not in known(tmp_path, "other")


def test_a_file_that_nobody_can_read_is_named(tmp_path: Path) -> None:
    register(tmp_path, entry())
    file = tmp_path / "own" / FILE
    for text in ("{", "[" * 100_000, file.read_text().replace('"small"', '"../../small"')):
        file.write_text(text)
        with pytest.raises(BadRequest, match=FILE):
            registered(tmp_path)


def test_a_place_that_is_none_is_turned_down_and_nothing_is_registered(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="inference_region"):
        register(tmp_path, entry(region="Finland"))
    assert registered(tmp_path) == {}
