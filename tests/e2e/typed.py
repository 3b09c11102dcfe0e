"""What a failure must look like to a page, and which codes some test has seen there."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar

from longwire.protocol.errors import ERRORS, ErrorCode, Phase

# Where the page met a failure: `headers` is a rejected promise, `body` the response's stream.
Where: TypeAlias = Literal["headers", "body"]

Test = TypeVar("Test", bound=Callable[..., object])

# Code by code, the tests that show it to a page. `test_errors` asserts that none is missing.
SHOWN: dict[ErrorCode, list[str]] = {}


def shows(*codes: ErrorCode) -> Callable[[Test], Test]:
    """Say of a test that the page gets these codes in it."""

    def note(test: Test) -> Test:
        for code in codes:
            SHOWN.setdefault(code, []).append(f"{test.__module__}::{test.__name__}")
        return test

    return note


def assert_typed(error: dict[str, Any], code: ErrorCode, phase: Phase, says: str = "") -> None:
    """`error` (page.js, `describeError`) is a LongwireError with this code and all that belongs to it.

    `says` must be in the text for people.
    """
    assert error["code"] == code, error
    assert error["phase"] == phase, error
    assert error["name"] == "TypeError"
    assert error["typeError"] is True
    assert error["category"] == ERRORS[code].category
    assert error["retryable"] is ERRORS[code].retryable
    # As the browser's own fetch begins, unless it was refused: then trying again is no use.
    refused = ERRORS[code].category in {"POLICY", "PROTOCOL", "CANCELLED"}
    assert error["message"].startswith("Failed to fetch (") is not refused, error
    assert says in error["message"]


def assert_failed(result: dict[str, Any], where: Where, code: ErrorCode, phase: Phase, says: str = "") -> None:
    """As `assert_typed`, for what `fetchText` or `hold` of page.js give: the page met it at `where`."""
    assert result["where"] == where, result
    assert_typed(result["error"], code, phase, says)
