"""The limits of a grant that count across streams: how many at once, and how many a minute, for each page.

Each page origin has its own count: one page could else use up what is meant for another, and learn from its refusals
what the other is doing (threat 13).

Sans-IO: the clock is a parameter and nothing waits. A request over a limit is refused, never queued: whether and
when it is sent again is the page library's decision.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from longwire.policy.grants import Grant
from longwire.protocol.errors import ErrorCode, Phase, StreamError

_MINUTE_S: Final = 60.0
# A grant for `http://127.0.0.1:*` has as many pages as there are ports. Beyond this, counts that say nothing are
# dropped.
_MAX_IDLE_COUNTS: Final = 1024


@dataclass(slots=True)
class _Usage:
    open_streams: int = 0
    open_sockets: int = 0
    # A bucket that holds one minute's requests and refills evenly.
    tokens: float = 0.0
    capacity: int = 0
    filled_at_s: float = 0.0


class Admission:
    """Counts by grant name and page origin, so that a policy read again does not forget what is still open."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._usage: dict[tuple[str, str], _Usage] = {}

    def enter(self, grant: Grant, page_origin: str, *, socket: bool = False) -> "Ticket":
        """Take a place for one stream. Its ticket is given back when the stream's socket is closed, not before.

        A `socket` (a WebSocket) has a count of its own, and is no stream in the other.

        Raises:
            StreamError: LIMIT_EXCEEDED, naming the grant and the limit.
        """
        if len(self._usage) > _MAX_IDLE_COUNTS:
            self._forget_idle()
        usage = self._usage.setdefault((grant.name, page_origin), _Usage())
        limits = grant.limits
        if socket:
            if limits.sockets is not None and usage.open_sockets >= limits.sockets:
                raise _exceeded(f'the grant "{grant.name}" allows {limits.sockets} sockets at once')
        elif limits.streams is not None and usage.open_streams >= limits.streams:
            raise _exceeded(f'the grant "{grant.name}" allows {limits.streams} streams at once')
        self._count_request(usage, grant)
        ticket = Ticket(usage, socket=socket)
        ticket.count(1)
        return ticket

    def request_again(self, grant: Grant, page_origin: str) -> None:
        """Count one more request of a stream that has its place: a redirect is a request like any other.

        Raises:
            StreamError: LIMIT_EXCEEDED, naming the grant and the limit.
        """
        self._count_request(self._usage.setdefault((grant.name, page_origin), _Usage()), grant)

    def open_streams(self, grant_name: str) -> int:
        """How many tickets of this grant are out, for all pages together."""
        return sum(usage.open_streams for (name, _), usage in self._usage.items() if name == grant_name)

    def _forget_idle(self) -> None:
        """Drop counts whose bucket is full again by now: a new one would be the same."""
        now = self._clock()
        self._usage = {
            key: usage
            for key, usage in self._usage.items()
            if usage.open_streams or usage.open_sockets or now - usage.filled_at_s < _MINUTE_S
        }

    def _count_request(self, usage: _Usage, grant: Grant) -> None:
        per_minute = grant.limits.requests_per_minute
        if per_minute is not None and not self._take_token(usage, per_minute):
            raise _exceeded(f'the grant "{grant.name}" allows {per_minute} requests per minute')

    def _take_token(self, usage: _Usage, per_minute: int) -> bool:
        now = self._clock()
        if usage.capacity != per_minute:  # first request, or the limit was changed in the file
            usage.capacity, usage.tokens = per_minute, float(per_minute)
        else:
            refill = (now - usage.filled_at_s) * per_minute / _MINUTE_S
            usage.tokens = min(float(per_minute), usage.tokens + refill)
        usage.filled_at_s = now
        if usage.tokens < 1.0:
            return False
        usage.tokens -= 1.0
        return True


class Ticket:
    """One stream's place. `leave` may be called again without effect."""

    __slots__ = ("_socket", "_usage")

    def __init__(self, usage: _Usage, *, socket: bool) -> None:
        self._usage: _Usage | None = usage
        self._socket = socket

    def leave(self) -> None:
        """Give the place back."""
        self.count(-1)
        self._usage = None

    def count(self, step: int) -> None:
        """Add to the count that the stream is in; nothing after `leave`."""
        if self._usage is not None and self._socket:
            self._usage.open_sockets += step
        elif self._usage is not None:
            self._usage.open_streams += step


def _exceeded(message: str) -> StreamError:
    return StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY)
