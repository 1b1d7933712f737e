"""A gateway process that may be killed, starved and started again, and a caller on a raw socket."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h11

from freehold.ledger import query
from freehold.vocabulary.exchange import Exchange
from tests.warm import Warm

PATIENCE_S = 60.0  # far more than anything here takes on a busy machine


class Gateway:
    """`freehold up` on a free port, by default the same one after each start."""

    def __init__(self, folder: Path, config: str) -> None:
        self.file, self.errors, self.state = folder / "freehold.toml", folder / "stderr", folder / "state"
        self.file.write_text(f'state_dir = "{self.state}"\n{config}', encoding="utf-8")
        self.port = 0
        self.said: dict[str, Any] = {}  # once it was ready
        self.process: Warm | None = None

    def start(self, *words: str) -> Self:
        """Start, and wait until it says that it is ready."""
        command = (
            "up",
            "--config",
            str(self.file),
            "--json",
            "--port",
            str(self.port),
            "--console-port",
            "0",
        )
        with self.errors.open("a") as stderr:
            self.process = Warm("freehold", *command, *words, stderr=stderr)
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()
        self.said = json.loads(line)
        self.port = int(self.said["url"].rpartition(":")[2])
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def tell(self, sign: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(sign)

    def ended(self, within_s: float = PATIENCE_S) -> int:
        """Wait for its end; the exit code."""
        assert self.process is not None
        return self.process.wait(within_s)

    def kill(self) -> None:
        """End it without a word, if it is not over already."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def exchanges(self) -> list[Exchange]:
        """All that was recorded, oldest first."""
        return query.tail(self.state, 1_000_000)

    def recorded(self, exchange: str) -> Exchange:
        """What was recorded of one exchange."""
        found = query.find(self.state, exchange)
        assert isinstance(found, Exchange), f"{exchange} is not on the ledger"
        return found

    def workers(self) -> list[int]:
        """The process ids of its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(child) for child in children]


@contextmanager
def gateway(folder: Path, config: str, *words: str) -> Iterator[Gateway]:
    """A running gateway; whatever is left of it at the end of the block is killed."""
    running = Gateway(folder, config)
    try:
        yield running.start(*words)
    finally:
        running.kill()


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer as it came; `whole` is whether HTTP says that this was all."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True
    interim: tuple[int, ...] = ()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def exchange(self) -> str:
        return self.headers["x-freehold-exchange"]

    def events(self) -> list[Any]:
        """The data of every whole event; what is not JSON stays text."""
        lines = [line for block in self.body.decode().split("\n\n")[:-1] for line in block.split("\n")]
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [json.loads(said) if said.startswith("{") else said for said in data]

    def text(self) -> str:
        """What a chat stream said."""
        choices = (event["choices"] for event in self.events() if isinstance(event, dict))
        return "".join(one["delta"].get("content") or "" for found in choices for one in found)


class Caller:
    """One connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._left = b""  # read, and part of the next answer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def begun(self) -> None:
        """Wait for the first event of a stream; `hear` tells it again."""
        async with asyncio.timeout(PATIENCE_S):
            self._left += await self.reader.readuntil(b"\n\n")

    async def hear(self, method: str = "POST", patience_s: float = PATIENCE_S) -> Heard:
        """Read one answer to its end, good or bad; h11 says where that is."""
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        connection.send(h11.Request(method=method, target="/", headers=[("host", "gateway")]))
        connection.send(h11.EndOfMessage())
        connection.receive_data(self._left) if self._left else None
        head: h11.Response | None = None
        body, interim, whole = bytearray(), list[int](), False
        async with asyncio.timeout(patience_s):
            while True:
                event = await self._next(connection)
                if isinstance(event, h11.InformationalResponse):
                    interim.append(event.status_code)
                elif isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    whole = isinstance(event, h11.EndOfMessage)
                    break
        self._left = connection.trailing_data[0]
        assert head is not None, "the connection was closed without an answer"
        headers = {name.decode(): value.decode() for name, value in head.headers}
        return Heard(head.status_code, headers, bytes(body), whole, tuple(interim))

    async def _next(self, connection: h11.Connection) -> object:
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError:
                return None  # closed in the middle
            if event is not h11.NEED_DATA:
                return event
            try:
                data = await self.reader.read(65_536)
            except ConnectionError:
                return None
            connection.receive_data(data)

    async def hung_up(self, within_s: float = PATIENCE_S) -> bool:
        """Whether the gateway closes the connection without another word."""
        async with asyncio.timeout(within_s):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    def leave(self) -> None:
        """Hang up."""
        self.writer.transport.abort()


@asynccontextmanager
async def caller(port: int) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()


def request(
    body: bytes = b"",
    path: str = "/v1/chat/completions",
    *,
    method: str = "POST",
    headers: Sequence[str] = (),
    version: str = "1.1",
) -> bytes:
    """A request's bytes."""
    lines = [f"{method} {path} HTTP/{version}", "host: gateway", *headers]
    if body or method == "POST":
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def ask(port: int, data: bytes, method: str = "POST") -> Heard:
    """One request on a connection of its own."""
    async with caller(port) as calling:
        await calling.say(data)
        return await calling.hear(method)


async def eventually(holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Wait for something that another process or thread does."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what it waits for is not ours to announce
            await asyncio.sleep(0.03)
