"""The client library of a page without a bundler: on `window.longwire`, and as the module of `longwire client`."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from longwire.demo.pages import EXAMPLE_ORIGIN
from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.upstreams.app import App, make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

MANUAL = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
CHAT = "/v1/chat/completions"


class Site:
    """Pages of this test's own, on an origin that may reach the upstream."""

    def __init__(self, app: App, threaded: ThreadedServer, browser: Browser) -> None:
        self._app, self._threaded, self._browser = app, threaded, browser

    def put(self, path: str, content: str) -> None:
        self._app.site.put(path, content)

    def open(self, path: str) -> Page:
        return self._browser.open(self._threaded.url(path))


@pytest.fixture
def own_site(browser: Browser, upstream: Upstream) -> Iterator[Site]:
    app = make_app()
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as threaded:
        browser.grant(upstream.root)
        yield Site(app, threaded, browser)


def example(name: str, upstream: Upstream) -> str:
    """A page of the manual as it stands there, but for the server's name."""
    ((shown),) = re.findall(rf"```html {name}\n(.*?)```", MANUAL, re.DOTALL)
    here = shown.replace(f"{EXAMPLE_ORIGIN}/", upstream.root)
    assert here != shown
    return f"<!doctype html><title>{name}</title>{here}"


def speak(page: Page, upstream: Upstream) -> None:
    """An answer in two pieces, of which the second comes when the first is on the page."""
    events = upstream.app.streams.channel()
    for piece, shown in (("Hel", "Hel"), ("lo", "Hello")):
        events.event(json.dumps({"choices": [{"delta": {"content": piece}}]}))
        expect(page.locator("#answer")).to_have_text(shown)
    events.event("[DONE]")
    events.end()


def test_a_page_with_one_script_tag_streams(own_site: Site, upstream: Upstream) -> None:
    upstream.app.routes.add(CHAT, upstream.app.streams)
    own_site.put("/", example("page", upstream))
    speak(own_site.open("/"), upstream)
    (request,) = upstream.server.requests
    assert (request.method, request.header("content-type")) == ("POST", "application/json")


def test_a_page_imports_the_module_that_the_command_writes(own_site: Site, upstream: Upstream, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "longwire.cli.main", "client", "--out", str(tmp_path)], check=True)
    upstream.app.routes.add(CHAT, upstream.app.streams)
    own_site.put("/", example("module", upstream))
    own_site.put("/longwire.min.js", (tmp_path / "longwire.min.js").read_text("utf-8"))
    speak(own_site.open("/"), upstream)
    assert len(upstream.server.requests) == 1


def test_what_the_package_exports_is_on_the_page(page: Page, own_site: Site, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "longwire.cli.main", "client", "--out", str(tmp_path)], check=True)
    own_site.put("/", "<!doctype html><title>both</title>")
    own_site.put("/longwire.min.js", (tmp_path / "longwire.min.js").read_text("utf-8"))
    of_package, of_page = own_site.open("/").evaluate(
        """async () => [Object.keys(await import('/longwire.min.js')).sort(), Object.keys(longwire).sort()]"""
    )
    own = {"WebSocket", "WebSocketStream", "durable", "fetch", "patch", "rpc", "status", "version"}
    assert set(of_page) == {*of_package, *own}


def test_each_part_goes_through_longwire_without_being_told(page: Page, upstream: Upstream) -> None:
    upstream.app.routes.add("/feed", upstream.app.streams)
    upstream.app.streams.channel().event("one")
    seen = page.evaluate(
        script("library_parts.js"),
        [upstream.url("/feed"), upstream.url("/echo")],
    )
    assert seen == {
        "data": "one",
        "status": 200,
        "events": ["GET"],
        "whole": True,
        "typed": True,
        "code": "POLICY_DENIED",
    }


POLLUTE = script("library_names.js")


# As frameworks do that watch what a page waits for: every method is another function, which does the same.
WRAP = script("library_methods.js")


@pytest.mark.parametrize("replace", [POLLUTE, WRAP], ids=["names", "methods"])
def test_it_works_on_a_page_that_replaced_what_it_calls(own_site: Site, upstream: Upstream, replace: str) -> None:
    upstream.app.routes.add(CHAT, upstream.app.streams)
    reading = f"<p id=answer></p><script>{script('library_page.js')}"
    own_site.put("/", f"<!doctype html>{reading}{replace}\nread('{upstream.url(CHAT)}')</script>")
    page = own_site.open("/")
    speak(page, upstream)


def test_the_library_on_the_page_can_be_neither_replaced_nor_told_another_fetch(page: Page) -> None:
    assert page.evaluate(script("frozen_library.js")) == [True, True, True, False]
