"""The paths that are asked for a model's answer, and what each says."""

import re
from urllib.parse import parse_qs, unquote

from freehold.dialects.peek import Route
from freehold.gateway.client import Headers
from freehold.vocabulary.endpoint import Dialect

ROUTES = {
    b"/v1/chat/completions": Route(Dialect.CHAT),
    b"/v1/responses": Route(Dialect.RESPONSES),
    b"/v1/messages": Route(Dialect.MESSAGES),
    b"/v1/messages/count_tokens": Route(Dialect.COUNT_TOKENS),
    b"/v1/embeddings": Route(Dialect.EMBEDDINGS),
}
_GEMINI = re.compile(rb"/v1(?:beta)?/models/(?P<model>[^?]+):(?P<method>[A-Za-z]+)(?:\?(?P<query>.*))?")
_OWN = re.compile(rb"/v1/own/(?P<model>[^?]+):(?P<method>predict|embed)(?:\?.*)?")
NOT_SSE = "`alt`: a stream is served as server-sent events alone; ask with `?alt=sse`"


def find_route(url: bytes) -> Route | None:
    """What the path says, if it is one for models; some callers add a query to it."""
    if own := _OWN.fullmatch(url):
        return Route(Dialect(own["method"].decode()), _model(own))
    named = _GEMINI.fullmatch(url)
    if named is None:
        return ROUTES.get(url.partition(b"?")[0])
    model = _model(named)
    match named["method"]:
        case b"generateContent":
            return Route(Dialect.GEMINI, model)
        case b"streamGenerateContent":
            complaint = "" if _asked(named["query"], "alt") == "sse" else NOT_SSE
            return Route(Dialect.GEMINI, model, stream=True, complaint=complaint)
        case b"embedContent" | b"batchEmbedContents" as method:
            return Route(Dialect.GEMINI_EMBEDDINGS, model, method=method.decode())
    return None


def _model(named: re.Match[bytes]) -> str:
    return unquote(named["model"].decode("latin-1"))


def query_key(url: bytes) -> Headers:
    """A key that Google's own clients may write into the query, as the header it could have been."""
    key = _asked(url.partition(b"?")[2], "key")
    return [(b"x-goog-api-key", key.encode())] if key else []


def _asked(query: bytes | None, name: str) -> str:
    if not query:
        return ""
    return parse_qs(query.decode("latin-1")).get(name, [""])[0]
