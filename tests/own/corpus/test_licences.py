"""A fact of the catalog says whether answers may be learnt from; whatever is not known means no."""

from datetime import UTC, date, datetime

import pytest

from freehold.own.corpus.licences import FACT, Terms, counted, terms_of
from freehold.vocabulary.facts import REGISTRY, Basis, Fact, Value

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def fact(value: Value | None, expires: datetime | None = None) -> Fact:
    return Fact(FACT, value, Basis.CONTRACT, "https://example.com/terms", date(2026, 11, 1), expires)


@pytest.mark.parametrize(
    ("known", "allowed", "reason", "why"),
    [
        ({FACT: fact(True)}, True, None, "https://example.com/terms, read 2026-11-01"),
        ({FACT: fact(False)}, False, "terms forbid training", "https://example.com/terms, read 2026-11-01"),
        ({FACT: fact(None)}, None, "terms unknown", "https://example.com/terms, read 2026-11-01"),
        ({FACT: fact(True, NOW)}, None, "terms unknown", "the fact has expired: https://example.com/terms"),
        ({"own": fact(True)}, None, "terms unknown", f"the catalog has no fact `{FACT}` of it"),
        (None, None, "terms unknown", "the configuration has no such provider"),
    ],
)
def test_only_a_fact_that_holds_now_allows(
    known: dict[str, Fact] | None, allowed: bool | None, reason: str | None, why: str
) -> None:
    found = terms_of("acme/large", known, NOW)

    assert (found.allowed, found.reason) == (allowed, reason)
    assert found.why.startswith(why)
    assert found.sentence.startswith("answers of acme/large (provider acme) ")


def test_each_endpoint_is_counted_once_the_forbidden_first() -> None:
    one, two, three = Terms("b/x", True, "w"), Terms("c/x", False, "w"), Terms("a/x", None, "w")

    found = counted([one, two, one, three, one])

    assert [(terms.endpoint, terms.exchanges) for terms in found] == [("c/x", 1), ("a/x", 1), ("b/x", 3)]


def test_the_fact_is_one_of_the_registry() -> None:
    assert FACT in REGISTRY
