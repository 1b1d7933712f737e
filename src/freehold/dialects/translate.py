"""From one dialect into another, by way of the form in the middle: one reader and one writer for each."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec

from freehold.dialects.chat import reading as chat_in
from freehold.dialects.chat import streaming as chat_stream
from freehold.dialects.chat import writing as chat_out
from freehold.dialects.errors import read_error, type_for
from freehold.dialects.messages import reading as messages_in
from freehold.dialects.messages import streaming as messages_stream
from freehold.dialects.messages import writing as messages_out
from freehold.vocabulary.conversation import Answer, Conversation
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.events import Event

LOST_MAX = 32  # fields named on the ledger; callers choose their names, and how many
LOST_CHARS_MAX = 128


class Translated(NamedTuple):
    """A request in the other dialect, and the fields it could not carry."""

    body: bytes
    lost: tuple[str, ...]


class _Reader(Protocol):
    def read(self, events: bytes) -> Iterator[Event]:
        """The events that a provider's events say."""


class _Writer(Protocol):
    def write(self, event: Event) -> bytes:
        """What an event becomes; it may be nothing."""

    def end(self) -> bytes:
        """What follows the last event of a stream that ended well."""


_READ_REQUEST: dict[Dialect, Callable[[bytes], Conversation]] = {
    Dialect.CHAT: chat_in.read_request,
    Dialect.MESSAGES: messages_in.read_request,
}
_WRITE_REQUEST: dict[Dialect, Callable[[Conversation, str, dict[str, None]], bytes]] = {
    Dialect.CHAT: chat_out.write_request,
    Dialect.MESSAGES: messages_out.write_request,
}
_READ_ANSWER: dict[Dialect, Callable[[bytes], Answer]] = {
    Dialect.CHAT: chat_in.read_answer,
    Dialect.MESSAGES: messages_in.read_answer,
}
_WRITE_ANSWER: dict[Dialect, Callable[[Answer], bytes]] = {
    Dialect.CHAT: chat_out.write_answer,
    Dialect.MESSAGES: messages_out.write_answer,
}
_STREAM_READER: dict[Dialect, Callable[[], _Reader]] = {
    Dialect.CHAT: chat_stream.StreamReader,
    Dialect.MESSAGES: messages_stream.StreamReader,
}
_STREAM_WRITER: dict[Dialect, Callable[[bool], _Writer]] = {
    Dialect.CHAT: lambda include_usage: chat_stream.StreamWriter(include_usage=include_usage),
    Dialect.MESSAGES: lambda _: messages_stream.StreamWriter(),  # these always tell the usage
}


def translate_request(body: bytes, source: Dialect, target: Dialect, model: str) -> Translated:
    """A request in another dialect. Raises InvalidJSON, BadRequest, or UnsupportedField.

    `lost` names harmless fields that could not be carried: the caller's own with their path, where `[]` stands
    for any item, and those that only the writer could not say in the words of the middle.
    """
    conversation = _READ_REQUEST[source](body)
    lost = dict.fromkeys(conversation.lost)
    translated = _WRITE_REQUEST[target](conversation, model, lost)
    return Translated(translated, tuple(name[:LOST_CHARS_MAX] for name in islice(lost, LOST_MAX)))


def translate_answer(body: bytes, source: Dialect, target: Dialect) -> bytes:
    """A whole answer in another dialect. Raises NotAnAnswer."""
    return _WRITE_ANSWER[target](_READ_ANSWER[source](body))


def translate_error(status: int, body: bytes, target: Dialect) -> bytes:
    """A provider's error in the caller's dialect, with the provider's message."""
    error = read_error(body)
    message = error.message or f"the provider answered with status {status}"
    said: dict[str, object] = {"message": message, "type": type_for(target, status)}
    if target is Dialect.MESSAGES:
        return msgspec.json.encode({"type": "error", "error": said})
    return msgspec.json.encode({"error": said | {"param": None, "code": error.code or None}})


class StreamTranslator:
    """One stream from one dialect into another, event by event."""

    def __init__(self, source: Dialect, target: Dialect, *, include_usage: bool) -> None:
        self._reader = _STREAM_READER[source]()
        self._writer = _STREAM_WRITER[target](include_usage)

    def feed(self, events: bytes) -> bytes:
        """Whole events in, whole events out, at once. Raises NotAnAnswer."""
        return b"".join([self._writer.write(event) for event in self._reader.read(events)])

    def finish(self) -> bytes:
        """The last events; to be asked for only when the source has ended well."""
        return self._writer.end()
