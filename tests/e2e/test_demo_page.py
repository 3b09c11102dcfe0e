"""The demo's first page as a visitor uses it, in a real Chromium: themes, widths, the stop button, the numbers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from longwire.demo.chat import TEXT
from tests.e2e.browser import Browser, running_browser
from tests.e2e.demo_site import KEY, assert_fits_and_reads, serving, visit, visiting
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S

# The width that the plot is drawn for, two frames after it got another one.
RESIZED = script("plot_resized.js")


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(playwright, tmp_path_factory.mktemp("home")) as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Page]:
    """A tab in which nothing goes wrong."""
    with visiting(chromium) as page:
        yield page


def expect_status(visitor: Page, words: str) -> None:
    """Wait until the page's verdict says so. A run takes seconds, on a busy machine many."""
    expect(visitor.get_by_role("status")).to_contain_text(words, timeout=1000 * PATIENCE_S)


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
        expect(visitor.locator("#searched")).to_have_text("it is in this page", timeout=1000 * PATIENCE_S)

        assert (demo.verdict.reason, demo.verdict.key_seen) == ("the page could see the key", True)
        assert "could see the key" in visitor.get_by_role("status").inner_text()


def test_a_byte_that_changed_on_the_way_is_found(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=0.1, size=200_000) as demo:
        whole = list(demo.upstream.file.blocks())
        changed = bytes([whole[1][-1] ^ 1])
        demo.upstream.file.blocks = lambda: iter([whole[0], whole[1][:-1] + changed])  # type: ignore[method-assign]
        visit(visitor, chromium, demo, tmp_path / "key")
        expect(visitor.locator("#digest")).to_have_text("✗ differs", timeout=1000 * PATIENCE_S)

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
        expect(again).to_be_enabled(timeout=1000 * PATIENCE_S)
        visitor.evaluate(script("until_text.js"), ["#verdict", "Running."])
        again.click()
        visitor.evaluate("untilText")
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


def test_who_leaves_in_the_middle_has_stopped_it(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=60, size=1000) as demo:
        visit(visitor, chromium, demo, tmp_path / "key")
        expect(visitor.locator("#text")).to_contain_text("This text was not fetched")
        visitor.get_by_role("link", name="More examples").press("Enter")
        expect(visitor.get_by_role("heading", level=1)).to_contain_text("things a page does with streams")
        verdict = demo.run(asyncio.wait_for(demo.page.verdict, PATIENCE_S))

        assert "you stopped it" in verdict.reason
        visitor.get_by_role("link", name="Back to the demo").press("Enter")
        expect(visitor.locator("#text")).to_contain_text("This text was not fetched")
