"""The three clocks of an exchange: to the head, between bytes, in total. No library timeout is used beside them.

A clock runs only inside `limit`, which the client enters for work on the network. Whatever the exchange waits for
outside it, or inside `waiting_for_page`, is the page's time and never counts.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.model import UpstreamTimeouts

_TEXTS = {
    ErrorCode.HEADER_TIMEOUT: "no response head within {:g} s. Raise headerTimeout if the server needs longer",
    ErrorCode.IDLE_TIMEOUT: "no byte of the body for {:g} s. Raise idleTimeout if the server may be silent longer",
    ErrorCode.TOTAL_TIMEOUT: "the exchange took longer than {:g} s. Raise totalTimeout if it may",
}


class Timers:
    """One exchange's clocks. Sections do not nest and do not overlap."""

    def __init__(self, timeouts: UpstreamTimeouts) -> None:
        self._timeouts = timeouts
        self._total_s = timeouts.total_s
        self._scope: anyio.CancelScope | None = None
        self._limit_s = math.inf
        self._limit_at = math.inf
        self._total_left_s = math.inf if timeouts.total_s is None else timeouts.total_s
        self._total_at = math.inf

    @contextmanager
    def to_headers(self, phase: Callable[[], Phase]) -> Iterator[None]:
        """A section under `header_s`, which `progress` starts over.

        Raises:
            StreamError: HEADER_TIMEOUT or TOTAL_TIMEOUT, in the phase that `phase` gives then.
        """
        with self._section(self._timeouts.header_s, ErrorCode.HEADER_TIMEOUT, phase):
            yield

    @contextmanager
    def between_bytes(self) -> Iterator[None]:
        """A section under `idle_s`.

        Raises:
            StreamError: IDLE_TIMEOUT or TOTAL_TIMEOUT, phase `body`.
        """
        with self._section(self._timeouts.idle_s, ErrorCode.IDLE_TIMEOUT, lambda: Phase.BODY):
            yield

    def progress(self) -> None:
        """The server took a piece of the request body: it is alive, and the way to the head starts over."""
        self._limit_at = time.monotonic() + self._limit_s
        self._arm()

    def tighten(self, timeouts: UpstreamTimeouts) -> None:
        """From here on no longer than `header_s` to the head and `total_s` in all, where those end sooner."""
        now = time.monotonic()
        if timeouts.header_s is not None and now + timeouts.header_s < self._limit_at:
            self._limit_s, self._limit_at = timeouts.header_s, now + timeouts.header_s
        if timeouts.total_s is not None and now + timeouts.total_s < self._total_at:
            self._total_s, self._total_at = timeouts.total_s, now + timeouts.total_s
        self._arm()

    @contextmanager
    def waiting_for_page(self) -> Iterator[None]:
        """Stop the clocks of the section around."""
        started = time.monotonic()
        if self._scope is not None:
            self._scope.deadline = math.inf
        try:
            yield
        finally:
            waited = time.monotonic() - started
            self._limit_at += waited
            self._total_at += waited
            self._arm()

    @contextmanager
    def _section(self, limit_s: float | None, code: ErrorCode, phase: Callable[[], Phase]) -> Iterator[None]:
        now = time.monotonic()
        self._limit_s = math.inf if limit_s is None else limit_s
        self._limit_at = now + self._limit_s
        self._total_at = now + self._total_left_s
        with anyio.CancelScope() as scope:
            self._scope = scope
            self._arm()
            try:
                yield
            finally:
                self._scope = None
                self._total_left_s = self._total_at - time.monotonic()
        if scope.cancelled_caught:
            if self._total_at <= self._limit_at:
                code, allowed_s = ErrorCode.TOTAL_TIMEOUT, self._total_s
            else:
                allowed_s = self._limit_s
            raise StreamError(code, _TEXTS[code].format(allowed_s), phase())

    def _arm(self) -> None:
        if self._scope is not None:
            self._scope.deadline = min(self._limit_at, self._total_at)
