"""Many streams at once: a thousand that nobody reads, hundreds that all talk, and a quiet one beside a loud one."""

import resource
import statistics
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Page

from longwire.protocol.limits import (
    HOST_POOL_BYTES,
    KIB,
    MAX_STREAMS_PER_HOST,
    MAX_STREAMS_PER_TAB_FRAME,
    MIB,
    WINDOW_FLOOR_BYTES,
    WINDOW_MAX_BYTES,
)
from longwire.upstream.buffers import SMALL_BUFFER_BYTES
from tests.e2e.browser import Browser
from tests.e2e.conftest import OpenPage, Upstream
from tests.e2e.flow import KernelQueues, when_still
from tests.e2e.measure import events_beside_download, rate
from tests.e2e.scripts import script
from tests.printed import say
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# --- a thousand readers that do not read ----------------------------------------------------------------------------

FRAMES = 4
STREAMS_PER_FRAME = 250
STALLED = FRAMES * STREAMS_PER_FRAME
# protocol.md, flow control: the host reads a socket only while its own buffer is under 64 KiB.
MAX_READ_AHEAD_BYTES = 64 * KIB
DOWNLOAD_BYTES = 16 * MIB
DOWNLOADS = 3
# What a round finds is bounded for each stream by itself, so one is enough; more even out what else a machine does.
ROUNDS = [1, pytest.param(3, marks=pytest.mark.long)]
# Small, so that what waits in the kernel is what the host's own sockets hold.
STALLED_SEND_BUFFER = 16 * KIB

OPEN_FRAMES = script("open_frames.js")

HOLD_RESPONSES = """async ({ url, count }) => {
    window.held = await Promise.all(Array.from({ length: count }, () => longwire.fetch(url)))
}"""

# Stream by stream, the bytes that the page had got: a read that has to wait is the end of that. What is there comes in
# a microtask, so before any timer.
READ_WHAT_IS_THERE = script("read_what_is_there.js")


