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
_GAP_S = 0.003
_BLOCK = bytes(range(256)) * 256
_ACK_BYTES = 16 * 1024


class _Source:
    """Serves /events?count=… and /body?size=…, and remembers when each event left."""

    def __init__(self) -> None:
        self.sent_at: list[float] = []

    async def __call__(self, request: Request) -> None:
        await request.body()
        connection = request.connection
        if request.path == "/events":
            self.sent_at.clear()
            await connection.send(bodies.head(200, [("Transfer-Encoding", "chunked")]))
            for number in range(int(request.query["count"])):
                await asyncio.sleep(_GAP_S)
                self.sent_at.append(time.perf_counter())
                await connection.send(bodies.chunk(_EVENT % number))
            await connection.send(b"0\r\n\r\n")
        else:
            size = int(request.query["size"])
            await connection.send(bodies.head(200, [("Content-Length", str(size))]))
            for _ in range(size // len(_BLOCK)):
                await connection.send(_BLOCK)


def over_pipes(rounds: int, events: int, megabytes: int) -> list[Row]:
    """Rows of `rounds` hosts, each with a stream of events and one body. Processor time is Linux's own count."""
    delays: list[float] = []
    event_cpu: list[float] = []
    body_cpu: list[float] = []
    start_cpu: list[float] = []
    source = _Source()
    size = megabytes * 16 * len(_BLOCK)
    with ThreadedServer(lambda: Server(source)) as server:
        for _ in range(rounds):
            with (
                tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder,
                HostProcess(Path(folder), grant(server.url("/"))) as host,
            ):
                host.hello()
                start_cpu.append(_cpu_s(host) * 1e3)
                before = _cpu_s(host)
                delays.append(_median_delay_ms(host, server.url(f"/events?count={events}"), source))
                event_cpu.append((_cpu_s(host) - before) / events * 1e6)
                before = _cpu_s(host)
                host.start(2, server.url(f"/body?size={size}"))
                _, end = host.body(2, lambda _: None)
                assert end["type"] == "STREAM_END"
                body_cpu.append((_cpu_s(host) - before) / megabytes * 1e3)
    return [
        Row("host: start to WELCOME", "CPU ms", start_cpu),
        Row("host: delay of an event", "ms", delays, "socket to pipe, medians of rounds"),
        Row("host: an event", "CPU us", event_cpu),
        Row("host: a MiB of body", "CPU ms", body_cpu),
    ]


def _median_delay_ms(host: HostProcess, url: str, source: _Source) -> float:
    host.start(1, url)
    came: list[float] = []
    received = acknowledged = 0
    rest = b""
    while (message := host.next()) is not None and message["type"] not in TERMINALS:
        if message["type"] != "STREAM_CHUNK":
            continue
        now = time.perf_counter()
        received += len(message["data"])
        *events, rest = (rest + message["data"]).split(b"\n\n")
        came += [now] * len(events)
        if received - acknowledged > _ACK_BYTES:
            acknowledged = received
            host.send(type="STREAM_ACK", id=1, consumed=received)
    assert len(came) == len(source.sent_at)
    return statistics.median((there - here) * 1e3 for here, there in zip(source.sent_at, came, strict=True))


def _cpu_s(host: HostProcess) -> float:
    tasks = Path(f"/proc/{host.process.pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
