"""The direct port: once it streams, a page is spoken to without the relay, and gains nothing else by it."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from longwire.assets import extension_id
from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import PAGE_SCRIPT, Upstream
from tests.e2e.scripts import script
from tests.e2e.test_bridge_loss import assert_works, leave_and_come_back, over, reload_extension
from tests.patience import PATIENCE_S
from tests.printed import say
from tests.slices import sliced
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

MIB = 1 << 20
# What the worker sends by ports of its own; by a runtime port it sends in another way.
COUNT_DIRECT = script("count_direct.js")
# Everything that a page can see of the frame, from before the first stream.
WATCH = script("watch_elements.js")
DIGEST = """async (url) => {
    const response = await longwire.fetch(url)
    return hex(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()))
}"""


def sent_directly(browser: Browser) -> int:
    """How many messages the worker sent by direct ports."""
    count: int = browser.worker().evaluate("globalThis.direct ?? 0")
    return count


def stream_directly(browser: Browser, page: Page, upstream: Upstream) -> None:
    """A stream of the page that goes on and on, and comes by a direct port."""
    browser.worker().evaluate(COUNT_DIRECT)
    page.evaluate("(url) => { hold(url) }", upstream.url("/paced?events=100000&per_second=100"))
    page.wait_for_function("held.status === 200")
    heard_directly(browser, page)


def heard_directly(browser: Browser, page: Page) -> None:
    """Wait until the page has heard more by the direct port."""
    before = sent_directly(browser)
    until(lambda: sent_directly(browser) >= before + 10)
    page.wait_for_function("(length) => held.text.length > length", arg=page.evaluate("held.text.length"))


def until(condition: Callable[[], bool]) -> None:
    """Ask again and again."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "no direct port"


