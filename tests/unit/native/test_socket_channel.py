"""A connected socket as a channel: bytes both ways, its end seen although nobody reads, and nothing left of it."""

import os
import socket
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from longwire.engine.channel import ChannelLost
from longwire.native.socket_channel import SEND_BUFFER_BYTES, SocketChannel
from tests.patience import PATIENCE_S


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    theirs.settimeout(PATIENCE_S)
    with ours, theirs:
        yield ours, theirs


async def test_bytes_come_and_go_and_the_end_is_an_end(pair: tuple[socket.socket, socket.socket]) -> None:
    channel = SocketChannel(pair[0])
    pair[1].sendall(b"up")
    assert await channel.receive() == b"up"
    await channel.write(b"down")
    assert pair[1].recv(10) == b"down"
    channel.put_back(b"again")
    assert await channel.receive() == b"again"
    pair[1].close()
    assert [await channel.receive() for _ in range(2)] == [b"", b""]
    with pytest.raises(ChannelLost, match="EPIPE"):
        await channel.write(b"x")
    with pytest.raises(ChannelLost, match="EPIPE"):
        channel.write_at_once(b"x")
    channel.drop()
    assert await channel.receive() == b""


async def test_one_that_went_without_reading_is_an_end_too(pair: tuple[socket.socket, socket.socket]) -> None:
    channel = SocketChannel(pair[0])
    await channel.write(b"unread")
    pair[1].close()
    assert await channel.receive() == b""


async def test_a_write_waits_for_room_and_holds_little(pair: tuple[socket.socket, socket.socket]) -> None:
    channel = SocketChannel(pair[0])
    data = os.urandom(1_000_000)
    taken = channel.write_at_once(data)
    assert 0 < taken < 8 * SEND_BUFFER_BYTES
    got = bytearray()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.write, data[taken:])
        await anyio.lowlevel.checkpoint()
        assert channel.write_at_once(b"") == 0
        while len(got) < len(data):
            got += await anyio.to_thread.run_sync(pair[1].recv, 65536)
    assert got == data


async def test_an_end_is_seen_although_what_came_before_is_not_taken(pair: tuple[socket.socket, socket.socket]) -> None:
    channel = SocketChannel(pair[0])
    pair[1].sendall(b"not taken")
    pair[1].close()
    with anyio.fail_after(PATIENCE_S):
        await channel.hung_up()


async def test_a_channel_that_is_being_read_hangs_up_by_its_end_alone(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    channel = SocketChannel(pair[0])
    hung_up = []
    async with anyio.create_task_group() as tasks:

        async def look() -> None:
            await channel.hung_up()
            hung_up.append(True)

        tasks.start_soon(look)
        tasks.start_soon(channel.receive)
        await anyio.sleep(0.7)  # three looks: what does not happen cannot be waited for
        assert hung_up == []
        tasks.cancel_scope.cancel()


async def test_closing_tells_the_other_end_from_a_death(pair: tuple[socket.socket, socket.socket]) -> None:
    channel = SocketChannel(pair[0])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.close)
        await anyio.lowlevel.checkpoint()
        # The end is there, and it still takes what comes.
        assert await anyio.to_thread.run_sync(pair[1].recv, 10) == b""
        pair[1].sendall(b"late")
        pair[1].close()
    assert pair[0].fileno() == -1
