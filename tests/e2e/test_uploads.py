"""Request bodies: every byte in order, sent while they come into being, held back by a slow server, and let go of."""

import asyncio
import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.limits import INLINE_BODY_BYTES, KIB, MIB, UPLOAD_WINDOW_BYTES, UPLOAD_WINDOW_MAX_BYTES
from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.e2e.flow import KernelQueues, when_still
from tests.e2e.scripts import script
from tests.e2e.typed import assert_failed, assert_typed
from tests.patience import PATIENCE_S
from tests.printed import say
from tests.slices import sliced_values
from tests.upstreams import bodies, redirects, uploads
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

# Ways to the host and back until it has let a socket go. One is enough on a machine with nothing else to do.
FREE_WITHIN_TURNS = 20
SLOW_BODY_BYTES = 64 * MIB
# A streamed body's pieces in that test.
PIECE_BYTES = 100_000
# So that the server's own buffers (asyncio reads up to twice that, and one read of 256 KiB more) are small.
RECEIVE_BUFFER = 64 * KIB
# The host's window, which has grown before the server stops, and what it passes on; a piece on each side of the page's
# stream; and what the server holds itself.
MAX_HELD_BYTES = UPLOAD_WINDOW_MAX_BYTES + UPLOAD_WINDOW_BYTES + 2 * PIECE_BYTES + 2 * RECEIVE_BUFFER + 256 * KIB

RANDOM = script("random_bodies.js")


@pytest.fixture
def page(page: Page) -> Page:
    """A tab with random bodies."""
    page.add_script_tag(content=RANDOM)
    return page


# --- whole ------------------------------------------------------------------------------------------------------------

# What the page makes of its random `bytes`, and whether the server is told the size.
FORMS = {
    "bytes": ("bytes", True),
    "a buffer": ("bytes.buffer", True),
    "a part of a buffer": ("bytes.subarray(0)", True),
    "a Blob": ("new Blob([bytes])", True),
    "a stream": ("streamed(bytes)", False),
}
SIZES = [0, 1, INLINE_BODY_BYTES, INLINE_BODY_BYTES + 1, 5 * MIB + 3]


@pytest.mark.parametrize(("form", "sized"), FORMS.values(), ids=FORMS.keys())
def test_every_byte_of_a_body_arrives_in_order(page: Page, upstream: Upstream, form: str, sized: bool) -> None:
    for size in SIZES:
        sent, arrived = page.evaluate(
            script("upload_form.js").replace("FORM", form),
            {"url": upstream.url("/echo"), "size": size},
        )
        assert (arrived["method"], arrived["bytes"], arrived["sha256"]) == ("PUT", size, sent)
        fields = {name.lower(): value for name, value in arrived["headers"]}
        assert fields.get("content-length") == (str(size) if sized else None)
        assert fields.get("transfer-encoding") == (None if sized else "chunked")


def test_a_form_with_a_file_arrives_as_the_browser_writes_it(
    page: Page, site: ThreadedServer, upstream: Upstream
) -> None:
    ways = page.evaluate(
        script("send_forms.js"),
        [site.url("/echo"), upstream.url("/echo")],
    )
    own, through = ways
    assert own["bytes"] == through["bytes"] > 600_000
    types = [next(value for name, value in way["headers"] if name.lower() == "content-type") for way in ways]
    assert all(value.startswith("multipart/form-data; boundary=") for value in types)


def test_a_body_that_is_both_ways_at_once_comes_back_whole(page: Page, upstream: Upstream) -> None:
    same = page.evaluate(
        """async (url) => {
            const bytes = random(3_000_001)
            const response = await longwire.fetch(url, { method: 'POST', body: streamed(bytes), duplex: 'half' })
            return (await sha256(await response.bytes())) === (await sha256(bytes))
        }""",
        upstream.url("/mirror"),
    )
    assert same is True


# --- as it comes into being -------------------------------------------------------------------------------------------


