"""Row 5: other frames, and the page itself, say what the relay or the shim would say. Nobody listens to that."""

from playwright.sync_api import Page

from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.upstreams.threaded import ThreadedServer

# Everything that either world listens for or understands, by every way that script has: to a window, as an event, on a
# channel, with a port and without; and messages of the protocol for the stream that is open.
SPEAK = script("speak_look_alikes.js")
# Given every chance: an own port with the right data, and the relay's own by asking for it again.
LISTEN = script("listen_for_ports.js")


def holding(page: Page, upstream: Upstream) -> None:
    """A stream that is open, the first of its page."""
    page.evaluate("(url) => { hold(url) }", upstream.url("/sse?channel=row5"))
    page.wait_for_function("held.status === 200")


def assert_unharmed(page: Page, upstream: Upstream, text: str) -> None:
    """The stream goes on, with nothing in it that its server did not send."""
    upstream.app.streams.channel("row5").event(text)
    page.wait_for_function("(text) => held.text.endsWith(`data: ${text}\\n\\n`)", arg=text)
    assert page.evaluate("held.error") is None
    assert "forged" not in page.evaluate("held.text")
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"


def test_what_another_frame_posts_has_no_effect(
    browser: Browser, page: Page, site: ThreadedServer, upstream: Upstream
) -> None:
    holding(page, upstream)
    page.evaluate(
        """(src) => new Promise((resolve) => {
            const frame = Object.assign(document.createElement('iframe'), { name: 'other', src })
            frame.onload = resolve
            document.body.append(frame)
        })""",
        f"http://127.0.0.1:{site.server.port}/blank",
    )
    page.evaluate(LISTEN)
    frame = page.frame("other")
    assert frame is not None
    frame.evaluate(f"({SPEAK})(parent)")
    # They arrived, all of them.
    page.wait_for_function("caught.filter(([type]) => type === 'message').length >= 20")
    assert_unharmed(page, upstream, "after another frame")
    assert len(browser.hosts()) == 1


def test_what_the_page_says_to_itself_reaches_neither_relay_nor_worker(page: Page, upstream: Upstream) -> None:
    holding(page, upstream)
    page.evaluate(LISTEN)
    page.evaluate(f"({SPEAK})(window)")
    assert_unharmed(page, upstream, "after the page itself")
    # Asked again, the relay gave its port to nobody: the shim had it.
    assert page.evaluate("caught.filter(([type, , ports]) => type === 'longwire:port' && ports > 0)") == []


def test_the_port_that_was_handed_over_was_seen_by_no_script(
    browser: Browser, site: ThreadedServer, upstream: Upstream
) -> None:
    """A frame that the page makes runs its relay and shim before the page can touch it."""
    browser.grant(upstream.root)
    page = browser.open(site.url("/"))
    seen = page.evaluate(script("listen_in_a_frame.js"))
    assert seen == {"caught": [], "shim": "object"}
