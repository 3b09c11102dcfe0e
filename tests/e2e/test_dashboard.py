"""The dashboard in a real Chromium: every stream of every tab, who holds it back, and what passes on it."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from longwire.protocol.errors import ErrorCode, Phase
from tests.e2e.browser import Browser, stop_worker
from tests.e2e.conftest import OpenPage, Upstream
from tests.e2e.dashboard import (
    DASHBOARD_URL,
    cell,
    figure,
    forget_the_ended,
    kept_with,
    look_at,
    look_on,
    only,
    open_dashboard,
)
from tests.e2e.popup import open_popup
from tests.e2e.scripts import script
from tests.e2e.socket_servers import SocketServers, socket_servers
from tests.e2e.test_popup import start
from tests.e2e.typed import assert_failed, shows

CONTRAST = script("popup_contrast.js")


@pytest.fixture(autouse=True)
def nothing_of_others(browser: Browser) -> None:
    """The browser may have been another file's, whose ended streams are in the list: forget them."""
    forget_the_ended(browser)


@pytest.fixture
def dashboard(browser: Browser, page: Page) -> Page:
    """Opened after the page, which is in another tab."""
    return open_dashboard(browser)


def test_before_the_worker_has_said_a_word_no_streams_are_counted(browser: Browser) -> None:
    dashboard = browser.context.new_page()
    browser.pages.append(dashboard)
    dashboard.add_init_script(script("mute_worker.js"))
    dashboard.goto(DASHBOARD_URL)
    expect(dashboard.get_by_role("columnheader")).to_have_count(14)
    assert dashboard.locator("#summary").text_content() == ""
    expect(dashboard.locator("#nothing")).to_be_hidden()


def hold_streams(page: Page, upstream: Upstream, *targets: str) -> None:
    """Requests whose answers the page holds, and nobody reads."""
    urls = [upstream.url(target) for target in targets]
    page.evaluate("(urls) => { window.unread = urls.map((url) => longwire.fetch(url).catch(() => {})) }", urls)


@shows(ErrorCode.STOPPED_BY_USER)
def test_a_stream_of_any_tab_is_seen_found_stopped_and_then_among_the_ended(
    browser: Browser, page: Page, upstream: Upstream, open_page: OpenPage
) -> None:
    popup = open_popup(browser, page)
    with browser.context.expect_page() as opened:
        popup.locator("#dashboard").click()
    dashboard = opened.value
    browser.pages.append(dashboard)
    start(page, upstream, "mine")
    start(open_page(), upstream, "other")
    for channel in ("mine", "other"):
        row = only(dashboard, f"channel={channel} state:live")
        expect(cell(row, "state")).to_have_text("Open")
        expect(cell(row, "method")).to_have_text("GET")
        expect(cell(row, "grant")).to_have_text("test")
        expect(cell(row, "page")).to_contain_text("http://localhost")
    upstream.app.streams.channel("mine").raw(b"x" * 5_000)
    row = only(dashboard, "channel=mine")
    expect(cell(row, "received")).to_have_text("5.0 kB")
    row.hover()
    row.get_by_role("button", name="Stop GET").click()
    result = page.evaluate("mine.over")
    assert_failed(result, "body", ErrorCode.STOPPED_BY_USER, Phase.BODY, "in the dashboard of the Longwire")
    expect(cell(row, "state")).to_have_text("Stopped")
    assert only(dashboard, "state:live").count() == 1


def test_it_says_who_holds_a_stream_back(page: Page, upstream: Upstream, dashboard: Page) -> None:
    start(page, upstream, "quiet")
    hold_streams(page, upstream, "/endless", "/fault/silent")
    expect(cell(only(dashboard, "/endless"), "held")).to_have_text("page")
    expect(cell(only(dashboard, "/fault/silent"), "held")).to_have_text("upstream")
    detail = look_at(dashboard, "channel=quiet")
    expect(figure(detail, "Waits for")).to_have_text("the upstream. It sends nothing.")
    detail = look_at(dashboard, "/endless held:page")
    expect(figure(detail, "Waits for")).to_have_text("the page. It does not read what it was given.")


