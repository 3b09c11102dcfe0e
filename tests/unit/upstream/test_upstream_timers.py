"""The clocks: what each covers, what it does not, and that none runs on the page's time."""

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import anyio
import anyio.lowlevel
import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream import StreamedBody, UpstreamClient, UpstreamTimeouts
from longwire.upstream import timers as timers_module
from longwire.upstream.resolver import SystemResolver
from longwire.upstream.timers import Timers
from tests.unit.upstream.asking import ask, failing, failure, fetch, read_all
from tests.upstreams import bodies, faults, sse, uploads
from tests.upstreams.connection import Request
from tests.upstreams.server import Server


async def test_header_timeout_in_dns() -> None:
    def hang(host: str) -> list[str]:
        time.sleep(0.3)  # a blocking resolver: this runs in its thread
        return ["127.0.0.1"]

    client = UpstreamClient(resolver=SystemResolver(hang))
    assert await failure(client, ask("http://slow.test/", header_s=0.1)) == (ErrorCode.HEADER_TIMEOUT, Phase.CONNECT)
    assert client.busy_connections == 0
    await client.aclose()


async def test_header_timeout_in_connect(client: UpstreamClient) -> None:
    with faults.unanswering_port() as port:
        request = ask(f"http://127.0.0.1:{port}/", header_s=0.1)
        assert await failure(client, request) == (ErrorCode.HEADER_TIMEOUT, Phase.CONNECT)


async def test_header_timeout_in_the_tls_handshake(client: UpstreamClient) -> None:
    async with Server(faults.raw(b"")) as server:  # plain, and silent until it has a request head
        url = server.url().replace("http:", "https:")
        assert await failure(client, ask(url, header_s=0.1)) == (ErrorCode.HEADER_TIMEOUT, Phase.CONNECT)


async def test_header_timeout_while_waiting_for_the_answer(client: UpstreamClient) -> None:
    async with Server(faults.NAMED["silent"]) as server:
        message, code, phase = await failing(client, ask(server.url(), header_s=0.5))
        assert (code, phase) == (ErrorCode.HEADER_TIMEOUT, Phase.HEADERS)
        assert "0.5 s" in message and "headerTimeout" in message


async def test_the_header_timeout_is_over_with_the_head(client: UpstreamClient) -> None:
    streams = sse.EventStreams()
    async with Server(streams) as server:
        response = await client.open(ask(server.url(), header_s=0.5))
        await anyio.sleep(0.7)
        streams.channel().event("late")
        streams.channel().end()
        assert await read_all(response) == b"data: late\n\n"


async def test_idle_timeout_is_silence_while_reading(client: UpstreamClient) -> None:
    streams = sse.EventStreams()
    async with Server(streams) as server:
        response = await client.open(ask(server.url(), idle_s=0.5))
        streams.channel().event("one")
        assert await response.read(100) == b"data: one\n\n"
        # Nobody reads: the silence is the page's.
        await anyio.sleep(0.7)
        streams.channel().event("two")
        assert await response.read(100) == b"data: two\n\n"
        with pytest.raises(StreamError) as caught:
            await response.read(100)
        assert (caught.value.code, caught.value.phase) == (ErrorCode.IDLE_TIMEOUT, Phase.BODY)
        await server.connections[0].wait_gone()


async def test_a_silent_stream_is_normal_without_an_idle_timeout(client: UpstreamClient) -> None:
    streams = sse.EventStreams()
    async with Server(streams) as server:
        response = await client.open(ask(server.url(), header_s=0.7))
        with anyio.move_on_after(1) as scope:
            await response.read(100)
        assert scope.cancelled_caught
        await server.connections[0].wait_gone()


async def test_total_timeout_over_a_body_that_keeps_coming(client: UpstreamClient) -> None:
    async with Server(faults.pieces(b"HTTP/1.1 200 OK\r\n\r\n", *([b"x"] * 1000), gap_s=0.01)) as server:
        started = time.monotonic()
        message, code, phase = await failing(client, ask(server.url(), total_s=0.5, idle_s=0.45, header_s=5))
        assert (code, phase) == (ErrorCode.TOTAL_TIMEOUT, Phase.BODY)
        assert time.monotonic() - started > 0.45
        assert "0.5 s" in message


async def test_total_timeout_before_the_head(client: UpstreamClient) -> None:
    async with Server(faults.NAMED["silent"]) as server:
        request = ask(server.url(), total_s=0.3, header_s=5)
        assert await failure(client, request) == (ErrorCode.TOTAL_TIMEOUT, Phase.HEADERS)


