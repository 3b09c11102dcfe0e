"""Row 32: what servers and pages write is text in every view of the dashboard, which no page opens, frames or reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from longwire.assets import extension_folder
from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.dashboard import DASHBOARD_URL, figure, look_at, look_on, only, open_dashboard
from tests.e2e.own_pages import assert_closed_to_pages
from tests.e2e.scripts import script
from tests.e2e.socket_servers import SocketServers, socket_servers
from tests.e2e.test_generate import GENERATE, QUESTION, policy
from tests.e2e.test_popup import start
from tests.e2e.test_popup_reach import as_content_script
from tests.host_process import write_policy
from tests.unit.engine.generation_bench import KEY
from tests.upstreams import bodies
from tests.upstreams.connection import Request

MARKUP = """<img src=x onerror="hacked=1"><script>hacked=1</script><svg onload='hacked=1'></svg>"""
# A line turned round, one that a terminal would colour, and what is not seen at all.
UNSEEN = "a\u202egpj.exe \x1b[31mred\x1b[0m \u200bzero \u2066iso"
SHOWN = "a\\u{202e}gpj.exe \\u{1b}[31mred\\u{1b}[0m \\u{200b}zero \\u{2066}iso"
HOSTILE = f"{MARKUP} {UNSEEN}"
HOSTILE_SHOWN = f"{MARKUP} {SHOWN}"

MADE_OF = script("made_of.js")
# Of the page as it comes, and what it makes itself. Plots are drawn.
TAGS = {
    *("html", "head", "meta", "title", "link", "body", "header", "main", "aside", "section", "script", "canvas"),
    *("h1", "h2", "h3", "h4", "p", "div", "span", "label", "input", "button", "img", "pre", "details", "summary"),
    *("dl", "dt", "dd", "ol", "ul", "li", "select", "option"),
}


def assert_text_alone(dashboard: Page) -> None:
    """Nothing that somebody wrote has become anything but visible text."""
    made: dict[str, Any] = dashboard.evaluate(MADE_OF)
    assert set(made["tags"]) <= TAGS, made["tags"]
    assert (made["images"], made["scripts"]) == (1, 1)
    assert (made["handlers"], made["unseen"], made["hacked"]) == ([], [], None)


@pytest.fixture
def dashboard(browser: Browser, page: Page) -> Page:
    """Beside a page."""
    return open_dashboard(browser)


@pytest.fixture
def sockets() -> Iterator[SocketServers]:
    with socket_servers() as running:
        yield running


def test_addresses_methods_types_and_errors_are_text(page: Page, upstream: Upstream, dashboard: Page) -> None:
    async def hostile(request: Request) -> None:
        await request.body()
        headers = [("Content-Type", f"text/{MARKUP}"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, headers) + bodies.chunk(HOSTILE.encode()) + b"0\r\n\r\n")

    upstream.app.routes.add("/hostile", hostile)
    page.evaluate("(url) => fetchText(url)", upstream.url(f"/hostile?{MARKUP}#x"))
    page.evaluate('(url) => fetchText(url, { method: "M\'&*x" })', upstream.url(f"/denied/{MARKUP}{UNSEEN}"))
    detail = look_at(dashboard, "/hostile state:done")
    expect(figure(detail, "Type")).to_have_text(f"text/{MARKUP}".split(";")[0].lower()[:100])
    assert_text_alone(dashboard)
    detail = look_at(dashboard, "/denied code:policy_denied")
    expect(detail.locator("#detail-title")).to_contain_text("M'&*x")
    expect(detail.locator("#trouble-title")).to_have_text("POLICY_DENIED")
    only(dashboard, "onerror", 2)
    assert_text_alone(dashboard)


def test_events_and_their_names_are_text(page: Page, upstream: Upstream, dashboard: Page) -> None:
    start(page, upstream, "events")
    detail = look_on(dashboard, "channel=events state:open")
    channel = upstream.app.streams.channel("events")
    data = {"type": "text", "data": HOSTILE, f"key {HOSTILE}": {"__proto__": [HOSTILE], "constructor": MARKUP}}
    channel.event(json.dumps(data), event=MARKUP)
    expect(detail.locator("#tree")).to_contain_text(f"key {HOSTILE_SHOWN}")
    expect(detail.locator("#tree")).to_contain_text("__proto__: [1]")
    expect(detail.locator("#text")).to_have_text(HOSTILE_SHOWN)
    assert_text_alone(dashboard)
    channel.raw(f": {HOSTILE.replace(chr(0x1B), '')}\n\n".encode())
    channel.event(HOSTILE, event=UNSEEN)
    expect(detail.locator("#tree pre")).to_have_text(HOSTILE_SHOWN)
    rows = detail.locator(".log-row:visible")
    expect(rows).to_have_count(3)
    expect(rows.nth(2).locator(".text")).to_have_text(HOSTILE_SHOWN)
    assert_text_alone(dashboard)


def test_messages_of_a_socket_are_text(browser: Browser, page: Page, sockets: SocketServers, dashboard: Page) -> None:
    browser.grant(sockets.url)
    page.add_script_tag(content=script("sockets.js"))
    page.evaluate("(url) => holdSocket(url)", f"{sockets.url}/echo?{MARKUP}")
    page.wait_for_function("told.events.length > 0")
    detail = look_on(dashboard, "kind:websocket state:open")
    page.evaluate("(text) => socket.send(text)", HOSTILE)
    expect(detail.locator(".log-row:visible")).to_have_count(2)
    expect(detail.locator(".log-row .text").first).to_have_text(HOSTILE_SHOWN)
    page.evaluate("(text) => socket.close(4000, text)", MARKUP[:60])
    expect(detail.locator(".log-row:visible", has_text="close").first).to_contain_text(f"4000 {MARKUP[:60]}")
    assert_text_alone(dashboard)


def test_a_generation_is_text(
    browser: Browser, page: Page, upstream: Upstream, dashboard: Page, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    key_file.chmod(0o600)
    write_policy(browser.home, policy(upstream, key_file))
    upstream.app.routes.add("/v1/", upstream.app.streams)
    events = upstream.app.streams.channel()
    page.evaluate(GENERATE, {"request": QUESTION, "options": {}})
    detail = look_on(dashboard, "kind:generation state:open")
    events.event(json.dumps({"model": MARKUP, "choices": [{"index": 0, "delta": {"content": HOSTILE}}]}))
    expect(detail.locator("#text")).to_have_text(HOSTILE_SHOWN)
    events.event(json.dumps({"choices": [{"index": 0, "delta": {"content": " more"}, "finish_reason": "stop"}]}))
    events.event(json.dumps({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))
    events.event("[DONE]")
    events.end()
    expect(figure(detail, "Tokens").last).to_have_text("7 in 3 out")
    expect(figure(detail, "Finished")).to_have_text("stop")
    assert_text_alone(dashboard)


def test_the_browser_itself_lets_no_text_become_markup_there(dashboard: Page) -> None:
    tried = "(html) => { try { document.body.innerHTML = html; return 'done' } catch ({ name }) { return name } }"
    assert dashboard.evaluate(tried, MARKUP) == "TypeError"
    assert_text_alone(dashboard)


def test_no_web_page_opens_frames_or_reads_it(browser: Browser, page: Page) -> None:
    for file in ("js", "css"):
        url = DASHBOARD_URL.replace(".html", f".{file}")
        assert page.evaluate("(url) => fetch(url).then(() => 'read', () => 'refused')", url) == "refused"
    assert_closed_to_pages(browser, page, DASHBOARD_URL, "#grid")
    manifest = json.loads((extension_folder() / "manifest.json").read_text())
    listed = [file for resource in manifest["web_accessible_resources"] for file in resource["resources"]]
    assert listed == ["direct.html"]


def test_a_content_script_neither_hears_the_worker_nor_reads_the_history(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    """Whoever controls a page's renderer is the content script in it."""
    page.evaluate("(url) => fetchText(url)", upstream.url("/bytes?size=10&seed=1"))
    assert as_content_script(browser, page, f"({script('connect_as_dashboard.js')})()") == "disconnected"
    read = "chrome.storage.session.get(null).then(() => 'done', ({ message }) => message)"
    assert "Access to storage is not allowed" in as_content_script(browser, page, read)
