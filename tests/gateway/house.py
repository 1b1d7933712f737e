"""A gateway in a process of its own, sparring partners in a thread, and what a caller can see of both."""

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack
from urllib.parse import quote, urlsplit

from freehold.gateway.keys import KeyStore
from freehold.ledger import query
from freehold.sparring.respond import Traits
from freehold.sparring.server import Sparring
from freehold.vocabulary.exchange import Exchange
from tests.warm import Warm

T = TypeVar("T")

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "count-tokens": "/v1/messages/count_tokens",
    "embeddings": "/v1/embeddings",
}
METHODS = {"gemini": "generateContent", "gemini-embeddings": "embedContent"}
PATIENCE_S = (
    60.0  # far more than any answer here takes on a busy machine: a test that hangs fails, and says where
)


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file and what is in it, less those that a running gateway takes away meanwhile."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with suppress(FileNotFoundError):
            yield path, path.read_bytes()


class Partners:
    """Sparring partners on an event loop in a thread, so that tests and SDKs may block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._running: list[Sparring] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for partner in self._running:
            self._do(partner.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def open(self, fault: str = "ok", **traits: Unpack[Traits]) -> Sparring:
        """Start a partner on a free port."""
        partner = Sparring(fault=fault, **traits)
        self._do(partner.start())
        self._running.append(partner)
        return partner

    def tell(self, partner: Sparring, fault: str) -> None:
        """From now on, misbehave like this."""

        async def told() -> None:
            partner.fault = fault

        self._do(told())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as its caller saw it; `whole` is whether HTTP came to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def streamed(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    def events(self) -> list[tuple[str, Any]]:
        """Each event's name and data; what is not JSON stays text."""
        found = []
        blocks = self.body.decode().replace("\r\n", "\n").split("\n\n")
        assert blocks[-1] == "", f"the stream ends inside an event: {blocks[-1]!r}"
        for block in blocks[:-1]:
            lines = [line for line in block.split("\n") if not line.startswith(":")]
            name = "".join(line.removeprefix("event: ") for line in lines if line.startswith("event:"))
            data = "".join(line.removeprefix("data: ") for line in lines if line.startswith("data:"))
            if data:
                found.append((name, _json_or_text(data)))
        return found

    def text(self) -> str:
        """What was said, in either dialect, streamed or not."""
        if not self.streamed:
            return _words(self.json())
        return "".join(_words(data) for _, data in self.events() if isinstance(data, dict))

    def error(self) -> Any:
        """The error that was told: as the body, or as the last event of a stream; Google's in the others' names."""
        told = self.events()[-1][1] if self.streamed else self.json()
        assert isinstance(told, dict), told
        error = told["error"]
        if "status" not in error:
            return error
        detail: dict[str, Any] = next(iter(error.get("details", ())), {})
        said = {"message": error["message"], "type": error["status"], "code": detail.get("reason")}
        return said | detail.get("metadata", {})


def _words(told: dict[str, Any]) -> str:
    """The text in an answer, or in one event of a stream, of any dialect."""
    if told.get("type") == "response.output_text.delta":
        return str(told["delta"])
    said = [choice.get("message") or choice["delta"] for choice in told.get("choices", ())]
    found = [one.get("content") or "" for one in said]
    blocks = list(told["content"]) if isinstance(told.get("content"), list) else []
    if isinstance(told.get("delta"), dict):
        blocks.append(told["delta"])
    for item in told.get("output", ()):
        blocks += item.get("content", ()) if item["type"] == "message" else ()
    for candidate in told.get("candidates", ()):
        blocks += [part for part in candidate.get("content", {}).get("parts", ()) if not part.get("thought")]
    return "".join([*found, *(block.get("text") or "" for block in blocks)])


