"""A kind of exchange is one function: what it gets from the life that every kind shares."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog
from structlog.testing import capture_logs

from longwire.engine.aborting import closed_in_any_case
from longwire.engine.exchange import Exchange
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import WINDOW_FLOOR_BYTES
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness
from tests.unit.engine.harness import Bench, running_engine

Toy = Callable[[Exchange], Awaitable[None]]


def head(exchange: Exchange) -> StreamHeaders:
    """Of an answer that nobody gave."""
    return StreamHeaders(
        type="STREAM_HEADERS",
        id=exchange.stream.id,
        url=exchange.start.url,
        redirected=False,
        status=200,
        reason="OK",
        headers=[],
    )


async def ticks(exchange: Exchange) -> None:
    """Ticks, as many bytes as the request's path says: no upstream, no policy."""
    exchange.allowed("clock")
    await exchange.may_begin()
    exchange.headers(head(exchange), "clock")
    left = int(exchange.start.url.rpartition("/")[2])
    while left:
        size = min(left, await exchange.room())
        exchange.push(b"t" * size)
        left -= size
    exchange.finish(Completeness.CHUNKED)


class Socket:
    """What a kind may hold."""

    closed = False

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed = True


def body(bench: Bench, stream_id: int) -> bytes:
    return b"".join(m["data"] for m in bench.channel.of_stream(stream_id) if m["type"] == "STREAM_CHUNK")


async def test_a_second_kind_needs_a_function_and_its_name(tmp_path: Path) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_engine(tmp_path, kinds={"ticks": ticks}) as bench:
            bench.start(1, kind="ticks", url="http://clock.test/5")
            end = await bench.channel.terminal(1)
            assert bench.live_streams == 0
    assert (end["type"], end["bytes"], body(bench, 1)) == ("STREAM_END", 5, b"ttttt")
    assert bench.upstream.requests == []
    said = [line for line in lines if line.get("stream") == 1]
    assert [line["event"] for line in said] == ["start", "headers", "end"]
    assert {line["grant"] for line in said} == {"clock"}


async def test_every_kind_is_bounded_by_its_pages_credit(tmp_path: Path) -> None:
    async with running_engine(tmp_path, kinds={"ticks": ticks}) as bench:
        total = 2 * WINDOW_FLOOR_BYTES + 1
        bench.start(1, kind="ticks", url=f"http://clock.test/{total}")
        await bench.channel.wait_for(lambda _: len(body(bench, 1)) == WINDOW_FLOOR_BYTES)
        bench.start(2, kind="ticks", url="http://clock.test/1")  # another's whole life passes
        await bench.channel.terminal(2)
        assert len(body(bench, 1)) == WINDOW_FLOOR_BYTES
        bench.channel.send(type="STREAM_ACK", id=1, consumed=WINDOW_FLOOR_BYTES)
        assert (await bench.channel.terminal(1))["bytes"] == total


async def test_an_abort_closes_what_a_kind_holds_before_it_is_confirmed(tmp_path: Path) -> None:
    socket = Socket()

    async def endless(exchange: Exchange) -> None:
        async with closed_in_any_case(socket):
            exchange.headers(head(exchange), "toy")
            await anyio.sleep_forever()

    async with running_engine(tmp_path, kinds={"endless": endless}) as bench:
        bench.start(1, kind="endless")
        await bench.channel.message("STREAM_HEADERS", 1)
        bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        assert (await bench.channel.terminal(1))["type"] == "STREAM_ABORTED"
        assert socket.closed
        assert bench.live_streams == 0


async def forgets_its_end(exchange: Exchange) -> None:
    exchange.headers(head(exchange), "toy")


async def fails(_: Exchange) -> None:
    raise StreamError(ErrorCode.UPSTREAM_DNS, "no such clock", Phase.CONNECT)


@pytest.mark.parametrize(("toy", "code"), [(forgets_its_end, "HOST_LOST"), (fails, "UPSTREAM_DNS")])
async def test_however_a_kind_comes_back_its_stream_ends_once(tmp_path: Path, toy: Toy, code: str) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_engine(tmp_path, kinds={"toy": toy}) as bench:
            bench.start(1, kind="toy")
            assert (await bench.channel.terminal(1))["code"] == code
            assert bench.live_streams == 0
    assert [line["code"] for line in lines if line.get("stream") == 1 and line["event"] == "error"] == [code]


async def test_a_kind_that_this_host_does_not_know_is_refused_with_what_to_do(tmp_path: Path) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_engine(tmp_path, kinds={"ticks": ticks}) as bench:
            bench.start(1, kind="websocket")
            error = await bench.channel.terminal(1)
            assert bench.live_streams == 0
    assert (error["code"], error["phase"], error["retryable"]) == ("PROTOCOL", "policy", False)
    assert all(word in error["message"] for word in ('"websocket"', "http, ticks", "update it"))
    assert bench.upstream.requests == []
    assert [line["event"] for line in lines if line.get("stream") == 1] == ["error"]


@pytest.mark.parametrize("kind", ["", "k" * 33, 7, ["http"]], ids=["empty", "long", "number", "list"])
async def test_what_is_no_name_of_a_kind_is_refused(tmp_path: Path, kind: Any) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1, kind=kind)
        error = await bench.channel.terminal(1)
    assert (error["code"], "kind" in error["message"]) == ("PROTOCOL", True)
    assert bench.upstream.requests == []
