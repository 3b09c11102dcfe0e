"""Row 4: a page replaces and pollutes what it can before it uses the shim, and sees nothing of how the shim works."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# The page sets traps at every place where a careless script would come by, and then uses the shim with what it saved.
# The fragment says how it went: whoever looks through the page's own functions would fall into the traps.
TRAPPED = f"<!doctype html><title>polluted</title><script>{script('polluted_traps.js')}"
PAGE = f"{TRAPPED}{script('polluted_run.js')}</script>"


def ask(browser: Browser, site: str, url: str) -> tuple[Any, str]:
    """What a page with all its traps set gets from `url`, and which of them were sprung."""
    page = browser.open(f"{site}?{quote(url, safe='')}")
    # A question that does not go through the page's world.
    page.wait_for_url(re.compile("#"))
    answer, sprung = json.loads(unquote(page.url.partition("#")[2]))
    return answer, sprung


@pytest.fixture
def polluted(browser: Browser, upstream: Upstream) -> Iterator[str]:
    """The page's URL, in a browser that has put the shim into every page it will put it into."""
    app = make_app()
    app.site.put("/", "<!doctype html><title>first</title>")
    app.site.put("/polluted", PAGE)
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        browser.grant(upstream.root)
        # Once after its installation the worker injects the shim into what is open.
        assert browser.open(site.url("/")).evaluate(STATUS)["state"] == "ready"
        yield site.url("/polluted")


def test_a_polluted_page_gets_genuine_answers_and_springs_no_trap(
    browser: Browser, upstream: Upstream, polluted: str
) -> None:
    answer, sprung = ask(browser, polluted, upstream.url("/echo"))
    assert sprung == ""
    assert (answer["genuine"], answer["own"], answer["same"], answer["status"]) == (True, True, True, 200)
    assert json.loads(answer["text"])["method"] == "GET"
    (request,) = upstream.server.requests
    assert (request.method, request.path) == ("GET", "/echo")


def test_a_polluted_page_is_refused_in_the_same_words(browser: Browser, polluted: str) -> None:
    assert ask(browser, polluted, "https://elsewhere.test/") == ({"code": "POLICY_DENIED", "phase": "policy"}, "")


def test_the_traps_are_set(browser: Browser, polluted: str) -> None:
    """The other half of a list without entries."""
    answer, sprung = ask(browser, polluted, "careless")
    assert sprung == "read headers, called push"
    assert answer == "threw trapped in push"