@pytest.fixture
def stalled_server() -> Iterator[ThreadedServer]:
    """For a thousand connections, each of them a descriptor here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 2 * STALLED), hard), hard))
    with ThreadedServer(lambda: Server(make_app().routes, send_buffer=STALLED_SEND_BUFFER)) as server:
        yield server
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class StalledReaders:
    """A tab with a thousand responses, of which nobody reads a byte. A frame has a limit of its own, so it has four."""

    def __init__(self, tab: Page, server: ThreadedServer) -> None:
        self._tab = tab
        self._server = server
        before = len(server.server.connections)
        tab.evaluate(OPEN_FRAMES, FRAMES)
        self._frames = tab.frames[1:]
        for frame in self._frames:
            frame.evaluate(HOLD_RESPONSES, {"url": server.url("/endless"), "count": STREAMS_PER_FRAME})
        self._connections = server.server.connections[before:]
        assert len(self._connections) == STALLED

    def sent(self) -> int:
        """What left the server."""
        return sum(connection.sent for connection in self._connections)

    def assert_bounded(self, host: psutil.Process) -> str:
        """Find every byte that left the server. Returns where they are, for people."""
        sent, in_kernel = self.sent(), KernelQueues.of(self._server.server.port).to_client
        # Nothing more can come while the host stands still, so what the pages can read now is what they had.
        host.suspend()
        try:
            in_pages = [count for frame in self._frames for count in frame.evaluate(READ_WHAT_IS_THERE)]
        finally:
            host.resume()
        assert in_pages == [WINDOW_FLOOR_BYTES] * STALLED
        assert sum(in_pages) < MAX_STREAMS_PER_HOST * WINDOW_FLOOR_BYTES + HOST_POOL_BYTES
        in_host = sent - in_kernel - sum(in_pages)
        assert in_host <= STALLED * MAX_READ_AHEAD_BYTES
        assert in_kernel <= STALLED * (kernel_takes(SMALL_BUFFER_BYTES) + kernel_takes(STALLED_SEND_BUFFER))
        return (
            f"{sent / MIB:.1f} MiB left the server: {in_kernel / MIB:.1f} in the kernel, {in_host / MIB:.1f} in the "
            f"host (resident: {host.memory_info().rss / MIB:.0f}), {sum(in_pages) / MIB:.2f} in the pages"
        )

    def close(self) -> None:
        """Close the tab, and see every connection go."""
        self._tab.close()
        for connection in self._connections:
            self._server.run(connection.wait_gone)


def kernel_takes(buffer_bytes: int) -> int:
    """Linux gives a socket twice the buffer that was asked for, and lets one segment more in (64 KiB on loopback)."""
    return 2 * buffer_bytes + 64 * KIB


@pytest.mark.measures
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_thousand_stalled_readers_are_bounded_and_leave_another_tab_its_speed(
    browser: Browser, page: Page, upstream: Upstream, stalled_server: ThreadedServer, open_page: OpenPage, rounds: int
) -> None:
    assert STREAMS_PER_FRAME <= MAX_STREAMS_PER_TAB_FRAME
    assert STALLED < MAX_STREAMS_PER_HOST
    browser.grant(upstream.root, stalled_server.url("/"))

    def rates() -> list[float]:
        return [rate(page, upstream.url("/endless"), DOWNLOAD_BYTES) for _ in range(DOWNLOADS)]

    alone, beside = [], []
    for _ in range(rounds):
        alone += rates()
        readers = StalledReaders(open_page(), stalled_server)
        when_still(page, upstream.url("/bytes?size=1"), readers.sent)
        beside += rates()
        (host,) = browser.hosts()
        say(f"{STALLED} stalled readers: {readers.assert_bounded(host)}")
        readers.close()
    ratio = statistics.median(beside) / statistics.median(alone)
    say(f"a download alone, MB/s: {alone}; beside {STALLED} stalled readers: {beside}; of the medians: {ratio:.2f}")
    assert ratio >= 0.5


# --- hundreds that talk ---------------------------------------------------------------------------------------------

TABS = 4
STREAMS_PER_TAB = 50
EVENTS_EACH = 10


def test_200_event_streams_of_four_tabs_each_get_their_own_events_in_step(
    browser: Browser, page: Page, upstream: Upstream, open_page: OpenPage
) -> None:
    tabs = [page, *(open_page() for _ in range(TABS - 1))]
    names = [[f"tab-{tab}-stream-{stream}" for stream in range(STREAMS_PER_TAB)] for tab in range(TABS)]
    channels = {name: upstream.app.streams.channel(name) for of_tab in names for name in of_tab}
    for tab, of_tab in zip(tabs, names, strict=True):
        tab.evaluate(
            script("hear_many.js"),
            {"url": upstream.url("/sse?channel="), "names": of_tab},
        )
    # All of them are open at once, on one server.
    assert upstream.server.open_connections == TABS * STREAMS_PER_TAB
    for number in range(EVENTS_EACH):
        for name, channel in channels.items():
            channel.event(f"{name} {number}")
        # The next round is not released before every stream has had this one: a stream that starves ends the test.
        for tab in tabs:
            tab.wait_for_function(
                "(end) => Object.values(heard).every((text) => text.endsWith(end))", arg=f" {number}\n\n"
            )
    for channel in channels.values():
        channel.end()
    for tab, of_tab in zip(tabs, names, strict=True):
        tab.evaluate("over")
        assert tab.evaluate("heard") == {
            name: "".join(f"data: {name} {number}\n\n" for number in range(EVENTS_EACH)) for name in of_tab
        }


# --- a quiet one beside a loud one ----------------------------------------------------------------------------------

EVENTS = 300
EVENTS_PER_SECOND = 100


def test_events_beside_a_download_that_takes_all_it_can_get(
    page: Page, upstream: Upstream, open_page: OpenPage
) -> None:
    paced = upstream.url(f"/paced?events={EVENTS}&per_second={EVENTS_PER_SECOND}")
    beside = events_beside_download(open_page(), page, upstream.url("/endless"), paced)
    assert beside.events.ids == list(range(EVENTS))
    # More than can have been on its way when the events began.
    assert beside.download_bytes > WINDOW_MAX_BYTES
