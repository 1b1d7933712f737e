"""The ASGI application: routes, and the answers that need no model."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from freehold.config.environment import is_loopback
from freehold.dialects.errors import error_body
from freehold.gateway.client import Client, Receive, Scope, Send
from freehold.gateway.draft import Draft
from freehold.gateway.metrics import exposition, left_by_others
from freehold.gateway.pipeline import Pipeline
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.errors import FreeholdError, MethodNotAllowed, NotFound, UnknownModel

ROUTES = {
    "/v1/chat/completions": Dialect.CHAT,
    "/v1/messages": Dialect.MESSAGES,
    "/v1/embeddings": Dialect.EMBEDDINGS,
}
JSON = (b"content-type", b"application/json")


class App:
    """One callable for everything; the three model routes are looked at first."""

    def __init__(self, pipeline: Pipeline, state: Path, worker: int) -> None:
        self._pipeline = pipeline
        self._state = state
        self._worker = worker
        self._pages: dict[str, Callable[[Scope, Client], Awaitable[None]]] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/v1/models": self._models,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        client = Client(scope, receive, send)
        path = scope["path"]
        dialect = ROUTES.get(path)
        if dialect is not None and scope["method"] == "POST":
            connection = client.connection
            if connection is not None:
                connection.begin()
            try:
                await self._pipeline.exchange(dialect, client)
            finally:
                if connection is not None:
                    connection.end()
            return
        try:
            page = self._page(path, scope["method"], dialect)
            await page(scope, client)
        except FreeholdError as error:
            draft = Draft(dialect or Dialect.CHAT)
            headers = [JSON, *draft.headers()]
            if isinstance(error, MethodNotAllowed):  # RFC 9110, section 15.5.6 wants them named
                headers.append((b"allow", b"GET, HEAD" if dialect is None else b"POST"))
            await client.reply(error.status, headers, error_body(draft.dialect, error, draft.id))

    def _page(
        self, path: str, method: str, dialect: Dialect | None
    ) -> Callable[[Scope, Client], Awaitable[None]]:
        page = self._pages.get(path)
        if page is None and path.startswith("/v1/models/"):
            page = self._model
        if page is None and dialect is None:
            raise NotFound(f"there is nothing at {path[:200]}")
        if page is None or method not in ("GET", "HEAD"):
            allowed = "GET" if page is not None else "POST"
            raise MethodNotAllowed(f"{path[:200]} is asked with {allowed}, not {method[:20]}")
        return page

    async def _healthz(self, scope: Scope, client: Client) -> None:
        await client.reply(200, [JSON], b'{"status":"ok"}')

    async def _readyz(self, scope: Scope, client: Client) -> None:
        ledger = self._pipeline.ledger
        if ledger.healthy:
            await client.reply(200, [JSON], b'{"status":"ready"}')
            return
        body = {"status": "not ready", "code": "ledger_unavailable", "reason": ledger.reason}
        await client.reply(503, [JSON], msgspec.json.encode(body))

    async def _metrics(self, scope: Scope, client: Client) -> None:
        peer = scope.get("client")
        if peer is None or not is_loopback(peer[0]):
            self._pipeline.admission.identify(
                client
            )  # application and model names are nobody else's business
        mine = self._pipeline.metrics.snapshot()
        others = left_by_others(self._state, self._pipeline.config.server.workers, self._worker)
        body, content_type = exposition([mine, *others])
        await client.reply(200, [(b"content-type", content_type.encode())], body)

    async def _models(self, scope: Scope, client: Client) -> None:
        names = self._names(client)
        ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        models = [_model(name) for name in names]
        body = msgspec.json.encode({"object": "list", "data": models, "has_more": False, **ends})
        await client.reply(200, [JSON], body)

    async def _model(self, scope: Scope, client: Client) -> None:
        name = scope["path"].removeprefix("/v1/models/")
        if name not in self._names(client):
            raise UnknownModel(f"no alias is called `{name[:200]}`")
        await client.reply(200, [JSON], msgspec.json.encode(_model(name)))

    def _names(self, client: Client) -> list[str]:
        admission = self._pipeline.admission
        key = admission.identify(client)
        return [name for name in self._pipeline.aliases.names() if admission.allows(key, name)]


def _model(name: str) -> dict[str, object]:
    """An alias in both dialects' shape at once. It has no birthday: the epoch stands for unknown."""
    openai = {"id": name, "object": "model", "created": 0, "owned_by": "freehold"}
    return {**openai, "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