async def test_the_total_clock_stops_while_nobody_reads(client: UpstreamClient) -> None:
    async with Server(bodies.random_bytes(100_000)) as server:
        response = await client.open(ask(server.url(), total_s=0.6))
        read = 0
        for _ in range(4):
            await anyio.sleep(0.2)
            read += len(await response.read(1000))
        assert read + len(await read_all(response)) == 100_000


async def test_no_clock_runs_while_the_page_has_not_sent_its_body(client: UpstreamClient) -> None:
    async def slow_page() -> AsyncIterator[bytes]:
        for _ in range(3):
            await anyio.sleep(0.5)
            yield b"piece"

    async with Server(uploads.mirror) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, slow_page()), header_s=0.4, total_s=0.6)
        assert (await fetch(client, request))[1] == b"piece" * 3


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have loop and clocks go by a time in which one turn of the loop takes 20 ms at most, whatever the machine does.

    Server and client share the loop: when it is kept from running, the server is not silent.
    """
    time_s = last = time.monotonic()

    def clock() -> float:
        nonlocal time_s, last
        now = time.monotonic()
        time_s, last = time_s + min(now - last, 0.02), now
        return time_s

    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    monkeypatch.setattr(timers_module, "time", SimpleNamespace(monotonic=clock))


async def test_an_upload_that_moves_is_alive_and_one_that_stands_still_is_not(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pauses(monkeypatch)
    taken = 0

    async def handler(request: Request) -> None:
        nonlocal taken
        async for piece in request.pieces():
            taken += len(piece)
            await anyio.sleep(0.001)
            if taken >= 6 * 1024 * 1024:
                await request.connection.gone.wait()

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield bytes(65536)

    async with Server(handler, receive_buffer=65536) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, pieces()), header_s=0.3)
        assert await failure(client, request) == (ErrorCode.HEADER_TIMEOUT, Phase.HEADERS)
        assert taken >= 6 * 1024 * 1024


async def test_after_the_upload_the_header_time_starts_in_full(client: UpstreamClient) -> None:
    async def handler(request: Request) -> None:
        await request.body()
        await anyio.sleep(0.5)
        await bodies.respond(request.connection, b"ok")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            await anyio.sleep(0.3)
            yield b"x"

    async with Server(handler) as server:
        request = ask(server.url(), method="POST", body=StreamedBody(None, pieces()), header_s=1)
        assert (await fetch(client, request))[1] == b"ok"


async def test_cancellation_from_outside_is_not_taken_for_a_timeout() -> None:
    timers = Timers(UpstreamTimeouts(10, 10, 10))
    with anyio.CancelScope() as scope:
        scope.cancel()
        with timers.to_headers(lambda: Phase.CONNECT):
            await anyio.sleep(1)
    assert scope.cancelled_caught


async def test_all_clocks_off() -> None:
    timers = Timers(UpstreamTimeouts(None, None, None))
    with timers.to_headers(lambda: Phase.CONNECT):
        timers.progress()
        with timers.waiting_for_page():
            await anyio.lowlevel.checkpoint()
    with timers.between_bytes():
        await anyio.lowlevel.checkpoint()


def chain(*times: float) -> tuple[Timers, list[UpstreamTimeouts]]:
    """The clocks of a first grant, and the times of those that redirects lead to; named by their places."""
    first, *others = [UpstreamTimeouts(time_s, header_by=f"grant {place}") for place, time_s in enumerate(times)]
    return Timers(first), others


@pytest.mark.parametrize(
    ("times", "lasts_s", "grant"),
    [
        ((30, 0.2), 0.2, 1),  # shorter: from the redirect on
        ((0.2, 0.2), 0.2, 0),  # the same grant again gives no more time
        ((0.4, 0.3, 0.4), 0.4, 2),  # nor do two that take turns
    ],
)
async def test_no_chain_of_redirects_waits_longer_for_its_head_than_its_grants_say(
    times: tuple[float, ...], lasts_s: float, grant: int
) -> None:
    timers, others = chain(*times)
    began = time.monotonic()

    async def wait() -> None:
        with timers.to_headers(lambda: Phase.HEADERS):
            for other in others:
                timers.on_redirect(other)
            await anyio.sleep(20)

    with pytest.raises(StreamError) as late:
        await wait()
    assert late.value.text == f"no response head within {lasts_s:g} s: grant {grant}"
    assert lasts_s <= time.monotonic() - began < 10


async def test_a_redirect_to_a_grant_with_a_longer_time_to_the_head_has_that() -> None:
    timers, others = chain(0.2, 30)
    with timers.to_headers(lambda: Phase.HEADERS):
        timers.on_redirect(others[0])
        await anyio.sleep(0.4)
