"""A whole host in one process: real engine, policy and frames; the channel is memory, the upstream is scripted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import orjson
import pybase64

from longwire.engine.authorization import Authorizer
from longwire.engine.engine import Engine, Service
from longwire.engine.exchange import Kind
from longwire.engine.http import Http
from longwire.engine.status import PolicyStatus
from longwire.engine.suspending import SuspensionKeeper
from longwire.policy import Locations, Suspensions
from longwire.policy.files import PolicyFiles
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.frames import FrameDecoder, frame
from longwire.protocol.limits import MAX_FRAME_TO_BROWSER, PROTOCOL_VERSION
from longwire.protocol.records import Completeness
from longwire.streams.connection import Connection
from longwire.upstream.model import Timings, UpstreamRequest, UpstreamResponse
from tests.patience import PATIENCE_S
from tests.unit.policy.samples import owned_lstat

PAGE = "http://localhost:5173"
TERMINALS = frozenset({"STREAM_END", "STREAM_ERROR", "STREAM_ABORTED"})
POLICY = f"""\
version = 1

[[grant]]
name = "test"
pages = ["{PAGE}"]
destinations = ["http://upstream.test/"]
methods = ["GET", "POST", "HEAD"]
network = "loopback"
"""


class MemoryChannel:
    """A channel whose far end is the test. `gate` closed means a browser that does not read."""

    def __init__(self) -> None:
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self.written: list[dict[str, Any]] = []
        self.gate = anyio.Event()
        self.gate.set()
        self._decoder = FrameDecoder(MAX_FRAME_TO_BROWSER)
        self._changed = anyio.Event()

    async def receive(self) -> bytes:
        return await self._incoming.get()

    async def hung_up(self) -> None:
        await anyio.sleep_forever()

    async def write(self, data: bytes) -> None:
        await self.gate.wait()
        self._take(data)

    def write_at_once(self, data: bytes) -> int:
        if not self.gate.is_set():
            return 0
        self._take(data)
        return len(data)

    def _take(self, data: bytes) -> None:
        for payload in self._decoder.feed(data):
            message = orjson.loads(payload)
            if message["type"] == "STREAM_CHUNK":
                message["data"] = pybase64.b64decode(message["data"])
            self.written.append(message)
        self._changed.set()
        self._changed = anyio.Event()

    # --- the far end -------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Raw bytes to the host."""
        self._incoming.put_nowait(data)

    def send(self, **message: Any) -> None:
        """One message to the host."""
        self.feed(frame(orjson.dumps(message)))

    @property
    def unread(self) -> int:
        """Pieces that the host has not taken yet."""
        return self._incoming.qsize()

    def close(self) -> None:
        """End of input."""
        self.feed(b"")

    async def wait_for(self, condition: Callable[[list[dict[str, Any]]], Any]) -> Any:
        """Wait until `condition` of everything written is true; returns its value."""
        with anyio.fail_after(PATIENCE_S):
            while not (value := condition(self.written)):
                await self._changed.wait()
            return value

    async def message(self, kind: str, stream_id: int | None = None) -> dict[str, Any]:
        """The first message of this type (and stream), waiting for it."""

        def found(written: list[dict[str, Any]]) -> dict[str, Any] | None:
            for message in written:
                if message["type"] == kind and stream_id in (None, message.get("id")):
                    return message
            return None

        result: dict[str, Any] = await self.wait_for(found)
        return result

    async def terminal(self, stream_id: int) -> dict[str, Any]:
        """The stream's terminal frame, waiting for it."""
        result: dict[str, Any] = await self.wait_for(
            lambda written: next((m for m in written if m["type"] in TERMINALS and m["id"] == stream_id), None)
        )
        return result

    def of_stream(self, stream_id: int) -> list[dict[str, Any]]:
        """Everything written for one stream."""
        return [message for message in self.written if message.get("id") == stream_id]


@dataclass
class ScriptedResponse:
    """An upstream response that the test feeds. Bytes, an exception, or None for the end."""

    status: int = 200
    reason: str = "OK"
    headers: list[tuple[str, str]] = field(default_factory=lambda: [("content-type", "text/plain")])
    url: str = "http://upstream.test/"
    redirected: bool = False
    completeness: Completeness = Completeness.CHUNKED
    sent_bytes: int = 0
    uploading: bool = False
    wire_bytes: int = 0
    closed: bool = False
    reads: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._items: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self._rest = b""
        self.timings = Timings(connected_at=None, headers_at=anyio.current_time())

    def feed(self, *items: bytes | Exception | None) -> None:
        for item in items:
            self._items.put_nowait(item)

    async def read(self, max_bytes: int) -> bytes:
        assert max_bytes > 0
        self.reads.append(max_bytes)
        if not self._rest:
            item = await self._items.get()
            if isinstance(item, Exception):
                raise item
            self._rest = item or b""
        piece, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        return piece

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed = True


