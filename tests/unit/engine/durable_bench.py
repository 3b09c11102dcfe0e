"""A daemon's engine in one process: real policy, HTTP client, store and disk; an upstream on loopback that counts.

Tabs come and go, each with a channel of its own in memory. What a tab reads is acknowledged as it comes, but for what
it is told to leave.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import orjson
import pybase64

from longwire.durable.store import Store
from longwire.engine.authorization import Authorizer
from longwire.engine.channel import Channel, ChannelLost
from longwire.engine.durable import DurableRequests, nowhere
from longwire.engine.engine import Engine, Service
from longwire.engine.exchange import Kind, Kinds
from longwire.engine.generation import Generation
from longwire.engine.http import Http
from longwire.engine.status import PolicyStatus
from longwire.engine.suspending import SuspensionKeeper
from longwire.policy import Locations, Suspensions
from longwire.policy.budget_files import BudgetFiles
from longwire.policy.budgets import Budgets
from longwire.policy.files import PolicyFiles
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.limits import PROTOCOL_VERSION, UPLOAD_CHUNK_BYTES
from longwire.turns import Turns
from longwire.upstream import UpstreamClient
from tests.patience import PATIENCE_S
from tests.unit.engine.harness import PAGE, TERMINALS, MemoryChannel
from tests.unit.policy.samples import owned_lstat
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Server

OTHER_PAGE = "http://localhost:5174"
DURABLE = 'durable = { max_bytes = "64MiB", keep = "1h", detached = "30m" }'
PROFILE = "profile-1"


def policy(server: "Feeds", durable: str = DURABLE, *, more: str = "", pages: str = f'"{PAGE}", "{OTHER_PAGE}"') -> str:
    """One grant for the test's pages and its server."""
    return f"""\
version = 1

[[grant]]
name = "test"
pages = [{pages}]
destinations = ["{server.server.url("/")}"]
methods = ["GET", "POST", "HEAD"]
network = "loopback"
{durable}
{more}
"""


class Feeds:
    """The upstream: each request is answered by what the test feeds it, chunked unless the head says otherwise."""

    def __init__(self) -> None:
        self.server = Server(self._answer)
        self.requests: list[tuple[str, str, bytes]] = []
        self.feeds: list[Feed] = []
        self._arrived = anyio.Event()

    async def _answer(self, request: Request) -> None:
        body = await request.body()
        feed = Feed(request)
        self.requests.append((request.method, request.target, body))
        self.feeds.append(feed)
        self._arrived.set()
        self._arrived = anyio.Event()
        try:
            await feed.run()
        except PeerGoneError:
            pass
        finally:
            feed.over.set()

    def url(self, target: str = "/") -> str:
        return self.server.url(target)

    async def feed(self, number: int = 0) -> "Feed":
        """The feed of a request, once it is there."""
        with anyio.fail_after(PATIENCE_S):
            while len(self.feeds) <= number:
                await self._arrived.wait()
        return self.feeds[number]


class Feed:
    """One response."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.over = anyio.Event()
        self.head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Shown: yes\r\nTransfer-Encoding: chunked\r\n\r\n"
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    def begin(self) -> "Feed":
        """The head alone."""
        self._pieces.put_nowait(b"")
        return self

    def send(self, *pieces: bytes) -> "Feed":
        for piece in pieces:
            self._pieces.put_nowait(b"%x\r\n%s\r\n" % (len(piece), piece))
        return self

    def end(self) -> None:
        self._pieces.put_nowait(b"0\r\n\r\n")

    def break_off(self) -> None:
        self._pieces.put_nowait(None)

    def answer(self, data: bytes) -> None:
        """All of it, with its own head. Before anything else."""
        self.head = b""
        self._pieces.put_nowait(data)
        self._pieces.put_nowait(None)

    async def run(self) -> None:
        """Until it ended, or the host has gone."""
        while (piece := await self._next()) is not None:
            await self.request.connection.send(self.head + piece)
            self.head = b""
            if piece == b"0\r\n\r\n":
                return
        self.request.connection.close()

    async def _next(self) -> bytes | None:
        """The next piece; None at a break, or when the host has gone."""
        waiting = asyncio.ensure_future(self._pieces.get())
        gone = asyncio.ensure_future(self.request.connection.gone.wait())
        await asyncio.wait([waiting, gone], return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not waiting.done():
            waiting.cancel()
            return None
        return waiting.result()


class TabChannel(MemoryChannel):
    """Acknowledges what comes, as a page does that reads: at most up to `limits` of a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[int, int] = {}
        self.consumed: dict[int, int] = {}
        self.bodies: dict[int, bytearray] = {}

    def _take(self, data: bytes) -> None:
        before = len(self.written)
        super()._take(data)
        for message in self.written[before:]:
            if message["type"] == "STREAM_CHUNK":
                body = self.bodies.setdefault(message["id"], bytearray())
                assert len(body) == message["offset"]
                body += message.pop("data")
                self.acknowledge(message["id"])

    def acknowledge(self, stream: int) -> None:
        """All that came, within the stream's limit."""
        consumed = min(len(self.bodies.get(stream, b"")), self.limits.get(stream, 2**53))
        if consumed > self.consumed.get(stream, 0):
            self.consumed[stream] = consumed
            self.send(type="STREAM_ACK", id=stream, consumed=consumed)


