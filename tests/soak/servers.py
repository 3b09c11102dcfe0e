"""The servers of a run: the pages' own, and the one that the host talks to, which knows what it sent and took."""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self

from tests.soak.tab import Tab
from tests.upstreams import bodies, coded, faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.site import Site

BLOCK = 1 << 20
_TICK_S = 0.5
_SIP_S = 0.05
# What the kernel holds of an aborted upload is sipped before its end is seen: by default that is megabytes.
_RECEIVE_BUFFER = 256 * 1024
_PIECE = 65536
_HTML = "<!doctype html><title>soak</title><script src='/page.js'></script>"


class Chain:
    """Digest of any amount of bytes; `Chain` of page.js is the same and says how."""

    def __init__(self) -> None:
        self._block = bytearray()
        self._link = bytes(32)
        self.total = 0

    def add(self, data: bytes) -> None:
        """More bytes."""
        self.total += len(data)
        self._block += data
        while len(self._block) >= BLOCK:
            self._flush(bytes(self._block[:BLOCK]))
            del self._block[:BLOCK]

    def _flush(self, block: bytes) -> None:
        self._link = hashlib.sha256(self._link + hashlib.sha256(block).digest()).digest()

    @property
    def hex(self) -> str:
        """Of all bytes so far."""
        if not self._block:
            return self._link.hex()
        return hashlib.sha256(self._link + hashlib.sha256(self._block).digest()).hexdigest()


class Upstream:
    """What the host talks to. Every URL has a `key`, under which `sent`, `taken` and `open` tell of it."""

    def __init__(self) -> None:
        self.sent: dict[str, Chain] = {}
        self.taken: dict[str, Chain] = {}
        self._open: Counter[str] = Counter()
        self._closed = asyncio.Event()

    def routes(self) -> Routes:
        """
        /bytes?key&size&framing   /coded?key&size&coding   /events?key&count&per_second
        /silent?key&seconds       /late?key&seconds        /endless?key
        /take?key                 /hold?key                /status?key&status     /fault/NAME?key
        """
        return Routes(
            {
                "/bytes": self._bytes,
                "/coded": self._coded,
                "/events": self._events,
                "/silent": self._silent,
                "/late": self._late,
                "/endless": self._endless,
                "/take": self._take,
                "/hold": self._hold,
                "/status": self._status,
                **{f"/fault/{name}": handler for name, handler in faults.NAMED.items()},
            }
        )

    async def released(self, key: str, timeout_s: float) -> bool:
        """Whether nothing is open under `key` within that time."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._open[key]:
                    await self._closed.wait()
        except TimeoutError:
            return False
        return True

    async def opened(self, key: str, timeout_s: float) -> bool:
        """Whether a request came under `key` within that time."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._open[key]:
                    await self._closed.wait()
        except TimeoutError:
            return False
        return True

    @contextmanager
    def _during(self, request: Request) -> Iterator[str]:
        key = request.query["key"]
        self._open[key] += 1
        self._note()
        try:
            yield key
        finally:
            self._open[key] -= 1
            self._note()

    def _note(self) -> None:
        self._closed.set()
        self._closed = asyncio.Event()

    async def _endless(self, request: Request) -> None:
        with self._during(request):
            await bodies.endless(request)

    async def _events(self, request: Request) -> None:
        query = request.query
        pause_s = 1 / float(query["per_second"])
        connection = request.connection
        with self._during(request) as key:
            chain = self.sent[key] = Chain()
            fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
            await connection.send(bodies.head(200, fields))
            began = time.monotonic()
            for number in range(int(query["count"])):
                if await _gone(request, max(0.0, began + number * pause_s - time.monotonic())):
                    return
                event = b"id: %d\ndata: one of many\n\n" % number
                chain.add(event)
                await connection.send(bodies.chunk(event))
            await connection.send(b"0\r\n\r\n")

    async def _bytes(self, request: Request) -> None:
        query = request.query
        size = int(query["size"])
        with self._during(request) as key:
            chain = self.sent[key] = Chain()

            async def pieces() -> AsyncIterator[bytes]:
                for block in bodies.seeded(key, size):
                    chain.add(block)
                    for start in range(0, len(block), _PIECE):
                        yield block[start : start + _PIECE]

            framing = bodies.FRAMINGS[query.get("framing", "length")]
            await bodies.stream(request.connection, pieces(), framing=framing, size=size)

    async def _coded(self, request: Request) -> None:
        query = request.query
        with self._during(request) as key:
            # Text of an event stream, about: it packs some five to one.
            block = b"".join(b'data: {"n":%d,"text":"%b"}\n\n' % (n, key.encode()) for n in range(int(query["lines"])))
            chain = self.sent[key] = Chain()
            chain.add(block)
            data, encoding = coded.encode(block, [query["coding"]])
            await bodies.respond(request.connection, data, headers=[("Content-Encoding", encoding)])

    async def _silent(self, request: Request) -> None:
        connection = request.connection
        with self._during(request):
            fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
            await connection.send(bodies.head(200, fields) + bodies.chunk(b"data: before\n\n"))
            if not await _gone(request, float(request.query["seconds"])):
                await connection.send(bodies.chunk(b"data: after\n\n") + b"0\r\n\r\n")

    async def _late(self, request: Request) -> None:
        await request.body()
        with self._during(request):
            if not await _gone(request, float(request.query["seconds"])):
                await bodies.respond(request.connection, b"at last")

    async def _take(self, request: Request) -> None:
        with self._during(request) as key:
            chain = self.taken[key] = Chain()
            async for piece in request.pieces():
                chain.add(piece)
            await bodies.respond(request.connection, b"taken")

    async def _hold(self, request: Request) -> None:
        """Takes a body slowly, and never answers, until the other side goes."""
        with self._during(request):
            request.connection.keep_alive = False
            # A server that reads nothing at all cannot see that the other side went.
            async for _ in request.pieces():
                await asyncio.sleep(_SIP_S)
            await request.connection.gone.wait()

    async def _status(self, request: Request) -> None:
        await request.body()
        with self._during(request):
            await bodies.respond(request.connection, b"no", status=int(request.query["status"]))