class ScriptedUpstream:
    """Answers each request as `answer` says; remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[UpstreamRequest] = []
        self.responses: list[ScriptedResponse] = []
        self.answer: Callable[[UpstreamRequest], Any] = self._respond
        self.cancelled = 0

    async def _respond(self, _: UpstreamRequest) -> UpstreamResponse:
        response = ScriptedResponse()
        self.responses.append(response)
        return response

    async def open(self, request: UpstreamRequest) -> UpstreamResponse:
        self.requests.append(request)
        try:
            response: UpstreamResponse = await self.answer(request)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        return response

    async def aclose(self) -> None:
        pass


@dataclass
class Bench:
    """A running engine, its two ends, and what it was made of. `service` is what serves `channel`."""

    channel: MemoryChannel
    upstream: ScriptedUpstream
    policy: LivePolicy
    authorizer: Authorizer
    engine: Engine
    service: Service
    policy_file: Path
    over: anyio.Event = field(default_factory=anyio.Event)

    @property
    def connection(self) -> Connection:
        return self.service.connection

    def hello(self, **changes: Any) -> None:
        hello = {"type": "HELLO", "protocol": PROTOCOL_VERSION, "extension": "0.0.0"}
        self.channel.send(**(hello | changes))

    def start(self, stream_id: int, **changes: Any) -> None:
        """STREAM_START of a plain GET by the granted page; `changes` replace fields."""
        message: dict[str, Any] = {
            "type": "STREAM_START",
            "id": stream_id,
            "page": page_facts(),
            "method": "GET",
            "url": "http://upstream.test/",
            "headers": [],
            "body": {"kind": "none"},
            "redirect": "follow",
            "timeouts": {},
        }
        self.channel.send(**(message | changes))

    @asynccontextmanager
    async def another_channel(self) -> AsyncIterator["Bench"]:
        """The same engine with another channel, which ends with the block."""
        channel = MemoryChannel()
        bench = replace(self, channel=channel, service=Service(self.engine, channel), over=anyio.Event())
        async with bench._running():
            yield bench

    @asynccontextmanager
    async def _running(self, *, greeted: bool = True) -> AsyncIterator[None]:
        async def run() -> None:
            await self.service.run()
            self.over.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            if greeted:
                self.hello()
                await self.channel.message("WELCOME")
            yield
            self.channel.close()
            with anyio.fail_after(PATIENCE_S):
                await self.over.wait()

    async def response(self, stream_id: int) -> ScriptedResponse:
        """The scripted response of the latest started stream, once its headers are out."""
        await self.channel.message("STREAM_HEADERS", stream_id)
        return self.upstream.responses[-1]

    @property
    def live_streams(self) -> int:
        return self.connection.streams


def page_facts(**changes: Any) -> dict[str, Any]:
    """The granted page, as the worker stamps it; `changes` replace fields."""
    return {"origin": PAGE, "tab": 1, "frame": 0, "document": "d", "private": False} | changes


@asynccontextmanager
async def running_engine(
    folder: Path,
    *,
    greeted: bool = True,
    policy: str = POLICY,
    administrator: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> AsyncIterator[Bench]:
    """An engine that runs until the block ends (or its channel does). `policy` is the user's; `kinds`: besides http."""
    policy_file = folder / "policy.toml"
    policy_file.write_text(policy)
    places = PolicyFiles(Locations(administrator=folder / "etc" / "policy.toml", user=policy_file), lstat=owned_lstat())
    if administrator is not None:
        places.locations.administrator.parent.mkdir(exist_ok=True)
        places.locations.administrator.write_text(administrator)
    live = LivePolicy(places, settle_s=0)  # at the first look: what waits for the second has tests of its own
    keeper = SuspensionKeeper(Suspensions())
    channel, upstream, authorizer = MemoryChannel(), ScriptedUpstream(), Authorizer(live, keeper)
    engine = Engine({"http": Http(upstream, authorizer), **(kinds or {})}, PolicyStatus(live, keeper))
    bench = Bench(channel, upstream, live, authorizer, engine, Service(engine, channel), policy_file)
    async with bench._running(greeted=greeted):
        yield bench
