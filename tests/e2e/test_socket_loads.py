"""Sockets under load: one that nobody reads, hundreds at once, and one that takes all it can get beside others."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Playwright

from longwire.protocol.limits import MAX_STREAMS_PER_TAB_FRAME, MIB, WINDOW_MAX_BYTES
from tests.e2e.browser import Browser, running_browser
from tests.e2e.conftest import OpenPage, Upstream
from tests.e2e.flow import KernelQueues, collect_garbage, when_still
from tests.e2e.scripts import script
from tests.e2e.socket_servers import SocketServers, socket_servers
from tests.printed import say


@pytest.fixture(scope="module")
def browser_of_module(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose garbage collection the test can ask for."""
    home = tmp_path_factory.mktemp("home")
    with running_browser(playwright, home, arguments=["--js-flags=--expose-gc"]) as browser:
        yield browser


@pytest.fixture
def servers() -> Iterator[SocketServers]:
    with socket_servers() as running:
        yield running


@pytest.fixture
def tab(browser: Browser, open_page: OpenPage, servers: SocketServers, upstream: Upstream) -> Callable[[], Page]:
    """More tabs, with what they are to do."""
    browser.grant(servers.url, upstream.root)

    def opened() -> Page:
        page = open_page()
        page.add_script_tag(content=script("socket_loads.js"))
        return page

    return opened


# --- one that nobody reads ------------------------------------------------------------------------------------------

# Before it stops, the reader has read four times the largest window.
READ_BYTES = 4 * WINDOW_MAX_BYTES
MAX_BEYOND_BYTES = 8 * MIB
MAX_GROWTH_BYTES = 32 * MIB


@pytest.mark.measures
@pytest.mark.parametrize(
    ("fill", "size"),
    [
        pytest.param("noise", 1000, id="noise"),
        pytest.param("letter", 1000, id="compressible"),
        pytest.param("noise", MIB, id="noise, large", marks=pytest.mark.long),
        pytest.param("letter", MIB, id="compressible, large", marks=pytest.mark.long),
    ],
)
def test_a_stream_that_is_not_read_holds_an_endless_server_back(
    browser: Browser, tab: Callable[[], Page], servers: SocketServers, upstream: Upstream, fill: str, size: int
) -> None:
    page = tab()
    page.evaluate("(url) => openNumbered(url)", f"{servers.url}/numbered?size={size}&fill={fill}")
    page.evaluate("(bytes) => readNumbered(bytes)", READ_BYTES)
    collect_garbage(browser, page)
    at_stop = browser.resident_bytes()
    consumed = page.evaluate("load.bytes")

    def beyond() -> int:
        """What left the server and the page did not read."""
        count: int = servers.sockets.sent_bytes - consumed
        assert count < MAX_BEYOND_BYTES
        return count

    waiting = when_still(page, upstream.url("/bytes?size=1"), beyond)
    collect_garbage(browser, page)
    growth = browser.resident_bytes() - at_stop
    in_kernel = KernelQueues.of(servers.sockets.port).to_client
    say(
        f"a socket that is not read, messages of {size} bytes, {fill}: {waiting / MIB:.2f} MiB left the server beyond "
        f"what was read, {in_kernel / MIB:.2f} of them in the kernel; all processes grew by {growth / MIB:.1f} MiB"
    )
    assert growth < MAX_GROWTH_BYTES
    assert page.evaluate("load.bytes") == consumed, "nobody read meanwhile"

    page.evaluate("(bytes) => readNumbered(bytes)", consumed + MAX_BEYOND_BYTES)
    assert servers.sockets.sent_bytes >= consumed + MAX_BEYOND_BYTES, "it went on"
    assert page.evaluate("load.wrong") == 0
    page.evaluate("stream.close()")
    assert page.evaluate("stream.closed.then(({ closeCode }) => closeCode, String)") == 1005


