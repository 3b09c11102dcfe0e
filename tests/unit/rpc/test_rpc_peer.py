"""Peers over a connection in memory: what users are promised of streams, in Python."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from longwire.rpc import Peer, PeerOptions, RpcError, accept
from tests.patience import PATIENCE_S
from tests.unit.rpc.pair import NOTHING, Source, all_of, ends, failing, of, pair, settled, turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


async def test_items_of_every_kind_arrive_as_they_were_in_both_directions() -> None:
    items = [0, "text", None, {"deep": [True, "é😀", "\ud83d"]}, [], ""]
    async with pair() as (client, server, _):
        stream_id, there = server.receive_stream()
        back, here = client.receive_stream("back")
        sent = client.send_stream(of(*items), stream_id)
        echoed = server.send_stream([*items, b"\x00\xff", bytearray(b"x"), memoryview(b"y")], back)
        assert await all_of(there) == items
        assert await all_of(here) == [*items, b"\x00\xff", b"x", b"y"]
        assert [await sent, await echoed] == [stream_id, "back"]
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_what_is_received_with_a_large_window_before_there_is_a_connection_comes_whole() -> None:
    sockets = ends(1000)
    client = Peer(PeerOptions(), "connect", resumable=False)
    stream_id, items = client.receive_stream(window=1024 * 1024)
    client.attach(sockets[0])
    server = await accept(sockets[1])
    async with client, server, asyncio.timeout(PATIENCE_S):
        # More than a stream begins with, and less than the reader would say more credit for.
        sent = server.send_stream(["x" * 10_000] * 20, stream_id)
        assert len(await all_of(items)) == 20
        await sent


async def test_a_reader_that_does_not_read_stops_its_sender_and_nobody_else() -> None:
    async with pair() as (client, server, _):
        slow = Source()
        _, unread = server.receive_stream("slow", window=65_536)
        _, read = server.receive_stream("fast")
        client.send_stream(slow.items(), "slow")
        fast = client.send_stream(range(2000), "fast")
        assert len(await all_of(read)) == 2000
        await fast
        await turns(2000)
        given = slow.given
        assert 100 < given < 65_536 / 100
        await turns(500)
        assert slow.given == given
        for number in range(given):
            assert await anext(unread) == number
        await turns(500)
        assert slow.given > given


async def test_closing_the_reader_ends_the_iterator_on_the_other_side() -> None:
    async with pair() as (client, server, _):
        source = Source()
        _, there = server.receive_stream("a")
        sent = client.send_stream(source.items(), "a")
        async with aclosing(there):
            async for item in there:
                if item == 3:
                    break
        assert (await failing(sent)).code == "CANCELLED"
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_a_loop_that_is_left_ends_the_stream_when_nobody_has_it() -> None:
    async with pair() as (client, server, _):
        source = Source()
        client.send_stream(source.items(), "a")
        async for _item in server.receive_stream("a")[1]:
            break
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)


async def test_an_abort_ends_the_iterator_here_and_the_reader_there() -> None:
    async with pair() as (client, server, _):
        source = Source()
        _, there = server.receive_stream("a")
        sent = client.send_stream(source.items(), "a")
        await anext(there)
        client.abort_stream("a")
        assert (await failing(sent)).code == "ABORTED"
        assert (await failing(all_of(there))).code == "ABORTED"
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)


async def test_close_receiving_stream_ends_the_reader_in_order() -> None:
    async with pair() as (client, server, _):
        source = Source()
        _, there = server.receive_stream("a")
        client.send_stream(source.items(), "a")
        reading = asyncio.create_task(all_of(there))
        await turns()
        server.close_receiving_stream("a")
        assert await reading
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)


async def test_an_rpc_error_arrives_as_it_was_after_what_was_given() -> None:
    async def failing_source() -> AsyncIterator[int]:
        yield 1
        raise RpcError("QUOTA", "No more for today", name="QuotaError", retryable=True)

    async with pair() as (client, server, _):
        _, there = server.receive_stream("a")
        sent = client.send_stream(failing_source(), "a")
        assert await anext(there) == 1
        error = await failing(anext(there))
        assert (error.name, error.message, error.code, error.retryable) == (
            "QuotaError",
            "No more for today",
            "QUOTA",
            True,
        )
        assert (await failing(sent)).code == "QUOTA"


@pytest.mark.parametrize(("exposed", "message"), [(False, "The other side failed"), (True, "secret path")])
async def test_the_text_of_another_exception_stays_here(exposed: bool, message: str) -> None:
    async def at_once() -> AsyncIterator[int]:
        for text in ["secret path"]:
            raise LookupError(text)
        yield 1

    async with pair(PeerOptions(expose_errors=exposed)) as (client, server, sockets):
        _, there = server.receive_stream("a")
        sent = client.send_stream(at_once(), "a")
        error = await failing(anext(there))
        assert (error.name, error.message) == ("LookupError", message)
        assert isinstance((await failing(sent)).__cause__, LookupError)
        assert exposed or not any("secret" in str(each) for each in sockets[0].sent)


@pytest.mark.parametrize(
    "item",
    [object(), {1, 2}, float("nan"), {"deep": float("inf")}, {(1, 2): 3}],
    ids=["object", "set", "nan", "inf", "key"],
)
async def test_a_payload_that_is_no_json_ends_the_stream_on_both_sides(item: object) -> None:
    async with pair() as (client, server, _):
        _, there = server.receive_stream("a")
        sent = client.send_stream(of(1, item, 3), "a")
        assert await anext(there) == 1
        assert (await failing(anext(there))).code == "BAD_PAYLOAD"
        assert (await failing(sent)).code == "BAD_PAYLOAD"


async def test_a_payload_nested_too_deeply_is_none() -> None:
    deep: list[Any] = []
    for _ in range(200_000):
        deep = [deep]
    async with pair() as (client, server, _):
        _, there = server.receive_stream("a")
        client.send_stream(of(deep), "a")
        assert (await failing(anext(there))).code == "BAD_PAYLOAD"


async def test_a_used_iterator_an_id_in_use_and_what_cannot_be_iterated() -> None:
    async with pair() as (client, _, _):
        items, ended, generator = of(1), of(), (each for each in [1])
        client.send_stream(items, "a")
        client.send_stream(generator, "g")
        await all_of(ended)
        for used in (items, ended, generator):
            with pytest.raises(RpcError, match="ITERATOR_USED"):
                client.send_stream(used, "b")
        with pytest.raises(RpcError, match="STREAM_ID_IN_USE"):
            client.send_stream(of(2), "a")
        no: Any
        for no in (None, 1, "text", b"bytes", {"a": 1}):
            with pytest.raises(TypeError):
                client.send_stream(no, "c")
        for bad in ("", "x" * 257, "😀" * 129):
            with pytest.raises(ValueError, match="stream_id"):
                client.send_stream(of(1), bad)
        held = client.receive_stream("a")
        with pytest.raises(RpcError, match="STREAM_ID_IN_USE"):
            client.receive_stream("a")
        await held[1].aclose()


async def test_what_raises_before_there_is_an_iterator_is_the_callers_and_one_that_cannot_go_on_ends_its_stream() -> (
    None
):
    class Never:
        def __aiter__(self) -> AsyncIterator[int]:
            raise LookupError("no iterator")

    class Bad:
        def __aiter__(self) -> "Bad":
            return self

        def __anext__(self) -> int:
            raise LookupError("not even a first")

    async with pair() as (client, server, _):
        never: Any = Never()
        with pytest.raises(LookupError, match="no iterator"):
            client.send_stream(never, "a")
        assert client.counts["outgoing"] == 0
        bad: Any = Bad()
        _, there = server.receive_stream("a")
        sent = await failing(client.send_stream(bad, "a"))
        assert isinstance(sent.__cause__, LookupError)
        assert (await failing(anext(there))).code == "FAILED"
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_what_nobody_receives_ends_with_unclaimed_and_its_iterator() -> None:
    told: list[tuple[str, str | None]] = []
    options = PeerOptions(unclaimed_timeout_s=0.05, on_warning=lambda error, stream: told.append((error.code, stream)))
    async with pair(server=options) as (client, server, _):
        source = Source()
        assert (await failing(client.send_stream(source.items(), "lost"))).code == "UNCLAIMED"
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)
        assert told == [("UNCLAIMED", "lost")]
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_what_comes_before_receive_stream_is_read_from_the_first() -> None:
    async with pair() as (client, server, _):
        source = Source()
        client.send_stream(source.items(), "early")
        await turns(3000)
        given = source.given
        await turns(200)
        assert source.given == given
        assert 60_000 < server.counts["unclaimed_bytes"] < 70_000
        _, there = server.receive_stream("early")
        assert [await anext(there) for _ in range(given + 50)] == list(range(given + 50))
        await there.aclose()


async def test_an_item_larger_than_the_other_side_takes_ends_its_stream_only() -> None:
    async with pair(server=PeerOptions(max_message_bytes=10_000)) as (client, server, _):
        _, there = server.receive_stream("big")
        sent = client.send_stream(of("x" * 20_000), "big")
        assert (await failing(anext(there))).code == "TOO_LARGE"
        assert (await failing(sent)).code == "TOO_LARGE"
        _, small = server.receive_stream("small")
        client.send_stream(of(1), "small")
        assert await all_of(small) == [1]


async def test_what_compresses_goes_deflated_and_batches_go_as_one() -> None:
    async with pair() as (client, server, sockets):
        _, there = server.receive_stream("a")
        text = "the same again and again, " * 4000
        client.send_stream(of(text, *range(250)), "a", batch=(100, 60))
        assert await all_of(there) == [text, *range(250)]
        sizes = [len(message) for message in sockets[0].sent]
        assert max(sizes) < 10_000
        assert len(sizes) < 10
