"""The bytes that travel: one request and one answer of about a kilobyte, and one stream of twenty pieces.

They are built once, so that the generator and the upstream spend their time on sockets and not on JSON.
"""

import re
from collections.abc import Mapping

import msgspec

PIECES = 20
UPSTREAM_MODEL = "bench-model"
END_MARK = b"this-is-the-end"
DONE_MARK = b"data: [DONE]"
CHUNKED_END = b"\r\n0\r\n\r\n"
HEAD_END = b"\r\n\r\n"

# The pace of a stream is asked for inside the prompt: the one place that every gateway leaves alone.
PACES_S = {b"pace-burst": 0.0, b"pace-2ms": 0.002, b"pace-slow": 0.25}

_PIECE = re.compile(rb"piece-(\d\d)")
_IN_ORDER = [b"%02d" % number for number in range(PIECES)]
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_CODE = re.compile(rb'"code"\s*:\s*"(\w+)"')
_WORDS = "The quick brown fox jumps over the lazy dog and thinks about what to do next. "


def chat_body(model: str, pace: str | None = None) -> bytes:
    """A chat completion request of about 1 KB; with a pace it asks for a stream."""
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant. " + _WORDS * 3},
            {"role": "user", "content": _WORDS * 7 + f"Please answer. {pace or ''}"},
        ],
        "temperature": 0.2,
        "max_tokens": 256,
    }
    if pace:
        body["stream"] = True
    return msgspec.json.encode(body)


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The whole request as it goes onto the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + HEAD_END + body


def plain_answer() -> bytes:
    """A chat completion of about 1 KB, whole."""
    message = {"role": "assistant", "content": _WORDS * 8 + END_MARK.decode()}
    return json_answer(
        {
            "id": "chatcmpl-bench0000000000000000000",
            "object": "chat.completion",
            "created": 1_780_000_000,
            "model": UPSTREAM_MODEL,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 180, "completion_tokens": 140, "total_tokens": 320},
            "system_fingerprint": "fp_bench",
        }
    )


def json_answer(value: object) -> bytes:
    """A 200 with this JSON and its length."""
    body = msgspec.json.encode(value)
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + HEAD_END + body


def stream_pieces() -> tuple[bytes, ...]:
    """The twenty writes of a stream: the head rides on the first, the end on the last."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked" + HEAD_END
    pieces = [_chunk(_event(number)) for number in range(PIECES)]
    pieces[0] = head + pieces[0]
    pieces[-1] += _chunk(DONE_MARK + b"\n\n") + b"0\r\n\r\n"
    return tuple(pieces)


def _event(number: int) -> bytes:
    last = number == PIECES - 1
    delta = {"content": f"piece-{number:02d} "}
    event: dict[str, object] = {
        "id": "chatcmpl-bench0000000000000000000",
        "object": "chat.completion.chunk",
        "created": 1_780_000_000,
        "model": UPSTREAM_MODEL,
        "system_fingerprint": "fp_bench",
        "choices": [{"index": 0, "delta": delta, "finish_reason": "stop" if last else None}],
    }
    if number == 0:
        delta["role"] = "assistant"
    if last:
        event["usage"] = {"prompt_tokens": 180, "completion_tokens": PIECES, "total_tokens": 180 + PIECES}
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def body_length(head: bytes) -> int | None:
    """Content-Length; None for a chunked body; 0 where neither is said, as for a GET."""
    if found := _LENGTH.search(head):
        return int(found[1])
    return None if _CHUNKED.search(head) else 0


def unchunked(data: bytes, start: int) -> bytes:
    """The body of a complete chunked message that begins at `start`."""
    parts: list[bytes] = []
    while True:
        line_end = data.index(b"\r\n", start)
        size = int(data[start:line_end].partition(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(data[line_end + 2 : line_end + 2 + size])
        start = line_end + 4 + size


def fault(status: bytes, body: bytes, streamed: bool) -> str | None:
    """What is wrong with an answer, in two or three words; None: nothing."""
    if status != b"200":
        code = _CODE.search(body)
        return f"status {status.decode('latin-1')}{f' ({code[1].decode()})' if code else ''}"
    if not streamed:
        return None if END_MARK in body else "answer without its end"
    if _PIECE.findall(body) != _IN_ORDER:
        return "pieces missing or out of order"
    return None if body.rstrip().endswith(DONE_MARK) else "stream without its end"
