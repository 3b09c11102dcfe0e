"""An answer that comes early and is no error: delivered at once, and the upload goes on beside it to its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio import wait_all_tasks_blocked

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import Completeness, RedirectMode
from longwire.upstream import StreamedBody, UpstreamClient, upload
from tests.patience import PATIENCE_S
from tests.unit.upstream.asking import ask, failing, fetch, read_all
from tests.upstreams import bodies, faults, uploads
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority

MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Taken:
    """A handler that answers at once and then reads on; what it got, and whether that was the whole body."""

    def __init__(self, answer: bytes = OK, *, after: int = 0) -> None:
        """It answers after so many bytes of the body."""
        self._answer = answer
        self._after = after
        self.size = 0
        self.over = anyio.Event()
        self.whole = False

    async def __call__(self, request: Request) -> None:
        answered = not self._after
        if answered:
            await request.connection.send(self._answer)
        try:
            async for piece in request.pieces():
                self.size += len(piece)
                if not answered and self.size >= self._after:
                    answered = True
                    await request.connection.send(self._answer)
            self.whole = True
        except PeerGoneError:
            request.connection.keep_alive = False
        self.over.set()


class Source:
    """A streamed body whose pieces the test gives; `closed` when the upload lets go of it."""

    def __init__(self) -> None:
        self._pieces = asyncio.Queue[bytes]()
        self.closed = anyio.Event()

    def give(self, piece: bytes) -> None:
        self._pieces.put_nowait(piece)

    def end(self) -> None:
        self._pieces.put_nowait(b"")

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            while piece := await self._pieces.get():
                yield piece
        finally:
            self.closed.set()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("size", [None, 50])
async def test_both_directions_are_open_at_once_and_the_connection_is_used_again(
    client: UpstreamClient, authority: Authority, tmp_path: Path, *, secure: bool, size: int | None
) -> None:
    context = authority.server_context() if secure else None
    ca_file = authority.write_ca(tmp_path) if secure else None
    source = Source()
    async with Server(uploads.duplex, context=context) as server:
        with anyio.fail_after(PATIENCE_S):
            request = ask(server.url(), method="POST", body=StreamedBody(size, source.pieces()), ca_file=ca_file)
            response = await client.open(request)
            assert (response.status, await response.read(100)) == (200, b"begun ")
            for number in range(10):
                source.give(b"%5d" % number)
                assert await response.read(100) == b"%5d" % number
            source.end()
            assert await response.read(100) == b""
            await response.aclose()
            assert response.sent_bytes == 50
            await fetch(client, ask(server.url(), method="POST", body=b"again", ca_file=ca_file))
        assert len(server.connections) == 1


@pytest.mark.parametrize("secure", [False, True])
async def test_eight_mib_go_up_while_they_come_down(
    client: UpstreamClient, authority: Authority, tmp_path: Path, *, secure: bool
) -> None:
    context = authority.server_context() if secure else None
    ca_file = authority.write_ca(tmp_path) if secure else None
    body = b"".join(bodies.seeded("up", 8 * MIB))
    async with Server(uploads.duplex, context=context) as server:
        with anyio.fail_after(PATIENCE_S):
            _, answer = await fetch(client, ask(server.url(), method="POST", body=body, ca_file=ca_file))
        assert answer == b"begun " + body
        assert client.idle_connections == 1


async def test_an_upload_goes_on_while_nobody_reads_the_answer(client: UpstreamClient) -> None:
    taken = Taken(bodies.head(200, [("Transfer-Encoding", "chunked")]) + bodies.chunk(b"begun"))
    async with Server(taken) as server:
        with anyio.fail_after(PATIENCE_S):
            response = await client.open(ask(server.url(), method="POST", body=bytes(8 * MIB)))
            await taken.over.wait()
        assert (taken.whole, taken.size) == (True, 8 * MIB)
        await response.aclose()


@pytest.mark.parametrize("status", [200, 201, 204, 299])
@pytest.mark.parametrize("body", ["inline", "streamed"])
async def test_an_answer_that_is_over_early_leaves_the_upload_its_end(
    client: UpstreamClient, status: int, body: str
) -> None:
    fields = [] if status == 204 else [("Content-Length", "2")]
    taken = Taken(bodies.head(status, fields) + (b"" if status == 204 else b"ok"), after=1)

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield bytes(MIB // 4)
            await anyio.lowlevel.checkpoint()

    sent = bytes(8 * MIB) if body == "inline" else StreamedBody(None, slowly())
    async with Server(taken) as server:
        with anyio.fail_after(PATIENCE_S):
            response, _ = await fetch(client, ask(server.url(), method="POST", body=sent))
        await taken.over.wait()
        assert (taken.whole, taken.size, response.sent_bytes) == (True, 8 * MIB, 8 * MIB)
        assert client.idle_connections == 1


async def test_an_upload_whose_page_does_not_go_on_ends_with_the_answer(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PAGE_STALL_S", 0.05)
    taken, source = Taken(), Source()
    source.give(b"one")
    async with Server(taken) as server:
        with anyio.fail_after(PATIENCE_S):
            request = ask(server.url(), method="POST", body=StreamedBody(None, source.pieces()))
            assert (await fetch(client, request))[1] == b"ok"
            await source.closed.wait()
            await taken.over.wait()
        assert not taken.whole
        assert client.busy_connections == client.idle_connections == 0


async def test_a_page_that_does_not_go_on_has_its_own_time_from_when_it_is_waited_for(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer ends while a piece waits for the server, which then takes it."""
    monkeypatch.setattr(upload, "PAGE_STALL_S", 0.05)
    monkeypatch.setattr(upload, "SERVER_STALL_S", 1000)
    source, go_on = Source(), asyncio.Event()
    source.give(bytes(16 * MIB))

    async def answer_and_wait(request: Request) -> None:
        await bodies.respond(request.connection, b"ok")
        await go_on.wait()
        request.connection.keep_alive = False
        with suppress(PeerGoneError):
            async for _ in request.pieces():
                pass

    async with Server(answer_and_wait, receive_buffer=4096) as server:
        with anyio.fail_after(PATIENCE_S):
            response = await client.open(ask(server.url(), method="POST", body=StreamedBody(None, source.pieces())))
            assert await response.read(100) == b"ok"
            end = asyncio.create_task(response.read(100))
            await wait_all_tasks_blocked()
            go_on.set()
            assert await end == b""
        await response.aclose()


