"""What stays behind at who is lost: prompts that they still hold, and what was made there and works nowhere else.

Metadata says little of the latter: what nobody can see is counted as unknown. Sealed bodies say more, where they are
kept and somebody opens them.

Does not see: what was uploaded, fine-tuned or stored at a provider without passing through the gateway.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from freehold.ledger.exposure import Held
from freehold.vocabulary.endpoint import EMBEDS, Dialect
from freehold.vocabulary.exchange import Exchange

Hits = Callable[[str], bool]  # whether an endpoint is one of them
Body = Callable[[Exchange], bytes | None]  # the request's body; None: it cannot be seen

FILES = "files kept at the provider"
CONVERSATIONS = "conversations stored at the provider"
CACHES = "prompts cached at the provider"
TOOLS = "tools that only the provider knows"
THOUGHTS = "thoughts signed by the provider"
EMBEDDINGS = "embeddings of its model"
TUNED = "models fine-tuned there"
MEANS: Mapping[str, str] = {
    FILES: "They have to be uploaded elsewhere, and requests must name them anew.",
    CONVERSATIONS: "Their history is not in the requests: without a copy of their own, applications lose it.",
    CACHES: "Elsewhere they are read, and paid for, in full until they are cached anew.",
    TOOLS: "Searching, running code, using a computer and the like must be replaced by tools of one's own.",
    THOUGHTS: "No other provider takes them back: conversations go on without them.",
    EMBEDDINGS: "Vectors of two models cannot be compared: an index made of them has to be made anew.",
    TUNED: "They have to be trained anew, from data that was kept.",
}
NOT_SEEN = (
    "What was uploaded, fine-tuned or stored at a provider without passing through this gateway, such as "
    "assistants, batches and vector stores, cannot be seen here.",
    "Provider's deployments whose names do not say so may be fine-tuned models.",
)
_CHATTING = (Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES, Dialect.GEMINI)
_STORING = (Dialect.CHAT, Dialect.RESPONSES)
_THINKING = (Dialect.RESPONSES, Dialect.MESSAGES, Dialect.GEMINI)
_TUNED = ("ft:", ":custom-model/", ":custom-model-deployment/", "/tunedModels/", "tunedModels/")
_FILE_KEYS = frozenset({"file_id", "file_ids", "vector_store_ids", "fileUri", "file_uri"})
_CACHE_KEYS = frozenset(
    {"cache_control", "cachedContent", "cached_content", "cachePoint", "prompt_cache_key"}
)
_STORED_KEYS = frozenset({"previous_response_id", "conversation", "container"})
_THOUGHT_KEYS = frozenset({"signature", "thoughtSignature", "thought_signature", "encrypted_content"})
_TOOL_KEYS = ("mcp_servers", "web_search_options", "search_parameters", "plugins")
# How the types of providers' tools begin, where a translation had to leave them out.
_LEFT_OUT = re.compile(
    r"(^|\.)(web_search|web_fetch|code_|file_search|computer|image_gen|mcp|google|url_context)"
)
_OWN_TOOLS = (None, "function", "custom")
_GEMINI_OWN_TOOLS = frozenset({"functionDeclarations", "function_declarations"})
_SCHEMAS = frozenset(
    {"parameters", "input_schema", "schema", "functionDeclarations", "function_declarations"}
)
_GOOGLE_FILES = "googleapis.com"  # a file's address is a file of theirs only there


class Artefact(Struct, frozen=True):
    """Something that was made at the lost endpoints, in exchanges that they answered."""

    kind: str
    seen: int  # exchanges in which it was seen
    unknown: int  # exchanges of which nobody can tell
    means: str


class DataSide(Struct, frozen=True):
    """What stays behind."""

    answered: int  # exchanges that the lost endpoints answered
    opened: int  # of these, how many bodies were looked at
    held: tuple[Held, ...]  # what lost endpoints hold of all that was sent to them, by provider
    artefacts: tuple[Artefact, ...]
    not_seen: tuple[str, ...] = NOT_SEEN


class Behind:
    """Counts, exchange by exchange, what stays behind at endpoints that are lost, or now keep what they are sent."""

    def __init__(self, is_lost: Hits, is_other: Hits, body: Body = lambda exchange: None) -> None:
        self._is_lost, self._is_other, self._body = is_lost, is_other, body
        self._seen: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._answered = self._opened = 0

    def watching(self, exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
        """The exchanges that reached these endpoints, without their attempts elsewhere; counts what passes."""
        for exchange in exchanges:
            if exchange.endpoint is not None and not exchange.cached and self._is_lost(exchange.endpoint):
                self._count(exchange, exchange.endpoint)
            attempts = tuple(one for one in exchange.attempts if self._is_concerned(one.endpoint))
            if attempts:
                yield replace(exchange, attempts=attempts)

    def _is_concerned(self, endpoint: str) -> bool:
        return self._is_lost(endpoint) or self._is_other(endpoint)

    def told(self, held: tuple[Held, ...]) -> DataSide:
        """All that was counted."""
        artefacts = (Artefact(kind, self._seen[kind], self._unknown[kind], MEANS[kind]) for kind in MEANS)
        return DataSide(self._answered, self._opened, held, tuple(artefacts))

    def _count(self, exchange: Exchange, endpoint: str) -> None:
        self._answered += 1
        seen = dict(_by_metadata(exchange, endpoint))
        body = self._body(exchange)
        if body is not None and (found := _in_body(exchange.dialect, body)) is not None:
            self._opened += 1
            seen = {kind: bool(said) or kind in found for kind, said in seen.items()}
        self._seen.update(kind for kind, said in seen.items() if said is True)
        self._unknown.update(kind for kind, said in seen.items() if said is None)


def _by_metadata(exchange: Exchange, endpoint: str) -> Iterator[tuple[str, bool | None]]:
    """What an exchange's record tells of each kind; None: nothing."""
    dialect = exchange.dialect
    usage = exchange.served.usage if exchange.served is not None else None
    counts = () if usage is None else (usage.cached_tokens, usage.cache_write_tokens)
    cached = any(counts) or "cache_control" in exchange.lost
    chats = dialect in _CHATTING
    yield FILES, None if chats else False
    yield CONVERSATIONS, None if dialect in _STORING else False
    yield CACHES, True if cached else False if any(one is not None for one in counts) or not chats else None
    left_out = any(map(_LEFT_OUT.search, exchange.lost))
    yield TOOLS, True if left_out else None if chats and exchange.tools is not False else False
    yield THOUGHTS, True if "thinking" in exchange.lost else None if dialect in _THINKING else False
    yield EMBEDDINGS, dialect in EMBEDS
    yield TUNED, any(one in endpoint for one in _TUNED)


