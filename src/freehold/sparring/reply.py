"""A reply on its way to the socket, and the script that a connection plays from it."""

from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus

from freehold.sparring.pieces import sliced
from freehold.vocabulary.endpoint import Dialect

# What was written before a reset needs this long to be read: a reset may overtake it.
RESET_AFTER_S = 0.02
PHRASES = {status.value: status.phrase for status in HTTPStatus} | {529: "Site is overloaded"}


class End(Enum):
    """What becomes of the connection when all is said."""

    KEEP, CLOSE, RESET, HANG = "keep", "close", "reset", "hang"


class Framing(Enum):
    """How the other side learns where a body ends."""

    LENGTH, CHUNKED, CLOSE = "length", "chunked", "close"


Step = bytes | float | End
Script = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer before it is turned into bytes; faults change it field by field."""

    parts: tuple[bytes, ...]  # of the body; each is written by itself
    dialect: Dialect  # whose error format applies
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    stream: bool = False  # the parts are server-sent events
    framing: Framing = Framing.LENGTH
    announced_bytes: int | None = None  # the content-length to announce; None is the true one
    head: bool = True  # False: nothing is sent at all
    prelude: bytes = b""  # before the status line
    wait_s: float = 0.0  # before the first byte
    body_wait_s: float = 0.0  # between head and body
    gap_s: float = 0.0  # between two parts
    byte_by_byte: bool = False
    whole: bool = True  # False: the body breaks off
    end: End = End.KEEP

    @property
    def body(self) -> bytes:
        """All parts together."""
        return b"".join(self.parts)

    def kept(self, share: float) -> tuple[bytes, ...]:
        """Return the first share of the body: whole events of a stream, else bytes."""
        share = min(max(share, 0.0), 1.0)
        if self.stream:
            return self.parts[: int(len(self.parts) * share)]
        body = self.body
        return (body[: int(len(body) * share)],)

    def broken_off(self, parts: tuple[bytes, ...], end: End) -> "Reply":
        """Return the reply with only these parts of what was announced."""
        announced = self.announced_bytes
        if announced is None and self.framing is Framing.LENGTH:
            announced = len(self.body)
        return replace(self, parts=parts, announced_bytes=announced, whole=False, end=end)


def script(reply: Reply) -> Script:
    """Turn a reply into bytes, pauses in seconds and, at last, an end."""
    steps: list[Step] = [reply.wait_s] if reply.wait_s else []
    if not reply.head:
        return (*steps, reply.end)
    written = [reply.prelude] if reply.prelude else []
    written += _written(reply)
    for place, part in enumerate(written):
        if place and (pause := reply.body_wait_s if place == 1 else reply.gap_s):
            steps.append(pause)
        steps += sliced(part, len(part)) if reply.byte_by_byte else [part]
    if reply.end is End.RESET:
        steps.append(RESET_AFTER_S)
    return (*steps, reply.end)


def _written(reply: Reply) -> list[bytes]:
    """Frame head and parts. A whole body that need not wait leaves together with its head, in one write."""
    parts = [part for part in reply.parts if part]
    if reply.framing is Framing.CHUNKED:
        parts = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]
        if reply.whole:
            parts.append(b"0\r\n\r\n")
    head = _head(reply)
    if len(parts) == 1 and not reply.body_wait_s and reply.framing is Framing.LENGTH:
        return [head + parts[0]]
    return [head, *parts]


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {PHRASES[reply.status]}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if reply.framing is Framing.CHUNKED:
        lines.append("transfer-encoding: chunked")
    elif reply.framing is Framing.LENGTH:
        announced = len(reply.body) if reply.announced_bytes is None else reply.announced_bytes
        lines.append(f"content-length: {announced}")
    else:
        lines.append("connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1")
