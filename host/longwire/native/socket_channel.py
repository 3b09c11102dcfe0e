"""A connected local socket as a channel: what the daemon has of a host, or of another daemon."""

import asyncio
import errno
import select
import socket
import sys
from contextlib import suppress
from typing import Final

import anyio

from longwire.engine.channel import ChannelLost

assert sys.platform != "win32"  # noqa: S101  (see `pipe_channel`)

READ_BYTES: Final = 64 * 1024
# What the kernel may hold of what was written. Whatever lies there overtakes nothing any more.
SEND_BUFFER_BYTES: Final = 64 * 1024
# How often, in seconds, to look for the other end's end while the engine takes nothing.
HANG_UP_POLL_S: Final = 0.2
# How long the other end may take to close after this one.
CLOSE_S: Final = 1.0


class SocketChannel:
    """See `engine.channel.Channel`. Must be created inside a running event loop; owns the socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._closed = False
        self._socket = connected
        self._waiting: dict[str, asyncio.Future[None]] = {}
        connected.settimeout(0)
        with suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._reading = False
        self._received = 0  # calls
        self._ended = False
        self._put_back = b""

    async def receive(self) -> bytes:
        """See `Channel.receive`."""
        if self._put_back:
            once_more, self._put_back = self._put_back, b""
            return once_more
        if self._ended or self._closed:
            return b""
        self._received += 1
        self._reading = True
        try:
            while (data := self._read()) is None:
                await self._ready("read")
        except ConnectionError:
            data = b""  # the other end went away without reading what it was sent: an end all the same
        except OSError as error:
            self._ended = True
            raise ChannelLost(f"the input failed ({_name_of(error)})") from None
        finally:
            self._reading = False
        self._ended = not data
        return data

    def put_back(self, data: bytes) -> None:
        """Have `receive` give this once more, before all else."""
        self._put_back = data

    async def hung_up(self) -> None:
        """See `Channel.hung_up`."""
        poll = select.poll()
        poll.register(self._socket, 0)  # POLLHUP comes unasked
        seen = -1
        while True:
            await anyio.sleep(HANG_UP_POLL_S)
            # Nothing was taken since the last look, and nothing is: what ended is not seen by `receive`.
            if not self._reading and seen == self._received and self._hangs_up(poll):
                return
            seen = self._received

    async def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        view = memoryview(data)
        while view := view[self.write_at_once(view) :]:
            await self._ready("write")

    def write_at_once(self, data: bytes | memoryview) -> int:
        """See `Channel.write_at_once`."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise ChannelLost(f"the host closed the output ({_name_of(error)})") from None

    async def close(self) -> None:
        """Say that this was the last, and wait a moment for the other end to close: it knows then that nobody died."""
        with suppress(OSError), anyio.move_on_after(CLOSE_S):
            self._socket.shutdown(socket.SHUT_WR)
            while await self.receive():
                pass
        self.drop()

    def drop(self) -> None:
        """Close it now. Idempotent."""
        if not self._closed:
            self._closed = True
            for direction, waiting in list(self._waiting.items()):
                self._stop(direction)
                waiting.cancel()
            self._socket.close()

    # ---------------------------------------------------------------------------------------------------------

    def _read(self) -> bytes | None:
        try:
            return bytes(self._buffer[: self._socket.recv_into(self._buffer)])
        except (BlockingIOError, InterruptedError):
            return None

    def _hangs_up(self, poll: "select.poll") -> bool:
        return not self._closed and any(events & select.POLLHUP for _, events in poll.poll(0))

    async def _ready(self, direction: str) -> None:
        """Wait until it can be read or written; one task for each direction."""
        ready: asyncio.Future[None] = self._loop.create_future()
        self._waiting[direction] = ready
        add = self._loop.add_reader if direction == "read" else self._loop.add_writer
        add(self._socket.fileno(), self._on_ready, ready)
        try:
            await ready
        finally:
            if self._waiting.get(direction) is ready:
                self._stop(direction)

    @staticmethod
    def _on_ready(ready: "asyncio.Future[None]") -> None:
        if not ready.done():
            ready.set_result(None)

    def _stop(self, direction: str) -> None:
        del self._waiting[direction]
        remove = self._loop.remove_reader if direction == "read" else self._loop.remove_writer
        remove(self._socket.fileno())


def _name_of(error: OSError) -> str:
    """As in EPIPE."""
    return errno.errorcode.get(error.errno or 0, "unknown")
