"""What is published: files, a signature, a card and a bill of materials that follow from the run's records alone."""

import json
import re
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from freehold.own import stage
from freehold.own.plan import Plan
from freehold.own.publish import manifest
from freehold.own.publish.manifest import Engine
from freehold.own.publish.registry import registered
from freehold.vocabulary.errors import BadRequest, LedgerUnavailable, Unverified
from freehold.vocabulary.exchange import Plain
from tests.own.publish import finished


def publish(run: Path, plan: Plan, state: Path, who: str, note: Any) -> Any:
    """What signs and writes GGUF takes a second to import, and no other test's process is to wait for that."""
    from freehold.own.publish import publishing

    return publishing.publish(run, plan, state, who, note)


def public_key(state: Path) -> Path:
    from freehold.own.publish import signing

    signing.key_of(state)
    return state / "own" / signing.PUBLIC


def verify(folder: Path, key: Path) -> None:
    from freehold.own.publish import signing

    signing.verify(folder, key)


def invalid(bill: str) -> object:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill)


class Events(list[tuple[str, Mapping[str, Plain]]]):
    """What would be put on the ledger."""

    def __call__(self, kind: str, about: Mapping[str, Plain]) -> None:
        self.append((kind, about))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def events() -> Events:
    return Events()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, state: Path, events: Events) -> Any:
    run = tmp_path_factory.mktemp("runs") / "plant"
    return publish(run, finished.run(run), state, "alice", events)


