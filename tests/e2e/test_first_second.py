"""The first second of a browser, which no debugger looks into and in which nothing has settled.

A Chromium answers `chrome.storage.managed` when it has settled: after seconds, and as long as its first page is loading
after three minutes. So here the first page waits for an image, and the test says when it comes.
"""

import asyncio
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from longwire.assets import extension_folder
from tests.e2e.bare import START_S, FarPage, bare_browser
from tests.e2e.conftest import PAGE_SCRIPT, Upstream
from tests.e2e.managed import Managed, mounts_are_ours
from tests.e2e.scripts import script
from tests.host_process import grant, write_policy
from tests.upstreams import bodies
from tests.upstreams.app import make_app
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

needs_mounts = pytest.mark.skipif(
    not mounts_are_ours(), reason="needs root and a Debian Chromium, to show this browser alone a policy"
)

# In front of the worker's script: tells the site that the browser has answered, and what is in effect then.
TELL_SETTLED = script("tell_settled.js")


class FirstPage:
    """The page that a browser opens at its start, which stays loading until `release`."""

    def __init__(self, site: ThreadedServer, far: FarPage) -> None:
        self._site = site
        self._far = far
        self._loaded: asyncio.Event
        self._settled: asyncio.Event
        self.url = far.url
        self.evaluate = far.evaluate
        site.run(self.reset)

    async def reset(self) -> None:
        """For the next start."""
        self._loaded, self._settled = asyncio.Event(), asyncio.Event()

    def again(self) -> None:
        """Another start of the browser follows."""
        self._site.run(self.reset)

    def release(self) -> None:
        """Let the page load, and wait until the browser has settled after that and has said so to the extension."""

        async def settle() -> None:
            self._loaded.set()
            await asyncio.wait_for(self._settled.wait(), START_S)

        assert not self.settled
        self._site.run(settle, START_S + 1)

    @property
    def settled(self) -> bool:
        """Whether the browser has answered the extension."""
        return self._settled.is_set()

    async def give_image(self, request: Request) -> None:
        """The image, when its time has come."""
        gone = asyncio.ensure_future(request.connection.gone.wait())
        loaded = asyncio.ensure_future(self._loaded.wait())
        await asyncio.wait({gone, loaded}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        loaded.cancel()
        if self._loaded.is_set():
            await bodies.respond(request.connection, b"")

    async def hear_settled(self, request: Request) -> None:
        """The extension's worker tells."""
        self._settled.set()
        await bodies.respond(request.connection, b"")


@pytest.fixture
def first_page(upstream: Upstream, tmp_path: Path) -> Iterator[FirstPage]:
    """A first page on `localhost` that may reach the upstream; its extension is in `tmp_path / "extension"`."""
    app = make_app()
    app.site.put("/page.js", PAGE_SCRIPT)
    write_policy(tmp_path, grant(upstream.root, page="http://localhost:*"))
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        page = FirstPage(site, FarPage(app, site, more='<img src="/image">'))
        app.routes.add("/image", page.give_image)
        app.routes.add("/settled", page.hear_settled)
        worker = Path(shutil.copytree(extension_folder(), tmp_path / "extension")) / "worker.js"
        worker.write_text(TELL_SETTLED.replace("TELL", site.url("/settled")) + worker.read_text())
        yield page


def fetch(url: str) -> str:
    """The expression that reads `url` in the page."""
    return f"fetchText('{url}')"


def test_a_page_that_never_finishes_loading_streams_at_once(
    tmp_path: Path, first_page: FirstPage, upstream: Upstream
) -> None:
    with bare_browser(tmp_path, first_page.url, extension=tmp_path / "extension"):
        read = first_page.evaluate(fetch(upstream.url("/echo")), START_S)
        assert (read["where"], read["status"]) == ("done", 200)
        assert first_page.evaluate("document.readyState") != "complete"
        assert not first_page.settled
        # A stream that began before goes on where the browser has nothing to say.
        first_page.evaluate(f"hold('{upstream.url('/fault/body-silent')}'), until(() => held.status === 200)", START_S)
        first_page.release()
        assert first_page.evaluate(fetch(upstream.url("/echo")))["where"] == "done"
        assert first_page.evaluate("held.error === undefined")


@needs_mounts
def test_switches_that_arrive_end_what_runs_hold_at_the_next_start_and_can_be_lifted(
    tmp_path: Path, first_page: FirstPage, upstream: Upstream
) -> None:
    managed = Managed(tmp_path)
    start = partial(
        bare_browser, tmp_path, first_page.url, extension=tmp_path / "extension", executable=managed.launcher
    )

    # The profile's first start: nothing is known, so the host's policy alone decides, until the browser has answered.
    managed.set(enabled=False)
    with start() as browser:
        first_page.evaluate(f"hold('{upstream.url('/fault/body-silent')}'), until(() => held.status === 200)", START_S)
        first_page.release()
        first_page.evaluate("until(() => held.error !== undefined)")
        assert first_page.evaluate("held.error.code") == "POLICY_DENIED"
        assert "switched the Longwire extension off" in first_page.evaluate("held.error.message")
        upstream.run(upstream.server.requests[-1].connection.wait_gone)
        hosts_so_far = browser.hosts_so_far()

    # The next: what was set then holds at once, says that it is not certain, and keeps the host from being started.
    first_page.again()
    managed.set()
    with start() as browser:
        first_page.evaluate("until(() => typeof longwire === 'object')", START_S)
        refused = first_page.evaluate(fetch(upstream.url("/echo")), START_S)
        assert (refused["where"], refused["error"]["code"]) == ("headers", "POLICY_DENIED")
        assert "has not said yet whether that still holds" in refused["error"]["message"]
        assert not first_page.settled
        assert browser.hosts_so_far() == hosts_so_far

        # The administrator has lifted it.
        first_page.release()
        assert first_page.evaluate(fetch(upstream.url("/echo")), START_S)["where"] == "done"
