"""Who reaches the popup and its port, what the popup keeps alive, and that everybody can read and operate it."""

import json
import re
import shutil
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, Playwright, expect

from longwire.assets import extension_folder
from tests.e2e.browser import Browser, running_browser, wait_ended
from tests.e2e.conftest import Upstream
from tests.e2e.hosts import HostFiles, without_host
from tests.e2e.own_pages import assert_closed_to_pages
from tests.e2e.permissions import permit, withhold_all, withholding_extension
from tests.e2e.popup import ORIGIN, POPUP_URL, action_popup, is_about, open_popup
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.upstreams.threaded import ThreadedServer

# --- nobody else ----------------------------------------------------------------------------------------------------


def test_no_web_page_opens_or_frames_the_popup(browser: Browser, page: Page) -> None:
    assert_closed_to_pages(browser, page, POPUP_URL, "#badge")


CONNECT_AS_POPUP = script("connect_as_popup.js")


def as_content_script(browser: Browser, page: Page, expression: str) -> Any:
    """What `expression` gives in the relay's own world, where whoever controls a page's renderer may be."""
    session = browser.context.new_cdp_session(page)
    contexts: list[dict[str, Any]] = []
    session.on("Runtime.executionContextCreated", lambda event: contexts.append(event["context"]))
    session.send("Runtime.enable")
    (isolated,) = [context for context in contexts if context["origin"] == ORIGIN]
    asked = {"expression": expression, "contextId": isolated["id"], "awaitPromise": True, "returnByValue": True}
    return session.send("Runtime.evaluate", asked)["result"].get("value")


def test_a_content_script_neither_reads_nor_writes_which_pages_are_granted(browser: Browser, page: Page) -> None:
    write = "chrome.storage.local.set({ pages: ['https://planted.example.com'] })"
    for attempt in ("chrome.storage.local.get()", write):
        refused = as_content_script(browser, page, f"{attempt}.then(() => 'done', ({{ message }}) => message)")
        assert "Access to storage is not allowed" in refused
    assert "planted" not in str(browser.worker().evaluate("chrome.storage.local.get()"))


def test_a_content_script_is_not_heard_on_the_popups_port(browser: Browser, page: Page, upstream: Upstream) -> None:
    """Whoever controls a page's renderer is the content script in it."""
    page.evaluate("(url) => { hold(url) }", upstream.url("/fault/body-silent"))
    page.wait_for_function("held.text === 'half'")
    heard = as_content_script(browser, page, f"({CONNECT_AS_POPUP})(1)")
    assert heard == "disconnected"
    assert page.evaluate("held.error") is None


# --- nothing is kept alive ------------------------------------------------------------------------------------------

SHORT_LINGER_MS = 500


def short_lingering_extension(folder: Path) -> Path:
    """The built extension, but it lets an unused host go after `SHORT_LINGER_MS`."""
    copy = Path(shutil.copytree(extension_folder(), folder / "extension"))
    worker = copy / "worker.js"
    text, count = re.subn(r"(?<=LINGER_MS = )[\de]+(?=;)", str(SHORT_LINGER_MS), worker.read_text())
    assert count == 1
    worker.write_text(text)
    return copy


def test_an_open_popup_does_not_hold_the_host_and_says_ready_all_the_same(
    playwright: Playwright, site: ThreadedServer, upstream: Upstream, tmp_path: Path
) -> None:
    with running_browser(playwright, tmp_path, extension=short_lingering_extension(tmp_path)) as browser:
        browser.grant(upstream.root)
        page = browser.open(site.url("/"))
        popup = open_popup(browser, page)
        is_about(popup, "Ready")
        wait_ended(browser.hosts())
        # It goes on telling of the tab: a stream that starts now is seen, by the host that it started.
        page.evaluate("(url) => { hold(url) }", upstream.url("/fault/body-silent"))
        expect(popup.locator("#count")).to_have_text("1")
        is_about(popup, "Ready")
        hosts = browser.hosts()
        assert len(hosts) == 1
        popup.close()
        assert page.evaluate("held.error") is None
        page.evaluate("held.abort()")
        wait_ended(hosts)


# --- the browser permission -----------------------------------------------------------------------------------------

HOST_NAME = "site.test"


