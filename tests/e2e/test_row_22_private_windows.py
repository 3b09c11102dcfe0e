"""Row 22: a page in a private window has no grant that does not say so, and leaves no trace in the log.

Playwright does not see pages of private windows, so the page is told what to do through its own server.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from longwire.assets import extension_id
from tests.e2e.bare import FarPage
from tests.e2e.browser import STATUS, Browser, running_browser
from tests.e2e.conftest import PAGE_SCRIPT, Upstream
from tests.e2e.dashboard import kept_with, only, open_dashboard
from tests.e2e.scripts import script
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# What a person does by the switch "Allow in Incognito".
ALLOW = """(extensionId) => new Promise((resolve) =>
    chrome.developerPrivate.updateExtensionConfiguration({ extensionId, incognitoAccess: true }, resolve))"""
IS_PRIVATE = "chrome.extension.inIncognitoContext"
# Letters that are in nothing else that is logged.
MARK = "privatemark"


@pytest.fixture(scope="module")
def both(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, FarPage, str]]:
    """A browser with a private window, the page in that, and the site of both."""
    home: Path = tmp_path_factory.mktemp("home")
    app = make_app()
    app.site.put("/", "<!doctype html><title>page</title><script src='/page.js'></script>")
    app.site.put("/page.js", PAGE_SCRIPT)
    with (
        ThreadedServer(lambda: Server(app.routes, name="localhost")) as site,
        running_browser(playwright, home) as browser,
    ):
        extensions = browser.open("chrome://extensions")
        with browser.context.expect_event("serviceworker"):  # the extension is loaded anew
            extensions.evaluate(ALLOW, extension_id())
        private = FarPage(app, site)
        browser.context.service_workers[-1].evaluate(
            "(url) => chrome.windows.create({ incognito: true, url }).then(() => null)", private.url
        )
        assert private.evaluate("chrome.extension?.inIncognitoContext ?? typeof longwire", 20) == "object"
        yield browser, private, site.url("/")


def ask(private: FarPage, url: str) -> dict[str, object]:
    answer: dict[str, object] = private.evaluate(f"fetchText({json.dumps(url)})")
    return answer


def test_a_grant_is_not_for_private_windows_unless_it_says_so(
    both: tuple[Browser, FarPage, str], upstream: Upstream
) -> None:
    browser, private, site = both
    url = upstream.url("/echo")
    browser.grant(upstream.root)
    refused = ask(private, url)
    assert refused["where"] == "headers"
    assert isinstance(refused["error"], dict)
    assert refused["error"]["code"] == "POLICY_DENIED"
    assert "private_windows = true" in refused["error"]["message"]
    assert private.evaluate(STATUS)["destinations"] == []
    # The same page, not in private.
    assert browser.open(site).evaluate("(url) => fetchText(url)", url)["where"] == "done"
    browser.grant(upstream.root, more="private_windows = true")
    assert ask(private, url)["where"] == "done"
    assert len(upstream.server.requests) == 2


def test_it_has_a_host_of_its_own_and_leaves_neither_page_nor_url_in_the_log(
    both: tuple[Browser, FarPage, str], upstream: Upstream
) -> None:
    browser, private, site = both
    browser.grant(upstream.root, more="private_windows = true")
    before = browser.logged()
    for target in (f"/echo?{MARK}", f"/{MARK}", f"/redirect?to=/{MARK}"):
        ask(private, upstream.url(target))
    ask(private, f"http://{MARK}.test/")
    written = browser.logs_since(before)
    ends = [json.loads(line) for line in written.splitlines() if '"stream"' in line]
    assert ends
    assert {(event["page"], event["destination"]) for event in ends if "page" in event} == {
        ("(private window)", "(private window)")
    }
    assert MARK not in written
    assert site.rstrip("/") not in written
    assert str(upstream.server.port) not in written
    # A page outside is served by another host, and by another connection.
    assert browser.open(site).evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    assert len(browser.hosts()) == 2
    assert len(upstream.server.connections) >= 2


def test_its_streams_are_not_in_the_dashboard_of_other_windows_nor_where_that_keeps_them(
    both: tuple[Browser, FarPage, str], upstream: Upstream
) -> None:
    browser, private, site = both
    browser.grant(upstream.root, more="private_windows = true")
    assert ask(private, upstream.url(f"/echo?{MARK}"))["where"] == "done"
    assert browser.open(site).evaluate("(url) => fetchText(url)", upstream.url("/echo?plainmark"))["where"] == "done"
    dashboard = open_dashboard(browser)
    only(dashboard, "plainmark")
    only(dashboard, MARK, 0)
    # Both have been written when the one is looked at that must not have it.
    hidden = next(each for each in browser.context.service_workers if each.evaluate(IS_PRIVATE))
    assert "plainmark" not in kept_with(hidden, MARK, hidden=True)
    assert MARK not in kept_with(dashboard, "plainmark")
    assert MARK not in hidden.evaluate(script("kept_streams.js"))
