"""What a request may cost, and what it has cost: a price or a count that nobody knows is not zero."""

from datetime import UTC, date, datetime, timedelta
from math import inf

import pytest

from freehold.gateway.cost import ONLY_INPUT, OUTPUT_TOKENS_GUESS, Rates, cost_usd, expected_usd, terms
from freehold.vocabulary.endpoint import Dialect
from freehold.vocabulary.exchange import Usage
from freehold.vocabulary.facts import Basis, Fact, Facts, Value

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def facts(expires: datetime | None = None, /, **values: Value | None) -> Facts:
    return {
        name: Fact(name, value, Basis.CONTRACT, "the contract", date(2026, 11, 1), expires)
        for name, value in values.items()
    }


PAIR: dict[str, Value | None] = {"input_usd_per_mtok": 2, "output_usd_per_mtok": 8.0}


@pytest.mark.parametrize(
    ("known", "rates"),
    [
        (facts(**PAIR), (2.0, 8.0)),
        (facts(NOW + timedelta(seconds=1), **PAIR), (2.0, 8.0)),
        (facts(NOW, **PAIR), (None, None)),
        (facts(input_usd_per_mtok=2.0), (2.0, None)),
        (facts(input_usd_per_mtok=2.0, output_usd_per_mtok=None), (2.0, None)),
        (facts(input_usd_per_mtok=0, output_usd_per_mtok=0), (0.0, 0.0)),
        ({}, (None, None)),
    ],
)
def test_a_price_that_is_missing_or_has_expired_is_unknown(
    known: Facts, rates: tuple[float | None, float | None]
) -> None:
    assert terms(known, NOW_MS).rates == rates


def test_it_holds_until_the_first_of_its_facts_expires() -> None:
    soon, later = (
        facts(NOW + timedelta(seconds=1), input_usd_per_mtok=2),
        facts(NOW + timedelta(seconds=2), context_tokens=8),
    )

    assert terms({**later, **soon}, NOW_MS).until_ms == NOW_MS + 1_000
    assert terms({**later, **soon}, NOW_MS + 1_000).until_ms == NOW_MS + 2_000
    assert terms(facts(**PAIR), NOW_MS).until_ms == inf


@pytest.mark.parametrize(
    ("asked", "context", "expected"),
    [
        (None, None, OUTPUT_TOKENS_GUESS),
        (9, None, 9),
        (None, 1_000, 1_000),
        (9, 1_000, 9),
        (5_000, 1_000, 1_000),
    ],
)
def test_an_answer_is_as_long_as_asked_for_and_no_longer_than_the_model_can(
    asked: int | None, context: int | None, expected: int
) -> None:
    known = {**facts(**PAIR), **facts(context_tokens=context)}

    usd = expected_usd(terms(known, NOW_MS), 1_000_000, asked, Dialect.CHAT)
    assert usd == pytest.approx(2.0 + expected * 8.0 / 1e6)
    assert expected_usd(terms({}, NOW_MS), 1, asked, Dialect.CHAT) is None


@pytest.mark.parametrize("known", [facts(**PAIR), facts(input_usd_per_mtok=2.0)])
def test_what_only_reads_needs_no_price_for_writing(known: Facts) -> None:
    for dialect in ONLY_INPUT:
        assert expected_usd(terms(known, NOW_MS), 1_000_000, None, dialect) == 2.0
        assert cost_usd(terms(known, NOW_MS).rates, Usage(1_000_000, 7), dialect) == 2.0
    written = terms(facts(input_usd_per_mtok=2.0), NOW_MS)
    assert expected_usd(written, 1_000_000, 1, Dialect.CHAT) is None
    assert cost_usd(written.rates, Usage(1_000_000, 1), Dialect.CHAT) is None


@pytest.mark.parametrize(
    ("usage", "dialect", "usd"),
    [
        (Usage(1_000_000, 500_000), Dialect.CHAT, 6.0),
        (Usage(1_000_000, None), Dialect.CHAT, None),
        (Usage(None, 5), Dialect.CHAT, None),
        (None, Dialect.CHAT, None),
        (Usage(1_000_000, None), Dialect.EMBEDDINGS, 2.0),
    ],
)
def test_the_cost_of_an_answer(usage: Usage | None, dialect: Dialect, usd: float | None) -> None:
    assert cost_usd(Rates(2.0, 8.0), usage, dialect) == usd
    assert cost_usd(Rates(None, None), usage, dialect) is None
    assert cost_usd(Rates(0, 0), usage, dialect) == 0
