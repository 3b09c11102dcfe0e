"""Event streams whose every event a test releases: order and delay are then the test's, not the machine's."""

import asyncio
import time

from tests.upstreams import bodies
from tests.upstreams.connection import Request


class Channel:
    """What one response streams. All methods may be called from any thread, also before the request is there."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._early: list[bytes | None] = []
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        # When each piece was handed to the kernel (time.monotonic()).
        self.sent_at: list[float] = []

    def event(self, data: str, *, event: str | None = None, event_id: str | None = None) -> None:
        """Release one event."""
        lines = [f"event: {event}"] if event is not None else []
        lines += [f"id: {event_id}"] if event_id is not None else []
        lines += [f"data: {line}" for line in data.split("\n")]
        self.raw(("\n".join(lines) + "\n\n").encode())

    def raw(self, data: bytes) -> None:
        """Release bytes as they are, as one chunk."""
        self._put(data)

    def end(self) -> None:
        """End the response in order."""
        self._put(None)

    def attach(self) -> "asyncio.Queue[bytes | None]":
        """For the handler: from now on releases go to this loop."""
        self._loop = asyncio.get_running_loop()
        for item in self._early:
            self._queue.put_nowait(item)
        self._early.clear()
        return self._queue

    def _put(self, item: bytes | None) -> None:
        if self._loop is None:
            self._early.append(item)
        else:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)


class EventStreams:
    """`/path?channel=NAME`: the stream of that channel, for any method; a request body is read first."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}

    def channel(self, name: str = "0") -> Channel:
        """The channel of that name, made when first asked for."""
        return self._channels.setdefault(name, Channel())

    async def __call__(self, request: Request) -> None:
        await request.body()
        channel = self.channel(request.query.get("channel", "0"))
        queue = channel.attach()
        connection = request.connection
        await connection.send(
            bodies.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        )
        while (piece := await queue.get()) is not None:
            await connection.send(bodies.chunk(piece))
            channel.sent_at.append(time.monotonic())
        await connection.send(b"0\r\n\r\n")


async def paced(request: Request) -> None:
    """`?events=…&per_second=…`: numbered events at a steady pace, each with the server's time in milliseconds."""
    await request.body()
    query = request.query
    pause_s = 1 / float(query.get("per_second", "100"))
    connection = request.connection
    await connection.send(bodies.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
    started = time.monotonic()
    for number in range(int(query.get("events", "100"))):
        await asyncio.sleep(max(0.0, started + number * pause_s - time.monotonic()))
        await connection.send(bodies.chunk(f"id: {number}\ndata: {time.time() * 1000:.3f}\n\n".encode()))
    await connection.send(b"0\r\n\r\n")
