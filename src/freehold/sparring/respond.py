"""From a request to the script of its answer: a pure function, so that known answers can be kept."""

from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import msgspec

from freehold.sparring import chat, embeddings, messages
from freehold.sparring.answer import Answer, answered
from freehold.sparring.asked import Asked
from freehold.sparring.failures import refused
from freehold.sparring.faults import Chosen, UnknownFault, chosen, in_model
from freehold.sparring.reading import read_chat, read_embeddings, read_messages
from freehold.sparring.reply import Framing, Reply, Script, script
from freehold.vocabulary.endpoint import Dialect

ROUTES = {
    "/chat/completions": Dialect.CHAT,
    "/messages": Dialect.MESSAGES,
    "/embeddings": Dialect.EMBEDDINGS,
}
READERS = {Dialect.CHAT: read_chat, Dialect.MESSAGES: read_messages}
WHOLE = {Dialect.CHAT: chat.whole, Dialect.MESSAGES: messages.whole}
EVENTS = {Dialect.CHAT: chat.events, Dialect.MESSAGES: messages.events}
EVENT_STREAM = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
ECHO = "echo"  # the model that answers with what it understood
CHUNKS_MAX = 100_000
# Credentials are left out: an answer goes to places where a key must not go.
ECHOED_HEADERS = (
    "accept",
    "accept-encoding",
    "content-type",
    "user-agent",
    "anthropic-version",
    "anthropic-beta",
)
MATTERING_HEADERS = frozenset(
    name.encode() for name in (*ECHOED_HEADERS, "x-sparring", "x-sparring-chunks", "x-sparring-gap-ms")
)


@dataclass(frozen=True, slots=True)
class Persona:
    """Who a partner is: what it is called, which words it finds, and in how many pieces it says them."""

    name: str = "sparring"  # told in the header `server`
    seed: int = 0
    model: str | None = None  # the only model it claims to be; None: whichever is asked for
    chunks: int = 20


class Traits(TypedDict, total=False):
    """A persona's fields, as arguments."""

    name: str
    seed: int
    model: str | None
    chunks: int


@dataclass(slots=True)
class Received:
    """One request as it came from the socket."""

    method: str
    target: str
    raw_headers: list[tuple[bytes, bytes]] = field(default_factory=list)  # names in lower case
    choices: tuple[bytes, ...] = ()  # the headers that an answer depends on
    body: bytes = b""

    def note(self, name: bytes, value: bytes) -> None:
        """Add a header."""
        name = name.lower()
        self.raw_headers.append((name, value))
        if name in MATTERING_HEADERS:
            self.choices += (name, value)

    @property
    def headers(self) -> dict[str, str]:
        """The headers by their names in lower case; of several with one name, the last."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}

    @property
    def path(self) -> str:
        """The path without query and without the version before it."""
        return self.target.partition("?")[0].removeprefix("/v1")


def respond(received: Received, persona: Persona, fault: str) -> Script:
    """Return what to write in answer; `fault` applies where the request chooses none."""
    dialect = ROUTES.get(received.path)
    spoken = dialect or (Dialect.MESSAGES if received.headers.get("anthropic-version") else Dialect.CHAT)
    try:
        if dialect is None:
            reply, faults = _page(received, spoken, persona), _chosen(received, "", fault)
        elif received.method != "POST":
            return script(refused("Use POST.", spoken, "method_not_allowed", 405))
        elif dialect is Dialect.EMBEDDINGS:
            reply, faults = _placed(received, persona, fault)
        else:
            reply, faults = _spoken(received, dialect, persona, fault)
    except UnknownFault as error:
        return script(refused(str(error), spoken, "unknown_fault"))
    except ValueError as error:  # JSON that is none, fields that do not fit, a schema that cannot be read
        return script(refused(f"The request cannot be read: {error}", spoken, "unreadable"))
    reply = replace(reply, headers=(*reply.headers, ("server", persona.name)))
    for one in faults:
        if one.fault.reply is not None:
            reply = one.fault.reply(reply, one.amount)
    return script(reply)


def _chosen(received: Received, model: str, fault: str) -> tuple[Chosen, ...]:
    """A header wins over the model's name, and that over what is set for the whole partner."""
    return chosen(received.headers.get("x-sparring") or in_model(model)[1] or fault)


