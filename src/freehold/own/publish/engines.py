"""By which command each engine serves a model, and where it says that it is well.

vLLM's command follows its documentation and has not been run here: it wants a GPU
(https://docs.vllm.ai/en/stable/cli/serve.html).
"""

import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from freehold.own.artefact import MODEL
from freehold.own.publish.manifest import Engine, Manifest
from freehold.vocabulary.errors import BadRequest

HOST = "127.0.0.1"
_SERVING = ("transformers", "fastapi", "uvicorn", "pydantic", "openai")  # what `transformers serve` imports


class Launch(NamedTuple):
    """What is run, and the path that answers with 200 once the model is there."""

    command: tuple[str, ...]
    health: str
    called: str = ""  # what the engine calls the model, if not by its name


def launch(engine: Engine, folder: Path, manifest: Manifest, port: int) -> Launch:
    """How a model of RUN/publish is served on a port. Raises BadRequest where the engine or its file is missing."""
    return _LAUNCHES[engine](folder / MODEL, manifest, str(port))


def _llama_cpp(model: Path, manifest: Manifest, port: str) -> Launch:
    if not manifest.gguf:
        raise BadRequest(
            f"{manifest.name} has no GGUF file: {manifest.no_gguf or 'none was packed'}",
            remedy='Publish it for another engine: engine = "transformers" in [publish].',
        )
    file = str(model / manifest.gguf)
    if find_spec("llama_cpp") is not None:
        words = ("--model", file, "--model_alias", manifest.name, "--n_ctx", str(manifest.context))
        quiet = ("--verbose", "False", "--host", HOST, "--port", port)
        return Launch((sys.executable, "-m", "llama_cpp.server", *words, *quiet), "/v1/models")
    server = _found(
        "llama-server", 'Run `pip install "freehold[llamacpp]"`, or put llama-server on the PATH.'
    )
    words = ("-m", file, "--alias", manifest.name, "-c", str(manifest.context))
    return Launch((server, *words, "--host", HOST, "--port", port), "/health")


def _transformers(model: Path, manifest: Manifest, port: str) -> Launch:
    if missing := [name for name in _SERVING if find_spec(name) is None]:
        raise BadRequest(
            f"transformers cannot serve without {', '.join(missing)}",
            remedy='Run `pip install "transformers[serving]"`, or publish for another engine.',
        )
    # It answers for no other name than the folder's, with a revision behind it (transformers/cli/serving).
    words = ("serve", str(model), "--host", HOST, "--port", port)
    return Launch((sys.executable, "-m", "transformers.cli.transformers", *words), "/health", str(model))


def _vllm(model: Path, manifest: Manifest, port: str) -> Launch:
    server = _found("vllm", "Install vLLM on a machine with a GPU, or publish for another engine.")
    words = ("serve", str(model), "--served-model-name", manifest.name)
    return Launch((server, *words, "--host", HOST, "--port", port), "/health")


def _predictor(model: Path, manifest: Manifest, port: str) -> Launch:
    words = ("-m", "freehold.own.publish.answering", str(model), port)
    return Launch((sys.executable, *words), "/health")


def _found(name: str, remedy: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise BadRequest(f"`{name}` is not on the PATH", remedy=remedy)
    return path


_LAUNCHES: dict[Engine, Callable[[Path, Manifest, str], Launch]] = {
    Engine.LLAMA_CPP: _llama_cpp,
    Engine.TRANSFORMERS: _transformers,
    Engine.VLLM: _vllm,
    Engine.PREDICTOR: _predictor,
}