class Arrivals:
    """A handler that notes the pieces of a body as they arrive."""

    def __init__(self) -> None:
        self.text = ""
        self.complete: bool | None = None
        self._changed = asyncio.Event()

    async def __call__(self, request: Request) -> None:
        try:
            async for piece in request.pieces():
                self.text += piece.decode()
                self._note()
            self.complete = True
            await bodies.respond(request.connection, self.text.encode())
        except PeerGoneError:
            self.complete = False
            raise
        finally:
            self._note()

    async def wait_for(self, text: str) -> None:
        """Wait until this much has arrived."""
        async with asyncio.timeout(PATIENCE_S):
            while self.text != text:
                await self._changed.wait()

    def _note(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


SLOW_SOURCE = """(url) => {
    const body = new ReadableStream({ start(controller) { window.source = controller } })
    window.asked = longwire.fetch(url, { method: 'POST', body, duplex: 'half' })
    window.answer = outcome(asked.then((response) => response.text()))
}"""


def test_each_piece_is_sent_before_the_next_one_exists(page: Page, upstream: Upstream) -> None:
    arrivals = Arrivals()
    upstream.app.routes.add("/arrivals", arrivals)
    page.evaluate(SLOW_SOURCE, upstream.url("/arrivals"))
    for number in range(10):
        page.evaluate("(piece) => source.enqueue(new TextEncoder().encode(piece))", f"piece {number}, ")
        expected = "".join(f"piece {each}, " for each in range(number + 1))
        upstream.run(partial(arrivals.wait_for, expected))
    assert arrivals.complete is None
    page.evaluate("source.close()")
    assert page.evaluate("answer") == {"value": arrivals.text}


def test_a_response_comes_at_once_and_the_upload_goes_on_beside_it(page: Page, upstream: Upstream) -> None:
    """Each piece is written when the one before it has come back."""
    result = page.evaluate(
        script("duplex.js"),
        upstream.url("/duplex"),
    )
    texts = [f"piece {number}" for number in range(15)]
    assert result == {
        "status": 200,
        "texts": ["begun ", *texts],
        "done": True,
        "before": 0,
        "told": [len("".join(texts))],
    }


@pytest.mark.parametrize(
    "form", sliced_values(["bytes", "new Blob([bytes])", "streamed(bytes)"], "new Blob([bytes])", "streamed(bytes)")
)
def test_eight_mib_arrive_although_the_answer_was_over_at_once(page: Page, upstream: Upstream, form: str) -> None:
    answer_first = uploads.AnswerFirst()
    upstream.app.routes.add("/answer-first", answer_first)
    result = page.evaluate(
        f"""async (url) => {{
            const bytes = random({8 * MIB})
            const response = await longwire.fetch(url, {{ method: 'POST', body: {form}, duplex: 'half' }})
            return [await response.text(), await sha256(bytes)]
        }}""",
        upstream.url("/answer-first"),
    )
    assert result == ["ok", hashlib.sha256(upstream.run(answer_first.arrived)).hexdigest()]


# --- held back --------------------------------------------------------------------------------------------------------


class SlowServer:
    """A server that reads a body as far as the test allows."""

    def __init__(self, threaded: ThreadedServer, sink: uploads.SlowSink) -> None:
        self._threaded = threaded
        self._sink = sink
        self.url = threaded.url("/slow")
        self.port = threaded.server.port

    @property
    def taken(self) -> int:
        """Bytes of the body that its program got."""
        return self._sink.taken

    def read(self, count: int) -> None:
        """Read so much more, and come back when it wants to go on."""

        async def read_on() -> None:
            self._sink.allow(count)
            await self._sink.waiting.wait()

        self._threaded.run(read_on)

    def read_everything(self) -> None:
        """Read to the end of the body, if it has one."""

        async def allow() -> None:
            self._sink.allow(2 * SLOW_BODY_BYTES)

        self._threaded.run(allow)

    def wait_gone(self) -> None:
        """The client closed its connection."""
        (connection,) = self._threaded.server.connections
        self._threaded.run(connection.wait_gone)


@pytest.fixture
def slow(browser: Browser, page: Page, upstream: Upstream) -> Iterator[SlowServer]:
    """A server that reads slowly beside the usual one, both open to the page."""
    sink = uploads.SlowSink()
    with ThreadedServer(lambda: Server(Routes({"/slow": sink}), receive_buffer=RECEIVE_BUFFER)) as threaded:
        browser.grant(upstream.root, threaded.url("/"))
        yield SlowServer(threaded, sink)


# The page makes its body as it is asked for it, and knows how much it has made.
MADE_ON_DEMAND = script("body_on_demand.js")


def begin(page: Page, url: str, total: int = SLOW_BODY_BYTES) -> None:
    """Start to send a body that is made on demand."""
    page.evaluate(MADE_ON_DEMAND, {"url": url, "total": total, "piece": PIECE_BYTES})


def test_a_server_that_does_not_read_holds_the_page_back_and_gets_every_byte_in_the_end(
    page: Page, upstream: Upstream, slow: SlowServer
) -> None:
    begin(page, slow.url)
    slow.read(8 * MIB)
    beyond = when_still(page, upstream.url("/bytes?size=1"), lambda: int(page.evaluate("made")) - slow.taken)
    in_kernel = KernelQueues.of(slow.port).to_server
    ours = beyond - in_kernel
    say(
        f"an upload whose server stopped after {slow.taken / MIB:.0f} of {SLOW_BODY_BYTES / MIB:.0f} MiB: the page "
        f"made {beyond / MIB:.2f} MiB beyond that, {in_kernel / MIB:.2f} of them in the kernel"
    )
    assert ours <= MAX_HELD_BYTES
    assert page.evaluate("made") < SLOW_BODY_BYTES / 2

    slow.read_everything()
    block = bytes.fromhex(page.evaluate("hex(block)"))
    whole = (block * (SLOW_BODY_BYTES // PIECE_BYTES + 1))[:SLOW_BODY_BYTES]
    assert page.evaluate("answer") == {"value": hashlib.sha256(whole).hexdigest()}


def test_an_upload_that_is_held_back_holds_nobody_else_back(page: Page, upstream: Upstream, slow: SlowServer) -> None:
    begin(page, slow.url)
    slow.read(1 * MIB)
    assert page.evaluate("(url) => fetchText(url).then(({ where }) => where)", upstream.url("/bytes?size=9")) == "done"
    sent = page.evaluate(
        """async (url) => {
            const bytes = random(2_000_000)
            const response = await longwire.fetch(url, { method: 'POST', body: bytes })
            return (await response.json()).sha256 === (await sha256(bytes))
        }""",
        upstream.url("/echo"),
    )
    assert sent is True


# --- let go of ----------------------------------------------------------------------------------------------------


def host_sockets(browser: Browser, port: int) -> list[Any]:
    """Sockets of the host to that port of this machine."""
    (host,) = browser.hosts()
    return [each for each in host.net_connections("inet") if each.raddr[1:] == (port,)]


def assert_let_go(browser: Browser, page: Page, port: int) -> None:
    """The host has no socket to that port, or soon has none: counted in what it does meanwhile, not on a clock.

    A server that does not read does not see the close before it has read what the kernel holds.
    """
    turns = 0
    while host_sockets(browser, port):
        assert turns < FREE_WITHIN_TURNS
        turns += 1
        page.evaluate(STATUS)


def test_an_abort_while_the_server_holds_the_body_back(browser: Browser, page: Page, slow: SlowServer) -> None:
    begin(page, slow.url)
    slow.read(1 * MIB)
    page.evaluate("aborter.abort('enough')")
    assert page.evaluate("cancelled") == "enough"
    assert page.evaluate("answer.then(({ value }) => value)") is None
    assert_let_go(browser, page, slow.port)
    # What the server still finds in the kernel is a body without an end.
    slow.read_everything()
    slow.wait_gone()
    assert 1 * MIB <= slow.taken < SLOW_BODY_BYTES


def test_a_page_that_goes_leaves_a_body_without_an_end(page: Page, site: ThreadedServer, upstream: Upstream) -> None:
    arrivals = Arrivals()
    upstream.app.routes.add("/arrivals", arrivals)
    page.evaluate(SLOW_SOURCE, upstream.url("/arrivals"))
    page.evaluate("source.enqueue(new TextEncoder().encode('half'))")
    upstream.run(partial(arrivals.wait_for, "half"))
    page.goto(site.url("/blank"))
    (connection,) = upstream.server.connections
    upstream.run(connection.wait_gone)
    assert arrivals.complete is False


def test_an_answer_that_comes_early_is_delivered_and_stops_the_source(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    upstream.app.routes.add("/too-large", uploads.early(413, after_bytes=1 * MIB))
    begin(page, upstream.url("/too-large"), total=1024 * MIB)
    assert page.evaluate("answer") == {"value": "too large"}
    page.evaluate("cancelled")
    assert page.evaluate("made") < 64 * MIB
    assert_let_go(browser, page, upstream.server.port)


def test_a_host_that_is_killed_inside_a_request_body(browser: Browser, page: Page, slow: SlowServer) -> None:
    begin(page, slow.url)
    slow.read(1 * MIB)
    (host,) = browser.hosts()
    host.kill()
    assert_typed(page.evaluate("answer")["error"], ErrorCode.HOST_LOST, Phase.HEADERS, "The Longwire host ended")
    page.evaluate("cancelled")


# --- sent twice -------------------------------------------------------------------------------------------------------


# What the page makes of its random `bytes`, and the options of Longwire that it gives.
MADE_OF = {
    "bytes": ("bytes", "{}"),
    "a Blob": ("new Blob([bytes])", "{}"),
    "a string": ("hex(bytes)", "{}"),
    "a form": ("form(bytes)", "{}"),
    "a Request": ("request", "{}"),
    "bytes whose progress is told": ("bytes", "{ onUploadProgress: ({ sent }) => told.push(sent) }"),
}
SEND_AGAIN = script("send_again.js")


# Each form with one status that keeps the body, each status with one form; the rest of the matrix is long.
RESENT = [
    pytest.param(
        *made, status, id=f"{name}-{status}", marks=() if status == 307 or name == "bytes" else pytest.mark.long
    )
    for name, made in MADE_OF.items()
    for status in (302, 307, 308)
]


@pytest.mark.parametrize(("made", "options", "status"), RESENT)
def test_how_a_body_travels_does_not_change_what_a_redirect_means(
    page: Page, upstream: Upstream, made: str, options: str, status: int
) -> None:
    """In the start, or in pieces after it: what is still there is sent again."""
    url = upstream.url(redirects.to("/echo", status))
    for size in (10, INLINE_BODY_BYTES + 1, 3 * MIB):
        asked = {"url": url, "size": size, "made": made, "options": options}
        answer = page.evaluate(SEND_AGAIN, asked)
        assert answer["redirected"] is True
        if status == 302:
            assert (answer["method"], answer["bytes"]) == ("GET", 0)
        else:
            assert answer["method"] == "POST"
            assert answer["bytes"] >= size
            assert answer["straight"] in (None, answer["sha256"])
        assert answer["told"] == sorted(set(answer["told"]))
        assert not answer["told"] or answer["told"][-1] == size


def test_a_body_is_sent_again_as_often_as_there_are_redirects(page: Page, upstream: Upstream) -> None:
    path = "/echo"
    for _ in range(10):
        path = redirects.to(path, 307)
    asked = {"url": upstream.url(path), "size": 300_000, "made": "new Blob([bytes])", "options": "{}"}
    answer = page.evaluate(SEND_AGAIN, asked)
    assert (answer["bytes"], answer["sha256"]) == (300_000, answer["straight"])
    assert len(upstream.server.requests) == 11


def test_a_redirect_that_comes_before_the_body_was_sent(page: Page, upstream: Upstream) -> None:
    async def at_once(request: Request) -> None:
        location = [("Location", "/echo")]
        await bodies.respond(request.connection, b"", status=307, headers=location)
        request.connection.keep_alive = False
        await request.connection.gone.wait()

    upstream.app.routes.add("/at-once", at_once)
    asked = {"url": upstream.url("/at-once"), "size": 24 * MIB, "made": "bytes", "options": "{}"}
    answer = page.evaluate(SEND_AGAIN, asked)
    assert (answer["bytes"], answer["sha256"]) == (24 * MIB, answer["straight"])


@pytest.mark.parametrize("status", sliced_values([301, 302, 307, 308], 302, 307))
def test_a_stream_is_not_sent_twice(page: Page, upstream: Upstream, status: int) -> None:
    url = upstream.url(redirects.to("/echo", status))
    result = page.evaluate(
        "(url) => fetchText(url, { method: 'POST', body: streamed(random(200_000)), duplex: 'half' })", url
    )
    assert_failed(result, "headers", ErrorCode.REDIRECT_DENIED, Phase.HEADERS, "cannot be sent twice")
