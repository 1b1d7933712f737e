"""Exchanges: a search by their words, and one exchange with its decision, its attempts, its findings and its proof."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from freehold.console.searching import search, unfinished
from freehold.console.shell import page, there
from freehold.console.there import There
from freehold.ledger import proofs
from freehold.ledger.checkpoint import read
from freehold.ledger.notes import encoded
from freehold.ledger.proofs import Proof
from freehold.ledger.proving import prove
from freehold.ledger.query import find
from freehold.ledger.search import NONE, Page, Query, Search
from freehold.vocabulary.errors import BadRequest, NotFound, Unverified
from freehold.vocabulary.exchange import PASSED_OVER, Attempt, Exchange, Finding, Outcome

SELECTS = ("application", "alias", "endpoint", "outcome", "finding", "failed", "data_class", "dialect")
NAMES = {  # as the page names a filter
    "application": "Application",
    "alias": "Alias",
    "endpoint": "Answered by",
    "outcome": "Outcome",
    "finding": "Finding",
    "failed": "Failed at",
    "data_class": "Data class",
    "dialect": "Dialect",
    "drill": "Drill",
    "purpose": "Purpose",
    "user_region": "User's region",
}
MAYBE_NONE = ("endpoint", "data_class")
_MOMENTS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")


class Bar(NamedTuple):
    """One attempt on the timeline. Places are of 1000, the whole exchange."""

    attempt: Attempt
    was_asked: bool
    begin: float
    first: float | None  # how long until its first byte
    length: float


class Found(NamedTuple):
    """A finding, and whether it was made after the exchange was over."""

    finding: Finding
    later_ms: int | None


def listing(request: Request) -> Response:
    """The form, and what it finds."""
    asked = {name: value.strip() for name, value in request.query_params.items() if value.strip()}
    found, query, prefix = search(request), _query(asked), asked.get("id", "")
    rows = found.named(prefix) if prefix else found.find(query, asked.get("after"))
    if prefix and (name := _only(there(request), prefix, rows)) is not None:
        return RedirectResponse(f"/exchanges/{name}", 303)
    return page(
        request,
        "exchanges.html",
        asked=asked,
        names=NAMES,
        choices={word: _choices(found, word, asked) for word in SELECTS},
        extra={word: asked[word] for word in NAMES if word not in SELECTS and word in asked},
        rows=rows.rows,
        progress=unfinished(found),
        is_all=not (prefix or msgspec.to_builtins(query) or "after" in asked),
        newest=_address(asked, {}) if "after" in asked else "",
        older=_older(asked, rows),
    )


def _only(here: There, prefix: str, rows: Page) -> str | None:
    """The one exchange whose id begins so; the ledger knows it before the index does."""
    if rows.rows:
        return rows.rows[0].id if len(rows.rows) == 1 else None
    found = find(here.state, prefix)
    return found.id if isinstance(found, Exchange) else None


def _choices(found: Search, word: str, asked: Mapping[str, str]) -> list[str]:
    """What can be chosen; what was asked for by address is among it."""
    known = [str(one.value) for one in Outcome] if word == "outcome" else found.choices(word)
    more = [NONE] if word in MAYBE_NONE else []
    chosen = [asked[word]] if asked.get(word, NONE) not in (NONE, *known) else []
    return [*known, *chosen, *more]


def _query(asked: Mapping[str, str]) -> Query:
    """What an address asks for. Raises BadRequest."""
    said = {word: asked[word] for word in NAMES if word in asked}
    spans = {f"{edge}_ms": _moment_ms(asked[edge]) for edge in ("since", "until") if edge in asked}
    return msgspec.convert({**said, **spans}, Query)


def _moment_ms(text: str) -> int:
    for form in _MOMENTS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp() * 1_000)
        except ValueError:
            continue
    remedy = "Write it in UTC, like 2026-11-22T18:30 or 2026-11-22."
    raise BadRequest(f"{text[:40]!r} is no moment", remedy=remedy)


def _address(asked: Mapping[str, str], more: Mapping[str, str]) -> str:
    kept = {name: value for name, value in asked.items() if name != "after"}
    return f"/exchanges?{urlencode({**kept, **more})}"


def _older(asked: Mapping[str, str], rows: Page) -> str:
    return "" if rows.after is None else _address(asked, {"after": rows.after})


def one(request: Request) -> Response:
    """One exchange."""
    it = _exchange(request)
    proof, unproved = None, None
    try:
        proof = _proof(request, it.id)
    except (Unverified, NotFound) as error:
        unproved = error
    return page(
        request,
        "exchange.html",
        it=it,
        usage=it.served.usage if it.served is not None else None,
        bars=_bars(it),
        found=_found(it, search(request)),
        why=_why(it),
        proof=proof,
        checkpoint=None if proof is None else read(proof.note)[0],
        unproved=unproved,
        suffix=proofs.SUFFIX,
    )


def proof_json(request: Request) -> Response:
    """The proof of an exchange, for who reads JSON. Raises NotFound or Unverified."""
    proof = _proof(request, _exchange(request).id)
    return _download(msgspec.json.encode(_plain(proof)), request, ".proof.json", "application/json")


def proof_text(request: Request) -> Response:
    """The same as a C2SP tlog-proof, which `freehold ledger verify --proof` takes. Raises NotFound or Unverified."""
    proof = _proof(request, _exchange(request).id)
    return _download(proof.text().encode(), request, proofs.SUFFIX, "text/plain")


def _proof(request: Request, name: str) -> Proof:
    return prove(there(request).state, name, search(request).place(name))


def _download(content: bytes, request: Request, suffix: str, kind: str) -> Response:
    name = f"{request.path_params['id']}{suffix}"
    return Response(
        content, headers={"content-disposition": f'attachment; filename="{name}"'}, media_type=kind
    )


def _plain(proof: Proof) -> dict[str, object]:
    found = read(proof.note)[0]
    return {
        "origin": found.origin,
        "size": found.size,
        "root": encoded(found.root),
        "leaf": proof.index,
        "path": [encoded(one) for one in proof.path],
        "salt": encoded(proof.salt),
        "checkpoint": proof.note.decode(),
        "record": msgspec.Raw(proof.record),
    }


def _exchange(request: Request) -> Exchange:
    """The one that is meant. Raises NotFound, or BadRequest where several are."""
    name = request.path_params["id"]
    found = find(there(request).state, name)
    if isinstance(found, Exchange):
        return found
    said = f"no exchange has an id that begins with {name[:100]}"
    if found is not None:
        said = f"{found.id} is no exchange but an event: {found.kind}"
    remedy = (
        "An id is in each answer's header x-freehold-exchange; the page Exchanges searches by other words."
    )
    raise NotFound(said, remedy=remedy)


def _bars(it: Exchange) -> Sequence[Bar]:
    ends = (one.began_us + one.took_us for one in it.attempts)
    whole = max(it.took_us, *ends, 1) if it.attempts else 1
    return [
        Bar(
            one,
            one.outcome not in PASSED_OVER,
            1_000 * one.began_us / whole,
            None if one.first_byte_us is None else 1_000 * one.first_byte_us / whole,
            1_000 * one.took_us / whole,
        )
        for one in it.attempts
    ]


def _found(it: Exchange, index: Search) -> list[Found]:
    """What came with the exchange, and what was found afterwards."""
    kinds = {one.kind for one in it.findings}
    later = (one for one in index.found_in(it.id) if one.name not in kinds)
    return [
        *(Found(one, None) for one in it.findings),
        *(
            Found(Finding(one.name, one.evidence, one.strength, one.other or None), one.at_ms)
            for one in later
        ),
    ]


def _why(it: Exchange) -> str:
    """The page that says why each endpoint may or may not see such a request."""
    said = {
        "alias": it.alias,
        "application": it.application,
        "data_class": it.data_class,
        "purpose": it.purpose,
        "user_region": it.user_region,
        "tools": None if it.tools is None else "yes" if it.tools else "no",
    }
    return f"/policy/why?{urlencode({name: value for name, value in said.items() if value})}"


ROUTES: tuple[BaseRoute, ...] = (
    Route("/exchanges", listing),
    Route("/exchanges/{id}", one),
    Route("/exchanges/{id}/proof.json", proof_json),
    Route(f"/exchanges/{{id}}/proof{proofs.SUFFIX}", proof_text),
)
