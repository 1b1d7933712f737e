"""A small language model, published as any is, behind the real llama.cpp, `freehold own serve` and a gateway."""

import json
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from freehold.ledger import query
from freehold.vocabulary.exchange import Outcome
from tests.gateway.house import PATIENCE_S, House, aliases, house
from tests.own.publish import finished
from tests.own.publish.test_serving import free_port
from tests.warm import Warm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed (freehold[llamacpp])"
    ),
]
ASKED: Any = [{"role": "user", "content": "where is the pump"}]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    from freehold.own.publish import publishing

    folder = tmp_path_factory.mktemp("served")
    plan = finished.run(folder / "plant")
    publishing.publish(folder / "plant", plan, folder / "up" / "state", "alice", lambda kind, about: None)
    own = f'[providers.own]\nbase_url = "http://127.0.0.1:{free_port()}/v1"\n'
    with house(folder / "up", own + aliases(assistant=["own/plant"])) as up:
        with (folder / "stderr").open("w") as stderr:
            words = ("own", "serve", "--config", str(folder / "up" / "freehold.toml"), "--json")
            process = Warm("freehold", *words, stderr=stderr)
        try:
            told = json.loads(process.stdout.readline() or "{}")
            assert told.get("models", {}).get("own/plant") == {"state": "ready", "why": ""}, (
                told,
                (folder / "stderr").read_text(),
            )
            yield up
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0


@pytest.fixture
def client(there: House) -> Iterator[Any]:
    import openai

    with openai.OpenAI(base_url=f"{there.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S) as one:
        yield one


def test_the_openai_sdk_is_answered_whole_and_streamed_with_the_same_words(there: House, client: Any) -> None:
    ask = {"model": "assistant", "messages": ASKED, "max_tokens": 12, "temperature": 0}

    whole = client.chat.completions.create(**ask)
    chunks = list(client.chat.completions.create(**ask, stream=True))

    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content != ""
    assert (whole.model, chunks[0].model, whole.choices[0].finish_reason) == ("plant", "plant", "length")
    assert whole.usage.completion_tokens > 0  # llama.cpp counts what it would write again
    for found in query.tail(there.state, 2):
        assert (found.alias, found.endpoint, found.outcome) == ("assistant", "own/plant", Outcome.ANSWERED)
        assert found.cost_usd == 0.0


def test_its_vectors_are_those_of_transformers(there: House, client: Any) -> None:
    from freehold.own.embedding import Texts

    words = ["where is the pump", "here"]
    expected = Texts(there.state.parent.parent / "plant" / "publish" / "model").embed(words)

    for form in ({}, {"encoding_format": "float"}):  # without, the SDK asks for base64 and unpacks it
        found = client.embeddings.create(model="assistant", input=words, **form)
        for one, vector in zip(found.data, expected.vectors, strict=True):
            assert one.embedding == pytest.approx(vector, abs=1e-5)
        assert found.usage.prompt_tokens == expected.tokens
    told = there.post("/v1/own/assistant:embed", json.dumps({"inputs": words}).encode()).json()
    assert told["embeddings"][0] == pytest.approx(expected.vectors[0], abs=1e-5)
    assert {one.endpoint for one in query.tail(there.state, 3)} == {"own/plant"}
