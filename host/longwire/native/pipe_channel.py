"""An end of a named pipe as a channel: on Windows it stands in the place of `socket_channel`."""

import asyncio
import errno
from contextlib import suppress
from typing import Final

import anyio

from longwire.engine.channel import ChannelLost
from longwire.native.pipe_listener import PipeEnd, own_proactor

READ_BYTES: Final = 64 * 1024
# How long the other end may take to close after this one.
CLOSE_S: Final = 1.0


class PipeChannel:
    """See `LocalChannel`. Must be created inside a running event loop; owns the end. `rest` is what came already."""

    def __init__(self, end: PipeEnd, rest: bytes = b"") -> None:
        self._end = end
        self._proactor = own_proactor()
        self._buffer = bytearray(READ_BYTES)
        self._put_back = rest
        # Of the system: they go on where the task that waits for them is cancelled, and nothing is lost.
        self._reading: asyncio.Future[int] | None = None
        self._writing: asyncio.Future[int] | None = None
        self._ended = False
        self._closed = False

    async def receive(self) -> bytes:
        """See `Channel.receive`."""
        if self._put_back:
            once_more, self._put_back = self._put_back, b""
            return once_more
        if self._ended or self._closed:
            return b""
        try:
            if self._reading is None:
                self._reading = self._proactor.recv_into(self._end.pipe, self._buffer)
            count = await _over(self._reading)
        except ConnectionError:
            count = 0  # the other end went away without reading what it was sent: an end all the same
        except OSError as error:
            self._ended = True
            raise ChannelLost(f"the input failed ({_name_of(error)})") from None
        self._reading = None
        self._ended = not count
        return bytes(self._buffer[:count])

    def put_back(self, data: bytes) -> None:
        """See `LocalChannel.put_back`."""
        self._put_back = data

    async def hung_up(self) -> None:
        """See `Channel.hung_up`. Windows tells of an end once all before it was received."""
        await anyio.sleep_forever()

    async def write(self, data: bytes) -> None:
        """See `Channel.write`. A cancelled write is still carried out: half a frame would break the channel."""
        if data:  # a message without a byte is the end
            await self._send(data)

    def write_at_once(self, data: bytes) -> int:
        """See `Channel.write_at_once`."""
        return 0

    async def close(self) -> None:
        """See `LocalChannel.close`."""
        with suppress(ChannelLost), anyio.move_on_after(CLOSE_S):
            if not self._closed:
                await self._send(b"")
            while await self.receive():
                pass
        self.drop()

    def drop(self) -> None:
        """See `LocalChannel.drop`."""
        if self._closed:
            return
        self._closed = True
        for operation in (self._reading, self._writing):
            if operation is not None:
                operation.cancel()
        self._end.close()

    async def _send(self, data: bytes) -> None:
        try:
            if self._writing is not None:  # of a task that was cancelled
                await _over(self._writing)
            if self._closed:
                raise ConnectionAbortedError(errno.ECONNABORTED, "dropped")
            self._writing = self._proactor.send(self._end.pipe, data)
            await _over(self._writing)
        except OSError as error:
            raise ChannelLost(f"the host closed the output ({_name_of(error)})") from None
        self._writing = None


async def _over(operation: "asyncio.Future[int]") -> int:
    """What it came to. It is not cancelled with whoever waits.

    Raises:
        ConnectionAbortedError: the channel was dropped meanwhile.
        OSError: it failed.
    """
    await asyncio.wait([operation])
    if operation.cancelled():
        raise ConnectionAbortedError(errno.ECONNABORTED, "dropped")
    return operation.result()


def _name_of(error: OSError) -> str:
    """As in "error 109"; of Windows where there is one."""
    return f"error {getattr(error, 'winerror', None) or error.errno}"
