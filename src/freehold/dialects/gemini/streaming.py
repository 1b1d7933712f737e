"""Streams of Gemini's, into the middle and out of it. Every event is an answer in itself, to be put together."""

from collections.abc import Callable, Iterator

import msgspec

from freehold.dialects.asking import model_arguments
from freehold.dialects.gemini.reading import arguments_of, call_id, finish_word_of, read_response
from freehold.dialects.gemini.turns import Object, call_object
from freehold.dialects.gemini.words import (
    Candidate,
    Part,
    Response,
    created_at,
    finish_message,
    finish_of,
    finish_word,
    lost_of,
    signature_of,
)
from freehold.dialects.gemini.writing import candidate_of, counted, response_of
from freehold.dialects.seals import fits
from freehold.vocabulary.conversation import Thinking, Token, ToolCall
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.events import (
    ArgumentsPiece,
    Counted,
    Event,
    Finished,
    Lost,
    RefusalPiece,
    Started,
    TextPiece,
    ThinkingPiece,
    ThinkingRedacted,
    ThinkingSigned,
    ToolCallEnded,
    ToolCallStarted,
)
from freehold.vocabulary.exchange import Finish, Usage
from freehold.wire import sse


class StreamReader:
    """Gemini's events in, events of the middle out. Its calls come whole."""

    def __init__(self) -> None:
        self._started = False
        self._called = 0
        self._finish: Finish | None = None

    def read(self, events: bytes) -> Iterator[Event]:
        """Raises NotAnAnswer for what is no answer, and for an error in place of one."""
        for _, data in sse.events(events):
            yield from self._events(read_response(data))

    def _events(self, answer: Response) -> Iterator[Event]:
        if not self._started:
            self._started = True
            created = created_at(answer.create_time)
            yield Started(answer.response_id or "", answer.model_version or "", created=created)
        candidates = answer.candidates or []
        for candidate in candidates[:1]:
            yield from self._said(candidate, answer.response_id)
        for name in lost_of(candidates):
            yield Lost(name)
        if answer.usage_metadata is not None:
            yield Counted(answer.usage_metadata.usage())
        # Early models gave the word with every event.
        word = finish_word_of(answer)
        finish = finish_of(word, called=self._called > 0, blocked=not candidates)
        if finish is not None and finish is not self._finish:
            self._finish = finish
            yield Finished(finish, word)

    def _said(self, candidate: Candidate, response_id: str | None) -> Iterator[Event]:
        tokens = candidate.logprobs_result.tokens() if candidate.logprobs_result else ()
        for part in (candidate.content.parts or ()) if candidate.content else ():
            thought = part.text if part.thought else None
            if thought:
                yield ThinkingPiece(thought)
            if part.thought_signature:
                yield ThinkingSigned(part.thought_signature, Dialect.GEMINI)
            if part.function_call is not None:
                yield from self._call(part, response_id)
            elif part.text and thought is None:
                yield TextPiece(part.text, tokens)
                tokens = ()
        if tokens:
            yield TextPiece("", tokens)

    def _call(self, part: Part, response_id: str | None) -> Iterator[Event]:
        index, self._called = self._called, self._called + 1
        name = part.function_call.name if part.function_call else ""
        yield ToolCallStarted(index, call_id(part, self._called, response_id), name)
        yield ArgumentsPiece(index, arguments_of(part).decode())
        yield ToolCallEnded(index)


