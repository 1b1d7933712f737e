"""What many tests of drills look at, and none changes."""

import pytest

from freehold.drills.world import World
from tests.drills.example import company


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The example company as it is."""
    return company(tmp_path_factory.mktemp("company"))
