"""The client of the Durable Streams protocol, unmodified, reads a durable request over `longwire.durable.fetch`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.compat.theatre import bundled
from tests.e2e.conftest import PAGE_SCRIPT
from tests.e2e.durable import attach, living_home
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.site import Site
from tests.upstreams.sse import Channel
from tests.upstreams.threaded import ThreadedServer

pytestmark = pytest.mark.e2e

KEY = "a b/ü"
# As a page would write it, behind any path.
STREAM = "https://streams.example.com/v1/stream/a%20b%2F%C3%BC"
# Pieces are cut within characters.
WORDS = "naïve café, 世界 😀 "
TEXT_HEAD = [("Content-Type", "text/plain; charset=utf-8"), ("Transfer-Encoding", "chunked")]


class Talk:
    """A text that the test lets out piece by piece."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.text = ""

    def say(self) -> None:
        """More of it."""
        data = WORDS.encode()
        for at in range(0, len(data), 3):
            self.channel.raw(data[at : at + 3])
        self.text += WORDS

    async def __call__(self, request: Request) -> None:
        queue = self.channel.attach()
        await request.connection.send(bodies.head(200, TEXT_HEAD))
        while (piece := await queue.get()) is not None:
            await request.connection.send(bodies.chunk(piece))
        await request.connection.send(b"0\r\n\r\n")


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    """The driver; gone with this file, since its event loop stays in the thread."""
    with sync_playwright() as driver:
        expect.set_options(timeout=1000 * PATIENCE_S)
        yield driver


@pytest.fixture
def talk() -> Talk:
    """What is read."""
    return Talk()


@pytest.fixture
def page(playwright: Playwright, tmp_path: Path, talk: Talk) -> Iterator[Page]:
    """With the client in it, and a durable request that runs."""
    bundled(tmp_path, "durable-streams", None)
    scripts = "".join(f"<script src='/{name}.js'></script>" for name in ("page", "durable"))
    module = "<script type='module' src='/durable-streams.js'></script>"

    def make() -> Server:
        routes = Routes()
        routes.add("/talk", talk)
        texts: dict[str, bytes | str] = {
            "/": f"<!doctype html><title>durable streams</title>{scripts}{module}",
            "/page.js": PAGE_SCRIPT,
            "/durable.js": script("durable.js"),
        }
        routes.add("/", Site(texts, tmp_path))
        return Server(routes, name="localhost")

    with ThreadedServer(make) as server, living_home(playwright, tmp_path / "home") as home:
        upstream = f"http://127.0.0.1:{server.server.port}/"
        home.grant(upstream)
        page = home.start().open(server.url("/"))
        page.wait_for_function("typeof catchUp === 'function'")
        talk.say()
        assert attach(page, upstream + "talk", KEY, count=len(talk.text.encode()))["error"] is None
        yield page


def offset_of(text: str) -> str:
    """Behind it, as the daemon writes offsets."""
    return f"{len(text.encode()):016}"


def caught_up(page: Page, *offset: str) -> dict[str, Any]:
    """What the client gives in one go."""
    told: dict[str, Any] = page.evaluate("([url, offset]) => catchUp(url, offset)", [STREAM, *offset])
    return told


def test_its_client_catches_up_follows_by_both_ways_and_hears_of_the_end(page: Page, talk: Talk) -> None:
    first = talk.text
    so_far = {"text": first, "offset": offset_of(first), "upToDate": True, "closed": False}
    assert caught_up(page) == so_far
    assert caught_up(page, offset_of("naïve ")) == {**so_far, "text": first.removeprefix("naïve ")}
    head = {"type": "text/plain; charset=utf-8", "offset": offset_of(first), "closed": False}
    assert page.evaluate("(url) => head(url)", STREAM) == head
    for live in ("sse", "long-poll"):
        before = talk.text
        page.evaluate("([url, live, offset]) => tail(url, live, offset)", [STREAM, live, offset_of(before)])
        talk.say()
        page.wait_for_function("(text) => seen.text === text", arg=talk.text.removeprefix(before))
        assert page.evaluate("seen.offset") == offset_of(talk.text)
    talk.say()
    talk.channel.end()
    page.wait_for_function("seen.closed || seen.error !== null")
    assert page.evaluate("[seen.closed, seen.error]") == [True, None]
    assert caught_up(page) == {"text": talk.text, "offset": offset_of(talk.text), "upToDate": True, "closed": True}
    told = page.evaluate("(key) => forgotten(key)", KEY)
    assert told == {"value": True}
