"""The three clocks of an exchange: to the head, between bytes, in total. No library timeout is used beside them.

A clock runs only inside a section (`to_headers`, `between_bytes`, `after_body`), which is entered for work on the
network. What the exchange waits for outside of them, or inside `waiting_for_page` on the way to the head, is the page's
time and never counts.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

import anyio

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.model import UpstreamTimeouts

_TEXTS = {
    ErrorCode.HEADER_TIMEOUT: "no response head within {:g} s: {}",
    ErrorCode.IDLE_TIMEOUT: "no byte of the body for {:g} s: {}",
    ErrorCode.TOTAL_TIMEOUT: "the exchange took longer than {:g} s: {}",
}


class Timers:
    """One exchange's clocks. Sections do not nest and do not overlap."""

    def __init__(self, timeouts: UpstreamTimeouts) -> None:
        self._timeouts = timeouts
        self._total_s = timeouts.total_s
        self._total_by = timeouts.total_by
        self._scope: anyio.CancelScope | None = None
        self._limit_s = math.inf
        self._limit_from = self._limit_at = math.inf
        self._limit_by = ""
        self._total_left_s = math.inf if timeouts.total_s is None else timeouts.total_s
        self._total_at = math.inf
        # Only on the way to the head does the page's time not count: after it, an answer is what is waited for.
        self._to_head = False
        # Since when the page is waited for.
        self._page_since: float | None = None

    @contextmanager
    def to_headers(self, phase: Callable[[], Phase]) -> Iterator[None]:
        """A section under `header_s`, which `progress` starts over.

        Raises:
            StreamError: HEADER_TIMEOUT or TOTAL_TIMEOUT, in the phase that `phase` gives then.
        """
        self._to_head = True
        with self._section(self._timeouts.header_s, self._timeouts.header_by, ErrorCode.HEADER_TIMEOUT, phase):
            try:
                yield
            finally:
                self._page_came()
                self._to_head = False

    def between_bytes(self) -> AbstractContextManager[None]:
        """A section under `idle_s`.

        Raises:
            StreamError: IDLE_TIMEOUT or TOTAL_TIMEOUT, phase `body`.
        """
        return self._section(self._timeouts.idle_s, self._timeouts.idle_by, ErrorCode.IDLE_TIMEOUT, _in_body)

    def after_body(self) -> AbstractContextManager[None]:
        """A section under `total_s` alone: the response is whole, and the request is not yet.

        Raises:
            StreamError: TOTAL_TIMEOUT, phase `body`.
        """
        return self._section(None, "", ErrorCode.IDLE_TIMEOUT, _in_body)

    def progress(self) -> None:
        """The server took a piece of the request body, or sent an interim answer: it is alive, and the way to the head,
        or the time without a byte, starts over.
        """
        self._limit_from = self._page_since or time.monotonic()
        self._limit_at = self._limit_from + self._limit_s
        self._arm()

    def on_redirect(self, timeouts: UpstreamTimeouts) -> None:
        """From here on the times of the grant that a redirect led to.

        Where its time to the head is shorter, it is counted from here on, if that ends sooner; where it is longer, from
        the beginning, so that no chain of redirects outlasts the longest of its grants. The total only shrinks.
        """
        now = time.monotonic()
        header_s, total_s = timeouts.header_s, timeouts.total_s
        if header_s is not None:
            longer = header_s > self._limit_s
            at = self._limit_from + header_s if longer else min(self._limit_at, now + header_s)
            if at != self._limit_at:
                self._limit_s, self._limit_at, self._limit_by = header_s, at, timeouts.header_by
        if total_s is not None and now + total_s < self._total_at:
            self._total_s, self._total_at, self._total_by = total_s, now + total_s, timeouts.total_by
        self._arm()

    @contextmanager
    def waiting_for_page(self) -> Iterator[None]:
        """Stop the clocks on the way to the head, until it is there."""
        if self._to_head:
            self._page_since = time.monotonic()
            self._arm()
        try:
            yield
        finally:
            self._page_came()

    def _page_came(self) -> None:
        if self._page_since is not None:
            waited = time.monotonic() - self._page_since
            self._page_since = None
            self._limit_from += waited
            self._limit_at += waited
            self._total_at += waited
            self._arm()

    def _section(self, limit_s: float | None, limit_by: str, code: ErrorCode, phase: Callable[[], Phase]) -> "_Section":
        now = time.monotonic()
        self._limit_by = limit_by
        self._limit_s = math.inf if limit_s is None else limit_s
        self._limit_from, self._limit_at = now, now + self._limit_s
        self._total_at = now + self._total_left_s
        return _Section(self, code, phase)

    def begin(self, scope: anyio.CancelScope) -> None:
        """A section has begun, which `scope` ends."""
        self._scope = scope
        self._arm()

    def end(self) -> None:
        """It is over."""
        self._scope = None
        self._total_left_s = self._total_at - time.monotonic()

    def expired(self, code: ErrorCode, phase: Phase) -> StreamError:
        """What to say of a clock that ran out: `code`, if it is not that in total."""
        if self._total_at <= self._limit_at:
            code, allowed_s, by = ErrorCode.TOTAL_TIMEOUT, self._total_s, self._total_by
        else:
            allowed_s, by = self._limit_s, self._limit_by
        return StreamError(code, _TEXTS[code].format(allowed_s, by), phase)

    def _arm(self) -> None:
        if self._scope is not None:
            stopped = self._page_since is not None
            self._scope.deadline = math.inf if stopped else min(self._limit_at, self._total_at)


class _Section:
    """What is to be over before a clock runs out. No generator: a quiet stream stands in one as long as it lives."""

    __slots__ = ("_code", "_phase", "_scope", "_timers")

    def __init__(self, timers: Timers, code: ErrorCode, phase: Callable[[], Phase]) -> None:
        self._timers, self._code, self._phase = timers, code, phase
        self._scope = anyio.CancelScope()

    def __enter__(self) -> None:
        self._scope.__enter__()
        self._timers.begin(self._scope)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._timers.end()
        handled = bool(self._scope.__exit__(kind, error, trace))
        if self._scope.cancelled_caught:
            raise self._timers.expired(self._code, self._phase()) from None
        return handled


def _in_body() -> Phase:
    return Phase.BODY
