"""Row 19: another extension, with every permission that one can have, gets neither the host nor the worker."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, Worker

from longwire.assets import extension_folder, extension_id
from tests.e2e.browser import STATUS, Browser, running_browser
from tests.e2e.hosts import HostFiles
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S
from tests.upstreams.threaded import ThreadedServer

MANIFEST = {
    "manifest_version": 3,
    "name": "another",
    "version": "1",
    "permissions": ["nativeMessaging", "scripting", "tabs", "management"],
    "host_permissions": ["<all_urls>"],
    "message_serialization": "structured_clone",  # as ours: without it the browser refuses for that alone
    "background": {"service_worker": "worker.js"},
}
# What a port says before it closes, and why it closed.
CONNECT = script("connect_and_speak.js")


@pytest.fixture(scope="module")
def with_another(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Worker]]:
    """A browser with a second extension, and that one's worker."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "another"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "worker.js").write_text("self.ready = true")
    with running_browser(playwright, home, beside=[folder]) as browser:
        while len(browser.context.service_workers) < 2:
            browser.context.wait_for_event("serviceworker", timeout=1000 * PATIENCE_S)
        (other,) = [worker for worker in browser.context.service_workers if extension_id() not in worker.url]
        yield browser, other


def test_an_extension_that_is_not_named_may_not_start_the_host(with_another: tuple[Browser, Worker]) -> None:
    browser, other = with_another
    answer = other.evaluate(CONNECT, "chrome.runtime.connectNative('com.longwire.host')")
    assert answer == {"heard": [], "error": "Access to the specified native messaging host is forbidden."}
    assert "refused caller" not in browser.logs()


def test_a_host_that_the_browser_starts_for_another_extension_ends_at_once(
    with_another: tuple[Browser, Worker],
) -> None:
    """The second lock: a manifest that somebody opened to more extensions than ours."""
    browser, other = with_another
    stranger = other.url.split("/")[2]
    files = HostFiles(browser)
    files.change_manifest(allowed_origins=[f"chrome-extension://{name}/" for name in (extension_id(), stranger)])
    try:
        answer = other.evaluate(CONNECT, "chrome.runtime.connectNative('com.longwire.host')")
    finally:
        files.restore()
    assert answer == {"heard": [], "error": "Native host has exited."}
    assert "refused caller" in browser.logs()


@pytest.mark.parametrize("name", ["longwire", "longwire-popup", ""])
def test_a_port_from_another_extension_is_answered_by_nobody(
    with_another: tuple[Browser, Worker], site: ThreadedServer, name: str
) -> None:
    browser, other = with_another
    assert browser.open(site.url("/")).evaluate(STATUS)["state"] == "ready"  # our worker is awake
    answer = other.evaluate(CONNECT, f"chrome.runtime.connect('{extension_id()}', {{ name: '{name}' }})")
    assert answer["heard"] == []
    assert "Receiving end does not exist" in answer["error"]


def test_its_files_and_messages_lead_nowhere(with_another: tuple[Browser, Worker]) -> None:
    _, other = with_another
    assert (
        other.evaluate(
            "(id) => chrome.runtime.sendMessage(id, { type: 'STATUS_REQUEST' }).catch(({ message }) => message)",
            extension_id(),
        )
        == "Could not establish connection. Receiving end does not exist."
    )
    for path in ("worker.js", "popup.html", "manifest.json", "direct.html", "direct.js"):
        url = f"chrome-extension://{extension_id()}/{path}"
        assert other.evaluate("(url) => fetch(url).then(() => 'read', () => 'refused')", url) == "refused"


def test_the_manifest_opens_no_door() -> None:
    """What the tests above rely on: nobody is invited to connect, and one document is there for those told its URL."""
    manifest = json.loads((extension_folder() / "manifest.json").read_text())
    assert not manifest.keys() & {"externally_connectable", "externally_accessible"}
    assert manifest["web_accessible_resources"] == [
        {"resources": ["direct.html"], "matches": ["http://*/*", "https://*/*"], "use_dynamic_url": True}
    ]
