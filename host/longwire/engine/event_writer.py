"""Events of a generation on their way into its stream."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from longwire.engine.exchange import Exchange
from longwire.generation.telling import HEARTBEAT, encode
from longwire.protocol.generation import AnyGenerationEvent

# A body that says nothing for so long says that it is still there.
HEARTBEAT_S: Final = 30.0
# An event may be as large as an answer. The page's credit is asked for before each piece.
_PIECE_BYTES: Final = 64 * 1024


class EventWriter:
    """Of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._last = anyio.current_time()
        self._within = False  # an event: a comment there would be part of its text

    async def write(self, events: Iterable[AnyGenerationEvent]) -> None:
        """Put them into the stream, as fast as the page reads."""
        data = b"".join(map(encode, events))
        if not data:
            # What a provider says to keep its own connection open is no sign of life for the page.
            return
        self._within = True
        for start in range(0, len(data), _PIECE_BYTES):
            await self._exchange.room()
            if self._exchange.clock.first_byte_ms is None:
                self._exchange.first_byte()
            self._exchange.push(data[start : start + _PIECE_BYTES])
        self._within = False
        self._last = anyio.current_time()

    @contextmanager
    def signs_of_life(self) -> Iterator[None]:
        """Within the block, a stream silent for `HEARTBEAT_S` gets a comment. An event would be one too many."""
        loop = asyncio.get_running_loop()

        def beat() -> None:
            now = anyio.current_time()
            if now >= self._last + HEARTBEAT_S:
                if not self._within and self._exchange.has_room:
                    self._exchange.push(HEARTBEAT)
                self._last = now
            self._timer = loop.call_later(self._last + HEARTBEAT_S - now, beat)

        self._timer = loop.call_later(HEARTBEAT_S, beat)
        try:
            yield
        finally:
            self._timer.cancel()
