"""What is found without a configuration, asked of real servers on free ports."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from freehold.catalog.providers import Row, providers
from freehold.catalog.resolve import resolve_all
from freehold.cli.discover import PROBE_S, Found, discover, usual_ports
from freehold.cli.scaffold import aliases, scaffold
from freehold.config.load import Loaded, load_text
from tests.answering import Answering, answering

MODELS = json.dumps({"object": "list", "data": [{"id": "qwen3:8b"}, {"id": "gemma"}]})
KEYS = {"OPENAI_API_KEY": "sk-top-secret", "ANTHROPIC_API_KEY": "ak-top-secret"}


@contextmanager
def server(body: str = MODELS, status: int = 200, wait: Callable[[], object] = lambda: None) -> Iterator[int]:
    """A server that answers every GET of /v1/models with `body`, after `wait`; gives its port."""

    class Handler(Answering):
        def answer(self) -> None:
            wait()
            with suppress(BrokenPipeError):  # who asks does not wait for long
                self.send_response(status if self.path == "/v1/models" else 404)
                self.end_headers()
                self.wfile.write(body.encode())

    with answering(Handler) as url:
        yield urlsplit(url).port or 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_keys_in_the_environment_are_found_in_the_order_of_the_rows() -> None:
    found = discover({"MISTRAL_API_KEY": "x", "OPENAI_API_KEY": "y", "GROQ_API_KEY": "  "}, {})

    assert [(one.row.name, one.noticed) for one in found] == [
        ("openai", "OPENAI_API_KEY"),
        ("mistral", "MISTRAL_API_KEY"),
    ]


@pytest.mark.parametrize("region", [{}, {"AWS_REGION": "eu-west-1"}])
def test_a_cloud_is_found_when_the_environment_says_where_it_is(region: dict[str, str]) -> None:
    env = {"AWS_BEARER_TOKEN_BEDROCK": "b"} | region
    found = discover(env, {})

    assert [one.row.name for one in found] == ["bedrock"] * len(region)
    loaded = load_text(scaffold(found), "f")
    assert isinstance(loaded, Loaded)
    resolution = resolve_all(loaded.config, env, loaded.document)
    assert len(resolution.errors) == (0 if region else 1)  # where nothing is found, there is no alias


@pytest.mark.parametrize(
    "row", [row for row in providers().values() if row.shared_key], ids=lambda row: row.name
)
def test_a_variable_that_is_set_for_something_else_too_is_no_wish_to_send_prompts_there(row: Row) -> None:
    env = {name: "x" for names in (row.key_env, *row.needs.values()) for name in names}

    assert discover(env, {}) == []
    named = load_text(f'[providers.{row.name}]\n[aliases]\nfast = ["{row.name}/m"]\n', "f")
    assert isinstance(named, Loaded)
    assert resolve_all(named.config, env, named.document).errors == ()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no slow server."""
    monkeypatch.setattr("freehold.cli.discover.PROBE_S", 20.0)


@pytest.mark.usefixtures("patient")
def test_a_local_server_is_found_with_its_models() -> None:
    with server() as port:
        (found,) = discover({}, {"ollama": port, "vllm": free_port()})

    assert (found.row.name, found.noticed, found.models) == (
        "ollama",
        f"127.0.0.1:{port}",
        ("gemma", "qwen3:8b"),
    )


@pytest.mark.parametrize(
    "other",
    [
        lambda: server("<html>a web page</html>"),
        lambda: server('{"models": []}'),
        lambda: server('["gpt"]'),
        lambda: server('{"data": [{"name": "x"}]}'),
        lambda: server("null"),
        lambda: server(MODELS, status=401),
        lambda: server(MODELS, status=302),
        lambda: server(MODELS, wait=lambda: time.sleep(PROBE_S * 2)),
    ],
    ids=["page", "other shape", "array", "no ids", "null", "asks for a key", "redirects", "slow"],
)
def test_whatever_else_answers_there_is_not_counted(other: Callable[[], AbstractContextManager[int]]) -> None:
    with other() as port:
        assert discover({}, {"vllm": port}) == []


@pytest.mark.usefixtures("patient")
def test_servers_are_asked_at_the_same_time() -> None:
    names = [name for name, row in providers().items() if row.local][:3]
    together = threading.Barrier(len(names))  # nobody answers before everybody was asked
    with ExitStack() as stack:
        ports = {name: stack.enter_context(server(wait=lambda: together.wait(10))) for name in names}

        assert {one.row.name for one in discover({}, ports)} == set(names)


def test_the_usual_ports_are_the_documented_ones() -> None:
    assert usual_ports() == {
        "ollama": 11434,
        "vllm": 8000,
        "sglang": 30000,
        "llamacpp": 8080,
        "lmstudio": 1234,
        "own": 4144,
    }


@pytest.fixture
def found() -> Iterator[list[Found]]:
    with server() as first, server(json.dumps({"data": [{"id": "gemma"}, {"id": "odd*name"}]})) as second:
        yield discover(KEYS, {"ollama": first, "vllm": second})


def test_every_name_stands_for_whoever_has_it(found: list[Found]) -> None:
    pools = aliases(found)

    assert pools["gpt-*"] == ["openai/gpt-*"]
    assert pools["claude-*"] == ["anthropic/claude-*"]
    assert pools["openai/*"] == ["openai/*"]
    assert pools["gemma"] == ["ollama/gemma", "vllm/gemma"]
    assert pools["qwen3:8b"] == ["ollama/qwen3:8b"]
    assert pools["vllm/*"] == ["vllm/*"]
    assert "odd*name" not in pools


def test_what_is_written_loads_checks_clean_and_holds_no_key(found: list[Found]) -> None:
    text = scaffold(found)
    loaded = load_text(text, "f")

    assert isinstance(loaded, Loaded), loaded
    resolution = resolve_all(loaded.config, KEYS, loaded.document)
    assert (resolution.errors, resolution.warnings) == ((), ())
    assert resolution.resolved is not None
    assert set(resolution.resolved.accounts) == {"openai", "anthropic", "ollama", "vllm"}
    assert "top-secret" not in text


def test_every_knob_of_the_server_is_explained_with_its_default(found: list[Found]) -> None:
    text = scaffold(found)

    assert "# workers = 1  # processes on the port, each with its own journal" in text
    assert '# host = "127.0.0.1"  # the address to listen on; anything but loopback needs keys' in text


def test_what_is_written_still_loads_with_every_knob_uncommented(found: list[Found]) -> None:
    lines = [
        line.removeprefix("# ") if " = " in line and "  # " in line else line
        for line in scaffold(found).split("\n")
    ]

    assert isinstance(load_text("\n".join(lines), "f"), Loaded)
