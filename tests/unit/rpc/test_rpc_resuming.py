"""Over real sockets of `websockets`: what happens when a connection is lost, and made anew."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import websockets

from longwire.rpc import Peer, PeerOptions, Resumables, Retry, accept, connect
from longwire.rpc.messages import Hello
from tests.patience import PATIENCE_S
from tests.unit.rpc.pair import NOTHING, Source, all_of, failing, pair, settled, turns

pytestmark = pytest.mark.anyio

SOON = Retry(delay_s=0)


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


@dataclass
class Serving:
    """A server: its peers, and the connections that they had."""

    resumables: Resumables | None
    options: PeerOptions
    owner: str = "alice"
    url: str = ""
    connections: list[websockets.ServerConnection] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    accepted: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, connection: websockets.ServerConnection) -> None:
        self.connections.append(connection)
        peer = await accept(connection, self.options, resumables=self.resumables, owner=self.owner)
        if peer not in self.peers:
            self.peers.append(peer)
        async with self.accepted:
            self.accepted.notify_all()
        await peer.wait_closed()

    async def peer(self, number: int) -> Peer:
        async with self.accepted:
            await self.accepted.wait_for(lambda: len(self.peers) > number)
        return self.peers[number]

    def cut(self) -> None:
        """What is on its way is lost, and nobody says goodbye."""
        self.connections[-1].transport.abort()


@asynccontextmanager
async def serving(resumables: Resumables | None, options: PeerOptions | None = None) -> AsyncGenerator[Serving]:
    running = Serving(resumables, options or PeerOptions())
    async with asyncio.timeout(PATIENCE_S), websockets.serve(running.handle, "127.0.0.1", 0) as server:
        running.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"
        yield running


async def cutting(count: int, at: dict[int, Callable[[], None]]) -> AsyncIterator[int]:
    """So many numbers; before some of them something is done."""
    for number in range(count):
        if number in at:
            at[number]()
        yield number


async def test_streams_in_both_directions_go_on_over_the_next_connection_every_item_once() -> None:
    reconnected: list[bool] = []
    async with (
        serving(Resumables()) as server,
        connect(server.url, retry=SOON, on_reconnect=reconnected.append) as client,
    ):
        peer = await server.peer(0)
        _, there = peer.receive_stream("up", window=20_000)
        _, here = client.receive_stream("down", window=20_000)
        up = client.send_stream(cutting(3000, {700: server.cut}), "up")
        down = peer.send_stream(cutting(3000, {1900: server.cut}), "down")
        one, other = await asyncio.gather(all_of(there), all_of(here))
        assert one == other == list(range(3000))
        assert [await up, await down] == ["up", "down"]
        assert reconnected == [True, True]
        assert len(server.connections) == 3
        assert server.peers == [peer]
        assert [await settled(client), await settled(peer)] == [NOTHING, NOTHING]


async def test_where_the_server_keeps_nothing_streams_end_with_a_reason_and_the_peer_goes_on() -> None:
    reconnected: list[bool] = []
    async with (
        serving(None) as server,
        connect(server.url, retry=SOON, on_reconnect=reconnected.append) as client,
    ):
        first, source = await server.peer(0), Source()
        first.match(lambda _: asyncio.Event().wait())
        sent = client.send_stream(source.items(), "up")
        _, stream = client.receive_stream("down")
        asked = asyncio.create_task(client.request(1))
        _, there = first.receive_stream("up")
        await anext(there)
        server.cut()
        for error in (await failing(sent), await failing(anext(stream)), await failing(asked)):
            assert (error.code, error.close_code) == ("CONNECTION_CLOSED", 1006)
        await source.closed.wait()
        again = await server.peer(1)
        again.match(lambda data: data)
        assert await client.request("again") == "again"
        assert reconnected == [False]


async def test_who_is_somebody_else_does_not_get_the_streams_of_the_first() -> None:
    async with serving(Resumables()) as server, connect(server.url, retry=SOON) as client:
        first, source = await server.peer(0), Source()
        sent = first.send_stream(source.items(), "down")
        _, stream = client.receive_stream("down")
        await anext(stream)
        server.owner = "mallory"
        server.cut()

        async def to_the_end() -> None:
            await all_of(stream)

        error = await failing(to_the_end())
        assert (error.code, error.phase, error.retryable) == ("RESUME_FAILED", "resuming", True)
        assert await server.peer(1) is not first
        # Alice may still come back.
        assert not sent.done()
        await first.close()


async def test_a_server_keeps_nothing_of_a_client_that_left_in_order_nor_longer_than_it_says() -> None:
    resumables = Resumables()
    async with serving(resumables, PeerOptions(resume_timeout_s=0.05)) as server:
        async with connect(server.url, retry=SOON):
            first = await server.peer(0)
            assert len(resumables) == 1
        assert await first.wait_closed() == (1000, "")
        async with connect(server.url, retry=SOON) as client:
            peer, source = await server.peer(1), Source()
            sent = peer.send_stream(source.items(), "down")
            client.on_closed = lambda code, reason: False
            server.cut()
            error = await failing(sent)
            assert (error.code, error.phase) == ("CONNECTION_CLOSED", "resuming")
            await peer.wait_closed()
            await source.closed.wait()
            await turns()
            assert len(resumables) == 0


async def test_a_peer_that_was_closed_is_not_found_any_more() -> None:
    resumables = Resumables()
    async with pair(resumables=resumables) as (client, server, _):
        hello = Hello(client.core.token, 1, 1, deflate=False, resumable=True, resume=server.core.token)
        assert resumables.find(hello, None) is server
        server.lost(1000, "", final=True)  # and whoever forgets it has not had its turn yet
        assert resumables.find(hello, None) is None
