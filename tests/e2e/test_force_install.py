"""What `longwire pack` makes is installed by a real Chromium because its administrator says so, and works."""

import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Playwright

from longwire.assets import extension_id
from tests.e2e.browser import QUIET, STATUS, longwire, sandbox_arguments
from tests.e2e.conftest import Upstream
from tests.e2e.managed import Managed, mounts_are_ours
from tests.host_process import environment, grant, write_policy
from tests.patience import PATIENCE_S
from tests.upstreams.threaded import ThreadedServer

pytestmark = pytest.mark.skipif(
    not mounts_are_ours(), reason="needs root and a Debian Chromium, to show this browser alone a policy"
)
NO_UPDATES = "--disable-background-networking"


class UpdateServer(ThreadingHTTPServer):
    """An administrator's: shows one folder, and knows what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), partial(_Files, directory=str(folder)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        assert isinstance(self.server, UpdateServer)
        self.server.asked.append(self.path.partition("?")[0])


@pytest.fixture
def updates(tmp_path: Path) -> Iterator[UpdateServer]:
    folder = tmp_path / "www"
    folder.mkdir()
    with UpdateServer(folder) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_browser_installs_it_by_policy_and_a_page_streams(
    playwright: Playwright, tmp_path: Path, updates: UpdateServer, upstream: Upstream, site: ThreadedServer
) -> None:
    managed, profile = Managed(tmp_path), tmp_path / "profile"
    told = longwire(
        tmp_path, "pack", "--key", str(tmp_path / "key.pem"), "--url", updates.url, "--out", str(tmp_path / "www")
    )
    managed.browser(**json.loads(told[told.index("{") :]))
    (packed,) = [line.split()[1] for line in told.splitlines() if line.startswith("id ")]
    assert packed != extension_id()
    longwire(tmp_path, "install", "--user-data-dir", str(profile), "--extension-id", packed)
    write_policy(tmp_path, grant(upstream.root, page=site.url("")))

    # With this one Chromium asks no update server, an administrator's neither.
    quiet = [argument for argument in QUIET if argument != NO_UPDATES]
    context = playwright.chromium.launch_persistent_context(
        str(profile), executable_path=managed.launcher, headless=True, env=dict(environment(tmp_path)),
        ignore_default_args=["--disable-extensions", NO_UPDATES], args=[*sandbox_arguments(), *quiet],
    )  # fmt: skip
    try:
        page = context.new_page()
        page.goto(site.url("/"))
        # The extension comes by itself, and into pages that are open.
        page.wait_for_function("'longwire' in window", timeout=1000 * PATIENCE_S)
        assert updates.asked == ["/updates.xml", "/longwire.crx"]
        assert (profile / "Default" / "Extensions" / packed).is_dir()
        assert page.evaluate(STATUS)["state"] == "ready"
        assert page.evaluate("async (url) => (await longwire.fetch(url)).status", upstream.url("/sse")) == 200
    finally:
        context.close()
