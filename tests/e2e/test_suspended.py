"""What a page and the popup show of a secret that a server sent back, in a real Chromium, until it is released."""

from playwright.sync_api import Page, expect

from longwire.protocol.errors import ErrorCode, Phase
from tests.e2e.browser import Browser, longwire
from tests.e2e.conftest import Upstream
from tests.e2e.popup import is_about, open_popup
from tests.e2e.typed import assert_failed

SECRET = "lw-canary-suspended-e2e-70b1c4"
COMMAND = "longwire policy release test"


def test_page_and_popup_say_what_is_suspended_and_how_it_is_released(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    key = browser.home / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    inject = f"inject = {{ Authorization = 'Bearer {{secret:key}}' }}\n[secret.key]\nfile = '{key}'"
    browser.grant(upstream.root, more=inject)
    popup = open_popup(browser, page)
    is_about(popup, "Ready")
    expect(popup.locator("#verdict-title")).to_have_text("This page may stream to")

    page.evaluate("(url) => { window.sibling = hold(url) }", upstream.url("/sse?channel=one"))
    expect(popup.locator("#count")).to_have_text("1")
    upstream.run(lambda: upstream.server.wait_requests(1))
    found = page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))
    assert_failed(found, "body", ErrorCode.SECRET_REFLECTED, Phase.BODY, f"suspended for this page until `{COMMAND}`")
    # Beside it, a stream that only carries it.
    assert page.evaluate("sibling.over")["error"]["code"] == ErrorCode.SECRET_REFLECTED
    # The popup hears of it without being asked.
    expect(popup.locator("#verdict-title")).to_have_text("A secret is suspended for this page")
    expect(popup.locator("#verdict-text")).to_contain_text('The secret "key" is suspended')
    expect(popup.locator("#suggestion code")).to_have_text(COMMAND)
    assert COMMAND in page.evaluate("longwire.status()")["fix"]

    sent = len(upstream.server.requests)
    refused = page.evaluate("(url) => fetchText(url)", upstream.url("/sse"))
    assert_failed(refused, "headers", ErrorCode.SECRET_REFLECTED, Phase.POLICY, COMMAND)
    assert len(upstream.server.requests) == sent

    assert longwire(browser.home, "policy", "release", "test").startswith('released   the secret "key"')
    expect(popup.locator("#verdict-title")).to_have_text("This page may stream to")
    again = page.evaluate("(url) => fetchText(url)", upstream.url("/bytes?size=10"))
    assert again["where"] == "done"
    assert SECRET not in browser.logs()
