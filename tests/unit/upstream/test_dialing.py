"""Connecting: the checked address and no other, past dead ones, with the socket options that streams need."""

import errno
import socket
from contextlib import suppress
from ipaddress import ip_address

import anyio
import anyio.lowlevel
import pytest

from longwire.turns import TURN_S, Turns
from longwire.upstream.buffers import ReceiveBuffers
from longwire.upstream.sockets import UNSENT_BYTES, SocketStream, dial
from tests.patience import PATIENCE_S
from tests.upstreams import faults
from tests.upstreams.server import Server

V4 = ip_address("127.0.0.1")
V6 = ip_address("::1")

idle = faults.raw(b"", then="hold")


async def test_options_of_a_connected_socket() -> None:
    async with Server(idle) as server:
        stream = await dial([V4], server.port)
        sock = stream._socket
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        stream.close()


async def test_a_server_that_takes_nothing_fills_no_buffer_of_megabytes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream = await dial([V4], listening.getsockname()[1])
        taken = 0
        with suppress(BlockingIOError):
            while taken < 16 * UNSENT_BYTES:
                taken += stream._socket.send(bytes(4096))
        stream.close()
    assert taken < 4 * UNSENT_BYTES


async def test_a_refused_first_address_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longwire.upstream.sockets.ATTEMPT_DELAY_S", 10 * PATIENCE_S)
    async with Server(idle) as server:
        with anyio.fail_after(PATIENCE_S):
            stream = await dial([V6, V4], server.port)
        stream.close()


async def test_a_dead_first_address_costs_a_quarter_of_a_second() -> None:
    with faults.unanswering_port() as port:
        # The same port on another address, so that one `dial` has a dead one and a living one.
        async with Server(idle, host="127.0.0.2", port=port):
            with anyio.fail_after(PATIENCE_S):
                stream = await dial([V4, ip_address("127.0.0.2")], port)
            assert stream._socket.getpeername()[0] == "127.0.0.2"
            stream.close()


async def test_all_refused_gives_the_error() -> None:
    with faults.refusing_port() as port, pytest.raises(ConnectionRefusedError):
        await dial([V4, V4], port)


async def test_a_missing_family_does_not_hide_the_real_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(address: object, port: int) -> socket.socket:
        raise OSError(errno.ENETUNREACH if address == V6 else errno.ECONNREFUSED, "made up")

    monkeypatch.setattr("longwire.upstream.sockets._connect", connect)
    with pytest.raises(ConnectionRefusedError):
        await dial([V6, V4], 1)
    with pytest.raises(OSError, match="made up") as caught:
        await dial([V6], 1)
    assert caught.value.errno == errno.ENETUNREACH


async def test_families_take_turns_and_attempts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    async def connect(address: object, port: int) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("longwire.upstream.sockets._connect", connect)
    v6 = [ip_address(f"2606::{n}") for n in range(1, 4)]
    v4 = [ip_address(f"1.1.1.{n}") for n in range(1, 200)]
    with pytest.raises(ConnectionRefusedError):
        await dial([*v6, *v4], 1)
    assert tried == [v6[0], v4[0], v6[1], v4[1], v6[2], v4[2], v4[3], v4[4]]


async def test_of_two_that_answer_one_is_kept() -> None:
    async with Server(idle) as server:
        stream = await dial([V4, ip_address("127.0.0.2")], server.port)
        await server.wait_connections(1)
        stream.close()
        for connection in server.connections:
            await connection.wait_gone()


async def test_cancelling_closes_the_socket() -> None:
    with faults.unanswering_port() as port:
        before = open_sockets()
        with anyio.move_on_after(0.05) as scope:
            await dial([V4, V4], port)
        assert scope.cancelled_caught
        assert open_sockets() == before


async def test_closing_wakes_whoever_waits_on_the_stream() -> None:
    async with Server(faults.raw(b"", then="hold", read_body=False)) as server:
        stream = await dial([V4], server.port)
        await stream.send(b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
        failed: list[str] = []

        async def wait(name: str) -> None:
            try:
                if name == "receive":
                    await stream.receive()
                else:
                    while True:
                        await stream.send(b"x" * 65536)
            except anyio.ClosedResourceError:
                failed.append(name)

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                group.start_soon(wait, "receive")
                group.start_soon(wait, "send")
                await anyio.wait_all_tasks_blocked()
                stream.close()
        assert sorted(failed) == ["receive", "send"]
        stream.close()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.receive()


async def test_receive_takes_no_more_than_asked() -> None:
    async with Server(faults.raw(b"0123456789", then="hold")) as server:
        stream = await dial([V4], server.port)
        await stream.send(b"GET / HTTP/1.1\r\n\r\n")
        assert await stream.receive(4) == b"0123"
        assert stream.readable
        assert await stream.receive(100) == b"456789"
        assert not stream.readable
        stream.close()


def open_sockets() -> int:
    """How many descriptors of this process are sockets."""
    from pathlib import Path

    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue  # the descriptor of the listing itself
    return count


def test_the_stream_offers_no_half_close() -> None:
    with socket.socket() as sock, pytest.raises(NotImplementedError):
        anyio.run(SocketStream(sock).send_eof)


async def test_what_a_server_takes_at_once_is_sent_without_a_round_of_the_loop_and_others_have_their_turn() -> None:
    times = iter(range(10_000))
    turns = Turns(lambda: next(times) * TURN_S / 10)  # each look at the clock is a tenth of a turn
    rounds = 0

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await anyio.lowlevel.checkpoint()

    async with Server(idle) as server, anyio.create_task_group() as tasks:
        stream = await dial([V4], server.port)
        stream.share(ReceiveBuffers(), turns, "page")
        tasks.start_soon(count)
        await anyio.lowlevel.checkpoint()
        before = rounds
        await stream.send(b"x")
        assert rounds == before
        for _ in range(100):
            await stream.send(b"x")
        assert 5 < rounds - before < 50
        tasks.cancel_scope.cancel()
    stream.close()
