"""WebSockets, over the same connections as HTTP: one resolution, address guard, TLS trust, proxy, clocks, isolation.

    open_socket ──► UpstreamSocket: read (fragments, the close) · send, close · answer_pings ──► aclose

Nothing is read but by `read`, so a socket whose page does not read stays as it is: a ping that came behind the data is
answered when the data is wanted. There is no keepalive here but TCP's, for the same reason: an answer to ours would
wait behind the data, too.
"""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.client import UpstreamClient
from longwire.upstream.connection import UpstreamConnection
from longwire.upstream.errors import FOREIGN, exchange_error
from longwire.upstream.model import (
    SocketEvent,
    SocketFragment,
    Timings,
    UpstreamRequest,
)
from longwire.upstream.timers import Timers

if TYPE_CHECKING:
    from longwire.upstream.websocket_frames import WebSocketFrames

# How long one frame may wait for a server that takes nothing.
SEND_STALL_S: Final = 120.0
# How long a page that is gone keeps its socket, for the sake of saying so.
_FAREWELL_S: Final = 0.2
# Frames in one turn of the event loop: they take half a millisecond.
_FRAMES: Final = 64
_GOING_AWAY: Final = 1001


class WebSocketClient:
    """A `SocketUpstream` beside an `UpstreamClient`, whose connections it takes over."""

    def __init__(self, client: UpstreamClient, *, send_stall_s: float = SEND_STALL_S) -> None:
        self._client = client
        self._send_stall_s = send_stall_s

    async def open_socket(self, request: UpstreamRequest, protocols: tuple[str, ...]) -> "WebSocket":
        """See `SocketUpstream`."""
        # Here: a host without sockets never pays for them.
        from longwire.upstream.websocket_frames import WebSocketFrames
        from longwire.upstream.websocket_handshake import Handshake, informational

        handshake = Handshake(protocols)
        timers = Timers(request.timeouts)
        asked = handshake.request(request.hop)
        connection = await self._client.connection(request.isolation, request.hop)
        interim: list[None] = []
        try:
            with timers.to_headers(lambda: connection.phase):
                raw = await connection.send(asked, lambda: interim.append(None))
            if interim:
                raise informational()
            protocol = handshake.judge(raw.status, raw.headers)
            _, first = connection.take_over()
        except FOREIGN as error:
            self._drop(connection)
            raise exchange_error(error, connection.phase, ended=connection.ended, uploading=False) from None
        except BaseException:
            self._drop(connection)
            raise
        frames = WebSocketFrames()
        frames.feed(first)
        step = partial(self._client.turns.step, request.isolation)
        return WebSocket(
            connection, frames, protocol, timers=timers, step=step, drop=self._drop, send_stall_s=self._send_stall_s
        )

    def _drop(self, connection: UpstreamConnection) -> None:
        connection.close()
        self._client.release(connection)


class WebSocket:
    """An `UpstreamSocket`."""

    def __init__(
        self,
        connection: UpstreamConnection,
        frames: "WebSocketFrames",
        protocol: str,
        *,
        timers: Timers,
        step: Callable[[], Awaitable[None]],
        drop: Callable[[UpstreamConnection], None],
        send_stall_s: float,
    ) -> None:
        self.protocol = protocol
        self.timings = Timings(connection.connected_at, time.monotonic())
        self._connection = connection
        self._stream = connection.stream
        self._frames = frames
        self._timers = timers
        self._step = step
        self._drop = drop
        self._send_stall_s = send_stall_s
        self._sending = anyio.Lock(fast_acquire=True)  # the stream gives the loop back
        self._pinged = anyio.Event()
        self._close_sent = False
        self._ended = False  # nothing more comes
        self._broken = False  # nothing more can be sent

    async def read(self, max_bytes: int) -> list[SocketEvent]:
        """See `UpstreamSocket`."""
        while not self._ended:
            await self._step()
            events = self._frames.take(_FRAMES)
            if self._frames.ping is not None:
                self._pinged.set()
            if events:
                return events
            if not self._frames.more:
                await self._receive(max_bytes)
        return []

    async def _receive(self, max_bytes: int) -> None:
        self._stream.limit_reads(max_bytes)
        try:
            with self._timers.between_bytes():
                data = await self._stream.read(max_bytes)
        except FOREIGN:
            # However it broke: without a close frame before it, it is no end in order to a page either way.
            data = b""
        self._ended = not data
        self._frames.feed(data)

    async def send(self, fragment: SocketFragment) -> bool:
        """See `UpstreamSocket`."""
        try:
            frame = self._frames.message(fragment)
        except UnicodeDecodeError:
            raise StreamError(ErrorCode.PROTOCOL, "the page sent a text that is not UTF-8", Phase.BODY) from None
        if not await self._write(frame):
            return False
        self._timers.progress()
        return True

    async def close(self, code: int, reason: str = "") -> None:
        """See `UpstreamSocket`."""
        if not self._close_sent:
            self._close_sent = True
            await self._write(self._frames.close(code, reason), closing=True)

    async def answer_pings(self) -> None:
        """See `UpstreamSocket`."""
        while True:
            await self._pinged.wait()
            self._pinged = anyio.Event()
            if pong := self._frames.pong():
                await self._write(pong)

    async def _write(self, frame: bytes, *, closing: bool = False) -> bool:
        async with self._sending:
            if self._broken or (self._close_sent and not closing):
                return False
            # A frame that was cut off leaves nothing that could follow it.
            self._broken = True
            with anyio.move_on_after(self._send_stall_s) as stall:
                try:
                    await self._stream.write(frame)
                except FOREIGN:
                    return False
                self._broken = False
        if stall.cancelled_caught and not closing:
            raise StreamError(
                ErrorCode.UPLOAD_FAILED,
                f"the server took nothing of what was sent for {self._send_stall_s:g} s; the socket is closed",
                Phase.BODY,
            )
        return not self._broken

    async def aclose(self) -> None:
        """See `UpstreamSocket`."""
        if not (self._ended or self._broken or self._close_sent):
            with anyio.move_on_after(_FAREWELL_S):
                await self.close(_GOING_AWAY)
        self._drop(self._connection)