def _in_body(dialect: str, body: bytes) -> frozenset[str] | None:
    """What a request names; None: it cannot be read."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    found = {kind for key, value in _fields(said) for kind in _named(key, value)}
    if any(said.get(name) for name in _TOOL_KEYS) or any(_foreign(dialect, one) for one in _tools(said)):
        found.add(TOOLS)
    if said.get("store") is True or (dialect == Dialect.RESPONSES and said.get("store") is not False):
        found.add(CONVERSATIONS)  # responses are stored unless one says no
    return frozenset(found)


def _named(key: str, value: Any) -> Iterator[str]:
    if key in _FILE_KEYS and (not key.lower().endswith("uri") or _GOOGLE_FILES in str(value)):
        yield FILES
    if key in _CACHE_KEYS and value:
        yield CACHES
    if key in _STORED_KEYS and value:
        yield CONVERSATIONS
    if key in _THOUGHT_KEYS and isinstance(value, str) and value:
        yield THOUGHTS


def _fields(said: Any) -> Iterator[tuple[str, Any]]:
    """Every field of a request, however deep, but for those of schemas: there a name says nothing."""
    waiting = [said]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            inner = {key: value for key, value in one.items() if key not in _SCHEMAS}
            yield from inner.items()
            waiting += inner.values()
        elif isinstance(one, list):
            waiting += one


def _tools(said: Mapping[str, Any]) -> list[Any]:
    tools = said.get("tools")
    return tools if isinstance(tools, list) else []


def _foreign(dialect: str, tool: Any) -> bool:
    """Whether a tool is the provider's own."""
    if not isinstance(tool, dict):
        return False
    if dialect == Dialect.GEMINI:
        return not tool.keys() <= _GEMINI_OWN_TOOLS
    return tool.get("type") not in _OWN_TOOLS
