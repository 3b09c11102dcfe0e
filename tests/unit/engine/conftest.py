"""What the tests of durable requests share."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.engine.durable_bench import Feeds


@pytest.fixture
async def feeds() -> AsyncIterator[Feeds]:
    """An upstream that counts what it is asked."""
    feeds = Feeds()
    async with feeds.server:
        yield feeds
