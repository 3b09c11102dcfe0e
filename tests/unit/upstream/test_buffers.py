"""Kernel receive buffers: small for who does not read, large for who reads fast, and bounded whoever reads."""

import socket

import anyio
import pytest

from longwire.protocol.limits import WINDOW_FLOOR_BYTES
from longwire.upstream import sockets
from longwire.upstream.buffers import (
    DRAINED_BYTES,
    DRAINED_WITHIN_S,
    LARGE_BUFFER_BYTES,
    MAX_LARGE_BUFFERS,
    SMALL_BUFFER_BYTES,
    ReceiveBuffer,
    ReceiveBuffers,
)
from longwire.upstream.client import UpstreamClient
from longwire.upstream.sockets import READ_BYTES, SMALL_READ_BYTES, SocketStream
from tests.unit.upstream.asking import ask
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Reader:
    """Reads, and notes the sizes that its buffer is given."""

    def __init__(self, buffers: ReceiveBuffers, isolation: str = "page") -> None:
        self.sizes: list[int] = []
        self.buffer = ReceiveBuffer(buffers, isolation, self.sizes.append)

    def read(self) -> None:
        """Take enough to count, in pieces."""
        for _ in range(4):
            self.buffer.received(DRAINED_BYTES // 4)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def buffers(clock: Clock) -> ReceiveBuffers:
    return ReceiveBuffers(clock=clock)


def test_a_reader_that_drains_its_buffer_gets_a_large_one(buffers: ReceiveBuffers, clock: Clock) -> None:
    reader = Reader(buffers)
    clock.now += DRAINED_WITHIN_S * 0.9
    reader.buffer.received(DRAINED_BYTES - 1)
    assert reader.sizes == []
    reader.buffer.received(1)
    assert reader.sizes == [LARGE_BUFFER_BYTES]
    reader.read()
    assert reader.sizes == [LARGE_BUFFER_BYTES], "said once"
    assert buffers.large == 1


def test_a_reader_that_takes_longer_keeps_its_small_one(buffers: ReceiveBuffers, clock: Clock) -> None:
    reader = Reader(buffers)
    for _ in range(10):
        clock.now += DRAINED_WITHIN_S
        reader.read()
    assert reader.sizes == []


def test_a_large_buffer_that_is_not_drained_any_more_goes_back(buffers: ReceiveBuffers, clock: Clock) -> None:
    reader = Reader(buffers)
    reader.read()
    clock.now += DRAINED_WITHIN_S
    reader.read()
    assert reader.sizes == [LARGE_BUFFER_BYTES, SMALL_BUFFER_BYTES]
    assert buffers.large == 0
    reader.read()
    assert reader.sizes[-1] == LARGE_BUFFER_BYTES


def test_a_closed_socket_gives_its_large_buffer_back_once(buffers: ReceiveBuffers) -> None:
    first, second = Reader(buffers), Reader(buffers)
    first.read()
    second.read()
    first.buffer.close()
    first.buffer.close()
    assert buffers.large == 1


def test_one_caller_gets_half_and_the_next_half_of_what_is_left(buffers: ReceiveBuffers) -> None:
    got = {}
    for isolation in ("first", "second", "third"):
        readers = [Reader(buffers, isolation) for _ in range(2 * MAX_LARGE_BUFFERS)]
        for reader in readers:
            reader.read()
        got[isolation] = sum(bool(reader.sizes) for reader in readers)
    assert got["first"] == MAX_LARGE_BUFFERS // 2
    assert got["second"] == MAX_LARGE_BUFFERS // 4
    assert got["third"] > 0
    assert buffers.large == sum(got.values()) < MAX_LARGE_BUFFERS


def test_what_was_given_back_is_there_for_others(clock: Clock) -> None:
    buffers = ReceiveBuffers(limit=2, clock=clock)
    first, second = Reader(buffers), Reader(buffers, "other")
    first.read()
    second.read()
    assert second.sizes == []
    first.buffer.close()
    second.read()
    assert second.sizes == [LARGE_BUFFER_BYTES]


async def test_a_real_socket_is_small_until_it_is_drained(client: UpstreamClient) -> None:
    async with Server(bodies.endless) as server:
        response = await client.open(ask(server.url()))
        sock = response._connection.stream._raw._socket

        def size() -> int:
            return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

        assert size() in (SMALL_BUFFER_BYTES, 2 * SMALL_BUFFER_BYTES)
        taken = 0
        while taken < DRAINED_BYTES:
            taken += len(await response.read(65536))
        assert size() > 2 * SMALL_BUFFER_BYTES
        assert client._buffers.large == 1
        await response.aclose()
        assert client._buffers.large == 0


async def test_a_first_window_is_taken_in_few_pieces_and_what_may_be_left_behind_is_a_small_one(
    monkeypatch: pytest.MonkeyPatch, client: UpstreamClient
) -> None:
    pieces: list[int] = []

    class Counted(SocketStream):
        async def receive(self, max_bytes: int = READ_BYTES) -> bytes:
            data = await super().receive(max_bytes)
            pieces.append(len(data))
            return data

    monkeypatch.setattr(sockets, "SocketStream", Counted)
    sent = anyio.Event()

    async def answer(request: Request) -> None:
        await bodies.respond(request.connection, bytes(WINDOW_FLOOR_BYTES + 1))
        sent.set()

    async with Server(answer) as server:
        response = await client.open(ask(server.url()))
        await sent.wait()
        left = WINDOW_FLOOR_BYTES
        while left:  # a page that reads nothing: nobody reads beyond its first window
            left -= len(await response.read(left))
        await response.aclose()
    assert len(pieces) <= 5, pieces
    assert pieces[-1] <= SMALL_READ_BYTES, pieces
