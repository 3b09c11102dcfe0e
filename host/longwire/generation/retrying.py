"""Whether a generation is asked for again: the host's rule (architecture, rule 11), as a function.

Only where the provider refused, so that nothing was done and nothing is paid twice; only before anything of an answer
came; at most three times, and never after a wait that a person would take for a hang. Then the next provider.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from longwire.generation.failures import Failure
from longwire.protocol.generation import FailureCode

MAX_RETRIES: Final = 3
FIRST_DELAY_MS: Final = 1_000
MAX_OWN_DELAY_MS: Final = 10_000
JITTER: Final = 0.25
# A provider that asks for more is told to the page, with `retryAfter`.
MAX_ASKED_DELAY_MS: Final = 60_000
# Another provider may well have room where this one has none.
_ELSEWHERE: Final = frozenset(
    {
        FailureCode.RATE_LIMITED,
        FailureCode.QUOTA_EXCEEDED,
        FailureCode.OVERLOADED,
        FailureCode.PROVIDER_UNAVAILABLE,
    }
)


class Retry(NamedTuple):
    """Ask the same provider again after `delay_ms`."""

    delay_ms: int


class Switch(NamedTuple):
    """Ask this one instead, now."""

    provider: str


class GiveUp(NamedTuple):
    """The failure is the page's."""


Verdict: TypeAlias = Retry | Switch | GiveUp


def after(failure: Failure, *, retries: int, delivered: bool, fallback: Sequence[str], jitter: float) -> Verdict:
    """What follows a failure.

    Args:
        failure: of the last attempt.
        retries: how often this provider was asked again already.
        delivered: whether content, reasoning or a tool call came. Then it is over.
        fallback: providers that are left, and allowed.
        jitter: a random number from 0 up to 1, which moves the delay by a quarter at most.
    """
    if delivered:
        return GiveUp()
    delay_ms = _delay(failure, retries, jitter)
    if failure.refused and failure.retryable and retries < MAX_RETRIES and delay_ms is not None:
        return Retry(delay_ms)
    # A quota answers 429 or 403, and says as clearly that nothing was done. What broke half-way may have been paid for.
    unpaid = failure.refused or failure.code is FailureCode.QUOTA_EXCEEDED
    elsewhere = failure.code in _ELSEWHERE or not isinstance(failure.code, FailureCode)
    return Switch(fallback[0]) if unpaid and elsewhere and fallback else GiveUp()


def _delay(failure: Failure, retries: int, jitter: float) -> int | None:
    """What the provider asks for, or 1, 2, 4 s; None where it asks for too much."""
    if failure.retry_after_ms is not None:
        # Never sooner than asked for.
        asked = failure.retry_after_ms + int(min(failure.retry_after_ms, FIRST_DELAY_MS) * JITTER * jitter)
        return asked if failure.retry_after_ms <= MAX_ASKED_DELAY_MS else None
    own = min(FIRST_DELAY_MS * 2**retries, MAX_OWN_DELAY_MS)
    return int(own * (1 + JITTER * (2 * jitter - 1)))
