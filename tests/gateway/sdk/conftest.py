"""One gateway for all tests with an SDK; importing the SDKs takes seconds that other tests need not spend."""

from collections.abc import Iterator

import pytest

from tests.gateway.house import Partners
from tests.gateway.sdk.desk import Desk, desk


@pytest.fixture(scope="session")
def office(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk"), partners) as open_desk:
        yield open_desk
