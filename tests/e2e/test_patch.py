"""A page that patches `fetch` and `EventSource` reaches what is granted through Longwire, and all else as before."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from tests.e2e.browser import Browser, running_browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.upstreams.threaded import ThreadedServer

# Where a request came from, by its header: the host's name for itself, or the browser's.
VIA = script("via.js")


@pytest.fixture
def page(browser: Browser, site: ThreadedServer, upstream: Upstream) -> Page:
    """A tab that tells where its requests came from. Its own server is not granted."""
    browser.grant(upstream.url("/echo"), upstream.url("/sse"), upstream.url("/granted/"))
    page = browser.open(site.url("/"))
    page.add_script_tag(content=VIA)
    return page


def via(page: Page, target: str, init: str = "undefined") -> str:
    """Who sent the request of `fetch(target, init)`, or how it failed."""
    answer: str = page.evaluate(f"(target) => via(target, {init})", target)
    return answer


def test_granted_destinations_alone_go_through_longwire_until_it_is_undone(
    page: Page, upstream: Upstream, site: ThreadedServer
) -> None:
    assert via(page, upstream.url("/echo")) == "TypeError"
    page.evaluate("() => { window.before = fetch; window.undo = longwire.patch() }")
    assert via(page, upstream.url("/echo")) == "longwire"
    # Not granted, so the browser's own, which CORS stops; and the page's own server.
    assert via(page, upstream.url("/mirror")) == "TypeError"
    assert via(page, site.url("/echo")) == "browser"
    assert via(page, "/echo") == "browser"
    page.evaluate("undo()")
    assert page.evaluate("fetch === before")
    assert via(page, upstream.url("/echo")) == "TypeError"


def test_every_form_of_input_is_told_apart(page: Page, upstream: Upstream) -> None:
    page.evaluate("() => { longwire.patch() }")
    url = upstream.url("/echo")
    for form in ("url", "new URL(url)", "new Request(url)", "new Request(url, { method: 'POST', body: 'x' })", "[url]"):
        assert page.evaluate(f"(url) => via({form})", url) == "longwire", form
    for form in ("new Request('/echo')", "'/echo'", "new URL('/echo', location)"):
        assert page.evaluate(f"via({form})") == "browser", form
    for form in ("'http://['", "Symbol('s')", "undefined"):
        assert page.evaluate(f"fetch({form}).then(String, (error) => error.name)") in {"TypeError", "[object Response]"}


def test_a_first_call_takes_its_arguments_before_the_grants_are_known(page: Page, upstream: Upstream) -> None:
    result = page.evaluate(
        script("first_call.js"),
        upstream.url("/echo"),
    )
    assert result["used"] is True
    sent = page.evaluate(
        script("patched_headers.js"),
        upstream.url("/echo"),
    )
    assert {"user-agent": "mine", "x-a": "1", "content-type": "text/plain;charset=UTF-8"}.items() <= dict(sent).items()
    assert result["lengths"][0] == "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"


def test_a_marked_call_goes_through_longwire_whatever_is_selected(
    page: Page, upstream: Upstream, site: ThreadedServer
) -> None:
    page.evaluate("() => { longwire.patch({ select: 'marked' }) }")
    assert via(page, upstream.url("/echo")) == "TypeError"
    assert via(page, upstream.url("/echo"), "{ longwire: {} }") == "longwire"
    # Marked and denied is an error and not the browser's.
    assert via(page, site.url("/echo"), "{ longwire: {} }") == "POLICY_DENIED"


def test_what_accepts_an_event_stream_is_selected_by_that(page: Page, upstream: Upstream, site: ThreadedServer) -> None:
    page.evaluate("() => { longwire.patch({ select: 'event-streams' }) }")
    accept = "{ headers: { Accept: 'text/event-stream' } }"
    assert via(page, upstream.url("/echo")) == "TypeError"
    assert via(page, upstream.url("/echo"), accept) == "longwire"
    assert via(page, upstream.url("/echo"), "{ headers: [['accept', 'Text/Event-Stream, */*']] }") == "longwire"
    assert via(page, upstream.url("/echo"), "{ headers: new Headers({ accept: 'text/plain' }) }") == "TypeError"
    assert page.evaluate(f"(url) => via(new Request(url, {accept}))", upstream.url("/echo")) == "longwire"
    assert via(page, site.url("/echo"), accept) == "browser"


def test_named_destinations_narrow_what_is_granted(page: Page, upstream: Upstream) -> None:
    page.evaluate("(url) => { longwire.patch({ destinations: [url] }) }", upstream.url("/granted/"))
    assert via(page, upstream.url("/echo")) == "TypeError"
    page.evaluate("(url) => { longwire.patch({ destinations: [url] }) }", upstream.root)
    assert via(page, upstream.url("/echo")) == "longwire"
    assert via(page, upstream.url("/mirror")) == "TypeError"


def test_a_page_that_patches_again_learns_what_is_granted_now(
    browser: Browser, page: Page, upstream: Upstream, site: ThreadedServer
) -> None:
    page.evaluate("() => { longwire.patch() }")
    assert via(page, site.url("/echo")) == "browser"
    browser.grant(upstream.root, site.url("/"))
    page.evaluate("() => { longwire.patch() }")
    assert via(page, site.url("/echo")) == "longwire"


def test_patches_over_each_other_are_undone_in_any_order(page: Page, upstream: Upstream) -> None:
    page.evaluate(
        """() => {
            window.before = [fetch, EventSource]
            window.undoFirst = longwire.patch({ select: 'marked' })
            window.undoSecond = longwire.patch()
        }"""
    )
    assert via(page, upstream.url("/echo")) == "longwire"
    page.evaluate("() => { undoFirst(); undoFirst() }")
    assert via(page, upstream.url("/echo")) == "longwire"
    page.evaluate("undoSecond()")
    assert via(page, upstream.url("/echo")) == "TypeError"
    assert via(page, upstream.url("/echo"), "{ longwire: {} }") == "TypeError"


def test_what_the_page_put_over_it_stays_when_it_is_undone(page: Page) -> None:
    page.evaluate("() => { const undo = longwire.patch(); window.fetch = () => 'mine'; undo() }")
    assert page.evaluate("fetch()") == "mine"


NO_OPTIONS = [
    *("5", "null", "{ nonsense: 1 }", "{ select: 'some' }", "{ destinations: 'x' }", "{ destinations: ['x'] }"),
    *("{ timeouts: 5 }", "{ timeouts: { headerTimeout: 0 } }", "{ timeouts: { onUploadProgress() {} } }"),
]


def test_an_option_that_is_none_is_refused_and_changes_nothing(page: Page) -> None:
    for options in NO_OPTIONS:
        result = page.evaluate(
            f"""() => {{
                const before = fetch
                try {{ longwire.patch({options}) }} catch (error) {{ return [error.name, fetch === before] }}
            }}"""
        )
        assert result == ["TypeError", True], options


def test_the_timeouts_of_a_patch_are_those_of_calls_that_name_none(
    page: Page, browser: Browser, upstream: Upstream
) -> None:
    url = upstream.url("/fault/silent")
    browser.grant(url)
    texts = page.evaluate(
        script("patched_timeouts.js"),
        url,
    )
    assert [text.split()[0] for text in texts] == ["HEADER_TIMEOUT"] * 3
    assert [seconds in text for text, seconds in zip(texts, ("0.09 s", "0.09 s", "0.07 s"), strict=True)] == [True] * 3


def test_an_event_source_of_a_granted_destination(page: Page, upstream: Upstream, site: ThreadedServer) -> None:
    page.evaluate("() => { window.Before = EventSource; window.undo = longwire.patch() }")
    events = upstream.app.streams.channel()
    events.event("first", event_id="1")
    result = page.evaluate(
        script("patched_event_source.js"),
        upstream.url("/sse"),
    )
    assert result == ["first", "1", True, False, 1]
    result = page.evaluate(
        script("usual_event_sources.js"),
        [upstream.url("/sse"), site.url("/echo")],
    )
    assert result == [False, True, True, True]


def test_an_event_source_left_out(page: Page) -> None:
    unchanged = (
        "() => { const before = EventSource; longwire.patch({ eventSource: false }); return EventSource === before }"
    )
    assert page.evaluate(unchanged) is True


# --- without a host ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostless(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium with the extension, where nobody installed the host."""
    with running_browser(playwright, tmp_path_factory.mktemp("hostless"), install=False) as browser:
        yield browser


