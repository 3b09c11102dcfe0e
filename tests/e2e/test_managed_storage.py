"""What the browser's administrator sets for the extension holds in a real Chromium, whatever the host's policy opens.

The administrator's file is at its real place, but in this browser's view of the file system only: a mount namespace. So
no other browser of the machine sees it, and nothing is left behind however the test ends.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from longwire.assets import extension_id
from tests.e2e.browser import Browser, chromium_path, running_browser
from tests.e2e.conftest import Upstream
from tests.upstreams.threaded import ThreadedServer

ETC = Path("/etc/chromium")
# Replaces ETC by the folder that is the first argument, and becomes the browser.
LAUNCHER = """#!/bin/sh
exec unshare --mount --propagation private sh -c 'mount --bind "$0" {etc} && exec {chromium} "$@"' {folder} "$@"
"""
FETCH = "(url) => fetchText(url)"

SetManaged = Callable[[dict[str, Any]], None]


def mounts_are_ours() -> bool:
    """Whether this user may have a view of the file system of their own."""
    if not ETC.is_dir() or shutil.which("unshare") is None:
        return False
    command = ["unshare", "--mount", "--propagation", "private", "mount", "--bind", str(ETC), str(ETC)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not mounts_are_ours(), reason="needs root and a Debian Chromium, to show this browser alone a policy"
)


class Managed:
    """A browser's administrator: their folder, and browsers that obey it."""

    def __init__(self, playwright: Playwright, home: Path) -> None:
        self._playwright = playwright
        self._home = home
        self._folder = home / "etc-chromium"
        self._file = self._folder / "policies" / "managed" / "longwire.json"
        self._file.parent.mkdir(parents=True)
        self._launcher = home / "chromium"
        self._launcher.write_text(LAUNCHER.format(etc=ETC, chromium=chromium_path(), folder=self._folder))
        self._launcher.chmod(0o755)

    def set(self, **settings: Any) -> None:
        """Write the file."""
        self._file.write_text(json.dumps({"3rdparty": {"extensions": {extension_id(): settings}}}))

    def browser(self) -> AbstractContextManager[Browser]:
        """A Chromium that sees the file."""
        return running_browser(self._playwright, self._home, executable=self._launcher)


@pytest.fixture
def managed(playwright: Playwright, tmp_path: Path) -> Iterator[Managed]:
    """One for each test."""
    yield Managed(playwright, tmp_path)
    assert not (ETC / "policies" / "managed" / "longwire.json").exists()


@contextmanager
def granted(managed: Managed, upstream: Upstream, site: ThreadedServer) -> Iterator[Browser]:
    """A browser whose host lets every page of the site reach the upstream."""
    with managed.browser() as browser:
        browser.grant(
            upstream.root,
            page=site.url(""),
            more="[[grant]]\nname = 'address'\n"
            f"pages = ['http://127.0.0.1:{site.server.port}']\ndestinations = ['{upstream.root}']\n"
            "methods = ['GET']\nnetwork = 'loopback'",
        )
        yield browser


def test_switched_off_nothing_is_served_and_no_host_is_started(
    managed: Managed, upstream: Upstream, site: ThreadedServer
) -> None:
    managed.set(enabled=False)
    with granted(managed, upstream, site) as browser:
        page = browser.open(site.url("/"))
        error = page.evaluate(FETCH, upstream.url("/echo"))["error"]
        assert (error["code"], error["phase"]) == ("POLICY_DENIED", "policy")
        assert "administrator of this browser switched the Longwire extension off" in error["message"]
        status = page.evaluate("longwire.status()")
        assert (status["destinations"], status["fix"]) == ([], error["message"])
        assert browser.hosts() == []
        assert browser.logs() == ""
    assert upstream.server.connections == []


def test_with_pages_named_those_are_served_and_no_others(
    managed: Managed, upstream: Upstream, site: ThreadedServer
) -> None:
    managed.set(enabled=True, pages=[site.url("")])
    with granted(managed, upstream, site) as browser:
        served = browser.open(site.url("/")).evaluate(FETCH, upstream.url("/echo"))
        assert (served["where"], served["status"]) == ("done", 200)
        refused = browser.open(f"http://127.0.0.1:{site.server.port}/").evaluate(FETCH, upstream.url("/echo"))
        assert refused["error"]["code"] == "POLICY_DENIED"
        assert "serve other pages only" in refused["error"]["message"]
    assert len(upstream.server.requests) == 1


def test_switching_off_ends_what_runs(managed: Managed, upstream: Upstream, site: ThreadedServer) -> None:
    managed.set()
    with granted(managed, upstream, site) as browser:
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
