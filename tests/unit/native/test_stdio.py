"""The channel over two descriptors: order, back-pressure, and what needs no thread."""

import asyncio
import os
import random
import select
import socket
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from longwire.engine.channel import ChannelLost
from longwire.native.stdio import MAX_READS_WAITING, READ_BYTES, StdioChannel
from longwire.protocol.limits import KIB
from tests.patience import PATIENCE_S

SMALL = b"s" * 100
# More than any pipe holds by default: it cannot be written without a reader.
LARGE = b"L" * (1 << 20)


class Pipes:
    """Both directions, and the far ends as a browser has them."""

    def __init__(self) -> None:
        self.input, self.to_host = os.pipe()
        self.far, self.output = os.pipe()

    def close_far(self) -> None:
        """The browser is gone."""
        with suppress(OSError):
            os.close(self.far)

    def close(self) -> None:
        """All four. A thread that writes ends by it."""
        self.close_far()
        for descriptor in (self.to_host, self.output, self.input):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    """Open until the test is over."""
    pair = Pipes()
    yield pair
    pair.close()


async def started(pipes: Pipes) -> StdioChannel:
    """A channel whose threads run."""
    channel = StdioChannel(pipes.input, pipes.output)
    channel.start()
    return channel


def read_all(descriptor: int, size: int) -> bytes:
    """Exactly `size` bytes."""
    data = bytearray()
    while len(data) < size:
        data += os.read(descriptor, size - len(data))
    return bytes(data)


def at_once(channel: StdioChannel, data: bytes) -> bool:
    """Whether `write` returns without giving way. If it does not, the write goes on."""
    writing = channel.write(data)
    try:
        writing.send(None)
    except StopIteration:
        return True
    writing.close()  # cancelled, and carried out all the same
    return False


async def test_a_small_frame_takes_no_more_memory_than_it_is(pipes: Pipes) -> None:
    channel = await started(pipes)
    os.write(pipes.to_host, SMALL)
    assert await channel.receive() == SMALL
    tracemalloc.start()
    try:
        for _ in range(100):
            os.write(pipes.to_host, SMALL)
            assert await channel.receive() == SMALL
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Far less than a whole read, also while the next one waits; the rest is what asyncio and the test need.
    assert most < 64 * KIB < READ_BYTES


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot ask a pipe")
async def test_a_small_write_needs_no_thread(pipes: Pipes) -> None:
    channel = StdioChannel(pipes.input, pipes.output)  # not started: there is no thread
    assert at_once(channel, SMALL)
    assert at_once(channel, b"x" * select.PIPE_BUF)
    assert read_all(pipes.far, 100 + select.PIPE_BUF) == SMALL + b"x" * select.PIPE_BUF


async def test_a_large_write_leaves_the_loop_alone(pipes: Pipes) -> None:
    channel = await started(pipes)
    assert not at_once(channel, LARGE)
    assert await asyncio.to_thread(read_all, pipes.far, len(LARGE)) == LARGE


async def test_a_small_write_waits_where_the_pipe_is_full(pipes: Pipes) -> None:
    os.set_blocking(pipes.output, False)
    full = 0
    with suppress(BlockingIOError):
        while True:
            full += os.write(pipes.output, b"f" * 4096)
    os.set_blocking(pipes.output, True)
    channel = await started(pipes)
    assert not at_once(channel, SMALL)
    assert await asyncio.to_thread(read_all, pipes.far, full + 100) == b"f" * full + SMALL


async def test_a_small_write_does_not_overtake_one_that_was_cancelled(pipes: Pipes) -> None:
    channel = await started(pipes)
    large = asyncio.ensure_future(channel.write(LARGE))
    await asyncio.sleep(0)
    large.cancel()
    small = asyncio.ensure_future(channel.write(SMALL))
    assert await asyncio.to_thread(read_all, pipes.far, len(LARGE) + 100) == LARGE + SMALL
    await small


