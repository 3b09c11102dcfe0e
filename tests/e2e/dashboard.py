"""The dashboard, in a tab of its own, as the popup's link opens it."""

import re
import time

from playwright.sync_api import Locator, Page, Worker, expect

from tests.e2e.browser import Browser
from tests.e2e.popup import ORIGIN
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S

DASHBOARD_URL = f"{ORIGIN}/dashboard.html"


def open_dashboard(browser: Browser, width: int = 1400, height: int = 900) -> Page:
    """Once it has heard from the worker."""
    dashboard = browser.context.new_page()
    browser.pages.append(dashboard)
    dashboard.set_viewport_size({"width": width, "height": height})
    dashboard.goto(DASHBOARD_URL)
    expect(dashboard.locator("#summary")).to_contain_text("ended")
    return dashboard


def forget_the_ended(browser: Browser) -> None:
    """Have nothing in the list, whoever used the browser before."""
    dashboard = open_dashboard(browser)
    # The streams of a tab that was just closed end a moment later, and would then be among the ended.
    expect(dashboard.locator("#summary")).to_have_text(re.compile(r"^0 live · \d+ ended$"))
    dashboard.locator("#clear").click()
    expect(dashboard.locator("#summary")).to_have_text("0 live · 0 ended")
    dashboard.close()


def only(dashboard: Page, words: str, count: int = 1) -> Locator:
    """The rows that the filter leaves, which are so many."""
    dashboard.locator("#filter").fill(words)
    # Rows are drawn with the next frame.
    dashboard.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    rows = dashboard.locator("#rows .row:visible")
    expect(rows).to_have_count(count)
    return rows


def cell(row: Locator, column: str) -> Locator:
    """What stands in one column."""
    return row.locator(f"[data-column={column}]")


def look_at(dashboard: Page, words: str) -> Locator:
    """Open the one stream with these words; its detail."""
    only(dashboard, words).click()
    detail = dashboard.locator("#detail")
    expect(detail).to_be_visible()
    return detail


def kept_with(place: Page | Worker, *words: str, hidden: bool = False) -> str:
    """What is kept of streams, once these words are in it: it is written together, within a second.

    `place` is of the extension; `hidden` asks for what is kept of private windows, in a place of theirs.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        kept: str = place.evaluate(script("kept_streams.js"), hidden)
        if all(word in kept for word in words):
            return kept
        assert time.monotonic() < deadline, kept


def look_on(dashboard: Page, words: str) -> Locator:
    """The same of a stream that lives, once the worker has said that it shows the bytes from now on."""
    detail = look_at(dashboard, words)
    expect(detail).to_have_attribute("aria-busy", "false")
    return detail


def figure(detail: Locator, name: str) -> Locator:
    """What is said under a name."""
    return detail.locator("#figures > div, #generation-figures > div", has_text=name).locator("dd")
