"""Kernel receive buffers: small, and large only for sockets that are being drained, and only for so many of them.

A receive buffer is what a server may send although nobody reads; none of our credit bounds it. The kernel counts twice
its size against what all TCP connections of the machine may have together, so a thousand stalled readers with a
megabyte each would slow every program on it. Left alone, the kernel grows the buffer of a fast reader without asking us
(to 6 MiB and more) and keeps it when the reader stops; a fixed size ends that. But a small one slows a download from
far away: one buffer per round trip is all that can arrive.
"""

import time
from collections.abc import Callable
from typing import Final

from longwire.fair_pool import FairPool

# Linux doubles both numbers for its own bookkeeping and caps them by net.core.rmem_max.
SMALL_BUFFER_BYTES: Final = 64 * 1024
LARGE_BUFFER_BYTES: Final = 1024 * 1024
MAX_LARGE_BUFFERS: Final = 32
# A buffer is being drained when this much was read within this time. It is more than a reader takes that stops at its
# first credit, and even a small buffer can bring it if a round trip takes no longer than half of that time.
DRAINED_BYTES: Final = 128 * 1024
DRAINED_WITHIN_S: Final = 1.0


class ReceiveBuffers:
    """Who has a large buffer. Callers with one isolation key get at most half of what the others leave."""

    def __init__(self, limit: int = MAX_LARGE_BUFFERS, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = FairPool(limit)
        self.clock = clock

    @property
    def large(self) -> int:
        """How many buffers are large."""
        return self._pool.lent

    def take(self, isolation: str) -> bool:
        """Count one more large buffer, if there may be one."""
        return self._pool.borrow_all(isolation, 1)

    def give_back(self, isolation: str) -> None:
        """One large buffer less."""
        self._pool.repay(isolation, 1)


class ReceiveBuffer:
    """One socket's buffer. It begins small; `resize` gives it another size in bytes."""

    def __init__(self, buffers: ReceiveBuffers, isolation: str, resize: Callable[[int], None]) -> None:
        self._buffers = buffers
        self._isolation = isolation
        self._resize = resize
        self._large = False
        self._received = 0
        self._since = buffers.clock()

    def received(self, size: int) -> None:
        """The reader took `size` bytes."""
        self._received += size
        if self._received < DRAINED_BYTES:
            return
        now = self._buffers.clock()
        drained = now - self._since < DRAINED_WITHIN_S
        self._received, self._since = 0, now
        if drained and not self._large:
            if self._buffers.take(self._isolation):
                self._large = True
                self._resize(LARGE_BUFFER_BYTES)
        elif self._large and not drained:
            self._resize(SMALL_BUFFER_BYTES)
            self.close()

    def close(self) -> None:
        """The socket is gone. Idempotent."""
        if self._large:
            self._large = False
            self._buffers.give_back(self._isolation)
