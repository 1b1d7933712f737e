"""The company that promotes, and the command line in its folder."""

from pathlib import Path

import pytest

from tests.cli.conftest import folder, run  # noqa: F401 - fixtures
from tests.own.promote.company import Company


@pytest.fixture
def company(folder: Path) -> Company:  # noqa: F811
    return Company(folder)
