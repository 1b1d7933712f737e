"""Vectors of texts are those that transformers gives, whoever asks beside."""

import base64
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from freehold.own import artefact as artefacts
from freehold.own.artefact import Artefact, Kind
from freehold.own.publish import answering
from freehold.vocabulary.errors import BadRequest, CallerError

if TYPE_CHECKING:
    from freehold.own.embedding import Texts

WORDS = ["Where is the pump?", "Behind the boiler."]
TOLD = Artefact("small", Kind.LANGUAGE, "text", "MIT", 1, context=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    from freehold.own.train.checkpoints import Shape, make

    torch.set_num_threads(1)
    made = tmp_path_factory.mktemp("model")
    make(made, WORDS, Shape(vocabulary=300, width=32, context=64))
    artefacts.write(made, TOLD)
    return made


@pytest.fixture(scope="module")
def texts(folder: Path) -> "Texts":
    told, model = answering.load(folder)
    assert told == TOLD
    return model  # type: ignore[no-any-return]


def hidden(folder: Path, text: str) -> list[float]:
    """The mean of the last of all hidden states that a causal language model gives."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModelForCausalLM.from_pretrained(folder)(**tokens, output_hidden_states=True)
    found: list[float] = states.hidden_states[-1].mean(1)[0].tolist()
    return found


def asked(texts: "Texts", inputs: object) -> dict[str, Any]:
    said = answering.embedded(TOLD, texts, msgspec.json.encode({"inputs": inputs}))
    return dict(msgspec.json.decode(said))


def test_a_vector_is_the_mean_of_what_transformers_last_layer_gives(folder: Path, texts: "Texts") -> None:
    said = asked(texts, WORDS)

    assert (said["model"], said["kind"]) == ("small", "language")
    for vector, words in zip(said["embeddings"], WORDS, strict=True):
        assert vector == pytest.approx(hidden(folder, words), abs=1e-6)
    assert asked(texts, WORDS[1:])["embeddings"] == said["embeddings"][1:]
    assert said["usage"]["prompt_tokens"] == sum(
        asked(texts, [one])["usage"]["prompt_tokens"] for one in WORDS
    )


def test_in_openais_words_they_are_the_same(texts: "Texts") -> None:
    ask: dict[str, object] = {"model": "small", "input": WORDS}
    plain, packed = (
        msgspec.json.decode(answering.embedded_for_openai(TOLD, texts, msgspec.json.encode(ask | form)))
        for form in ({}, {"encoding_format": "base64", "dimensions": 32})
    )
    vectors = asked(texts, WORDS)["embeddings"]

    assert [one["embedding"] for one in plain["data"]] == vectors
    unpacked = struct.unpack("<32f", base64.b64decode(packed["data"][1]["embedding"]))
    assert unpacked == pytest.approx(vectors[1], abs=1e-6)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([WORDS[0], 5], r"inputs\[1\] is no text"),
        ([""], r"inputs\[0\] is empty"),
        (["pump " * 65], r"inputs\[0\] has \d+ tokens, and small reads 64"),
        (["pump"] * 10_001, "1 to 10000"),
    ],
)
def test_what_cannot_be_read_is_named(texts: "Texts", given: object, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        asked(texts, given)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"dimensions": 8}, "small has 32"), ({"input": [[1, 2]]}, "tokens are of use only")],
)
def test_what_openais_words_ask_for_in_vain_is_named(
    texts: "Texts", fields: dict[str, object], words: str
) -> None:
    body = msgspec.json.encode({"model": "small", "input": WORDS, **fields})

    with pytest.raises(CallerError, match=words):
        answering.embedded_for_openai(TOLD, texts, body)
