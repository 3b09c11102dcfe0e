"""Row 28 in a real browser: the writer on a hostile page, of whose scripts none has anything that the writer has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.e2e.extension_world import WRITER, ExtensionWorld
from tests.e2e.popup import open_popup
from tests.e2e.scripts import script
from tests.e2e.test_bridge_loss import reload_extension
from tests.host_process import write_policy
from tests.unit.engine.generation_bench import KEY, Vendor, chat, chat_end, chat_text
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.threaded import ThreadedServer

PORTS = ("longwire-writer", "longwire-writer-settings")
CONNECT = script("connect_as_writer.js")
SPEAK = script("speak_as_writer.js")
HOSTILE_SCRIPT = (Path(__file__).parent / "hostile.js").read_text()
FETCH = "(host, url) => host.hostFetch(url).then((response) => response.text())"
GENERATE = """(host, provider) => host
    .generate({ provider, messages: [{ role: 'user', content: 'Why?' }] })
    .readToCompletion().then(({ text }) => text)"""
PAGE_FETCH = (
    "(url) => longwire.fetch(url).then((response) => response.text(), ({ code, message }) => ({ code, message }))"
)
PAGE_GENERATE = """(request) => longwire.generate({ messages: [{ role: 'user', content: 'Why?' }], ...request })
    .readToCompletion().then(({ text }) => text, ({ code, message }) => ({ code, message }))"""

POLICY = """\
version = 1
[[grant]]
name = "for-the-writer"
principal = "writer"
pages = ["{page}"]
destinations = ["{root}"]
methods = ["GET", "POST"]
network = "loopback"
generate = ["writers"]
inject = {{ Authorization = "Bearer {{secret:key}}" }}
[[grant]]
name = "for-the-page"
pages = ["http://localhost:*"]
generate = ["pages"]
[writer]
pages = ["{page}"]
[[provider]]
name = "writers"
kind = "openai-chat"
base_url = "{root}writers"
network = "loopback"
models = ["test-1"]
secret = "key"
[[provider]]
name = "pages"
kind = "openai-chat"
base_url = "{root}pages"
network = "loopback"
models = ["test-1"]
[secret.key]
file = "{key}"
"""


@dataclass
class Stage:
    """A page with the writer on it, and who may be asked."""

    browser: Browser
    page: Page
    world: ExtensionWorld
    upstream: Upstream
    vendors: dict[str, Vendor]
    policy: str
    """What the hosts go by."""

    def asked(self) -> list[str | None]:
        """With which key the server was asked, each time; but by generations."""
        return [each.header("Authorization") for each in self.upstream.server.requests if each.path == "/plain"]


def origin_of(site: ThreadedServer) -> str:
    return site.url("/").removesuffix("/")


async def plain(request: Request) -> None:
    await bodies.respond(request.connection, b"plain words")


@pytest.fixture
def stage(browser: Browser, site: ThreadedServer, upstream: Upstream, tmp_path: Path) -> Stage:
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    vendors = {name: Vendor([chat(chat_text(name), chat_end())]) for name in ("writers", "pages")}
    upstream.app.routes.add("/plain", plain)
    for name, vendor in vendors.items():
        upstream.app.routes.add(f"/{name}/", vendor)
    policy = POLICY.format(page=origin_of(site), root=upstream.root, key=key)
    write_policy(browser.home, policy)
    page = browser.open(site.url("/"))
    world = ExtensionWorld(page)
    # The host tells the extension of the policy, and the extension brings the writer into the page that is open.
    assert page.evaluate(STATUS)["state"] == "ready"
    world.wait_for_writer()
    return Stage(browser, page, world, upstream, vendors, policy)


def request_for(stage: Stage) -> dict[str, Any]:
    """A request for what only the writer may have, as it goes to the worker."""
    return {
        "type": "STREAM_START",
        "id": 1,
        "method": "GET",
        "url": stage.upstream.url("/plain"),
        "headers": [],
        "body": {"kind": "none"},
        "redirect": "follow",
        "timeouts": {},
    }


def refusals(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Code and text of each error among what was heard."""
    return [(each["code"], each["message"]) for each in answer["heard"] if each["type"] == "STREAM_ERROR"]


