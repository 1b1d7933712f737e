"""What the ledger and the watch read of an answer in passing; the answer itself goes on as it came.

A stream is not parsed while it flows: its first and last events are kept, and the rest is only searched for a
few words. An event is looked at properly when it has one, because an answer may talk about errors too.
"""

import re
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

from freehold.dialects.chat.glance import ChatLook
from freehold.dialects.chat.words import TokenCount
from freehold.dialects.converse.glance import ConverseLook
from freehold.dialects.embeddings import read_gemini
from freehold.dialects.gemini.glance import GeminiLook
from freehold.dialects.looks import UNREADABLE, Look, NotAnAnswer, decoded, short
from freehold.dialects.messages.glance import MessagesLook
from freehold.dialects.responses.glance import ResponsesLook
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Finish, Served, Usage
from freehold.wire import sse

__all__ = ["NotAnAnswer", "StreamGlance", "UNREADABLE", "glance", "has_token"]

HEAD_BYTES = 8_192
TAIL_BYTES = 16_384

_LOOKS: dict[Dialect, Look] = {
    Dialect.CHAT: ChatLook(),
    Dialect.MESSAGES: MessagesLook(),
    Dialect.RESPONSES: ResponsesLook(),
    Dialect.CONVERSE: ConverseLook(),
    Dialect.GEMINI: GeminiLook(),
}


class _Embeddings(Struct):
    data: Annotated[list[Raw], Meta(min_length=1)]
    model: str | None = None
    usage: TokenCount | None = None


class _Predictions(Struct):
    predictions: Annotated[list[Raw], Meta(min_length=1)]
    model: str | None = None
    usage: TokenCount | None = None


class _Vectors(Struct):
    embeddings: Annotated[list[Raw], Meta(min_length=1)]
    model: str | None = None
    usage: TokenCount | None = None


class _TokenCount(Struct):
    input_tokens: int


_embeddings = msgspec.json.Decoder(_Embeddings)
_OWN: dict[Dialect, msgspec.json.Decoder[Any]] = {
    Dialect.PREDICT: msgspec.json.Decoder(_Predictions),
    Dialect.EMBED: msgspec.json.Decoder(_Vectors),
}
_count = msgspec.json.Decoder(_TokenCount)


# Marks of the first words of an answer, in any dialect; or of its end, where there are none.
_TOKEN = re.compile(
    rb'"(?:content|text|reasoning|reasoning_content|refusal)"\s*:\s*"[^"]'
    rb'|"(?:tool_calls|function_call|functionCall|toolUse|contentBlockDelta)"\s*:\s*[\[{]'
    rb'|"(?:finish_reason|finishReason|blockReason|stopReason)"\s*:\s*"|_delta"|\.delta"|contentBlockDelta'
    rb'|"error"\s*:\s*["{]|event: ?error|response\.(?:completed|failed|incomplete)"|"(?:tool_use|redacted_thinking)"'
    rb"|message_stop|\[DONE\]"
)


def has_token(events: bytes) -> bool:
    """Whether the answer itself has begun, and not only been announced."""
    return _TOKEN.search(events) is not None


def glance(dialect: Dialect, body: bytes) -> Served:
    """What a whole answer says about itself. Raises NotAnAnswer when it is none."""
    try:
        if dialect is Dialect.EMBEDDINGS:
            return _of_numbers(decoded(_embeddings, body))
        if dialect in _OWN:
            # It has no word for its end; all there is to say has been said.
            return replace(_of_numbers(decoded(_OWN[dialect], body)), finish=Finish.STOP)
        if dialect is Dialect.GEMINI_EMBEDDINGS:
            tokens = read_gemini(body).tokens
            return Served(usage=None if tokens is None else Usage(tokens))
        if dialect is Dialect.COUNT_TOKENS:
            _count.decode(body)
            return Served()  # these tokens were counted, and not used
        return _LOOKS[dialect].whole(body)
    except UNREADABLE as error:
        raise NotAnAnswer(str(error)) from None


def _of_numbers(found: _Embeddings | _Predictions | _Vectors) -> Served:
    return Served(short(found.model), usage=found.usage.usage() if found.usage else None)


class StreamGlance:
    """Reads along with one stream, event by event, keeping a bounded part of it.

    `ended`: the event that ends an answer was seen; with `trailing`, others may follow it. `failed`: an error
    event was seen.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.ended = False
        self.failed = False
        self._look = _LOOKS[dialect]
        self.trailing = self._look.trailing
        self._refused = False
        self._head = list[bytes]()
        self._head_room = HEAD_BYTES
        self._tail = deque[bytes]()
        self._tail_bytes = 0

    def feed(self, events: bytes) -> None:
        """Take one or many whole events, as the provider sent them."""
        look = self._look
        if b"error" in events and not self.failed:
            self.failed = any(look.fails(name, data) for name, data in sse.events(events))
        if not self.ended and look.ends(events):
            self.ended = True
        if not self._refused and look.refuses(events):
            self._refused = True
        size = len(events)
        if self._head_room > 0:
            self._head.append(events)
            self._head_room -= size
            return
        tail = self._tail
        tail.append(events)
        self._tail_bytes += size
        while self._tail_bytes - len(tail[0]) >= TAIL_BYTES:
            self._tail_bytes -= len(tail.popleft())

    def begun(self) -> Served:
        """What the first events have said: only who answers."""
        return self._look.begun(self._first())

    def served(self) -> Served:
        """What the stream has said about itself so far."""
        return self._look.served(self._first(), self._last(), refused=self._refused)

    def _first(self) -> Iterator[bytes]:
        return (data for piece in chain(self._head, self._tail) for _, data in sse.events(piece))

    def _last(self) -> Iterator[bytes]:
        """The kept events, the latest first."""
        pieces = chain(reversed(self._tail), reversed(self._head))
        return (data for piece in pieces for _, data in reversed(list(sse.events(piece))))
