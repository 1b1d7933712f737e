"""What the ledger and the watch read of an answer in passing; the answer itself goes on as it came.

A stream is not parsed while it flows: its first and last events are kept, and the rest is only searched for a
few words. An event is looked at properly when it has one, because an answer may talk about errors too.
"""

from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from freehold.dialects.chat import words as chat
from freehold.dialects.messages import words as messages
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Finish, Served
from freehold.wire import sse

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what bytes from outside can raise
SAID_CHARS_MAX = 512  # of what a provider says about itself: the ledger keeps it
HEAD_BYTES = 8_192
TAIL_BYTES = 16_384
T = TypeVar("T")
_NULL = Raw(b"null")


class NotAnAnswer(ValueError):
    """The bytes are no answer in the endpoint's dialect."""


class _Said(Struct):
    refusal: str | None = None


class _Choice(Struct):
    finish_reason: str | None = None
    message: _Said | None = None  # in an answer
    delta: _Said | None = None  # in a stream


class _Chat(Struct):
    """An answer, or one event of a stream."""

    choices: list[_Choice] | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    usage: chat.TokenCount | None = None
    error: Raw = _NULL


class _Messages(Struct):
    content: list[Raw]
    model: str | None = None
    stop_reason: str | None = None
    usage: messages.TokenCount | None = None


class _Started(Struct):
    model: str | None = None
    usage: messages.TokenCount | None = None


class _Delta(Struct):
    stop_reason: str | None = None


class _Event(Struct):
    """One event of a messages stream."""

    type: str = ""
    message: _Started | None = None
    delta: _Delta | None = None
    usage: messages.TokenCount | None = None


class _Embeddings(Struct):
    data: Annotated[list[Raw], Meta(min_length=1)]
    model: str | None = None
    usage: chat.TokenCount | None = None


_chat = msgspec.json.Decoder(_Chat)
_messages = msgspec.json.Decoder(_Messages)
_event = msgspec.json.Decoder(_Event)
_embeddings = msgspec.json.Decoder(_Embeddings)


def glance(dialect: Dialect, body: bytes) -> Served:
    """What a whole answer says about itself. Raises NotAnAnswer when it is none.

    Counts that cannot be read do not make an answer garbage: they are unknown.
    """
    try:
        return _glance(dialect, body)
    except UNREADABLE as error:
        raise NotAnAnswer(str(error)) from None


def _glance(dialect: Dialect, body: bytes) -> Served:
    if dialect is Dialect.CHAT:
        return _glance_chat(_decoded(_chat, body))
    if dialect is Dialect.MESSAGES:
        answer = _decoded(_messages, body)
        return _served_messages(answer.model, answer.stop_reason, answer.usage)
    embeddings = _decoded(_embeddings, body)
    usage = embeddings.usage
    return Served(_short(embeddings.model), usage=usage.usage() if usage else None)


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        if "`$.usage" not in str(error):
            raise
    fields = msgspec.json.decode(data, type=dict[str, Raw])
    del fields["usage"]
    return decoder.decode(msgspec.json.encode(fields))


def _glance_chat(answer: _Chat) -> Served:
    if bytes(answer.error) != b"null":
        raise NotAnAnswer("an error in place of an answer")
    if not answer.choices:
        raise NotAnAnswer("no choices")
    for choice in answer.choices:
        if choice.message is not None and choice.message.refusal:
            return _served_chat(answer, True)
    return _served_chat(answer, False)


def _served_chat(answer: _Chat, refused: bool) -> Served:
    finish = word = None
    for choice in answer.choices or ():
        if choice.finish_reason:
            word = choice.finish_reason
            finish = chat.FINISH.get(word, Finish.OTHER)
            break
    usage = answer.usage.usage() if answer.usage else None
    return Served(
        _short(answer.model), _short(answer.system_fingerprint), finish, _short(word), refused, usage
    )


