"""An error that comes while the body is still being sent: delivered, and the end of the upload half a second later.

What is no error leaves the upload its time: see `test_full_duplex`.
"""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from longwire.protocol.records import Completeness
from longwire.upstream import StreamedBody, UpstreamClient
from longwire.upstream.interim_responses import InterimAnswers
from longwire.upstream.upload import ERROR_GRACE_S
from tests.patience import PATIENCE_S
from tests.unit.upstream.asking import ask, fetch
from tests.upstreams import bodies, uploads
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority


class Source:
    """A streamed body that notes how it ended."""

    def __init__(self, *, pause: bool) -> None:
        """`pause` waits for ever after the first piece; else pieces never stop coming."""
        self._pause = pause
        self.closed_at: float | None = None
        self.given = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.given += 65536
                yield bytes(65536)
                if self._pause:
                    await anyio.sleep_forever()
        finally:
            self.closed_at = time.monotonic()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize("size", [None, 10**12])
async def test_an_early_413_is_delivered_and_ends_the_upload(
    client: UpstreamClient, authority: Authority, tmp_path: Path, *, secure: bool, pause: bool, size: int | None
) -> None:
    context = authority.server_context() if secure else None
    ca_file = authority.write_ca(tmp_path) if secure else None
    source = Source(pause=pause)
    # The server reads nothing: without `pause` the upload hangs in a write, with it in waiting for the page.
    async with Server(uploads.early(413), context=context, receive_buffer=65536) as server:
        started = time.monotonic()
        body = StreamedBody(size, source.pieces())
        with anyio.fail_after(PATIENCE_S):
            response, answer = await fetch(client, ask(server.url(), method="POST", body=body, ca_file=ca_file))
        assert (response.status, answer) == (413, b"too large")
        assert source.closed_at is not None
        # With room for a busy machine.
        # With room for a busy machine.
        assert source.closed_at - started < 20 * ERROR_GRACE_S
        # The connection is of no further use. A server that reads on sees it; one that does not cannot.
        assert client.idle_connections == client.busy_connections == 0
        if pause:
            await server.connections[0].wait_gone()


@pytest.mark.parametrize("secure", [False, True])
async def test_an_early_answer_that_is_longer_than_one_read_arrives_whole_although_a_write_hung(
    client: UpstreamClient, authority: Authority, tmp_path: Path, *, secure: bool
) -> None:
    context = authority.server_context() if secure else None
    ca_file = authority.write_ca(tmp_path) if secure else None
    answer = bytes(300_000)
    async with Server(uploads.early(413, body=answer), context=context, receive_buffer=65536) as server:
        body = StreamedBody(None, Source(pause=False).pieces())
        with anyio.fail_after(PATIENCE_S):
            _, arrived = await fetch(client, ask(server.url(), method="POST", body=body, ca_file=ca_file))
    assert arrived == answer


async def test_a_fast_upload_that_never_waits_notices_as_well(client: UpstreamClient) -> None:
    async def handler(request: Request) -> None:
        await bodies.respond(request.connection, b"enough", status=403)
        async for _ in request.pieces():
            pass

    source = Source(pause=False)
    async with Server(handler) as server:
        with anyio.fail_after(PATIENCE_S):
            response, answer = await fetch(
                client, ask(server.url(), method="POST", body=StreamedBody(None, source.pieces()))
            )
        assert (response.status, answer) == (403, b"enough")
        await server.connections[0].wait_gone()


async def test_a_short_upload_is_finished_although_the_answer_is_there(client: UpstreamClient) -> None:
    begun = anyio.Event()

    async def handler(request: Request) -> None:
        await request.connection.send(bodies.head(200, [("Transfer-Encoding", "chunked")]))
        begun.set()
        await request.connection.send(bodies.chunk(await request.body()) + b"0\r\n\r\n")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        await begun.wait()
        yield b"two"

    async with Server(handler) as server:
        for _ in range(2):
            response, answer = await fetch(client, ask(server.url(), method="POST", body=StreamedBody(None, pieces())))
            assert (answer, response.sent_bytes) == (b"one two", 7)
        assert len(server.connections) == 1


async def test_an_inline_body_gives_way_too(client: UpstreamClient) -> None:
    async with Server(uploads.early(413), receive_buffer=4096) as server:
        with anyio.fail_after(PATIENCE_S):
            response, _ = await fetch(client, ask(server.url(), method="POST", body=bytes(64 * 1024 * 1024)))
        assert response.status == 413
        assert response.sent_bytes < 64 * 1024 * 1024


async def test_interim_responses_do_not_end_the_upload(client: UpstreamClient) -> None:
    waiting = anyio.Event()

    async def handler(request: Request) -> None:
        await request.connection.send(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 1"
        )
        await request.connection.send(b"02 Processing\r\n\r\n")
        waiting.set()
        await bodies.respond(request.connection, await request.body())

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        await waiting.wait()
        # Longer than an early final response would leave.
        await anyio.sleep(ERROR_GRACE_S + 0.2)
        yield b"two"

    async with Server(handler) as server:
        _, answer = await fetch(client, ask(server.url(), method="POST", body=StreamedBody(None, pieces())))
    assert answer == b"one two"


async def test_an_early_answer_without_length_ends_with_the_connection(client: UpstreamClient) -> None:
    async def handler(request: Request) -> None:
        await anext(request.pieces())  # who closes with something unread resets the connection
        await request.connection.send(b"HTTP/1.1 400 Bad\r\n\r\nno")
        request.connection.close()

    async with Server(handler) as server:
        with anyio.fail_after(PATIENCE_S):
            response, answer = await fetch(
                client, ask(server.url(), method="POST", body=StreamedBody(None, Source(pause=True).pieces()))
            )
    assert (response.status, answer, response.completeness) == (400, b"no", Completeness.CLOSE)


@pytest.mark.parametrize(
    ("received", "final"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 413", True),
        (b"HTTP/1.1 101 Switching Protocols\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
        (b"HTTP/1.1 100 Continue\n\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200", True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: HTTP/1.1 200\r\n", False),
        (b"HTTP/1.1 1", False),
        (b"HTTP/1.1 ", False),
        (b"", False),
    ],
)
def test_which_bytes_begin_a_final_response(received: bytes, final: bool) -> None:
    whole, bytewise = InterimAnswers(), InterimAnswers()
    given = whole.feed(received)
    assert whole.final is final
    assert b"".join(bytewise.feed(received[at : at + 1]) for at in range(len(received))) == given
    assert bytewise.final is final
    # What was held back is not lost when the connection ends, and only interim answers were taken.
    assert received.endswith(given + whole.rest())
