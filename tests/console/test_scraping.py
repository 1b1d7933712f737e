"""What a gateway counts is read from its /metrics; one that does not answer, or answers nonsense, has said nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from freehold.console.scraping import Counted, counted
from freehold.console.scraping import read as read_exposition
from freehold.gateway.exposition import exposition
from freehold.gateway.metrics import Metrics
from freehold.vocabulary.errors import Fault
from freehold.vocabulary.exchange import Attempt
from tests.answering import Answering, answering
from tests.console.conftest import exchange


@contextmanager
def serving(status: int, body: bytes) -> Iterator[str]:
    class Metered(Answering):
        def answer(self) -> None:
            self.tell(status if self.path == "/metrics" else 404, body)

    with answering(Metered) as url:
        yield url


def counts() -> bytes:
    metrics = Metrics()
    for number in range(8):
        metrics.count(exchange(number))
    metrics.count(
        replace(exchange(1), attempts=(Attempt("openai/gpt-5", Fault.COOLING),))
    )  # it was not asked
    return exposition([metrics.snapshot()])[0]


def test_attempts_are_counted_by_endpoint() -> None:
    with serving(200, counts()) as gateway:
        found = read_exposition(gateway)

    assert found == {"openai/gpt-5": Counted(8, 8), "mistral/mistral-large-latest": Counted(2, 0)}


@pytest.mark.parametrize(("status", "body"), [(503, b""), (200, b"\xff\xfe"), (200, b"what is {this")])
def test_a_gateway_that_says_nothing_usable_has_said_nothing(status: int, body: bytes) -> None:
    with serving(status, body) as gateway:
        assert read_exposition(gateway) is None


def test_a_gateway_that_is_not_there_has_said_nothing() -> None:
    with serving(200, b"") as gateway:
        pass
    assert read_exposition(gateway) is None
    assert counted(None) is None
