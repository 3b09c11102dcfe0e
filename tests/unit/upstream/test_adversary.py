"""Hostile servers: every one of them ends in a code, in time, with its socket closed."""

import time

import anyio
import anyio.lowlevel
import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream import UpstreamClient
from tests.patience import PATIENCE_S
from tests.printed import say
from tests.unit.upstream.asking import ask, failing, failure, fetch
from tests.upstreams import bodies, coded, faults
from tests.upstreams.server import Server


@pytest.mark.parametrize(
    ("name", "code", "phase"),
    [
        ("close-at-once", ErrorCode.UPSTREAM_RESET, Phase.HEADERS),
        ("reset-at-once", ErrorCode.UPSTREAM_RESET, Phase.HEADERS),
        ("garbage", ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS),
        ("head-cut", ErrorCode.UPSTREAM_RESET, Phase.HEADERS),
        ("head-endless", ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS),
        ("head-oversize", ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS),
        ("fields-many", ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS),
        ("length-cut", ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY),
        ("length-reset", ErrorCode.UPSTREAM_RESET, Phase.BODY),
        ("chunked-cut", ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY),
        ("chunked-bad", ErrorCode.UPSTREAM_PROTOCOL, Phase.BODY),
    ],
)
async def test_each_fault_has_its_code_and_closes_the_socket(
    client: UpstreamClient, name: str, code: ErrorCode, phase: Phase
) -> None:
    async with Server(faults.NAMED[name]) as server:
        with anyio.fail_after(PATIENCE_S):
            assert await failure(client, ask(server.url())) == (code, phase)
        await server.connections[0].wait_gone()
    assert client.idle_connections == 0


@pytest.mark.parametrize("name", ["silent", "head-drip"])
async def test_a_head_that_never_comes_ends_in_time(client: UpstreamClient, name: str) -> None:
    async with Server(faults.NAMED[name]) as server:
        with anyio.fail_after(PATIENCE_S):
            assert await failure(client, ask(server.url(), header_s=0.3)) == (
                ErrorCode.HEADER_TIMEOUT,
                Phase.HEADERS,
            )
        await server.connections[0].wait_gone()


async def test_a_head_at_the_limit_passes_and_the_message_above_it_says_so(client: UpstreamClient) -> None:
    def answer(size: int) -> bytes:
        fields = b"".join(b"X-%04d: %b\r\n" % (number, b"v" * 990) for number in range(size // 1000))
        return b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 0\r\n\r\n"

    async with Server(faults.raw(answer(255_000))) as server:
        assert (await fetch(client, ask(server.url())))[1] == b""
    async with Server(faults.raw(answer(265_000), then="hold")) as server:
        message, code, _ = await failing(client, ask(server.url()))
        assert code is ErrorCode.UPSTREAM_PROTOCOL
        assert "256 KiB" in message


async def test_interim_responses_before_the_final_one_are_skipped(client: UpstreamClient) -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with Server(faults.raw(answer)) as server:
        response, body = await fetch(client, ask(server.url()))
    assert (response.status, body) == (200, b"ok")


async def test_bytes_after_the_body_are_never_taken_for_the_next_answer(client: UpstreamClient) -> None:
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    for answer in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" + poison,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n" + poison,
        b"HTTP/1.1 204 No Content\r\n\r\n" + poison,
    ):
        async with Server(faults.raw(answer)) as server:
            for _ in range(2):
                assert (await fetch(client, ask(server.url())))[1] in (b"good", b"")
            assert len(server.connections) == 2
            await server.connections[0].wait_gone()


async def test_trailers_are_dropped_and_a_flood_of_them_refused(client: UpstreamClient) -> None:
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n"
    async with Server(faults.raw(start + b"X-Digest: abc\r\n\r\n")) as server:
        assert (await fetch(client, ask(server.url())))[1] == b"body"
    async with Server(faults.raw(start + b"X: y\r\n" * 100_000, then="hold")) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.BODY)
    async with Server(faults.raw(start.replace(b"4\r\n", b"4;" + b"e" * 200_000 + b"\r\n"), then="hold")) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.BODY)


async def test_others_run_while_a_bomb_goes_off(client: UpstreamClient) -> None:
    body, encoding = coded.encode(bytes(32 * 1024 * 1024), ["gzip", "gzip"])
    longest = 0.0  # of this thread's processor time: a machine that is busy with others does not count
    running = True

    async def heartbeat() -> None:
        nonlocal longest
        while running:
            before = time.thread_time()
            await anyio.lowlevel.checkpoint()
            longest = max(longest, time.thread_time() - before)

    answer = bodies.head(200, [("Content-Encoding", encoding), ("Content-Length", str(len(body)))]) + body
    async with Server(faults.raw(answer)) as server, anyio.create_task_group() as group:
        group.start_soon(heartbeat)
        response = await client.open(ask(server.url()))
        size = 0
        while data := await response.read(65536):
            size += len(data)
        running = False
    assert size == 32 * 1024 * 1024
    say(f"most work between turns of another task while a bomb goes off: {longest * 1000:.1f} ms")
    assert longest < 0.025  # as LONGEST_RUN_S of row 15; usual is 1 ms


async def test_a_body_without_end_is_let_go_at_once(client: UpstreamClient) -> None:
    async with Server(faults.endless_body) as server:
        response = await client.open(ask(server.url()))
        for _ in range(50):
            await response.read(65536)
        await response.aclose()
        await server.connections[0].wait_gone()
        with pytest.raises(StreamError):
            await response.read(1)


async def test_no_message_quotes_what_the_server_sent(client: UpstreamClient) -> None:
    secret = b"s3cr3t-value"
    for answer in (
        b"HTTP/1.1 200 OK\r\nBad Name: %b\r\n\r\n" % secret,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %b\r\n\r\n" % secret,
        b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % secret,
        b"%b\r\n\r\n" % secret,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b\r\n" % secret,
    ):
        async with Server(faults.raw(answer, then="hold")) as server:
            with pytest.raises(StreamError) as caught:
                await fetch(client, ask(server.url()))
            assert caught.value.code is ErrorCode.UPSTREAM_PROTOCOL
            assert "s3cr3t" not in str(caught.value)
            assert caught.value.__cause__ is None and caught.value.__suppress_context__
