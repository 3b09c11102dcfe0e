"""What every test shares: asyncio as the one event loop, because that is what the host runs on."""

import pytest
from hypothesis import settings

# Hooks: the search for secrets in all that a run writes, and the figures at its end.
from tests.secret_search import (
    pytest_configure,
    pytest_runtest_logreport,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

__all__ = [
    "pytest_configure",
    "pytest_runtest_logreport",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
]

# A clock per example says nothing but how busy the machine is.
settings.register_profile("longwire", deadline=None)
settings.load_profile("longwire")


@pytest.fixture
def anyio_backend() -> str:
    """The anyio plugin's choice of event loop."""
    return "asyncio"
