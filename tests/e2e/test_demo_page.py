"""The demo's page as a visitor uses it, in a real Chromium: themes, widths, the stop button, the numbers."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Page, Playwright, expect

from longwire.cli.demo.chat import TEXT
from longwire.cli.demo.judge import Verdict
from longwire.cli.demo.page import DemoPage
from longwire.cli.demo.server import LoopbackServer
from longwire.cli.demo.upstream import Upstream
from tests.e2e.browser import Browser, running_browser

KEY = "lw-demo-0123456789abcdefghijklmnop"
WIDTHS = {"desktop": 1180, "phone": 390}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
# The width that the plot is drawn for, two frames after it got another one.
RESIZED = """(plot) => new Promise((resolve) => {
    plot.style.width = "200px"
    requestAnimationFrame(() => requestAnimationFrame(() => {
        resolve(plot.viewBox.baseVal.width)
        plot.style.width = ""
    }))
})"""
# The page's own fetch is refused, which is part of the show; Chromium says so on the console in two lines.
REFUSED = ("blocked by CORS policy", "net::ERR_FAILED")


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
        self.upstream = upstream
        self.page = page
        self.heard = heard
        self.origin = origin
        self.upstream_origin = upstream_origin

    @property
    def verdict(self) -> Verdict:
        assert self.page.verdict.done()
        return self.page.verdict.result()


@contextmanager
def serving(visitor: Page, text_duration_s: float, size: int) -> Iterator[Demo]:
    """A demo, and a tab to visit it with, which leaves before the servers do."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()

    async def start() -> Demo:
        heard, upstream = Heard(), Upstream(KEY, text_duration_s=text_duration_s, size=size)
        service = await stack.enter_async_context(LoopbackServer(upstream.handle))
        page = DemoPage(upstream, service.origin, KEY, heard)
        site = await stack.enter_async_context(LoopbackServer(page.handle))
        return Demo(upstream, page, heard, site.origin, service.origin)

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    finally:
        visitor.goto("about:blank")
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(playwright, tmp_path_factory.mktemp("home")) as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Page]:
    """A tab, and an assertion that nothing went wrong in it."""
    page = chromium.context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert [line for line in complaints if not any(words in line for words in REFUSED)] == []


def visit(visitor: Page, chromium: Browser, demo: Demo, secret: Path) -> None:
    """Open the demo's page with the grant that `longwire demo` gives it."""
    secret.write_text(KEY)
    secret.chmod(0o600)
    inject = 'inject = { Authorization = "Bearer {secret:demo}" }'
    chromium.grant(demo.upstream_origin + "/v1/", page=demo.origin, more=f'{inject}\n[secret.demo]\nfile = "{secret}"')
    visitor.goto(demo.origin)


def expect_status(visitor: Page, words: str) -> None:
    """Wait until the page's verdict says so. A run takes seconds, on a busy machine many."""
    expect(visitor.get_by_role("status")).to_contain_text(words, timeout=20_000)


def test_every_byte_is_shown_and_the_key_is_nowhere(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=1, size=4 << 20) as demo:
        visit(visitor, chromium, demo, tmp_path / "key")
        expect_status(visitor, "Every byte arrived")

        assert demo.verdict.ok, demo.verdict
        assert (demo.heard.words, visitor.locator("#text").inner_text()) == (TEXT, TEXT)
        assert visitor.locator("#bar").evaluate("bar => bar.value") == 1
        assert visitor.locator("#digest").get_attribute("title") == demo.upstream.file.digest
        assert "✓" in visitor.locator("#digest").inner_text()
        assert visitor.locator("#own-fetch").inner_text() == "refused by the browser (CORS)"
        assert demo.heard.received, "the download's progress is told while it runs"
        assert KEY not in visitor.content()
        assert KEY not in visitor.evaluate("JSON.stringify([performance.getEntries(), {...localStorage}])")
        assert "M" in (visitor.locator("#plot .area").get_attribute("d") or "")
        assert (visitor.locator("#plot .ticks").get_attribute("d") or "").count("M") == len(TEXT.split())
        assert visitor.locator("#got").inner_text() == "Bearer ••••••••••••"
        assert visitor.locator("#plot").evaluate(RESIZED) == 200, "no picture shows a plot of another size"
        assert_fits_and_reads(visitor, tmp_path, "complete")


