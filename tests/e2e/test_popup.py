"""The popup in a real Chromium: what it says of bridge, page and streams, and what its buttons do."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.limits import MAX_STREAMS_PER_TAB_FRAME, PROTOCOL_VERSION
from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.e2e.hosts import HostFiles, without_host
from tests.e2e.popup import WIDTH, action_popup, is_about, open_popup, switch
from tests.e2e.scripts import script
from tests.e2e.typed import assert_failed, shows
from tests.host_process import write_policy
from tests.upstreams.threaded import ThreadedServer


@pytest.fixture(scope="module")
def host_files_of_module(browser_of_module: Browser) -> HostFiles:
    """As installed."""
    return HostFiles(browser_of_module)


@pytest.fixture
def host_files(browser: Browser, host_files_of_module: HostFiles) -> Iterator[HostFiles]:
    """To be changed; the next test finds them as installed."""
    yield host_files_of_module
    without_host(browser, host_files_of_module.restore)


def start(page: Page, upstream: Upstream, channel: str) -> None:
    """A stream of that channel, held as `window[channel]`."""
    page.evaluate("([name, url]) => { window[name] = hold(url) }", [channel, upstream.url(f"/sse?channel={channel}")])


def row(popup: Page, channel: str) -> Locator:
    """That stream in the list."""
    return popup.locator("#stream-list li", has_text=f"channel={channel}")


# --- while the host starts ------------------------------------------------------------------------------------------

# A host that starts when there is a file.
LATE = """
import os, time
while not os.path.exists({flag!r}):
    time.sleep(0.01)
