"""A durable request goes on whatever becomes of its page, and is there again for it: sent once, every byte once.

The server lets out each event when the test says so; the full sizes are in `test_durable_long.py`.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.limits import KIB
from tests.e2e.browser import Browser, stop_worker, wait_ended
from tests.e2e.conftest import Upstream
from tests.e2e.durable import GRANT, Home, attach, forget, listed, living_home, serve_page
from tests.e2e.test_bridge_loss import reload_extension
from tests.e2e.typed import assert_typed, shows
from tests.upstreams import bodies
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.sse import Channel
from tests.upstreams.threaded import ThreadedServer

BODY = '{"prompt": "Count."}'


class Answer:
    """What the server says, an event at a time, to the one request that it is to get."""

    def __init__(self, upstream: Upstream, channel: str = "0") -> None:
        self._upstream = upstream
        self._channel: Channel = upstream.app.streams.channel(channel)
        self._target = f"/sse?channel={channel}"
        self.url = upstream.url(self._target)
        self.count = 0

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(f"id: {number}\ndata: {number}\n\n" for number in range(self.count))

    def say(self, count: int) -> int:
        """So many events more; how many bytes it is then."""
        for _ in range(count):
            self._channel.event(str(self.count), event_id=str(self.count))
            self.count += 1
        return len(self.text)

    def end(self) -> None:
        """In order."""
        self._channel.end()

    @property
    def requests(self) -> int:
        """How often it was asked."""
        return sum(request.target == self._target for request in self._upstream.server.requests)

    @property
    def another(self) -> "Answer":
        """To another request."""
        return Answer(self._upstream, "1")


@pytest.fixture(scope="module")
def durable_site() -> Iterator[ThreadedServer]:
    """Where the page comes from."""
    app = make_app()
    serve_page(app)
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as threaded:
        yield threaded


@pytest.fixture(scope="module")
def home(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The user of this file."""
    with living_home(playwright, tmp_path_factory.mktemp("home")) as home:
        yield home


@pytest.fixture
def answer(home: Home, upstream: Upstream) -> Answer:
    """Granted to the page."""
    home.grant(upstream.root)
    return Answer(upstream)


class Tabs:
    """The browser of this file, started anew where a test has ended it."""

    def __init__(self, home: Home, site: ThreadedServer) -> None:
        self._home = home
        self._site = site
        self.browser: Browser = home.start()

    def open(self) -> Page:
        """A tab with the page."""
        return self.browser.open(self._site.url("/"))

    def restart(self, *, kill: bool = False) -> None:
        """Close the browser, or kill it, and start it on the same profile."""
        if kill:
            self._home.kill(self.browser)
        else:
            self._home.close()
        self.browser = self._home.start()


@pytest.fixture(scope="module")
def tabs_of_module(home: Home, durable_site: ThreadedServer) -> Tabs:
    """The browser."""
    return Tabs(home, durable_site)


@pytest.fixture
def tabs(tabs_of_module: Tabs) -> Iterator[Tabs]:
    """The browser, without tabs of the last test."""
    yield tabs_of_module
    tabs_of_module.browser.close_pages()


def read(page: Page, answer: Answer, key: str, **how: Any) -> dict[str, Any]:
    """Attach to the answer and read as much of it as there is, unless `how` says otherwise."""
    how = {"count": len(answer.text) - how.get("from", 0), "body": BODY, "text": True, **how}
    return attach(page, answer.url, key, **how)


def assert_there(page: Page, answer: Answer, key: str) -> None:
    """All of it that there is, from its first byte, and asked for once."""
    told = read(page, answer, key)
    assert (told["error"], told["status"], told["text"]) == (None, 200, answer.text)
    assert answer.requests == 1


def test_a_page_that_is_reloaded_ten_times_has_the_same_answer_each_time(tabs: Tabs, answer: Answer) -> None:
    page = tabs.open()
    for _ in range(10):
        answer.say(20)
        assert_there(page, answer, "reloads")
        page.reload()
    (entry,) = [entry for entry in listed(page) if entry["key"] == "reloads"]
    assert (entry["state"], entry["bytes"], entry["url"]) == ("running", len(answer.text), answer.url)
    answer.end()
    told = read(page, answer, "reloads", count=2**40)
    assert (told["ended"], told["text"], answer.requests) == (True, answer.text, 1)
    forget(page, "reloads")


def test_it_goes_on_while_no_page_is_there(tabs: Tabs, answer: Answer) -> None:
    answer.say(1)
    page = tabs.open()
    assert_there(page, answer, "tabs")
    page.close()
    answer.say(50)
    answer.end()
    told = read(tabs.open(), answer, "tabs", count=2**40)
    assert (told["ended"], told["text"], answer.requests) == (True, answer.text, 1)