@pytest.mark.parametrize(
    ("options", "init", "far", "near"),
    [
        # Nobody knows what would be granted.
        ("{}", "{}", "TypeError", "browser"),
        ("{}", "{ longwire: {} }", "HOST_UNAVAILABLE", "HOST_UNAVAILABLE"),
        ("{ fallback: true }", "{ longwire: {} }", "TypeError", "browser"),
        ("{ destinations: NAMED }", "{}", "HOST_UNAVAILABLE", "HOST_UNAVAILABLE"),
        ("{ destinations: NAMED, fallback: true }", "{}", "TypeError", "browser"),
    ],
)
def test_without_a_host(
    hostless: Browser, site: ThreadedServer, upstream: Upstream, options: str, init: str, far: str, near: str
) -> None:
    page = hostless.open(site.url("/"))
    page.add_script_tag(content=VIA)
    given = options.replace("NAMED", f"['{upstream.root}', '{site.url('/echo')}']")
    page.evaluate(f"() => {{ longwire.patch({given}) }}")
    # The first call waits to hear of it, the others know.
    for _ in range(2):
        assert via(page, upstream.url("/echo"), init) == far
        assert via(page, site.url("/echo"), init) == near
    hostless.close_pages()


def test_a_fallback_sends_the_body_that_was_given(hostless: Browser, site: ThreadedServer) -> None:
    page = hostless.open(site.url("/"))
    result: dict[str, Any] = page.evaluate(script("fall_back_with_a_form.js"))
    assert result["method"] == "POST"
    assert result["bytes"] > 100
    hostless.close_pages()
