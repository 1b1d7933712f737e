"""What a path says."""

import pytest

from freehold.dialects.peek import Route
from freehold.gateway.routes import NOT_SSE, find_route, query_key
from freehold.vocabulary.endpoint import Dialect

GEMINI = Dialect.GEMINI
EMBEDDINGS = Dialect.GEMINI_EMBEDDINGS


@pytest.mark.parametrize(
    ("url", "route"),
    [
        (b"/v1/chat/completions", Route(Dialect.CHAT)),
        (b"/v1/responses?api-version=preview", Route(Dialect.RESPONSES)),
        (b"/v1/messages?beta=true", Route(Dialect.MESSAGES)),
        (b"/v1/messages/count_tokens?beta=true", Route(Dialect.COUNT_TOKENS)),
        (b"/v1/embeddings", Route(Dialect.EMBEDDINGS)),
        (b"/v1beta/models/m:generateContent", Route(GEMINI, "m")),
        (b"/v1/models/m:generateContent", Route(GEMINI, "m")),
        (b"/v1beta/models/p%2Fa%20b:generateContent", Route(GEMINI, "p/a b")),
        (b"/v1beta/models/p/a:8b:generateContent?key=k", Route(GEMINI, "p/a:8b")),
        (b"/v1beta/models/%C3%A9:generateContent", Route(GEMINI, "é")),
        (b"/v1beta/models/m:streamGenerateContent?alt=sse", Route(GEMINI, "m", stream=True)),
        (b"/v1beta/models/m:streamGenerateContent?key=k&alt=sse", Route(GEMINI, "m", stream=True)),
        (b"/v1beta/models/m:streamGenerateContent", Route(GEMINI, "m", stream=True, complaint=NOT_SSE)),
        (
            b"/v1beta/models/m:streamGenerateContent?alt=json",
            Route(GEMINI, "m", stream=True, complaint=NOT_SSE),
        ),
        (b"/v1beta/models/m:embedContent", Route(EMBEDDINGS, "m", method="embedContent")),
        (b"/v1beta/models/m:batchEmbedContents", Route(EMBEDDINGS, "m", method="batchEmbedContents")),
        (b"/v1/own/m:predict", Route(Dialect.PREDICT, "m")),
        (b"/v1/own/team%2Fm:predict?x=1", Route(Dialect.PREDICT, "team/m")),
        (b"/v1/own/m:embed", Route(Dialect.EMBED, "m")),
        (b"/v1/own/m:train", None),
        (b"/v1/own/:predict", None),
        (b"/v1beta/models/m:countTokens", None),
        (b"/v1beta/models/:generateContent", None),
        (b"/v1beta/models/m", None),
        (b"/v1beta/models", None),
        (b"/v1alpha/models/m:generateContent", None),
        (b"/v1/chat/completions/", None),
        (b"/v1/models?x=/v1beta/models/m:generateContent", None),
    ],
)
def test_a_path_says_the_dialect_and_what_else_its_body_does_not(url: bytes, route: Route | None) -> None:
    assert find_route(url) == route


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (b"/v1beta/models/m:generateContent", []),
        (b"/v1beta/models/m:generateContent?alt=sse", []),
        (b"/v1beta/models/m:generateContent?key=", []),
        (b"/v1beta/models/m:generateContent?alt=sse&key=fh%5Fx&key=y", [(b"x-goog-api-key", b"fh_x")]),
    ],
)
def test_a_key_in_the_query_is_read_as_the_header_it_could_have_been(
    url: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    assert query_key(url) == headers
