"""What the browser's administrator sets for the extension holds in a real Chromium, whatever the policy opens."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.e2e.browser import STATUS, Browser, running_browser, wait_ended
from tests.e2e.conftest import Upstream
from tests.e2e.durable import attach, living_home, serve_page
from tests.e2e.managed import ETC, Managed, mounts_are_ours
from tests.e2e.popup import is_about, open_popup
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

FETCH = "(url) => fetchText(url)"

pytestmark = pytest.mark.skipif(
    not mounts_are_ours(), reason="needs root and a Debian Chromium, to show this browser alone a policy"
)


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[Managed]:
    """One for each test."""
    yield Managed(tmp_path)
    assert not (ETC / "policies" / "managed" / "longwire.json").exists()


@contextmanager
def granted(
    playwright: Playwright, home: Path, managed: Managed, upstream: Upstream, site: ThreadedServer
) -> Iterator[Browser]:
    """A browser that obeys, and whose host lets every page of the site reach the upstream."""
    with running_browser(playwright, home, executable=managed.launcher) as browser:
        browser.grant(
            upstream.root,
            page=site.url(""),
            more="[[grant]]\nname = 'address'\n"
            f"pages = ['http://127.0.0.1:{site.server.port}']\ndestinations = ['{upstream.root}']\n"
            "methods = ['GET']\nnetwork = 'loopback'",
        )
        yield browser


def wait_settled(browser: Browser) -> None:
    """Wait until the browser has answered the extension's own question: this one comes after it."""
    browser.worker().evaluate("async () => { await chrome.storage.managed.get('enabled') }")


def test_switched_off_nothing_is_served_and_no_host_is_started(
    playwright: Playwright, tmp_path: Path, managed: Managed, upstream: Upstream, site: ThreadedServer
) -> None:
    managed.set(enabled=False)
    # The first start of the profile: the extension learns what is set.
    with granted(playwright, tmp_path, managed, upstream, site) as browser:
        wait_settled(browser)
        assert_switched_off(browser.open(site.url("/")), upstream)
        popup = open_popup(browser, browser.open(site.url("/")))
        is_about(popup, "Nothing open")
        expect(popup.locator("#verdict-text")).to_contain_text("administrator of this browser switched")
        expect(popup.locator("#versions")).to_have_text(re.compile(r"^Extension [\d.]+$"))
        started = browser.logs().count('"started"')
    with granted(playwright, tmp_path, managed, upstream, site) as browser:
        assert_switched_off(browser.open(site.url("/")), upstream)
        wait_settled(browser)
        assert_switched_off(browser.open(site.url("/")), upstream)
        assert browser.hosts() == []
        assert browser.logs().count('"started"') == started
    assert upstream.server.connections == []


def assert_switched_off(page: Page, upstream: Upstream) -> None:
    """The page is told so, whatever it asks."""
    error = page.evaluate(FETCH, upstream.url("/echo"))["error"]
    assert (error["code"], error["phase"]) == ("POLICY_DENIED", "policy")
    assert "administrator of this browser switched the Longwire extension off" in error["message"]
    status = page.evaluate(STATUS)
    assert (status["state"], status["destinations"]) == ("ready", [])
    assert "administrator of this browser switched the Longwire extension off" in status["fix"]


def test_with_pages_named_those_are_served_and_no_others(
    playwright: Playwright, tmp_path: Path, managed: Managed, upstream: Upstream, site: ThreadedServer
) -> None:
    managed.set(enabled=True, pages=[site.url("")])
    with granted(playwright, tmp_path, managed, upstream, site) as browser:
        wait_settled(browser)
        served = browser.open(site.url("/")).evaluate(FETCH, upstream.url("/echo"))
        assert (served["where"], served["status"]) == ("done", 200)
        refused = browser.open(f"http://127.0.0.1:{site.server.port}/").evaluate(FETCH, upstream.url("/echo"))
        assert refused["error"]["code"] == "POLICY_DENIED"
        assert "serve other pages only" in refused["error"]["message"]
    assert len(upstream.server.requests) == 1


def test_switching_off_ends_what_runs(
    playwright: Playwright, tmp_path: Path, managed: Managed, upstream: Upstream, site: ThreadedServer
) -> None:
    managed.set()
    with granted(playwright, tmp_path, managed, upstream, site) as browser:
        wait_settled(browser)
        page = browser.open(site.url("/"))
        page.evaluate("(url) => { hold(url) }", upstream.url("/fault/body-silent"))
        page.wait_for_function("held.status === 200")
        managed.set(enabled=False)
        # The browser looks at the folder by itself too, but takes its time.
        policies = browser.open("chrome://policy")
        policies.locator("#reload-policies").click()
        page.wait_for_function("held.error !== undefined")
        assert page.evaluate("held.error.code") == "POLICY_DENIED"
        upstream.run(upstream.server.requests[0].connection.wait_gone)


def test_switching_off_ends_what_outlives_its_page_and_frees_its_key(
    playwright: Playwright, tmp_path: Path, managed: Managed, upstream: Upstream
) -> None:
    app = make_app()
    serve_page(app)
    managed.set()
    with (
        ThreadedServer(lambda: Server(app.routes, name="localhost")) as pages,
        living_home(playwright, tmp_path) as home,
    ):
        home.grant(upstream.root)
        with running_browser(playwright, tmp_path, executable=managed.launcher) as browser:
            wait_settled(browser)
            page = browser.open(pages.url("/"))
            assert_asked_for(page, upstream, 1)
            page.close()
            # What runs has neither page nor host by now.
            hosts = browser.hosts()
            for host in hosts:
                host.kill()
            wait_ended(hosts)
            policies = browser.open("chrome://policy")
            managed.set(enabled=False)
            policies.locator("#reload-policies").click()
            upstream.run(upstream.server.requests[0].connection.wait_gone)
            managed.set()
            policies.locator("#reload-policies").click()
            page = browser.open(pages.url("/"))
            page.wait_for_function("async () => (await longwire.status()).destinations.length > 0")
            assert_asked_for(page, upstream, 2)


def assert_asked_for(page: Page, upstream: Upstream, times: int) -> None:
    """The page reads the beginning of a durable answer, of another URL each time, and the server was asked so often."""
    upstream.app.streams.channel(str(times)).event("first")
    told = attach(page, upstream.url(f"/sse?channel={times}"), "answer", count=5, text=True)
    assert (told["error"], len(upstream.server.requests)) == (None, times)
