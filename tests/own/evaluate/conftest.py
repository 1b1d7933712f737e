"""The command line in an empty folder."""

from tests.cli.conftest import folder, run  # noqa: F401 - fixtures
