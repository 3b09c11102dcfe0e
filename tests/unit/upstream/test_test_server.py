"""The tests' own server: once it has stopped nothing of it is open, in whatever state a connection was."""

import asyncio
import socket

import pytest

from tests.patience import PATIENCE_S
from tests.upstreams import faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


# Zero turns: the kernel has accepted, the loop has not. Then the loop has, and a TLS handshake waits for its client.
@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("tls", [False, True])
async def test_nothing_of_a_stopped_server_is_open(tls: bool, turns: int, authority: Authority) -> None:
    server = Server(faults.raw(b"", then="hold"), context=authority.server_context() if tls else None)
    await server.start()
    clients = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await server.stop()
    for reader, writer in clients:
        try:
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""
        except ConnectionResetError:
            pass
        writer.close()


async def test_a_connection_that_was_closed_behind_its_last_bytes_is_no_matter_for_the_stop() -> None:
    body = b"x" * 60_000  # more than the kernel takes at once, less than makes the sender wait

    async def answer(request: Request) -> None:
        transport = request.connection._writer.transport
        transport.write(body)
        assert transport.get_write_buffer_size()
        request.connection.close()

    server = Server(answer, send_buffer=4096)
    await server.start()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=4096)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == body
        await server.connections[0].closed.wait()
    writer.close()
    await server.stop()