def _served_messages(model: str | None, word: str | None, count: messages.TokenCount | None) -> Served:
    finish = None if word is None else messages.FINISH.get(word, Finish.OTHER)
    usage = count.usage() if count else None
    return Served(_short(model), None, finish, _short(word), finish is Finish.REFUSAL, usage)


def _short(said: str | None) -> str | None:
    return said[:SAID_CHARS_MAX] if said else None


class StreamGlance:
    """Reads along with one stream, event by event, keeping a bounded part of it.

    `ended`: the dialect's last event was seen. `failed`: an error event was seen.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.ended = False
        self.failed = False
        self._chat = dialect is Dialect.CHAT
        self._refused = False
        self._head = list[bytes]()
        self._head_room = HEAD_BYTES
        self._tail = deque[bytes]()
        self._tail_bytes = 0

    def feed(self, events: bytes) -> None:
        """Take one or many whole events, as the provider sent them."""
        if b"error" in events and not self.failed:
            self.failed = any(_is_error(name, data) for name, data in sse.events(events))
        if self._chat:
            if b"[DONE]" in events[-16:] and not self.ended:  # nothing follows it
                self.ended = any(data == b"[DONE]" for _, data in sse.events(events))
            if b'"refusal":' in events and not self._refused:
                self._refused = _says_refusal(events)
        elif b"message_stop" in events and not self.ended:
            self.ended = any(_event_of(data).type == "message_stop" for _, data in sse.events(events))
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
        if self._chat:
            return Served(_short(next((c.model for c in map(_chunk, self._first()) if c.model), None)))
        started = next((event.message for event in map(_event_of, self._first()) if event.message), None)
        return Served(_short(started.model) if started else None)

    def served(self) -> Served:
        """What the stream has said about itself so far."""
        return self._served_chat() if self._chat else self._served_messages()

    def _first(self) -> Iterator[bytes]:
        return (data for piece in chain(self._head, self._tail) for _, data in sse.events(piece))

    def _last(self) -> Iterator[bytes]:
        """The kept events, the latest first."""
        pieces = chain(reversed(self._tail), reversed(self._head))
        return (data for piece in pieces for _, data in reversed(list(sse.events(piece))))

    def _served_chat(self) -> Served:
        named = next((chunk for chunk in map(_chunk, self._first()) if chunk.model), _Chat())
        finish, usage = Served(), None
        for chunk in map(_chunk, self._last()):
            finish = _served_chat(chunk, self._refused)
            usage = usage or finish.usage
            if finish.finish:
                break
        return Served(
            _short(named.model),
            _short(named.system_fingerprint),
            finish.finish,
            finish.finish_word,
            self._refused,
            usage,
        )

    def _served_messages(self) -> Served:
        started = next(
            (event.message for event in map(_event_of, self._first()) if event.message), _Started()
        )
        count = started.usage or messages.TokenCount()
        for event in map(_event_of, self._last()):
            if event.type == "message_delta":
                count = count.updated(event.usage or messages.TokenCount())
                word = event.delta.stop_reason if event.delta else None
                return _served_messages(started.model, word, count)
        return _served_messages(started.model, None, count if count != messages.TokenCount() else None)


def _chunk(data: bytes) -> _Chat:
    try:
        return _decoded(_chat, data)
    except UNREADABLE:
        return _Chat()  # the watch reports broken events; here they only have nothing to say


def _event_of(data: bytes) -> _Event:
    try:
        return _decoded(_event, data)
    except UNREADABLE:
        return _Event()


def _is_error(name: bytes, data: bytes) -> bool:
    """Whether an event tells of an error: by its name, its type or a top-level `error`."""
    return name == b"error" or _event_of(data).type == "error" or bytes(_chunk(data).error) != b"null"


def _says_refusal(events: bytes) -> bool:
    chunks = (_chunk(data) for _, data in sse.events(events))
    return any(choice.delta and choice.delta.refusal for chunk in chunks for choice in chunk.choices or ())
