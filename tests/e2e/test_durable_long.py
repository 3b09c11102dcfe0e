"""Whatever ends between a durable request and its page, in the full sizes: one request each, and every byte once."""

import asyncio
import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from tests.e2e.browser import Browser, stop_worker, wait_ended
from tests.e2e.conftest import Upstream
from tests.e2e.durable import GRANT, Home, attach, forget, listed, living_home, serve_page
from tests.e2e.test_bridge_loss import reload_extension
from tests.printed import say
from tests.upstreams import bodies
from tests.upstreams.app import make_app
from tests.upstreams.connection import Request
from tests.upstreams.server import Handler, Server
from tests.upstreams.threaded import ThreadedServer

pytestmark = pytest.mark.long

EVENTS = 2_000
# So slow that all that happens to it does while it runs.
EVENTS_PER_S = 12
DOWNLOAD_BYTES = 256 * 1024 * 1024
BLOCK_BYTES = 1 << 20
KEY = "long"
AWAY_S = 60
ASLEEP_S = 10


def numbered_at(events_per_s: int) -> Handler:
    """`EVENTS` events at a steady pace, the same each time."""

    async def numbered(request: Request) -> None:
        assert await request.body() == b"count"
        started = time.monotonic()
        connection = request.connection
        head = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await connection.send(bodies.head(200, head))
        for number in range(EVENTS):
            await asyncio.sleep(max(0.0, started + number / events_per_s - time.monotonic()))
            await connection.send(bodies.chunk(event(number)))
        await connection.send(b"0\r\n\r\n")

    return numbered


def event(number: int) -> bytes:
    """One of them."""
    return f"id: {number}\ndata: {number} é€😀\n\n".encode()


@dataclass(frozen=True)
class Load:
    """What is asked for, and what is to come of it."""

    name: str
    target: str
    body: str | None
    make: Callable[[], bytes]


LOADS = (
    Load("2,000 paced events", "/numbered", "count", lambda: b"".join(map(event, range(EVENTS)))),
    Load(
        "256 MiB of random bytes",
        f"/bytes?size={DOWNLOAD_BYTES}&seed=durable",
        None,
        lambda: b"".join(bodies.seeded("durable", DOWNLOAD_BYTES)),
    ),
)


def digest_of(data: memoryview) -> str:
    """As `BlockDigest` of page.js has it."""
    blocks = (data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES))
    return hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks)).hexdigest()


class Journey:
    """One request, and the browsers and pages that read of it."""

    def __init__(self, home: Home, site: ThreadedServer, upstream: Upstream, load: Load) -> None:
        self.home = home
        self._site = site
        self._upstream = upstream
        self._load = load
        self.whole = memoryview(load.make())
        self.reached = 0
        self.first_byte_ms: dict[str, list[float]] = {}
        self.browser: Browser = home.start()
        self.page = self.open()

    def open(self) -> Page:
        """Another tab."""
        return self.browser.open(self._site.url("/"))

    def start_browser(self) -> None:
        """On the same profile."""
        self.browser = self.home.start()
        self.page = self.open()

    def read(self, after: str, start: int, end: int) -> None:
        """From a byte on until there is another, and hold what came against what was to come."""
        how = {"body": self._load.body, "from": start, "count": max(1, end - start)}
        told = attach(self.page, self._upstream.url(self._load.target), KEY, **how)
        assert (told["error"], told["status"]) == (None, 200), after
        assert told["bytes"] >= end - start
        assert told["digest"] == digest_of(self.whole[start : start + told["bytes"]]), after
        if told["firstByteMs"] is not None:
            self.first_byte_ms.setdefault(after, []).append(told["firstByteMs"])
        self.reached = max(self.reached, start + told["bytes"])

    def requests(self) -> int:
        """That the server got."""
        return len(self._upstream.server.requests)


def reload(journey: Journey) -> None:
    """As a person does."""
    journey.page.reload()


def close_tab(journey: Journey) -> None:
    """And open one again a minute later."""
    page = journey.page
    journey.page = journey.browser.open("about:blank")
    page.close()
    time.sleep(AWAY_S)
    journey.page = journey.open()


def lose_worker(journey: Journey) -> None:
    """As the browser stops one that is idle."""
    hosts = journey.browser.hosts()
    stop_worker(journey.browser)
    wait_ended(hosts)


def renew_extension(journey: Journey) -> None:
    """As an update does."""
    reload_extension(journey.browser)


def kill_host(journey: Journey) -> None:
    """The pipe, with -9."""
    (host,) = journey.browser.hosts()
    host.kill()
    wait_ended([host])


def close_browser(journey: Journey) -> None:
    """And start it again."""
    journey.home.close()
    journey.start_browser()


def sleep(journey: Journey) -> None:
    """As a computer whose lid is closed, for everything of this user."""
    processes = [*journey.home.daemons(), *journey.browser.processes()]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    time.sleep(ASLEEP_S)
    for process in reversed(processes):
        process.send_signal(signal.SIGCONT)


