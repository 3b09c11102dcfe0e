"""The recorder in a real Chromium: what a page streamed is in the file, to the byte, and no credential of the page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from longwire.recording.reader import RecordedStream, read_recording
from tests.e2e.browser import Browser, stop_worker
from tests.e2e.conftest import Upstream
from tests.e2e.popup import is_about, open_popup, switch
from tests.e2e.scripts import script
from tests.e2e.socket_servers import socket_servers
from tests.upstreams.bodies import head
from tests.upstreams.connection import Request
from tests.upstreams.sockets import SocketServer

KEY = "planted-key-of-the-page-0123456789"
EVENTS = [f"data: {json.dumps({'n': n, 'text': 'é' * n})}\n\n" for n in range(20)]


async def events(request: Request) -> None:
    """Twenty events, and what the request said; the second request is answered without an end."""
    await request.body()
    connection = request.connection
    await connection.send(head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
    for text in [*EVENTS, f"data: you sent {request.header('x-api-key')}\n\n"]:
        await connection.send(b"%x\r\n%s\r\n" % (len(text.encode()), text.encode()))
    if request.query["n"] == "2":
        await connection.wait_gone()
    else:
        await connection.send(b"0\r\n\r\n")


@pytest.fixture
def recorded(browser: Browser, page: Page, upstream: Upstream, socket_server: SocketServer) -> Iterator[Page]:
    """The popup, when the site was recorded while it streamed. The next test finds no recording."""
    upstream.app.routes.add("/events", events)
    browser.grant(upstream.root, f"{socket_server.url}/")
    popup = open_popup(browser, page)
    is_about(popup, "Ready")
    popup.locator("#record").click()
    expect(popup.locator("#record")).to_have_text("Stop recording")
    seen = page.evaluate(
        script("record_streams.js"), [upstream.url(f"/events?key={KEY}"), f"{socket_server.url}/echo", KEY]
    )
    assert seen["text"] == "".join(EVENTS) + f"data: you sent {KEY}\n\n"
    assert seen["received"] == [f"say {KEY}"]
    expect(popup.locator("#recording-list .figures")).to_contain_text("3 streams")
    yield popup
    for button in popup.locator("#recording-list").get_by_text("Delete", exact=True).all():
        button.click()
    expect(popup.locator("#recording-list li")).to_have_count(0)


def saved(popup: Page, button: str, folder: Path) -> Path:
    """What a button of the first recording gives."""
    with popup.expect_download() as download:
        popup.locator("#recording-list li").first.get_by_text(button, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def body(stream: RecordedStream) -> bytes:
    return b"".join(each.data for each in stream.down)


def test_a_site_is_recorded_saved_and_served_by_others(recorded: Page, browser: Browser, tmp_path: Path) -> None:
    stars = "*" * len(KEY)
    path = saved(recorded, "Save", tmp_path)
    assert KEY not in path.read_text()
    whole, stopped, socket = read_recording(path).streams
    assert body(whole).decode() == "".join(EVENTS) + f"data: you sent {stars}\n\n"
    assert whole.end is not None and whole.end.how == "whole" and whole.end.bytes == len(body(whole))
    assert json.loads(b"".join(each.data for each in whole.up)) == {"prompt": "hello", "api_key": stars}
    assert ("x-api-key", "(secret:x-api-key)") in whole.request.headers
    assert stopped.end is not None and (stopped.end.how, stopped.end.reason) == ("stopped", "signal")
    assert body(whole).startswith(body(stopped)[:50]) and body(stopped)
    assert [(each.opcode, each.data) for each in socket.up][:1] == [(1, f"say {stars}".encode())]
    assert [(each.opcode, each.data) for each in socket.down][:1] == [(1, f"say {stars}".encode())]
    times = [each.t for each in whole.down]
    assert times == sorted(times) and times[0] > 0

    har = saved(recorded, "HAR", tmp_path)
    text = har.read_text()
    assert KEY not in text
    (entry, _, of_socket) = json.loads(text)["log"]["entries"]
    assert [each["data"] for each in entry["_eventSourceMessages"]][:-1] == [e[6:-2] for e in EVENTS]
    assert {each["type"] for each in of_socket["_webSocketMessages"]} == {"send", "receive"}
    served = browser.open("about:blank")
    served.route("http://app.test/", lambda route: route.fulfill(body="<title>app</title>", content_type="text/html"))
    served.goto("http://app.test/")
    # Where the page is does not matter to who serves it; that it may read the answer does.
    record = json.loads(text)
    record["log"]["entries"][0]["request"] |= {"method": "GET", "url": "http://app.test/events"}
    record["log"]["entries"][0]["request"].pop("postData")
    har.write_text(json.dumps(record))
    served.route_from_har(har, url="**/events", not_found="abort")
    got = served.evaluate(script("fetch_events.js"), "http://app.test/events")
    assert got["status"] == 200
    assert got["text"] == body(whole).decode()
    assert got["type"] == "text/event-stream"


def test_a_stopped_worker_loses_nothing_and_goes_on(
    recorded: Page, browser: Browser, page: Page, upstream: Upstream, tmp_path: Path
) -> None:
    assert len(read_recording(saved(recorded, "Save", tmp_path)).streams) == 3  # and so it is written
    stop_worker(browser)
    assert page.evaluate("(url) => longwire.fetch(url).then((r) => r.text())", upstream.url("/events?n=3"))
    expect(recorded.locator("#recording-list .figures")).to_contain_text("4 streams")
    recorded.locator("#record").click()
    expect(recorded.locator("#record")).to_have_text("Record this site")
    assert page.evaluate("(url) => longwire.fetch(url).then((r) => r.text())", upstream.url("/events?n=4"))
    streams = read_recording(saved(recorded, "Save", tmp_path)).streams
    assert [stream.number for stream in streams] == [1, 2, 3, 4]
    assert b"".join(each.data for each in streams[3].down).decode().startswith("".join(EVENTS))
    recorded.locator("#recording-list li").first.get_by_text("Delete", exact=True).click()
    expect(recorded.locator("#recording-list li")).to_have_count(0)


def test_what_policy_or_person_keeps_out_is_in_no_recording(
    recorded: Page, browser: Browser, page: Page, upstream: Upstream, tmp_path: Path
) -> None:
    fetch = "(url) => longwire.fetch(url).then((r) => r.text())"
    browser.grant(upstream.root, more="features = ['fetch']")
    assert page.evaluate(fetch, upstream.url("/events?n=3"))
    browser.grant(upstream.root)
    assert page.evaluate(fetch, upstream.url("/events?n=4"))
    expect(recorded.locator("#recording-list .figures")).to_contain_text("4 streams")
    recorded.locator("#switches summary").click()
    switch(recorded, "Recording", on=False)
    expect(recorded.locator("#record")).to_have_text("Record this site")
    assert page.evaluate(fetch, upstream.url("/events?n=5"))
    urls = [stream.request.url for stream in read_recording(saved(recorded, "Save", tmp_path)).streams]
    assert [url.rpartition("=")[2] for url in urls[3:]] == ["4"]
    recorded.locator("#record").click()
    expect(recorded.locator("#recorder-note")).to_contain_text("Recording is switched off for this site")
    # The browser goes on to other files, and a switch holds until somebody switches it on.
    recorded.locator("#switch-record").check()
    expect(recorded.locator("#switches-count")).to_be_empty()


def test_pages_and_other_extensions_cannot_reach_the_recorder(page: Page) -> None:
    refused: Any = page.evaluate(
        "typeof chrome === 'undefined' || chrome.runtime === undefined || !chrome.runtime.connect"
    )
    assert refused
    databases = page.evaluate("indexedDB.databases().then((all) => all.map((each) => each.name))")
    assert "longwire-recordings" not in databases


@pytest.fixture
def socket_server() -> Iterator[SocketServer]:
    """A socket that says again what it hears."""
    with socket_servers() as servers:
        yield servers.sockets
