"""What many responses that nobody reads cost the host process: the same body as it is and in each coding, from a server
that does not heed Accept-Encoding.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from longwire.protocol.limits import WINDOW_FLOOR_BYTES
from tests.bench.descriptors import descriptors
from tests.bench.figures import Row
from tests.host_process import PAGE, HostProcess, grant
from tests.upstreams import bodies, coded
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

MIB = 1024 * 1024
ENDS = frozenset({"STREAM_END", "STREAM_ERROR"})
# One frame may have 256 streams, so the page has several.
FRAMES = 4
# As much as makes every coding's window as large as it gets, and packs into a few kilobytes.
PLAIN_BYTES = 32 * MIB
# Codings of one body, as `coded.CODINGS` names them.
STACKS: tuple[tuple[str, ...], ...] = (
    (),
    ("gzip",),
    ("deflate",),
    ("zstd-streamed",),
    ("br-largest-window",),
    ("br-largest-window", "gzip"),
)


@dataclass(frozen=True)
class Unread:
    """What so many streams cost: the growth of the host's resident bytes; how many stand, and how the others ended."""

    grown_bytes: int
    open: int
    ends: Counter[str]


class UnreadServer:
    """Sends each body at once to whoever asks, as fast as the socket takes it."""

    def __init__(self) -> None:
        plain = bytes(PLAIN_BYTES)
        self._bodies = {"+".join(names): coded.encode(plain, names) for names in STACKS if names}
        self._bodies[""] = (bytes(MIB), "")

    async def answer(self, request: Request) -> None:
        """`/?coding=…`."""
        body, encoding = self._bodies[request.query["coding"].replace(" ", "+")]
        await bodies.respond(request.connection, body, headers=[("Content-Encoding", encoding)] if encoding else [])

    def routes(self) -> Routes:
        """For a `Server`."""
        return Routes({"/": self.answer})


def unread_streams(home: Path, server: ThreadedServer, names: Sequence[str], count: int) -> Unread:
    """Open `count` streams of one tab in a host of its own, acknowledge nothing, and look once all have stopped."""
    with (
        descriptors(3 * count),
        HostProcess(home, grant(server.url("/"), more="limits = { requests_per_minute = 100000 }")) as host,
    ):
        host.hello(knows=())  # builds before `knows` are measured too
        process = psutil.Process(host.process.pid)
        # The first request imports and caches things that are no stream's.
        host.start(1, server.url(f"/?coding={'+'.join(names)}"))
        _settled(host, 1)
        host.send(type="STREAM_ABORT", id=1, reason="signal")
        before = process.memory_info().rss
        for number in range(2, count + 2):
            page = PAGE | {"frame": number % FRAMES, "document": f"d{number % FRAMES}"}
            host.start(number, server.url(f"/?coding={'+'.join(names)}"), page=page)
        ends = _settled(host, count)
        grown = process.memory_info().rss - before
    return Unread(grown, count - ends.total(), ends)


def _settled(host: HostProcess, count: int) -> Counter[str]:
    """Wait until each of `count` streams has used up its window or ended before; returns how many ended how."""
    seen: Counter[int] = Counter()
    ends: Counter[str] = Counter()
    full = 0
    while full + ends.total() < count:
        message = host.next(60)
        assert message is not None, host.stderr()
        if message["type"] == "STREAM_CHUNK":
            seen[message["id"]] += len(message["data"])
            full += seen[message["id"]] == WINDOW_FLOOR_BYTES
        elif message["type"] in ENDS and seen[message["id"]] < WINDOW_FLOOR_BYTES:
            ends[message.get("code", message["type"])] += 1
    return ends


def unread_costs(count: int) -> list[Row]:
    """MiB that `count` unread streams cost a host, for each of STACKS."""
    rows = []
    with ThreadedServer(lambda: Server(UnreadServer().routes())) as server:
        for names in STACKS:
            with tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder:
                found = unread_streams(Path(folder), server, names, count)
            name = f"{count} unread, {', '.join(names) or 'plain'}"
            note = f"{found.open} open, {found.ends.total()} refused"
            rows.append(Row(name, "MiB", [found.grown_bytes / MIB], note))
    return rows
