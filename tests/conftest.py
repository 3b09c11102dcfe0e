"""What every test shares: asyncio as the one event loop, because that is what the host runs on."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The anyio plugin's choice of event loop."""
    return "asyncio"
