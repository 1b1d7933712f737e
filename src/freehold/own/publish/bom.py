"""The bill of materials of an own model: its files, its data and its base by their hashes, its libraries, how it does.

The format is CycloneDX's for machine learning, https://cyclonedx.org/capabilities/mlbom/, in JSON, 1.6.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from freehold.catalog.bom import SPDX
from freehold.config import clock
from freehold.own.artefact import Kind
from freehold.own.evaluate.report import Measured
from freehold.own.publish.records import Records

SPEC = "1.6"
_LIBRARIES = ("torch", "transformers", "peft", "tokenizers", "safetensors", "gguf", "numpy", "scikit-learn")
_LEARNS = {
    "adapt": "supervised",
    "predict": "supervised",
    "text": "self-supervised",
    "genome": "self-supervised",
}
_TASKS = {
    Kind.LANGUAGE: "text-generation",
    Kind.GENOME: "likelihoods of bases",
    Kind.CLASSIFIER: "classification",
    Kind.REGRESSOR: "regression",
    Kind.TAGGER: "token-classification",
}
_NAMESPACE = uuid.UUID(
    "9d6d4a0e-51b7-5e0f-8a43-2f1f4ad0c7be"
)  # of serial numbers, which follow from the digest
_BASE = "base"


def bom(found: Records) -> dict[str, Any]:
    """The bill as plain values."""
    data = {f"data:{name}": digest for name, digest in _data(found)}
    libraries = [{"type": "library", "bom-ref": f"pypi:{name}", "name": name, "version": version(name)}
                 for name in _LIBRARIES]  # fmt: skip
    base = _base(found)
    told = found.manifest
    ended = clock.utc(found.made["evaluate"].ended_ms)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, told.digest)}",
        "version": 1,
        "metadata": {
            "timestamp": ended.isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "freehold", "version": told.freehold}]},
            "component": _model(found, base),
        },
        "components": [
            *(
                {"type": "data", "bom-ref": ref, "name": ref.removeprefix("data:"), "hashes": _hashes(digest)}
                for ref, digest in data.items()
            ),
            *base,
            *libraries,
        ],
        "dependencies": [
            {
                "ref": "model",
                "dependsOn": [*_learnt_from(data), *(one["bom-ref"] for one in [*base, *libraries])],
            },
            *_corpus_from(data),
        ],
    }


def _model(found: Records, base: list[dict[str, Any]]) -> dict[str, Any]:
    told = found.manifest
    made: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": f"own/{told.name}",
        "version": told.digest[:16],
        "licenses": _licences(told.licence),
        "components": [
            {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": _hashes(file.sha256)}
            for name, file in told.files.items()
        ],
        "modelCard": _card(found),
        "properties": [
            _property("digest", told.digest),
            _property("parameters", str(told.parameters)),
            *(_property(f"code:{name}", made.code) for name, made in found.made.items()),
            *(_property(f"machine:{name}", made.machine) for name, made in found.made.items()),
            _property("seed", str(found.plan.seed)),
        ],
    }
    if base:
        made["pedigree"] = {"ancestors": [{k: v for k, v in one.items() if k != "bom-ref"} for one in base]}
    return made


def _base(found: Records) -> list[dict[str, Any]]:
    """The checkpoint that it was adapted from, if it was."""
    if not found.model.base:
        return []
    files = [
        {"type": "file", "name": name.removeprefix("checkpoint/"), "hashes": _hashes(digest)}
        for name, digest in found.model.inputs.items()
        if name.startswith("checkpoint/")
    ]
    made = {"type": "machine-learning-model", "bom-ref": _BASE, "name": found.model.base, "components": files}
    if found.model.base_licence:
        made["licenses"] = _licences(found.model.base_licence)
    return [made]


def _data(found: Records) -> Iterator[tuple[str, str]]:
    """Files of the corpus, and what they were made from; all by their digests."""
    corpus = found.made["corpus"]
    yield from ((f"corpus/{name}", digest) for name, digest in corpus.outputs.items())
    yield from ((f"source/{name}", digest) for name, digest in corpus.inputs.items())


def _learnt_from(data: Iterable[str]) -> list[str]:
    return [ref for ref in data if ref == "data:corpus/train.jsonl"]


def _corpus_from(data: Iterable[str]) -> Iterator[dict[str, Any]]:
    sources = [ref for ref in data if ref.startswith("data:source/")]
    yield from ({"ref": ref, "dependsOn": sources} for ref in data if ref.startswith("data:corpus/"))


def _card(found: Records) -> dict[str, Any]:
    told = found.evaluation
    return {
        "modelParameters": {
            "approach": {"type": _LEARNS[found.plan.recipe]},
            "task": _TASKS[found.model.kind],
            "datasets": [{"ref": "data:corpus/train.jsonl"}, {"ref": "data:corpus/held_out.jsonl"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": [_metric(one) for one in told.measured]},
        "considerations": {"technicalLimitations": list(told.notes)},
        "properties": [_property(name, str(value)) for name, value in found.model.about.items()],
    }


def _metric(one: Measured) -> Mapping[str, Any]:
    return {
        "type": one.metric,
        "value": f"{one.value.estimate:.6g}",
        "slice": f"{one.subject} on {one.on}",
        "confidenceInterval": {"lowerBound": f"{one.value.low:.6g}", "upperBound": f"{one.value.high:.6g}"},
    }


def _licences(name: str) -> list[dict[str, Any]]:
    return [{"license": {"id": name} if name in SPDX else {"name": name}}]


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"freehold:{name}", "value": value}
