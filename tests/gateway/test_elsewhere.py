"""What one endpoint cannot do and the next one can; and what is no endpoint's business."""

import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import Request, urlopen

import pytest

from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Outcome
from tests.answering import Answering, answering
from tests.gateway.house import Partners, aliases, house, path, post, provider, question
from tests.gateway.process import gateway


@pytest.fixture
def first(partners: Partners) -> Sparring:
    return partners.open(seed=4)


@pytest.fixture
def second(partners: Partners) -> Sparring:
    return partners.open(seed=5)


def test_a_field_that_one_dialect_cannot_carry_is_asked_of_the_next_endpoint(
    first: Sparring, second: Sparring, tmp_path: Path
) -> None:
    config = provider("first", first, "messages") + provider("second", second, "chat")
    with house(tmp_path, config + aliases(m=["first/m", "second/m"])) as running:
        said = running.ask("chat", "m", n=2)
        assert (said.status, said.headers["x-freehold-endpoint"]) == (200, "second/m")
        tried = [(attempt.endpoint, attempt.outcome) for attempt in running.exchange(said).attempts]
        assert tried == [("first/m", "unfit"), ("second/m", "ok")]
    assert not first.requests


def test_a_field_that_no_endpoint_can_carry_is_the_callers_to_change(first: Sparring, tmp_path: Path) -> None:
    with house(tmp_path, provider("first", first, "messages") + aliases(m=["first/m"])) as running:
        said = running.ask("chat", "m", n=2)
        assert (said.status, said.error()["code"]) == (400, "unsupported_field")
        assert "`n`" in said.error()["message"]
        exchange = running.exchange(said)
        assert (exchange.outcome, exchange.code) == (Outcome.REJECTED, "unsupported_field")


@pytest.mark.parametrize(
    ("asked", "spoken"), [("embeddings", "gemini-embeddings"), ("gemini-embeddings", "embeddings")]
)
def test_embeddings_are_asked_of_the_other_dialect_too(
    first: Sparring, tmp_path: Path, asked: str, spoken: str
) -> None:
    with house(tmp_path, provider("first", first, spoken) + aliases(m=["first/m"])) as running:
        said = running.ask(asked, "m")
        exchange = running.exchange(said)
    straight = first.base_url.removesuffix("/v1") + path(asked, "m")
    expected = post(straight, question(asked, "m")).json()

    assert (said.status, exchange.dialect, exchange.endpoint) == (200, asked, "first/m")
    assert vector(said.json()) == pytest.approx(vector(expected))
    assert len(vector(expected)) > 1


def vector(told: dict[str, Any]) -> list[float]:
    """The numbers of the first text, in either form."""
    found: list[float] = told["data"][0]["embedding"] if "data" in told else told["embedding"]["values"]
    return found


def test_what_a_stream_loses_on_its_way_is_on_the_ledger(tmp_path: Path) -> None:
    cited = {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {}}}
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "m", "content": [], "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "up"}},
        cited,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    body = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in told).encode()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(body)
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as provider_thread:
        served = provider_thread.submit(answer_once, listening, answer + body)
        config = f"""
[providers.p]
base_url = "http://127.0.0.1:{listening.getsockname()[1]}/v1"
dialects = ["messages"]
"""
        with house(tmp_path, config + aliases(m=["p/m"])) as running:
            said = running.ask("chat", "m", stream=True)
            exchange = running.exchange(said)
        served.result(10)
    assert (said.status, said.text(), exchange.outcome) == (200, "up", Outcome.ANSWERED)
    assert exchange.lost == ("answer.citations",)


@pytest.mark.parametrize("where", ["/v1/messages?beta=true", "/v1/messages?"])
def test_a_query_on_a_model_route_is_no_other_route(first: Sparring, tmp_path: Path, where: str) -> None:
    with house(tmp_path, provider("first", first, "messages") + aliases(m=["first/m"])) as running:
        said = running.post(where, question("messages", "m"))
        assert (said.status, running.exchange(said).endpoint) == (200, "first/m")


