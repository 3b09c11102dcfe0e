"""Row 23: what goes between a real browser and its host, byte for byte, holds no secret. The last search of a run reads
it too: it is a file below the run's folder.
"""

import shutil
from pathlib import Path

from longwire.policy.needles import secret_forms
from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.hosts import HostFiles, without_host
from tests.upstreams.threaded import ThreadedServer

SECRET = "lw/canary+frames-7e21"
TEE = """tee -a {folder}/frames-to-host | {host} "$@" | tee -a {folder}/frames-from-host"""


def test_no_frame_of_a_real_browser_holds_the_secret(
    browser: Browser, site: ThreadedServer, upstream: Upstream
) -> None:
    files = HostFiles(browser)
    host = Path(shutil.copy(files.launcher, files.launcher.with_name("the-host-itself")))
    key = browser.home / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    browser.grant(
        upstream.root,
        more=f"inject.Authorization = 'Bearer {{secret:key}}'\n[secret.key]\nfile = '{key}'",
    )
    page = browser.open(site.url("/"))
    without_host(browser, lambda: files.launch(TEE.format(folder=browser.home, host=host), "#!/bin/sh"))
    try:
        assert page.evaluate("(url) => fetchText(url)", upstream.url("/hello"))["where"] == "done"
        echoed = page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))
        assert echoed["error"]["code"] == "SECRET_REFLECTED"
    finally:
        files.restore()
    assert {request.header("authorization") for request in upstream.server.requests} == {f"Bearer {SECRET}"}
    said = (browser.home / "frames-from-host").read_bytes()
    heard = (browser.home / "frames-to-host").read_bytes()
    # They are what they should be.
    assert b"STREAM_START" in heard
    assert b"SECRET_REFLECTED" in said and b"STREAM_END" in said
    for form in secret_forms(SECRET.encode()):
        assert form not in said + heard
        assert form.decode("latin-1") not in browser.logs() + str(echoed)
