"""What the tests of the sparring partner share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from freehold.sparring.server import Sparring


@pytest_asyncio.fixture
async def partner() -> AsyncIterator[Sparring]:
    """One of its own for each test."""
    async with Sparring() as sparring:
        yield sparring