def test_events_are_shown_as_they_come_with_their_silences_and_what_came_before_is_named(
    page: Page, upstream: Upstream, dashboard: Page
) -> None:
    start(page, upstream, "talk")
    channel = upstream.app.streams.channel("talk")
    channel.event("not seen")
    page.wait_for_function("talk.text !== ''")
    detail = look_on(dashboard, "channel=talk")
    expect(detail.locator("#unseen")).to_have_text("Not seen: 16 B to the page, before this view was opened.")
    for word in ("Hello", " world"):
        channel.event(json.dumps({"type": "text", "data": word, "more": {"deep": [1, None]}}), event="part")
        expect(detail.locator("#text")).to_contain_text(word)
        dashboard.wait_for_timeout(300)  # a silence, which is what is looked at
    rows = detail.locator(".log-row:visible")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_have_class(re.compile("long-gap"))
    expect(detail.locator("#gap-count")).to_contain_text("1 of 250 ms and more")
    expect(detail.locator("#tree")).to_contain_text('data: " world"')
    rows.nth(0).click()
    expect(detail.locator("#tree")).to_contain_text('data: "Hello"')
    expect(detail.locator("#tree details details summary", has_text="deep")).to_be_visible()
    expect(detail.locator("#text")).to_have_text("Hello world")
    expect(detail.locator(".plot canvas")).to_have_count(2)
    expect(detail.locator("#generation")).to_be_hidden()


def test_a_pause_stops_the_view_and_no_stream(page: Page, upstream: Upstream, dashboard: Page) -> None:
    start(page, upstream, "on")
    channel = upstream.app.streams.channel("on")
    channel.raw(b"x" * 1_000)
    row = only(dashboard, "channel=on")
    expect(cell(row, "received")).to_have_text("1.0 kB")
    dashboard.locator("#pause").click()
    channel.raw(b"x" * 9_000)
    page.wait_for_function("on.text.length === 10_000")
    expect(dashboard.locator("#summary")).to_contain_text("paused, 1 changed since")
    expect(cell(row, "received")).to_have_text("1.0 kB")
    dashboard.get_by_role("button", name="Go on").click()
    expect(cell(row, "received")).to_have_text("10 kB")


def test_what_ended_outlives_the_worker_and_what_lived_is_said_to_have_ended_with_it(
    browser: Browser, page: Page, upstream: Upstream, dashboard: Page
) -> None:
    page.evaluate("(url) => fetchText(url)", upstream.url("/bytes?size=1000&seed=1&kept"))
    start(page, upstream, "cut")
    only(dashboard, "channel=cut state:open")
    kept_with(dashboard, "channel=cut", "seed=1&kept")
    stop_worker(browser)
    row = only(dashboard, "channel=cut state:failed")
    row.click()
    expect(dashboard.locator("#trouble-title")).to_have_text("BRIDGE_LOST")
    expect(cell(only(dashboard, "size=1000 kept"), "state")).to_have_text("Done")