def _spoken(
    received: Received, dialect: Dialect, persona: Persona, fault: str
) -> tuple[Reply, tuple[Chosen, ...]]:
    asked = READERS[dialect](received.body)
    faults = _chosen(received, asked.model, fault)
    name, _ = in_model(asked.model)
    chunks = _count(received, "x-sparring-chunks", persona.chunks)
    answer = answered(
        asked,
        seed=persona.seed,
        name=persona.model or name,
        chunks=chunks,
        text=_echo(received, dialect, asked) if name == ECHO else None,
    )
    answer = _spoilt(replace(answer, model=persona.model or asked.model), faults)
    if not asked.stream:
        return Reply((WHOLE[dialect](answer),), dialect, gap_s=_gap_s(received)), faults
    parts = EVENTS[dialect](answer, asked, chunks)
    stream = Reply(
        parts, dialect, headers=EVENT_STREAM, stream=True, framing=Framing.CHUNKED, gap_s=_gap_s(received)
    )
    return stream, faults


def _placed(received: Received, persona: Persona, fault: str) -> tuple[Reply, tuple[Chosen, ...]]:
    asked = read_embeddings(received.body)
    faults = _chosen(received, asked.model, fault)
    name = persona.model or in_model(asked.model)[0]
    answer = Answer("", persona.model or asked.model, None, "", embeddings.input_tokens(asked), 0)
    answer = _spoilt(answer, faults)
    return Reply((embeddings.whole(asked, answer, persona.seed, name),), Dialect.EMBEDDINGS), faults


def _spoilt(answer: Answer, faults: tuple[Chosen, ...]) -> Answer:
    for one in faults:
        if one.fault.answer is not None:
            answer = one.fault.answer(answer, one.amount)
    return answer


def _page(received: Received, dialect: Dialect, persona: Persona) -> Reply:
    """Answer the routes that need no body."""
    if received.method == "GET" and received.path == "/healthz":
        return Reply((b'{"status":"ok"}',), dialect)
    if received.method == "GET" and received.path == "/models":
        return Reply((_models(persona.model or "ok", dialect, persona.name),), dialect)
    return refused(f"There is no {received.method} {received.path}.", dialect, "not_found", 404)


def _models(model: str, dialect: Dialect, owner: str) -> bytes:
    names = (model, ECHO)
    if dialect is Dialect.CHAT:
        cards: list[dict[str, Any]] = [
            {"id": name, "object": "model", "created": chat.CREATED, "owned_by": owner} for name in names
        ]
        return msgspec.json.encode({"object": "list", "data": cards})
    cards = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
        for name in names
    ]
    return msgspec.json.encode({"data": cards, "has_more": False, "first_id": names[0], "last_id": names[-1]})


def _echo(received: Received, dialect: Dialect, asked: Asked) -> str:
    """Tell in JSON what was understood, and beside it every parameter as it was written."""
    understood = ("messages", "system", "tools", "model", "stream")
    parameters = {
        name: value for name, value in msgspec.json.decode(received.body).items() if name not in understood
    }
    headers = {name: value for name in ECHOED_HEADERS if (value := received.headers.get(name)) is not None}
    told = {"dialect": dialect, "asked": asked, "parameters": parameters, "headers": headers}
    return msgspec.json.encode(told).decode()


def _gap_s(received: Received) -> float:
    return _count(received, "x-sparring-gap-ms", 0) / 1_000


def _count(received: Received, name: str, otherwise: int) -> int:
    written = received.headers.get(name)
    return min(int(written), CHUNKS_MAX) if written and written.isdecimal() else otherwise
