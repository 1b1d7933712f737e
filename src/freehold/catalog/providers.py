"""The provider rows: how to reach whom. They are data (`providers.toml`); a provider is not a class."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from freehold.vocabulary.endpoint import Dialect

# What follows the base. `{model}` and `{method}` are filled in for each request, by `upstream`.
PATHS = {
    Dialect.CHAT: "/chat/completions",
    Dialect.RESPONSES: "/responses",
    Dialect.MESSAGES: "/messages",
    Dialect.GEMINI: "/models/{model}:{method}",
    Dialect.CONVERSE: "/model/{model}/{method}",
    Dialect.EMBEDDINGS: "/embeddings",
    Dialect.GEMINI_EMBEDDINGS: "/models/{model}:{method}",
    Dialect.COUNT_TOKENS: "/messages/count_tokens",
    Dialect.PREDICT: "/own/{model}:{method}",
    Dialect.EMBED: "/own/{model}:{method}",
}

OWN = "own"  # the row and the table of models of one's own

Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key", "sigv4", "google"]
Need = Literal["region", "project", "resource"]


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One provider as it documents itself; the fields are explained at the top of `providers.toml`."""

    name: str
    base_url: str
    dialects: tuple[Dialect, ...]
    source: str
    read: date
    auth: Auth = "bearer"
    auths: dict[Dialect, Auth] = field(default_factory=dict)
    bases: dict[Dialect, str] = field(default_factory=dict)
    regions: dict[str, str] = field(default_factory=dict)
    needs: dict[Need, tuple[str, ...]] = field(default_factory=dict)
    key_env: tuple[str, ...] = ()
    shared_key: bool = False
    admin_key_env: tuple[str, ...] = ()
    control: str = ""
    models: tuple[str, ...] = ()
    local: bool = False


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    provider: tuple[Row, ...]


@cache
def providers() -> Mapping[str, Row]:
    """All rows by name, in the order of the file; read once, when first asked for."""
    text = Path(__file__).with_name("providers.toml").read_text(encoding="utf-8")
    rows = msgspec.convert(tomllib.loads(text), _File).provider
    return {row.name: row for row in rows}
