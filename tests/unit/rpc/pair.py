"""Two peers over a connection in memory, which a test can cut and hold."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from longwire.rpc import Peer, PeerOptions, Resumables, RpcError, SocketClosed, accept

NOTHING = {"outgoing": 0, "incoming": 0, "requests": 0, "unclaimed_bytes": 0, "closed_ids": 0}


class End:
    """One end: messages in order, at most `room` of them on their way."""

    def __init__(self, room: int = 16) -> None:
        self.inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue(room)
        self.other: End
        self.sent: list[str | bytes] = []
        self.closed: tuple[int, str] | None = None
        self._over = asyncio.Event()

    async def receive(self) -> str | bytes:
        """What comes next."""
        waits = [asyncio.ensure_future(self.inbox.get()), asyncio.ensure_future(self._over.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[0].done() and not waits[0].cancelled():
                data = waits[0].result()
                assert isinstance(data, str | bytes)
                return data
        finally:
            for wait in waits:
                wait.cancel()
        raise SocketClosed(*(self.closed or (1006, "")))

    async def send(self, data: str | bytes) -> None:
        """Wait for room."""
        if self.closed is not None:
            raise SocketClosed(*self.closed)
        self.sent.append(data)
        await self.other.inbox.put(data)

    async def close(self, code: int, reason: str) -> None:
        """For both."""
        self.cut(code, reason)

    def cut(self, code: int = 1006, reason: str = "") -> None:
        """What is on its way is lost."""
        for end in (self, self.other):
            end.closed = end.closed or (code, reason)
            end._over.set()


def ends(room: int = 16) -> tuple[End, End]:
    """A connection."""
    one, other = End(room), End(room)
    one.other, other.other = other, one
    return one, other


@dataclass
class Source:
    """An endless source that says how it is used."""

    given: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def items(self) -> AsyncIterator[int]:
        try:
            while True:
                yield self.given
                self.given += 1
        finally:
            await asyncio.sleep(0)  # as a connection does that goes back to its pool
            self.closed.set()


@asynccontextmanager
async def pair(
    options: PeerOptions | None = None, server: PeerOptions | None = None, resumables: Resumables | None = None
) -> AsyncGenerator[tuple[Peer, Peer, tuple[End, End]], None]:
    """Client, server, and the connection between them."""
    sockets = ends()
    client = Peer(options or PeerOptions(), "connect", resumable=False)
    client.attach(sockets[0])
    accepted = await accept(sockets[1], server, resumables=resumables)
    await client.opened()
    async with client, accepted:
        yield client, accepted, sockets


async def of(*items: Any) -> AsyncIterator[Any]:
    """A finite source."""
    for item in items:
        yield item


async def all_of(stream: AsyncIterator[Any]) -> list[Any]:
    """Every item."""
    return [item async for item in stream]


async def turns(count: int = 50) -> None:
    """Of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def failing(awaitable: Any) -> RpcError:
    """What it fails with."""
    try:
        result = await awaitable
    except RpcError as error:
        return error
    raise AssertionError(f"nothing failed: {result!r}")


async def settled(peer: Peer) -> dict[str, int]:
    """What is left once the last words have crossed."""
    await turns(200)
    return peer.counts