class StreamWriter:
    """Events of the middle in, Gemini's events out, each at once but for calls and the last one.

    A call's arguments can be said only whole, so a call waits for its end: until it is told, or its arguments
    are an object when the next one begins, or all is over. The finish reason and the counts share an event,
    and elsewhere the counts come last, so both wait for `end`.
    """

    def __init__(self, include_usage: bool = True, asked: bytes = b"") -> None:
        self.lost: dict[str, None] = {}
        self._started = Started("", "")
        self._signature = ""  # of Gemini's own, for the next part
        self._calls: dict[int, tuple[ToolCallStarted, list[str]]] = {}
        self._refusal = list[str]()
        self._finished = Finished(Finish.STOP)
        self._usage = Usage()
        self._writers: dict[type, Callable[..., bytes]] = {
            Started: self._start,
            TextPiece: lambda piece: self._said({"text": piece.text}, piece.logprobs),
            RefusalPiece: self._refuse,
            ThinkingPiece: lambda piece: self._thought(Thinking(piece.text)),
            ThinkingSigned: self._sign,
            ThinkingRedacted: lambda seal: self._thought(Thinking(redacted=seal.data, origin=seal.origin)),
            ToolCallStarted: self._call,
            ArgumentsPiece: self._argue,
            ToolCallEnded: lambda ended: self._write_call(ended.index),
            Counted: self._count,
            Finished: self._finish,
        }

    def write(self, event: Event) -> bytes:
        """The events that an event becomes; it may be none."""
        return self._writers[type(event)](event)

    def end(self) -> bytes:
        """What follows the last event of a stream that ended well."""
        finish, refusal = self._finished, "".join(self._refusal)
        before = self._write_calls()
        last: Object = {"text": ""}
        if self._signature:
            last["thoughtSignature"] = self._signature
        word = finish_word(finish.finish, finish.word)
        candidate = candidate_of([last], (), word, finish_message(finish.finish, finish.word, refusal))
        return before + self._event(candidate, counted(self._usage))

    def _event(self, candidate: Object, more: Object | None = None) -> bytes:
        started = self._started
        said = response_of(candidate, started.id, started.model, started.created)
        return b"data: %b\n\n" % msgspec.json.encode(said | (more or {}))

    def _said(self, part: Object, tokens: tuple[Token, ...] = ()) -> bytes:
        if self._signature:
            part["thoughtSignature"] = self._signature
            self._signature = ""
        return self._event(candidate_of([part], tokens))

    def _start(self, event: Started) -> bytes:
        self._started = event
        return b""

    def _refuse(self, event: RefusalPiece) -> bytes:
        self._refusal.append(event.text)
        return self._said({"text": event.text})

    def _thought(self, thought: Thinking) -> bytes:
        part: Object = {"text": thought.text, "thought": True}
        if thought.origin is not None:
            part["thoughtSignature"] = signature_of(thought)
        return self._event(candidate_of([part]))

    def _sign(self, event: ThinkingSigned) -> bytes:
        if not fits(event.origin, Dialect.GEMINI):
            return self._thought(Thinking(signature=event.signature, origin=event.origin))
        before = self._said({"text": ""}) if self._signature else b""
        self._signature = event.signature
        return before

    def _call(self, event: ToolCallStarted) -> bytes:
        before = self._write_calls(whole=True)
        self._calls[event.index] = (event, [])
        return before

    def _argue(self, event: ArgumentsPiece) -> bytes:
        if event.index in self._calls:
            self._calls[event.index][1].append(event.json)
        elif event.json.strip():  # a server that goes on after an object's end may mean a blank
            self.lost["answer.arguments"] = None
        return b""

    def _write_calls(self, *, whole: bool = False) -> bytes:
        """The calls that wait, or those that are `whole` as they stand: an object's text cannot go on."""
        waiting = list(self._calls)
        if whole:
            waiting = [index for index in waiting if _is_object("".join(self._calls[index][1]))]
        return b"".join([self._write_call(index) for index in waiting])

    def _write_call(self, index: int) -> bytes:
        if index not in self._calls:
            return b""
        begun, pieces = self._calls.pop(index)
        call = ToolCall(begun.id, begun.name, "".join(pieces))
        return self._said(call_object(call, model_arguments(call)))

    def _count(self, event: Counted) -> bytes:
        self._usage = event.usage
        return b""

    def _finish(self, event: Finished) -> bytes:
        self._finished = event
        return self._write_calls()


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False