async def test_an_upload_that_nobody_reads_ends_with_the_answer(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "SERVER_STALL_S", 0.05)
    async with Server(uploads.early(200), receive_buffer=4096) as server:
        with anyio.fail_after(PATIENCE_S):
            _, answer = await fetch(client, ask(server.url(), method="POST", body=bytes(64 * MIB)))
        assert answer == b"too large"
        assert client.busy_connections == client.idle_connections == 0


async def test_a_server_that_closes_after_its_answer_gets_no_more(client: UpstreamClient) -> None:
    source = Source()
    source.give(b"one")
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with Server(Taken(answer)) as server:
        with anyio.fail_after(PATIENCE_S):
            request = ask(server.url(), method="POST", body=StreamedBody(None, source.pieces()))
            assert (await fetch(client, request))[1] == b"ok"
        assert source.closed.is_set()
        await server.connections[0].wait_gone()


@pytest.mark.parametrize("secure", [False, True])
async def test_an_error_answer_stops_the_upload_and_closes_this_side(
    client: UpstreamClient, authority: Authority, tmp_path: Path, *, secure: bool
) -> None:
    """A server that reads to the end before it goes on sees that there is no more, and both sides go on."""
    context = authority.server_context() if secure else None
    ca_file = authority.write_ca(tmp_path) if secure else None
    source = Source()
    source.give(b"one")

    async def handler(request: Request) -> None:
        request.connection.keep_alive = False
        start = bodies.head(422, [("Transfer-Encoding", "chunked")]) + bodies.chunk(b"no, ")
        await request.connection.send(start)
        try:
            await request.body()
        except PeerGoneError:
            ended.set()

    ended = anyio.Event()
    async with Server(handler, context=context) as server:
        with anyio.fail_after(PATIENCE_S):
            request = ask(server.url(), method="POST", body=StreamedBody(None, source.pieces()), ca_file=ca_file)
            response = await client.open(request)
            assert (response.status, await response.read(100)) == (422, b"no, ")
            await source.closed.wait()
            await ended.wait()
            await response.aclose()


async def test_an_error_answer_is_there_before_its_upload_has_stopped(client: UpstreamClient) -> None:
    source = Source()
    source.give(b"one")
    async with Server(uploads.early(413)) as server:
        with anyio.fail_after(PATIENCE_S):
            request = ask(server.url(), method="POST", body=StreamedBody(None, source.pieces()))
            response = await client.open(request)
            assert await response.read(100) == b"too large"
            assert not source.closed.is_set()
            assert await response.read(100) == b""
        assert source.closed.is_set()


async def test_a_redirect_stops_the_upload_before_it_is_followed(client: UpstreamClient) -> None:
    source = Source()
    source.give(b"one")

    async def handler(request: Request) -> None:
        if request.path == "/":
            await request.connection.send(b"HTTP/1.1 303 Over\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")
            request.connection.keep_alive = False
            await request.connection.gone.wait()
        else:
            closed.append(source.closed.is_set())
            await bodies.respond(request.connection, b"there")

    closed: list[bool] = []
    async with Server(handler) as server:
        with anyio.fail_after(PATIENCE_S):
            request = ask(server.url(), method="POST", body=StreamedBody(None, source.pieces()))
            assert (await fetch(client, request))[1] == b"there"
    assert closed == [True]