from longwire.native.main import main
main()
"""


def test_what_waits_for_the_host_says_so_in_page_and_popup_and_then_goes_on(
    browser: Browser, page: Page, upstream: Upstream, host_files: HostFiles, tmp_path: Path
) -> None:
    flag = tmp_path / "start"
    popup = open_popup(browser, page)
    is_about(popup, "Ready")
    without_host(browser, lambda: host_files.launch(LATE.format(flag=str(flag))))
    page.evaluate("(url) => { hold(url) }", upstream.url("/sse?channel=late"))
    status = page.evaluate("longwire.status()")
    assert (status["state"], status["waiting"], status["destinations"]) == ("starting", "host", [])
    assert "is starting" in status["fix"]
    expect(popup.locator("#problem-title")).to_have_text("Starting the host")
    expect(row(popup, "late")).to_contain_text("Waiting for the host to start")
    flag.touch()
    upstream.app.streams.channel("late").event("there")
    page.wait_for_function("held.text.includes('there')")
    assert page.evaluate(STATUS)["state"] == "ready"
    expect(popup.locator("#problem-title")).to_be_hidden()


# --- streams --------------------------------------------------------------------------------------------------------


@shows(ErrorCode.STOPPED_BY_USER)
def test_live_streams_grow_and_one_is_stopped_with_a_typed_error(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    popup = open_popup(browser, page)
    is_about(popup, "Ready")
    expect(popup.locator("#verdict-title")).to_have_text("This page may stream to")
    expect(popup.locator("#destinations li")).to_have_text([upstream.root])
    expect(popup.locator("#no-streams")).to_be_visible()

    channels = {name: upstream.app.streams.channel(name) for name in ("one", "two")}
    start(page, upstream, "one")
    upstream.run(lambda: upstream.server.wait_connections(1))
    (connection,) = upstream.server.connections
    start(page, upstream, "two")
    expect(popup.locator("#count")).to_have_text("2")
    for name, channel in channels.items():
        expect(row(popup, name).locator(".figures")).to_contain_text(re.compile(r"^Streaming · 0 B · 0 B/s · \d+ s$"))
        channel.raw(b"x" * 5_000)
        expect(row(popup, name).locator(".figures")).to_contain_text(re.compile(r" · 5\.0 kB · [\d.]+ k?B/s · "))
        channel.raw(b"x" * 60_000)
        expect(row(popup, name).locator(".figures")).to_contain_text(" · 65 kB · ")

    row(popup, "one").get_by_role("button", name="Stop GET /sse?channel=one of 127.0.0.1").click()
    result = page.evaluate("one.over")
    assert_failed(result, "body", ErrorCode.STOPPED_BY_USER, Phase.BODY, "You stopped this stream in the popup")
    assert len(result["text"]) == 65_000
    upstream.run(connection.wait_gone)
    expect(popup.locator("#count")).to_have_text("1")
    channels["two"].raw(b"end")
    page.wait_for_function("two.text.endsWith('end')")
    assert page.evaluate("two.error") is None


def test_a_stream_that_waits_for_headers_is_stopped_as_well(browser: Browser, page: Page, upstream: Upstream) -> None:
    popup = open_popup(browser, page)
    page.evaluate("(url) => { hold(url) }", upstream.url("/fault/silent"))
    expect(popup.locator("#stream-list .figures")).to_contain_text("Waiting for the server")
    popup.locator("#stream-list button").click()
    assert_failed(page.evaluate("held.over"), "headers", ErrorCode.STOPPED_BY_USER, Phase.HEADERS)
    expect(popup.locator("#no-streams")).to_be_visible()


def test_streams_of_another_tab_are_not_shown(
    browser: Browser, page: Page, upstream: Upstream, open_page: Callable[[], Page]
) -> None:
    other = open_page()
    start(other, upstream, "other")
    start(page, upstream, "mine")
    popup = open_popup(browser, page)
    expect(row(popup, "mine")).to_be_visible()
    expect(popup.locator("#count")).to_have_text("1")


def test_256_streams_stay_usable_by_keyboard_and_stop_at_once(browser: Browser, page: Page, upstream: Upstream) -> None:
    popup = open_popup(browser, page)
    page.evaluate(
        """([url, count]) => {
            window.all = Array.from({ length: count }, (_, i) => fetchText(`${url}?channel=${i}`))
        }""",
        [upstream.url("/sse"), MAX_STREAMS_PER_TAB_FRAME],
    )
    expect(popup.locator("#count")).to_have_text(str(MAX_STREAMS_PER_TAB_FRAME))
    # The list scrolls, the popup does not, and its other parts stay in sight.
    assert popup.evaluate("document.documentElement.scrollHeight <= innerHeight")
    expect(popup.locator("#versions")).to_be_in_viewport()
    # One Tab stop for all of them; the arrow keys go on from there.
    popup.locator("#stop-all").focus()
    focused = "document.activeElement.closest('li')?.title.split('=')[1]"
    popup.keyboard.press("Tab")
    assert popup.evaluate(focused) == "0"
    popup.keyboard.press("ArrowDown")
    assert popup.evaluate(focused) == "1"
    popup.keyboard.press("End")
    assert popup.evaluate(focused) == str(MAX_STREAMS_PER_TAB_FRAME - 1)
    expect(popup.locator("#stream-list li").last).to_be_in_viewport()
    # Once it is gone, its neighbour has the focus.
    popup.keyboard.press("Enter")
    expect(popup.locator("#count")).to_have_text(str(MAX_STREAMS_PER_TAB_FRAME - 1))
    assert popup.evaluate(focused) == str(MAX_STREAMS_PER_TAB_FRAME - 2)
    popup.locator("#stop-all").click()
    codes = page.evaluate("Promise.all(all).then((results) => results.map(({ error }) => error.code))")
    assert codes == [ErrorCode.STOPPED_BY_USER] * MAX_STREAMS_PER_TAB_FRAME
    expect(popup.locator("#no-streams")).to_be_visible()


# --- verdicts -------------------------------------------------------------------------------------------------------


def lines_of(popup: Page) -> str:
    """What the popup suggests for the policy file."""
    expect(popup.locator("#suggestion")).to_be_visible()
    return popup.locator("#suggestion code").text_content() or ""


def test_a_page_without_a_grant_gets_lines_that_grant_it(browser: Browser, page: Page, upstream: Upstream) -> None:
    browser.grant(upstream.root, page="https://elsewhere.example.com")
    popup = open_popup(browser, page)
    expect(popup.locator("#verdict-title")).to_have_text("No grant names this page")
    assert 'destinations = ["https://api.example.com/"]' in lines_of(popup)
    # The popup learns what the page asked for, and suggests that.
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["error"]["code"] == "POLICY_DENIED"
    expect(popup.locator("#verdict-text")).to_contain_text(f"GET {upstream.url('/echo')}")
    write_policy(browser.home, f"version = 1\n\n{lines_of(popup)}\n")
    # The page works by exactly these lines, and the popup knows it without being asked.
    expect(popup.locator("#verdict-title")).to_have_text("This page may stream to")
    expect(popup.locator("#destinations li")).to_have_text([upstream.root])
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"


def test_the_lines_are_copied(browser: Browser, page: Page) -> None:
    write_policy(browser.home, "version = 1\n")
    popup = open_popup(browser, page)
    lines = lines_of(popup)
    popup.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    popup.get_by_role("button", name="Copy the lines").click()
    expect(popup.locator("#announcer")).to_have_text("Copied")
    assert popup.evaluate("copied") == lines


def test_no_policy_yet_shows_how_the_file_begins(browser: Browser, page: Page, upstream: Upstream) -> None:
    write_policy(browser.home, "").unlink()
    popup = open_popup(browser, page)
    is_about(popup, "No policy")
    write_policy(browser.home, lines_of(popup))
    is_about(popup, "Ready")
    expect(popup.locator("#destinations li")).to_have_text(["https://api.example.com/"])


def test_a_destination_that_would_fail_is_marked_and_the_reason_told(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    secret = browser.home / "popup-secret"
    more = f"inject = {{ Authorization = '{{secret:key}}' }}\n[secret.key]\nfile = '{secret}'"
    browser.grant(upstream.root, more=more)
    popup = open_popup(browser, page)
    is_about(popup, "Not working")
    expect(popup.locator("#badge")).to_have_attribute("data-tone", "bad")
    expect(popup.locator("#verdict-title")).to_have_text("A secret is missing")
    expect(popup.locator("#destinations li.blocked")).to_have_text([upstream.root])
    expect(popup.locator("#verdict-text")).to_contain_text('Secret "key" does not exist')
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["error"]["code"] == "SECRET_UNAVAILABLE"
    secret.write_text("a-secret-of-more-than-12-bytes")
    secret.chmod(0o600)
    page.bring_to_front()
    again = open_popup(browser, page)
    is_about(again, "Ready")
    expect(again.locator("#destinations li.blocked")).to_have_count(0)


def test_every_destination_is_reached_and_nothing_is_cut_off_however_much_there_is(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    paths = [upstream.url(f"/service-{number}/a/path/that/takes/two/lines/") for number in range(40)]
    browser.grant(*paths, upstream.url("/sse"))
    page.evaluate(
        "(url) => { for (let i = 0; i < 20; i++) hold(`${url}?channel=${i}`) }",
        upstream.url("/sse"),
    )
    assert page.evaluate("(url) => fetchText(url)", "http://elsewhere.example/a/b")["error"]["code"] == "POLICY_DENIED"
    popup = open_popup(browser, page)
    is_about(popup, "Refused")
    expect(popup.locator("#verdict-title")).to_have_text("This page may stream to (41 destinations)")
    expect(popup.locator("#suggestion")).to_be_visible()
    expect(popup.locator("#count")).to_have_text("20")
    # Header and footer stay in sight, and what is between them scrolls, downwards only.
    assert popup.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert popup.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")
    expect(popup.locator("#versions")).to_be_in_viewport(ratio=1)
    for part in ("#destinations", "#suggestion button", "#stop-all", "#stream-list"):
        popup.locator(part).scroll_into_view_if_needed()
        expect(popup.locator(part)).to_be_in_viewport(ratio=0.99)
    # Without a mouse too.
    popup.locator("h1").click()
    popup.keyboard.press("Tab")
    assert popup.evaluate("document.activeElement.id") == "destinations"
    popup.keyboard.press("End")
    expect(popup.locator("#destinations li").last).to_be_in_viewport(ratio=1)


def test_a_broken_policy_is_named_by_file_line_and_field(browser: Browser, page: Page, upstream: Upstream) -> None:
    file = write_policy(browser.home, "version = 1\n\n[[grant]]\nname = 'x'\n")
    popup = open_popup(browser, page)
    is_about(popup, "Policy broken")
    expect(popup.locator("#problem-text")).to_contain_text(f"{file}: line 3, field grant[0]")
    browser.grant(upstream.root)
    is_about(popup, "Ready")
    expect(popup.locator("#problem")).to_be_hidden()


# --- a host that is not there ---------------------------------------------------------------------------------------


def test_a_missing_host_is_named_with_its_fix_and_found_once_it_is_there(
    browser: Browser, host_files: HostFiles, page: Page
) -> None:
    without_host(browser, host_files.manifest.unlink)
    popup = open_popup(browser, page)
    is_about(popup, "Not installed")
    expect(popup.locator("#problem-title")).to_have_text("The host is not installed")
    expect(popup.locator("#problem-command code")).to_have_text("longwire install")
    expect(popup.locator("#verdict")).to_be_hidden()
    host_files.restore()
    popup.get_by_role("button", name="Check again").click()
    is_about(popup, "Ready")
    expect(popup.locator("#problem")).to_be_hidden()


def forbid(files: HostFiles) -> None:
    files.change_manifest(allowed_origins=["chrome-extension://" + "a" * 32 + "/"])


def crash(files: HostFiles) -> None:
    files.launch("import nonexistent_module")


def be_newer(files: HostFiles) -> None:
    version = PROTOCOL_VERSION + 1
    files.launch(
        f"import longwire.protocol.limits as limits\nlimits.PROTOCOL_VERSION = {version}\n"
        "from longwire.native.main import main\nmain()"
    )


@pytest.mark.parametrize(
    ("spoil", "badge", "title", "says"),
    [
        (forbid, "Forbidden", "The browser forbids the host", "longwire install"),
        pytest.param(crash, "Not working", "The host does not work", "longwire doctor", marks=pytest.mark.long),
        (be_newer, "Not working", "Extension and host do not match", "Update the extension, then reload"),
    ],
)
def test_a_host_that_cannot_be_had(
    browser: Browser,
    host_files: HostFiles,
    page: Page,
    spoil: Callable[[HostFiles], None],
    badge: str,
    title: str,
    says: str,
) -> None:
    without_host(browser, lambda: spoil(host_files))
    popup = open_popup(browser, page)
    is_about(popup, badge)
    expect(popup.locator("#problem-title")).to_have_text(title)
    expect(popup.locator("#problem-text")).to_contain_text(says)


def test_a_host_that_dies_under_an_open_popup_ends_its_streams_there_too(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    popup = open_popup(browser, page)
    start(page, upstream, "one")
    expect(row(popup, "one")).to_contain_text("Streaming")
    (host,) = browser.hosts()
    host.kill()
    is_about(popup, "Host ended")
    expect(popup.locator("#stream-list")).to_be_hidden()
    # The next request starts another one, and the popup hears of it.
    assert page.evaluate("(url) => fetchText(url)", upstream.url("/echo"))["where"] == "done"
    is_about(popup, "Ready")


# --- the popup itself -----------------------------------------------------------------------------------------------


def test_the_popup_that_a_click_opens_knows_the_tab_and_has_the_width_that_it_was_made_for(
    browser: Browser, page: Page, site: ThreadedServer
) -> None:
    with action_popup(browser, page) as popup:
        assert popup.text("origin") == site.url("").rstrip("/")
        assert popup.text("verdict-title") == "This page may stream to"
        assert popup.evaluate("document.body.getBoundingClientRect().width") == WIDTH
        assert popup.evaluate("innerWidth >= document.documentElement.scrollWidth")


@pytest.mark.parametrize("url", ["chrome://version", "about:blank", "data:text/html,x"])
def test_a_page_that_cannot_be_served_says_so(browser: Browser, url: str) -> None:
    page = browser.open(url)
    with action_popup(browser, page) as popup:
        assert popup.text("verdict-title") == "This page cannot be served"
        assert "http: and https:" in popup.text("verdict-text")
        assert not popup.evaluate("document.getElementById('suggestion').checkVisibility()")


def test_a_page_that_its_server_sandboxes_cannot_be_served(browser: Browser, site: ThreadedServer) -> None:
    page = browser.open("about:blank")
    headers = {"content-type": "text/html", "content-security-policy": "sandbox allow-scripts"}
    page.route("**/*", lambda route: route.fulfill(body="<title>sandboxed</title>", headers=headers))
    page.goto(site.url("/"))
    assert page.evaluate("origin") == "null"
    popup = open_popup(browser, page)
    expect(popup.locator("#verdict-text")).to_contain_text("sandboxed")


def test_a_page_that_goes_elsewhere_takes_the_popup_along(browser: Browser, page: Page, site: ThreadedServer) -> None:
    popup = open_popup(browser, page)
    expect(popup.locator("#verdict-title")).to_have_text("This page may stream to")
    page.goto(site.url("/").replace("localhost", "127.0.0.1"))
    expect(popup.locator("#origin")).to_have_text(site.url("").rstrip("/").replace("localhost", "127.0.0.1"))
    expect(popup.locator("#verdict-title")).to_have_text("No grant names this page")


# --- switches of a site, and the day's totals -------------------------------------------------------------------------


def test_a_site_is_switched_off_by_a_person_and_its_streams_end_and_begin_no_more(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    popup = open_popup(browser, page)
    is_about(popup, "Ready")
    start(page, upstream, "one")
    upstream.app.streams.channel("one").raw(b"x" * 5_000)
    expect(row(popup, "one").locator(".figures")).to_contain_text("5.0 kB")
    popup.locator("#switches summary").click()
    switch(popup, "Requests", on=False)
    result = page.evaluate("one.over")
    assert_failed(result, "body", ErrorCode.POLICY_DENIED, Phase.BODY, "in the popup of the Longwire extension")
    expect(popup.locator("#switches-count")).to_have_text("1 off")
    expect(popup.locator("#today")).to_have_text(re.compile(r"^Today: \d+ streams?, [\d.]+ \w+, \d+ errors?$"))
    for scheme in ("light", "dark"):
        popup.emulate_media(color_scheme=scheme)
        contrast, text = popup.evaluate(script("popup_contrast.js"))
        assert contrast >= 4.5, (scheme, text)
        if folder := os.environ.get("LONGWIRE_SCREENS"):
            popup.screenshot(path=Path(folder) / f"popup-switches-{scheme}.png", full_page=True)
    popup.reload()
    is_about(popup, "Ready")
    popup.locator("#switches summary").click()
    expect(popup.get_by_label("Requests", exact=True)).not_to_be_checked()
    switch(popup, "Longwire", on=False)
    is_about(popup, "Nothing open")
    expect(popup.locator("#verdict-text")).to_contain_text("switched off for this site")
    switch(popup, "Longwire", on=True)
    switch(popup, "Requests", on=True)
    expect(popup.locator("#switches-count")).to_have_text("")
    is_about(popup, "Ready")
    start(page, upstream, "two")
    expect(row(popup, "two")).to_be_visible()