# In memory only: no file of the run may hold a key, not even the profile of this one.
@pytest.mark.parametrize("leak", ["performance.mark(key)", "window.some = { where: key }"])
def test_a_key_that_is_in_the_page_is_found(visitor: Page, chromium: Browser, tmp_path: Path, leak: str) -> None:
    visitor.add_init_script(f"if (location.protocol === 'http:') {{ const key = 'x{KEY}y'; {leak} }}")
    with serving(visitor, text_duration_s=0.1, size=1000) as demo:
        visit(visitor, chromium, demo, tmp_path / "key")
        expect(visitor.locator("#searched")).to_have_text("it is in this page", timeout=20_000)

        assert (demo.verdict.reason, demo.verdict.key_seen) == ("the page could see the key", True)
        assert "could see the key" in visitor.get_by_role("status").inner_text()


def test_a_byte_that_changed_on_the_way_is_found(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=0.1, size=200_000) as demo:
        whole = list(demo.upstream.file.blocks())
        demo.upstream.file.blocks = lambda: iter([whole[0], whole[1][:-1] + b"?"])  # type: ignore[method-assign]
        visit(visitor, chromium, demo, tmp_path / "key")
        expect(visitor.locator("#digest")).to_have_text("✗ differs", timeout=20_000)

        expect_status(visitor, "they differ")
        assert "they differ" in (demo.verdict.reason or "")


def test_stop_keeps_the_partial_text_and_the_server_notices(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=60, size=4 << 20) as demo:
        visit(visitor, chromium, demo, tmp_path / "key")
        expect(visitor.locator("#text")).to_contain_text("This text was not fetched")
        assert_fits_and_reads(visitor, tmp_path, "running")
        visitor.get_by_role("button", name="Stop").press("Enter")
        expect_status(visitor, "The server noticed within")

        kept = visitor.locator("#text").inner_text()
        assert TEXT.startswith(kept)
        assert 0 < len(kept) < len(TEXT)
        assert demo.upstream.chat is not None
        assert demo.upstream.chat.finished_at_s is None
        assert "you stopped it" in (demo.verdict.reason or "")
        expect(visitor.get_by_role("button", name="Stop")).to_be_disabled()
        expect(visitor.get_by_role("button", name="Run again")).to_be_enabled()
        assert visitor.locator("#text").inner_text() == kept
        assert_fits_and_reads(visitor, tmp_path, "stopped")


def test_a_second_run_starts_afresh(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=0.3, size=1 << 20) as demo:
        visit(visitor, chromium, demo, tmp_path / "key")
        again = visitor.get_by_role("button", name="Run again")
        expect(again).to_be_enabled(timeout=20_000)
        again.click()
        expect(visitor.locator("#verdict")).to_have_text("Running.")
        expect_status(visitor, "Every byte arrived")
        assert visitor.locator("#text").inner_text() == TEXT


def test_without_a_grant_the_page_says_what_to_do(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=1, size=1 << 20) as demo:
        chromium.grant("http://127.0.0.1:1/", page="http://127.0.0.1:1")
        visitor.goto(demo.origin)
        expect_status(visitor, "Fix: ")
        expect(visitor.locator("#state")).to_have_text("failed")

        assert not demo.verdict.ok
        assert demo.verdict.fix
        assert demo.verdict.fix.replace("`", "") in visitor.get_by_role("status").inner_text()
        assert "Bearer" not in visitor.locator("#got").inner_text(), "nothing was sent, so the server got nothing"
        assert_fits_and_reads(visitor, tmp_path, "failed")


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
    ratio: float = visitor.evaluate("""() => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data;
      };
      const luminance = ([r, g, b]) => [r, g, b]
        .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const ground = (node) => {
        const color = rgba(getComputedStyle(node).backgroundColor);
        return color[3] === 255 || !node.parentElement ? color : ground(node.parentElement);
      };
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      let worst = 21;
      while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || node.closest(":disabled, script")) continue;
        const style = getComputedStyle(node);
        const lights = [luminance(rgba(node.closest("svg") ? style.fill : style.color)), luminance(ground(node))];
        worst = Math.min(worst, (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05));
      }
      return worst;
    }""")
    return ratio
