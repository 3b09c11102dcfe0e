"""The host asks again only where nothing was done, nothing came, and nobody waits for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.generation.failures import Failure, failure
from longwire.generation.retrying import (
    MAX_ASKED_DELAY_MS,
    MAX_RETRIES,
    GiveUp,
    Retry,
    Switch,
    Verdict,
    after,
)
from longwire.protocol.errors import ErrorCode
from longwire.protocol.generation import FailureCode as Code

OVERLOADED = failure(Code.OVERLOADED, refused=True)


def _after(
    made: Failure, *, retries: int = 0, delivered: bool = False, fallback: tuple[str, ...] = (), jitter: float = 0.5
) -> Verdict:
    return after(made, retries=retries, delivered=delivered, fallback=fallback, jitter=jitter)


def test_a_refusal_is_asked_again_three_times_with_growing_delays_and_then_given_up() -> None:
    verdicts = [_after(OVERLOADED, retries=retries) for retries in range(MAX_RETRIES + 1)]
    assert verdicts == [Retry(1_000), Retry(2_000), Retry(4_000), GiveUp()]


def test_the_delay_moves_by_a_quarter() -> None:
    assert _after(OVERLOADED, jitter=0.0) == Retry(750)
    assert _after(OVERLOADED, jitter=0.999) == Retry(1_249)


def test_a_provider_that_says_when_is_never_asked_sooner() -> None:
    asked = failure(Code.RATE_LIMITED, retry_after_ms=20_000, refused=True)
    assert _after(asked, jitter=0.0) == Retry(20_000)
    assert _after(asked, jitter=0.999) == Retry(20_249)
    assert _after(failure(Code.RATE_LIMITED, retry_after_ms=0, refused=True)) == Retry(0)


def test_a_delay_at_the_limit_is_waited_for_and_one_more_is_the_pages() -> None:
    def asking(delay_ms: int) -> Failure:
        return failure(Code.RATE_LIMITED, retry_after_ms=delay_ms, refused=True)

    assert _after(asking(MAX_ASKED_DELAY_MS), jitter=0.0) == Retry(MAX_ASKED_DELAY_MS)
    assert _after(asking(MAX_ASKED_DELAY_MS + 1)) == GiveUp()
    assert _after(asking(3_600_000), fallback=("ollama",)) == Switch("ollama")


def test_nothing_is_asked_again_once_something_came() -> None:
    assert _after(OVERLOADED, delivered=True, fallback=("ollama",)) == GiveUp()


@pytest.mark.parametrize("code", [ErrorCode.UPSTREAM_RESET, ErrorCode.HEADER_TIMEOUT, ErrorCode.UPSTREAM_TRUNCATED])
def test_what_may_have_been_paid_for_is_asked_of_nobody_again(code: ErrorCode) -> None:
    assert _after(Failure(code, "x", retryable=True), fallback=("ollama",)) == GiveUp()


def test_a_server_that_failed_while_it_worked_is_asked_of_nobody_again() -> None:
    assert _after(failure(Code.PROVIDER_UNAVAILABLE), fallback=("ollama",)) == GiveUp()
    assert _after(failure(Code.GENERATION_FAILED), fallback=("ollama",)) == GiveUp()
    assert _after(failure(Code.ENDED_EARLY), fallback=("ollama",)) == GiveUp()


def test_a_connection_that_was_never_made_is_tried_again_and_then_elsewhere() -> None:
    unmade = Failure(ErrorCode.UPSTREAM_CONNECT, "x", retryable=True, refused=True)
    assert _after(unmade) == Retry(1_000)
    assert _after(unmade, retries=MAX_RETRIES, fallback=("ollama", "x")) == Switch("ollama")


def test_a_quota_is_final_here_and_not_elsewhere() -> None:
    for refused in (True, False):
        quota = failure(Code.QUOTA_EXCEEDED, refused=refused)
        assert _after(quota) == GiveUp()
        assert _after(quota, fallback=("ollama",)) == Switch("ollama")


@pytest.mark.parametrize(
    "code", [Code.AUTHENTICATION, Code.BAD_REQUEST, Code.CONTEXT_TOO_LONG, Code.CONTENT_FILTERED, Code.MODEL_UNKNOWN]
)
def test_what_is_wrong_with_the_request_or_the_policy_is_wrong_everywhere(code: Code) -> None:
    assert _after(failure(code, refused=True), fallback=("ollama",)) == GiveUp()


@given(
    code=st.sampled_from([*Code, *ErrorCode]),
    retryable=st.booleans(),
    refused=st.booleans(),
    delay=st.none() | st.integers(0, 10**9),
    retries=st.integers(0, 5),
    delivered=st.booleans(),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_a_retry_is_always_of_a_refusal_before_anything_came_and_soon(
    code: Code | ErrorCode,
    retryable: bool,
    refused: bool,
    delay: int | None,
    retries: int,
    delivered: bool,
    jitter: float,
) -> None:
    verdict = _after(Failure(code, "x", retryable, delay, refused), retries=retries, delivered=delivered, jitter=jitter)
    if isinstance(verdict, Retry):
        assert refused and retryable and not delivered and retries < MAX_RETRIES
        assert (delay or 0) <= verdict.delay_ms <= MAX_ASKED_DELAY_MS + 250