def test_workers_that_cannot_start_end_the_start_with_a_reason(first: Sparring, tmp_path: Path) -> None:
    config = provider("first", first, "chat") + aliases(m=["first/m"])
    with gateway(tmp_path, config) as running:
        command = [sys.executable, "-m", "freehold", "up", "--config", str(running.file), "--port", "0"]
        second = subprocess.run(
            [*command, "--workers", "2", "--console-port", "0"],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert second.returncode == 3
    assert "another process writes the journal" in second.stderr
    assert "remedy: Stop the other gateway" in second.stderr
    assert "Traceback" not in second.stderr


class Indiscreet(Answering):
    """A provider that repeats the key it was sent."""

    def answer(self) -> None:
        self.sent()
        said = {"error": {"message": f"Incorrect API key provided: {self.headers['authorization'][7:]}"}}
        self.tell(int(self.path.split("/")[1]), said)


@pytest.mark.parametrize("status", [401, 404, 422])
def test_a_key_that_a_provider_repeats_reaches_neither_the_caller_nor_the_ledger(
    tmp_path: Path, status: int
) -> None:
    with answering(Indiscreet) as url:
        config = f"""
[providers.p]
base_url = "{url}/{status}"
dialects = ["chat"]
headers = {{ authorization = "Bearer sk-very-secret" }}
"""
        with house(tmp_path, config + aliases(m=["p/m"])) as running:
            said = running.ask("chat", "m")
            recorded = repr(running.exchange(said))

    assert "Incorrect API key provided: [hidden]" in said.error()["message"]
    assert "sk-very-secret" not in said.body.decode() + repr(said.headers) + recorded


def test_a_refusal_in_a_coding_that_nobody_can_read_is_not_carried_elsewhere(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 403 Forbidden\r\ncontent-encoding: br\r\ncontent-length: 3\r\n\r\nabc"
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as provider_thread:
        served = provider_thread.submit(answer_once, listening, answer)
        ports = (listening.getsockname()[1], 9)
        providers = "".join(
            f'[providers.p{port}]\nbase_url = "http://127.0.0.1:{port}/v1"\ndialects = ["chat"]\n'
            for port in ports
        )
        with house(tmp_path, providers + aliases(m=[f"p{port}/m" for port in ports])) as running:
            said = running.ask("chat", "m")
            tried = [attempt.endpoint for attempt in running.exchange(said).attempts]
        served.result(10)
    assert (said.status, tried) == (403, [f"p{ports[0]}/m"])


def test_a_key_in_a_refusal_inside_http_200_is_hidden_too(tmp_path: Path) -> None:
    body = b'{"error": {"code": "content_policy_violation", "message": "refused for sk-very-secret"}}'
    answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as provider_thread:
        served = provider_thread.submit(answer_once, listening, answer)
        config = f"""
[providers.p]
base_url = "http://127.0.0.1:{listening.getsockname()[1]}/v1"
dialects = ["chat"]
headers = {{ authorization = "Bearer sk-very-secret" }}
"""
        with house(tmp_path, config + aliases(m=["p/m"])) as running:
            said = running.ask("chat", "m")
            recorded = repr(running.exchange(said))
        served.result(10)
    assert (said.status, said.error()["message"]) == (400, "refused for [hidden]")
    assert "sk-very-secret" not in said.body.decode() + recorded


class Streamer(Answering):
    """A provider whose events come slowly."""

    told: ClassVar[list[dict[str, Any]]]

    def answer(self) -> None:
        self.sent()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in self.told:
            self.wfile.write(b"data: %b\n\n" % json.dumps(event).encode())
            self.pause()

    def pause(self) -> None:
        time.sleep(0.2)


class Moderator(Streamer):
    """A provider that begins to answer and then finds that it may not."""

    told: ClassVar[list[dict[str, Any]]] = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "How to"}}]},
        {"error": {"code": "content_policy_violation", "message": "The answer was stopped."}},
    ]


class EarlyModel(Streamer):
    """A provider that says with every event that it has finished."""

    words = "abcde" * 40
    told: ClassVar[list[dict[str, Any]]] = [
        {"candidates": [{"content": {"parts": [{"text": word}]}, "finishReason": "STOP"}]} for word in words
    ]
    heard: ClassVar[threading.Event]  # the first word, by the caller
    known: ClassVar[list[bool]]  # whether it was, after each word

    def pause(self) -> None:
        self.known.append(self.heard.wait(0.1))


@pytest.mark.parametrize("caller", ["gemini", "chat"])
def test_an_end_that_is_none_holds_nothing_back(tmp_path: Path, caller: str) -> None:
    EarlyModel.heard, EarlyModel.known = threading.Event(), []
    with ExitStack() as started:
        url = started.enter_context(answering(EarlyModel))
        config = f'[providers.p]\nbase_url = "{url}"\ndialects = ["gemini"]\n' + aliases(m=["p/m"])
        running = started.enter_context(house(tmp_path, config))
        asked = Request(running.url + path(caller, "m", True), question(caller, "m", stream=True))
        asked.add_header("content-type", "application/json")
        with urlopen(asked) as answer:
            answer.readline()
            EarlyModel.heard.set()
            answer.read()
        said = running.ask(caller, "m", stream=True)

    assert EarlyModel.known[len(EarlyModel.words) - 1]
    assert said.text() == EarlyModel.words


def test_an_answer_stopped_for_its_content_is_a_refusal_and_no_breakdown(tmp_path: Path) -> None:
    with ExitStack() as started:
        url, config = started.enter_context(answering(Moderator)), "[breaker]\nfailures = 1\n"
        for name in ("p", "q"):
            config += f'[providers.{name}]\nbase_url = "{url}"\ndialects = ["chat"]\n'
        config += '[aliases.m]\npool = ["p/m", "q/m"]\ncontinue = true\n'
        running = started.enter_context(house(tmp_path, config))
        said = [running.ask("chat", "m", stream=True) for _ in range(2)]
        exchanges = running.exchanges()

    assert [one.error()["code"] for one in said] == ["content_policy_violation"] * 2
    for exchange in exchanges:
        assert exchange.outcome is Outcome.CUT
        assert [(one.endpoint, one.outcome) for one in exchange.attempts] == [("p/m", "refused")]
        assert "moderation" in [finding.kind for finding in exchange.findings]


def answer_once(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(answer)
        connection.recv(1)
