"""Letting go of a stream, in every way a page has and in every phase: the server sees it, the host keeps nothing."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psutil
import pytest
from playwright.sync_api import Error, Page, Playwright

from tests.e2e.browser import STATUS, Browser, running_browser
from tests.e2e.conftest import OpenPage, Upstream
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S
from tests.printed import say
from tests.slices import sliced
from tests.upstreams import bodies, faults
from tests.upstreams.connection import Connection, Request
from tests.upstreams.threaded import ThreadedServer

# I6 of protocol.md. It holds for the median here: a single one may have to wait for a busy machine.
FREE_WITHIN_S = 1.0
# From when a test began to look until the server had seen the close, of every connection.
noticed_after_s: list[float] = []


@pytest.fixture(scope="module", autouse=True)
def noticed_in_time() -> Iterator[None]:
    """Print how soon servers noticed, and hold the median against the promise."""
    yield
    if noticed_after_s:
        median, longest = statistics.median(noticed_after_s), max(noticed_after_s)
        say(f"aborts noticed by the server: {len(noticed_after_s)}, median {median:.3f} s, longest {longest:.3f} s")
        assert median < FREE_WITHIN_S


def wait_gone(upstream: Upstream, connection: Connection) -> None:
    """Wait until the server has seen the close, and note how long that took."""
    began = monotonic()
    upstream.run(connection.wait_gone)
    assert connection.gone_at is not None
    noticed_after_s.append(max(0.0, connection.gone_at - began))


@pytest.fixture(scope="module")
def browser_of_module(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose garbage collection the test can ask for."""
    home = tmp_path_factory.mktemp("home")
    with running_browser(playwright, home, arguments=["--js-flags=--expose-gc"]) as browser:
        yield browser


ONE_AT_A_TIME = "limits = { streams = 1 }"


@pytest.fixture
def page(browser: Browser, site: ThreadedServer, upstream: Upstream) -> Iterator[Page]:
    """A tab with one stream at a time, so that a slot that is not free is seen. Nothing fails unheard in it."""
    browser.grant(upstream.root, more=ONE_AT_A_TIME)
    page = browser.open(site.url("/"))
    unheard: list[str] = []
    page.on("pageerror", lambda error: unheard.append(str(error)))
    yield page
    assert unheard == []


def host_sockets(browser: Browser, port: int) -> list[Any]:
    """Sockets of the host to that port of this machine."""
    (host,) = browser.hosts()
    return [each for each in host.net_connections("inet") if each.raddr[1:] == (port,)]


def assert_let_go(browser: Browser, upstream: Upstream, page: Page) -> None:
    """Every connection is closed within the second that it has, and a grant for one stream admits the next."""
    for connection in upstream.server.connections:
        wait_gone(upstream, connection)
    assert host_sockets(browser, upstream.server.port) == []
    assert_slot_is_free(page, upstream)


def assert_slot_is_free(page: Page, upstream: Upstream) -> None:
    """The grant for one stream admits this one."""
    after = page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))
    assert after["where"] == "done", after


# --- the phases -------------------------------------------------------------------------------------------------------

# Start a request and come back when it is in its phase, as far as a page can tell. `ending` gives how it ends.
BEGIN = script("begin_request.js")

# How it ended, compared with the signal's reason.
ENDED = """async () => {
    const { signal } = aborter
    const error = await ending().then(() => 'not aborted', (error) => error)
    return { same: error === signal.reason, kind: String(error), isError: error instanceof Error }
}"""


@dataclass(frozen=True)
class Phase:
    """A target, and what the page must have seen of it."""

    target: str
    until: str

    def begin(self, page: Page, server: ThreadedServer, through: str = "longwire") -> None:
        """Start it and come back when it is there."""
        before = len(server.server.requests)
        page.evaluate(BEGIN, {"url": server.url(self.target), "through": through, "init": {}, "until": self.until})
        server.run(lambda: server.server.wait_requests(before + 1))


PHASES = {
    "before headers": Phase("/fault/silent", "asked"),
    "silent wait": Phase("/fault/body-silent", "waiting"),
    "mid-body, reading": Phase("/endless", "reading"),
    "mid-body, not reading": Phase("/endless", "read once"),
}

ABORTS = {
    "abort()": "aborter.abort()",
    "abort(error)": "aborter.abort(new RangeError('not wanted any more'))",
    "abort(text)": "aborter.abort('not wanted any more')",
}


