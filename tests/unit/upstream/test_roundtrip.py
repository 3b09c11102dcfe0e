"""The promise of the room: a body arrives byte for byte or the stream errors, whatever framing, coding and cutting."""

import hashlib
from collections.abc import AsyncIterator

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import Completeness
from longwire.upstream import UpstreamClient
from tests.slices import times
from tests.unit.upstream.asking import ask, fetch, read_all
from tests.upstreams import bodies, coded, faults
from tests.upstreams.bodies import FRAMINGS, Framing
from tests.upstreams.connection import Request
from tests.upstreams.server import Handler, Server

OK = b"HTTP/1.1 200 OK\r\n"


def in_pieces(data: bytes, sizes: list[int], *, close: bool) -> Handler:
    """Send `data` in writes of these sizes, the rest last."""

    async def handler(request: Request) -> None:
        connection = request.connection
        rest = data
        for size in sizes:
            if rest[:size]:
                await connection.send(rest[:size])
            rest = rest[size:]
        if rest:
            await connection.send(rest)
        if close:
            connection.close()

    return handler


@given(
    body=st.binary(max_size=5000),
    framing=st.sampled_from(sorted(FRAMINGS)),
    chunks=st.lists(st.integers(1, 1000), max_size=10),
    writes=st.lists(st.integers(1, 1000), max_size=10),
    codings=st.lists(st.sampled_from(sorted(coded.CODINGS)), max_size=2),
    credit=st.integers(1, 10_000),
)
@settings(max_examples=times(150, 60), deadline=None)
async def test_any_body_in_any_framing_chunking_and_coding_arrives_equal(
    *, body: bytes, framing: str, chunks: list[int], writes: list[int], codings: list[str], credit: int
) -> None:
    sent, encoding = coded.encode(body, codings)
    field = f"Content-Encoding: {encoding}\r\n".encode() if codings else b""
    answer = OK + field + bodies.framed(sent, FRAMINGS[framing], chunks)
    client = UpstreamClient()
    async with Server(in_pieces(answer, writes, close=framing == "close")) as server:
        response = await client.open(ask(server.url()))
        assert await read_all(response, credit) == body
        assert await response.read(1) == b""
        assert response.completeness == Completeness(framing)
        assert response._coded_bytes == len(sent)
        assert client.busy_connections == 0
    await client.aclose()


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("coding", ["", "gzip", "br"])
async def test_no_cut_of_a_framed_response_ends_cleanly(client: UpstreamClient, framing: Framing, coding: str) -> None:
    body, encoding = coded.encode(b"a body of some length, " * 4, [coding] if coding else [])
    field = f"Content-Encoding: {encoding}\r\n".encode() if coding else b""
    head = OK + field
    answer = head + bodies.framed(body, framing, [7, 20])
    end_of_head = answer.index(b"\r\n\r\n") + 4
    cut_at = 0

    async def handler(request: Request) -> None:
        await faults.raw(answer[:cut_at], then="close")(request)

    async with Server(handler) as server:
        for cut_at in range(len(answer)):
            with pytest.raises(StreamError) as caught:
                await fetch(client, ask(server.url()))
            if cut_at < end_of_head:
                assert (caught.value.code, caught.value.phase) == (ErrorCode.UPSTREAM_RESET, Phase.HEADERS), cut_at
            else:
                assert (caught.value.code, caught.value.phase) == (ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY), cut_at


@pytest.mark.parametrize("coding", ["gzip", "deflate", "deflate-raw", "br", "zstd"])
async def test_a_coded_body_that_ends_with_the_connection_is_proven_by_its_coding(
    client: UpstreamClient, coding: str
) -> None:
    body, encoding = coded.encode(b"a body of some length, " * 4, [coding])
    head = OK + f"Content-Encoding: {encoding}\r\n\r\n".encode()
    cut_at = 0

    async def handler(request: Request) -> None:
        await faults.raw(head + body[:cut_at], then="close")(request)

    async with Server(handler) as server:
        for cut_at in range(1, len(body)):
            with pytest.raises(StreamError) as caught:
                await fetch(client, ask(server.url()))
            assert (caught.value.code, caught.value.phase) == (ErrorCode.DECODE_FAILED, Phase.BODY), cut_at
        cut_at = len(body)
        _, plain = await fetch(client, ask(server.url()))
        assert plain == b"a body of some length, " * 4


async def test_a_large_body_is_equal(client: UpstreamClient) -> None:
    size = 64 * 1024 * 1024 + 12345
    async with Server(bodies.random_bytes()) as server:
        response = await client.open(ask(server.url(f"/?size={size}&seed=big&framing=chunked&piece=100001")))
        total = hashlib.sha256()
        while data := await response.read(256 * 1024):
            total.update(data)
        assert total.hexdigest() == bodies.digest("big", size)
        assert response._coded_bytes == size


async def test_what_came_before_the_cut_is_delivered_first(client: UpstreamClient) -> None:
    async with Server(faults.NAMED["length-cut"]) as server:
        response = await client.open(ask(server.url()))
        assert await response.read(100) == b"half"
        for _ in range(2):  # and the error stays
            with pytest.raises(StreamError) as caught:
                await response.read(100)
            assert caught.value.code is ErrorCode.UPSTREAM_TRUNCATED


async def test_events_arrive_one_by_one(client: UpstreamClient) -> None:
    released: list[bytes] = []

    async def events() -> AsyncIterator[bytes]:
        for number in range(5):
            released.append(b"data: %d\n\n" % number)
            yield released[-1]
            await got[number].wait()

    got = [anyio.Event() for _ in range(5)]

    async def handler(request: Request) -> None:
        connection = request.connection
        await bodies.stream(connection, events(), framing="chunked")

    async with Server(handler) as server:
        response = await client.open(ask(server.url()))
        for number in range(5):
            # Each event is in hand before the server may send the next one.
            assert await response.read(65536) == b"data: %d\n\n" % number
            assert len(released) == number + 1
            got[number].set()
        assert await response.read(65536) == b""
