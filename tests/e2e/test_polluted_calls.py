"""Every kind of call on a page that has replaced what it could (see `test_row_04_polluted_page`): no trap is sprung."""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.e2e.test_row_04_polluted_page import TRAPPED
from tests.upstreams.app import make_app
from tests.upstreams.scripted import Scripted
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# What the page needs for a call, it saved before it set its traps; it inherits nothing from what it polluted.
SAVED = script("polluted_calls.js")

CONTENT = b"content"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"


@pytest.fixture
def polluted(browser: Browser, upstream: Upstream) -> Iterator[str]:
    """The page's URL, in a browser that has put the shim into every page it will put it into."""
    for path, handler in Scripted().routes.items():
        upstream.app.routes.add(path, handler)
    calls = (
        SAVED.replace("ROOT", upstream.root)
        .replace("INTEGRITY", f"sha256-{b64encode(hashlib.sha256(CONTENT).digest()).decode()}")
        .replace("HEAD&", f"{quote(b64encode(HEAD).decode())}&")
        .replace("BODY", quote(b64encode(CONTENT).decode()))
    )
    app = make_app()
    app.site.put("/", "<!doctype html><title>first</title>")
    app.site.put("/polluted", f"{TRAPPED}{calls}</script>")
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        browser.grant(upstream.root)
        assert browser.open(site.url("/")).evaluate(STATUS)["state"] == "ready"
        yield site.url("/polluted")


def ask(browser: Browser, polluted: str, name: str) -> Any:
    """What the page gets, no trap having been sprung."""
    page = browser.open(f"{polluted}?{name}")
    page.wait_for_url(re.compile("#"))
    answer, sprung = json.loads(unquote(page.url.partition("#")[2]))
    assert sprung == ""
    return answer


@pytest.mark.parametrize(
    ("name", "sent"),
    [("text", b"text"), ("bytes", bytes(600_000)), ("stream", b"streamed"), ("blob", b"blob"), ("patched", b"")],
)
def test_a_body_arrives_as_it_was(browser: Browser, polluted: str, name: str, sent: bytes) -> None:
    answer = ask(browser, polluted, name)
    assert json.loads(answer["text"])["sha256"] == hashlib.sha256(sent).hexdigest()
    assert answer["progress"] == (len(sent) if name == "bytes" else 0)
    assert (answer["end"] or {}).get("bytes") == (len(answer["text"]) if name == "bytes" else None)


def test_a_form_and_headers_arrive_as_they_were(browser: Browser, polluted: str) -> None:
    seen = json.loads(ask(browser, polluted, "form")["text"])
    assert seen["bytes"] > 100
    assert ["x-a", "1"] in seen["headers"]


def test_an_abort_rejects_with_its_reason(browser: Browser, polluted: str) -> None:
    assert ask(browser, polluted, "aborted") == {"rejected": "mine", "retryable": False}


def test_a_source_that_fails_is_told_typed(browser: Browser, polluted: str) -> None:
    assert ask(browser, polluted, "failing") == {"rejected": "UPLOAD_FAILED", "retryable": False}


def test_integrity_is_checked(browser: Browser, polluted: str) -> None:
    answer = ask(browser, polluted, "integrity")
    assert (answer["type"], answer["status"], answer["text"]) == ("basic", 200, "content")


def test_a_redirect_in_mode_manual_says_nothing_of_itself(browser: Browser, polluted: str) -> None:
    answer = ask(browser, polluted, "manual")
    assert (answer["type"], answer["status"], answer["text"]) == ("opaqueredirect", 0, "")


def test_caches_are_told(browser: Browser, polluted: str) -> None:
    seen = json.loads(ask(browser, polluted, "cache")["text"])
    assert {name.lower(): value for name, value in seen["headers"]}["cache-control"] == "no-cache"