@pytest.mark.parametrize("redirect", [RedirectMode.MANUAL, RedirectMode.FOLLOW])
async def test_a_failing_source_fails_the_answer_that_has_begun(client: UpstreamClient, redirect: RedirectMode) -> None:
    begun = anyio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await begun.wait()
        raise StreamError(ErrorCode.UPLOAD_FAILED, "the source failed", Phase.HEADERS)

    async with Server(uploads.duplex) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, pieces()), redirect=redirect)
        with anyio.fail_after(PATIENCE_S):
            response = await client.open(request)
            begun.set()
            with pytest.raises(StreamError) as raised:
                await read_all(response)
            await response.aclose()
        assert (raised.value.code, raised.value.phase) == (ErrorCode.UPLOAD_FAILED, Phase.BODY)
        await server.connections[0].wait_gone()


@pytest.mark.parametrize("size", [2, 4])
async def test_another_size_than_announced_fails_it_too(client: UpstreamClient, size: int) -> None:
    source = Source()
    async with Server(uploads.duplex) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(size, source.pieces()))
        with anyio.fail_after(PATIENCE_S):
            response = await client.open(request)
            source.give(b"one")
            source.end()
            with pytest.raises(StreamError) as raised:
                await read_all(response)
            await response.aclose()
    assert (raised.value.code, raised.value.phase) == (ErrorCode.UPLOAD_FAILED, Phase.BODY)


@pytest.mark.parametrize("reading", [False, True])
async def test_closing_the_response_lets_go_of_the_source(client: UpstreamClient, *, reading: bool) -> None:
    source = Source()
    async with Server(uploads.duplex) as server:
        with anyio.fail_after(PATIENCE_S):
            response = await client.open(ask(server.url(), method="POST", body=StreamedBody(None, source.pieces())))
            assert await response.read(100) == b"begun "
            async with anyio.create_task_group() as group:
                if reading:
                    group.start_soon(response.read, 100)
                    await wait_all_tasks_blocked()
                group.cancel_scope.cancel()
            await response.aclose()
        assert source.closed.is_set()
        await server.connections[0].wait_gone()


async def test_the_idle_clock_sees_an_upload_as_a_sign_of_life(client: UpstreamClient) -> None:
    gap_s = 0.15

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            await anyio.sleep(gap_s)
            yield b"one"

    async def handler(request: Request) -> None:
        await request.connection.send(bodies.head(200, [("Transfer-Encoding", "chunked")]))
        await request.connection.send(bodies.chunk(await request.body()) + b"0\r\n\r\n")

    # The clock is longer than a gap on a busy machine, and shorter than all of them.
    async with Server(handler) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, pieces()), idle_s=6 * gap_s)
        assert (await fetch(client, request))[1] == b"one" * 8


async def test_the_idle_clock_does_not_wait_for_the_page_when_the_answer_has_begun(client: UpstreamClient) -> None:
    source = Source()
    async with Server(uploads.duplex) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, source.pieces()), idle_s=0.1)
        _, code, phase = await failing(client, request)
    assert (code, phase) == (ErrorCode.IDLE_TIMEOUT, Phase.BODY)


async def test_what_a_server_that_breaks_off_had_sent_is_not_taken_for_a_whole_answer(client: UpstreamClient) -> None:
    """The writer may meet the reset first; then the reader sees nothing but an end."""

    async def handler(request: Request) -> None:
        await request.connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await began.wait()
        request.connection.reset()

    async def pieces() -> AsyncIterator[bytes]:
        began.set()
        while True:
            yield bytes(65536)

    began = anyio.Event()
    async with Server(handler) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, pieces()))
        with anyio.fail_after(PATIENCE_S):
            _, code, _ = await failing(client, request)
    assert code in (ErrorCode.UPSTREAM_RESET, ErrorCode.UPLOAD_FAILED)


async def test_nothing_follows_an_answer_that_came_early(client: UpstreamClient) -> None:
    """What a server sends behind a whole answer is not the next one, also if the upload ended in order after it."""
    async with Server(Taken(OK + OK)) as server:
        for _ in range(2):
            response, _ = await fetch(client, ask(server.url(), method="POST", body=bytes(MIB)))
            assert response.completeness is Completeness.LENGTH
        assert len(server.connections) == 2


async def test_a_head_that_never_comes_ends_the_upload_with_the_clock(client: UpstreamClient) -> None:
    async with Server(faults.raw(b"", read_body=False, then="hold"), receive_buffer=4096) as server:
        request = ask(server.url(), method="POST", body=bytes(64 * MIB), header_s=0.2)
        with anyio.fail_after(PATIENCE_S):
            _, code, phase = await failing(client, request)
        assert (code, phase) == (ErrorCode.HEADER_TIMEOUT, Phase.HEADERS)
