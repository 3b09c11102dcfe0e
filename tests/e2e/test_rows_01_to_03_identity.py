"""Who asks is what the browser says of the frame, and nothing that the frame says itself (threats 1, 2 and 3)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Frame, Page

from tests.e2e.browser import STATUS, Browser, stop_worker, wait_ended
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

HOSTILE_SCRIPT = (Path(__file__).parent / "hostile.js").read_text()

# A worker that something wakes runs within a fraction of this.
WAKE_MS = 500

OPAQUE = "opaque"
OPAQUE_TEXT = "This frame has an opaque origin (a sandboxed or data: frame), to which nothing can be granted."

# One server under three origins: by name, by address, and (a second one) at another port.
FRAMES = f"<!doctype html><title>frames</title><body><script>{script('kinds_of_frames.js')}</script>"
INNER = """<!doctype html><title>inner frames</title>
<iframe name="srcdoc-in-address" srcdoc="<title>inner</title>"></iframe>
<iframe name="home-in-address" src="HOME/blank"></iframe>"""

# Whose origin each of them has: the page's own (`home`), that of the server's address, that of the other port.
ORIGINS = {
    "top": "home",
    "popup": "home",
    "same": "home",
    "address": "address",
    "port": "port",
    "srcdoc": "home",
    "blank": "home",
    "empty": "home",
    "blob": "home",
    "sandboxed": OPAQUE,
    "sandboxed-same": "home",
    "sandboxed-srcdoc": OPAQUE,
    "sandboxed-address": OPAQUE,
    "data": OPAQUE,
    "address-with-frames": "address",
    "srcdoc-in-address": "address",
    "home-in-address": "home",
}

FETCH = """(url) => longwire.fetch(url).then(
    (response) => response.text().then(() => 'admitted'),
    ({ code, phase, message }) => ({ code, phase, message })
)"""


@dataclass
class Zoo:
    """A tab with every kind of frame."""

    page: Page
    frames: dict[str, Frame]
    origins: dict[str, str]

    def ask(self, url: str) -> dict[str, Any]:
        """What each frame gets for a request to `url`."""
        return {name: frame.evaluate(FETCH, url) for name, frame in self.frames.items()}


@pytest.fixture(scope="module")
def zoo(browser_of_module: Browser) -> Iterator[Zoo]:
    """One for all tests of this file; none of them changes it."""
    app = make_app()
    app.site.put("/blank", "<!doctype html><title>blank</title>")

    def server() -> Server:
        return Server(app.routes, name="localhost")

    with ThreadedServer(server) as near, ThreadedServer(server) as other:
        origins = {
            "home": near.url(""),
            "address": f"http://127.0.0.1:{near.server.port}",
            "port": other.url(""),
        }
        app.site.put("/", FRAMES.replace("ADDRESS", origins["address"]).replace("PORT", origins["port"]))
        app.site.put("/inner", INNER.replace("HOME", origins["home"]))
        page = browser_of_module.context.new_page()
        page.goto(origins["home"] + "/")
        with browser_of_module.context.expect_page() as opened:
            page.evaluate("void window.open('about:blank')")
        popup = opened.value
        frames = {frame.name: frame for frame in page.frames if frame.name}
        yield Zoo(page, {"top": page.main_frame, "popup": popup.main_frame, **frames}, origins)
        popup.close()
        page.close()


def test_every_kind_of_frame_is_there_and_has_the_shim(zoo: Zoo) -> None:
    assert zoo.frames.keys() == ORIGINS.keys()
    assert {name: frame.evaluate("typeof longwire") for name, frame in zoo.frames.items()} == dict.fromkeys(
        ORIGINS, "object"
    )


@pytest.mark.parametrize("granted", ["home", "address", "port"])
def test_a_grant_admits_the_frames_of_its_page_origin_and_no_others(
    browser_of_module: Browser, zoo: Zoo, upstream: Upstream, granted: str
) -> None:
    browser_of_module.grant(upstream.root, page=zoo.origins[granted])
    answers = zoo.ask(upstream.url("/echo"))
    assert {name for name, answer in answers.items() if answer == "admitted"} == {
        name for name, origin in ORIGINS.items() if origin == granted
    }
    for name, answer in answers.items():
        if answer == "admitted":
            continue
        assert (answer["code"], answer["phase"]) == ("POLICY_DENIED", "policy"), name
        if ORIGINS[name] == OPAQUE:
            assert answer["message"] == OPAQUE_TEXT
        else:
            # The origin as the policy saw it.
            assert f" for {zoo.origins[ORIGINS[name]]}." in answer["message"], name
    assert len(upstream.server.requests) == list(ORIGINS.values()).count(granted)


def test_the_status_of_a_frame_lists_what_its_own_origin_may_reach(
    browser_of_module: Browser, zoo: Zoo, upstream: Upstream
) -> None:
    browser_of_module.grant(upstream.root, page=zoo.origins["home"])
    for name, frame in zoo.frames.items():
        status = frame.evaluate(STATUS)
        assert status["state"] == "ready"
        assert status["destinations"] == ([upstream.root] if ORIGINS[name] == "home" else []), name
        assert (status.get("fix") == OPAQUE_TEXT) == (ORIGINS[name] == OPAQUE), name


# --- what a frame says of itself -------------------------------------------------------------------------------------


def open_with_script(browser: Browser, url: str, upstream: Upstream) -> Page:
    """A tab in whose every frame the port to the worker is the page's."""
    page = browser.context.new_page()
    browser.pages.append(page)
    page.add_init_script(f"window.upstream = '{upstream.root}';{HOSTILE_SCRIPT}")
    page.goto(url)
    return page


