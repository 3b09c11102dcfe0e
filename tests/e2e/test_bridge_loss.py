"""Whatever dies between page and upstream, the page gets a typed error at once, and the next fetch works by itself."""

import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, Playwright

from longwire.assets import extension_folder
from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.limits import PEER_SILENCE_MS, PROTOCOL_VERSION
from tests.e2e.browser import STATUS, Browser, running_browser, stop_worker, wait_ended
from tests.e2e.conftest import Upstream
from tests.e2e.hosts import HostFiles, without_host
from tests.e2e.typed import assert_failed, shows
from tests.upstreams.threaded import ThreadedServer

# Patience with a busy machine, and yet less than it would take to miss what fell silent.
AT_ONCE_S = 30.0
assert 1000 * AT_ONCE_S < PEER_SILENCE_MS
REAL_HOST = "from longwire.native.main import main\nmain()"


@pytest.fixture(scope="module")
def host_files_of_module(browser_of_module: Browser) -> HostFiles:
    """As installed."""
    return HostFiles(browser_of_module)


@pytest.fixture
def host_files(browser: Browser, host_files_of_module: HostFiles) -> Iterator[HostFiles]:
    """To be changed; the next test finds them as installed, and no host that was started from others."""
    yield host_files_of_module
    without_host(browser, host_files_of_module.restore)


def start(page: Page, upstream: Upstream, target: str = "/fault/body-silent") -> None:
    """A stream that lives: its first bytes are in the page."""
    page.evaluate("(url) => { hold(url) }", upstream.url(target))
    page.wait_for_function("held.text === 'half'")


def over(page: Page, timeout_s: float = AT_ONCE_S) -> dict[str, Any]:
    """How the held stream ended; it has this long."""
    result: dict[str, Any] = page.evaluate(
        "(ms) => Promise.race([held.over, new Promise((r) => setTimeout(r, ms, { where: 'still alive' }))])",
        timeout_s * 1000,
    )
    return result


def fetch_text(page: Page, upstream: Upstream) -> dict[str, Any]:
    """A plain request, read to its end."""
    result: dict[str, Any] = page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))
    return result


def assert_works(page: Page, upstream: Upstream) -> None:
    """The next fetch needs no reload of the page and no help."""
    assert fetch_text(page, upstream)["where"] == "done"


# --- no host to be had ----------------------------------------------------------------------------------------------


def remove_manifest(files: HostFiles) -> None:
    files.manifest.unlink()


def name_another_extension(files: HostFiles) -> None:
    files.change_manifest(allowed_origins=["chrome-extension://" + "a" * 32 + "/"])


def remove_launcher(files: HostFiles) -> None:
    files.launcher.unlink()


def name_no_interpreter(files: HostFiles) -> None:
    files.launch("", interpreter_line="#!/nonexistent/python")


def exit_at_once(files: HostFiles) -> None:
    files.launch("raise SystemExit(3)")


def crash_at_import(files: HostFiles) -> None:
    files.launch("import nonexistent_module")


def print_to_stdout(files: HostFiles) -> None:
    files.launch("print('hello, world', flush=True)\ninput()")


# Each state, and each way in which a host can fail, once.
@shows(ErrorCode.HOST_UNAVAILABLE)
@pytest.mark.parametrize(
    ("spoil", "state", "says"),
    [
        (remove_manifest, "host-missing", "is not installed for this browser. Run `longwire install`"),
        (name_another_extension, "host-forbidden", "is not open to this extension"),
        pytest.param(remove_launcher, "host-missing", "Run `longwire install`", marks=pytest.mark.long),
        pytest.param(name_no_interpreter, "host-failed", "Run `longwire doctor`", marks=pytest.mark.long),
        (exit_at_once, "host-failed", "ended while it started. Run `longwire doctor`"),
        pytest.param(crash_at_import, "host-failed", "ended while it started", marks=pytest.mark.long),
        (print_to_stdout, "host-failed", "Something other than a Longwire frame"),
    ],
)
def test_a_host_that_cannot_be_had_is_typed_names_the_fix_and_is_found_once_it_is_there(
    browser: Browser,
    host_files: HostFiles,
    page: Page,
    upstream: Upstream,
    spoil: Callable[[HostFiles], None],
    state: str,
    says: str,
) -> None:
    without_host(browser, lambda: spoil(host_files))
    result = fetch_text(page, upstream)
    assert_failed(result, "headers", ErrorCode.HOST_UNAVAILABLE, Phase.CONNECT, says)
    status = page.evaluate(STATUS)
    assert status["state"] == state
    assert says in status["fix"]
    host_files.restore()
    assert_works(page, upstream)
    assert page.evaluate(STATUS)["state"] == "ready"


