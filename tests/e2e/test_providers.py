"""What a page and the popup hear of the providers that the page may generate with, in a real Chromium."""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.browser import STATUS, Browser
from tests.e2e.popup import is_about, open_popup
from tests.host_process import write_policy

# The console's page stands beside the page's own, and is nothing that a browser can register.
POLICY = """\
version = 1

[[grant]]
name = "models"
pages = ["http://localhost:*", "longwire:terminal"]
generate = ["openai", "local"]

[[provider]]
name = "openai"
kind = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
network = "loopback"
models = ["gpt-5-mini", "gpt-5*"]
secret = "key"

[[provider]]
name = "local"
kind = "ollama"
models = ["llama*"]

[[provider]]
name = "hidden"
kind = "ollama"
models = ["m"]

[secret.key]
file = "{key}"
"""
PROVIDERS = [{"name": "openai", "models": ["gpt-5-mini", "gpt-5*"]}, {"name": "local", "models": ["llama*"]}]


def test_a_page_and_the_popup_hear_whom_it_may_generate_with_and_what_is_missing(
    browser: Browser, page: Page, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    write_policy(browser.home, POLICY.format(key=key))
    missing = page.evaluate(STATUS)
    assert (missing["state"], missing["destinations"], missing["providers"]) == ("ready", [], PROVIDERS)
    (obstacle,) = missing["obstacles"]
    assert (obstacle["code"], obstacle["providers"]) == ("SECRET_UNAVAILABLE", ["openai"])
    assert missing["fix"] == obstacle["message"]

    popup = open_popup(browser, page)
    is_about(popup, "Not all works")
    items = popup.locator("#destinations li")
    expect(items).to_have_text(["openai: gpt-5-mini, gpt-5*", "local: llama*"])
    expect(popup.locator("#destinations li.blocked")).to_have_text(["openai: gpt-5-mini, gpt-5*"])

    key.write_text("lw-canary-providers-e2e-5d10aa")
    key.chmod(0o600)
    page.bring_to_front()
    ready = page.evaluate(STATUS)
    assert ("obstacles" in ready, "fix" in ready, ready["providers"]) == (False, False, PROVIDERS)
    assert not any(
        word in json.dumps([missing, ready]) for word in ("127.0.0.1", "hidden", str(tmp_path), str(browser.home))
    )
    popup = open_popup(browser, page)
    is_about(popup, "Ready")
    expect(popup.locator("#verdict-title")).to_have_text("This page may generate with")
