"""One attempt: the request in the endpoint's dialect out, the beginning of an answer in the caller's back.

Raises UpstreamFailed for what another endpoint may do better; the statuses that count as such are listed here.
A caller's own error and a provider's refusal of the content are answers, and are returned.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from freehold.config.schema import Timeouts
from freehold.dialects.continuation import Continuable
from freehold.dialects.counting import without_foreign_thoughts
from freehold.dialects.errors import (
    ProviderError,
    about_account,
    about_content,
    about_thread,
    read_error,
    translate_error,
)
from freehold.dialects.glance import NotAnAnswer, StreamGlance, glance
from freehold.dialects.peek import Head, with_model
from freehold.dialects.seals import holds_mark
from freehold.dialects.translate import StreamTranslator, Translated, translate_answer, translate_request
from freehold.gateway.client import Headers
from freehold.gateway.failing import failed, header, word
from freehold.gateway.opening import opening
from freehold.upstream.addressing import Target
from freehold.upstream.door import Incoming
from freehold.vocabulary.endpoint import FAMILY, Dialect, Endpoint
from freehold.vocabulary.errors import CallerError, Fault, UpstreamFailed
from freehold.vocabulary.exchange import Finish, Served
from freehold.wire.sse import events

ELSEWHERE = frozenset({401, 402, 404, 408, 409, 424, 425, 429})  # and every 5xx: not here, or not now
SIGNED = FAMILY[Dialect.CHAT] | {Dialect.COUNT_TOKENS}  # whose requests may hold signatures of thoughts
CALLERS_OWN = 400  # the status of an error told inside HTTP 200 that is the caller's to see

NOT_CARRIED = "the request cannot be carried to the endpoint's dialect"
JSON = b"content-type: application/json\r\n"
PASSED_ON = frozenset({b"content-type", b"request-id", b"x-request-id", b"retry-after", b"date"})
# Not the other headers of theirs, some of which name the company's account.
PASSED_ON_PREFIXES = (b"openai-processing-", b"openai-version", b"anthropic-ratelimit-", b"x-ratelimit-")
# The caller's headers that ask for what is not in its dialect yet; only who speaks that is told.
_BETA = {
    Dialect.CHAT: b"openai-beta",
    Dialect.RESPONSES: b"openai-beta",
    Dialect.MESSAGES: b"anthropic-beta",
    Dialect.COUNT_TOKENS: b"anthropic-beta",
}


class Whole(NamedTuple):
    """A complete answer; `served` is None when it is a provider's error that is the caller's to see."""

    status: int
    lines: bytes  # headers that are passed on
    body: bytes
    served: Served | None
    lost: tuple[str, ...]
    about_content: bool = False  # an error by which the provider refused the content
    category: str | None = None  # of that refusal, in the provider's words


class Stream(NamedTuple):
    """A stream that began well. `first` are its whole events so far, `rest` the beginning of the next."""

    lines: bytes  # headers that are passed on
    incoming: Incoming
    first: bytes
    rest: bytes
    glance: StreamGlance
    translator: StreamTranslator | None
    lost: tuple[str, ...]
    spoken: Dialect


Answer = Whole | Stream


class Asked(NamedTuple):
    """A caller's request. `extra` are header lines for a provider of the same dialect."""

    dialect: Dialect
    head: Head
    body: bytes
    extra: bytes = b""


class Refused(NamedTuple):
    """An answer by which a provider refused, and that need not be the last word."""

    endpoint: Endpoint
    answer: Answer
    kind: str  # "refusal" or "moderation"


class Way(Protocol):
    """A way out: the door, or one with faults in it."""

    @property
    def timeouts(self) -> Timeouts:
        """How long to wait."""

    def without_secrets(self, account: str, said: bytes) -> bytes:
        """What a provider said, less the credentials we sent it."""

    async def send(
        self, account: str, dialect: Dialect, body: bytes, *, target: Target, extra: bytes, deadline: float
    ) -> Incoming:
        """As `Door.send`."""


