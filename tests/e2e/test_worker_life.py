"""The worker lives as long as somebody needs it and no longer, in a browser that no debugger keeps awake."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from longwire.assets import extension_folder
from tests.e2e.bare import START_S, FarPage, bare_browser
from tests.e2e.browser import STATUS
from tests.e2e.conftest import PAGE_SCRIPT, Upstream
from tests.host_process import grant, write_policy
from tests.printed import say
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

SILENCE_S = 5 * 60
# A worker that nothing keeps alive is stopped after 30 s.
SHORT_LINGER_MS = 500


@pytest.fixture
def far_page() -> Iterator[FarPage]:
    """A page on `localhost` that a browser without a debugger may open."""
    app = make_app()
    app.site.put("/page.js", PAGE_SCRIPT)
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        yield FarPage(app, site)


def with_shim(page: FarPage) -> None:
    """Reload until the extension, which may load later than the first page, has been there before the page."""
    deadline = time.monotonic() + START_S
    while page.evaluate("typeof longwire", START_S) != "object":
        assert time.monotonic() < deadline, "the extension did not load"
        page.reload()


def allow(home: Path, upstream: Upstream) -> None:
    """Let pages on localhost reach the upstream."""
    write_policy(home, grant(upstream.root, page="http://localhost:*"))


@pytest.mark.long
def test_a_stream_that_is_silent_for_five_minutes_keeps_its_worker_and_its_host(
    tmp_path: Path, far_page: FarPage, upstream: Upstream
) -> None:
    allow(tmp_path, upstream)
    events = upstream.app.streams.channel()
    with bare_browser(tmp_path, far_page.url) as browser:
        with_shim(far_page)
        far_page.evaluate(f"hold('{upstream.url('/sse')}'), null")
        events.event("before")
        far_page.evaluate("until(() => held.text.includes('data: before'))")
        (host,) = browser.hosts()
        hosts_so_far = browser.hosts_so_far()

        silent_since = time.monotonic()
        while time.monotonic() < silent_since + SILENCE_S:
            time.sleep(5)
            assert browser.hosts() == [host]

        events.event("after")
        far_page.evaluate("until(() => held.text.includes('data: after'))")
        silence_s = events.sent_at[1] - events.sent_at[0]
        say(f"a stream silent for {silence_s:.0f} s without a debugger: the same host before and after")
        assert silence_s >= SILENCE_S
        assert far_page.evaluate("held.text") == "data: before\n\ndata: after\n\n"
        # The host lives and dies with the worker's port: one host, so one worker.
        assert browser.hosts() == [host]
        assert browser.hosts_so_far() == hosts_so_far
        events.end()
        assert far_page.evaluate("held.over.then(({ where }) => where)") == "done"


def hasty_extension(folder: Path) -> Path:
    """The built extension, but it lets a host that nobody needs go after `SHORT_LINGER_MS`."""
    copy = Path(shutil.copytree(extension_folder(), folder / "extension"))
    worker = copy / "worker.js"
    text, count = re.subn(r"(?<=LINGER_MS = )[\de]+(?=;)", str(SHORT_LINGER_MS), worker.read_text())
    assert count == 1
    worker.write_text(text)
    return copy


def test_a_page_that_does_not_stream_starts_no_host(tmp_path: Path, far_page: FarPage, upstream: Upstream) -> None:
    allow(tmp_path, upstream)
    with bare_browser(tmp_path, far_page.url, extension=hasty_extension(tmp_path)) as browser:
        with_shim(far_page)
        # The browser's start has started a host, to learn the policy; nobody needs it after that.
        far_page.evaluate(STATUS)
        psutil.wait_procs(browser.hosts(), START_S)
        assert browser.hosts() == []
        hosts_so_far = browser.hosts_so_far()
        assert hosts_so_far >= 1

        for _ in range(5):
            far_page.reload()
            assert far_page.evaluate("typeof longwire") == "object"
        # As long as a host takes to start, several times over.
        time.sleep(2)
        assert (browser.hosts(), browser.hosts_so_far()) == ([], hosts_so_far)

        # The first request starts one, whether or not the worker still runs.
        assert far_page.evaluate(f"fetchText('{upstream.url('/echo')}')")["where"] == "done"
        assert browser.hosts_so_far() == hosts_so_far + 1