@shows(ErrorCode.VERSION_MISMATCH)
@pytest.mark.parametrize(
    ("version", "says"),
    [(PROTOCOL_VERSION + 1, "Update the extension"), (PROTOCOL_VERSION - 1, "Update the native host")],
)
def test_a_host_of_another_protocol_version(
    browser: Browser, host_files: HostFiles, page: Page, upstream: Upstream, version: int, says: str
) -> None:
    patched = f"import longwire.protocol.limits as limits\nlimits.PROTOCOL_VERSION = {version}\n{REAL_HOST}"
    without_host(browser, lambda: host_files.launch(patched))
    result = fetch_text(page, upstream)
    assert_failed(result, "headers", ErrorCode.VERSION_MISMATCH, Phase.CONNECT, says)
    assert page.evaluate(STATUS)["state"] == "host-failed"
    host_files.restore()
    assert_works(page, upstream)


# --- a host that ends -----------------------------------------------------------------------------------------------


@shows(ErrorCode.HOST_LOST)
def test_a_host_that_is_killed_mid_stream(browser: Browser, page: Page, upstream: Upstream) -> None:
    start(page, upstream)
    (host,) = browser.hosts()
    host.kill()
    result = over(page)
    assert_failed(result, "body", ErrorCode.HOST_LOST, Phase.BODY, "The Longwire host ended")
    assert result["text"] == "half"
    assert_works(page, upstream)
    assert host not in browser.hosts()


def test_a_host_that_is_killed_before_the_headers(browser: Browser, page: Page, upstream: Upstream) -> None:
    page.evaluate("(url) => { hold(url) }", upstream.url("/fault/silent"))
    upstream.run(lambda: upstream.server.wait_requests(1))
    (host,) = browser.hosts()
    host.kill()
    assert_failed(over(page), "headers", ErrorCode.HOST_LOST, Phase.HEADERS, "The Longwire host ended")
    assert_works(page, upstream)


def test_every_stream_of_every_tab_hears_of_a_lost_host(
    browser: Browser, page: Page, upstream: Upstream, open_page: Callable[[], Page]
) -> None:
    tabs = [page, open_page(), open_page()]
    for tab in tabs:
        start(tab, upstream)
    (host,) = browser.hosts()
    host.kill()
    for tab in tabs:
        assert_failed(over(tab), "body", ErrorCode.HOST_LOST, Phase.BODY)
    # One new host serves them all.
    for tab in tabs:
        assert_works(tab, upstream)
    assert len(browser.hosts()) == 1


# A host that sends FRAME for the chunk that contains "spoil", and is right in everything else.
SPOILED_HOST = """
import orjson
import longwire.streams.stream as streams
from longwire.protocol.frames import frame
encode_chunk = streams.encode_chunk
def spoiled(id, offset, data, window=None):
    return FRAME if b"spoil" in data else encode_chunk(id, offset, data, window)
streams.encode_chunk = spoiled
"""


