"""The stage `publish`: a trained and evaluated model packed, told of, signed, put on the ledger and registered."""

import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import msgspec

from freehold.ledger.durable import replace
from freehold.own import stage
from freehold.own.plan import Plan
from freehold.own.publish import manifest as manifests
from freehold.own.publish import registry, signing
from freehold.own.publish.bom import bom
from freehold.own.publish.manifest import BOM, CARD, PUBLISHED, SIGNATURE, Engine, Manifest
from freehold.own.publish.model_card import card
from freehold.own.publish.packing import pack
from freehold.own.publish.records import STAGES, records
from freehold.own.publish.registry import Entry
from freehold.vocabulary.exchange import Plain

STAGE = "publish"
Note = Callable[[str, Mapping[str, Plain]], None]  # records an event, durably

_MODULES = {
    Engine.LLAMA_CPP: "llama_cpp",
    Engine.VLLM: "vllm",
    Engine.TRANSFORMERS: "transformers",
    Engine.PREDICTOR: "numpy",
}
_PROGRAMS = {Engine.LLAMA_CPP: "llama-server", Engine.VLLM: "vllm"}


class Published(NamedTuple):
    """What came of it."""

    folder: Path
    manifest: Manifest
    entry: Entry
    anew: bool  # False: it was on the ledger and registered before


def publish(run: Path, plan: Plan, state: Path, who: str, note: Note) -> Published:
    """Publish a run's model, and put it on the ledger before it takes its place and is registered.

    What was published before stays as it is until then. Raises BadRequest where a stage before is missing, or an engine
    is asked for that cannot serve it.
    """
    key, folder = signing.key_of(state), run / STAGE
    signer = signing.fingerprint(key.with_name(signing.PUBLIC))
    inputs = stage.inputs_of(run, *STAGES, whole=True) | {signing.PUBLIC: signer}  # another key signs anew
    with stage.working(run, STAGE, plan.publish, inputs, beside=True) as work:
        if work is not None:
            _write(run, plan, work, key)
        told = manifests.read(work or folder)
        entry = registry.entry_of(folder, told, engine_of(told), who)
        known = registry.registered(state).get(told.name)
        anew = known is None or (known.manifest, known.folder) != (entry.manifest, entry.folder)
        due = known is None or anew or known.engine is not entry.engine
        if due:
            note(PUBLISHED, _about(entry, told, work or folder, signer))
    if due:
        registry.register(state, entry)
    return Published(folder, told, entry, anew)


def engine_of(told: Manifest) -> Engine:
    """What serves it here: the first engine that can and is installed; the first that can where none is."""
    for engine in told.engines:
        if find_spec(_MODULES[engine]) or shutil.which(_PROGRAMS.get(engine, "")):
            return engine
    return told.engines[0]


def _write(run: Path, plan: Plan, folder: Path, key: Path) -> None:
    """The manifest follows from the files, and the signature, at last, covers all of them."""
    told = pack(run, plan, folder)
    manifests.write(folder, told)
    found = records(run, plan, told)
    replace(folder / CARD, card(found).encode())
    replace(folder / BOM, msgspec.json.format(msgspec.json.encode(bom(found)), indent=1) + b"\n")
    signing.sign(folder, key)


def _about(entry: Entry, told: Manifest, folder: Path, key: str) -> dict[str, Plain]:
    about: dict[str, Plain] = {
        "model": entry.endpoint,
        "digest": told.digest,
        "files": tuple(f"{name} {file.sha256}" for name, file in told.files.items()),
        "manifest": stage.digest_of(folder / manifests.FILE),
        "signature": stage.digest_of(folder / SIGNATURE),
        "key": key,
        "corpus": tuple(
            f"{name} {digest}" for name, digest in told.inputs.items() if name.startswith("corpus/")
        ),
        "licence": told.licence,
        "engine": entry.engine.value,
        "by": entry.who,
    }
    return about | ({"base": told.base} if told.base else {})
