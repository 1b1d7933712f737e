"""Which URL a request goes to. Most dialects have one; in others it names the model and what is to be done."""

from typing import NamedTuple
from urllib.parse import quote

from freehold.vocabulary.endpoint import Dialect


class Target(NamedTuple):
    """What is asked of whom. `method` is said where a dialect has several, and its own default is not meant."""

    model: str
    stream: bool = False
    method: str = ""


# Of a whole answer and of a stream, as they stand in a URL in place of `{method}`.
_METHODS = {
    Dialect.GEMINI: ("generateContent", "streamGenerateContent?alt=sse"),
    Dialect.GEMINI_EMBEDDINGS: ("batchEmbedContents", "batchEmbedContents"),
    Dialect.CONVERSE: ("converse", "converse-stream"),
    Dialect.PREDICT: ("predict", "predict"),
    Dialect.EMBED: ("embed", "embed"),
}


def is_template(url: str) -> bool:
    """Whether the URL differs from request to request."""
    return "{model}" in url or "{method}" in url


def filled(url: str, dialect: Dialect, target: Target) -> str:
    """The URL for one request. A model's name cannot lead elsewhere: it stays one segment of the path."""
    method = target.method or _METHODS.get(dialect, ("", ""))[target.stream]
    return url.replace("{method}", method).replace("{model}", quote(target.model, safe=""))