# One reason in every phase, every reason in one.
@pytest.mark.parametrize(
    ("phase", "abort"),
    sliced(
        {f"{named}, {phase}": (PHASES[phase], ABORTS[named]) for named in ABORTS for phase in PHASES},
        *(f"abort(), {phase}" for phase in PHASES),
        "abort(error), mid-body, reading",
        "abort(text), before headers",
        several=True,
    ),
)
def test_an_abort_ends_it_as_the_browsers_own_fetch_ends_and_leaves_nothing(
    browser: Browser, page: Page, site: ThreadedServer, upstream: Upstream, phase: Phase, abort: str
) -> None:
    ended = {}
    for through, server in (("browser", site), ("longwire", upstream.threaded)):
        phase.begin(page, server, through)
        page.evaluate(abort)
        ended[through] = page.evaluate(ENDED)
    assert ended["longwire"]["same"] is True
    assert ended["longwire"] == ended["browser"]
    assert_let_go(browser, upstream, page)


def test_an_abort_while_it_connects(browser: Browser, page: Page, upstream: Upstream) -> None:
    with faults.unanswering_port() as port:
        browser.grant(upstream.root, f"http://127.0.0.1:{port}/", more=ONE_AT_A_TIME)
        url = f"http://127.0.0.1:{port}/"
        page.evaluate(BEGIN, {"url": url, "through": "longwire", "init": {}, "until": "asked"})
        while not any(each.status == psutil.CONN_SYN_SENT for each in host_sockets(browser, port)):
            turn(page)
        began = monotonic()
        page.evaluate("aborter.abort()")
        assert page.evaluate(ENDED)["kind"] == "AbortError: signal is aborted without reason"
        while host_sockets(browser, port):
            turn(page)
        noticed_after_s.append(monotonic() - began)
    assert_slot_is_free(page, upstream)


def turn(page: Page) -> None:
    """Go once through worker and host and back, after whatever is under way there."""
    page.evaluate(STATUS)


def test_an_abort_inside_a_request_body_cancels_its_source(browser: Browser, page: Page, upstream: Upstream) -> None:
    page.evaluate(
        script("abort_in_a_body.js"),
        upstream.url("/fault/body-endless"),
    )
    upstream.run(lambda: upstream.server.wait_requests(1))
    page.evaluate("aborter.abort(new RangeError('not wanted any more'))")
    assert page.evaluate(ENDED) == {"same": True, "kind": "RangeError: not wanted any more", "isError": True}
    assert page.evaluate("cancelled.then((reason) => reason === aborter.signal.reason)") is True
    assert_let_go(browser, upstream, page)


# Without an answer, and with one that is on its way.
@pytest.mark.parametrize("phase", sliced(PHASES, "before headers", "mid-body, not reading"))
def test_the_slot_is_free_for_a_fetch_in_the_same_breath(page: Page, upstream: Upstream, phase: Phase) -> None:
    # Twenty times, because it was one in twenty that found the slot taken.
    for _ in range(20):
        phase.begin(page, upstream.threaded)
        after = page.evaluate("(url) => { aborter.abort(); return fetchText(url) }", upstream.url("/echo"))
        assert after["where"] == "done", after


# --- signals ----------------------------------------------------------------------------------------------------------

SIGNALS = {
    "timeout": "AbortSignal.timeout(50)",
    "any": "AbortSignal.any([AbortSignal.timeout(50), new AbortController().signal])",
    "aborted": "AbortSignal.abort()",
    "aborted for a reason": "AbortSignal.abort(new RangeError('not wanted at all'))",
}


GIVEN = ["fetch(url, { signal })", "fetch(new Request(url, { signal }))"]


# Every signal once, both ways to give one.
@pytest.mark.parametrize(
    ("signal", "given"),
    sliced(
        {f"{name}, {given}": (signal, given) for name, signal in SIGNALS.items() for given in GIVEN},
        f"timeout, {GIVEN[0]}",
        f"any, {GIVEN[1]}",
        f"aborted, {GIVEN[0]}",
        f"aborted for a reason, {GIVEN[1]}",
        several=True,
    ),
)
def test_a_signal_rejects_as_it_does_the_browsers_own_fetch(
    browser: Browser, page: Page, site: ThreadedServer, upstream: Upstream, signal: str, given: str
) -> None:
    ended = {}
    for through, server in (("browser", site), ("longwire", upstream.threaded)):
        ended[through] = page.evaluate(
            script("abort_by_signal.js").replace("SIGNAL", signal).replace("FETCHED", given),
            {"url": server.url("/fault/silent"), "through": through},
        )
    assert ended["longwire"]["same"] is True
    assert ended["longwire"] == ended["browser"]
    if "abort(" in signal:
        assert upstream.server.connections == [], "what was aborted before is not sent"
    else:
        assert_let_go(browser, upstream, page)


