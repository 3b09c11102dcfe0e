"""A model that thinks for long is asked once: an unmodified client sends again what failed without an answer."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, sync_playwright

from tests.compat.theatre import bundled
from tests.e2e.browser import Browser, running_browser
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.site import Site
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.vendors import openai
from tests.upstreams.vendors.wire import WHOLE_TEXT

pytestmark = pytest.mark.e2e

# It waits half a second before the first one, and longer before each further one.
_RETRIES = 1
# Through `longwire.fetch`, or through the page's own fetch, patched.
_ASK = script("ask_slow_model.js")


class Model:
    """Answers after `thinks_s`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.thinks_s = 0.0
        self.asked = 0

    async def __call__(self, request: Request) -> None:
        await request.body()
        self.asked += 1
        thinking = asyncio.ensure_future(asyncio.sleep(self.thinks_s))
        gone = asyncio.ensure_future(request.connection.gone.wait())
        await asyncio.wait({thinking, gone}, return_when=asyncio.FIRST_COMPLETED)
        thinking.cancel()
        gone.cancel()
        if not request.connection.gone.is_set():
            answer = openai.CHAT.whole
            await bodies.respond(request.connection, answer.body, status=answer.status, headers=list(answer.headers))


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver; gone with this file, since its event loop stays in the thread."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all clients."""
    with running_browser(playwright, tmp_path_factory.mktemp("home")) as browser:
        yield browser


class Asking:
    """A page with the client, and a model that it may reach."""

    def __init__(self, page: Page, home: Path, server: ThreadedServer, model: Model) -> None:
        self.model = model
        self._page = page
        self._home = home
        self._port = server.server.port

    def ask(self, thinks_s: float, limits: str = "", timeouts: dict[str, float] | None = None) -> Any:
        """The answer, or the client's error with code and text of what caused it; `timeouts` those of the patch."""
        self.model.thinks_s, self.model.asked = thinks_s, 0
        key = self._home / "model.key"
        if not key.exists():
            key.write_text(f"key-{secrets.token_urlsafe(24)}")
            key.chmod(0o600)
        write_policy(
            self._home,
            f"""version = 1
[[grant]]
name = "model"
pages = ["http://localhost:{self._port}"]
destinations = ["http://127.0.0.1:{self._port}/model/"]
methods = ["POST"]
network = "loopback"
inject = {{ Authorization = "Bearer {{secret:model}}" }}
{limits}
[secret.model]
file = "{key}"
""",
        )
        return self._page.evaluate(_ASK, [f"http://127.0.0.1:{self._port}/model", timeouts, _RETRIES])


@pytest.fixture(scope="module")
def asking(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The client's bundle, served beside the model."""
    folder = tmp_path_factory.mktemp("clients")
    bundled(folder, "page", "clients", "openai-chat.ts")
    model = Model()

    def make() -> Server:
        routes = Routes()
        routes.add("/model/", model)
        page = "<!doctype html><title>slow model</title><script type='module' src='/page.js'></script>"
        routes.add("/", Site({"/": page}, folder))
        return Server(routes, name="localhost")

    with ExitStack() as stack:
        server = stack.enter_context(ThreadedServer(make))
        page = browser.open(server.url("/"))
        page.wait_for_function("typeof run === 'function'")
        yield Asking(page, browser.home, server, model)
        browser.close_pages()


def test_a_clock_that_is_too_short_has_the_model_asked_again_and_the_grant_can_make_it_longer(asking: Asking) -> None:
    kind, code, text = asking.ask(20, 'limits = { header_timeout = "300ms" }')
    assert (kind, code) == ("APIConnectionTimeoutError", "HEADER_TIMEOUT")
    assert asking.model.asked == 1 + _RETRIES
    assert "0.3 s" in text and 'grant "model"' in text and 'header_timeout = "…"' in text
    assert asking.ask(0.5, 'limits = { header_timeout = "30m" }') == WHOLE_TEXT
    assert asking.model.asked == 1


def test_the_page_moves_the_clock_of_a_patched_fetch_within_what_the_grant_says(asking: Asking) -> None:
    _, code, text = asking.ask(20, timeouts={"headerTimeout": 300})
    assert (code, asking.model.asked) == ("HEADER_TIMEOUT", 1 + _RETRIES)
    assert "0.3 s" in text and "headerTimeout: …" in text
    # More than the grant says is as much as it says.
    _, code, text = asking.ask(20, 'limits = { header_timeout = "200ms" }', {"headerTimeout": 60_000})
    assert (code, asking.model.asked) == ("HEADER_TIMEOUT", 1 + _RETRIES)
    assert "0.2 s" in text
    assert asking.ask(0.5, timeouts={"headerTimeout": 1_800_000}) == WHOLE_TEXT
    assert asking.model.asked == 1


@pytest.mark.long
def test_a_first_byte_after_150_seconds_is_one_request_and_the_answer(asking: Asking) -> None:
    assert asking.ask(150) == WHOLE_TEXT
    assert asking.model.asked == 1