def test_the_manifest_names_every_file_and_one_digest(done: Any) -> None:
    told = done.manifest

    assert told == manifest.read(done.folder)
    assert set(told.files) == {
        "config.json",
        "freehold.json",
        "model.gguf",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert told.digest == manifest.digest_of_files(manifest.files_of(done.folder / "model"))
    assert (told.gguf, told.quantisation, told.no_gguf) == ("model.gguf", "q8_0", "")
    assert told.engines == (Engine.LLAMA_CPP, Engine.TRANSFORMERS, Engine.VLLM)


def test_it_is_registered_and_told_to_the_ledger_first(done: Any, state: Path, events: Events) -> None:
    from freehold.own.publish.signing import fingerprint

    [(kind, about)] = events

    assert registered(state) == {"plant": done.entry}
    assert kind == "own-published"
    assert (about["model"], about["digest"], about["by"]) == ("own/plant", done.manifest.digest, "alice")
    assert about["key"] == fingerprint(public_key(state))
    assert any(str(line).startswith("corpus/train.jsonl ") for line in about["corpus"])  # type: ignore[union-attr]


def test_what_is_not_told_to_the_ledger_is_not_registered(tmp_path: Path) -> None:
    run, state = tmp_path / "plant", tmp_path / "state"
    plan = finished.run(run)

    def full(kind: str, about: Mapping[str, Plain]) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        publish(run, plan, state, "alice", full)
    assert registered(state) == {}

    heard = Events()
    assert publish(run, plan, state, "alice", heard).anew and len(heard) == 1
    assert not publish(run, plan, state, "alice", heard).anew and len(heard) == 1


def test_the_private_key_is_for_its_owner_alone(done: Any, state: Path) -> None:
    key = state / "own" / "signing.key"
    before = key.read_bytes()

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    verify(done.folder, public_key(state))
    assert key.read_bytes() == before


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed byte of weights": (lambda it: _flip(it / "model/model.gguf"), "model/model.gguf"),
    "a shorter file": (lambda it: _cut(it / "model/tokenizer.json"), "model/tokenizer.json"),
    "a changed card": (lambda it: _flip(it / "model_card.md"), "model_card.md"),
    "a changed bill": (lambda it: _flip(it / "bom.json"), "bom.json"),
    "a changed manifest": (lambda it: _flip(it / "manifest.json"), "manifest.json"),
    "a file more": (lambda it: (it / "model/custom.py").write_text("..."), "model/custom.py"),
    "a hidden file more": (lambda it: (it / "model/.gitattributes").write_text("*"), "model/.gitattributes"),
    "a file less": (lambda it: (it / "model/config.json").unlink(), "model/config.json"),
    "a link": (lambda it: (it / "model/more").symlink_to("/etc/hosts"), "symlink"),
    "no signature": (lambda it: (it / "model.sig").unlink(), "is not signed"),
    "a signature that is none": (
        lambda it: (it / "model.sig").write_text("{}"),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_was_changed_since_is_found_and_named(
    done: Any, state: Path, tmp_path: Path, spoilt: str
) -> None:
    copy = tmp_path / "elsewhere"  # a copy under another name is as good
    shutil.copytree(done.folder, copy)
    verify(copy, public_key(state))
    spoil, named = SPOILT[spoilt]

    spoil(copy)

    with pytest.raises(Unverified, match=named):
        verify(copy, public_key(state))


def test_another_publishers_key_does_not_verify(done: Any, tmp_path: Path) -> None:
    with pytest.raises(Unverified, match="public key"):
        verify(done.folder, public_key(tmp_path))
    with pytest.raises(Unverified, match="no public key"):
        verify(done.folder, tmp_path / "nowhere.pub")
    (tmp_path / "table.csv").write_text("a,b\n")
    with pytest.raises(Unverified, match="is no public key"):
        verify(done.folder, tmp_path / "table.csv")


def test_another_state_signs_with_a_key_of_its_own(tmp_path: Path) -> None:
    run, first, second = tmp_path / "plant", tmp_path / "first", tmp_path / "second"
    plan = finished.run(run)
    publish(run, plan, first, "alice", Events())

    done = publish(run, plan, second, "alice", Events())

    verify(done.folder, public_key(second))
    with pytest.raises(Unverified):
        verify(done.folder, public_key(first))


def test_the_bill_of_materials_is_valid_and_leads_back_to_the_data(done: Any) -> None:
    text = (done.folder / manifest.BOM).read_text()
    told: dict[str, Any] = json.loads(text)
    model = told["metadata"]["component"]
    by_ref = {one["bom-ref"]: one for one in told["components"]}
    leads = {one["ref"]: one.get("dependsOn", []) for one in told["dependencies"]}

    assert invalid(text) is None
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert {one["name"]: one["hashes"][0]["content"] for one in model["components"]} == {
        name: file.sha256 for name, file in done.manifest.files.items()
    }
    [base] = model["pedigree"]["ancestors"]
    assert base["name"] == "small-llama" and base["components"][0]["hashes"][0]["content"] == "cd" * 32
    assert {"base", "data:corpus/train.jsonl", "pypi:torch"} <= set(leads["model"])
    assert leads["data:corpus/train.jsonl"] == ["data:source/manuals/pumps.txt"]
    assert by_ref["data:source/manuals/pumps.txt"]["hashes"][0]["content"] == "ab" * 32
    [metric, _] = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert (metric["value"], metric["slice"]) == ("1.25", "own/plant on held out")
    code = next(one["value"] for one in model["properties"] if one["name"] == "freehold:code:train")
    assert re.fullmatch(r"[\d.]+\+[0-9a-f]{12}", code)


def test_the_bill_of_a_model_of_our_own_weights_has_no_ancestors(tmp_path: Path) -> None:
    run = tmp_path / "plant"
    done = publish(run, finished.run(run, base=""), tmp_path / "state", "alice", Events())

    text = (done.folder / manifest.BOM).read_text()
    told = json.loads(text)
    assert invalid(text) is None
    assert "pedigree" not in told["metadata"]["component"]
    assert "base" not in {one["bom-ref"] for one in told["components"]}


def test_the_card_says_what_the_records_say(done: Any) -> None:
    told = (done.folder / manifest.CARD).read_text()

    assert told.startswith("# own/plant\n")
    for line in (
        "| Adapted from | small-llama |",
        "| Licence of that | MIT |",
        "## Corpus of plant",
        "300 steps, 9,000 tokens, 12 s of processor time in 13 s; loss of the last step 0.2500 nats.",
        "| loss nats per token | 0.25 |",
        "| `learning_rate` | 0.001 |",
        "| `seed` | 7 |",
        "| own/plant | bits per byte of answers | held out | 1.2500 (1.0000 to 1.5000, 95%) | 40 in 8 |",
        "only 8 clusters",
        "- how it compares to an incumbent: none was named",
        "- what q8_0 costs in quality: what was measured is the model before that",
    ):
        assert line in told
    assert "what the licence of small-llama allows" not in told


def test_a_licence_that_is_not_known_is_said_to_be(tmp_path: Path) -> None:
    run = tmp_path / "plant"
    done = publish(run, finished.run(run, base_licence=""), tmp_path / "state", "alice", Events())

    card = (done.folder / manifest.CARD).read_text()
    assert "| Licence of that | unknown |" in card
    assert "- what the licence of small-llama allows" in card


def test_a_model_that_llama_cpp_cannot_read_is_served_by_another(tmp_path: Path) -> None:
    run = tmp_path / "plant"
    plan = finished.run(run)
    config = run / "train" / "model" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_bytes()), "hidden_act": "gelu"}))
    record = run / "train" / stage.RECORD  # as if it had been trained so
    told = json.loads(record.read_bytes())
    record.write_text(json.dumps({**told, "outputs": {"model/config.json": stage.digest_of(config)}}))

    told = publish(run, plan, tmp_path / "state", "alice", Events()).manifest

    assert told.engines == (Engine.TRANSFORMERS, Engine.VLLM)
    assert told.gguf == "" and "model.gguf" not in told.files
    assert told.no_gguf == "llama.cpp would take gelu for silu"