def test_it_is_used_by_the_keyboard_and_named_for_a_screen_reader(
    page: Page, upstream: Upstream, dashboard: Page
) -> None:
    for channel in ("a", "b", "c"):
        start(page, upstream, f"key{channel}")
    only(dashboard, "channel=key state:open", 3)
    only(dashboard, "channel=key", 3)
    grid = dashboard.get_by_role("grid")
    assert grid.get_attribute("aria-rowcount") == "4"
    dashboard.keyboard.press("Tab")
    while not grid.evaluate("(grid) => grid === document.activeElement"):
        dashboard.keyboard.press("Tab")
    dashboard.keyboard.press("Home")
    dashboard.keyboard.press("ArrowDown")
    current = dashboard.locator("#rows .row.current")
    expect(current).to_contain_text("channel=keyb")
    assert grid.get_attribute("aria-activedescendant") == current.get_attribute("id")
    assert current.get_attribute("aria-rowindex") == "3"
    dashboard.keyboard.press("Enter")
    expect(dashboard.get_by_role("complementary", name="GET http://127.0.0.1")).to_be_visible()
    expect(dashboard.get_by_role("status")).to_contain_text("Open: GET http://127.0.0.1")
    dashboard.keyboard.press("Delete")
    expect(cell(current, "state")).to_have_text("Stopped")
    dashboard.keyboard.press("Escape")
    expect(dashboard.locator("#detail")).to_be_hidden()
    assert grid.evaluate("(grid) => grid === document.activeElement")
    dashboard.keyboard.press("/")
    assert dashboard.evaluate("document.activeElement.id") == "filter"
    dashboard.get_by_role("columnheader", name="Received").get_by_role("button").click()
    expect(dashboard.get_by_role("columnheader", name="Received")).to_have_attribute("aria-sort", "ascending")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_in_both_schemes_and_on_a_phone(
    page: Page, upstream: Upstream, dashboard: Page, scheme: str
) -> None:
    dashboard.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.evaluate("(url) => fetchText(url)", f"http://127.0.0.1:1/refused/{scheme}")
    hold_streams(page, upstream, "/endless", "/fault/silent")
    start(page, upstream, "seen")
    upstream.app.streams.channel("seen").event('{"a": [1, "b", null]}')
    look_at(dashboard, "channel=seen")
    dashboard.locator("#filter").fill("")
    ratio, text = dashboard.evaluate(CONTRAST)
    assert ratio >= 4.5, text
    look_at(dashboard, f"code:policy_denied /refused/{scheme}")
    ratio, text = dashboard.evaluate(CONTRAST)
    assert ratio >= 4.5, text
    dashboard.set_viewport_size({"width": 360, "height": 740})
    # A plot has its new width a frame later.
    dashboard.wait_for_function("document.documentElement.scrollWidth <= 360")
    dashboard.locator("#recordings").click()
    dashboard.locator("#site-record").click()
    expect(dashboard.locator("#recording-list li")).to_have_count(1)
    dashboard.wait_for_function("document.documentElement.scrollWidth <= 360")
    ratio, text = dashboard.evaluate(CONTRAST)
    assert ratio >= 4.5, text
    dashboard.locator("#recording-list").get_by_role("button", name="Delete").click()
    expect(dashboard.locator("#recording-list li")).to_have_count(0)
    dashboard.keyboard.press("Escape")
    expect(dashboard.locator("#rows .row").first).to_be_visible()
    dashboard.wait_for_function("document.documentElement.scrollWidth <= 360")


@pytest.fixture
def sockets() -> Iterator[SocketServers]:
    with socket_servers() as running:
        yield running


def test_messages_of_a_socket_are_shown_both_ways(
    browser: Browser, page: Page, sockets: SocketServers, dashboard: Page
) -> None:
    browser.grant(sockets.url)
    page.add_script_tag(content=script("sockets.js"))
    page.evaluate("(url) => holdSocket(url)", f"{sockets.url}/echo")
    page.wait_for_function("told.events.length > 0")
    detail = look_on(dashboard, "kind:websocket state:open")
    expect(detail.locator("#log-title")).to_have_text("Messages")
    page.evaluate("""() => { socket.send('{"said": 1}'); socket.send(new Uint8Array([1, 2, 255])) }""")
    page.wait_for_function("told.messages === 2")
    rows = detail.locator(".log-row:visible")
    expect(rows).to_have_count(4)
    told = [row.split("\n") for row in rows.all_inner_texts()]
    assert sorted([arrow, kind, size, text] for *_, arrow, kind, size, text in told) == [
        ["↑", "binary", "3 B", "01 02 ff"],
        ["↑", "text", "11 B", '{"said": 1}'],
        ["↓", "binary", "3 B", "01 02 ff"],
        ["↓", "text", "11 B", '{"said": 1}'],
    ]
