"""What is served, from what was trained: the same files, and for llama.cpp one GGUF file beside them."""

import shutil
from pathlib import Path

from freehold import __version__
from freehold.own import artefact
from freehold.own.artefact import MODEL, Artefact, Kind
from freehold.own.plan import Plan
from freehold.own.publish import gguf_writing
from freehold.own.publish.manifest import Engine, Manifest, digest_of_files, files_of
from freehold.vocabulary.errors import BadRequest

GGUF = "model.gguf"  # in the folder `model`


def pack(run: Path, plan: Plan, folder: Path) -> Manifest:
    """Put the model of RUN/train into `folder`/model; what it comes to.

    Raises BadRequest where the plan asks for an engine that cannot serve it.
    """
    source, target = run / "train" / MODEL, folder / MODEL
    trained = artefact.read(source)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    why = _gguf(target, trained, plan) if trained.kind is Kind.LANGUAGE else "it does not chat"
    engines = _engines(trained.kind, plan, why)
    files = files_of(target)
    return Manifest(
        name=trained.name,
        kind=trained.kind,
        recipe=trained.recipe,
        licence=trained.licence,
        engines=engines,
        digest=digest_of_files(files),
        files=files,
        gguf=GGUF if GGUF in files else "",
        quantisation=plan.publish.quantisation if GGUF in files else "",
        no_gguf=why,
        parameters=trained.parameters,
        context=trained.context,
        base=trained.base,
        base_licence=trained.base_licence,
        inputs=trained.inputs,
        jurisdiction=plan.publish.jurisdiction,
        region=plan.publish.region,
        freehold=__version__,
    )


def _gguf(folder: Path, trained: Artefact, plan: Plan) -> str:
    """Write the GGUF file; why there is none, if so."""
    try:
        gguf_writing.write(folder, folder / GGUF, plan.publish.quantisation, trained.name, trained.licence)
    except BadRequest as error:
        return error.message
    return ""


def _engines(kind: Kind, plan: Plan, why: str) -> tuple[Engine, ...]:
    if kind is not Kind.LANGUAGE:
        able: tuple[Engine, ...] = (Engine.PREDICTOR,)
    else:
        able = (
            (Engine.TRANSFORMERS, Engine.VLLM)
            if why
            else (Engine.LLAMA_CPP, Engine.TRANSFORMERS, Engine.VLLM)
        )
    asked = plan.publish.engine
    if asked == "auto":
        return able
    if asked not in able:
        raise BadRequest(
            f"{asked} cannot serve {plan.name}" + (f": {why}" if why else ""),
            remedy=f"Set `engine` in [publish] to one of: auto, {', '.join(able)}.",
        )
    return (Engine(asked),)