class Ask:
    """The `Call` for one request.

    `elsewhere` are the kinds and categories of refusals with which the next endpoint may be asked; such answers
    are kept in `refusals`. `continues`: whether another provider may go on with a stream. `learn` is told the
    headers of each answer.
    """

    __slots__ = ("_continues", "_elsewhere", "asked", "door", "learn", "refusals", "unfit")

    def __init__(
        self,
        door: Way,
        asked: Asked,
        elsewhere: tuple[str, ...] = (),
        *,
        continues: bool = False,
        learn: Callable[[str, Headers], None] = lambda endpoint, headers: None,
    ) -> None:
        self.asked = asked
        self.door = door
        self._elsewhere = elsewhere
        self._continues = continues
        self.learn = learn
        self.unfit: CallerError | None = None  # why an endpoint of another dialect could not be asked
        self.refusals: list[Refused] = []

    async def __call__(self, endpoint: Endpoint, deadline: float) -> Answer:
        """Ask `endpoint`. Raises UpstreamFailed."""
        spoken, body, lost = self._worded(endpoint)
        asked = self.asked
        native, stream = spoken is asked.dialect, asked.head.stream
        began = asyncio.get_running_loop().time()
        incoming = await self.door.send(
            endpoint.provider,
            spoken,
            body,
            target=Target(endpoint.model, stream, asked.head.method if native else ""),
            extra=asked.extra if native else b"",
            deadline=deadline,
        )
        self.learn(endpoint.id, incoming.headers)
        try:
            if not 200 <= incoming.status < 300:
                answer: Answer = await self._error(incoming, spoken, endpoint.provider)
            elif stream:
                answer = await self._begun(Reply(incoming, spoken, lost, endpoint.provider), began)
            else:
                answer = await self._whole(Reply(incoming, spoken, lost, endpoint.provider))
        except BaseException:
            incoming.close()
            raise
        if isinstance(answer, Whole):
            incoming.close()  # an error's words may have broken off
        if self._elsewhere:
            self._keep_refusal(endpoint, answer)
        return answer

    def _keep_refusal(self, endpoint: Endpoint, answer: Answer) -> None:
        """Raises UpstreamFailed for a refusal with which the next endpoint may be asked."""
        kind, category = refusal(answer)
        if kind in self._elsewhere or category in self._elsewhere:
            self.refusals.append(Refused(endpoint, answer, kind))
            told = f"{kind}, {category}" if category else kind
            raise UpstreamFailed(Fault.REFUSED, f"the provider refused ({told})")

    def _worded(self, endpoint: Endpoint) -> tuple[Dialect, bytes, tuple[str, ...]]:
        """The request in a dialect that the endpoint speaks. What one cannot carry, the next may."""
        caller, head, body, _ = self.asked
        for spoken in endpoint.ways(caller):
            if spoken is caller and not (caller in SIGNED and holds_mark(body)):
                return spoken, with_model(body, head, endpoint.model), ()
            try:
                return spoken, *self._translated(spoken, endpoint.model)
            except CallerError as error:
                self.unfit = self.unfit or error
        if self.unfit is None:
            raise UpstreamFailed(Fault.UNFIT, "the endpoint speaks no dialect of this kind")
        raise UpstreamFailed(Fault.UNFIT, NOT_CARRIED, said=self.unfit.message)

    def _translated(self, spoken: Dialect, model: str) -> Translated:
        if spoken is Dialect.COUNT_TOKENS:
            return without_foreign_thoughts(self.asked.body, model)
        caller, head, body, _ = self.asked
        return translate_request(body, caller, spoken, model, stream=head.stream)

    async def _whole(self, reply: "Reply") -> Whole:
        incoming, spoken, lost, account = reply
        body = await incoming.whole()
        if not body:
            raise failed(Fault.EMPTY, "the answer has no body", incoming)
        try:
            served = glance(spoken, body)
            if spoken is not self.asked.dialect:
                body, dropped = translate_answer(body, spoken, self.asked.dialect, self.asked.body)
                lost += dropped
        except NotAnAnswer as error:
            told = read_error(self.door.without_secrets(account, body))
            if about_content(told, CALLERS_OWN):
                return self._refused(told)
            raise failed(Fault.GARBAGE, "the answer cannot be read", incoming, str(error)) from None
        return Whole(incoming.status, passed_on(incoming.headers), body, served, lost)

    async def _begun(self, reply: "Reply", began: float) -> Answer:
        incoming, spoken, lost, account = reply
        timeouts = self.door.timeouts
        token_by = None if timeouts.first_token_s is None else began + timeouts.first_token_s
        content_type = header(incoming.headers, b"content-type")
        if not content_type.startswith(b"text/event-stream"):
            kind = content_type.decode("latin-1")[:80] or "no content type"
            raise failed(Fault.GARBAGE, f"a stream was asked for, and {kind} came", incoming)
        first, rest = await opening(incoming, began + timeouts.first_byte_s, token_by)
        seen = StreamGlance(spoken)
        seen.feed(first)
        if seen.failed:
            error = read_error(self.door.without_secrets(account, error_in(first)))
            if about_content(error, CALLERS_OWN):
                return self._refused(error)
            told = f"an error event inside HTTP 200, {word(error, incoming)}"
            raise failed(Fault.ERROR_EVENT, told, incoming, error.message)
        translator = self._translator(spoken)
        return Stream(passed_on(incoming.headers), incoming, first, rest, seen, translator, lost, spoken)

    def _translator(self, spoken: Dialect) -> StreamTranslator | None:
        caller, head, body, _ = self.asked
        if self._continues:
            return Continuable(spoken, caller, include_usage=head.include_usage, asked=body)
        if spoken is caller:
            return None
        return StreamTranslator(spoken, caller, include_usage=head.include_usage, asked=body)

    def _refused(self, error: ProviderError) -> Whole:
        """A refusal of the content inside HTTP 200, told as what it is: it is carried nowhere else."""
        body = translate_error(CALLERS_OWN, error, self.asked.dialect)
        return Whole(CALLERS_OWN, JSON, body, None, (), True, error.code or None)

    async def _error(self, incoming: Incoming, spoken: Dialect, account: str) -> Whole:
        status = incoming.status
        try:
            body = self.door.without_secrets(account, await incoming.whole())
        except UpstreamFailed as failure:
            if _goes_elsewhere(status, content=False, account=False):
                raise
            # Why it was turned down was lost on the way, so it cannot be told from a refusal of the content.
            unread = ProviderError(message=f"HTTP {status}; {failure.message}")
            return Whole(status, JSON, translate_error(status, unread, self.asked.dialect), None, (), True)
        error = read_error(body, header(incoming.headers, b"x-amzn-errortype"))
        content = about_content(error, status)
        callers = content or about_thread(error)
        if _goes_elsewhere(status, content=callers, account=about_account(error, status)):
            told = word(error, incoming) if error.message else "no message"
            raise failed(Fault.STATUS, f"HTTP {status}, {told}", incoming, error.message)
        lines = passed_on(incoming.headers)
        if spoken is not self.asked.dialect:
            body = translate_error(status, error, self.asked.dialect)
            lines = JSON
        return Whole(status, lines, body, None, (), content, error.code or None)