@pytest.mark.parametrize(
    "claim",
    [
        "page: { origin: HOME, tab: 1, frame: 0, document: 'd', private: false }",
        "origin: HOME",
        "page: HOME",
        "sender: { origin: HOME }",
        "headers: [['Origin', HOME]]",
    ],
)
def test_a_frame_that_claims_a_granted_origin_gains_nothing(
    browser: Browser, site: ThreadedServer, upstream: Upstream, claim: str
) -> None:
    home = site.url("")
    browser.grant(upstream.root, page=home)
    page = open_with_script(browser, f"http://127.0.0.1:{site.server.port}/", upstream)
    honest = page.evaluate("provoke(start())")
    assert honest["code"] == "POLICY_DENIED"
    assert f" for http://127.0.0.1:{site.server.port}." in honest["message"]
    forged = page.evaluate(f"provoke(start({{ {claim.replace('HOME', repr(home))} }}))")
    assert forged["type"] == "STREAM_ERROR"
    assert forged["code"] in ("PROTOCOL", "POLICY_DENIED")
    assert upstream.server.connections == []


def test_a_frame_cannot_touch_the_streams_of_another_frame_of_its_own_page(
    browser: Browser, site: ThreadedServer, upstream: Upstream
) -> None:
    browser.grant(upstream.root)
    page = open_with_script(browser, site.url("/"), upstream)
    page.evaluate(
        """() => new Promise((resolve) => {
            const frame = Object.assign(document.createElement('iframe'), { name: 'other', src: '/blank' })
            frame.onload = resolve
            document.body.append(frame)
        })"""
    )
    other = page.frame("other")
    assert other is not None
    # An id of its own, out of the way of what the other frame counts up to.
    victim = page.evaluate("live({ id: 5000 })")
    # Under this id, and under whatever the host calls it: that is one of the first few hundred.
    other.evaluate(
        script("acknowledge_for_others.js"),
        victim,
    )
    assert other.evaluate("exchange()") == "STREAM_END"
    assert page.evaluate(f"heard.filter(({{ id, type }}) => id === {victim} && TERMINALS.includes(type))") == []
    # The same id is another stream there, and each frame ends its own.
    other.evaluate("(id) => live({ id })", victim)
    first, second = (request.connection for request in upstream.server.requests if request.path == "/fault/body-silent")
    for frame, connection in ((other, second), (page, first)):
        assert not first.gone.is_set()
        answer = frame.evaluate("(id) => provoke({ type: 'STREAM_ABORT', id, reason: 'signal' })", victim)
        assert answer == {"type": "STREAM_ABORTED", "id": victim}
        upstream.run(connection.wait_gone)


# --- pages that are nobody's -----------------------------------------------------------------------------------------


@pytest.fixture
def workers(browser: Browser) -> Iterator[Callable[[], int]]:
    """How many service workers run."""
    page = browser.context.new_page()
    session = browser.context.new_cdp_session(page)

    def count() -> int:
        targets = session.send("Target.getTargets")["targetInfos"]
        return len([target for target in targets if target["type"] == "service_worker"])

    yield count
    page.close()


def test_a_page_that_no_grant_names_has_no_shim_and_wakes_no_worker(
    browser: Browser, site: ThreadedServer, upstream: Upstream, workers: Callable[[], int]
) -> None:
    browser.grant(upstream.root)
    hosts = browser.hosts()
    stop_worker(browser)
    wait_ended(hosts)
    # Chromium takes every name under .localhost to this machine.
    stranger = browser.open(f"http://stranger.localhost:{site.server.port}/")
    assert stranger.evaluate("typeof longwire") == "undefined"
    assert stranger.evaluate("Object.keys(window).filter((name) => /longwire/i.test(name))") == []
    # A page that has the shim wakes nobody either, until it asks for something.
    named = browser.open(site.url("/"))
    assert named.evaluate("typeof longwire") == "object"
    named.wait_for_timeout(WAKE_MS)
    assert (workers(), browser.hosts()) == (0, [])
    assert named.evaluate(STATUS)["state"] == "ready"
    assert workers() == 1
    assert len(browser.hosts()) == 1


def test_a_stranger_that_looks_like_a_granted_page_has_no_shim(browser: Browser, site: ThreadedServer) -> None:
    stranger = browser.open(f"http://stranger.localhost:{site.server.port}/")
    stranger.evaluate(
        """() => {
            for (const type of ['longwire:shim', 'longwire:port']) {
                dispatchEvent(new MessageEvent(type, { data: 1, ports: [new MessageChannel().port1] }))
            }
        }"""
    )
    assert stranger.evaluate("typeof longwire") == "undefined"
