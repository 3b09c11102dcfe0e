"""The extension's own pages, which are for the person alone."""

from playwright.sync_api import Page

from tests.e2e.browser import Browser
from tests.e2e.scripts import script


def assert_closed_to_pages(browser: Browser, page: Page, url: str, part: str) -> None:
    """No web page frames, opens, goes to or reads the extension's page at `url`, of which `part` is an element."""
    assert page.evaluate(script("frame_it.js"), url) in {"another origin", "blank"}
    assert [frame.url for frame in page.frames if frame.url.startswith(url)] == []
    assert page.evaluate("(url) => fetch(url).then(() => 'read', () => 'refused')", url) == "refused"
    with browser.context.expect_page() as opened:
        page.evaluate("(url) => { window.opened = open(url) }", url)
    browser.pages.append(opened.value)
    page.evaluate("(url) => { location = url }", url)
    # A page that was refused shows the browser's own error, and nothing of the extension runs in it.
    for refused in (page, opened.value):
        refused.wait_for_load_state()
        assert refused.locator(part).count() == 0
