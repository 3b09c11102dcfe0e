"""The streams that are received, as async generators."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

from longwire.rpc.core import Core
from longwire.rpc.incoming import TakenEnd


class Readers:
    """Which stream is read by which generator."""

    def __init__(self, core: Core, pump: Callable[[], None]) -> None:
        self._core = core
        self._pump = pump
        self._readers: dict[str, asyncio.Event] = {}

    def open(self, stream_id: str, window: int) -> AsyncGenerator[Any, None]:
        """Raises RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED."""
        readable = asyncio.Event()
        self._core.claim(stream_id, window)
        self._readers[stream_id] = readable
        return Reading(self, stream_id, readable)

    def readable(self, stream_id: str) -> None:
        """Something of it came, if only its end."""
        if stream_id in self._readers:
            self._readers[stream_id].set()

    def close(self, stream_id: str) -> None:
        """End it, and the sender's iterator; what was not read is dropped."""
        readable = self._readers.pop(stream_id, None)
        if readable is not None:
            self._core.cancel(stream_id)
            readable.set()
            self._pump()

    async def take(self, stream_id: str, readable: asyncio.Event) -> Any:
        """The next item of a stream, for its generator. Raises StopAsyncIteration, or what the stream ends with."""
        while self._readers.get(stream_id) is readable:
            readable.clear()
            taken = self._core.take(stream_id)
            self._pump()
            if taken is None:
                await readable.wait()
                continue
            if not isinstance(taken, TakenEnd):
                return taken.item
            del self._readers[stream_id]
            if taken.error is not None:
                raise taken.error
        raise StopAsyncIteration

    def leave(self, stream_id: str, readable: asyncio.Event) -> None:
        """The generator of a stream is closed."""
        if self._readers.get(stream_id) is readable:
            self.close(stream_id)


class Reading(AsyncGenerator[Any, None]):
    """A stream that is received."""

    def __init__(self, readers: Readers, stream_id: str, readable: asyncio.Event) -> None:
        self._readers = readers
        self._stream_id = stream_id
        self._readable = readable

    async def __anext__(self) -> Any:
        """The next item. Raises an RpcError where the stream ends with one."""
        return await self._readers.take(self._stream_id, self._readable)

    async def asend(self, value: None) -> Any:
        """As `__anext__`: nothing can be sent into it."""
        return await self.__anext__()

    async def athrow(self, *error: Any) -> Any:
        """Close it, and raise what is thrown."""
        self._readers.leave(self._stream_id, self._readable)
        raise error[0]

    async def aclose(self) -> None:
        """End the stream, and the sender's iterator."""
        self._readers.leave(self._stream_id, self._readable)

    def __del__(self) -> None:
        """A loop that was left leaves the stream too, as soon as nobody has it any more."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._readers.leave(self._stream_id, self._readable)