async def _gone(request: Request, seconds: float) -> bool:
    """Wait that long; true if the peer went before."""
    try:
        await asyncio.wait_for(request.connection.gone.wait(), seconds)
    except TimeoutError:
        return False
    return True


class Servers:
    """All of a run. `busy` and `long` are on different sites, so that each has a renderer of its own."""

    def __init__(self) -> None:
        self.upstream = Upstream()
        self.busy = Tab("busy")
        self.long = Tab("long")
        self._upstream_server: Server
        self._pages: dict[str, Server] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Self]:
        """Started; ends with the block."""
        servers = cls()
        async with AsyncExitStack() as stack:
            upstream = Server(servers.upstream.routes(), receive_buffer=_RECEIVE_BUFFER)
            servers._upstream_server = await stack.enter_async_context(upstream)
            for tab, name in ((servers.busy, "localhost"), (servers.long, "127.0.0.1")):
                server = Server(_page_routes(tab), name=name)
                servers._pages[tab.name] = await stack.enter_async_context(server)
            yield servers

    def url(self, target: str) -> str:
        """Of the upstream."""
        return self._upstream_server.url(target)

    def page(self, tab: Tab) -> str:
        """Where a tab lives."""
        return self._pages[tab.name].url(f"/?tab={tab.name}")


def _page_routes(tab: Tab) -> Routes:
    site = Site({"/": _HTML, "/page.js": (Path(__file__).parent / "page.js").read_text()})
    return Routes(
        {
            "/": site,
            "/hello": tab.take_hello,
            "/order": tab.give_order,
            "/report": tab.take_report,
            "/tick": _tick,
            "/wait": _wait,
        }
    )


async def _tick(request: Request) -> None:
    await request.body()
    await asyncio.sleep(_TICK_S)
    await bodies.respond(request.connection, b"")


async def _wait(request: Request) -> None:
    await asyncio.sleep(json.loads(await request.body())["ms"] / 1000)
    await bodies.respond(request.connection, b"")