# A gap, another stream's bytes, no chunk, no message, no frame.
@shows(ErrorCode.PROTOCOL, ErrorCode.HOST_LOST)
@pytest.mark.parametrize(
    ("frame", "code", "says", "neighbour_lives"),
    [
        ("encode_chunk(id, offset + 1, data, window)", ErrorCode.PROTOCOL, "where 4 were due", True),
        pytest.param(
            "encode_chunk(id, offset - 1, data, window)",
            ErrorCode.PROTOCOL,
            "where 4 were due",
            True,
            marks=pytest.mark.long,
        ),
        ("encode_chunk(id + 100, offset, data) + encode_chunk(id, 5, b'')", ErrorCode.PROTOCOL, "from offset 5", True),
        pytest.param(
            "frame(orjson.dumps({'type': 'STREAM_CHUNK', 'id': id, 'offset': offset, 'data': '?'}))",
            ErrorCode.PROTOCOL,
            "",
            True,
            marks=pytest.mark.long,
        ),
        (
            "frame(orjson.dumps({'type': 'STREAM_CHUNK', 'id': id, 'offset': -1, 'data': ''}))",
            ErrorCode.PROTOCOL,
            "does not understand",
            True,
        ),
        ("encode_chunk(id, offset, b'') * 2 + frame(b'{}')", ErrorCode.PROTOCOL, "does not understand", False),
        ("b'GET '", ErrorCode.HOST_LOST, "a frame that the browser refused", False),
    ],
)
def test_a_host_that_breaks_the_protocol_mid_stream(
    browser: Browser,
    host_files: HostFiles,
    page: Page,
    upstream: Upstream,
    open_page: Callable[[], Page],
    frame: str,
    code: ErrorCode,
    says: str,
    neighbour_lives: bool,
) -> None:
    without_host(browser, lambda: host_files.launch(SPOILED_HOST.replace("FRAME", frame) + REAL_HOST))
    events = upstream.app.streams.channel()
    neighbour = open_page()
    start(neighbour, upstream)
    events.raw(b"half")
    start(page, upstream, "/sse")
    events.raw(b"spoil")
    result = over(page)
    assert_failed(result, "body", code, Phase.BODY, says)
    assert result["text"] == "half"
    if neighbour_lives:
        assert neighbour.evaluate("held.error") is None
    else:
        assert_failed(over(neighbour), "body", code, Phase.BODY, says)
    assert_works(page, upstream)


# --- an extension that ends -----------------------------------------------------------------------------------------


@shows(ErrorCode.BRIDGE_LOST)
def test_a_worker_that_is_stopped_mid_stream(browser: Browser, page: Page, upstream: Upstream) -> None:
    start(page, upstream)
    hosts = browser.hosts()
    stop_worker(browser)
    result = over(page)
    assert_failed(result, "body", ErrorCode.BRIDGE_LOST, Phase.BODY, "The next request connects again")
    assert result["text"] == "half"
    wait_ended(hosts)
    (connection,) = upstream.server.connections
    upstream.run(connection.wait_gone)
    assert_works(page, upstream)


def test_a_worker_that_is_stopped_before_the_headers(browser: Browser, page: Page, upstream: Upstream) -> None:
    page.evaluate("(url) => { hold(url) }", upstream.url("/fault/silent"))
    upstream.run(lambda: upstream.server.wait_requests(1))
    stop_worker(browser)
    assert_failed(over(page), "headers", ErrorCode.BRIDGE_LOST, Phase.HEADERS, "The next request connects again")
    assert_works(page, upstream)