def test_an_offset_the_end_and_what_lies_behind_it(tabs: Tabs, answer: Answer) -> None:
    size = answer.say(30)
    answer.end()
    page = tabs.open()
    assert read(page, answer, "offsets", count=2**40)["ended"]
    told = read(page, answer, "offsets", **{"from": 100, "count": 2**40})
    assert (told["ended"], told["text"]) == (True, answer.text[100:])
    told = read(page, answer, "offsets", **{"from": size, "count": 2**40})
    assert (told["ended"], told["bytes"], told["error"], told["status"]) == (True, 0, None, 200)
    told = read(page, answer, "offsets", **{"from": size + 1, "count": 2**40})
    assert (told["error"]["code"], told["error"]["retryable"]) == ("PROTOCOL", False)
    assert str(size) in told["error"]["message"]
    assert answer.requests == 1


@shows(ErrorCode.DURABLE_CONFLICT)
def test_another_request_under_its_key_is_refused_until_it_is_forgotten(tabs: Tabs, answer: Answer) -> None:
    answer.say(3)
    page = tabs.open()
    assert_there(page, answer, "conflict")
    for other in ({"body": "another"}, {"body": None}):
        told = read(page, answer, "conflict", **other)
        assert told["error"]["code"] == "DURABLE_CONFLICT"
    assert answer.requests == 1
    forget(page, "conflict")
    assert "conflict" not in [entry["key"] for entry in listed(page)]
    forget(page, "conflict")
    # Nothing of it is left: this is another request.
    another = answer.another
    another.say(2)
    assert_there(page, another, "conflict")
    assert answer.requests == 1
    forget(page, "conflict")


def test_a_reader_that_stops_holds_up_no_other(tabs: Tabs, answer: Answer) -> None:
    answer.say(10)
    slow, quick = tabs.open(), tabs.open()
    told_first = read(slow, answer, "speeds", count=1)
    for _ in range(3):
        answer.say(500)
        assert_there(quick, answer, "speeds")
    answer.end()
    rest = slow.evaluate("() => rest()")
    assert told_first["bytes"] + rest == len(answer.text)
    assert_there(slow, answer, "speeds")


def test_the_library_goes_on_in_the_same_page_when_worker_host_and_extension_end(
    home: Home, tabs: Tabs, answer: Answer
) -> None:
    page = tabs.open()
    page.evaluate("(how) => follow(how)", {"url": answer.url, "key": "library", "body": BODY})

    def go_on() -> None:
        answer.say(40)
        page.wait_for_function("(count) => followed.ids.length >= count", arg=answer.count)

    go_on()
    (daemon,) = home.daemons()
    hosts = tabs.browser.hosts()
    stop_worker(tabs.browser)
    wait_ended(hosts)
    go_on()
    (host,) = tabs.browser.hosts()
    host.kill()
    go_on()
    reload_extension(tabs.browser)
    go_on()
    answer.end()
    page.wait_for_function("followed.ended || followed.error !== null")
    followed = page.evaluate("followed")
    assert followed == {
        "ids": list(range(answer.count)),
        "attempts": followed["attempts"],
        "ended": True,
        "error": None,
    }
    assert followed["attempts"] >= 4
    assert answer.requests == 1
    assert home.daemons() == [daemon]
    # After a reload the same call begins at the beginning.
    page.reload()
    page.evaluate("(how) => follow(how)", {"url": answer.url, "key": "library", "body": BODY})
    page.wait_for_function("followed.ended")
    assert (page.evaluate("followed.ids"), answer.requests) == (list(range(answer.count)), 1)


def test_it_outlives_a_browser_that_is_closed_and_one_that_is_killed(tabs: Tabs, answer: Answer) -> None:
    for kill in (False, True):
        answer.say(40)
        assert_there(tabs.open(), answer, "browsers")
        tabs.restart(kill=kill)
    answer.say(40)
    answer.end()
    told = read(tabs.open(), answer, "browsers", count=2**40)
    assert (told["ended"], told["text"], answer.requests) == (True, answer.text, 1)


def test_another_origin_and_a_frame_find_nothing(
    home: Home, tabs: Tabs, answer: Answer, upstream: Upstream, durable_site: ThreadedServer
) -> None:
    home.grant(upstream.root, pages=("http://localhost:*", "http://127.0.0.1:*"))
    answer.say(3)
    page = tabs.open()
    assert_there(page, answer, "mine")
    elsewhere = durable_site.url("/").replace("localhost", "127.0.0.1")
    other = tabs.browser.open(elsewhere)
    assert listed(other) == []
    forget(other, "mine")
    # The same key of another origin is another request.
    another = answer.another
    another.say(2)
    assert_there(other, another, "mine")
    framed = tabs.browser.open(durable_site.url("/framed"))
    inner = framed.frame(name="inner")
    assert inner is not None
    inner.wait_for_function("typeof attach === 'function'")
    told = inner.evaluate("(how) => attach(how)", {"url": answer.url, "key": "mine", "body": BODY})
    assert told["error"]["code"] == "POLICY_DENIED"
    assert inner.evaluate("() => listed()")["error"]["code"] == "POLICY_DENIED"
    assert_there(page, answer, "mine")
    (entry,) = [entry for entry in listed(page) if entry["key"] == "mine"]
    assert (entry["state"], entry["url"]) == ("running", answer.url)
    for tab in (page, other):
        forget(tab, "mine")