def _json_or_text(data: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


@dataclass(frozen=True, slots=True)
class House:
    """A running gateway."""

    url: str
    state: Path
    process: Warm = field(repr=False)

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Said:
        """Send bytes, and read the answer to its end, good or bad."""
        return post(f"{self.url}{path}", body, headers)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Said:
        return _asked("GET", f"{self.url}{path}", None, headers or {})

    def ask(self, dialect: str, model: str, *, stream: bool = False, **fields: Any) -> Said:
        """Ask a plain question."""
        return self.post(path(dialect, model, stream), question(dialect, model, stream=stream, **fields))

    def exchange(self, said: Said) -> Exchange:
        """What the ledger says of an answer, at the moment when its last byte has come."""
        found = query.find(self.state, said.headers["x-freehold-exchange"])
        assert isinstance(found, Exchange), "the answer is whole, and the ledger knows nothing of it"
        return found

    def exchanges(self) -> list[Exchange]:
        """All exchanges, oldest first."""
        return query.tail(self.state, 1_000_000)


def path(dialect: str, model: str, stream: bool = False) -> str:
    """Where a dialect's requests go."""
    if dialect not in METHODS:
        return PATHS[dialect]
    method = "streamGenerateContent?alt=sse" if stream else METHODS[dialect]
    return f"/v1beta/models/{quote(model)}:{method}"


def question(dialect: str, model: str, *, stream: bool = False, **fields: Any) -> bytes:
    """A request's body: the same words in any dialect."""
    said = "Which way is north?"
    parts = {"parts": [{"text": said}]}
    known: dict[str, dict[str, Any]] = {
        "embeddings": {"model": model, "input": said},
        "gemini-embeddings": {"model": f"models/{model}", "content": parts},
        "gemini": {"contents": [{"role": "user", **parts}]},
        "responses": {"model": model, "input": said},
    }
    asked = known.get(dialect) or {"model": model, "messages": [{"role": "user", "content": said}]}
    if dialect == "messages":
        asked["max_tokens"] = 1_000
    if stream and dialect != "gemini":
        asked["stream"] = True
        if dialect == "chat":
            asked["stream_options"] = {"include_usage": True}
    return json.dumps(asked | fields).encode()


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Said:
    """Send a request's bytes to anybody."""
    return _asked("POST", url, body, {"content-type": "application/json", **(headers or {})})


def _asked(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Said:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_S)
    try:
        target = f"{where.path}?{where.query}" if where.query else where.path
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        try:
            return Said(answer.status, told, answer.read())
        except http.client.IncompleteRead as broken:
            return Said(answer.status, told, broken.partial, whole=False)
    finally:
        connection.close()


@contextmanager
def house(folder: Path, config: str, *, keys: Callable[[KeyStore], object] | None = None) -> Iterator[House]:
    """Serve a configuration until the block ends; then the gateway must stop in good order."""
    folder.mkdir(exist_ok=True)
    file, errors = folder / "freehold.toml", folder / "stderr"
    state = folder / "state"
    file.write_text(f'state_dir = "{state}"\n{config}', encoding="utf-8")
    if keys is not None:
        keys(KeyStore(state))
    words = ("up", "--config", str(file), "--port", "0", "--json", "--console-port", "0")
    with errors.open("w") as stderr:
        process = Warm("freehold", *words, stderr=stderr)
    try:
        line = process.stdout.readline()
        assert line, errors.read_text()
        yield House(json.loads(line)["url"], state, process)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.communicate()
    assert "Traceback" not in errors.read_text(), errors.read_text()


def provider(name: str, partner: Sparring, *dialects: str, fault: str | None = None) -> str:
    """A provider's table: who answers, in which dialects, and with which fault each time."""
    lines = [
        f'[providers."{name}"]',
        f'base_url = "{partner.base_url}"',
        f"dialects = {json.dumps(list(dialects))}",
    ]
    if fault is not None:
        lines.append(f'headers = {{ "x-sparring" = "{fault}" }}')
    return "\n".join(lines) + "\n"


def aliases(**pools: list[str]) -> str:
    """The table of aliases, each with its pool."""
    return "[aliases]\n" + "".join(f'"{name}" = {json.dumps(pool)}\n' for name, pool in pools.items())
