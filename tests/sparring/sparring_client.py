"""A client that reports what was on the wire, with h11 as a second opinion on what is whole."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import h11

PROMPT = {"role": "user", "content": "Which way is north?"}


@dataclass
class Seen:
    """One answer as it arrived. `ending` is whole, closed, reset or open (nothing more came in time)."""

    status: int = 0
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    ending: str = "open"
    trailing: bytes = b""
    reads: int = 0
    took_s: float = 0.0
    first_byte_s: float = 0.0

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[str]:
        """The data of every complete event; comments and event names left out."""
        blocks = self.body.decode().replace("\r\n", "\n").split("\n\n")[:-1]
        lines = [line for block in blocks for line in block.split("\n")]
        return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]

    def parsed(self) -> list[Any]:
        return [json.loads(data) for data in self.events() if data != "[DONE]"]

    def text(self) -> str:
        """What was said, in either dialect, streamed or not."""
        if "text/event-stream" not in self.headers.get("content-type", ""):
            told = self.json()
            if "choices" in told:
                return told["choices"][0]["message"]["content"] or ""
            return "".join(block.get("text", "") for block in told["content"])
        said = ""
        for event in self.parsed():
            for choice in event.get("choices", ()):
                said += choice["delta"].get("content") or ""
            said += event.get("delta", {}).get("text", "")
        return said

    def finish(self) -> Any:
        """The finish reason or stop reason."""
        if "text/event-stream" not in self.headers.get("content-type", ""):
            told = self.json()
            return told["choices"][0]["finish_reason"] if "choices" in told else told["stop_reason"]
        finishes = [
            event["choices"][0]["finish_reason"]
            if event.get("choices")
            else event["delta"].get("stop_reason")
            for event in self.parsed()
            if event.get("choices") or "delta" in event
        ]
        return next((finish for finish in finishes if finish), None)

    def usage(self) -> Any:
        if "text/event-stream" not in self.headers.get("content-type", ""):
            return self.json().get("usage")
        return next((event["usage"] for event in reversed(self.parsed()) if event.get("usage")), None)

    def model(self) -> str:
        if "text/event-stream" not in self.headers.get("content-type", ""):
            return str(self.json()["model"])
        first = self.parsed()[0]
        return str(first.get("model") or first["message"]["model"])


async def ask(
    port: int,
    path: str,
    body: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None = None,
    patience_s: float = 1.0,
) -> Seen:
    """Send one request on a connection of its own and read until the answer is over."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    content = b"" if body is None else json.dumps(body).encode()
    head = {"host": "sparring", "content-length": str(len(content)), **(headers or {})}
    request = h11.Request(method="GET" if body is None else "POST", target=path, headers=list(head.items()))
    sent = (connection.send(request), connection.send(h11.Data(content)), connection.send(h11.EndOfMessage()))
    seen = Seen()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = perf_counter()
    try:
        writer.write(b"".join(part for part in sent if part))
        await _read(reader, connection, seen, patience_s)
    finally:
        seen.took_s = perf_counter() - began
        seen.first_byte_s -= began
        writer.close()
    return seen


async def _read(
    reader: asyncio.StreamReader, connection: h11.Connection, seen: Seen, patience_s: float
) -> None:
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            seen.ending = "closed"
            return
        if event is h11.NEED_DATA:
            try:
                data = await asyncio.wait_for(reader.read(65_536), patience_s)
            except ConnectionResetError:
                seen.ending = "reset"
                return
            except TimeoutError:
                return
            seen.first_byte_s = seen.first_byte_s or perf_counter()
            seen.reads += 1
            connection.receive_data(data)
        elif isinstance(event, h11.InformationalResponse):
            seen.statuses.append(event.status_code)
        elif isinstance(event, h11.Response):
            seen.status = event.status_code
            seen.headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            seen.pieces.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            seen.ending = "whole"
            seen.trailing = connection.trailing_data[0]
            return
        else:
            seen.ending = "closed"
            return


async def words(
    port: int, dialect: str, fault: str = "ok", *, stream: bool = False, patience_s: float = 1.0, **more: Any
) -> Seen:
    """Ask for words in a dialect, with the fault in the header."""
    headers = {"x-sparring": fault}
    body = {"model": "north", "messages": [PROMPT], "stream": stream, **more}
    if dialect == "messages":
        return await ask(port, "/v1/messages", {"max_tokens": 1_000} | body, headers, patience_s)
    body["stream_options"] = {"include_usage": True}
    return await ask(port, "/v1/chat/completions", body, headers, patience_s)
