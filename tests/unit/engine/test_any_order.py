"""A real host, a real server, and pages that start, read, upload, stall and abort in any order: nothing is left."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pybase64
import pytest

from longwire.protocol.limits import UPLOAD_CHUNK_BYTES
from longwire.upstream.idle_connections import KEEPALIVE_S
from tests.host_process import PAGE, TERMINALS, HostProcess, grant, greeted_host
from tests.patience import PATIENCE_S
from tests.printed import say
from tests.upstreams import bodies, redirects, uploads
from tests.upstreams.app import make_app
from tests.upstreams.connection import Request
from tests.upstreams.server import Handler, Server
from tests.upstreams.threaded import ThreadedServer

STREAMS = 300
AT_ONCE = 40
# In a round one stream in thirty is aborted, so hundreds of rounds are more than all of them need.
MAX_ROUNDS = 1000
TARGETS = [
    "/bytes?size=10",
    "/bytes?size=100000",
    "/coded?size=50000&coding=gzip",
    "/endless",
    "/echo",
    "/mirror",
    "/countdown?n=5",
    redirects.to("/echo", 307),
    "/refused",
    "/refused-at-length",
    "/fault/silent",
    "/fault/body-silent",
    "/fault/body-endless",
    "/fault/reset-at-once",
    "/fault/length-cut",
    "/fault/chunked-bad",
]


def after_the_body(handler: Handler) -> Handler:
    """A handler that leaves no request body for the next request's head."""

    async def read_first(request: Request) -> None:
        await request.body()
        await handler(request)

    return read_first


@pytest.fixture
def upstream() -> Iterator[ThreadedServer]:
    """Behaves in every way that `TARGETS` names."""
    routes = make_app().routes
    for path, handler in {"/bytes": bodies.random_bytes(), "/endless": bodies.endless}.items():
        routes.add(path, after_the_body(handler))
    routes.add("/refused", uploads.early(413))
    routes.add("/refused-at-length", uploads.early(413, after_bytes=70_000, body=bytes(200_000)))
    with ThreadedServer(lambda: Server(routes, receive_buffer=64 * 1024)) as threaded:
        yield threaded


@dataclass
class PageSide:
    """One stream as its page sees it."""

    reads: bool
    upload_bytes: int
    uploaded: int = 0
    upload_over: bool = False
    received: int = 0


class Pages:
    """All pages: they answer what the host says, and check that it may say it."""

    def __init__(self, host: HostProcess, chance: random.Random) -> None:
        self._host = host
        self._chance = chance
        self.live: dict[int, PageSide] = {}
        self.ends: dict[int, dict[str, Any]] = {}
        # Those that sent a piece of their body twice, in the middle of an upload.
        self.broken: set[int] = set()
        self.started = 0

    def start(self, url: str) -> None:
        """A stream of some kind; one in twenty is aborted in the same breath."""
        self.started += 1
        size = self._chance.choice([0, 1, 1000, 300_000, 1_000_000])
        kind = self._chance.choice(["none", "none", "stream", "sized", "inline"])
        bodies_of_kind: dict[str, dict[str, Any]] = {
            "none": {"kind": "none"},
            "stream": {"kind": "stream"},
            "sized": {"kind": "stream", "size": size},
            "inline": {"kind": "inline", "data": base64_of(1000)},
        }
        self.live[self.started] = PageSide(self._chance.random() < 0.7, size)
        self._host.start(self.started, url, method="GET" if kind == "none" else "POST", body=bodies_of_kind[kind])
        if self._chance.random() < 0.05:
            self.abort(self.started)

    def abort(self, stream_id: int) -> None:
        """Let go of it; what the host had under way may still come."""
        self.live[stream_id].upload_over = True
        self._host.send(type="STREAM_ABORT", id=stream_id, reason="signal")

    def abort_some(self, part: float) -> None:
        """That part of all live streams."""
        for stream_id in list(self.live):
            if self._chance.random() < part:
                self.abort(stream_id)

    def take(self, message: dict[str, Any]) -> None:
        """One message of the host."""
        assert message["type"] != "FATAL", message
        stream_id = message.get("id")
        if stream_id is None:
            return
        assert stream_id not in self.ends, f"{message['type']} after the end"
        page = self.live[stream_id]
        if message["type"] in TERMINALS:
            self.ends[stream_id] = message
            del self.live[stream_id]
        elif message["type"] == "STREAM_CHUNK":
            assert message["offset"] == page.received
            page.received += len(message["data"])
            if page.reads:
                self._host.send(type="STREAM_ACK", id=stream_id, consumed=page.received)
        elif message["type"] == "STREAM_BODY_ACK" and not page.upload_over:
            self._upload(stream_id, page, message["consumed"] + message["window"])

    def _upload(self, stream_id: int, page: PageSide, limit: int) -> None:
        while size := min(UPLOAD_CHUNK_BYTES, min(limit, page.upload_bytes) - page.uploaded):
            self._host.send(type="STREAM_BODY", id=stream_id, offset=page.uploaded, data=base64_of(size))
            if self._chance.random() < 0.02:
                self.broken.add(stream_id)
                self._host.send(type="STREAM_BODY", id=stream_id, offset=page.uploaded, data=base64_of(size))
            page.uploaded += size
        if page.uploaded == page.upload_bytes:
            page.upload_over = True
            self._host.send(type="STREAM_BODY_END", id=stream_id, bytes=page.uploaded)


def base64_of(size: int) -> str:
    return pybase64.b64encode(bytes(size)).decode()


def turn(host: HostProcess, pages: Pages) -> None:
    """Take all that the host had to say until it took this question."""
    host.send(type="STATUS_REQUEST", request=1, page=PAGE)
    while (message := host.next()) is not None and message["type"] != "STATUS":
        pages.take(message)
    assert message is not None, host.stderr()


def test_whatever_pages_do_each_stream_ends_once_and_the_host_keeps_nothing(
    tmp_path: Path, upstream: ThreadedServer
) -> None:
    chance = random.Random(20_261)
    with greeted_host(tmp_path, grant(upstream.url("/"))) as host:
        pages = Pages(host, chance)
        rounds = 0
        while pages.started < STREAMS:
            rounds += 1
            assert rounds < MAX_ROUNDS, f"{len(pages.live)} streams do not end, aborted ones among them"
            while len(pages.live) < AT_ONCE and pages.started < STREAMS:
                pages.start(upstream.url(chance.choice(TARGETS)))
            for _ in range(chance.randint(1, 10)):
                turn(host, pages)
            pages.abort_some(0.03)
        pages.abort_some(1)
        while pages.live:
            message = host.next()
            assert message is not None, host.stderr()
            pages.take(message)
        assert sorted(pages.ends) == list(range(1, STREAMS + 1))

        # What may be used again stays for a few seconds, whatever the streams were.
        process, over = psutil.Process(host.process.pid), monotonic() + KEEPALIVE_S + PATIENCE_S
        while process.net_connections("inet"):
            turn(host, pages)
            assert monotonic() < over
        log = "".join(file.read_text() for file in (tmp_path / "state" / "longwire").glob("host-*.jsonl*"))
    ends = Counter(str(end.get("code", end["type"])) for end in pages.ends.values())
    say(f"{STREAMS} streams of every kind in any order: {', '.join(f'{n} {what}' for what, n in ends.most_common())}")
    assert '"defect"' not in log
    assert ends["STREAM_END"] > STREAMS / 10
    assert ends.keys().isdisjoint({"HOST_LOST", "POLICY_DENIED"})
    told = {stream_id for stream_id, end in pages.ends.items() if end.get("code") == "PROTOCOL"}
    assert told and told <= pages.broken
