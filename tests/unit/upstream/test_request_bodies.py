"""Request bodies: exact, streamed as they come, and never looking complete when they are not."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream import StreamedBody, UpstreamClient
from tests.patience import PATIENCE_S
from tests.printed import say
from tests.slices import times
from tests.unit.upstream.asking import ask, failure, fetch
from tests.upstreams import bodies, faults, uploads
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Server


async def each(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@given(
    pieces=st.lists(st.binary(max_size=3000), max_size=20),
    sized=st.booleans(),
)
@settings(max_examples=times(60, 30), deadline=None)
async def test_any_pieces_arrive_as_one_body(pieces: list[bytes], sized: bool) -> None:
    whole = b"".join(pieces)
    client = UpstreamClient()
    async with Server(uploads.mirror) as server:
        body = StreamedBody(len(whole) if sized else None, each(*pieces))
        response, echoed = await fetch(client, ask(server.url(), method="POST", body=body))
        assert echoed == whole
        assert response.sent_bytes == len(whole)
    await client.aclose()


async def test_a_large_upload_is_equal_and_keeps_the_connection(client: UpstreamClient) -> None:
    size = 32 * 1024 * 1024

    async def pieces() -> AsyncIterator[bytes]:
        for block in bodies.seeded("up", size):
            for start in range(0, len(block), 65536):
                yield block[start : start + 65536]

    async with Server(uploads.echo) as server:
        _, answer = await fetch(client, ask(server.url(), method="PUT", body=StreamedBody(None, pieces())))
        assert json.loads(answer)["sha256"] == bodies.digest("up", size)
        inline = b"z" * 256 * 1024
        _, answer = await fetch(client, ask(server.url(), method="PUT", body=inline))
        assert json.loads(answer)["sha256"] == hashlib.sha256(inline).hexdigest()
        assert len(server.connections) == 1


async def test_pieces_leave_as_they_come(client: UpstreamClient) -> None:
    arrived: list[bytes] = []
    seen = [anyio.Event() for _ in range(3)]

    async def handler(request: Request) -> None:
        async for piece in request.pieces():
            arrived.append(piece)
            seen[len(arrived) - 1].set()
        await bodies.respond(request.connection, b"done")

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"piece %d" % number
            with anyio.fail_after(PATIENCE_S):
                await seen[number].wait()

    async with Server(handler) as server:
        _, answer = await fetch(client, ask(server.url(), method="POST", body=StreamedBody(None, pieces())))
    assert (answer, arrived) == (b"done", [b"piece 0", b"piece 1", b"piece 2"])


class Incomplete:
    """A handler that reports whether a request body reached an orderly end."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.complete = False

    async def __call__(self, request: Request) -> None:
        try:
            await request.body()
            self.complete = True
            await bodies.respond(request.connection, b"")
        except PeerGoneError:
            self.complete = False
        finally:
            self.ended.set()


@pytest.mark.parametrize(("size", "code"), [(5, ErrorCode.UPLOAD_FAILED), (3, ErrorCode.UPLOAD_FAILED)])
async def test_a_body_of_the_wrong_size_fails_and_never_looks_complete(
    client: UpstreamClient, size: int, code: ErrorCode
) -> None:
    handler = Incomplete()
    async with Server(handler) as server:
        body = StreamedBody(size, each(b"ab", b"cd"))
        assert await failure(client, ask(server.url(), method="POST", body=body)) == (code, Phase.HEADERS)
        with anyio.fail_after(PATIENCE_S):
            await handler.ended.wait()
        assert not handler.complete


@pytest.mark.parametrize("size", [None, 100])
async def test_a_body_that_fails_on_the_pages_side_fails_the_exchange(client: UpstreamClient, size: int | None) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        raise StreamError(ErrorCode.UPLOAD_FAILED, "the page's stream broke", Phase.HEADERS)

    handler = Incomplete()
    async with Server(handler) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(size, pieces()))
        assert await failure(client, request) == (ErrorCode.UPLOAD_FAILED, Phase.HEADERS)
        with anyio.fail_after(PATIENCE_S):
            await handler.ended.wait()
        assert not handler.complete


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_a_server_that_breaks_off_inside_the_upload(client: UpstreamClient, then: faults.Then) -> None:
    async def handler(request: Request) -> None:
        await anext(request.pieces())
        await faults.finish(request, then)

    closed = False

    async def endless() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            while True:
                yield b"x" * 65536
        finally:
            closed = True

    async with Server(handler) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, endless()))
        with anyio.fail_after(PATIENCE_S):
            assert await failure(client, request) == (ErrorCode.UPLOAD_FAILED, Phase.HEADERS)
    assert closed


async def test_what_a_slow_server_does_not_take_is_not_asked_from_the_page(client: UpstreamClient) -> None:
    sink = uploads.SlowSink()
    asked = 0
    total = hashlib.sha256()

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal asked
        for block in bodies.seeded("slow", 16 * 1024 * 1024):
            for start in range(0, len(block), 65536):
                piece = block[start : start + 65536]
                asked += len(piece)
                total.update(piece)
                yield piece

    async with Server(sink, receive_buffer=65536) as server, anyio.create_task_group() as group:
        answers: list[bytes] = []

        async def upload() -> None:
            body = StreamedBody(None, pieces())
            answers.append((await fetch(client, ask(server.url(), method="POST", body=body)))[1])

        group.start_soon(upload)
        sink.allow(1024 * 1024)
        with anyio.fail_after(PATIENCE_S):
            await sink.waiting.wait()
        held = await settled(lambda: asked) - sink.taken
        # The kernel's two buffers and the server's own; nothing of ours beyond one piece.
        say(f"an upload to a server that stopped reading: {held / 1024:.0f} KiB asked for beyond what it read")
        assert held < 6 * 1024 * 1024
        assert asked < 16 * 1024 * 1024
        sink.allow(32 * 1024 * 1024)
    assert answers == [total.hexdigest().encode()]


async def settled(value: Callable[[], int]) -> int:
    """The value of a counter that no longer moves."""
    before = -1
    while (now := value()) != before:
        before = now
        await anyio.sleep(0.1)
    return before
