"""Every text with which Chromium closes a native port, driven for real: the worker has each in its table.

A text that this browser has and the table does not would be taken for a host that ended.
"""

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from longwire.families import chromium
from longwire.protocol.records import BridgeState
from tests.e2e.browser import STATUS, Browser, running_browser
from tests.e2e.conftest import Upstream
from tests.e2e.hosts import HostFiles, without_host
from tests.e2e.managed import Managed, mounts_are_ours
from tests.e2e.popup import is_about, open_popup
from tests.upstreams.threaded import ThreadedServer

# What the browser itself says, asked by the extension's own worker without Longwire in between.
LAST_ERROR = """() => new Promise((resolve) => {
    const port = chrome.runtime.connectNative('com.longwire.host')
    port.onDisconnect.addListener(() => resolve(chrome.runtime.lastError?.message))
    port.postMessage({ type: 'HELLO', protocol: 1, extension: '0', chunk_encodings: [] })
})"""
TEXTS = tuple(chromium().errors.values())


@pytest.fixture(scope="module")
def files_of_module(browser_of_module: Browser) -> HostFiles:
    """As installed."""
    return HostFiles(browser_of_module)


@pytest.fixture
def files(browser: Browser, files_of_module: HostFiles) -> Iterator[HostFiles]:
    """To be broken; put right for the next test."""
    yield files_of_module
    without_host(browser, files_of_module.restore)


def gone(files: HostFiles) -> None:
    files.manifest.unlink()


def of_another_extension(files: HostFiles) -> None:
    files.change_manifest(allowed_origins=["chrome-extension://" + "a" * 32 + "/"])


def not_executable(files: HostFiles) -> None:
    files.launcher.chmod(0o644)


def prints(files: HostFiles) -> None:
    files.launch("print('hello, world', flush=True)\ninput()")


def ends(files: HostFiles) -> None:
    files.launch("import sys\nsys.stdin.buffer.read(4)")


@pytest.mark.parametrize(
    ("spoil", "text", "state", "says"),
    [
        (gone, "Specified native messaging host not found.", BridgeState.HOST_MISSING, "`longwire install`"),
        (
            of_another_extension,
            "Access to the specified native messaging host is forbidden.",
            BridgeState.HOST_FORBIDDEN,
            "writes the right id",
        ),
        # On Linux the browser has forked by then: "Failed to start native messaging host." is left for other systems.
        (not_executable, "Native host has exited.", BridgeState.HOST_FAILED, "`longwire doctor`"),
        (
            prints,
            "Error when communicating with the native messaging host.",
            BridgeState.HOST_FAILED,
            "Something other than a Longwire frame",
        ),
        (ends, "Native host has exited.", BridgeState.HOST_FAILED, "ended while it started"),
    ],
)
def test_a_text_of_the_browser_is_told_as_what_it_means(
    browser: Browser,
    page: Page,
    files: HostFiles,
    spoil: Callable[[HostFiles], None],
    text: str,
    state: BridgeState,
    says: str,
) -> None:
    without_host(browser, lambda: spoil(files))
    said = page.evaluate(STATUS)
    assert said["state"] == state
    assert says in said["fix"]
    assert browser.worker().evaluate(LAST_ERROR) == text
    assert text in TEXTS


@pytest.mark.skipif(
    not mounts_are_ours(), reason="needs root and a Debian Chromium, to show this browser alone a policy"
)
def test_a_blocklist_of_the_administrators_forbids_the_host_and_is_not_a_host_that_ended(
    playwright: Playwright, tmp_path: Path, upstream: Upstream, site: ThreadedServer
) -> None:
    managed = Managed(tmp_path)
    managed.browser(NativeMessagingBlocklist=["*"])
    with running_browser(playwright, tmp_path, executable=managed.launcher) as browser:
        browser.grant(upstream.root)
        page = browser.open(site.url("/"))
        said = page.evaluate(STATUS)
        assert said["state"] == BridgeState.HOST_FORBIDDEN
        assert "NativeMessagingAllowlist" in said["fix"]
        text = browser.worker().evaluate(LAST_ERROR)
        assert text == "Access to the native messaging host was disabled by the system administrator."
        assert text in TEXTS
        popup = open_popup(browser, page)
        is_about(popup, "Forbidden")
        expect(popup.locator("#problem-text")).to_contain_text("administrator of this browser")


def test_the_table_has_no_text_that_this_browser_does_not_have() -> None:
    """They are in the program itself, so a new version that says it otherwise is found without being driven."""
    program = Path("/usr/lib/chromium/chromium")
    if not program.is_file():
        pytest.skip("needs a Debian Chromium")
    assert len(TEXTS) == 6
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert [text for text in TEXTS if data.find(text.encode()) < 0] == []
