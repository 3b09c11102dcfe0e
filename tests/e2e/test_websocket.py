"""`longwire.WebSocket` in a real browser, against a real server and one that breaks the rules."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from longwire.protocol.errors import ErrorCode
from tests.e2e.browser import Browser
from tests.e2e.scripts import script
from tests.e2e.socket_servers import SocketServers, socket_servers
from tests.e2e.test_bridge_loss import leave_and_come_back
from tests.e2e.typed import shows
from tests.upstreams.threaded import ThreadedServer

# Where the class is not the browser's, by the names of the cases, and why.
DIFFERENCES = {
    "close 32 with number 2999.5 2999.5": "Web IDL rounds to the even one, 3000; Chromium cuts off",
    "close 42 with undefined undefined undefined": "to Web IDL it is no code; Chromium takes it for 0 beside a reason",
    "close with a reason alone": "as above: the standard closes with 1000 then",
    "handshake: with a user and a password": "the browser opens it; here no URL carries a secret of the page's own",
    "from a server: a message behind a close": "RFC 6455 section 1.4 has it discarded; Chromium fails the connection",
}


@pytest.fixture
def servers() -> Iterator[SocketServers]:
    with socket_servers() as running:
        yield running


@pytest.fixture
def page(browser: Browser, site: ThreadedServer, servers: SocketServers) -> Page:
    browser.grant(servers.url, servers.raw)
    return browser.open(site.url("/"))


def test_the_class_is_the_browsers_case_by_case(page: Page, servers: SocketServers) -> None:
    page.add_script_tag(content=script("socket_cases.js"))
    results = page.evaluate("(servers) => runSocketCases(servers)", {"url": servers.url, "raw": servers.raw})
    differ = {name: sides for name, sides in results.items() if sides[0] != sides[1]}
    for name, (browsers, ours) in differ.items():
        print(f"{name}\n    browser {browsers}\n    ours    {ours}")
    late = [name for name, sides in results.items() if json.loads(sides[1] or "null") == "no end within 20 s"]
    print(f"{len(results)} cases, {len(results) - len(differ)} agree, {len(differ)} differ")
    assert len(results) >= 150
    assert late == []
    assert differ.keys() == DIFFERENCES.keys()


def held(page: Page, url: str, protocols: object = None) -> None:
    """A socket that is open."""
    page.add_script_tag(content=script("sockets.js"))
    page.evaluate("([url, protocols]) => holdSocket(url, protocols ?? undefined)", [url, protocols])
    page.wait_for_function("told.events.length > 0")


def events(page: Page) -> list[list[object]]:
    """Until the close."""
    page.wait_for_function("told.events.some(([type]) => type === 'close')")
    found: list[list[object]] = page.evaluate("told.events")
    return found


def test_secret_header_and_subprotocol_arrive_and_the_page_sees_no_secret(
    browser: Browser, page: Page, servers: SocketServers, tmp_path: Path
) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk-live-0123456789abcdefghijklmnop")
    secret.chmod(0o600)
    inject = "inject = { Authorization = 'Bearer {secret:key}' }"
    browser.grant(servers.url, more=f"{inject}\n[secret.key]\nfile = '{secret}'")
    options = {"protocols": ["superchat"], "headers": {"Authorization": "dummy", "X-Page": "1", "Cookie": "no"}}
    held(page, f"{servers.url}/echo", options)
    pairs = [(name.lower(), value) for name, value in servers.sockets.handshakes[0]]
    assert [value for name, value in pairs if name == "authorization"] == [f"Bearer {secret.read_text()}"]
    assert ("x-page", "1") in pairs
    assert not {"cookie", "origin", "referer"} & {name for name, _ in pairs}
    assert page.evaluate("socket.protocol") == "superchat"
    page.evaluate("socket.send('the key was ' + 'sk-live-0123456789' + 'abcdefghijklmnop')")
    assert events(page) == [
        ["open", None, None, None],
        ["error", None, None, "SECRET_REFLECTED"],
        ["close", 1006, False, None],
    ]
    assert page.evaluate("told.messages") == 0


def test_a_socket_that_is_not_granted_fails_as_a_socket_does_and_says_why(page: Page, servers: SocketServers) -> None:
    held(page, "wss://elsewhere.example/")
    assert events(page) == [["error", None, None, "POLICY_DENIED"], ["close", 1006, False, None]]
    assert page.evaluate("socket.readyState") == 3


def test_a_page_that_goes_closes_its_sockets(page: Page, site: ThreadedServer, servers: SocketServers) -> None:
    held(page, f"{servers.url}/echo")
    page.goto(site.url("/blank"))
    assert servers.threaded.run(servers.sockets.closed) == (1001, "")


def test_a_host_that_is_killed_ends_each_socket_once(browser: Browser, page: Page, servers: SocketServers) -> None:
    held(page, f"{servers.url}/echo")
    for process in browser.hosts():
        process.kill()
    assert events(page) == [
        ["open", None, None, None],
        ["error", None, None, "HOST_LOST"],
        ["close", 1006, False, None],
    ]
    page.evaluate("told.events.length = 0")
    held_again = f"{servers.url}/echo"
    page.evaluate("(url) => holdSocket(url)", held_again)
    page.wait_for_function("told.events.length > 0")
    assert page.evaluate("told.events[0][0]") == "open"


def test_a_policy_that_takes_the_grant_back_ends_the_socket_once(
    browser: Browser, page: Page, servers: SocketServers
) -> None:
    held(page, f"{servers.url}/echo")
    browser.grant("https://elsewhere.example")
    found = events(page)
    assert found[-2:] == [["error", None, None, "POLICY_DENIED"], ["close", 1006, False, None]]
    assert len(found) == 3
    assert servers.threaded.run(servers.sockets.closed) == (1001, "")


def test_a_page_that_comes_back_from_the_cache_has_one_close(
    page: Page, site: ThreadedServer, servers: SocketServers
) -> None:
    held(page, f"{servers.url}/echo")
    leave_and_come_back(page, site)
    assert events(page) == [
        ["open", None, None, None],
        ["error", None, None, "BRIDGE_LOST"],
        ["close", 1006, False, None],
    ]


def test_a_message_of_16_mib_passes_and_one_byte_more_ends_the_socket(page: Page, servers: SocketServers) -> None:
    held(page, f"{servers.url}/echo")
    page.evaluate("socket.send(new Uint8Array(16 * 1024 * 1024))")
    page.wait_for_function("told.bytes === 16 * 1024 * 1024")
    assert page.evaluate("socket.bufferedAmount") == 0
    page.evaluate("socket.send(new Uint8Array(16 * 1024 * 1024 + 1))")
    assert events(page)[-2:] == [["error", None, None, "BODY_TOO_LARGE"], ["close", 1006, False, None]]


def test_a_stream_talks_both_ways_and_ends_as_it_was_closed(page: Page, servers: SocketServers) -> None:
    page.add_script_tag(content=script("sockets.js"))
    result = page.evaluate(
        """async (url) => streamTalk(url, { protocols: ['chat'], headers: { 'X-Page': '1' } },
            ['größer', '', new Uint8Array(3), new ArrayBuffer(200_000), 'x'.repeat(100_000)])""",
        f"{servers.url}/echo",
    )
    assert result == {
        "url": f"{servers.url}/echo",
        "protocol": "chat",
        "extensions": "",
        "got": ["größer", "", "bytes 3", "bytes 200000", "x" * 100_000],
        "done": True,
        "closed": {"closeCode": 4002, "reason": "done"},
    }
    assert ("X-Page", "1") in [(name.title(), value) for name, value in servers.sockets.handshakes[0]]


@shows(ErrorCode.HANDSHAKE_FAILED, ErrorCode.UPSTREAM_RESET)
def test_a_stream_that_fails_says_with_what_and_an_abort_keeps_its_reason(page: Page, servers: SocketServers) -> None:
    page.add_script_tag(content=script("sockets.js"))
    refused = page.evaluate("(url) => streamFailure(url)", f"{servers.raw}/answer/403")
    assert refused == [["TypeError", "HANDSHAKE_FAILED", 1006]] * 2
    ended = page.evaluate("(url) => streamFailure(url)", f"{servers.raw}/raw?hex=&then=close")
    assert ended[0] == "fulfilled"
    assert ended[1] == ["TypeError", "UPSTREAM_RESET", 1006]
    for later in (False, True):
        asked = {"url": f"{servers.raw}/answer/never", "later": later}
        aborted = page.evaluate(script("abort_a_socket.js"), asked)
        assert aborted == [["mine", None, None]] * 2


def test_a_patched_page_has_what_is_granted_through_longwire_and_the_rest_as_before(
    browser: Browser, page: Page, servers: SocketServers
) -> None:
    browser.grant(servers.url)
    result = page.evaluate(
        script("patch_sockets.js"),
        [f"{servers.url}/echo", f"{servers.raw}/raw?hex="],
    )
    assert result == [[[True, True, 1], [False, True, 1]], True, True, True]


def test_a_page_that_replaced_everything_has_its_sockets_all_the_same(page: Page, servers: SocketServers) -> None:
    found = page.evaluate(script("polluted_sockets.js"), f"{servers.url}/echo")
    assert found == ["open", "a text", "some bytes", "close 4000 bye true"]