def test_a_signal_that_was_aborted_before_cancels_the_body_too(page: Page, site: ThreadedServer) -> None:
    cancelled = page.evaluate(
        script("aborted_before.js"),
        site.url("/echo"),
    )
    assert cancelled == ["reason", "reason"]


def test_one_signal_ends_all_its_streams_and_no_other(browser: Browser, page: Page, upstream: Upstream) -> None:
    browser.grant(upstream.root)
    page.evaluate(
        """async (url) => {
            window.other = await longwire.fetch(url)
            window.aborter = new AbortController()
            window.many = await Promise.all(Array.from({ length: 50 }, () => longwire.fetch(url, aborter)))
        }""",
        upstream.url("/endless"),
    )
    page.evaluate("aborter.abort()")
    other, *many = upstream.server.connections
    assert len(many) == 50
    for connection in many:
        wait_gone(upstream, connection)
    assert page.evaluate("other.body.getReader().read().then(({ done }) => done)") is False
    assert not other.gone.is_set()


def test_an_abort_after_the_end_is_nothing(page: Page, upstream: Upstream) -> None:
    length = page.evaluate(
        script("abort_after_the_end.js"),
        upstream.url("/bytes?size=1000"),
    )
    assert length == 1000
    assert_slot_is_free(page, upstream)
    assert len(upstream.server.connections) == 1, "the connection is whole, so the next request uses it"


# --- a body that the page lets go -------------------------------------------------------------------------------------

DROPS = {
    "reader.cancel()": "const reader = body.getReader(); await reader.read(); await reader.cancel('enough')",
    "reader.cancel() while it reads": """
        const reader = body.getReader()
        const reading = (async () => { while (!(await reader.read()).done); })()
        await reader.cancel()
        await reading""",
    "body.cancel() unread": "await body.cancel()",
    "break out of a loop": "for await (const _ of body) break",
    "an error inside a loop": "try { for await (const _ of body) throw 'enough' } catch {}",
    "a sink that fails": """
        const sink = new WritableStream({ write: (_, controller) => controller.error('full') })
        await body.pipeTo(sink).catch(() => undefined)""",
    "both sides of a tee": "const [one, two] = body.tee(); await Promise.all([one.cancel(), two.cancel()])",
}


# By a reader, by the body, by a loop, by a pipe and by both of a tee.
@pytest.mark.parametrize(
    "drop",
    sliced(
        DROPS,
        "reader.cancel() while it reads",
        "body.cancel() unread",
        "break out of a loop",
        "a sink that fails",
        "both sides of a tee",
    ),
)
def test_a_body_that_is_cancelled(browser: Browser, page: Page, upstream: Upstream, drop: str) -> None:
    page.evaluate(
        f"async (url) => {{ window.kept = await longwire.fetch(url); const {{ body }} = kept; {drop} }}",
        upstream.url("/endless"),
    )
    assert_let_go(browser, upstream, page)


# --- a page that goes -------------------------------------------------------------------------------------------------


def crash(tab: Page) -> None:
    """End its process, as running out of memory does."""
    with tab.expect_event("crash"), suppress(Error):
        tab.goto("chrome://crash")


DEPARTURES: dict[str, Callable[[Page], object]] = {
    "closed": lambda tab: tab.close(),
    "navigated": lambda tab: tab.goto("about:blank"),
    "reloaded": lambda tab: tab.reload(),
    "crashed": crash,
    "frame removed": lambda tab: tab.evaluate("document.querySelector('iframe').remove()"),
}


