"""By which command each engine serves a model, and where it says that it is well.

vLLM's command follows its documentation and has not been run here: it wants a GPU
(https://docs.vllm.ai/en/stable/cli/serve.html).
"""

import re
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from freehold.config.environment import Environment
from freehold.own.artefact import MODEL
from freehold.own.publish.manifest import Engine, Manifest
from freehold.vocabulary.errors import BadRequest

HOST = "127.0.0.1"
KEY_VARIABLE = "API_KEY"  # of llama_cpp.server, and of our own engine
_KEY_VARIABLES = (KEY_VARIABLE, "LLAMA_API_KEY", "VLLM_API_KEY")
# Where things lie, and which processors to use. Not the keys of providers, nor what an engine takes for a setting:
# llama_cpp.server obeys HOST before its --host.
_PASSED = re.compile(
    r"PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|VIRTUAL_ENV|PYTHON\w+|HF_HOME|XDG_\w+"
    r"|(?:CUDA|NVIDIA|ROCR|HIP|NCCL|OMP|MKL|OPENBLAS|TORCH|VLLM|GGML)_\w+"
)
_SERVING = ("transformers", "fastapi", "uvicorn", "pydantic", "openai")  # what `transformers serve` imports


class Launch(NamedTuple):
    """What is run, and the path that answers with 200 once the model is there."""

    command: tuple[str, ...]
    health: str
    called: str = ""  # what the engine calls the model, if not by its name


def launch(engine: Engine, folder: Path, manifest: Manifest, port: int) -> Launch:
    """How a model of RUN/publish is served on a port. Raises BadRequest where the engine or its file is missing."""
    return _LAUNCHES[engine](folder / MODEL, manifest, str(port))


def environment_of(env: Environment, key: str) -> dict[str, str]:
    """What an engine finds in its environment: a part of ours, and the key that whoever asks it must send.

    vLLM and both servers of llama.cpp ask for it, and our own engine; transformers cannot.
    """
    passed = {name: value for name, value in env.items() if _PASSED.fullmatch(name)}
    return {**passed, "HF_HUB_OFFLINE": "1", **dict.fromkeys(_KEY_VARIABLES, key)}


def _llama_cpp(model: Path, manifest: Manifest, port: str) -> Launch:
    if not manifest.gguf:
        raise BadRequest(
            f"{manifest.name} has no GGUF file: {manifest.no_gguf or 'none was packed'}",
            remedy='Publish it for another engine: engine = "transformers" in [publish].',
        )
    file = str(model / manifest.gguf)
    if find_spec("llama_cpp") is not None:
        words = ("--model", file, "--model_alias", manifest.name, "--n_ctx", str(manifest.context))
        # It would cut off a streamed answer as soon as another asks.
        quiet = ("--verbose", "False", "--interrupt_requests", "False", "--host", HOST, "--port", port)
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