def test_an_engine_that_cannot_serve_it_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "plant"
    plan = finished.run(run, engine="predictor")

    with pytest.raises(BadRequest, match="predictor cannot serve plant") as caught:
        publish(run, plan, tmp_path / "state", "alice", Events())

    assert "llama.cpp" in caught.value.remedy


def refuse(kind: str, about: Mapping[str, Plain]) -> None:
    raise LedgerUnavailable("the disk is full", remedy="Make room.")


@pytest.mark.parametrize("fails", ["an engine that cannot", "the ledger"])
def test_what_was_published_stays_as_it_is_where_publishing_again_fails(tmp_path: Path, fails: str) -> None:
    run, state = tmp_path / "plant", tmp_path / "state"
    plan = finished.run(run)
    before = publish(run, plan, state, "alice", Events())
    other: Any = {"engine": "predictor"} if fails.startswith("an") else {"quantisation": "f16"}
    changed = replace(plan, publish=replace(plan.publish, **other))

    with pytest.raises((BadRequest, LedgerUnavailable)):
        publish(run, changed, state, "alice", refuse)

    verify(before.folder, public_key(state))
    assert manifest.read(before.folder) == before.manifest
    assert registered(state)["plant"] == before.entry


@pytest.mark.parametrize("killed", [False, True])
def test_what_is_published_again_takes_its_place(tmp_path: Path, killed: bool) -> None:
    run, state, told = tmp_path / "plant", tmp_path / "state", Events()
    plan = finished.run(run)
    before = publish(run, plan, state, "alice", told)
    changed = replace(plan, publish=replace(plan.publish, quantisation="f16"))
    after = publish(run, changed, state, "alice", told)
    if killed:  # when it was about to take its place
        (run / stage.BESIDE).mkdir()
        after.folder.rename(run / stage.BESIDE / "publish")
        after = publish(run, changed, state, "alice", told)

    verify(after.folder, public_key(state))
    assert (before.manifest.quantisation, after.manifest.quantisation) == ("q8_0", "f16")
    assert registered(state)["plant"].digest == manifest.read(run / "publish").digest
    assert not (run / stage.BESIDE).exists() and len(told) == 2


def test_a_run_that_was_not_evaluated_is_not_published(tmp_path: Path) -> None:
    run = tmp_path / "plant"
    plan = finished.run(run)
    shutil.rmtree(run / "evaluate")

    with pytest.raises(BadRequest, match="no evaluate yet"):
        publish(run, plan, tmp_path / "state", "alice", Events())