def test_the_writer_is_served_by_its_own_grants_with_their_secrets(stage: Stage) -> None:
    url = stage.upstream.url("/plain")
    assert stage.world.writer(FETCH, url) == "plain words"
    assert stage.asked() == [f"Bearer {KEY}"]
    assert stage.world.writer(GENERATE, "writers") == "writers"
    status = stage.world.writer("(host) => host.status()")
    assert (status["state"], status["destinations"]) == ("ready", [stage.upstream.root])
    assert [each["name"] for each in status["providers"]] == ["writers"]
    assert stage.world.writer(GENERATE, "pages")["code"] == "POLICY_DENIED"


def test_a_page_that_is_loaded_anew_has_the_writer_by_registration(stage: Stage) -> None:
    stage.page.reload()
    stage.world.wait_for_writer()
    assert stage.world.writer(GENERATE, "writers") == "writers"


def test_no_request_of_the_page_has_what_the_writer_has(stage: Stage) -> None:
    """And the writer has it before, meanwhile and after."""
    page, url = stage.page, stage.upstream.url("/plain")
    assert stage.world.writer(GENERATE, "writers") == "writers"
    refused = page.evaluate(PAGE_FETCH, url)
    assert refused["code"] == "POLICY_DENIED"
    assert "for-the-writer" not in refused["message"]
    for request in ({"provider": "writers"}, {"provider": "pages", "fallback": ["writers"], "model": "no-such"}):
        assert page.evaluate(PAGE_GENERATE, request)["code"] == "POLICY_DENIED"
    status = page.evaluate(STATUS)
    assert (status["destinations"], [each["name"] for each in status["providers"]]) == ([], ["pages"])
    assert page.evaluate(PAGE_GENERATE, {"provider": "pages"}) == "pages"
    assert len(stage.vendors["writers"].requests) == 1
    assert stage.world.writer(FETCH, url) == "plain words"


@pytest.mark.parametrize(
    "claim",
    [
        "principal: 'writer'",
        "page: { origin: location.origin, tab: 1, frame: 0, document: 'd', private: false, principal: 'writer' }",
        "kind: 'writer'",
        "name: 'longwire-writer'",
        "type: 'WRITER_START'",
        "headers: [['Longwire-Principal', 'writer']]",
    ],
)
def test_a_page_that_has_the_relays_port_for_itself_cannot_say_that_it_is_the_writer(
    stage: Stage, site: ThreadedServer, claim: str
) -> None:
    page = stage.browser.context.new_page()
    stage.browser.pages.append(page)
    page.add_init_script(f"window.upstream = '{stage.upstream.root}';{HOSTILE_SCRIPT}")
    page.goto(site.url("/"))
    assert page.evaluate("provoke(start())")["code"] == "POLICY_DENIED"
    forged = page.evaluate(f"(async () => {{ relay.postMessage(start({{ {claim} }})); return provoke(start()) }})()")
    assert forged["type"] in ("STREAM_ERROR", "BRIDGE_LOST")
    assert stage.asked() == []


def test_what_the_page_says_reaches_no_port_of_the_writers(stage: Stage) -> None:
    before = stage.world.writer("(host) => host.settings()")
    names = [*PORTS, "longwire.writer", "longwire:writer"]
    seen = stage.page.evaluate(SPEAK, names)
    assert (seen["symbol"], seen["names"]) == ("undefined", ["longwire"])
    assert stage.world.writer("(host) => host.settings()") == before
    assert stage.world.writer(FETCH, stage.upstream.url("/plain")) == "plain words"
    assert stage.world.writer(GENERATE, "writers") == "writers"


def test_a_frame_in_a_page_of_the_writers_has_none_and_its_relay_cannot_be_one(stage: Stage) -> None:
    names = stage.page.evaluate(script("four_frames.js"))
    # All scripts of a frame that is idle have run.
    for name in names:
        stage.world.evaluate("() => new Promise((resolve) => requestIdleCallback(resolve))", frame=name)
        assert not stage.world.has_writer(name), name
        answer = stage.world.evaluate(CONNECT, PORTS[0], [request_for(stage)], frame=name)
        assert refusals(answer) == [("POLICY_DENIED", "The writer is in the top frame of a tab, and nowhere else.")]
        told = stage.world.evaluate(CONNECT, PORTS[1], [], frame=name)
        assert [each["type"] for each in told["heard"]] == ["REFUSED"]
    assert stage.asked() == []
    # The page around them has it all the while.
    assert stage.world.has_writer()


