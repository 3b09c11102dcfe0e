"""The README's page code and grant as they stand there, in a real Chromium; only the server is another one."""

import re
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.host_process import write_policy
from tests.upstreams.threaded import ThreadedServer

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
KEY = "sk-newcomer-0123456789"


def test_what_a_newcomer_pastes_into_the_console_streams(
    browser: Browser, site: ThreadedServer, upstream: Upstream, tmp_path: Path
) -> None:
    ((grant,), (script, *_)) = (
        re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) for language in ("toml", "js")
    )
    key = tmp_path / "openai"
    key.write_text(KEY)
    key.chmod(0o600)
    replacements = {
        "http://localhost:5173": site.url("").rstrip("/"),
        "https://api.openai.com/v1/": upstream.root,
        'network = "public" ': 'network = "loopback" ',
        "/home/me/.config/longwire/secrets/openai": str(key),
    }
    for shown, here in replacements.items():
        assert shown in grant
        grant = grant.replace(shown, here)
    write_policy(browser.home, grant)
    events = upstream.app.streams.channel("chat")
    page: Page = browser.open(site.url("/"))
    page.evaluate("console.log = (text) => (window.printed ??= []).push(text)")

    asked = script.replace("https://api.openai.com/v1/chat/completions", upstream.url("/sse?channel=chat"))
    assert asked != script
    page.evaluate(f"window.over = (async () => {{ {asked} }})(); undefined")
    for word in ("Once", "upon"):
        # Live: the next word is not sent before this one was printed.
        events.event(word)
        page.wait_for_function("(word) => window.printed?.join('').includes(word)", arg=word)
    events.end()
    page.evaluate("over")
    (request,) = upstream.server.requests
    assert (request.method, request.header("authorization")) == ("POST", f"Bearer {KEY}")