# A reload is a navigation, too.
@pytest.mark.parametrize("leave", sliced(DEPARTURES, "closed", "navigated", "crashed", "frame removed"))
def test_a_page_that_goes_takes_its_streams_along(
    browser: Browser, page: Page, upstream: Upstream, open_page: OpenPage, leave: Callable[[Page], object]
) -> None:
    browser.grant(upstream.root)
    tab = open_page()
    tab.evaluate(script("one_frame.js"))
    targets = ["/fault/silent", "/fault/body-silent", "/endless"]
    urls = [upstream.url(target) for target in targets]
    tab.frames[1].evaluate(
        """async ([silent, ...urls]) => {
            window.kept = [longwire.fetch(silent).catch(() => undefined)]
            for (const url of urls) kept.push(await longwire.fetch(url))
        }""",
        urls,
    )
    upstream.run(lambda: upstream.server.wait_requests(len(targets)))
    leave(tab)
    browser.grant(upstream.root, more=ONE_AT_A_TIME)
    assert_let_go(browser, upstream, page)


# --- what nothing can reach any more ----------------------------------------------------------------------------------

UNREACHABLE = {
    "a response that nobody read": "await longwire.fetch(url)",
    "a body that nobody read": "(await longwire.fetch(url)).body.getReader()",
    "a reader that stopped": "await (await longwire.fetch(url)).body.getReader().read()",
    "a response and its clone": "(await longwire.fetch(url)).clone()",
    "a transformed body": "(await longwire.fetch(url)).body.pipeThrough(new TextDecoderStream())",
}

COLLECT = "gc({ type: 'major', execution: 'async' })"


# A response, a reader, and a stream of the browser's own between.
@pytest.mark.parametrize(
    "leave", sliced(UNREACHABLE, "a response that nobody read", "a reader that stopped", "a transformed body")
)
def test_what_nothing_can_reach_any_more_is_let_go(
    browser: Browser, page: Page, upstream: Upstream, leave: str
) -> None:
    page.evaluate(f"async (url) => {{ {leave} }}", upstream.url("/endless"))
    # Again and again, as it is in life: a chunk that is on its way through a pipe just now keeps the pipe.
    deadline = monotonic() + PATIENCE_S
    while not all(connection.gone.is_set() for connection in upstream.server.connections):
        assert monotonic() < deadline, "it is never collected"
        page.evaluate(COLLECT)
    assert_let_go(browser, upstream, page)


def test_a_response_that_is_collected_does_not_end_the_upload_beside_it(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    """Nobody reads what comes back, which is more than a stream may have unread; and there is no end to it."""
    taken: list[int] = []

    async def answer_twice_as_much(request: Request) -> None:
        await request.connection.send(bodies.head(200, [("Transfer-Encoding", "chunked")]) + bodies.chunk(b"begun"))
        total = 0
        async for piece in request.pieces():
            total += len(piece)
            await request.connection.send(bodies.chunk(2 * piece))
        taken.append(total)
        await request.connection.gone.wait()

    upstream.app.routes.add("/twice", answer_twice_as_much)
    page.evaluate(
        """async (url) => {
            const body = new ReadableStream({ start(controller) { window.source = controller } })
            await longwire.fetch(url, { method: 'POST', body, duplex: 'half' })
        }""",
        upstream.url("/twice"),
    )
    for _ in range(10):
        page.evaluate(COLLECT)
        page.evaluate("source.enqueue(new Uint8Array(100_000))")
    page.evaluate("source.close()")
    (connection,) = upstream.server.connections
    deadline = monotonic() + PATIENCE_S
    while not connection.gone.is_set():
        assert monotonic() < deadline, "it is never collected"
        page.evaluate(COLLECT)
    assert taken == [1_000_000]
    assert_let_go(browser, upstream, page)


READ_ON = {
    "a loop over the body": "response.body",
    "a loop over a transformed body": "response.body.pipeThrough(new TransformStream())",
    "a loop over half a tee": "response.body.tee()[0]",
}


@pytest.mark.parametrize("body", sliced(READ_ON, "a loop over the body", "a loop over a transformed body"))
def test_a_loop_that_waits_is_reached_by_what_it_waits_for(page: Page, upstream: Upstream, body: str) -> None:
    events = upstream.app.streams.channel()
    events.event("first")
    page.evaluate(
        script("read_loop_body.js").replace("BODY", body),
        upstream.url("/sse"),
    )
    page.wait_for_function("text.includes('first')")
    page.evaluate(COLLECT)
    turn(page)
    events.event("second")
    events.end()
    page.wait_for_function("text.endsWith('end')")
    assert page.evaluate("text") == "data: first\n\ndata: second\n\nend"
