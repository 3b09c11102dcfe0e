"""A peer: the core with a socket, a clock and tasks. On asyncio."""

import asyncio
import math
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from longwire.rpc import events as event
from longwire.rpc.asking import Asking
from longwire.rpc.core import Core
from longwire.rpc.deflate import BrokenMessage, deflated, inflated, is_deflated
from longwire.rpc.errors import RpcError
from longwire.rpc.handlers import Handler, Handlers
from longwire.rpc.iterating import Sender, Source, iterator_of
from longwire.rpc.messages import Hello, units, written
from longwire.rpc.options import PeerOptions
from longwire.rpc.outgoing import SendOptions
from longwire.rpc.readers import Readers
from longwire.rpc.sockets import Socket, SocketClosed

REQUEST_TIMEOUT_S: Final = 30.0
RECEIVE_WINDOW: Final = 256 * 1024

H = TypeVar("H", bound=Handler)


def now_ms() -> float:
    """The core's clock."""
    return time.monotonic() * 1000


class Peer:
    """One side of a socket: streams and requests in both directions. Made by `connect` and `accept`.

    Both sides are alike. Streams that this one sends and those that it receives have ids of their own. An `async with`
    closes it.
    """

    def __init__(self, options: PeerOptions, role: Literal["connect", "accept"], *, resumable: bool) -> None:
        """For `connect` and `accept`."""
        self._options = options
        self.core: Final = Core(options.for_core(role, resumable=resumable))
        self._socket: Socket | None = None
        self._carrying: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._senders: dict[str, Sender] = {}
        self._readers = Readers(self.core, self._pump)
        self._asking = Asking(self.core, self._pump, now_ms)
        self._handlers = Handlers(self.core, self._pump, exposed=options.expose_errors)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.TimerHandle | None = None
        self._ticking_at = math.inf
        self._ready = asyncio.Event()
        self._over = asyncio.Event()
        self._end: tuple[int, str] | None = None
        self._skip = self._skipped = 0
        # For `connect` and `accept`: what happens to the connection, and whether another one will come.
        self.on_connection: Callable[[event.Event], None] = lambda _: None
        self.on_closed: Callable[[int, str], bool] = lambda code, reason: False

    @property
    def extended(self) -> bool | None:
        """Whether the other side knows credit, cancelling, bytes and the rest; None as long as nobody knows."""
        return self.core.extended

    @property
    def counts(self) -> dict[str, int]:
        """How much of everything there is at the moment."""
        return self.core.counts

    async def opened(self) -> None:
        """Return once it is known whom one speaks to.

        Raises:
            RpcError: CONNECTION_FAILED.
        """
        waits = [asyncio.ensure_future(each.wait()) for each in (self._ready, self._over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        if not self._ready.is_set():
            code, reason = self._end or (1006, "")
            raise RpcError("CONNECTION_FAILED", phase="connecting", close_code=code, close_reason=reason)

    async def wait_closed(self) -> tuple[int, str]:
        """Code and reason, once there is no connection, and none will be made."""
        await self._over.wait()
        return self._end or (1006, "")

    # Streams

    def send_stream(
        self,
        source: Source,
        stream_id: str | None = None,
        *,
        urgency: int = 3,
        rate: float = math.inf,
        batch: tuple[int, float] | None = None,
        compress: bool = True,
    ) -> "asyncio.Future[str]":
        """Send the items of an iterable: what JSON can say, or bytes (to a peer that knows them).

        One is asked for when the last one is on its way. `rate` is bytes a second; `batch` is a number of items that go
        as one message, and after how many seconds fewer do. Gives a future: the stream's id once all has come, an
        RpcError if it has not.

        Raises:
            TypeError, ValueError: what is none.
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS, ITERATOR_USED, CONNECTION_CLOSED.
        """
        stream_id = _checked_id(stream_id)
        items, delay_s = batch or (1, 0)
        options = SendOptions(urgency, rate, items, delay_s * 1000, compress)
        if self.core.is_sending(stream_id):
            raise RpcError("STREAM_ID_IN_USE")
        iterator = iterator_of(source)
        self.core.open(stream_id, options)
        sender = Sender(stream_id, iterator, self.core, exposed=self._options.expose_errors)
        self._senders[stream_id] = sender
        self._keep(sender.start(self._pump, now_ms))
        self._pump()
        return sender.done

    def abort_stream(self, stream_id: str) -> None:
        """End a stream that is sent: its iterator is closed, the reader gets an error, ABORTED."""
        self.core.abort(stream_id, RpcError("ABORTED"))
        if stream_id in self._senders:
            self._senders[stream_id].sent(RpcError("ABORTED"))
        self._pump()

    def receive_stream(
        self, stream_id: str | None = None, *, window: int = RECEIVE_WINDOW
    ) -> tuple[str, AsyncGenerator[Any, None]]:
        """A stream that the other side sends, under an id that one of both made up.

        Nothing is asked for that is not read. `aclose()` ends the sender's iterator; a `break` alone does so when the
        generator is collected, so use `contextlib.aclosing` or `close_receiving_stream`.

        Raises:
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED; later what the stream ends with.
        """
        stream_id = _checked_id(stream_id)
        if window < 1:
            raise ValueError("window is a number of bytes above 0")
        reading = self._readers.open(stream_id, window)
        self._pump()
        return stream_id, reading

    def close_receiving_stream(self, stream_id: str) -> None:
        """End a stream that is received, and the sender's iterator; what was not read is dropped, the reader done."""
        self._readers.close(stream_id)

    # Requests

    async def request(self, data: Any, *, timeout: float = REQUEST_TIMEOUT_S) -> Any:
        """Ask, and give what a handler of the other side answers, within `timeout` seconds.

        To cancel it cancels the other side's handler.

        Raises:
            RpcError: what it answered; REQUEST_TIMEOUT, NO_ANSWER, TOO_MANY_REQUESTS, CONNECTION_CLOSED, BAD_PAYLOAD.
        """
        if not timeout > 0:
            raise ValueError("timeout is a number of seconds above 0")
        return await self._asking.request(data, timeout)

    def match(self, handler: H) -> H:
        """Have a function, plain or `async`, answer requests; also as a decorator.

        Where several are there, the first that gives something else than PASS answers.
        """
        self._handlers.add(handler)
        return handler

    def send(self, data: Any) -> None:
        """Tell the other side something that it does not answer."""
        self.core.notify(secrets.token_hex(16), written(data))
        self._pump()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and make no other one.

        Raises:
            ValueError: code or reason that no WebSocket can send.
        """
        if code != 1000 and not 3000 <= code < 5000:
            raise ValueError("the code is 1000, or 3000 to 4999")
        if len(reason.encode()) > 123:
            raise ValueError("the reason is longer than 123 bytes")
        socket = self._socket
        self.lost(code, reason, final=True)
        if socket is not None:
            await socket.close(code, reason)
        await self._settle()

    async def _settle(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        if tasks:
            await asyncio.wait(tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # The connection, as connect and accept see it

    def attach(self, socket: Socket, hello: Hello | None = None) -> None:
        """The peer has a socket, which is open; `hello`: of the side that wants its streams back."""
        self._socket = socket
        if hello is None:
            self.core.opened(now_ms())
        else:
            self.core.resume(hello, now_ms())
        self._carrying = self._keep(asyncio.create_task(self._carry(socket), name="rpc socket"))
        self._pump()

    def release(self) -> None:
        """The socket that it has goes to another peer."""
        self._socket = None
        self.lost(1000, "", final=True)

    def lost(self, code: int, reason: str, *, final: bool) -> None:
        """The socket is gone, or none could be had."""
        self._socket = None
        self._wake.set()
        self.core.closed(code, reason, now_ms(), final=final)
        self._pump()
        if final and not self._over.is_set():
            self._end = (code, reason)
            self._over.set()
            self._wind(math.inf)

    async def _carry(self, socket: Socket) -> None:
        """Both directions of one socket, until it is gone or another peer's."""
        reading = asyncio.create_task(self._read(socket), name="rpc reading")
        writing = asyncio.create_task(self._write(socket), name="rpc writing")
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
        # By now somebody else may have let it go, or it may carry another peer's messages.
        if self._socket is not socket:
            return
        code, reason = 1006, ""
        for task in (reading, writing):
            failure = None if task.cancelled() else task.exception()
            if isinstance(failure, SocketClosed | BrokenMessage):
                code, reason = failure.code, failure.reason
            elif failure is not None:
                self._options.on_warning(RpcError("CONNECTION_CLOSED", f"{type(failure).__name__}: {failure}"), None)
            if isinstance(failure, BrokenMessage):
                self._options.on_warning(RpcError("BAD_MESSAGE", f"The connection was closed: {reason}"), None)
                await socket.close(code, reason)
        self.lost(code, reason, final=not self.on_closed(code, reason))

    async def _read(self, socket: Socket) -> None:
        while self._socket is socket:
            data = await socket.receive()
            if is_deflated(data):
                data = inflated(data, self._options.max_message_bytes)
            self.core.receive(data, now_ms())
            self._pump()

    async def _write(self, socket: Socket) -> None:
        # `send` waits where there is no room, so there is room here: only one message is ever on its way.
        while self._socket is socket:
            message = self.core.next(now_ms(), writable=True)
            if self.core.has_events:
                self._pump()
            elif message is None:
                self._wake.clear()
                await self._wake.wait()
            if message is None:
                continue
            data = message.data
            if message.deflatable:
                data = self._smaller(data)
            await socket.send(data)

    def _smaller(self, data: str | bytes) -> str | bytes:
        # What does not become smaller is tried ever more rarely.
        if self._skipped < self._skip:
            self._skipped += 1
            return data
        packed = deflated(data)
        self._skip = 0 if packed is not None else min(64, self._skip * 2 + 1)
        self._skipped = 0
        return data if packed is None else packed

    def _pump(self) -> None:
        """Whatever has happened is told; whoever writes looks again; the clock is wound."""
        while self.core.has_events:
            for each in self.core.events():
                self._on(each)
        self._wake.set()
        if not self._over.is_set():
            self._wind(self.core.deadline(now_ms()))

    def _wind(self, at: float) -> None:
        if self._ticking is not None and at == self._ticking_at:
            return
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        if at != math.inf:
            self._ticking_at = at
            delay_s = max(0.0, at - now_ms()) / 1000
            self._ticking = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        self.core.tick(now_ms())
        self._pump()

    def _on(self, happened: event.Event) -> None:
        match happened:
            case event.Wanted(stream_id):
                if stream_id in self._senders:
                    self._senders[stream_id].wanted()
            case event.Sent(stream_id, error):
                sender = self._senders.pop(stream_id, None)
                if sender is not None:
                    sender.sent(error)
            case event.Readable(stream_id):
                self._readers.readable(stream_id)
            case event.Answered():
                self._asking.answered(happened)
            case event.Requested():
                self._keep(self._handlers.take(happened))
            case event.RequestCancelled(request_id):
                self._handlers.cancel(request_id)
            case _:
                self._on_connection(happened)

    def _on_connection(self, happened: event.Event) -> None:
        if isinstance(happened, event.Violation):
            self._options.on_warning(happened.error, None)
        if isinstance(happened, event.Unclaimed):
            self._options.on_warning(RpcError("UNCLAIMED"), happened.stream_id)
        if isinstance(happened, event.Ready):
            self._ready.set()
        if not isinstance(happened, event.CloseSocket):
            self.on_connection(happened)
            return
        self._options.on_warning(RpcError("BAD_MESSAGE", f"The connection was closed: {happened.reason}"), None)
        socket, code, reason = self._socket, happened.code, happened.reason
        if socket is not None:
            self._keep(asyncio.create_task(socket.close(code, reason), name="rpc closing"))
            self.lost(code, reason, final=not self.on_closed(code, reason))

    def _keep(self, task: "asyncio.Task[None]") -> "asyncio.Task[None]":
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _checked_id(stream_id: str | None) -> str:
    if stream_id is None:
        return secrets.token_hex(16)
    if not 0 < units(stream_id) <= 256:
        raise ValueError("a stream_id is a text of 1 to 256 characters")
    return stream_id
