"""What the gateway's tests share: partners for the whole session, and a house for each module that wants one."""

from collections.abc import Iterator

import pytest

from tests.gateway.house import Partners


@pytest.fixture(scope="session")
def partners() -> Iterator[Partners]:
    with Partners() as running:
        yield running
