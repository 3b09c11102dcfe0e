"""The demo's two servers in a thread, a tab to visit them with, and what every page of theirs has to look like."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Page

from longwire.demo.judge import Verdict
from longwire.demo.models import policy_lines
from longwire.demo.page import DemoPage
from longwire.demo.pages import socket_origin
from longwire.demo.server import LoopbackServer
from longwire.demo.upstream import Upstream
from tests.e2e.browser import Browser
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S

KEY = "lw-demo-0123456789abcdefghijklmnop"
WIDTHS = {"desktop": 1180, "phone": 390}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
# The page's own fetch is refused, which is part of the show; Chromium says so on the console in two lines, and so does
# Longwire where nothing is granted yet.
REFUSED = ("blocked by CORS policy", "net::ERR_FAILED", "Longwire refused ")


class Heard:
    """What a terminal would have been told."""

    def __init__(self) -> None:
        self.words = ""
        self.received: list[int] = []

    def text(self, words: str) -> None:
        self.words += words

    def download(self, received: int, seconds: float) -> None:
        assert seconds >= 0
        self.received.append(received)


class Demo:
    """Both servers of the demo, in a thread."""

    def __init__(self, upstream: Upstream, page: DemoPage, heard: Heard, origin: str, upstream_origin: str) -> None:
        self._loop = asyncio.get_running_loop()
        self.upstream = upstream
        self.page = page
        self.heard = heard
        self.origin = origin
        self.upstream_origin = upstream_origin

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Run it where the servers run."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE_S)

    @property
    def verdict(self) -> Verdict:
        assert self.page.verdict.done()
        return self.page.verdict.result()


@contextmanager
def serving(visitor: Page, **upstream_options: Any) -> Iterator[Demo]:
    """A demo with these options of its upstream; `visitor` leaves before the servers do."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()

    async def start() -> Demo:
        heard, upstream = Heard(), Upstream(KEY, **upstream_options)
        service = await stack.enter_async_context(LoopbackServer(upstream.handle))
        page = DemoPage(upstream, service.origin, KEY, heard)
        site = await stack.enter_async_context(LoopbackServer(page.handle))
        return Demo(upstream, page, heard, site.origin, service.origin)

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE_S)
    finally:
        visitor.goto("about:blank")
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def visiting(chromium: Browser) -> Iterator[Page]:
    """A tab, and an assertion that nothing went wrong in it."""
    page = chromium.context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert [line for line in complaints if not any(words in line for words in REFUSED)] == []


def visit(visitor: Page, chromium: Browser, demo: Demo, secret: Path, path: str = "/", lines: str = "") -> None:
    """Open a page of the demo with the grant that `longwire demo` gives it, and these lines in it."""
    secret.write_text(KEY)
    secret.chmod(0o600)
    inject = 'inject = { Authorization = "Bearer {secret:demo}" }'
    providers = policy_lines(demo.upstream_origin)
    more = f'{inject}\ngenerate = ["quick", "careful"]\n{lines}\n{providers}\n[secret.demo]\nfile = "{secret}"'
    sockets = socket_origin(demo.upstream_origin)
    chromium.grant(demo.upstream_origin + "/v1/", sockets + "/v1/", page=demo.origin, more=more)
    visitor.goto(demo.origin + path)


def assert_fits_and_reads(visitor: Page, folder: Path, state: str) -> None:
    """In every theme and width; a picture of each is left in `folder`."""
    for theme in THEMES:
        for name, width in WIDTHS.items():
            visitor.emulate_media(color_scheme=theme, reduced_motion="reduce")
            visitor.set_viewport_size({"width": width, "height": 844})
            visitor.screenshot(path=folder / f"{state}-{theme}-{name}.png", full_page=True)
            assert visitor.evaluate("document.documentElement.scrollWidth") == width, "nothing sticks out sideways"
            assert worst_contrast(visitor) >= 4.5, f"WCAG 2.2, 1.4.3: {state}, {theme}"


def worst_contrast(visitor: Page) -> float:
    """The lowest contrast of any text on the page with the ground behind it (disabled controls are exempt)."""
    ratio: float = visitor.evaluate(script("demo_contrast.js"))
    return ratio