async def test_writes_of_every_size_keep_their_order(pipes: Pipes) -> None:
    channel = await started(pipes)
    sizes = random.Random(7)
    pieces = [bytes([number % 256]) * sizes.choice((1, 99, 4096, 4097, 70_000)) for number in range(300)]
    everything = b"".join(pieces)
    reading = asyncio.ensure_future(asyncio.to_thread(read_all, pipes.far, len(everything)))
    for piece in pieces:
        await channel.write(piece)
    assert await reading == everything


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_a_browser_that_is_gone_is_said_so(pipes: Pipes, data: bytes) -> None:
    channel = await started(pipes)
    pipes.close_far()
    with pytest.raises(ChannelLost):
        await channel.write(data)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot ask a pipe")
async def test_input_that_is_a_pipe_needs_no_thread(pipes: Pipes) -> None:
    before = threading.active_count()
    channel = await started(pipes)
    assert threading.active_count() == before + 1  # the one that writes
    os.write(pipes.to_host, SMALL)
    assert await channel.receive() == SMALL
    os.close(pipes.to_host)
    assert [await channel.receive(), await channel.receive()] == [b"", b""]
    await channel_over(channel)


async def channel_over(channel: StdioChannel) -> None:
    """Nothing reads any more: the descriptor may be another's by now."""
    assert not asyncio.get_running_loop().remove_reader(channel._input_fd)


async def rounds() -> None:
    """As many of the loop as it takes to see that a pipe is ready, and some more."""
    for _ in range(10):
        await asyncio.sleep(0)


async def piled_up(pipes: Pipes) -> StdioChannel:
    """A channel of which nothing is received while piece after piece is written, until no more is read."""
    channel = await started(pipes)
    for number in range(MAX_READS_WAITING):
        os.write(pipes.to_host, b"%d" % number)
        await rounds()
        assert channel._received.qsize() == number + 1
    os.write(pipes.to_host, b"more")
    await rounds()
    assert channel._received.qsize() == MAX_READS_WAITING
    return channel


async def test_what_the_engine_does_not_take_stays_in_the_pipe_and_comes_in_order(pipes: Pipes) -> None:
    channel = await piled_up(pipes)
    os.close(pipes.to_host)
    received = b""
    async with asyncio.timeout(PATIENCE_S):
        while data := await channel.receive():
            received += data
    await rounds()
    assert channel._received.empty()  # the end came once
    await channel_over(channel)
    assert received == b"".join(b"%d" % number for number in range(MAX_READS_WAITING)) + b"more"


async def test_a_browser_that_hung_up_is_known_while_input_waits(pipes: Pipes) -> None:
    channel = await piled_up(pipes)
    hung_up = asyncio.ensure_future(channel.hung_up())
    await asyncio.sleep(0)
    assert not hung_up.done()
    os.close(pipes.to_host)
    await asyncio.wait_for(hung_up, PATIENCE_S)
    assert await channel.receive() == b"0"


async def test_input_that_breaks_is_lost_and_then_over(pipes: Pipes) -> None:
    channel = await started(pipes)
    # A descriptor that can only be written to: reading from it fails.
    os.dup2(pipes.to_host, pipes.input)
    channel._on_readable()
    with pytest.raises(ChannelLost, match="EBADF"):
        await channel.receive()
    assert await channel.receive() == b""


async def test_input_that_is_not_a_pipe_gets_a_thread(pipes: Pipes) -> None:
    near, far = socket.socketpair()
    with near, far:
        channel = StdioChannel(near.fileno(), pipes.output)
        channel.start()
        far.send(SMALL)
        assert await channel.receive() == SMALL
        far.close()
        assert await channel.receive() == b""


async def test_what_is_not_a_pipe_gets_the_thread(pipes: Pipes) -> None:
    near, far = socket.socketpair()
    with near, far:
        channel = StdioChannel(pipes.input, near.fileno())
        assert not at_once(channel, SMALL)
