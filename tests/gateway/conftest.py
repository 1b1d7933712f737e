"""What the gateway's tests share: sparring partners for the whole session."""

from collections.abc import Iterator

import pytest

from tests.gateway.house import Partners


@pytest.fixture(scope="session")
def partners() -> Iterator[Partners]:
    with Partners() as running:
        yield running
