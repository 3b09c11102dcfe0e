"""Fixtures: one browser for all files of a worker, renewed for each; fresh servers a test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.e2e.browser import Browser, running_browser
from tests.patience import PATIENCE_S
from tests.upstreams.app import App, make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# Kernel buffers of the test server are fixed, so that "what left the server" means something.
SEND_BUFFER_BYTES = 256 * 1024


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is end to end."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """The driver. It leaves its event loop running in this thread, where no other folder's tests could run theirs."""
    with sync_playwright() as driver:
        expect.set_options(timeout=1000 * PATIENCE_S)
        yield driver


class SharedBrowser:
    """The Chromium of all files that need no other. Starting one takes longer than most tests."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._new = True

    def for_another_file(self) -> Browser:
        """As one that was just started."""
        if not self._new:
            self._browser.renew()
        self._new = False
        return self._browser


@pytest.fixture(scope="package")
def shared_browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedBrowser]:
    """Started when the first file asks for it."""
    with running_browser(playwright, tmp_path_factory.mktemp("home")) as browser:
        yield SharedBrowser(browser)


@pytest.fixture(scope="module")
def browser_of_module(shared_browser: SharedBrowser) -> Browser:
    """A Chromium that the tests of one file share. A file whose tests leave in it what stays has one of its own."""
    return shared_browser.for_another_file()


@pytest.fixture
def browser(browser_of_module: Browser) -> Iterator[Browser]:
    """The module's Chromium, without tabs of the last test."""
    yield browser_of_module
    browser_of_module.close_pages()


class Upstream:
    """A server that a page may not reach by itself (another origin, no CORS), and what it serves."""

    def __init__(self, app: App, threaded: ThreadedServer) -> None:
        self.app = app
        self.threaded = threaded
        self.server = threaded.server
        self.run = threaded.run

    @property
    def root(self) -> str:
        """As a grant's destination."""
        return self.server.url("/")

    def url(self, target: str) -> str:
        """The absolute URL of `target`."""
        return self.server.url(target)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A fresh upstream with every handler of `tests.upstreams.app`."""
    app = make_app()
    with ThreadedServer(lambda: Server(app.routes, send_buffer=SEND_BUFFER_BYTES)) as threaded:
        yield Upstream(app, threaded)


PAGE_SCRIPT = (Path(__file__).parent / "page.js").read_text()


@pytest.fixture(scope="session")
def site() -> Iterator[ThreadedServer]:
    """Where pages come from: `http://localhost:PORT/` with the helpers of `page.js`."""
    app = make_app()
    app.site.put("/", "<!doctype html><title>page</title><script src='/page.js'></script>")
    app.site.put("/page.js", PAGE_SCRIPT)
    app.site.put("/blank", "<!doctype html><title>blank</title>")
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as threaded:
        yield threaded


@pytest.fixture
def page(browser: Browser, site: ThreadedServer, upstream: Upstream) -> Page:
    """A tab on the site that may reach `upstream`."""
    browser.grant(upstream.root)
    return browser.open(site.url("/"))


OpenPage = Callable[[], Page]


@pytest.fixture
def open_page(browser: Browser, site: ThreadedServer) -> OpenPage:
    """More tabs."""
    return lambda: browser.open(site.url("/"))
