"""A server of the Durable Streams protocol whose reading half is ours: for the protocol's own conformance tests.

Those make a stream, append to it and close it by requests, which no page can do here. So the bridge does: a stream is a
durable request whose upstream says what is appended. GET and HEAD go to the daemon as a page's `longwire.durable.fetch`
sends them, and its answers go back as they are.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import anyio

from longwire.durable.record import Key
from tests.unit.engine.durable_bench import (
    DURABLE,
    PROFILE,
    Daemon,
    Feed,
    Feeds,
    Reading,
    Tab,
    eventually,
    policy,
    running_daemon,
)
from tests.unit.engine.harness import TERMINALS
from tests.upstreams import bodies
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Server

# A page may have 256 requests.
_OF_A_PAGE = 200
_PAGES = [f"http://localhost:{port}" for port in range(6000, 6010)]
_DEFAULT_TYPE = "application/octet-stream"
# What goes with a body, and is the bridge's own.
_CHUNKED = ("transfer-encoding", "chunked")


@dataclass
class _Stream:
    """One that was made."""

    origin: str
    key: str
    content_type: str
    feed: Feed
    appended: int = 0
    closed: bool = False


class NamedFeeds(Feeds):
    """By target, however many begin at once."""

    def __init__(self) -> None:
        super().__init__()
        self.by_target: dict[str, Feed] = {}

    async def _answer(self, request: Request) -> None:
        feed = self.by_target[request.target] = Feed(request)
        try:
            await feed.run()
        except PeerGoneError:
            pass
        finally:
            feed.over.set()


def bridge_policy(feeds: Feeds) -> str:
    """For as many streams as the tests make."""
    pages = ", ".join(f'"{page}"' for page in _PAGES)
    return policy(feeds, DURABLE.replace("64MiB", "512MiB"), pages=pages)


class Bridge:
    """A `Handler`."""

    def __init__(self, daemon: Daemon, feeds: NamedFeeds) -> None:
        self._daemon = daemon
        self._feeds = feeds
        self._streams: dict[str, _Stream] = {}
        self._made = 0

    async def __call__(self, request: Request) -> None:
        try:
            await self._carry(request)
        except BaseExceptionGroup as group:
            # A client that goes away in the middle of an answer.
            if group.split(PeerGoneError)[1] is not None:
                raise
            raise PeerGoneError from None

    async def _carry(self, request: Request) -> None:
        stream = self._streams.get(request.path)
        match request.method:
            case "PUT":
                await self._put(request)
            case "GET" | "HEAD":
                await self._read(request, stream)
            case _ if stream is None:
                await request.body()
                await _answer(request, 404)
            case "POST":
                await self._append(stream, await request.body(), closes=_closes(request))
                await _answer(request, 204, _told(stream))
            case "DELETE":
                del self._streams[request.path]
                async with self._daemon.tab(origin=stream.origin) as tab:
                    await tab.desk(_address(stream.key), "DELETE").terminal()
                await _answer(request, 204)

    async def _put(self, request: Request) -> None:
        body = await request.body()
        if request.path in self._streams:
            await _answer(request, 200, _told(self._streams[request.path]))
            return
        number = self._made
        self._made += 1
        target, key, origin = f"/{number}", f"{number} {request.path}"[:128], _PAGES[number // _OF_A_PAGE]
        content_type = request.header("content-type") or _DEFAULT_TYPE
        async with self._daemon.tab(origin=origin) as tab:
            reading = tab.ask(key, url=self._feeds.url(target))
            await eventually(lambda: target in self._feeds.by_target)
            feed = self._feeds.by_target[target]
            head = [("Content-Type", content_type), ("Transfer-Encoding", "chunked")]
            feed.head = bodies.head(200, head)
            feed.begin()
            await reading.head()
        stream = self._streams[request.path] = _Stream(origin, key, content_type, feed)
        await self._append(stream, body, closes=_closes(request))
        location = ("location", f"http://{request.header('host')}{request.path}")
        await _answer(request, 201, [*_told(stream), location])

    async def _append(self, stream: _Stream, body: bytes, *, closes: bool) -> None:
        """It is there for readers when this returns."""
        found = self._daemon.requests.get(Key(PROFILE, stream.origin, stream.key))
        assert found is not None
        if body:
            stream.appended += len(body)
            stream.feed.send(body)
        if closes:
            stream.closed = True
            stream.feed.end()
        await eventually(lambda: found.end >= stream.appended and found.running is not stream.closed)

    async def _read(self, request: Request, stream: _Stream | None) -> None:
        await request.body()
        origin, key = (_PAGES[0], "none") if stream is None else (stream.origin, stream.key)
        _, _, query = request.target.partition("?")
        address = _address(key) + (f"?{query}" if query else "")
        connection = request.connection
        async with self._daemon.tab(origin=origin) as tab:
            headers = [(name, value) for name, value in request.headers if name.lower() == "if-none-match"]
            reading = tab.desk(address, request.method, headers=headers)
            head = await reading.head()
            pairs = [(name, value) for name, value in head["headers"]]
            if request.method == "HEAD" or head["status"] in (204, 304):
                await connection.send(bodies.head(head["status"], pairs))
                return
            await connection.send(bodies.head(head["status"], [*pairs, _CHUNKED]))
            sent = 0
            while True:
                over = _is_over(tab)
                if piece := reading.body[sent:]:
                    sent += len(piece)
                    await connection.send(bodies.chunk(piece))
                elif over:
                    break
                else:
                    await _first_of(partial(_more, tab, reading, sent), connection.gone.wait)
                    if connection.gone.is_set():
                        return
            await connection.send(b"0\r\n\r\n")


async def _first_of(*waits: Callable[[], Awaitable[object]]) -> None:
    """Wait for one of them."""
    async with anyio.create_task_group() as tasks:

        async def wait(what: Callable[[], Awaitable[object]]) -> None:
            await what()
            tasks.cancel_scope.cancel()

        for each in waits:
            tasks.start_soon(wait, each)


async def _more(tab: Tab, reading: Reading, sent: int) -> None:
    """Wait until there is more than was sent, or it is over."""
    await tab.channel.wait_for(lambda _: len(reading.body) > sent or _is_over(tab))


def _is_over(tab: Tab) -> bool:
    return any(message["type"] in TERMINALS for message in tab.channel.written)


def _address(key: str) -> str:
    return f"longwire:durable/{quote(key, safe='')}"


def _closes(request: Request) -> bool:
    return (request.header("stream-closed") or "").lower() == "true"


def _told(stream: _Stream) -> list[tuple[str, str]]:
    """What the protocol wants with what makes a stream or adds to it: the bridge's own word."""
    closed = [("stream-closed", "true")] if stream.closed else []
    return [("stream-next-offset", f"{stream.appended:016}"), ("content-type", stream.content_type), *closed]


async def _answer(request: Request, status: int, headers: Sequence[tuple[str, str]] = ()) -> None:
    length = [] if status == 204 else [("content-length", "0")]
    await request.connection.send(bodies.head(status, [*headers, *length]))


@asynccontextmanager
async def running_bridge(folder: Path) -> AsyncIterator[str]:
    """Its URL, without a slash behind it."""
    feeds = NamedFeeds()
    async with (
        feeds.server,
        running_daemon(folder, feeds, text=bridge_policy(feeds)) as daemon,
        Server(Bridge(daemon, feeds)) as server,
    ):
        yield server.url("")