@dataclass
class Reading:
    """One stream of a tab."""

    tab: "Tab"
    id: int

    @property
    def body(self) -> bytes:
        return bytes(self.tab.channel.bodies.get(self.id, b""))

    async def head(self) -> dict[str, Any]:
        """STREAM_HEADERS."""
        return await self.tab.channel.message("STREAM_HEADERS", self.id)

    async def terminal(self) -> dict[str, Any]:
        """The last message."""
        return await self.tab.channel.terminal(self.id)

    async def until(self, size: int) -> bytes:
        """The body, once so many bytes are here."""
        await self.tab.channel.wait_for(
            lambda written: (
                len(self.body) >= size or any(m["type"] in TERMINALS and m["id"] == self.id for m in written)
            )
        )
        assert len(self.body) >= size, await self.terminal()
        return self.body

    async def detach(self, reason: str = "signal") -> None:
        """Abort, and wait until that is confirmed."""
        self.tab.channel.send(type="STREAM_ABORT", id=self.id, reason=reason)
        await self.terminal()

    def read_on(self, limit: int = 2**53) -> None:
        """Acknowledge what it left until now, up to `limit`."""
        self.tab.channel.limits[self.id] = limit
        self.tab.channel.acknowledge(self.id)


@dataclass
class Tab:
    """A page, with its channel."""

    daemon: "Daemon"
    channel: TabChannel
    service: Service
    facts: dict[str, Any]
    over: anyio.Event = field(default_factory=anyio.Event)
    ids: int = 0

    def ask(
        self,
        key: str | None = "answer",
        *,
        offset: int | None = None,
        body: bytes | None = None,
        body_kind: dict[str, Any] | None = None,
        limit: int | None = None,
        page: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Reading:
        """STREAM_START: POST with a body, else GET. `limit`: read no more than this."""
        self.ids += 1
        message: dict[str, Any] = {
            "type": "STREAM_START",
            "id": self.ids,
            "page": self.facts | (page or {}),
            "method": "GET" if body is None else "POST",
            "url": self.daemon.feeds.url("/"),
            "headers": [],
            "body": {"kind": "none"} if body is None else {"kind": "inline", "data": base64(body)},
            "redirect": "follow",
            "timeouts": {},
        }
        if key is not None:
            message["durable"] = {"key": key} | ({} if offset is None else {"offset": offset})
        if body_kind is not None:
            message["body"] = body_kind
        if limit is not None:
            self.channel.limits[self.ids] = limit
        self.channel.send(**(message | changes))
        return Reading(self, self.ids)

    async def upload(self, reading: Reading, body: bytes) -> None:
        """The request body of a `reading`, as fast as it may."""
        for at in range(0, len(body), UPLOAD_CHUNK_BYTES):
            piece = body[at : at + UPLOAD_CHUNK_BYTES]
            await self._upload_credit(reading.id, at + len(piece))
            self.channel.send(type="STREAM_BODY", id=reading.id, offset=at, data=base64(piece))

    async def _upload_credit(self, stream: int, end: int) -> None:
        def given(written: list[dict[str, Any]]) -> bool:
            acks = (m for m in written if m["type"] == "STREAM_BODY_ACK" and m["id"] == stream)
            return any(ack["consumed"] + ack["window"] >= end for ack in acks)

        await self.channel.wait_for(given)

    def desk(self, address: str = "longwire:durable", method: str = "GET", **changes: Any) -> Reading:
        """Ask the daemon itself."""
        return self.ask(None, kind="durable", url=address, method=method, **changes)

    async def list(self) -> list[dict[str, Any]]:
        """What `longwire.durable.list()` gives."""
        reading = self.desk()
        end = await reading.terminal()
        assert end["type"] == "STREAM_END", end
        listed: list[dict[str, Any]] = orjson.loads(reading.body)
        return listed


class JoinedChannel:
    """One end of a channel between two engines of this process. `other` is the other end."""

    def __init__(self) -> None:
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._lost = False
        self.other: JoinedChannel = self

    @classmethod
    def pair(cls) -> "tuple[JoinedChannel, JoinedChannel]":
        one, two = cls(), cls()
        one.other, two.other = two, one
        return one, two

    async def receive(self) -> bytes:
        return await self._incoming.get()

    async def hung_up(self) -> None:
        await anyio.sleep_forever()

    async def write(self, data: bytes) -> None:
        self.write_at_once(data)

    def write_at_once(self, data: bytes) -> int:
        if self._lost:
            raise ChannelLost("the other end is gone")
        self.other._incoming.put_nowait(data)
        return len(data)

    def close(self) -> None:
        """Both ends see it."""
        for end in (self, self.other):
            end._lost = True
            end._incoming.put_nowait(b"")


class Clock:
    """Both clocks of a daemon."""

    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Daemon:
    """What serves tabs."""

    feeds: Feeds
    requests: DurableRequests
    engine: Engine
    store: Store
    policy: LivePolicy
    policy_file: Path
    clock: Clock
    upstream: UpstreamClient

    @asynccontextmanager
    async def tab(self, **facts: Any) -> AsyncIterator[Tab]:
        """A tab that is closed at the end of the block, with its channel."""
        channel = TabChannel()
        page = {"origin": PAGE, "tab": 1, "frame": 0, "document": "d", "private": False, "profile": PROFILE} | facts
        tab = Tab(self, channel, Service(self.engine, channel), page)

        async def run() -> None:
            await tab.service.run()
            tab.over.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            channel.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="0.0.0")
            await channel.message("WELCOME")
            yield tab
            channel.close()
            with anyio.fail_after(PATIENCE_S):
                await tab.over.wait()

    async def turn(self, more_ms: int) -> None:
        """Let time pass, and the daemon see it."""
        self.clock.now_ms += more_ms
        await self.requests.tick()

    async def change_policy(self, text: str) -> None:
        """Write another policy, and have it believed."""
        seen = anyio.Event()
        unwatch = self.policy.watch(lambda _: seen.set())
        self.policy_file.write_text(text)
        self.policy.poke()
        with anyio.fail_after(PATIENCE_S):
            await seen.wait()
        unwatch()


