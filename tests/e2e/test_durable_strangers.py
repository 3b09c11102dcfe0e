"""Rows 22 and 29 in a browser: another profile of the same user finds nothing, and a private window has nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from longwire.assets import extension_id
from tests.e2e.bare import FarPage
from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.durable import Home, attach, forget, listed, living_home, serve_page
from tests.e2e.scripts import script
from tests.e2e.test_row_22_private_windows import ALLOW
from tests.upstreams.app import App, make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

pytestmark = pytest.mark.long


@pytest.fixture
def app() -> App:
    """With the page of these tests."""
    app = make_app()
    serve_page(app)
    return app


@pytest.fixture
def site(app: App) -> Iterator[ThreadedServer]:
    """Where it comes from."""
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as threaded:
        yield threaded


@pytest.fixture
def home(playwright: Playwright, tmp_path: Path, upstream: Upstream) -> Iterator[Home]:
    """Whose browsers may reach the upstream, private windows too."""
    with living_home(playwright, tmp_path) as home:
        home.grant(upstream.root, more="private_windows = true")
        yield home


def have_one(browser: Browser, site: ThreadedServer, upstream: Upstream) -> None:
    """A durable request `mine` that runs."""
    page = browser.open(site.url("/"))
    upstream.app.streams.channel().event("0", event_id="0")
    told = attach(page, upstream.url("/sse"), "mine", count=1)
    assert told["error"] is None
    assert [entry["key"] for entry in listed(page)] == ["mine"]


def test_another_profile_finds_nothing_and_forgets_nothing(
    home: Home, site: ThreadedServer, upstream: Upstream
) -> None:
    mine = home.start()
    have_one(mine, site, upstream)
    page = home.start(home.folder / "other").open(site.url("/"))
    assert listed(page) == []
    forget(page, "mine")
    upstream.app.streams.channel("1").event("1", event_id="1")
    # The same key is a request of its own there.
    told = attach(page, upstream.url("/sse?channel=1"), "mine", count=1, text=True)
    assert (told["error"], told["text"]) == (None, "id: 1\ndata: 1\n\n")
    assert len(upstream.server.requests) == 2
    (entry,) = listed(mine.open(site.url("/")))
    assert entry["state"] == "running"
    assert len(home.daemons()) == 1


def test_a_private_window_has_none_whatever_the_grant_says(
    home: Home, app: App, site: ThreadedServer, upstream: Upstream
) -> None:
    browser = home.start()
    have_one(browser, site, upstream)
    extensions = browser.open("chrome://extensions")
    with browser.context.expect_event("serviceworker"):  # the extension is loaded anew
        extensions.evaluate(ALLOW, extension_id())
    private = FarPage(app, site, f"<script>{script('durable.js')}</script>")
    browser.context.service_workers[-1].evaluate(
        "(url) => chrome.windows.create({ incognito: true, url }).then(() => null)", private.url
    )
    url = upstream.url("/sse")
    assert private.evaluate(f"fetchText({json.dumps(upstream.url('/echo'))})")["where"] == "done"
    told = private.evaluate(f"attach({{ url: {json.dumps(url)}, key: 'mine' }})")
    assert (told["error"]["code"], told["error"]["phase"]) == ("POLICY_DENIED", "policy")
    assert "private" in told["error"]["message"]
    assert private.evaluate("listed()")["error"]["code"] == "POLICY_DENIED"
    assert private.evaluate("forgotten('mine')")["error"]["code"] == "POLICY_DENIED"
    # Nothing of it came as far as the daemon, and what was there stays.
    assert '"(private window)"' not in home_log(home, "durable")
    (entry,) = listed(browser.open(site.url("/")))
    assert entry["state"] == "running"


def home_log(home: Home, word: str) -> str:
    """The lines of all logs with this word."""
    files = (home.folder / "state" / "longwire").glob("host-*.jsonl*")
    return "\n".join(line for file in files for line in file.read_text().splitlines() if word in line)
