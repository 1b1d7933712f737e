"""Two gateways for all tests with an SDK; importing the SDKs takes seconds that other tests need not spend."""

from collections.abc import Iterator

import pytest

from tests.gateway.house import Partners
from tests.gateway.sdk.desk import Desk, desk


@pytest.fixture(scope="session")
def patient(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk"), partners) as open_desk:
        yield open_desk


@pytest.fixture(scope="session")
def hasty(partners: Partners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("hasty"), partners, first_byte_s=0.8, idle_s=0.3) as open_desk:
        yield open_desk


@pytest.fixture
def office(request: pytest.FixtureRequest) -> Desk:
    """The hasty one only for faults that must time out: on a busy machine a healthy answer may take its time."""
    callspec = getattr(request.node, "callspec", None)
    waits = callspec is not None and {"silent", "stall"} & set(map(str, callspec.params.values()))
    chosen: Desk = request.getfixturevalue("hasty" if waits else "patient")
    return chosen