class Reply(NamedTuple):
    """An answer with status 200, and what was asked of whom."""

    incoming: Incoming
    spoken: Dialect
    lost: tuple[str, ...]
    account: str


def refusal(answer: Answer) -> tuple[str, str | None]:
    """The kind of refusal that an answer is, as far as it has come, and its category; ("", None) for none."""
    if isinstance(answer, Whole) and answer.about_content:
        return "moderation", answer.category
    served = answer.served if isinstance(answer, Whole) else answer.glance.served()
    if served is None:
        return "", None
    if served.finish is Finish.FILTERED:
        return "moderation", served.category or served.finish_word
    if served.refused or served.finish is Finish.REFUSAL:
        return "refusal", served.category
    return "", None


def _goes_elsewhere(status: int, *, content: bool, account: bool) -> bool:
    """Whether another endpoint may be asked; never with content that a provider refused."""
    if content:
        return False
    return status in ELSEWHERE or status >= 500 or status < 400 or account


def error_in(first: bytes) -> bytes:
    return next((said for _, said in events(first) if b"error" in said), b"")


def beta(dialect: Dialect, headers: Mapping[bytes, bytes]) -> bytes:
    """The caller's header line for what its dialect does not hold yet."""
    name = _BETA.get(dialect, b"")
    return b"%b: %b\r\n" % (name, headers[name]) if name in headers else b""


def passed_on(headers: Headers) -> bytes:
    """The provider's headers that callers use; the rest stays here (cookies, hop-by-hop, server names)."""
    return b"".join(
        [
            b"%b: %b\r\n" % pair
            for pair in headers
            if pair[0] in PASSED_ON or pair[0].startswith(PASSED_ON_PREFIXES)
        ]
    )