# --- hundreds at once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tabs", "each"),
    [pytest.param(3, 20, id="60"), pytest.param(5, 100, id="500", marks=pytest.mark.long)],
)
def test_sockets_of_several_tabs_all_talk_and_leave_nothing(
    browser: Browser, tab: Callable[[], Page], servers: SocketServers, upstream: Upstream, tabs: int, each: int
) -> None:
    assert each < MAX_STREAMS_PER_TAB_FRAME
    # With all of them open every slot of the grant is taken, so a second round finds out whether one was kept.
    browser.grant(servers.url, upstream.root, more=f"limits = {{ sockets = {tabs * each} }}")
    echo = f"{servers.url}/echo"
    witness = tab()
    # The first socket and the first request import what they need, and leave it open.
    witness.evaluate("(url) => openSockets(url, 1)", echo)
    witness.evaluate("sockets[0].close()")
    (host,) = browser.hosts()

    def descriptors() -> int:
        return when_still(witness, upstream.url("/bytes?size=1"), host.num_fds)

    def connected() -> int:
        return sum(each.raddr[1:] == (servers.sockets.port,) for each in host.net_connections())

    before = descriptors()
    assert connected() == 0
    for way in ("closed by the page", "gone with the tab"):
        pages = {f"tab {number}": tab() for number in range(tabs)}
        servers.sockets.closes.clear()
        for page in pages.values():
            page.evaluate("([url, count]) => openSockets(url, count)", [echo, each])
        assert servers.sockets.open == tabs * each
        assert connected() == tabs * each
        one_more = witness.evaluate("(url) => openSockets(url, 1).catch(({ code }) => code)", echo)
        assert one_more == "LIMIT_EXCEEDED"
        for name, page in pages.items():
            assert page.evaluate("(name) => echoes(name)", name) == [f"{name} {index}" for index in range(each)]
        for page in pages.values():
            if way == "closed by the page":
                page.evaluate("for (const socket of sockets) socket.close(1000)")
                page.wait_for_function("(count) => ends.length === count", arg=each)
                assert page.evaluate("ends") == ["1000 true"] * each
            else:
                page.close()
        servers.threaded.run(lambda: servers.sockets.all_closed(tabs * each))
        code = 1000 if way == "closed by the page" else 1001
        assert servers.sockets.closes == [(code, "")] * tabs * each
        assert servers.sockets.open == 0
        # Fewer, if a connection that a request had left open went too.
        assert descriptors() <= before
        assert connected() == 0


# --- beside others --------------------------------------------------------------------------------------------------

EVENTS = 10
# What all of the loads move between two events: together more than can be under way.
STEP_BYTES = MIB


# One tab shares all that three share, and its own thread besides.
@pytest.mark.parametrize("tabs", [1, pytest.param(3, marks=pytest.mark.long)], ids=["one tab", "three tabs"])
def test_sockets_that_take_all_they_can_an_event_stream_and_a_download_all_go_on(
    tab: Callable[[], Page], servers: SocketServers, upstream: Upstream, tabs: int
) -> None:
    """No clock: each event waits until everything else has moved, and everything else is waited for after it."""
    assert EVENTS * STEP_BYTES > 2 * WINDOW_MAX_BYTES
    loud = tab()
    quiet, busy = (loud, loud) if tabs == 1 else (tab(), tab())
    channel = upstream.app.streams.channel("beside")
    loud.evaluate(
        "([endless, sink]) => saturate(endless, sink)", [f"{servers.url}/endless?size=1000", f"{servers.url}/sink"]
    )
    busy.evaluate("(url) => download(url)", upstream.url("/endless"))
    quiet.evaluate("(url) => hear(url)", upstream.url("/sse?channel=beside"))
    for number in range(EVENTS):
        wanted = (number + 1) * STEP_BYTES
        loud.wait_for_function("(bytes) => load.down >= bytes && load.up >= bytes", arg=wanted)
        busy.wait_for_function("(bytes) => load.downloaded >= bytes", arg=wanted)
        channel.event(str(number))
        quiet.wait_for_function("(end) => load.heard.endsWith(end)", arg=f"data: {number}\n\n")
    channel.end()
    heard = quiet.evaluate("load.heard")
    assert heard == "".join(f"data: {number}\n\n" for number in range(EVENTS))
    assert servers.sockets.sent_bytes >= EVENTS * STEP_BYTES
    # All but what the writer has put and the server has not taken.
    assert servers.sockets.received_bytes > (EVENTS * STEP_BYTES) // 2