def test_one_button_asks_for_the_permission_that_the_policy_names_and_the_open_page_works_without_a_reload(
    playwright: Playwright, site: ThreadedServer, upstream: Upstream, tmp_path: Path
) -> None:
    rules = [f"--host-resolver-rules=MAP {HOST_NAME} 127.0.0.1"]
    with running_browser(playwright, tmp_path, extension=withholding_extension(tmp_path), arguments=rules) as browser:
        withhold_all(browser)
        browser.grant(upstream.root, page=f"http://{HOST_NAME}:*")
        page = browser.open(site.url("/").replace("localhost", HOST_NAME))
        assert page.evaluate("typeof longwire") == "undefined"
        # A click on the action is what lets the popup see a page that the extension has no permission for.
        with action_popup(browser, page) as popup:
            assert popup.text("allow") == f"Allow on http://{HOST_NAME}"
            assert popup.text("verdict-title") == "Once allowed, it may stream to"
            popup.evaluate("chrome.permissions.request = async (wanted) => { window.wanted = wanted }")
            popup.evaluate("document.getElementById('allow').click()")
            assert popup.evaluate("wanted") == {"origins": [f"http://{HOST_NAME}/*"]}
        (host,) = browser.hosts()
        permit(browser, HOST_NAME)
        page.wait_for_function("typeof longwire === 'object'")
        assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
        # The host that ran all the while: it had named its pages before, and was not asked again.
        assert browser.hosts() == [host]
        popup_page = open_popup(browser, page)
        expect(popup_page.locator("#verdict-title")).to_have_text("This page may stream to")
        expect(popup_page.locator("#permission")).to_be_hidden()


# --- for everybody --------------------------------------------------------------------------------------------------

# Contrast of every visible text against the background that it stands on (WCAG 2, relative luminance).
WORST_CONTRAST = script("popup_contrast.js")


@pytest.mark.parametrize("state", ["streams", "denied", "missing"])
def test_every_text_has_contrast_and_every_button_a_name(
    browser: Browser, page: Page, upstream: Upstream, state: str
) -> None:
    files = HostFiles(browser)
    if state == "streams":
        page.evaluate("(url) => { hold(url); hold(url) }", upstream.url("/fault/body-silent"))
    elif state == "denied":
        write_policy(browser.home, "version = 1\n")
    else:
        without_host(browser, files.manifest.unlink)
    try:
        popup = open_popup(browser, page)
        wanted = {"streams": "#stream-list li", "denied": "#suggestion", "missing": "#problem"}[state]
        expect(popup.locator(wanted).first).to_be_visible()
        schemes: list[Literal["light", "dark"]] = ["light", "dark"]
        for scheme in schemes:
            popup.emulate_media(color_scheme=scheme)
            contrast, text = popup.evaluate(WORST_CONTRAST)
            assert contrast >= 4.5, (scheme, text)
        for button in popup.get_by_role("button").all():
            assert button.evaluate("(button) => button.getAttribute('aria-label') ?? button.textContent.trim()")
    finally:
        if state == "missing":
            without_host(browser, files.restore)


def test_it_is_operated_by_keyboard_alone_and_tells_a_screen_reader_what_changed(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    popup = open_popup(browser, page)
    expect(popup.get_by_role("status")).to_have_text("Ready. This page may stream to")
    page.evaluate("(url) => { hold(url) }", upstream.url("/fault/body-silent"))
    expect(popup.locator("#count")).to_have_text("1")
    popup.keyboard.press("Tab")
    outline = popup.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    popup.keyboard.press("Enter")
    expect(popup.get_by_role("status")).to_have_text("Stopping GET /fault/body-silent of 127.0.0.1" + port_of(upstream))
    assert page.evaluate("held.over.then(({ error }) => error.code)") == "STOPPED_BY_USER"
    # What had the focus is gone; it is not lost to the top of the page.
    expect(popup.locator("#streams-title")).to_be_focused()


def port_of(upstream: Upstream) -> str:
    """`:PORT`."""
    return ":" + upstream.root.rsplit(":", 1)[1].rstrip("/")


def test_motion_is_for_those_who_did_not_ask_for_less(browser: Browser, page: Page) -> None:
    popup = open_popup(browser, page)
    is_about(popup, "Ready")
    popup.evaluate("document.getElementById('badge').dataset.tone = 'busy'")
    animation = "getComputedStyle(document.getElementById('badge'), '::before').animationName"
    popup.emulate_media(reduced_motion="no-preference")
    assert popup.evaluate(animation) == "breathe"
    popup.emulate_media(reduced_motion="reduce")
    assert popup.evaluate(animation) == "none"


def test_the_manifest_names_the_popup_and_icons_of_the_sizes_it_says() -> None:
    folder = extension_folder()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (folder / manifest["action"]["default_popup"]).is_file()
    assert set(manifest["icons"]) == {"16", "32", "48", "128"}
    for size, file in manifest["icons"].items():
        # Width and height stand first in the IHDR chunk, which is the first (PNG, section 11.2.2).
        header = (folder / file).read_bytes()[:24]
        assert header[:8] == b"\x89PNG\r\n\x1a\n"
        assert {int.from_bytes(header[16:20]), int.from_bytes(header[20:24])} == {int(size)}
