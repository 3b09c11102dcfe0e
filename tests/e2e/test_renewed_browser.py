"""The browser that files share has, for each of them, nothing of the others."""

from playwright.sync_api import Page

from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.upstreams.threaded import ThreadedServer


def test_nothing_of_one_file_is_left_for_the_next(
    browser: Browser, page: Page, site: ThreadedServer, upstream: Upstream
) -> None:
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    page.evaluate("() => { localStorage.kept = 'kept'; document.cookie = 'kept=kept' }")
    browser.worker().evaluate("() => { globalThis.kept = 'kept' }")
    hosts = browser.hosts()
    assert hosts != []
    assert '"first byte"' in browser.logs()

    browser.renew()

    assert len(browser.context.pages) == 1
    assert not any(host.is_running() for host in hosts)
    assert browser.worker().evaluate("typeof kept") == "undefined"
    again = browser.open(site.url("/"))
    assert again.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    status = again.evaluate(STATUS)
    assert (status["state"], status["destinations"]) == ("ready", [])
    refused = again.evaluate("(url) => fetchText(url)", upstream.url("/echo"))
    assert refused["error"]["code"] == "POLICY_DENIED"
    assert '"first byte"' not in browser.logs()
