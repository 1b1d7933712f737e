"""What the gateway's tests share: partners for the whole session, and a house for each module that wants one."""

from collections.abc import Iterator

import pytest

from tests.gateway.desk import Desk, desk
from tests.gateway.house import Partners


@pytest.fixture(scope="session")
def partners() -> Iterator[Partners]:
    with Partners() as running:
        yield running


@pytest.fixture(scope="session")
def office(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk"), partners) as open_desk:
        yield open_desk
