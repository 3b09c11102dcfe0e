"""The sockets that the demo's server opens: by the `websockets` library's client, and by longwire.rpc's."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from longwire import rpc
from longwire.demo import counting, talk
from longwire.demo.pages import socket_origin
from longwire.demo.server import LoopbackServer
from longwire.demo.upstream import Upstream
from longwire.rpc.peer import RECEIVE_WINDOW
from tests.unit.demo.demo_http import exchange, get

KEY = "lw-demo-0123456789abcdefghij"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
TOO_LARGE = 1024 * 1024 + 1


@contextlib.asynccontextmanager
async def talking(**options: str) -> AsyncIterator[ClientConnection]:
    """A socket that has been greeted. `options` are further header fields."""
    async with LoopbackServer(Upstream(KEY, size=1).handle) as server:
        url = socket_origin(server.origin) + talk.PATH
        async with connect(url, additional_headers={**AUTHORIZED, **options}) as socket:
            for greeting in talk.GREETINGS:
                assert await socket.recv() == greeting
            yield socket


async def test_each_message_is_answered_and_the_close_too() -> None:
    async with talking() as socket:
        await socket.send("naïve")
        assert await socket.recv() == "5 characters, backwards: evïan"
        await (await socket.ping())
        await socket.send(iter(["in ", "three ", "pieces"]))
        assert await socket.recv() == "15 characters, backwards: seceip eerht ni"
        await socket.close(4000, "bye")
        assert (socket.close_code, socket.close_reason) == (4000, "bye")


async def test_a_message_that_is_too_large_ends_the_socket() -> None:
    async with talking() as socket:
        await socket.send("x" * TOO_LARGE)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1009


async def test_without_the_key_there_is_no_socket() -> None:
    async with LoopbackServer(Upstream(KEY, size=1).handle) as server:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(socket_origin(server.origin) + talk.PATH):
                pass
        assert caught.value.response.status_code == 401


async def test_who_speaks_only_http_is_told_so() -> None:
    async with LoopbackServer(Upstream(KEY, size=1).handle) as server:
        answer = await exchange(server.port, get(talk.PATH, f"Authorization: Bearer {KEY}"))
    assert answer.split()[1] == b"426"
    assert b"Upgrade: websocket" in answer


async def test_a_stream_is_sent_as_far_as_it_is_read_and_others_to_their_end() -> None:
    async with LoopbackServer(Upstream(KEY, size=1, streams_bytes_per_s=1e12).handle) as server:
        url = socket_origin(server.origin) + counting.PATH
        async with rpc.connect(
            url, open_socket=lambda: connect(url, additional_headers=AUTHORIZED), retry=rpc.NO_RETRY
        ) as peer:
            ids, streams = zip(*(peer.receive_stream() for _ in range(4)), strict=True)
            for each in ids:
                assert await peer.request({"do": "count", "id": each}) == counting.ITEMS
            slow = streams[0]
            assert (await anext(slow))["number"] == 1
            for stream in streams[1:]:
                assert [item["number"] async for item in stream] == list(range(1, counting.ITEMS + 1))
            sent = await peer.request({"do": "sent", "id": ids[0]})
            assert 1 <= sent <= 2 + RECEIVE_WINDOW // counting.ITEM_BYTES
            assert await peer.request({"do": "sent", "id": "another"}) == 0
            with pytest.raises(rpc.RpcError, match="NO_ANSWER"):
                await peer.request({"do": "something else"})
            await slow.aclose()