def test_events_go_on_in_their_order_when_the_direct_port_opens(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    page.evaluate(STATUS)
    browser.worker().evaluate(COUNT_DIRECT)
    page.evaluate("(url) => { hold(url) }", upstream.url("/sse?channel=direct"))
    page.wait_for_function("held.status === 200")
    events = upstream.app.streams.channel("direct")
    sent = 0
    # No event is sent before the last one was seen; a hundred more after the first that came directly.
    while sent_directly(browser) < 100:
        events.event(f"event {sent}")
        page.wait_for_function("(text) => held.text.endsWith(text)", arg=f"data: event {sent}\n\n")
        sent += 1
        assert sent < 10_000
    assert page.evaluate("held.text") == "".join(f"data: event {number}\n\n" for number in range(sent))
    say(f"direct port: {sent - sent_directly(browser)} events came by the relay before it was open")


def test_short_answers_are_not_worth_a_frame(browser: Browser, page: Page, upstream: Upstream) -> None:
    page.evaluate(WATCH)
    browser.worker().evaluate(COUNT_DIRECT)
    for _ in range(40):
        assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    assert page.evaluate("seen.added") == []
    assert sent_directly(browser) == 0


def test_a_page_sees_an_empty_element_come_and_go_and_nothing_more(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    page.evaluate(STATUS)
    page.evaluate(WATCH)
    stream_directly(browser, page, upstream)
    assert page.evaluate("seen") == {
        "added": ['<div style="display: none;"></div>'],
        "roots": [None],
        "frames": 0,
        "messages": 0,
    }
    assert page.evaluate("gone && document.documentElement.outerHTML === before")
    names = page.evaluate("performance.getEntries().map(({ name }) => name)")
    assert not [name for name in names if "extension" in name or "direct" in name]


# --- what ends it ---------------------------------------------------------------------------------------------------


def test_a_host_that_is_lost_is_told_directly_and_the_port_stays(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    stream_directly(browser, page, upstream)
    (host,) = browser.hosts()
    host.kill()
    assert over(page)["error"]["code"] == "HOST_LOST"
    before = sent_directly(browser)
    assert_works(page, upstream)
    assert page.evaluate(STATUS)["state"] == "ready"
    assert sent_directly(browser) > before


def test_an_extension_that_is_reloaded_brings_another(browser: Browser, page: Page, upstream: Upstream) -> None:
    stream_directly(browser, page, upstream)
    reload_extension(browser)
    assert over(page)["error"]["code"] == "BRIDGE_LOST"
    assert_works(page, upstream)
    stream_directly(browser, page, upstream)


def test_an_abort_reaches_the_server_and_the_next_stream_comes_directly(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    stream_directly(browser, page, upstream)
    (connection,) = upstream.server.connections
    page.evaluate("held.abort()")
    assert over(page)["error"]["name"] == "AbortError"
    upstream.run(connection.wait_gone)
    page.evaluate("(url) => { hold(url) }", upstream.url("/paced?events=100000&per_second=100"))
    heard_directly(browser, page)


def test_a_page_comes_back_from_the_cache_and_gets_another(
    browser: Browser, page: Page, site: ThreadedServer, upstream: Upstream
) -> None:
    for _ in range(2):
        stream_directly(browser, page, upstream)
        leave_and_come_back(page, site)
        assert over(page)["error"]["code"] == "BRIDGE_LOST"
        page.evaluate("() => { delete window.persisted }")


# --- where it may not be --------------------------------------------------------------------------------------------

# By the headers of its document, as strict as they come.
STRICT = {
    "no rules": [],
    "a policy of nothing": [("Content-Security-Policy", "default-src 'none'; frame-src 'none'; child-src 'none'")],
    "trusted types": [("Content-Security-Policy", "require-trusted-types-for 'script'; trusted-types 'none'")],
    "isolation": [("Cross-Origin-Embedder-Policy", "require-corp"), ("Cross-Origin-Opener-Policy", "same-origin")],
    "isolation by halves": [("Cross-Origin-Embedder-Policy", "require-corp")],
}
# They do not let in a frame of another origin that does not say it may be let in. The extension's does not.
WITHOUT = {"isolation", "isolation by halves"}


# With rules of each sort; a page without any is what all other tests have.
@pytest.mark.parametrize(
    "rules",
    sliced({name: name for name in STRICT}, "a policy of nothing", "trusted types", "isolation", "isolation by halves"),
)
def test_a_body_is_whole_whatever_the_page_forbids_itself(browser: Browser, upstream: Upstream, rules: str) -> None:
    async def document(request: Request) -> None:
        headers = [("Content-Type", "text/html"), *STRICT[rules]]
        await bodies.respond(request.connection, b"<!doctype html><title>strict</title>", headers=headers)

    size = 16 * MIB
    with ThreadedServer(lambda: Server(Routes({"/": document}), name="localhost")) as strict:
        browser.grant(upstream.root)
        page = browser.open(strict.url("/"))
        page.evaluate(PAGE_SCRIPT)  # not loaded by the page, which may not
        page.evaluate(STATUS)
        browser.worker().evaluate(COUNT_DIRECT)
        url = upstream.url(f"/bytes?size={size}&seed=strict")
        whole = bodies.digest("strict", size)
        assert page.evaluate("crossOriginIsolated") is (rules == "isolation")
        assert page.evaluate(DIGEST, url) == whole
        # The port opens in the midst of the first body, or of a later one where a machine is slow with frames.
        for _ in range(5):
            if sent_directly(browser) or rules in WITHOUT:
                break
            assert page.evaluate(DIGEST, url) == whole
        direct = sent_directly(browser)
        say(f"direct port, {rules}: {direct} messages of a body of {size // MIB} MiB")
        assert (direct == 0) == (rules in WITHOUT)
        # An isolated page is not bothered with it; one that is so by halves can be known by nothing but the failure.
        assert rules == "isolation by halves" or len(page.frames) == 1


def test_a_page_that_loads_the_frame_itself_gains_nothing(browser: Browser, page: Page, upstream: Upstream) -> None:
    page.evaluate(STATUS)
    worker = browser.worker()
    worker.evaluate("() => { globalThis.brought = []; addEventListener('message', ({ data }) => brought.push(data)) }")
    # By the name that every page knows, it is not there; the one of this session is known to the extension alone.
    load = script("load_direct_frame.js")
    page.evaluate(load, f"chrome-extension://{extension_id()}/direct.html")
    assert page.frames[-1].url == "chrome-error://chromewebdata/"
    page.evaluate(load, worker.evaluate("chrome.runtime.getURL('direct.html')"))
    worker.evaluate("async () => { while (brought.length < 1) await new Promise((then) => setTimeout(then)) }")
    assert worker.evaluate("brought") == ["0" * 32]
    # Whoever has the session's URL, and even a token: one that was used is worth nothing.
    assert page.evaluate("heard") == []
    stream_directly(browser, page, upstream)
    used = worker.evaluate("brought.at(-1)")
    assert used != "0" * 32
    page.evaluate(load.replace("'0'.repeat(32)", f"'{used}'"), worker.evaluate("chrome.runtime.getURL('direct.html')"))
    worker.evaluate("async () => { while (brought.length < 3) await new Promise((then) => setTimeout(then)) }")
    heard_directly(browser, page)
    assert page.evaluate("heard") == []
