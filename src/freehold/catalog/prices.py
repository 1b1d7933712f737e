"""What models cost at the providers of the catalog, from a file that `tools/refresh_prices.py` writes.

Holds the price of text without caches, batches or a long prompt's surcharge. Does not hold what an account has agreed:
the configuration's prices and the operator's facts win over it.
"""

import re
from datetime import UTC, date, datetime, time
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from freehold.catalog.records import FactRecord, Layer
from freehold.vocabulary.facts import Basis

FILE = "catalog/facts/prices-generated.json"


class _Row(Struct, frozen=True, array_like=True):
    """One model: which names it goes by, and what it costs in US dollars for a million tokens."""

    names: Any  # see `_is_named`
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    context_tokens: int | None
    ends: date | None = None  # from this day on another price is announced


class _Prices(Struct, frozen=True):
    source: str
    version: str
    read: date
    expires: date
    rows: dict[str, str]  # the catalog's rows, and what the source calls them
    prices: dict[str, list[_Row]]  # in this order: the first row that a name fits counts


def price_records(provider: str, model: str) -> tuple[FactRecord, ...]:
    """What is known of a model's price at a provider of the catalog: one record, or none.

    `provider` is the catalog's row. A name that is a pattern has no price.
    """
    loaded, _ = _loaded()
    theirs = loaded.rows.get(provider)
    if theirs is None or "*" in model:
        return ()
    name = model.lower()
    row = next((row for row in loaded.prices[theirs] if _is_named(row.names, name)), None)
    return () if row is None else (_record(provider, model, row, loaded),)


def prices_digest() -> str:
    """The SHA-256 of all prices, in hexadecimal digits."""
    return _loaded()[1]


def _record(provider: str, model: str, row: _Row, loaded: _Prices) -> FactRecord:
    known = {
        "input_usd_per_mtok": row.input_usd_per_mtok,
        "output_usd_per_mtok": row.output_usd_per_mtok,
        "context_tokens": row.context_tokens,
    }
    ends = min(loaded.expires, row.ends or loaded.expires)
    return FactRecord(
        Layer.SHIPPED,
        (("model", (model,)), ("provider", (provider,))),
        Basis.PUBLISHED_DEFAULT,
        f"{loaded.source}/tree/v{loaded.version}",
        loaded.read,
        tuple((name, value) for name, value in known.items() if value is not None),
        datetime.combine(ends, time(), UTC),
        place=FILE,
    )


@cache
def _loaded() -> tuple[_Prices, str]:
    raw = (Path(__file__).parents[1] / FILE).read_bytes()
    return msgspec.json.decode(raw, type=_Prices), sha256(raw).hexdigest()


def _is_named(names: Any, name: str) -> bool:
    """Whether a name fits: "=" is it, "^" begins, "$" ends, "~" holds it, "/" an expression; or ["or" | "and", ...]."""
    if isinstance(names, list):
        return (any if names[0] == "or" else all)(_is_named(part, name) for part in names[1:])
    sign, text = names[0], names[1:]
    match sign:
        case "=":
            return bool(name == text)
        case "^":
            return name.startswith(text)
        case "$":
            return name.endswith(text)
        case "~":
            return text in name
        case _:
            return re.search(text, name) is not None
