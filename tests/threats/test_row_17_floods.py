"""Row 17: a page floods START and ABORT, and a server helps it round its grant's limits. Real host, real sockets."""

import base64
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from longwire.protocol.errors import ErrorCode
from longwire.protocol.limits import INLINE_BODY_BYTES
from tests.host_process import TERMINALS, HostProcess, grant
from tests.printed import say
from tests.threats.bench import Host, ScriptedNames
from tests.threats.conftest import MakeGranted
from tests.upstreams import bodies, faults, redirects
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

CYCLES = 2_000
AT_ONCE = 50


def test_starts_and_aborts_without_end_cost_neither_memory_nor_descriptors(tmp_path: Path) -> None:
    routes = Routes({"/silent": faults.NAMED["silent"], "/body": faults.NAMED["body-silent"]})
    with ThreadedServer(lambda: Server(routes)) as server, HostProcess(tmp_path, grant(server.url("/"))) as host:
        process = psutil.Process(host.process.pid)
        host.hello()
        ends: Counter[str] = Counter()
        descriptors, memory = 0, 0
        for first in range(1, CYCLES, AT_ONCE):
            numbers = range(first, first + AT_ONCE)
            for number in numbers:
                host.start(number, server.url("/silent" if number % 2 else "/body"))
                if number % 3:
                    host.send(type="STREAM_ABORT", id=number, reason="signal")
            for number in numbers:
                host.send(type="STREAM_ABORT", id=number, reason="signal")
            left = set(numbers)
            while left:
                message = host.next()
                assert message is not None
                if message["type"] in TERMINALS:
                    left.remove(message["id"])
                    ends[message["type"]] += 1
            if first == 1 + 4 * AT_ONCE:  # warm
                descriptors, memory = process.num_fds(), process.memory_info().rss
        grown = process.memory_info().rss - memory
        say(f"starts and aborts: {CYCLES}, descriptors more at the end: {process.num_fds() - descriptors}")
        assert ends == {"STREAM_ABORTED": CYCLES}
        assert abs(process.num_fds() - descriptors) <= 4
        assert grown < 8 * 1024 * 1024


def test_streams_that_nobody_reads_do_not_hold_the_bodies_that_were_sent_for_them(tmp_path: Path) -> None:
    streams = 100
    body = {"kind": "inline", "data": base64.b64encode(bytes(INLINE_BODY_BYTES)).decode()}
    routes = faults.NAMED["body-silent"]
    with ThreadedServer(lambda: Server(routes)) as server, HostProcess(tmp_path, grant(server.url("/"))) as host:
        process = psutil.Process(host.process.pid)
        host.hello()
        memory = process.memory_info().rss
        for number in range(1, streams + 1):
            host.start(number, server.url("/"), method="POST", body=body)
            host.expect("STREAM_HEADERS")
        grown = process.memory_info().rss - memory
    say(f"{streams} streams, each with a body of {INLINE_BODY_BYTES // 1024} KiB that was sent: {grown >> 20} MiB more")
    assert grown < streams * INLINE_BODY_BYTES / 2


async def test_a_server_that_redirects_gives_a_page_no_more_requests_a_minute(granted: MakeGranted) -> None:
    site = await granted(redirects.countdown, more="limits = { requests_per_minute = 5 }")
    assert (await site.host.ask(f"{site.url}?n=3")).body == b"done"  # four requests
    refused = await site.host.ask(f"{site.url}?n=3")
    assert refused.code is ErrorCode.LIMIT_EXCEEDED
    assert "5 requests per minute" in refused.message
    assert len(site.server.requests) == 5


TWO_GRANTS = """\
version = 1

[[grant]]
name = "patient"
pages = ["https://chat.example.com"]
destinations = ["http://patient.test:{port}/"]
methods = ["GET"]
network = "loopback"

[[grant]]
name = "hasty"
pages = ["https://chat.example.com"]
destinations = ["http://hasty.test:{port}/"]
methods = ["GET"]
network = "loopback"
limits = {{ {limits} }}
"""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async def answer(request: Request) -> None:
        if "to" in request.query:
            await redirects.redirect(request)
        elif request.path == "/body":
            await bodies.respond(request.connection, bytes(5000))
        else:
            await faults.NAMED["silent" if request.path == "/silent" else "body-silent"](request)

    async with Server(answer) as started:
        yield started


@pytest.mark.parametrize(
    ("limits", "path", "code"),
    [
        ("bytes = 4999", "/body", ErrorCode.BODY_TOO_LARGE),
        ('header_timeout = "100ms"', "/silent", ErrorCode.HEADER_TIMEOUT),
        ('total_timeout = "100ms"', "/silent", ErrorCode.TOTAL_TIMEOUT),
        ('total_timeout = "100ms"', "/drip", ErrorCode.TOTAL_TIMEOUT),
    ],
)
async def test_a_redirect_is_no_way_round_the_limits_of_the_grant_it_leads_to(
    tmp_path: Path, server: Server, limits: str, path: str, code: ErrorCode
) -> None:
    names = ScriptedNames({"patient.test": ["127.0.0.1"], "hasty.test": ["127.0.0.1"]})
    host = Host(tmp_path, TWO_GRANTS.format(port=server.port, limits=limits), names)
    target = f"http://hasty.test:{server.port}{path}"
    direct = await host.ask(target)
    led = await host.ask(f"http://patient.test:{server.port}/?to={quote(target, safe='')}")
    assert (direct.code, led.code) == (code, code)
    assert "5 s" not in led.message, "the text names the limit that was meant"
    await host.aclose()
