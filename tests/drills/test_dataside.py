"""What stays behind at who is lost: seen, known not to be there, or unknown."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from freehold.drills.dataside import (
    CACHES,
    CONVERSATIONS,
    EMBEDDINGS,
    FILES,
    THOUGHTS,
    TOOLS,
    TUNED,
    Artefact,
    Behind,
    Body,
    DataSide,
)
from freehold.ledger.exposure import exposure
from freehold.vocabulary.exchange import Attempt, Exchange, Outcome, Served, Usage

AT_MS = 1_790_000_000_000
SENT = datetime.fromtimestamp(AT_MS / 1000, UTC)
USED = Served("m", usage=Usage(100, 10, 0, 0))


def one(dialect: str = "chat", endpoint: str = "gone/m", **more: object) -> Exchange:
    answered = {
        "application": "app",
        "alias": "fast",
        "outcome": Outcome.ANSWERED,
        "status": 200,
        "endpoint": endpoint,
        "attempts": (Attempt(endpoint, "ok"),),
        "served": USED,
    }
    return Exchange("x1", AT_MS, dialect=dialect, **(answered | more))  # type: ignore[arg-type]


def side(
    exchanges: list[Exchange], now: datetime, body: Body = lambda _: None, other: str = "none"
) -> DataSide:
    """What stays behind at who is gone, and at `other`, who keeps things for thirty days too."""
    found = Behind(lambda name: name.startswith("gone/"), lambda name: name.startswith(other), body)
    return found.told(exposure(found.watching(exchanges), lambda *_: 30.0, now))


def behind(exchange: Exchange, body: object = None) -> dict[str, tuple[int, int]]:
    """Seen and unknown, of each kind."""
    data = None if body is None else json.dumps(body).encode()
    found = side([exchange], SENT, lambda _: data)
    return {artefact.kind: (artefact.seen, artefact.unknown) for artefact in found.artefacts}


UNKNOWN, SEEN, NONE = (0, 1), (1, 0), (0, 0)


def test_what_metadata_does_not_tell_is_unknown_and_not_zero() -> None:
    found = behind(one("responses"))

    assert found == {
        FILES: UNKNOWN,
        CONVERSATIONS: UNKNOWN,
        CACHES: NONE,
        TOOLS: UNKNOWN,
        THOUGHTS: UNKNOWN,
        EMBEDDINGS: NONE,
        TUNED: NONE,
    }


@pytest.mark.parametrize(
    ("exchange", "kind", "said"),
    [
        (one(tools=False), TOOLS, NONE),
        (one(tools=True), TOOLS, UNKNOWN),
        (one(lost=("tools[].web_search_20250305",)), TOOLS, SEEN),
        (one(served=Served("m", usage=Usage(100, 10, 90))), CACHES, SEEN),
        (one(served=Served("m", usage=Usage(100, 10))), CACHES, UNKNOWN),
        (one(lost=("cache_control",)), CACHES, SEEN),
        (one("messages", lost=("thinking",)), THOUGHTS, SEEN),
        (one("messages"), CONVERSATIONS, NONE),
        (one("embeddings"), EMBEDDINGS, SEEN),
        (one("embeddings"), FILES, NONE),
        (one(endpoint="gone/ft:gpt-4.1-mini:acme::1"), TUNED, SEEN),
    ],
)
def test_what_metadata_tells(exchange: Exchange, kind: str, said: tuple[int, int]) -> None:
    assert behind(exchange)[kind] == said


@pytest.mark.parametrize(
    ("dialect", "body", "kind", "said"),
    [
        ("responses", {"input": "x"}, CONVERSATIONS, SEEN),  # stored unless one says no
        ("responses", {"input": "x", "store": False}, CONVERSATIONS, NONE),
        ("responses", {"store": False, "previous_response_id": "resp_1"}, CONVERSATIONS, SEEN),
        ("chat", {"messages": []}, CONVERSATIONS, NONE),
        ("chat", {"messages": [], "store": True}, CONVERSATIONS, SEEN),
        ("chat", {"messages": [{"content": [{"type": "file", "file": {"file_id": "f"}}]}]}, FILES, SEEN),
        ("chat", {"tools": [{"function": {"parameters": {"properties": {"file_id": 1}}}}]}, FILES, NONE),
        ("messages", {"messages": [{"content": [{"source": {"file_id": "f"}}]}]}, FILES, SEEN),
        ("gemini", {"contents": [{"fileUri": "https://x.googleapis.com/v1/files/a"}]}, FILES, SEEN),
        ("gemini", {"contents": [{"fileUri": "https://youtu.be/a"}]}, FILES, NONE),
        ("messages", {"system": [{"text": "x", "cache_control": {"type": "ephemeral"}}]}, CACHES, SEEN),
        ("gemini", {"cachedContent": "cachedContents/1"}, CACHES, SEEN),
        ("messages", {"tools": [{"type": "web_search_20250305"}]}, TOOLS, SEEN),
        ("messages", {"tools": [{"name": "own", "input_schema": {}}]}, TOOLS, NONE),
        ("gemini", {"tools": [{"googleSearch": {}}]}, TOOLS, SEEN),
        ("gemini", {"tools": [{"functionDeclarations": []}]}, TOOLS, NONE),
        ("chat", {"web_search_options": {"search_context_size": "low"}}, TOOLS, SEEN),
        ("messages", {"messages": [{"content": [{"signature": "Eu"}]}]}, THOUGHTS, SEEN),
    ],
)
def test_a_body_that_is_opened_tells_the_rest(
    dialect: str, body: object, kind: str, said: tuple[int, int]
) -> None:
    assert behind(one(dialect), body)[kind] == said


def test_a_body_that_cannot_be_read_leaves_unknown_what_was() -> None:
    assert behind(one(), [1])[FILES] == UNKNOWN


def test_only_what_lost_endpoints_were_sent_and_answered_counts() -> None:
    fell_over = one(
        endpoint="kept/m",
        attempts=(Attempt("gone/m", "status-5xx", 500), Attempt("kept/m", "ok")),
        lost=("thinking",),
    )
    cached, elsewhere = (
        one(cached=True, attempts=()),
        one(endpoint="kept/m", attempts=(Attempt("kept/m", "ok"),)),
    )

    found = side([fell_over, cached, elsewhere, one("embeddings")], SENT + timedelta(days=1))

    (held,) = found.held
    assert (held.provider, held.sent, held.held, held.unknown) == ("gone", 2, 2, 0)
    assert found.answered == 1
    assert found.opened == 0
    assert {artefact.kind for artefact in found.artefacts if artefact.seen} == {EMBEDDINGS}
    assert all(isinstance(artefact, Artefact) and artefact.means for artefact in found.artefacts)


def test_who_only_keeps_longer_holds_prompts_and_nothing_is_left_behind_there() -> None:
    found = side([one("embeddings", endpoint="other/m")], SENT, other="other")

    assert [held.provider for held in found.held] == ["other"]
    assert found.answered == 0
    assert not any(artefact.seen for artefact in found.artefacts)
