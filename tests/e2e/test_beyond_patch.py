"""What `longwire.patch` says that it does not cover, and the way that a worker has all the same."""

from playwright.sync_api import Page

from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script

IN_WORKER = script("in_worker.js")

HANDED_OVER = script("handed_over.js")

BY_XHR = script("by_xml_http_request.js")


def test_an_xml_http_request_is_the_browsers_and_goes_on_to_be(page: Page, upstream: Upstream) -> None:
    page.evaluate("() => { window.before = XMLHttpRequest; longwire.patch() }")
    assert page.evaluate("XMLHttpRequest === before")
    assert page.evaluate(BY_XHR, "/blank") == "reached"
    # CORS stops it, as before.
    assert page.evaluate(BY_XHR, upstream.url("/echo")) == "error"


def test_a_worker_of_the_page_has_the_browsers_own_fetch(page: Page, upstream: Upstream) -> None:
    page.evaluate("() => { longwire.patch() }")
    assert page.evaluate(IN_WORKER, upstream.url("/echo")) == ["undefined", "TypeError"]


def test_a_worker_is_handed_the_stream_itself(page: Page, upstream: Upstream) -> None:
    chunks = upstream.app.streams.channel()
    page.evaluate(HANDED_OVER, upstream.url("/sse"))
    chunks.event("one")
    page.wait_for_function("seen.at(-1) === 'data: one\\n\\n'")
    chunks.event("two")
    chunks.end()
    page.wait_for_function("seen.at(-1) === null")
    assert page.evaluate("seen.at(-2)") == "data: one\n\ndata: two\n\n"