@shows(ErrorCode.DURABLE_UNKNOWN)
def test_a_daemon_that_is_killed_leaves_a_name_and_nothing_else(home: Home, tabs: Tabs, answer: Answer) -> None:
    size = answer.say(500)
    page = tabs.open()
    page.evaluate("(how) => { window.whole = attach(how) }", {"url": answer.url, "key": "killed", "body": BODY})
    page.wait_for_function("(count) => window.kept?.length > 0", arg=size)
    assert_there(page, answer, "killed")
    assert any(b"data: 499" in file.read_bytes() for file in home.kept())
    (daemon,) = home.daemons()
    daemon.kill()
    daemon.wait()
    told = page.evaluate("whole")
    assert (told["error"]["code"], told["error"]["phase"]) == ("HOST_LOST", "body")
    told = read(page, answer, "killed")
    assert (told["error"]["code"], told["error"]["retryable"], told["bytes"]) == ("DURABLE_UNKNOWN", False, 0)
    (entry,) = [entry for entry in listed(page) if entry["key"] == "killed"]
    assert entry["state"] == "unknown"
    assert not any(b"data: 1" in file.read_bytes() for file in home.kept())
    assert answer.requests == 1
    forget(page, "killed")
    another = answer.another
    another.say(2)
    assert_there(page, another, "killed")
    forget(page, "killed")


def test_without_a_grant_for_it_the_refusal_has_the_line_that_is_missing(
    home: Home, tabs: Tabs, answer: Answer, upstream: Upstream
) -> None:
    home.grant(upstream.root, durable="")
    told = read(tabs.open(), answer, "denied", count=1)
    assert told["error"]["code"] == "POLICY_DENIED"
    assert 'durable = { max_bytes = "64MiB", keep = "1h", detached = "30m" }' in told["error"]["message"]
    assert answer.requests == 0


@shows(ErrorCode.GAP)
def test_who_comes_when_the_beginning_is_gone_is_told_where_it_begins(
    home: Home, tabs: Tabs, upstream: Upstream
) -> None:
    home.grant(upstream.root, durable=GRANT.replace("512MiB", "256KiB"))
    size = 2048 * KIB
    url = upstream.url(f"/bytes?size={size}&seed=gap")
    page = tabs.open()
    told = attach(page, url, "gap")
    assert (told["ended"], told["bytes"]) == (True, size)
    (entry,) = [entry for entry in listed(page) if entry["key"] == "gap"]
    error = attach(page, url, "gap")["error"]
    assert_typed(error, ErrorCode.GAP, Phase.POLICY, str(error["first"]))
    assert error["first"] == entry["first"] >= size - 512 * KIB
    rest = attach(page, url, "gap", **{"from": error["first"]})
    # Less than one block of page.js.
    block = hashlib.sha256(b"".join(bodies.seeded("gap", size))[error["first"] :])
    assert (rest["ended"], rest["digest"]) == (True, hashlib.sha256(block.digest()).hexdigest())
    forget(page, "gap")


@shows(ErrorCode.DETACHED_TOO_LONG)
def test_what_nobody_reads_for_too_long_ends_and_leaves_what_came(
    home: Home, tabs: Tabs, answer: Answer, upstream: Upstream
) -> None:
    home.grant(upstream.root, durable=GRANT.replace("30m", "100ms"))
    answer.say(3)
    page, other = tabs.open(), tabs.open()
    told = read(page, answer, "detached")
    assert (told["error"], told["text"]) == (None, answer.text)
    page.close()
    other.evaluate("(key) => inTime(over(key))", "detached")
    told = read(other, answer, "detached", count=2**40)
    assert_typed(told["error"], ErrorCode.DETACHED_TOO_LONG, Phase.BODY, "0.1 s")
    assert (told["text"], answer.requests) == (answer.text, 1)
    forget(other, "detached")


@shows(ErrorCode.SPOOL_FULL)
def test_where_nothing_can_be_kept_nothing_is_sent(home: Home, tabs: Tabs, answer: Answer) -> None:
    page = tabs.open()
    assert isinstance(listed(page), list)
    folder = home.folder / "state" / "longwire" / "durable"
    folder.chmod(0o755)  # others may read it
    try:
        told = read(page, answer, "nowhere")
    finally:
        folder.chmod(0o700)
    assert_typed(told["error"], ErrorCode.SPOOL_FULL, Phase.POLICY, "longwire doctor")
    assert answer.requests == 0
    answer.say(1)
    assert_there(page, answer, "nowhere")
    forget(page, "nowhere")
