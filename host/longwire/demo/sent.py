"""What the upstream sent in answer to one request: the account that the page's own is held against."""

import asyncio
import hashlib
import time
from typing import Final

# A client that is gone is noticed with the next write; both streams write many times a second.
_NOTICE_TIMEOUT_S: Final = 3.0


class Sent:
    """Bytes, events with text in them, and digest of one body. Times are of the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._ended = asyncio.Event()
        self.bytes = 0
        self.events = 0
        self.finished_at_s: float | None = None
        self.ended_at_s: float | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the body so far, in hex."""
        return self._digest.hexdigest()

    def count(self, data: bytes, *, events: int = 0) -> None:
        """These bytes are about to leave."""
        self._digest.update(data)
        self.bytes += len(data)
        self.events += events

    def finish(self) -> None:
        """All of the body was handed to the kernel."""
        self.finished_at_s = time.monotonic()

    def end(self) -> None:
        """The response is over, whole or not."""
        self.ended_at_s = time.monotonic()
        self._ended.set()

    async def wait_ended(self) -> float | None:
        """When the response was over; None if it is not, a few seconds from now."""
        try:
            async with asyncio.timeout(_NOTICE_TIMEOUT_S):
                await self._ended.wait()
        except TimeoutError:
            return None
        return self.ended_at_s
