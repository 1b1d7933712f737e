"""Put made-up vectors into OpenAI's embeddings format."""

import base64
from array import array
from typing import Any

import msgspec

from freehold.sparring.answer import Answer
from freehold.sparring.asked import tokens
from freehold.sparring.invention import vector
from freehold.sparring.reading import EmbeddingsRequest

DIMENSIONS = 64
DIMENSIONS_MAX = 8_192


def input_tokens(asked: EmbeddingsRequest) -> int:
    """Count texts as elsewhere, and lists of tokens as what they are."""
    return sum(tokens(text) if isinstance(text, str) else len(text) for text in _inputs(asked.input))


def whole(asked: EmbeddingsRequest, answer: Answer, seed: int, name: str) -> bytes:
    """Return one vector for each text or list of tokens; `name` and `seed` decide where they point."""
    dimensions = min(asked.dimensions or DIMENSIONS, DIMENSIONS_MAX)
    vectors = [vector(dimensions, seed, name, text) for text in _inputs(asked.input)]
    told = {"usage": {"prompt_tokens": answer.input_tokens, "total_tokens": answer.input_tokens}}
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": _encoded(values, asked.encoding_format)}
                for index, values in enumerate(vectors)
            ],
            "model": answer.model,
        }
        | (told if answer.usage_told else {})
    )


def _inputs(given: str | list[str | int | list[int]]) -> list[str | list[int]]:
    """Tell one list of tokens from a list of texts or of such lists."""
    if isinstance(given, str):
        return [given]
    numbers = [item for item in given if isinstance(item, int)]
    return [numbers] if numbers else [item for item in given if not isinstance(item, int)]


def _encoded(values: list[float], encoding: str) -> Any:
    if encoding == "base64":
        return base64.b64encode(
            array("f", values).tobytes()
        ).decode()  # little-endian on every machine we run on
    return values
