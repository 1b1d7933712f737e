"""Where a request goes, when its URL depends on the model and on what is asked of it."""

import time

import pytest

from freehold.catalog.providers import PATHS
from freehold.catalog.resolve import Account
from freehold.config.schema import Timeouts, Upstream
from freehold.upstream.addressing import Target, filled, is_template
from freehold.upstream.door import HEADS_MAX, Door
from freehold.vocabulary.endpoint import Dialect
from tests.upstream.outside import HELLO, provider, saying

BASE = "https://x.example/v1"
GEMINI, CONVERSE, VECTORS = Dialect.GEMINI, Dialect.CONVERSE, Dialect.GEMINI_EMBEDDINGS
ARN = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-v1:0"
ARN_QUOTED = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-sonnet-4-5-v1%3A0"


@pytest.mark.parametrize(
    ("dialect", "target", "path"),
    [
        (Dialect.CHAT, Target("m", True), "/chat/completions"),
        (Dialect.RESPONSES, Target("m"), "/responses"),
        (Dialect.COUNT_TOKENS, Target("m"), "/messages/count_tokens"),
        (Dialect.PREDICT, Target("splice/2"), "/own/splice%2F2:predict"),
        (Dialect.EMBED, Target("coli"), "/own/coli:embed"),
        (GEMINI, Target("gemini-3-pro"), "/models/gemini-3-pro:generateContent"),
        (GEMINI, Target("gemini-3-pro", True), "/models/gemini-3-pro:streamGenerateContent?alt=sse"),
        (GEMINI, Target("g", method="countTokens"), "/models/g:countTokens"),
        (GEMINI, Target("../x?key={method}#"), "/models/..%2Fx%3Fkey%3D%7Bmethod%7D%23:generateContent"),
        (VECTORS, Target("e"), "/models/e:batchEmbedContents"),
        (VECTORS, Target("e", method="embedContent"), "/models/e:embedContent"),
        (CONVERSE, Target("amazon.nova-lite-v1:0"), "/model/amazon.nova-lite-v1%3A0/converse"),
        (CONVERSE, Target(ARN, True), f"/model/{ARN_QUOTED}/converse-stream"),
    ],
)
def test_a_url_names_the_model_and_what_is_to_be_done(dialect: Dialect, target: Target, path: str) -> None:
    assert filled(BASE + PATHS[dialect], dialect, target) == BASE + path


def test_only_urls_that_differ_are_templates() -> None:
    assert {dialect for dialect in Dialect if is_template(PATHS[dialect])} == {
        GEMINI,
        CONVERSE,
        VECTORS,
        Dialect.PREDICT,
        Dialect.EMBED,
    }


async def test_each_request_goes_to_its_own_url_and_few_heads_are_kept() -> None:
    async with provider(saying(HELLO)) as there:
        base = f"http://127.0.0.1:{there.port}/v1"
        account = Account("p", {GEMINI: base + PATHS[GEMINI]}, (("x-goog-api-key", "k"),))
        door = Door({"p": account}, Upstream(), Timeouts())
        models = [f"m{number}" for number in range(HEADS_MAX + 2)]
        for model in (*models, models[0]):
            incoming = await door.send(
                "p", GEMINI, b"{}", target=Target(model), extra=b"", deadline=time.monotonic() + 10
            )
            assert await incoming.whole() == b"hello"
        kept = door._ways["p", GEMINI]._heads
        door.close()

    lines = [request.split(b" ")[1].decode() for request in there.requests]
    assert lines == [f"/v1/models/{model}:generateContent" for model in (*models, models[0])]
    assert len(kept) <= HEADS_MAX


async def test_each_dialect_shows_the_key_in_its_own_way_and_none_is_repeated() -> None:
    async with provider(saying(HELLO)) as there:
        base = f"http://127.0.0.1:{there.port}/v1"
        account = Account(
            "p",
            {GEMINI: base + PATHS[GEMINI], Dialect.CHAT: base + PATHS[Dialect.CHAT]},
            (("x-team", "blue"),),
            own_headers={
                GEMINI: (("x-goog-api-key", "g-secret-key"),),
                Dialect.CHAT: (("authorization", "Bearer c-secret-key"),),
            },
        )
        door = Door({"p": account}, Upstream(), Timeouts())
        for dialect in (GEMINI, Dialect.CHAT):
            deadline = time.monotonic() + 10
            incoming = await door.send("p", dialect, b"{}", target=Target("m"), extra=b"", deadline=deadline)
            await incoming.whole()
        said = door.without_secrets("p", b"no g-secret-key, no c-secret-key")
        door.close()

    native, chat = there.requests
    assert b"x-goog-api-key: g-secret-key\r\n" in native
    assert b"authorization" not in native
    assert b"authorization: Bearer c-secret-key\r\n" in chat
    assert b"x-goog-api-key" not in chat
    assert b"x-team: blue\r\n" in native
    assert b"x-team: blue\r\n" in chat
    assert said == b"no [hidden], no [hidden]"