@asynccontextmanager
async def running_daemon(
    folder: Path,
    feeds: Feeds,
    *,
    text: str | None = None,
    owner: str = "one",
    kinds: Callable[[Kinds], Kinds] = lambda kinds: kinds,
    elsewhere: Callable[[str], Awaitable[Channel | None]] = nowhere,
    clock: Clock | None = None,
) -> AsyncIterator[Daemon]:
    """A daemon until the end of the block. What ran then is unknown to the next."""
    policy_file = folder / "policy.toml"
    if text is not None or not policy_file.exists():
        policy_file.write_text(text or policy(feeds))
    places = PolicyFiles(Locations(administrator=folder / "etc" / "policy.toml", user=policy_file), lstat=owned_lstat())
    live = LivePolicy(places, settle_s=0)
    keeper = SuspensionKeeper(Suspensions())
    turns, clock = Turns(), clock or Clock()
    upstream, authorizer = UpstreamClient(turns=turns), Authorizer(live, keeper)
    inner: dict[str, Kind] = {
        "http": Http(upstream, authorizer),
        "generation": Generation(upstream, authorizer, Budgets(BudgetFiles(folder / "budgets")), turns=turns),
    }
    store = Store(folder / "durable", owner, now_ms=clock)
    requests = DurableRequests(
        kinds(inner), authorizer, live, store, turns=turns, elsewhere=elsewhere, now_ms=clock, moment_ms=clock
    )
    engine = Engine(requests.kinds, PolicyStatus(live, keeper), turns=turns, switched=requests.switched)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(requests.run)
            yield Daemon(feeds, requests, engine, store, live, policy_file, clock, upstream)
            tasks.cancel_scope.cancel()
    finally:
        store.close()
        authorizer.close()
        with anyio.CancelScope(shield=True):
            await upstream.aclose()


def base64(data: bytes) -> str:
    """As `data` of a message."""
    return pybase64.b64encode(data).decode()


async def eventually(condition: Callable[[], bool]) -> None:
    """Go round the loop until it is so: for what a thread does, and tells nobody."""
    with anyio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.005)