def kill_browser(journey: Journey) -> None:
    """With -9, and start it again."""
    journey.home.kill(journey.browser)
    journey.start_browser()


WHAT_HAPPENS: tuple[tuple[str, Callable[[Journey], None]], ...] = (
    *[("a reload", reload)] * 10,
    ("a minute without a tab", close_tab),
    ("ten seconds in which nothing ran", sleep),
    ("a worker that was stopped", lose_worker),
    ("an extension that was reloaded", renew_extension),
    ("a host that was killed", kill_host),
    ("a browser that was closed", close_browser),
    ("a browser that was killed", kill_browser),
)


@pytest.fixture(scope="module")
def durable_site() -> Iterator[ThreadedServer]:
    """Where the page comes from."""
    app = make_app()
    serve_page(app)
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as threaded:
        yield threaded


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.target[1:6])
def test_it_outlives_everything_and_each_byte_is_there_once(
    playwright: Playwright, tmp_path: Path, durable_site: ThreadedServer, upstream: Upstream, load: Load
) -> None:
    upstream.app.routes.add("/numbered", numbered_at(EVENTS_PER_S))
    with living_home(playwright, tmp_path) as home:
        home.grant(upstream.root)
        journey = Journey(home, durable_site, upstream, load)
        size = len(journey.whole)
        journey.read("the first call", 0, 1)
        for turn, (what, happen) in enumerate(WHAT_HAPPENS, 1):
            happen(journey)
            goal = min(size, max(journey.reached + 1, size * turn // (len(WHAT_HAPPENS) + 1)))
            # From the beginning again, and from where the last page stopped.
            journey.read(what, 0 if turn % 2 or journey.reached == size else journey.reached, goal)
        for start in (0, size // 3, size - 1):
            journey.read("all of it", start, size)
            assert journey.reached == size
        url = upstream.url(load.target)
        told = attach(journey.page, url, KEY, body=load.body, **{"from": size})
        assert (told["ended"], told["bytes"], told["error"]) == (True, 0, None)
        told = attach(journey.page, url, KEY, body=load.body, **{"from": size + 1})
        assert told["error"]["code"] == "PROTOCOL"
        (entry,) = listed(journey.page)
        assert (entry["state"], entry["bytes"], entry["first"]) == ("ended", size, 0)
        assert journey.requests() == 1
        (daemon,) = home.daemons()
        say(f"durable, {load.name}: one request; the daemon has {daemon.memory_full_info().uss / 2**20:.0f} MiB")
        for what, times in journey.first_byte_ms.items():
            times.sort()
            figure = f"median {times[len(times) // 2]:.0f} ms, most {times[-1]:.0f} ms of {len(times)}"
            say(f"durable, {load.name}, attach to first byte after {what}: {figure}")


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.target[1:6])
def test_two_tabs_read_it_at_different_speeds_and_each_byte_is_there_once(
    playwright: Playwright, tmp_path: Path, durable_site: ThreadedServer, upstream: Upstream, load: Load
) -> None:
    """The download is eight times what is kept of it, so that the slow tab holds the server back for both."""
    upstream.app.routes.add("/numbered", numbered_at(10 * EVENTS_PER_S))
    whole = memoryview(load.make())
    with living_home(playwright, tmp_path) as home:
        home.grant(upstream.root, durable=GRANT.replace("512MiB", "32MiB"))
        browser = home.start()
        slow, fast = browser.open(durable_site.url("/")), browser.open(durable_site.url("/"))
        how = {"url": upstream.url(load.target), "key": KEY, "body": load.body}
        slow.evaluate("(how) => void (window.read = timed(attach(how)))", {**how, "pauseMs": 20})
        slow.evaluate("(key) => inTime(there(key))", KEY)
        fast.evaluate("(how) => void (window.read = timed(attach(how)))", how)
        told = {name: page.evaluate("() => read") for name, page in (("fast", fast), ("slow", slow))}
        for name, reading in told.items():
            assert (reading["error"], reading["ended"], reading["bytes"]) == (None, True, len(whole)), name
            assert reading["digest"] == digest_of(whole), name
        assert len(upstream.server.requests) == 1
        took = ", ".join(f"{name} {reading['ms'] / 1000:.1f} s" for name, reading in told.items())
        say(f"durable, {load.name} in two tabs: {took}")


def test_after_keep_it_is_gone_and_its_key_is_free(
    playwright: Playwright, tmp_path: Path, durable_site: ThreadedServer, upstream: Upstream
) -> None:
    url = upstream.url("/bytes?size=1000&seed=kept")
    with living_home(playwright, tmp_path) as home:
        home.grant(upstream.root, durable='durable = { keep = "2s" }')
        page = home.start().open(durable_site.url("/"))
        assert attach(page, url, KEY)["bytes"] == 1000
        (entry,) = listed(page)
        assert entry["state"] == "ended"
        page.evaluate("() => inTime(noneLeft())")
        assert attach(page, url, KEY)["bytes"] == 1000
        assert len(upstream.server.requests) == 2
        forget(page, KEY)
        assert not any(file.suffix == ".part" for file in home.kept())
