"""A client that reports what was on the wire, with h11 as a second opinion on what is whole."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import h11
from botocore.eventstream import EventStreamBuffer

DIALECTS = ("chat", "messages", "responses", "gemini", "converse")
PATIENCE_S = 60.0
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

    def streamed(self) -> bool:
        return "stream" in self.headers.get("content-type", "")

    def events(self) -> list[str]:
        """The data of every complete event; comments and event names left out. A frame is {its kind: its data}."""
        if "amazon" in self.headers.get("content-type", ""):
            return [json.dumps({kind: json.loads(data)}) for kind, data in frames(self.body)]
        blocks = self.body.decode().replace("\r\n", "\n").split("\n\n")[:-1]
        lines = [line for block in blocks for line in block.split("\n")]
        return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]

    def parsed(self) -> list[Any]:
        return [json.loads(data) for data in self.events() if data != "[DONE]"]

    def told(self) -> list[Any]:
        """The answer, or what the events of its stream tell."""
        return self.parsed() if self.streamed() else [self.json()]

    def text(self) -> str:
        """What was said, in any dialect, streamed or not."""
        return "".join(words_in(told) for told in self.told())

    def finish(self) -> Any:
        """The dialect's own word for why it ended."""
        return next((word for word in map(finish_in, self.told()) if word), None)

    def usage(self) -> Any:
        return next((usage for told in reversed(self.told()) if (usage := usage_in(told))), None)

    def model(self) -> Any:
        """Who says that it answered; converse says so only where another did."""
        return next((model for model in map(model_in, self.told()) if model), None)


def frames(body: bytes) -> list[tuple[str, bytes]]:
    """The kind and the payload of every whole frame, checked by botocore. Raises where a checksum is wrong."""
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    found = []
    for message in buffer:
        head = message.headers
        found.append((head[f":{head[':message-type']}-type"], message.payload))
    return found


def words_in(told: Any) -> str:
    """The words in a whole answer or in one event."""
    parts = told.get("content") or told.get("output", {}) or []
    if isinstance(parts, dict):
        parts = parts["message"]["content"]
    for candidate in told.get("candidates", ()):
        parts = candidate.get("content", {}).get("parts", [])
    for choice in told.get("choices", ()):
        parts = [{"text": choice.get("delta", choice.get("message", {})).get("content") or ""}]
    if "response" not in told and told.get("object") == "response":
        parts = [part for item in told["output"] for part in item.get("content", ())]
    if told.get("type") in ("response.output_text.delta", "content_block_delta"):
        parts = [told["delta"] if isinstance(told["delta"], dict) else {"text": told["delta"]}]
    if "contentBlockDelta" in told:
        parts = [told["contentBlockDelta"]["delta"]]
    return "".join(part.get("text") or "" for part in parts if not part.get("thought"))


def finish_in(told: Any) -> Any:
    """The finish in a whole answer or in one event."""
    if "response" in told or told.get("object") == "response":
        told = told.get("response", told)
        incomplete = told["incomplete_details"] or {}
        return incomplete.get("reason") or (told["status"] if told["status"] != "in_progress" else None)
    if "promptFeedback" in told:
        return told["promptFeedback"]["blockReason"]
    told = told.get("messageStop", told)
    for choice in (*told.get("choices", ()), *told.get("candidates", ())):
        return choice.get("finish_reason") or choice.get("finishReason")
    delta = told.get("delta")
    return (
        told.get("stop_reason")
        or told.get("stopReason")
        or (isinstance(delta, dict) and delta.get("stop_reason"))
    )


def usage_in(told: Any) -> Any:
    told = told.get("response") or told.get("metadata") or told.get("message") or told
    return told.get("usage") or told.get("usageMetadata")


def model_in(told: Any) -> Any:
    told = told.get("response") or told.get("message") or told.get("metadata") or told
    router = told.get("trace", {}).get("promptRouter", {}) if isinstance(told, dict) else {}
    return told.get("model") or told.get("modelVersion") or router.get("invokedModelId")


async def ask(
    port: int,
    path: str,
    body: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None = None,
    patience_s: float = PATIENCE_S,
    first_s: float = PATIENCE_S,
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
        await _read(reader, connection, seen, first_s, patience_s)
    finally:
        seen.took_s = perf_counter() - began
        seen.first_byte_s -= began
        writer.close()
    return seen


async def _read(
    reader: asyncio.StreamReader, connection: h11.Connection, seen: Seen, first_s: float, patience_s: float
) -> None:
    """Give up where nothing comes in `first_s`, or nothing more in `patience_s`."""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            seen.ending = "closed"
            return
        if event is h11.NEED_DATA:
            try:
                async with asyncio.timeout(
                    patience_s if seen.reads else first_s
                ):  # wait_for may overlook that it is cancelled
                    data = await reader.read(65_536)
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


def question(dialect: str, stream: bool = False, **more: Any) -> tuple[str, dict[str, Any]]:
    """The same short question in any dialect: its path and its body."""
    body: dict[str, Any] = {"model": "north", "stream": stream}
    if dialect == "chat":
        options = {"include_usage": True}
        return "/v1/chat/completions", body | {"messages": [PROMPT], "stream_options": options} | more
    if dialect == "messages":
        return "/v1/messages", body | {"messages": [PROMPT], "max_tokens": 1_000} | more
    if dialect == "responses":
        return "/v1/responses", body | {"input": [PROMPT]} | more
    content = [{"text": PROMPT["content"]}]
    if dialect == "gemini":
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/north:{verb}", {"contents": [{"role": "user", "parts": content}]} | more
    path = "/model/north/converse" + ("-stream" if stream else "")
    return path, {"messages": [{"role": "user", "content": content}]} | more


async def words(
    port: int,
    dialect: str,
    fault: str = "ok",
    *,
    stream: bool = False,
    patience_s: float = PATIENCE_S,
    first_s: float = PATIENCE_S,
    **more: Any,
) -> Seen:
    """Ask for words in a dialect, with the fault in the header."""
    path, body = question(dialect, stream, **more)
    return await ask(port, path, body, {"x-sparring": fault}, patience_s, first_s)
