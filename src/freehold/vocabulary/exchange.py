"""What the ledger keeps of one request: who asked, what was tried, who answered, what was noticed.

Bodies are not here, only where they lie sealed: an exchange is metadata. Times are Unix milliseconds, durations
microseconds.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from freehold.vocabulary.errors import Fault
from freehold.vocabulary.facts import RequestFacts

PASSED_OVER = (Fault.BREAKER_OPEN, Fault.COOLING, Fault.POLICY, Fault.LIMITED)
INJECTED = "freehold_drill"  # in the detail of an attempt that a drill made fail: nothing was sent


class Outcome(StrEnum):
    """How an exchange ended, as its caller saw it."""

    ANSWERED = "answered"  # a whole answer was passed on
    REJECTED = "rejected"  # the gateway turned the request down before any attempt
    DECLINED = "declined"  # the provider turned it down for its content or form, and the caller was told
    FAILED = "failed"  # no endpoint gave an answer
    CUT = "cut"  # an answer began and broke off; the caller was told so
    ABANDONED = "abandoned"  # the caller hung up first
    INTERRUPTED = (
        "interrupted"  # the gateway was stopped before its end could be recorded; found at the next start
    )


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens as the provider counted them; None is unknown, which is not 0.

    `input_tokens` includes `cached_tokens`, and `output_tokens` includes `reasoning_tokens`.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Finish(StrEnum):
    """Why a model stopped, in one vocabulary for all dialects."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"  # the model declined
    FILTERED = "filtered"  # the provider's moderation took the answer away
    PAUSED = "paused"  # the provider wants the turn to be continued
    OTHER = "other"  # a reason this version does not know; the provider's word is kept beside it


class Served(Struct, frozen=True, omit_defaults=True):
    """What an answer says about itself, read in passing."""

    model: str | None = None  # the model the provider says it used
    fingerprint: str | None = None
    finish: Finish | None = None
    finish_word: str | None = None  # the provider's own word for it
    refused: bool = False  # the answer carries the dialect's own mark of a refusal
    usage: Usage | None = None
    category: str | None = None  # of a refusal, in the provider's words


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One try at one endpoint."""

    endpoint: str
    outcome: str  # "ok" or a `Fault` value
    status: int | None = None  # HTTP status of the provider, if one came
    began_us: int = 0  # after the exchange began
    first_byte_us: int | None = None  # after the attempt began
    took_us: int = 0
    detail: str = ""
    said: str = ""  # the provider's or a parser's words; sealed with the bodies where the data has a class


def asked(attempts: Sequence[Attempt]) -> int:
    """How many endpoints were really asked; the others were passed over."""
    return sum(attempt.outcome not in PASSED_OVER for attempt in attempts)


class Finding(Struct, frozen=True, omit_defaults=True):
    """Something observed in an answer that its caller was not told."""

    kind: str  # refusal, moderation, inability, deflection, substitution, truncation, short-measure...
    evidence: str  # the observation it rests on
    strength: float = 1.0  # 1: the provider said so itself
    endpoint: str | None = None  # whose answer it was in; None: the exchange's


class Part(StrEnum):
    """Which body of an exchange. Part of the ledger's format."""

    REQUEST = "request"  # as the caller sent it
    ANSWER = "answer"  # as the caller got it; of a stream, the bytes that were passed on
    ERRORS = "errors"  # what providers said in failed attempts, in their words: some quote the prompt


class BodyRef(Struct, frozen=True, omit_defaults=True):
    """Where a sealed body lies, and how it is known again once it is opened."""

    part: Part
    file: str  # below bodies/ in the state directory: "CLASS/DAY/NAME.sealed"
    offset: int
    length: int  # of what lies there: a nonce, the sealed salt and body, a tag
    digest: str  # SHA-256 of the salt and the body, in hex; the salt is nowhere else, and goes with the key
    cut: int = 0  # so many more bytes the body had, which were not kept


class Refused(Struct, frozen=True, omit_defaults=True):
    """An endpoint of the pool that policy did not allow, and the rule that counts most against it."""

    endpoint: str
    rule: str
    policy: str = ""  # whose rule it is, where several policies are enforced

    @property
    def by(self) -> str:
        """The rule, so that it cannot be taken for another."""
        return f"{self.policy}/{self.rule}" if self.policy else self.rule


class Shadow(Struct, frozen=True, omit_defaults=True):
    """What a policy that is not enforced would have decided."""

    policy: str  # its name and digest: "eu-sovereign@3f9a61c2"
    first: str | None = None  # whom it would have let be asked first; None: nobody
    refused: tuple[Refused, ...] = ()


class Exchange(Struct, frozen=True, omit_defaults=True):
    """One request from its arrival to its last byte. Written once, when it is over."""

    id: str
    at_ms: int
    application: str
    dialect: str
    alias: str  # the model name that was asked for; "" if none could be read
    outcome: Outcome
    status: int  # HTTP status given to the caller; 0: none is known
    stream: bool = False
    endpoint: str | None = None  # who answered
    code: str | None = None  # the error's stable code, when the caller got an error
    attempts: tuple[Attempt, ...] = ()
    served: Served | None = None
    findings: tuple[Finding, ...] = ()
    lost: tuple[str, ...] = ()  # request fields that a translation could not carry
    key: str | None = None  # the key's public id
    request_bytes: int = 0
    answer_bytes: int = 0
    first_byte_us: int | None = None  # until the first byte of the answer could be passed on
    took_us: int = 0
    node: str = ""  # which journal wrote it
    cached: bool = False  # answered from memory; `endpoint` is who had answered then
    continued_by: str | None = None  # the endpoint that went on with a stream that broke off
    data_class: str | None = None  # None: nobody said
    purpose: str | None = None
    user_region: str | None = None
    tools: bool | None = None  # whether the request offered tools; None: no policy asked
    policy: str | None = (
        None  # name and digest of what was enforced: "eu-sovereign@3f9a61c2", several with " + "
    )
    facts: str | None = None  # the digest of the facts it decided with
    refused: tuple[Refused, ...] = ()
    shadow: tuple[Shadow, ...] = ()
    cost_usd: float | None = None  # None: no price or no usage is known, which is not free
    retention: str | None = None  # the class its bodies are kept in; None: none is kept
    bodies: tuple[
        BodyRef, ...
    ] = ()  # none either if the key of their day was destroyed before the exchange ended
    drill: str | None = None  # the drill that it was in

    @property
    def request(self) -> RequestFacts:
        """What policy decides by."""
        return RequestFacts(
            self.application, self.alias, self.data_class, self.purpose, self.user_region, self.tools
        )

    def reached(self, attempt: Attempt) -> bool:
        """Whether an attempt of its own went out: not where a drill made it fail before that."""
        return self.drill is None or INJECTED not in attempt.detail


OPENED = "opened"  # the kind of event that says: this exchange's prompt is about to leave
PEERS_ASKED = "peers-asked"  # the kind that says: these exchanges ask other models what this one asked

Plain = str | int | float | bool | None | tuple[str, ...]


class Event(Struct, frozen=True, omit_defaults=True):
    """Something that is not an exchange and belongs on the ledger: a policy came into force, a key was destroyed."""

    id: str  # begins with "e"; sorts by time
    at_ms: int
    kind: str  # what happened: "policy-in-force", "opened"...
    about: Mapping[str, Plain] = {}
    node: str = ""  # which journal wrote it


Record = Exchange | Event
