"""What goes wrong around the client library over the real host: hostile servers, pages that leave, lost permissions."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Playwright

from longwire.protocol.errors import ErrorCode, Phase
from tests.e2e.browser import STATUS, running_browser
from tests.e2e.client import load_client
from tests.e2e.conftest import Upstream
from tests.e2e.permissions import permit, revoke, withhold_all, withholding_extension
from tests.e2e.scripts import script
from tests.e2e.typed import assert_typed
from tests.slices import sliced
from tests.upstreams import bodies, faults
from tests.upstreams.connection import Request
from tests.upstreams.threaded import ThreadedServer

EVENT_STREAM = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]


@pytest.fixture
def client(page: Page) -> Page:
    """A page with the library, as `client`."""
    load_client(page)
    return page


# How reading ends: with `stream`, which may send again, and with `events`, which does not.
READERS = {
    "stream": "client.stream(url, init, { fetch: longwire.fetch, retry: { delay: 1, retries: 2 }, ...options })",
    "events": "client.events(new Request(url, init), { fetch: longwire.fetch, ...options })",
}
READ = script("read_to_completion.js")


def read(page: Page, reader: str, url: str, init: object = None, **options: Any) -> dict[str, Any]:
    """How it ended, and what had been read."""
    argument = {"url": url, "init": init or {}, "options": options}
    result: dict[str, Any] = page.evaluate(READ.replace("READER", READERS[reader]), argument)
    return result


# --- servers ----------------------------------------------------------------------------------------------------------


def test_a_line_of_100_mb_is_too_large_and_most_of_it_never_leaves_the_server(client: Page, upstream: Upstream) -> None:
    piece = bodies.chunk(b"x" * (1 << 20))

    async def endless_line(request: Request) -> None:
        await request.connection.send(bodies.head(200, EVENT_STREAM) + bodies.chunk(b"data: first\n\ndata: "))
        for _ in range(100):
            await request.connection.send(piece)

    upstream.app.routes.add("/line", endless_line)
    result = read(client, "stream", upstream.url("/line"), maxEventLength=1 << 20)
    assert (result["name"], result["code"], result["category"]) == ("StreamError", "TOO_LARGE", "PARSE")
    assert (result["retryable"], result["text"]) == (False, "first")
    (connection,) = upstream.server.connections
    upstream.run(connection.wait_gone)
    # The limit twice over, and the windows and buffers between.
    assert connection.sent < 16 << 20


@pytest.mark.parametrize("reader", READERS)
def test_comments_without_end_are_signs_of_life_and_no_events(client: Page, upstream: Upstream, reader: str) -> None:
    async def comments(request: Request) -> None:
        await request.connection.send(bodies.head(200, EVENT_STREAM) + bodies.chunk(b"data: first\n\n"))
        while True:
            await request.connection.send(bodies.chunk(b": still here\n\n"))
            await asyncio.sleep(0.005)

    upstream.app.routes.add("/comments", comments)
    once = {"retry": False} if reader == "stream" else {}  # events() never retries
    result = read(client, reader, upstream.url("/comments"), idleTimeout=10_000, eventTimeout=1_000, **once)
    assert (result["code"], result["category"], result["retryable"]) == ("STALLED_EVENTS", "TIMEOUT", True)
    assert (result["text"], result["events"]) == ("first", 1)
    (connection,) = upstream.server.connections
    upstream.run(connection.wait_gone)


@pytest.mark.parametrize("reader", READERS)
def test_a_header_that_fetch_forbids_is_dropped_and_one_that_is_none_is_refused(
    client: Page, upstream: Upstream, reader: str
) -> None:
    headers = {"Cookie": "a=b", "Host": "elsewhere", "Sec-Fetch-Site": "none", "X-Own": "1"}
    read(client, reader, upstream.url("/echo"), {"headers": headers})
    (request,) = upstream.server.requests
    names = {name.lower(): value for name, value in request.headers}
    assert names["x-own"] == "1" and names["host"] == upstream.root.split("/")[2]
    assert names.keys().isdisjoint({"cookie", "sec-fetch-site"})
    with pytest.raises(Error, match="TypeError"):
        read(client, reader, upstream.url("/echo"), {"headers": {"X-Own": "a\nb"}})
    assert len(upstream.server.requests) == 1


RESET = ErrorCode.UPSTREAM_RESET


@pytest.mark.parametrize("fault", ["close-at-once", "reset-at-once"])
@pytest.mark.parametrize(
    ("reader", "method", "code", "cause", "requests"),
    [
        ("events", "GET", RESET, RESET, 1),
        ("stream", "GET", "MAX_RETRIES_EXCEEDED", RESET, 3),
        # Nobody knows how far the server had come with it.
        ("stream", "POST", RESET, RESET, 1),
    ],
)
def test_a_server_that_closes_before_the_first_byte(
    client: Page, upstream: Upstream, fault: str, reader: str, method: str, code: str, cause: str, requests: int
) -> None:
    result = read(client, reader, upstream.url(f"/fault/{fault}"), {"method": method})
    assert (result["code"], result["cause"], result["text"]) == (code, cause, "")
    assert result["category"] == ("NETWORK" if code == RESET else code)
    assert len(upstream.server.requests) == requests


# --- a page that leaves -----------------------------------------------------------------------------------------------

# With every reason to ask again at once.
START = {
    "stream": script("text_by_stream.js"),
    "EventSource": """(url) => {
        window.seen = ''
        window.source = new client.EventSource(url, { fetch: longwire.fetch, reconnectionTime: 1 })
        source.onmessage = ({ data }) => { seen += data }
    }""",
    "patched EventSource": script("text_by_patched_event_source.js"),
}


def to_the_cache(page: Page, site: ThreadedServer) -> None:
    page.goto(site.url("/blank"))


def for_good(page: Page, site: ThreadedServer) -> None:
    """A listener for `unload` keeps the page out of the back/forward cache."""
    page.evaluate("addEventListener('unload', () => {})")
    page.goto(site.url("/blank"))


def reload(page: Page, site: ThreadedServer) -> None:
    page.reload()


def close(page: Page, site: ThreadedServer) -> None:
    page.close()


LEAVE: list[Callable[[Page, ThreadedServer], None]] = [to_the_cache, for_good, reload, close]
# Requests of another page, one after the other: each of them is a turn for whatever would go out.
TURNS = 30


def ask_in_turns(page: Page, upstream: Upstream) -> None:
    url = upstream.url("/echo")
    page.evaluate("async ([url, n]) => { for (; n > 0; n--) await (await longwire.fetch(url)).text() }", [url, TURNS])


def requests_for(upstream: Upstream, path: str) -> int:
    return sum(request.path == path for request in upstream.server.requests)


# One kind in every way, and the others once each.
@pytest.mark.parametrize(
    ("kind", "leave"),
    sliced(
        {f"{kind}-{leave.__name__}": (kind, leave) for kind in START for leave in LEAVE},
        *(f"stream-{leave.__name__}" for leave in LEAVE),
        "EventSource-for_good",
        "patched EventSource-to_the_cache",
        several=True,
    ),
)
def test_a_page_that_leaves_in_mid_stream_asks_nothing_more(
    client: Page, site: ThreadedServer, upstream: Upstream, open_page: Callable[[], Page], kind: str, leave: Any
) -> None:
    other = open_page()
    client.evaluate(START[kind], upstream.url("/sse"))
    upstream.app.streams.channel().event("one", event_id="1")
    client.wait_for_function("seen === 'one'")
    leave(client, site)
    (request,) = [request for request in upstream.server.requests if request.path == "/sse"]
    upstream.run(request.connection.wait_gone)
    ask_in_turns(other, upstream)
    assert requests_for(upstream, "/sse") == 1


# Every kind leaves; one of them stays, to show that it would ask.
@pytest.mark.parametrize(
    ("kind", "leaves"),
    sliced(
        {f"{kind}-{'leaves' if leaves else 'stays'}": (kind, leaves) for kind in START for leaves in (True, False)},
        *(f"{kind}-leaves" for kind in START),
        "EventSource-stays",
        several=True,
    ),
)
def test_a_page_that_leaves_while_it_waits_to_ask_again_does_not(
    client: Page, site: ThreadedServer, upstream: Upstream, open_page: Callable[[], Page], kind: str, leaves: bool
) -> None:
    delay_ms = 300
    event = f"retry: {delay_ms}\nid: 1\ndata: one\n\n".encode()
    head = bodies.head(200, [("Content-Type", "text/event-stream"), ("Content-Length", "1000")])
    upstream.app.routes.add("/broken", faults.raw(head + event, then="close"))
    other = open_page()
    client.evaluate(START[kind], upstream.url("/broken"))
    client.wait_for_function("seen === 'one'")
    if leaves:
        for_good(client, site)
        # Past the moment at which it would have asked.
        other.wait_for_timeout(2 * delay_ms)
        ask_in_turns(other, upstream)
        assert requests_for(upstream, "/broken") == 1
    else:
        upstream.run(lambda: upstream.server.wait_requests(2))
        assert requests_for(upstream, "/broken") >= 2


# --- a permission that is taken away ----------------------------------------------------------------------------------

HOST_NAME = "site.test"
OTHER_GRANT = """
[[grant]]
name = "other"
pages = ["{page}"]
destinations = ["{destination}"]
methods = ["GET"]
network = "loopback"
"""


def test_a_permission_that_is_taken_away_ends_the_pages_streams_and_refuses_its_next(
    playwright: Playwright, site: ThreadedServer, upstream: Upstream, tmp_path: Path
) -> None:
    rules = [f"--host-resolver-rules=MAP {HOST_NAME} 127.0.0.1"]
    with running_browser(playwright, tmp_path, extension=withholding_extension(tmp_path), arguments=rules) as browser:
        withhold_all(browser)
        permit(browser, HOST_NAME)
        permit(browser, "localhost")
        other = OTHER_GRANT.format(page=f"http://{HOST_NAME}:*", destination=upstream.root)
        browser.grant(upstream.root, more=other)
        neighbour = browser.open(site.url("/"))
        page = browser.open(site.url("/").replace("localhost", HOST_NAME))
        page.wait_for_function("typeof longwire === 'object'")
        load_client(page)
        for each in (page, neighbour):
            each.evaluate("(url) => { hold(url) }", upstream.url("/fault/body-silent"))
            each.wait_for_function("held.text === 'half'")
        page.evaluate(START["stream"], upstream.url("/sse"))
        upstream.app.streams.channel().event("one", event_id="1")
        page.wait_for_function("seen === 'one'")

        revoke(browser, HOST_NAME)

        page.wait_for_function("held.error !== undefined")
        over = page.evaluate("held.over")
        assert (over["where"], over["text"]) == ("body", "half")
        assert_typed(over["error"], ErrorCode.POLICY_DENIED, Phase.BODY, "does not let Longwire into this site")
        # The shim is still in the page, and is of no use to it; nor does the library ask again.
        asked = page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))
        assert_typed(asked["error"], ErrorCode.POLICY_DENIED, Phase.POLICY, "press Allow in the popup")
        status = page.evaluate(STATUS)
        assert status["destinations"] == [] and "press Allow" in status["fix"]
        for reader in READERS:
            result = read(page, reader, upstream.url("/echo"))
            assert (result["code"], result["category"]) == (ErrorCode.POLICY_DENIED, "POLICY")
        assert (requests_for(upstream, "/echo"), requests_for(upstream, "/sse")) == (0, 1)
        # Nobody else pays for it, and what is given back is there again, in the same document.
        assert neighbour.evaluate("held.error") is None
        permit(browser, HOST_NAME)
        page.wait_for_function(
            "(url) => fetchText(url).then(({ where }) => where === 'done')", arg=upstream.url("/echo")
        )
