"""A durable request whose host and daemon are replaced by another version in its middle, in a real browser."""

from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Playwright

from longwire import __version__
from tests.daemons import asked
from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.durable import Home, attach, forget, living_home
from tests.e2e.hosts import HostFiles, without_host
from tests.e2e.test_durable_long import KEY, Load, digest_of, durable_site, event, numbered_at
from tests.upstreams.threaded import ThreadedServer

__all__ = ["durable_site"]  # a fixture

pytestmark = pytest.mark.long

EVENTS = 2_000
PACED = Load("paced events", "/paced", "count", lambda: b"".join(map(event, range(EVENTS))))
OLD = "0.0.1"
# A host of that version, and so is the daemon that it starts.
OLD_DAEMON = f"import longwire; longwire.__version__ = {OLD!r}\nfrom longwire.native.main import main; main()"
OLD_HOST = f"""\
import sys, longwire
longwire.__version__ = {OLD!r}
from longwire.native import starting
starting.daemon_command = lambda: [sys.executable, "-I", "-c", {OLD_DAEMON!r}, "--daemon"]
from longwire.native.main import main
main()
"""


def version_of(home: Home) -> str:
    """Of the daemon that serves new hosts."""
    version: str = asked(home.folder, do="status")["longwire"]
    return version


def downgraded(home: Home) -> tuple[Browser, HostFiles]:
    """A browser whose host, and daemon, is of the old version."""
    browser = home.start()
    files = HostFiles(browser)

    def change() -> None:
        for daemon in home.daemons():
            daemon.kill()
        psutil.wait_procs(home.daemons())
        files.launch(OLD_HOST)

    without_host(browser, change)
    return browser, files


def test_an_upgrade_in_the_middle_goes_on_exactly_and_asks_once(
    playwright: Playwright, tmp_path: Path, durable_site: ThreadedServer, upstream: Upstream
) -> None:
    upstream.app.routes.add(PACED.target, numbered_at(200))
    whole, url = memoryview(PACED.make()), upstream.url(PACED.target)
    with living_home(playwright, tmp_path) as home:
        home.grant(upstream.root)
        browser, files = downgraded(home)
        page = browser.open(durable_site.url("/"))

        def read(start: int, end: int) -> int:
            told = attach(page, url, KEY, body=PACED.body, **{"from": start, "count": end - start})
            assert (told["error"], told["status"]) == (None, 200)
            assert told["digest"] == digest_of(whole[start : start + told["bytes"]])
            return start + int(told["bytes"])

        reached = read(0, len(whole) // 8)
        assert version_of(home) == OLD
        (old,) = home.daemons()
        without_host(browser, files.restore)
        page.reload()
        reached = read(reached, len(whole) // 4)
        assert version_of(home) == __version__
        assert old.is_running() and len(home.daemons()) == 2, "the old one finishes what it has"
        assert reached < len(whole), "it was in the middle"
        page.reload()
        assert read(0, len(whole)) == len(whole)
        # Nothing of it is left to the old one, which ends; what it received is the new one's.
        old.wait()
        page.reload()
        assert read(0, len(whole)) == len(whole)
        assert len(upstream.server.requests) == 1
        forget(page, KEY)
