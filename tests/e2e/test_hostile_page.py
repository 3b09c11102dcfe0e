"""A page that has the relay's port, or the relay itself, can say what it likes: only its own streams suffer."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, Playwright

from longwire.assets import extension_folder
from longwire.protocol.errors import ERRORS, ErrorCode, Phase
from longwire.protocol.limits import (
    INLINE_BODY_BYTES,
    MAX_FRAME_TO_HOST,
    MAX_HEADERS_CHARS,
    MAX_STREAMS_PER_TAB_FRAME,
    MAX_URL_CHARS,
)
from tests.e2e.browser import Browser, running_browser
from tests.e2e.scripts import script
from tests.upstreams.app import App, make_app
from tests.upstreams.server import Server
from tests.upstreams.sse import Channel
from tests.upstreams.threaded import ThreadedServer

HOSTILE_SCRIPT = (Path(__file__).parent / "hostile.js").read_text()
# What the worker says of a message that its guard refuses.
NOT_OF_THE_PROTOCOL = "not one of the protocol"


@dataclass
class Arena:
    """A hostile tab beside an honest one with a living stream, and the one host that serves both."""

    browser: Browser
    hostile: Page
    neighbour: Page
    events: Channel
    host: psutil.Process
    released: int = field(default=0)

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """In the hostile page."""
        return self.hostile.evaluate(script, argument)

    def assert_unharmed(self) -> None:
        """The neighbour hears its next event, from the same host, and the hostile page itself is served again."""
        self.released += 1
        self.events.event(f"event {self.released}.")
        self.neighbour.wait_for_function("(text) => held.text.includes(text)", arg=f"event {self.released}.")
        assert self.neighbour.evaluate("held.error") is None
        assert self.evaluate("exchange()") == "STREAM_END"
        assert self.browser.hosts() == [self.host]

    def assert_typed(self, answer: dict[str, Any], phase: Phase, says: str, code: ErrorCode) -> None:
        """A whole STREAM_ERROR."""
        assert answer["type"] == "STREAM_ERROR", answer
        assert (answer["code"], answer["phase"], answer["retryable"]) == (code, phase, ERRORS[code].retryable), answer
        assert says in answer["message"]


def open_hostile(browser: Browser, upstream: ThreadedServer, site: ThreadedServer) -> Page:
    """A tab whose own script ran before the shim."""
    page = browser.context.new_page()
    page.add_init_script(f"window.upstream = '{upstream.url('/')}';{HOSTILE_SCRIPT}")
    page.goto(site.url("/"))
    return page


@pytest.fixture(scope="module")
def app() -> App:
    """What the upstream of this file serves."""
    return make_app()


@pytest.fixture(scope="module")
def far(app: App) -> Iterator[ThreadedServer]:
    """The upstream."""
    with ThreadedServer(lambda: Server(app.routes)) as threaded:
        yield threaded


@pytest.fixture(scope="module")
def arena(browser_of_module: Browser, app: App, far: ThreadedServer, site: ThreadedServer) -> Arena:
    """One for all tests: whatever they do must leave it as it was."""
    browser_of_module.grant(far.url("/"))
    events = app.streams.channel("neighbour")
    neighbour = browser_of_module.open(site.url("/"))
    neighbour.evaluate("(url) => { hold(url) }", far.url("/sse?channel=neighbour"))
    neighbour.wait_for_function("held.status === 200")
    hostile = open_hostile(browser_of_module, far, site)
    (host,) = browser_of_module.hosts()
    return Arena(browser_of_module, hostile, neighbour, events, host)


# --- a request -------------------------------------------------------------------------------------------------------

# Everything at once is more than a frame holds: characters that JSON writes as six bytes, and as two, and a whole body.
TOO_MUCH = f"""start({{
    method: 'POST',
    url: upstream + '?' + '\\\\'.repeat(65000),
    headers: [['a', '\\x01'.repeat(49000)], ['b', '\\x01'.repeat(49000)]],
    body: inline({INLINE_BODY_BYTES}),
}})"""

# A message, and what the text for the page must say. What the host refuses is what the protocol carries and policy or
# HTTP does not.
BAD_STARTS = {
    # Sizes.
    "start({ url: upstream + '?' + '€'.repeat(20000) })": f"the limit is {MAX_URL_CHARS}",
    "start({ url: upstream + 'a'.repeat(65536) })": NOT_OF_THE_PROTOCOL,
    "start({ url: 'http://' + 'ü'.repeat(60000) + '/' })": "not an absolute URL",
    "start({ headers: [['a', 'x'.repeat(60000)], ['b', 'x'.repeat(60000)]] })": f"the limit is {MAX_HEADERS_CHARS}",
    "start({ headers: Array(257).fill(['a', '']) })": NOT_OF_THE_PROTOCOL,
    "start({ headers: new Array(2 ** 32 - 1) })": NOT_OF_THE_PROTOCOL,
    "start({ method: 'POST', body: inline(262145) })": NOT_OF_THE_PROTOCOL,
    "start({ method: 'x'.repeat(33) })": NOT_OF_THE_PROTOCOL,
    TOO_MUCH: f"the limit is {MAX_FRAME_TO_HOST}",
    # Text that no frame can carry.
    "start({ url: upstream + '\\ud800' })": NOT_OF_THE_PROTOCOL,
    "start({ method: '\\ud800' })": NOT_OF_THE_PROTOCOL,
    "start({ headers: [['\\udc00', '']] })": NOT_OF_THE_PROTOCOL,
    "start({ headers: [['a', '\\udfff']] })": NOT_OF_THE_PROTOCOL,
    # Text that HTTP cannot carry.
    "start({ method: 'GET / HTTP/1.1\\r\\nx: y\\r\\n\\r\\n' })": "is not an HTTP method",
    "start({ method: '\\u{1f600}' })": "is not an HTTP method",
    "start({ method: '' })": NOT_OF_THE_PROTOCOL,
    "start({ method: 'CONNECT' })": "forbidden",
    "start({ method: 'tRaCe' })": "forbidden",
    "start({ headers: [['a', 'b\\r\\nx: y']] })": "characters that no header may carry",
    "start({ headers: [['a', '\\0']] })": "characters that no header may carry",
    "start({ headers: [['a', '\\u2028']] })": "characters that no header may carry",
    "start({ headers: [['a', '\\uffff\\ufdd0\\ufffe']] })": "characters that no header may carry",
    "start({ headers: [['a: b', '']] })": "is not a header name",
    "start({ headers: [['a\\nb', '']] })": "is not a header name",
    "start({ headers: [['', '']] })": NOT_OF_THE_PROTOCOL,
    "start({ headers: [['Host', 'elsewhere']] })": "may not be set by a page",
    "start({ headers: [['Transfer-Encoding', 'chunked']] })": "may not be set by a page",
    "start({ headers: [['Origin', 'https://elsewhere']] })": "may not be set by a page",
    "start({ body: inline(5) })": "a request body with the method GET",
    # Numbers.
    "start({ timeouts: { header_ms: NaN } })": NOT_OF_THE_PROTOCOL,
    "start({ timeouts: { idle_ms: -0 } })": NOT_OF_THE_PROTOCOL,
    "start({ timeouts: { idle_ms: Infinity } })": NOT_OF_THE_PROTOCOL,
    "start({ timeouts: { total_ms: 0.5 } })": NOT_OF_THE_PROTOCOL,
    "start({ timeouts: { total_ms: 86400001 } })": NOT_OF_THE_PROTOCOL,
    "start({ timeouts: { total_ms: 5n } })": NOT_OF_THE_PROTOCOL,
    "start({ method: 'POST', body: { kind: 'stream', size: 2 ** 53 } })": NOT_OF_THE_PROTOCOL,
    "start({ method: 'POST', body: { kind: 'stream', size: -1 } })": NOT_OF_THE_PROTOCOL,
    # Shapes.
    "without(start(), 'timeouts')": NOT_OF_THE_PROTOCOL,
    "start({ timeouts: undefined })": NOT_OF_THE_PROTOCOL,
    "start({ timeouts: { other_ms: 1 } })": NOT_OF_THE_PROTOCOL,
    "start({ toJSON: 'x' })": NOT_OF_THE_PROTOCOL,
    "start({ constructor: 'x' })": NOT_OF_THE_PROTOCOL,
    "Object.defineProperty(start(), '__proto__', { value: {}, enumerable: true })": NOT_OF_THE_PROTOCOL,
    "Object.assign([], start())": NOT_OF_THE_PROTOCOL,
    "start({ redirect: 'Follow' })": NOT_OF_THE_PROTOCOL,
    "start({ headers: { a: 'b' } })": NOT_OF_THE_PROTOCOL,
    "start({ headers: new Map([['a', 'b']]) })": NOT_OF_THE_PROTOCOL,
    "start({ headers: [['a']] })": NOT_OF_THE_PROTOCOL,
    "start({ headers: new Array(3) })": NOT_OF_THE_PROTOCOL,
    "start({ body: { kind: 'blob' } })": NOT_OF_THE_PROTOCOL,
    "start({ method: 'POST', body: { kind: 'inline', data: 'YWI=' } })": NOT_OF_THE_PROTOCOL,
    "start({ method: 'POST', body: { kind: 'inline', data: new DataView(new ArrayBuffer(2)) } })": NOT_OF_THE_PROTOCOL,
    "(() => { const cycle = start(); return Object.assign(cycle, { headers: cycle }) })()": NOT_OF_THE_PROTOCOL,
    "start({ headers: nested(200) })": NOT_OF_THE_PROTOCOL,
    "start({ extra: new Blob(['x']) })": NOT_OF_THE_PROTOCOL,
    "start({ extra: new ImageData(1, 1) })": NOT_OF_THE_PROTOCOL,
    # Somebody else's identity.
    "start({ page: { origin: 'https://a.example', tab: 1, frame: 0, document: 'd', private: false } })": (
        NOT_OF_THE_PROTOCOL
    ),
    "start({ origin: 'https://a.example' })": NOT_OF_THE_PROTOCOL,
}


@pytest.mark.parametrize(("message", "says"), BAD_STARTS.items(), ids=lambda part: part[:60])
def test_a_bad_request_ends_itself_and_nothing_else(arena: Arena, message: str, says: str) -> None:
    bystander = arena.evaluate("live()")
    answer = arena.evaluate(f"provoke({message})")
    arena.assert_typed(answer, Phase.POLICY, says, ErrorCode.PROTOCOL)
    # The page's own other streams go on as well.
    aborted = arena.evaluate("(id) => provoke({ type: 'STREAM_ABORT', id, reason: 'signal' })", bystander)
    assert aborted["type"] == "STREAM_ABORTED"
    arena.assert_unharmed()


def refused_bytes(answer: dict[str, Any]) -> int:
    """How large the worker found the frame that it did not send."""
    found = re.fullmatch(
        r"The request takes (\d+) bytes as a message to the host; the limit is \d+.", answer["message"]
    )
    assert found is not None, answer
    return int(found[1])


def test_a_request_that_fills_a_frame_to_the_byte_reaches_the_host_and_one_byte_more_does_not(arena: Arena) -> None:
    sized = script("fill_a_frame.js")
    room = 2500 - (refused_bytes(arena.evaluate(sized, 2500)) - MAX_FRAME_TO_HOST)
    # Ids count upwards, so the numbers may need a digit more from one request to the next.
    answers = [arena.evaluate(sized, room + step) for step in range(-3, 4)]
    reached = ["no header may carry" in answer["message"] for answer in answers]
    assert reached == sorted(reached, reverse=True)
    assert any(reached)
    assert min(refused_bytes(answer) for answer in answers if "limit" in answer["message"]) == MAX_FRAME_TO_HOST + 1
    arena.assert_unharmed()


# --- what speaks of no stream ----------------------------------------------------------------------------------------

NO_STREAMS = [
    *(f"start({{ id: {value} }})" for value in ("NaN", "Infinity", "-0", "0", "-1", "1.5", "2 ** 53", "'7'", "7n")),
    *(f"start({{ id: {value} }})" for value in ("null", "undefined", "[1]", "new Number(7)", "{ valueOf: 7 }")),
    "without(start(), 'id')",
    "new Map(Object.entries(start()))",
    *("undefined", "null", "true", "7", "'STREAM_START'", "{}", "[]", "new Date(0)", "/x/", "new Error('x')"),
    *("new DOMException('x')", "new Blob(['x'])", "new Uint8Array(1 << 20)", "nested(1000)"),
    "{ type: 'HELLO', protocol: 1, extension: '0' }",
    "{ type: 'STREAM_PONG', seq: 1 }",
    "{ type: 'FATAL', code: 'PROTOCOL', message: '', fix: '' }",
    "{ type: 'STATUS_REQUEST', request: NaN }",
    "{ type: 'STATUS_REQUEST', request: 1, page: { origin: 'https://a.example' } }",
    # More than Chromium carries at once, so that the relay cannot hand it on.
    "start({ extra: 'x'.repeat(70 << 20) })",
]


@pytest.mark.parametrize("message", NO_STREAMS, ids=lambda part: part[:60])
def test_what_speaks_of_no_stream_costs_the_page_its_own_bridge_only(arena: Arena, message: str) -> None:
    assert arena.evaluate(f"provoke({message})")["type"] == "BRIDGE_LOST"
    arena.assert_unharmed()


# --- a stream that lives ---------------------------------------------------------------------------------------------

BAD_COMMANDS = {
    "{ type: 'STREAM_ACK', id: await live(), consumed: 5 }": ("only 4 were sent", Phase.BODY),
    "{ type: 'STREAM_ACK', id: await live(), consumed: 2 ** 53 - 1 }": ("only 4 were sent", Phase.BODY),
    "{ type: 'STREAM_ACK', id: await live(), consumed: 2 ** 53 }": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "{ type: 'STREAM_ACK', id: await live(), consumed: NaN }": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "{ type: 'STREAM_ACK', id: await live(), consumed: -1 }": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "{ type: 'STREAM_ACK', id: await live(), consumed: 0, page: {} }": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "{ type: 'STREAM_ABORT', id: await live(), reason: 'because' }": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "{ type: 'STREAM_BODY', id: await live(), offset: 0, data: new Uint8Array(1) }": ("no streamed body", Phase.BODY),
    "{ type: 'STREAM_BODY_END', id: await live(), bytes: 0 }": ("no streamed body", Phase.BODY),
    "{ type: 'STREAM_CHUNK', id: await live(), offset: 0, data: new Uint8Array(1) }": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "{ type: 'FATAL', id: await live(), code: 'PROTOCOL', message: '', fix: '' }": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "start({ id: await live() })": (NOT_OF_THE_PROTOCOL, Phase.BODY),
    "{ type: 'STREAM_BODY', id: await uploading(), offset: 1, data: new Uint8Array(1) }": (
        "the next byte is 0",
        Phase.HEADERS,
    ),
    "{ type: 'STREAM_BODY', id: await uploading(), offset: 0, data: new Uint8Array(65537) }": (
        NOT_OF_THE_PROTOCOL,
        Phase.HEADERS,
    ),
    "{ type: 'STREAM_BODY', id: await uploading(5), offset: 0, data: new Uint8Array(6) }": (
        "beyond the announced size of 5",
        Phase.HEADERS,
    ),
    "{ type: 'STREAM_BODY_END', id: await uploading(), bytes: 1 }": ("after 0 were received", Phase.HEADERS),
}


@pytest.mark.parametrize(("message", "told"), BAD_COMMANDS.items(), ids=lambda part: str(part)[:60])
def test_a_bad_message_ends_the_stream_that_it_speaks_of(arena: Arena, message: str, told: tuple[str, Phase]) -> None:
    says, phase = told
    answer = arena.evaluate(f"async () => provoke({message})")
    arena.assert_typed(answer, phase, says, ErrorCode.PROTOCOL)
    arena.assert_unharmed()


@pytest.mark.parametrize(
    "message",
    [
        "{ type: 'STREAM_ACK', id, consumed: 1 }",
        "{ type: 'STREAM_ACK', id, consumed: NaN }",
        "{ type: 'STREAM_ABORT', id, reason: 'signal' }",
        "{ type: 'STREAM_BODY', id, offset: 0, data: new Uint8Array(65536) }",
        "{ type: 'STREAM_SING', id }",
    ],
)
def test_a_message_about_no_stream_of_this_page_has_no_effect(arena: Arena, message: str) -> None:
    # The first few ids are finished streams of this page, and in the host those of others; the last never was one.
    for stream_id in (1, 2, 3, 2**53 - 1):
        assert arena.evaluate(f"(id) => echoes({message})", stream_id) == []
    arena.assert_unharmed()


# --- a flood ---------------------------------------------------------------------------------------------------------


def test_a_request_body_that_does_not_wait_for_credit_ends_alone(arena: Arena) -> None:
    answer = arena.evaluate(script("body_beyond_credit.js"))
    arena.assert_typed(answer, Phase.HEADERS, "beyond the upload credit", ErrorCode.PROTOCOL)
    arena.assert_unharmed()


def test_ten_thousand_requests_and_aborts_each_end_once(arena: Arena) -> None:
    counts = arena.evaluate(script("ten_thousand.js"))
    assert counts == {"ends": 5000, "ids": 5000}
    arena.assert_unharmed()


def test_a_page_that_closes_its_direct_port_harms_itself_alone(
    arena: Arena, far: ThreadedServer, site: ThreadedServer
) -> None:
    page = open_hostile(arena.browser, far, site)
    page.evaluate("live({ url: `${upstream}paced?events=100000&per_second=100` })")
    page.wait_for_function("window.direct !== undefined")
    page.evaluate("direct.close()")
    arena.assert_unharmed()
    page.reload()
    assert page.evaluate("exchange()") == "STREAM_END"
    page.close()


# --- a compromised relay ---------------------------------------------------------------------------------------------

# What a renderer that has been taken over can do with its content script: any number of ports, under any name.
PORTS_ON_DEMAND = script("ports_on_demand.js")
OPEN_PORT = """(portName) => {
    const { port1, port2 } = new MessageChannel()
    usePort(port1)
    window.postMessage({ portName }, '*', [port2])
}"""


@pytest.fixture(scope="module")
def taken_over(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, far: ThreadedServer, site: ThreadedServer
) -> Iterator[Page]:
    """A hostile tab whose relay opens ports for it."""
    home = tmp_path_factory.mktemp("taken-over")
    extension = Path(shutil.copytree(extension_folder(), home / "extension"))
    with (extension / "relay.js").open("a") as relay:
        relay.write(PORTS_ON_DEMAND)
    with running_browser(playwright, home, extension=extension) as browser:
        browser.grant(far.url("/"))
        yield open_hostile(browser, far, site)


def test_many_ports_of_one_document_share_its_streams(taken_over: Page) -> None:
    opened = []
    for _ in range(3):
        taken_over.evaluate(OPEN_PORT, "longwire")
        opened += taken_over.evaluate(
            """async () => {
                const ids = []
                for (let n = 0; n < 100; n++) ids.push(await live())
                return ids.map((wanted) => heard.findLast(({ id }) => id === wanted).code ?? 'open')
            }"""
        )
    assert opened.count("open") == MAX_STREAMS_PER_TAB_FRAME
    assert opened[MAX_STREAMS_PER_TAB_FRAME:] == [ErrorCode.LIMIT_EXCEEDED] * (300 - MAX_STREAMS_PER_TAB_FRAME)
    taken_over.reload()


def test_a_port_cannot_name_a_stream_of_another_port(taken_over: Page) -> None:
    taken_over.evaluate(OPEN_PORT, "longwire")
    victim = taken_over.evaluate("live()")
    taken_over.evaluate("window.first = relay")
    taken_over.evaluate(OPEN_PORT, "longwire")
    for message in ("STREAM_ABORT', reason: 'signal", "STREAM_ACK', consumed: 5, reason: '"):
        assert taken_over.evaluate(f"(id) => echoes({{ type: '{message}', id }})", victim) == []
    taken_over.evaluate("relay = first")
    assert taken_over.evaluate("(id) => provoke({ type: 'STREAM_ABORT', id, reason: 'signal' })", victim) == {
        "type": "STREAM_ABORTED",
        "id": victim,
    }


@pytest.mark.parametrize("name", ["", "longwire2", "com.longwire.host"])
def test_a_port_of_another_name_is_closed(taken_over: Page, name: str) -> None:
    taken_over.evaluate(OPEN_PORT, name)
    assert taken_over.evaluate("hear(() => true)") == {"type": "BRIDGE_LOST"}