def test_a_worker_that_is_stopped_while_nothing_streams_is_nobodys_business(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    assert_works(page, upstream)
    without_host(browser, lambda: None)
    assert_works(page, upstream)


def reload_extension(browser: Browser) -> None:
    """As an update does. Chromium reloads an unpacked extension only in developer mode."""
    page = browser.context.new_page()
    page.goto("chrome://extensions")
    page.evaluate("chrome.developerPrivate.updateProfileConfiguration({ inDeveloperMode: true })")
    page.close()
    with browser.context.expect_event("serviceworker"):
        browser.worker().evaluate("chrome.runtime.reload()")


def test_an_extension_that_is_reloaded_mid_stream(browser: Browser, page: Page, upstream: Upstream) -> None:
    start(page, upstream)
    hosts = browser.hosts()
    reload_extension(browser)
    result = over(page)
    assert_failed(result, "body", ErrorCode.BRIDGE_LOST, Phase.BODY)
    assert result["text"] == "half"
    wait_ended(hosts)
    # The same document, with the relay of the extension's new life.
    assert_works(page, upstream)
    start(page, upstream)
    assert page.evaluate("held.error") is None


def test_an_extension_that_is_reloaded_while_nothing_streams(browser: Browser, page: Page, upstream: Upstream) -> None:
    assert_works(page, upstream)
    reload_extension(browser)
    assert_works(page, upstream)


# --- the back/forward cache -----------------------------------------------------------------------------------------


def leave_and_come_back(page: Page, site: ThreadedServer) -> None:
    """To another page of the site and back, to the document as it was left."""
    page.evaluate("addEventListener('pageshow', ({ persisted }) => { window.persisted = persisted })")
    page.goto(site.url("/blank"))
    # "load" does not come again for a document that was kept.
    page.go_back(wait_until="commit")
    page.wait_for_function("window.persisted !== undefined")
    reasons = page.evaluate("JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)")
    assert page.evaluate("persisted"), reasons


def test_a_page_that_comes_back_from_the_cache_mid_stream(page: Page, site: ThreadedServer, upstream: Upstream) -> None:
    start(page, upstream)
    (connection,) = upstream.server.connections
    leave_and_come_back(page, site)
    assert_failed(over(page), "body", ErrorCode.BRIDGE_LOST, Phase.BODY, "back/forward cache")
    upstream.run(connection.wait_gone)
    assert_works(page, upstream)


def test_a_fetch_in_the_pages_own_pageshow_listener_is_not_lost(
    page: Page, site: ThreadedServer, upstream: Upstream
) -> None:
    start(page, upstream)
    page.evaluate(
        "(url) => addEventListener('pageshow', () => { window.again = fetchText(url) })", upstream.url("/echo")
    )
    leave_and_come_back(page, site)
    assert page.evaluate("again.then(({ where }) => where)") == "done"


def test_a_page_that_comes_back_from_the_cache_without_streams(
    page: Page, site: ThreadedServer, upstream: Upstream
) -> None:
    assert_works(page, upstream)
    leave_and_come_back(page, site)
    assert_works(page, upstream)


# --- silence ----------------------------------------------------------------------------------------------------------

# Longer than a busy machine keeps a host from running.
SHORT_SILENCE_MS = 3_000


def impatient_extension(folder: Path) -> Path:
    """The built extension, but it takes a silent host for gone after `SHORT_SILENCE_MS`."""
    copy = Path(shutil.copytree(extension_folder(), folder / "extension"))
    worker = copy / "worker.js"
    text, count = re.subn(r"(?<=PEER_SILENCE_MS = )[\de]+(?=;)", str(SHORT_SILENCE_MS), worker.read_text())
    assert count == 1
    worker.write_text(text)
    return copy


def freeze(host: psutil.Process) -> None:
    """Still there, but it does nothing."""
    host.send_signal(signal.SIGSTOP)


def test_a_host_that_falls_silent_is_given_up_and_replaced(
    playwright: Playwright, site: ThreadedServer, upstream: Upstream, tmp_path: Path
) -> None:
    with running_browser(playwright, tmp_path, extension=impatient_extension(tmp_path)) as browser:
        browser.grant(upstream.root)
        page = browser.open(site.url("/"))
        page.evaluate("(url) => { hold(url) }", upstream.url("/paced?events=10000&per_second=20"))
        # Twice as long as a silent host would have: one that speaks is left alone.
        page.wait_for_function("held.text.includes('id: 120')")
        (host,) = browser.hosts()
        freeze(host)
        result = over(page)
        assert_failed(result, "body", ErrorCode.HOST_LOST, Phase.BODY, "fell silent for 3 s")
        wait_ended([host])
        assert_works(page, upstream)


@pytest.mark.long
def test_a_silent_host_has_as_long_as_the_protocol_says(browser: Browser, page: Page, upstream: Upstream) -> None:
    start(page, upstream)
    (host,) = browser.hosts()
    freeze(host)
    silence_s = PEER_SILENCE_MS / 1000
    # What it sent last may have been sent up to now, and nobody may give it up before its time.
    assert over(page, timeout_s=silence_s - 2) == {"where": "still alive"}
    assert_failed(over(page), "body", ErrorCode.HOST_LOST, Phase.BODY, f"fell silent for {silence_s:.0f} s")
    wait_ended([host])
    assert_works(page, upstream)
