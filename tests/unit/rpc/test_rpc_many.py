"""Many streams, one after the other and at once: nothing of them is left."""

import asyncio
import gc
import tracemalloc

import pytest

from longwire.rpc import PeerOptions
from tests.unit.rpc.pair import NOTHING, Source, all_of, of, pair, turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


@pytest.mark.parametrize("count", [pytest.param(10_000, marks=pytest.mark.long), 1000])
async def test_streams_one_after_the_other_leave_nothing(count: int) -> None:
    async with pair() as (client, server, sockets):

        async def one(number: int) -> None:
            _, there = server.receive_stream(f"s{number}")
            if number % 30 == 0:
                sent = client.send_stream(Source().items(), f"s{number}")
                await anext(there)
                await there.aclose()
                await asyncio.wait([sent])
            else:
                client.send_stream(of(1, b"2", "x" * 2000), f"s{number}")
                assert len(await all_of(there)) == 3

        async def some() -> int:
            for number in range(count // 10):
                await one(number)
            await turns()
            for socket in sockets:
                socket.sent.clear()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            await some()
            figures = [await some() for _ in range(9)]
        finally:
            tracemalloc.stop()
        assert [client.counts, server.counts] == [NOTHING, NOTHING]
        # Were but an id kept of each, it would be 50 bytes. What comes and goes by itself is some ten KiB.
        assert figures[-1] - figures[0] < 64 * 1024 + 40 * count * 0.8


@pytest.mark.long
async def test_ten_thousand_at_once() -> None:
    options = PeerOptions(max_streams=10_000)
    async with pair(options, options) as (client, server, _):
        streams = [server.receive_stream()[:2] for _ in range(10_000)]
        sent = [client.send_stream(of(1, 2), stream_id) for stream_id, _ in streams]
        got = await asyncio.gather(*(all_of(stream) for _, stream in streams))
        assert got == [[1, 2]] * 10_000
        await asyncio.gather(*sent)
        await turns()
        assert [client.counts, server.counts] == [NOTHING, NOTHING]
