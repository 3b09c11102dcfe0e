"""What every test shares: asyncio as the one event loop, because that is what the host runs on."""

from pathlib import Path

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

TESTS = Path(__file__).parent
# The files that take longest, before all others: one that begins last is what every worker but its own waits for. (With
# `--no-loadscope-reorder`; else pytest-xdist begins with the files that have most tests.)
LONGEST_FIRST = (
    *("unit/engine/test_policy_reload", "threats/test_row_15_bombs_and_floods", "threats/test_row_12_promise"),
    *("fuzz/test_fuzz", "unit/audit/test_audit_share", "unit/engine/test_suspended", "unit/doctor/test_breakages"),
    *("e2e/test_frozen", "e2e/test_bridge_loss", "e2e/test_popup", "e2e/test_uploads", "e2e/test_abort"),
    *("e2e/test_bad_input", "e2e/test_errors", "e2e/test_conformance", "e2e/test_fetch_options", "e2e/test_demo_page"),
    *("e2e/test_managed_storage", "e2e/test_popup_reach", "e2e/test_product", "e2e/test_direct_port"),
)
_RANKS = {TESTS / f"{name}.py": rank for rank, name in enumerate(LONGEST_FIRST)}
assert all(path.is_file() for path in _RANKS), "a file of LONGEST_FIRST has another name by now"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files; within one, nothing changes."""
    items.sort(key=lambda item: _RANKS.get(item.path, len(_RANKS)))


# A clock per example says nothing but how busy the machine is.
settings.register_profile("longwire", deadline=None)
settings.load_profile("longwire")


@pytest.fixture
def anyio_backend() -> str:
    """The anyio plugin's choice of event loop."""
    return "asyncio"
