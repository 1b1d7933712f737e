"""What a request costs in US dollars: guessed before it is sent, worked out when it is over.

Prices are for a million tokens. Every input token counts in full: what a provider takes off for a prompt that it
had kept, or adds for keeping one, is not known here.
"""

from datetime import datetime
from math import inf
from typing import NamedTuple

from freehold.config import clock
from freehold.vocabulary.endpoint import EMBEDS, Dialect
from freehold.vocabulary.exchange import Usage
from freehold.vocabulary.facts import Facts

OUTPUT_TOKENS_GUESS = 4_096  # of an answer to a request that names no maximum
# Nothing is written.
ONLY_INPUT = (*EMBEDS, Dialect.COUNT_TOKENS, Dialect.PREDICT)
_PER_MILLION = 1e-6
_PRICES, _CONTEXT = ("input_usd_per_mtok", "output_usd_per_mtok"), "context_tokens"


class Rates(NamedTuple):
    """A price; None is unknown. What only reads, like embeddings, often has no price for writing."""

    input: float | None
    output: float | None


_FREE = Rates(0.0, 0.0)


class Terms(NamedTuple):
    """What matters of an endpoint for the cost of a request, until `until_ms` (Unix milliseconds)."""

    rates: Rates
    context_tokens: float  # infinity: unknown
    until_ms: float


def terms(facts: Facts, now_ms: int) -> Terms:
    """What is known of an endpoint's price and size at a moment (Unix milliseconds)."""
    now = clock.utc(now_ms)
    rates = Rates(*(_number(facts, name, now) for name in _PRICES))
    ends = (facts[name].expires for name in (*_PRICES, _CONTEXT) if name in facts)
    until = [end.timestamp() * 1000 for end in ends if end is not None and end > now]
    context = _number(facts, _CONTEXT, now)
    return Terms(rates, inf if context is None else context, min(until, default=inf))


def expected_usd(terms: Terms, input_tokens: int, asked: int | None, dialect: Dialect) -> float | None:
    """What a request may come to; None where the price is unknown.

    `asked` is how many tokens it lets its answers come to; None: it does not say, and a guess has to do.
    """
    written = min(OUTPUT_TOKENS_GUESS if asked is None else asked, terms.context_tokens)
    return _usd(terms.rates, input_tokens, 0 if dialect in ONLY_INPUT else written)


def _number(facts: Facts, name: str, now: datetime) -> float | None:
    return facts[name].number_at(now) if name in facts else None


def cost_usd(rates: Rates, usage: Usage | None, dialect: Dialect) -> float | None:
    """What an answer came to; None where a price or a count is not known."""
    if rates == _FREE:
        return 0.0  # however many tokens it were
    if usage is None or usage.input_tokens is None:
        return None
    written = 0 if dialect in ONLY_INPUT else usage.output_tokens
    return None if written is None else _usd(rates, usage.input_tokens, written)


def _usd(rates: Rates, read: int, written: float) -> float | None:
    if rates.input is None or (written and rates.output is None):
        return None
    return (read * rates.input + written * (rates.output or 0.0)) * _PER_MILLION
