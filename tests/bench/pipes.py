"""One host over its pipes, without a browser: what it adds to an event, and what an event and a megabyte cost it."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Row
from tests.host_process import TERMINALS, HostProcess, grant
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

_EVENT = b'data: {"choices":[{"delta":{"content":"word%06d"}}]}\n\n'
_END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
_GAP_S = 0.003
BLOCK = bytes(range(256)) * 256
_ACK_BYTES = 16 * 1024


class Source:
    """Serves /body?size=…, and everywhere else an answer of a model, of which it remembers when each event left."""

    def __init__(self, events: int) -> None:
        self._events = events
        self.sent_at: list[float] = []

    async def __call__(self, request: Request) -> None:
        await request.body()
        connection = request.connection
        if request.path == "/body":
            size = int(request.query["size"])
            await connection.send(bodies.head(200, [("Content-Length", str(size))]))
            for _ in range(size // len(BLOCK)):
                await connection.send(BLOCK)
            return
        self.sent_at.clear()
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await connection.send(bodies.head(200, fields))
        for number in range(self._events):
            await asyncio.sleep(_GAP_S)
            self.sent_at.append(time.perf_counter())
            await connection.send(bodies.chunk(_EVENT % number))
        await connection.send(bodies.chunk(_END) + b"0\r\n\r\n")


def over_pipes(rounds: int, events: int, megabytes: int) -> list[Row]:
    """Rows of `rounds` hosts, each with a stream of events and one body. Processor time is Linux's own count."""
    delays: list[float] = []
    event_cpu: list[float] = []
    body_cpu: list[float] = []
    start_cpu: list[float] = []
    source = Source(events)
    size = megabytes * 16 * len(BLOCK)
    with ThreadedServer(lambda: Server(source)) as server:
        for _ in range(rounds):
            with (
                tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder,
                HostProcess(Path(folder), grant(server.url("/"))) as host,
            ):
                host.hello(knows=())  # builds before `knows` are measured too
                start_cpu.append(cpu_s(host) * 1e3)
                # What the first stream has loaded is no cost of its events.
                host.start(1, server.url(f"/body?size={len(BLOCK)}"))
                host.body(1, lambda _: None)
                before = cpu_s(host)
                host.start(2, server.url("/events"))
                delays.append(median_delay_ms(host, 2, source))
                event_cpu.append((cpu_s(host) - before) / events * 1e6)
                before = cpu_s(host)
                host.start(3, server.url(f"/body?size={size}"))
                _, end = host.body(3, lambda _: None)
                assert end["type"] == "STREAM_END"
                body_cpu.append((cpu_s(host) - before) / megabytes * 1e3)
    return [
        Row("host: start to WELCOME", "CPU ms", start_cpu),
        Row("host: delay of an event", "ms", delays, "socket to pipe, medians of rounds"),
        Row("host: an event", "CPU us", event_cpu),
        Row("host: a MiB of body", "CPU ms", body_cpu),
    ]


def median_delay_ms(host: HostProcess, stream_id: int, source: Source) -> float:
    """From the source's socket to the end of the pipe, of the events of a stream that was started just now."""
    came: list[float] = []
    received = acknowledged = 0
    rest = b""
    while (message := host.next()) is not None and message["type"] not in TERMINALS:
        if message["type"] != "STREAM_CHUNK":
            continue
        now = time.perf_counter()
        received += len(message["data"])
        *events, rest = (rest + message["data"]).split(b"\n\n")
        came += [now for event in events if b'"content"' in event]
        if received - acknowledged > _ACK_BYTES:
            acknowledged = received
            host.send(type="STREAM_ACK", id=stream_id, consumed=received)
    assert len(came) == len(source.sent_at)
    return statistics.median((there - here) * 1e3 for here, there in zip(source.sent_at, came, strict=True))


def cpu_s(host: HostProcess) -> float:
    """Processor time of all its threads."""
    tasks = Path(f"/proc/{host.process.pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
