"""`longwire/rpc` in a page, over its own WebSocket: with Python servers, with Node, and between two pages."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page

from longwire.assets import client_library
from tests.e2e.browser import Browser
from tests.patience import PATIENCE_S
from tests.unit.rpc.application import EXPECTED
from tests.unit.rpc.serving import node_server, uvicorn_server, websockets_server
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

SOURCES = Path(__file__).parents[1] / "unit" / "rpc"
PAGE = """<!doctype html><title>rpc</title><script type="module">
import * as rpc from '/rpc.min.js'
import { scenario } from '/scenario.js'
import { serve } from '/application.js'
Object.assign(window, { rpc, scenario, serve })
</script>"""
SCENARIO = "async (url) => scenario(rpc.connect, url, { retry: false })"
OVER_THE_HOST = """async (url) =>
  scenario(longwire.rpc.connect, url, { retry: false, WebSocket: longwire.WebSocket })"""
REFUSED = "async (url) => rpc.connect(url, { retry: false }).opened.then(() => 'opened', (error) => error.code)"
SERVE = "async (url) => { serve(rpc.connect(url, { retry: false }), rpc.RpcError) }"


@pytest.fixture
def site() -> Iterator[str]:
    """The page's own."""
    app = make_app()
    app.site.put("/", PAGE)
    app.site.put("/rpc.min.js", client_library().with_name("rpc.min.js").read_text("utf-8"))
    for name in ("scenario", "application"):
        app.site.put(f"/{name}.js", (SOURCES / f"{name}.mjs").read_text("utf-8"))
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as threaded:
        yield threaded.url("/")


def opened(browser: Browser, site: str) -> Page:
    page = browser.open(site)
    page.wait_for_function("window.serve !== undefined")
    return page


@contextmanager
def in_thread(authorization: str | None = None) -> Iterator[str]:
    """The `websockets` library's server, in a loop of its own: the driver has this thread's."""
    ready, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    urls: list[str] = []

    async def run() -> None:
        async with websockets_server(authorization) as url:
            urls.append(url)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE_S)
        loop.close()


def test_a_page_and_starlette_behind_uvicorn(browser: Browser, site: str) -> None:
    with uvicorn_server() as url:
        assert opened(browser, site).evaluate(SCENARIO, url) == EXPECTED


def test_a_page_and_the_websockets_librarys_server(browser: Browser, site: str) -> None:
    with in_thread() as url:
        assert opened(browser, site).evaluate(SCENARIO, url) == EXPECTED


def test_over_a_socket_of_the_host_whose_secret_the_page_does_not_have(
    browser: Browser, site: str, tmp_path: Path
) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk-live-0123456789abcdefghijklmnop")
    secret.chmod(0o600)
    with in_thread(authorization=f"Bearer {secret.read_text()}") as url:
        inject = "inject = { Authorization = 'Bearer {secret:key}' }"
        browser.grant(url, more=f"{inject}\n[secret.key]\nfile = '{secret}'")
        page = opened(browser, site)
        assert page.evaluate(OVER_THE_HOST, url) == EXPECTED
        # Nobody else gets in: the page's own socket cannot say who it is.
        assert page.evaluate(REFUSED, url) == "CONNECTION_FAILED"


def test_a_page_and_a_server_in_node(browser: Browser, site: str) -> None:
    with node_server() as url:
        assert opened(browser, site).evaluate(SCENARIO, url) == EXPECTED


def test_the_library_that_is_in_the_page_already(browser: Browser, site: str) -> None:
    with uvicorn_server() as url:
        page = opened(browser, site)
        assert page.evaluate("Object.isFrozen(longwire.rpc)")
        assert page.evaluate(SCENARIO.replace("rpc.connect", "longwire.rpc.connect"), url) == EXPECTED


def test_two_pages_over_a_relay_in_node(browser: Browser, site: str) -> None:
    with node_server("relay") as url:
        opened(browser, site).evaluate(SERVE, url)
        assert opened(browser, site).evaluate(SCENARIO, url) == EXPECTED
