"""The ASGI application: the answers that need no model."""

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from freehold.config.environment import is_loopback
from freehold.dialects.errors import error_body
from freehold.gateway.client import Headers
from freehold.gateway.draft import Draft
from freehold.gateway.keys import Key
from freehold.gateway.metrics import left_by_others
from freehold.gateway.pipeline import Pipeline
from freehold.gateway.routes import find_route, query_key
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import FreeholdError, MethodNotAllowed, NotFound, UnknownModel

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Reply: TypeAlias = tuple[int, Headers, bytes]
Page: TypeAlias = Callable[[Scope], Reply]

JSON = (b"content-type", b"application/json")
EXPOSITION = "freehold.gateway.exposition"  # imported when it is first asked for
MODELS, GEMINI_MODELS = "/v1/models", "/v1beta/models"
_GEMINI_METHODS = {
    Dialect.GEMINI: ("generateContent", "streamGenerateContent"),
    Dialect.GEMINI_EMBEDDINGS: ("embedContent", "batchEmbedContents"),
}


class App:
    """The pages, as an ASGI application. The model routes do not come here: see `connection`."""

    def __init__(self, pipeline: Pipeline, state: Path, worker: int) -> None:
        self._pipeline = pipeline
        self._state = state
        self._worker = worker
        self._pages: dict[str, Page] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            MODELS: self._models,
            GEMINI_MODELS: self._gemini_models,
        }
        self._folders: dict[str, Page] = {f"{MODELS}/": self._model, f"{GEMINI_MODELS}/": self._gemini_model}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            status, headers, body = self._page(scope)(scope)
        except FreeholdError as error:
            status, headers, body = _refusal(error, scope)
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _page(self, scope: Scope) -> Page:
        path, method = _path(scope), scope["method"]
        if find_route(scope["raw_path"]) is not None:
            raise MethodNotAllowed(f"{path[:200]} is asked with POST, not {method[:20]}")
        page = self._pages.get(path)
        if page is None:
            folder, slash, name = path.partition("/models/")
            unserved = method == "POST" and ":" in name  # one of Gemini's methods that is not served here
            page = None if unserved else self._folders.get(folder + slash)
        if page is None:
            raise NotFound(f"there is nothing at {path[:200]}")
        if method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{path[:200]} is asked with GET, not {method[:20]}")
        return page

    def _healthz(self, scope: Scope) -> Reply:
        return 200, [JSON], b'{"status":"ok"}'

    def _readyz(self, scope: Scope) -> Reply:
        ledger = self._pipeline.ledger
        if ledger.healthy:
            pipeline = self._pipeline
            possible = (
                ledger.trouble,
                ledger.log_trouble,
                pipeline.admission.trouble,
                pipeline.governance.trouble,
                pipeline.promoting.trouble,
            )
            troubles = [trouble for trouble in possible if trouble]
            body = {"status": "ready", "warnings": troubles} if troubles else {"status": "ready"}
            return 200, [JSON], msgspec.json.encode(body)
        body = {"status": "not ready", "code": "ledger_unavailable", "reason": ledger.reason}
        return 503, [JSON], msgspec.json.encode(body)

    def _metrics(self, scope: Scope) -> Reply:
        peer = scope.get("client")
        if peer is None or not is_loopback(peer[0]):
            # The names of models and what they are used for are nobody else's business.
            self._pipeline.admission.identify(dict(scope["headers"]))
        mine = self._pipeline.metrics.snapshot()
        others = left_by_others(self._state, self._pipeline.config.server.workers, self._worker)
        told = import_module(EXPOSITION).exposition
        body, content_type = told([mine, *others])
        return 200, [(b"content-type", content_type.encode())], body

    def _models(self, scope: Scope) -> Reply:
        names = self._names(scope)
        ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        models = [_model(name) for name in names]
        body = msgspec.json.encode({"object": "list", "data": models, "has_more": False, **ends})
        return 200, [JSON], body

    def _model(self, scope: Scope) -> Reply:
        return 200, [JSON], msgspec.json.encode(_model(self._named(scope)))

    def _gemini_models(self, scope: Scope) -> Reply:
        models = [self._in_gemini(name) for name in self._names(scope)]
        return 200, [JSON], msgspec.json.encode({"models": models})

    def _gemini_model(self, scope: Scope) -> Reply:
        return 200, [JSON], msgspec.json.encode(self._in_gemini(self._named(scope)))

    def _in_gemini(self, name: str) -> dict[str, object]:
        offered = [d for d in _GEMINI_METHODS if self._pipeline.aliases.offers(name, d)]
        methods = [method for dialect in offered for method in _GEMINI_METHODS[dialect]]
        return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}

    def _named(self, scope: Scope) -> str:
        name: str = scope["path"].partition("/models/")[2]
        key, admission = self._key(scope), self._pipeline.admission
        if not (self._pipeline.aliases.knows(name) and admission.allows(key, name)):
            raise UnknownModel(f"no alias is called `{name[:200]}`")
        return name

    def _names(self, scope: Scope) -> list[str]:
        key, admission = self._key(scope), self._pipeline.admission
        return [name for name in self._pipeline.aliases.names() if admission.allows(key, name)]

    def _key(self, scope: Scope) -> Key | None:
        headers = [*query_key(b"?" + scope["query_string"]), *scope["headers"]]
        return self._pipeline.admission.identify(dict(headers))


def _path(scope: Scope) -> str:
    """Where a page is found. Google's own clients ask under /v1 too, where the other dialects' models are."""
    path: str = scope["path"]
    googles = path.startswith(MODELS) and b"x-goog-api-client" in dict(scope["headers"])
    return GEMINI_MODELS + path.removeprefix(MODELS) if googles else path


def _refusal(error: FreeholdError, scope: Scope) -> Reply:
    route = find_route(scope["raw_path"])
    gemini = _path(scope).startswith(GEMINI_MODELS)
    draft = Draft(route.dialect if route else Dialect.GEMINI if gemini else Dialect.CHAT)
    headers = [JSON, (b"x-freehold-exchange", draft.id.encode())]
    if isinstance(error, MethodNotAllowed):  # RFC 9110, section 15.5.6 wants them named
        headers.append((b"allow", b"GET, HEAD" if route is None else b"POST"))
    return error.status, headers, error_body(draft.dialect, error, draft.id)


def _model(name: str) -> dict[str, object]:
    """An alias in both dialects' shape at once. It has no birthday: the epoch stands for unknown."""
    openai = {"id": name, "object": "model", "created": 0, "owned_by": "freehold"}
    anthropic = {"type": "model", "display_name": name, "lifecycle": "active"}
    return {**openai, **anthropic, "created_at": "1970-01-01T00:00:00Z"}
