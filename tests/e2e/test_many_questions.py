"""A page that asks `longwire.status()` many times at once keeps its streams, and gets every answer."""

from typing import Any

from playwright.sync_api import Page

from tests.e2e.browser import STATUS
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script

# Far more than a relay may have open (MAX_STATUS_REQUESTS of the worker).
CALLS = 500


def stream_beside(page: Page, upstream: Upstream) -> None:
    """A stream that is to live through what comes."""
    page.evaluate("(url) => { hold(url) }", upstream.url("/sse"))
    upstream.app.streams.channel().event("before")
    page.wait_for_function("held.text.includes('before')")


def assert_goes_on(page: Page, upstream: Upstream) -> None:
    upstream.app.streams.channel().event("after")
    page.wait_for_function("held.error !== undefined || held.text.includes('after')")
    assert page.evaluate("held.error") is None


def test_five_hundred_questions_at_once_are_answered_and_cost_no_stream(page: Page, upstream: Upstream) -> None:
    stream_beside(page, upstream)
    answers: list[dict[str, Any]] = page.evaluate(
        f"(calls) => Promise.all(Array.from({{ length: calls }}, () => {STATUS}.catch(describeError)))", CALLS
    )
    assert [answer.get("state") for answer in answers] == ["ready"] * CALLS
    assert answers[-1]["destinations"] == [upstream.root]
    assert_goes_on(page, upstream)


def test_a_patched_page_with_a_fallback_that_fetches_much_at_once_keeps_its_streams(
    page: Page, upstream: Upstream
) -> None:
    """Each such fetch asks first whether there is a host."""
    stream_beside(page, upstream)
    statuses = page.evaluate(
        script("hundred_with_fallback.js"),
        upstream.url("/echo"),
    )
    assert statuses == [200] * 100
    assert_goes_on(page, upstream)
