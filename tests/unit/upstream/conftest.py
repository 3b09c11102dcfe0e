"""A client per test, closed with it, and checked for what it left behind."""

from collections.abc import AsyncIterator

import pytest

from longwire.upstream import UpstreamClient


@pytest.fixture
async def client() -> AsyncIterator[UpstreamClient]:
    """An `UpstreamClient`; the test fails if a connection is still busy at its end."""
    client = UpstreamClient()
    yield client
    busy = client.busy_connections
    await client.aclose()
    assert busy == 0, "a test left a connection busy"
