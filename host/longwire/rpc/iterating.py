"""Carry an iterable into a stream."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from longwire.rpc.core import Core
from longwire.rpc.errors import RpcError, wire_error
from longwire.rpc.messages import written

Source: TypeAlias = AsyncIterable[Any] | Iterable[Any]

# How long an iterator may clean up behind a stream that is over.
CLOSE_S: Final = 5.0

# Iterators that were given away: what another stream took of them would be missing in the second.
_used: "weakref.WeakSet[Any]" = weakref.WeakSet()


def iterator_of(source: object) -> AsyncIterator[Any]:
    """The iterator to send.

    Raises:
        TypeError: it cannot be iterated.
        RpcError: ITERATOR_USED.
    """
    if not isinstance(source, AsyncIterable):
        # A generator too is iterated once.
        if isinstance(source, Iterator):
            _use(source)
        if isinstance(source, Iterable) and not isinstance(source, str | bytes | bytearray | dict):
            return _awaiting(source)
        raise TypeError(f"a stream is an async iterable, or a list, and this is a {type(source).__name__}")
    iterator = aiter(source)
    # A generator that has ended gives nothing, and says nothing of it.
    if getattr(iterator, "ag_frame", object) is None:
        raise RpcError("ITERATOR_USED")
    _use(iterator)
    return iterator


def _use(iterator: Any) -> None:
    with contextlib.suppress(TypeError):  # what cannot be referred to weakly
        if iterator in _used:
            raise RpcError("ITERATOR_USED")
        _used.add(iterator)


async def _awaiting(source: Iterable[Any]) -> AsyncIterator[Any]:
    for item in source:
        yield item


class Sender:
    """One stream: asks its iterator for an item when the core wants one. Closes it at the end, whatever happens."""

    def __init__(self, stream_id: str, iterator: AsyncIterator[Any], core: Core, *, exposed: bool) -> None:
        self._stream_id = stream_id
        self._iterator = iterator
        self._core = core
        self._exposed = exposed
        self._wanted = asyncio.Event()
        self._over = False
        self._task: asyncio.Task[None] | None = None
        self.done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # Whoever does not wait for it is not told, and no log says that an exception was never retrieved.
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())

    def start(self, pump: Callable[[], None], now: Callable[[], float]) -> asyncio.Task[None]:
        """Run it."""
        self._task = asyncio.create_task(self._run(pump, now), name=f"rpc stream {self._stream_id}")
        return self._task

    def wanted(self) -> None:
        """The core wants another item."""
        self._wanted.set()

    def sent(self, error: RpcError | None) -> None:
        """The stream is over; what comes of the iterator now is of no interest."""
        if self._over:
            return
        self._over = True
        self._wanted.set()
        if not self.done.done():
            if error is None:
                self.done.set_result(self._stream_id)
            else:
                self.done.set_exception(error)
        # What it awaits in its `finally` is carried out.
        if error is not None and self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self, pump: Callable[[], None], now: Callable[[], float]) -> None:
        try:
            await self._carry(pump, now)
        except asyncio.CancelledError:
            if not self._over:  # by somebody else: the loop ends
                raise
        finally:
            aclose: Callable[[], Awaitable[None]] | None = getattr(self._iterator, "aclose", None)
            if aclose is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(aclose(), CLOSE_S)

    async def _carry(self, pump: Callable[[], None], now: Callable[[], float]) -> None:
        while not self._over:
            if not self._core.wants(self._stream_id):
                self._wanted.clear()
                await self._wanted.wait()
                continue
            try:
                item = await anext(self._iterator)
                encoded = encoded_item(item)
            except StopAsyncIteration:
                self._core.end(self._stream_id, None)
                break
            except Exception as error:  # noqa: BLE001  (told to the other side, and given to whoever waits)
                self._core.end(self._stream_id, _failure(error), wire_error(error, exposed=self._exposed))
                break
            self._core.push(self._stream_id, encoded, now())
            pump()
            # An iterator that never waits would keep the loop to itself.
            await asyncio.sleep(0)
        pump()


def encoded_item(item: object) -> str | bytes:
    """As it goes over the wire: JSON, or bytes.

    Raises:
        RpcError: BAD_PAYLOAD.
    """
    if isinstance(item, bytes | bytearray | memoryview):
        return bytes(item)
    return written(item)


def _failure(error: Exception) -> RpcError:
    if isinstance(error, RpcError):
        return error
    told = wire_error(error, exposed=True)
    failure = RpcError(told.code, told.message, name=told.name, retryable=told.retryable)
    failure.__cause__ = error
    return failure
