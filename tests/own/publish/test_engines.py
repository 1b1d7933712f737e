"""By which command each engine is run, and what is said where it cannot be."""

import sys
from pathlib import Path

import pytest

from freehold.own.artefact import Kind
from freehold.own.publish import engines
from freehold.own.publish.engines import environment_of, launch
from freehold.own.publish.manifest import Engine, Manifest
from freehold.vocabulary.errors import BadRequest

TOLD = Manifest(
    "small", Kind.LANGUAGE, "text", "MIT", (Engine.LLAMA_CPP,), "ab", {}, gguf="s.gguf", context=512
)


def installed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *modules: str, programs: tuple[str, ...] = ()
) -> None:
    """Only these modules can be found, and on the PATH only these programs."""
    monkeypatch.setattr(engines, "find_spec", lambda name: object() if name in modules else None)
    monkeypatch.setenv("PATH", str(folder))
    for name in programs:
        (folder / name).write_text("#!/bin/sh")
        (folder / name).chmod(0o755)


def test_llama_cpp_is_run_by_its_python_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path, "llama_cpp", programs=("llama-server",))

    command, health, called = launch(Engine.LLAMA_CPP, tmp_path, TOLD, 4150)

    assert command[:3] == (sys.executable, "-m", "llama_cpp.server")
    words = dict(zip(command[3::2], command[4::2], strict=True))
    assert words == {
        "--model": str(tmp_path / "model" / "s.gguf"),
        "--model_alias": "small",
        "--n_ctx": "512",
        "--verbose": "False",
        "--interrupt_requests": "False",
        "--host": "127.0.0.1",
        "--port": "4150",
    }
    assert (health, called) == ("/v1/models", "")


def test_without_it_by_llama_server_of_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path, programs=("llama-server",))

    command, health, _ = launch(Engine.LLAMA_CPP, tmp_path, TOLD, 4150)

    assert command[0] == str(tmp_path / "llama-server")
    assert {"--alias", "small", "-c", "512", "127.0.0.1", "4150"} <= set(command)
    assert health == "/health"


def test_vllm_serves_under_the_models_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path, programs=("vllm",))

    command, health, _ = launch(Engine.VLLM, tmp_path, TOLD, 4150)

    served = ("serve", str(tmp_path / "model"), "--served-model-name", "small")
    assert command == (str(tmp_path / "vllm"), *served, "--host", "127.0.0.1", "--port", "4150")
    assert health == "/health"


def test_transformers_calls_the_model_by_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path, "transformers", "fastapi", "uvicorn", "pydantic", "openai")

    command, _, called = launch(Engine.TRANSFORMERS, tmp_path, TOLD, 4150)

    assert command[1:5] == ("-m", "transformers.cli.transformers", "serve", called)
    assert called == str(tmp_path / "model")


@pytest.mark.parametrize(
    ("engine", "modules", "words", "remedy"),
    [
        (Engine.LLAMA_CPP, (), "llama-server", "llamacpp"),
        (Engine.VLLM, (), "vllm", "GPU"),
        (Engine.TRANSFORMERS, ("transformers", "uvicorn", "pydantic"), "fastapi, openai", "serving"),
    ],
)
def test_an_engine_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    engine: Engine,
    modules: tuple[str, ...],
    words: str,
    remedy: str,
) -> None:
    installed(monkeypatch, tmp_path, *modules)

    with pytest.raises(BadRequest, match=words) as raised:
        launch(engine, tmp_path, TOLD, 4150)
    assert remedy in raised.value.remedy


def test_a_model_without_a_gguf_file_says_why_there_is_none(tmp_path: Path) -> None:
    told = Manifest(
        "bare", Kind.LANGUAGE, "text", "MIT", (), "ab", {}, no_gguf="its shape has no place there"
    )

    with pytest.raises(BadRequest, match="bare has no GGUF file: its shape has no place there"):
        launch(Engine.LLAMA_CPP, tmp_path, told, 4150)


def test_an_engine_gets_a_key_and_neither_our_secrets_nor_what_it_takes_for_a_setting() -> None:
    ours = {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "0", "PYTHONPATH": "/src"}
    env = ours | {
        "OPENAI_API_KEY": "sk-1",
        "HF_TOKEN": "hf_1",
        "API_KEY": "x",
        "HOST": "0.0.0.0",
        "PORT": "1",
    }

    told = environment_of(env, "drawn")

    assert {name: told[name] for name in ours} == ours
    assert (told["API_KEY"], told["VLLM_API_KEY"], told["HF_HUB_OFFLINE"]) == ("drawn", "drawn", "1")
    assert not {"OPENAI_API_KEY", "HF_TOKEN", "HOST", "PORT"} & set(told)