def test_a_content_script_on_another_page_cannot_be_the_writer(stage: Stage, site: ThreadedServer) -> None:
    """As whoever controls the renderer of a page that has a relay, and no writer."""
    other = stage.browser.open(f"http://127.0.0.1:{site.server.port}/")
    world = ExtensionWorld(other)
    assert not world.has_writer()
    answer = world.evaluate(CONNECT, PORTS[0], [request_for(stage)])
    ((code, text),) = refusals(answer)
    assert (code, "The policy does not have the writer on this page" in text) == ("POLICY_DENIED", True)
    assert [each["type"] for each in world.evaluate(CONNECT, PORTS[1], [])["heard"]] == ["REFUSED"]
    assert stage.asked() == []


def test_a_policy_that_takes_the_page_from_the_writer_ends_it_at_once_and_for_good(
    stage: Stage, site: ThreadedServer
) -> None:
    write_policy(stage.browser.home, stage.policy.replace(f'[writer]\npages = ["{origin_of(site)}"]', ""))
    assert stage.page.evaluate(STATUS)["state"] == "ready"
    assert stage.world.writer(FETCH, stage.upstream.url("/plain"))["code"] == "POLICY_DENIED"
    assert stage.asked() == []
    stage.browser.worker().evaluate(script("no_writer_registered.js"))
    stage.page.reload()
    stage.world.evaluate("() => new Promise((resolve) => requestIdleCallback(resolve))")
    assert not stage.world.has_writer()


def test_the_settings_come_from_a_storage_that_no_content_script_opens(stage: Stage) -> None:
    usual = {"provider": None, "model": None, "language": "English", "template": None}
    assert stage.world.writer("(host) => host.settings()") == usual
    closed = stage.world.evaluate("() => chrome.storage.local.get().then(() => 'open', ({ message }) => message)")
    assert "Access to storage is not allowed" in closed
    stage.world.writer("(host) => { globalThis.told = []; host.onSettings((settings) => told.push(settings)) }")
    stage.browser.worker().evaluate(
        "chrome.storage.local.set({ writer: { language: 'Deutsch', provider: 'writers' } })"
    )
    heard = stage.world.evaluate(
        """async () => {
            while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
            return told
        }"""
    )
    changed: dict[str, Any] = usual | {"language": "Deutsch", "provider": "writers"}
    assert heard == [changed]
    assert stage.world.writer("(host) => host.settings()") == changed
    stage.browser.worker().evaluate("chrome.storage.local.remove('writer')")
    assert stage.page.evaluate("typeof globalThis.chrome?.storage") == "undefined"


def test_the_popup_says_which_streams_are_the_writers(stage: Stage) -> None:
    popup = open_popup(stage.browser, stage.page)
    popup.get_by_text("The writer is on this page, too").wait_for()
    stage.world.evaluate(
        f"(url) => {{ {WRITER}.host.hostFetch(url).then((response) => {{ globalThis.held = response }}) }}",
        stage.upstream.url("/sse?channel=writer"),
    )
    popup.get_by_text("by the writer").wait_for()


def test_an_extension_that_was_reloaded_leaves_a_dead_writer_that_says_so_and_brings_a_new_one(
    stage: Stage,
) -> None:
    # The old one is kept at hand: the new one takes its place.
    stage.world.evaluate(f"() => {{ globalThis.old = {WRITER}.host }}")
    reload_extension(stage.browser)
    dead = stage.world.evaluate(
        "() => globalThis.old === undefined ? null : old.status().catch(({ code, message }) => ({ code, message }))"
    )
    assert dead is None or (dead["code"], "Reload this page" in dead["message"]) == ("BRIDGE_LOST", True)
    assert stage.page.evaluate(STATUS)["state"] == "ready"
    stage.world.wait_for_writer()
    assert stage.world.writer(GENERATE, "writers") == "writers"
