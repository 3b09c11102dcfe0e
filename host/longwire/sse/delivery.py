"""Carry one producer's events to one client: in turn with heartbeats, and no longer than the client is there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from longwire.sse.events import Event, WrittenEvent
from longwire.sse.interruption import interruptible

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

# One line and no blank one: a comment that stands alone is an event to some readers (@microsoft/fetch-event-source).
HEARTBEAT: Final = b":\n"
# What became of the producer is for the server's log. The text of an exception may hold a secret.
FAILED: Final = Event("error", {"code": "internal", "message": "The server failed", "retryable": False})
# How long a producer may clean up behind a client that has left.
CLOSE_S: Final = 5.0


class Delivery:
    """One response. `run` once."""

    def __init__(self, receive: Receive, send: Send, heartbeat_s: float) -> None:
        self._receive = receive
        self._send = send
        self._heartbeat_s = heartbeat_s
        self._turn = anyio.Lock()
        self._sent_at = 0.0
        self._gone = False
        self._failure: Exception | None = None
        self._beating = anyio.CancelScope()
        self._interrupt: Callable[[], None]
        self._beside: TaskGroup

    async def run(self, headers: Iterable[tuple[bytes, bytes]], events: AsyncIterator[object]) -> Exception | None:
        """Send it all; back when the response is over, or the client has left, and the producer is closed.

        Gives what the producer failed with, or the server's `send` and `receive`; None if nothing did.
        """
        try:
            async with anyio.create_task_group() as self._beside:
                async with interruptible() as self._interrupt:
                    self._beside.start_soon(self._watch)
                    await self._put({"type": "http.response.start", "status": 200, "headers": list(headers)})
                    # Some servers (hypercorn) keep the head until there is a body.
                    await self._write(b"")
                    self._beside.start_soon(self._beat)
                    await self._carry(events)
                    await self._end()
                self._beside.cancel_scope.cancel()
        finally:
            await self._close(events)
        return self._failure

    async def _carry(self, events: AsyncIterator[object]) -> None:
        try:
            async for event in events:
                if not isinstance(event, WrittenEvent):
                    raise TypeError(f"yield Event(...) or TextEvent(...) instead of a {type(event).__name__}")
                await self._write(event.encoded)
                if self._gone:  # asked for no other event, it is closed where it stands
                    return
        except Exception as error:  # noqa: BLE001  (given back, and raised once the response is over)
            self._failed(error)

    async def _end(self) -> None:
        if self._failure is not None:
            await self._write(FAILED.encoded)
        async with self._turn:
            self._beating.cancel()
        await self._put({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, data: bytes) -> None:
        # To take the lock gives the loop a turn, also where neither the producer nor the server's `send` ever waits.
        async with self._turn:
            await self._put({"type": "http.response.body", "body": data, "more_body": True})
            self._sent_at = anyio.current_time()

    async def _put(self, message: Message) -> None:
        if self._gone:
            return
        try:
            await self._send(message)
        except OSError:  # from version 2.4 of ASGI's HTTP on, this says that the client has left
            self._leave()
        except Exception as error:  # noqa: BLE001  (as above)
            self._failed(error)
            self._leave()

    async def _beat(self) -> None:
        with self._beating:
            while True:
                quiet_s = anyio.current_time() - self._sent_at
                if quiet_s < self._heartbeat_s:
                    await anyio.sleep(self._heartbeat_s - quiet_s)
                else:
                    await self._write(HEARTBEAT)

    async def _watch(self) -> None:
        try:
            # The rest of a request's body may come before; nobody else can ask for it any more.
            while (await self._receive())["type"] != "http.disconnect":
                await anyio.lowlevel.checkpoint()
        except Exception as error:  # noqa: BLE001  (as above)
            self._failed(error)
        self._leave()

    def _leave(self) -> None:
        if not self._gone:
            self._gone = True
            self._interrupt()
            self._beside.start_soon(self._lose_patience)

    async def _lose_patience(self) -> None:
        await anyio.sleep(CLOSE_S)
        self._beside.cancel_scope.cancel()

    async def _close(self, events: AsyncIterator[object]) -> None:
        with anyio.move_on_after(CLOSE_S, shield=True):
            try:
                await close(events)
            except Exception as error:  # noqa: BLE001  (as above)
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._failure = self._failure or error


async def close(events: object) -> None:
    """Have a generator carry out its `finally`; what is none has nothing to close."""
    aclose = getattr(events, "aclose", None)
    if aclose is not None:
        await aclose()
