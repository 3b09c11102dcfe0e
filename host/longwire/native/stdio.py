"""Standard input and output as a channel, on every platform, safe from everything else in the process.

They are not the standard ones but what `descriptors.claim_stdio` made of them. Two daemon threads do blocking reads and
writes on them: asyncio pipes fail on Windows, and a thread inside `sys.stdin.buffer` aborts the interpreter at exit.
What a pipe holds, and what it is sure to take at once, needs no thread: waking one, and waiting for the interpreter's
lock, is a delay that every small message would pay. So where the system tells which pipe is ready, the event loop
reads, and writes what is small.
"""

import asyncio
import errno
import io
import os
import queue
import select
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from longwire.engine.channel import ChannelLost

# One read serves many small frames and a quarter of the largest; the pipe itself holds 64 KiB on Linux.
READ_BYTES = 256 * 1024
# Reads that may wait for the engine before no more is read, which is what pushes back on the browser.
MAX_READS_WAITING = 4
# How often, in seconds, to look for the end of input while the engine takes nothing.
HANG_UP_POLL_S: Final = 0.2
# What a pipe that is ready takes without waiting, as POSIX promises. Windows knows no such promise.
_AT_ONCE_BYTES: Final[int] = getattr(select, "PIPE_BUF", 0)


class StdioChannel:
    """Frames over two descriptors. Must be created inside a running event loop; `start` begins to read."""

    def __init__(self, input_fd: int, output_fd: int) -> None:
        self._input_fd = input_fd
        self._input = io.FileIO(input_fd, closefd=False)  # raw: without the lock that `sys.stdin.buffer` has
        self._output_fd = output_fd
        self._loop = asyncio.get_running_loop()
        # Always into the same buffer. `os.read` takes as much anew for each small frame, and what is needed meanwhile
        # comes to lie behind it: so the heap of a host that did the same each minute grew by 3 MiB an hour.
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._received: asyncio.Queue[bytes | ChannelLost] = asyncio.Queue()
        self._closed = _closed_by_the_other_end(input_fd)
        self._by_loop = _is_pipe(input_fd)
        self._reading = False  # by the loop
        self._read_all = False  # up to the end, or until it broke
        self._looking = False  # for the end of input that is not read
        self._may_read = threading.Semaphore(MAX_READS_WAITING)
        self._to_write: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self._handed_over = 0  # writes that the thread has not finished
        self._ready = _readiness_of(output_fd)
        self._ended = False
        self._hung_up = asyncio.Event()

    def start(self) -> None:
        """Begin to read, and start the threads. They end with the process."""
        if self._by_loop:
            self._read_on()
        for target in (self._write_forever,) if self._by_loop else (self._read_forever, self._write_forever):
            threading.Thread(target=target, name=f"longwire-{target.__name__}", daemon=True).start()

    async def receive(self) -> bytes:
        """See `Channel.receive`."""
        if self._ended:
            return b""
        data = await self._received.get()
        self._ended = not data or isinstance(data, ChannelLost)
        if not self._by_loop:
            self._may_read.release()
        else:
            self._read_on()
        if isinstance(data, ChannelLost):
            raise data
        return data

    async def hung_up(self) -> None:
        """See `Channel.hung_up`."""
        await self._hung_up.wait()

    async def write(self, data: bytes) -> None:
        """See `Channel.write`. A cancelled write is still carried out: half a frame would break the channel."""
        if taken := self.write_at_once(data):
            data = data[taken:]
            if not data:
                return
        done: asyncio.Future[None] = self._loop.create_future()
        self._handed_over += 1
        self._to_write.put((data, done))
        await done

    def write_at_once(self, data: bytes) -> int:
        """See `Channel.write_at_once`."""
        if self._handed_over or len(data) > _AT_ONCE_BYTES or not self._ready():
            return 0
        try:
            return os.write(self._output_fd, data)
        except OSError as error:
            raise _lost(error) from None

    # --- the loop --------------------------------------------------------------------------------------------

    def _read_on(self) -> None:
        if not (self._reading or self._read_all):
            self._reading = True
            self._loop.add_reader(self._input_fd, self._on_readable)

    def _on_readable(self) -> None:
        data = self._read()
        self._received.put_nowait(data)
        self._read_all = not data or isinstance(data, ChannelLost)
        if self._read_all or self._received.qsize() >= MAX_READS_WAITING:
            self._loop.remove_reader(self._input_fd)
            self._reading = False
        if not (self._reading or self._read_all or self._looking):
            self._looking = True
            self._look_for_end()

    def _look_for_end(self) -> None:
        """Of input that nobody takes: the browser may be gone meanwhile."""
        if self._reading:
            self._looking = False
        elif self._closed():
            self._hung_up.set()
        else:
            self._loop.call_later(HANG_UP_POLL_S, self._look_for_end)

    # --- the threads -----------------------------------------------------------------------------------------

    def _read(self) -> bytes | ChannelLost:
        try:
            return bytes(self._buffer[: self._input.readinto(self._buffer) or 0])
        except OSError as error:
            return ChannelLost(f"the input failed ({_name_of(error)})")

    def _read_forever(self) -> None:
        while True:
            # Released by the engine when it took a piece, not by this thread. The browser may be gone meanwhile.
            while not self._may_read.acquire(timeout=HANG_UP_POLL_S):
                if self._closed():
                    with suppress(RuntimeError):
                        self._loop.call_soon_threadsafe(self._hung_up.set)
                    return
            data = self._read()
            # A closed loop means that the process is ending.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._received.put_nowait, data)
            if not data or isinstance(data, ChannelLost):
                return

    def _write_forever(self) -> None:
        while True:
            data, done = self._to_write.get()
            error: ChannelLost | None = None
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._output_fd, view) :]
            except OSError as failed:
                error = _lost(failed)
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._written, done, error)

    def _written(self, done: asyncio.Future[None], error: ChannelLost | None) -> None:
        self._handed_over -= 1
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


def _lost(error: OSError) -> ChannelLost:
    return ChannelLost(f"the browser closed the output ({_name_of(error)})")


def _name_of(error: OSError) -> str:
    """As in EPIPE."""
    return errno.errorcode.get(error.errno or 0, "unknown")


def _is_pipe(descriptor: int) -> bool:
    """Whether the system tells when it is ready: of what else there is, it may say so and then make us wait."""
    return sys.platform != "win32" and stat.S_ISFIFO(os.fstat(descriptor).st_mode)


def _readiness_of(pipe: int) -> Callable[[], bool]:
    """What tells, without waiting, whether `pipe` takes PIPE_BUF bytes now. Always False for anything but a pipe."""
    if sys.platform == "win32" or not _is_pipe(pipe):
        return lambda: False
    poll = select.poll()
    poll.register(pipe, select.POLLOUT)
    return lambda: poll.poll(0) == [(pipe, select.POLLOUT)]


def _closed_by_the_other_end(pipe: int) -> Callable[[], bool]:
    """What tells whether nobody can write to `pipe` any more, whatever is still in it; on Windows once that is read.

    There it is for the thread that reads: it would wait for another's read.
    """
    if sys.platform == "win32":
        from longwire.native.own_system import SYSTEM

        return lambda: SYSTEM.writer_is_gone(pipe)
    poll = select.poll()
    poll.register(pipe, 0)  # POLLHUP comes unasked
    return lambda: any(events & select.POLLHUP for _, events in poll.poll(0))
