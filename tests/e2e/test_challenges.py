"""A server that asks who is there: the page reads its challenge, and the browser asks nobody for a password."""

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.upstreams import bodies
from tests.upstreams.connection import Request

BEARER = 'Bearer error="insufficient_scope", scope="files:read", resource_metadata="https://mcp.test/.well-known/x"'
CHALLENGES = [BEARER, 'Basic realm="a prompt"', 'Digest realm="x", nonce="1", qop="auth"', "Negotiate"]
ASK = """([url, credentials]) => fetchOf[0](url, { credentials }).then(async (response) =>
    [response.status, response.headers.get('www-authenticate'), await response.text()])"""


async def challenge(request: Request) -> None:
    """Answer with the challenge that the query names."""
    fields = [("WWW-Authenticate", request.query["challenge"])]
    await bodies.respond(request.connection, b"who?", status=401, headers=fields)


class Prompts:
    """What the browser would ask a person for, of one page: each is cancelled."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self.asked = 0
        self._session = browser.context.new_cdp_session(page)
        self._session.on("Fetch.authRequired", self._cancel)
        self._session.on("Fetch.requestPaused", self._go_on)
        self._session.send("Fetch.enable", {"handleAuthRequests": True})

    def _go_on(self, event: dict[str, str]) -> None:
        self._session.send("Fetch.continueRequest", {"requestId": event["requestId"]})

    def _cancel(self, event: dict[str, str]) -> None:
        self.asked += 1
        answer = {"requestId": event["requestId"], "authChallengeResponse": {"response": "CancelAuth"}}
        self._session.send("Fetch.continueWithAuth", answer)


@pytest.mark.parametrize("credentials", ["omit", "include"])
def test_a_challenge_reaches_the_page_and_nobody_is_asked_for_a_password(
    browser: Browser, page: Page, upstream: Upstream, credentials: str
) -> None:
    upstream.app.routes.add("/challenge", challenge)
    prompts = Prompts(browser, page)
    for text in CHALLENGES:
        query = page.evaluate("(text) => `/challenge?challenge=${encodeURIComponent(text)}`", text)
        page.evaluate("() => { window.fetchOf = [longwire.fetch] }")
        assert page.evaluate(ASK, [upstream.url(query), credentials]) == [401, text, "who?"]
        page.evaluate("() => { longwire.patch(); window.fetchOf = [window.fetch] }")
        assert page.evaluate(ASK, [upstream.url(query), credentials]) == [401, text, "who?"]
    assert prompts.asked == 0
    assert len(upstream.server.requests) == 2 * len(CHALLENGES)


def test_the_browsers_own_fetch_would_have_asked(browser: Browser, page: Page, upstream: Upstream) -> None:
    upstream.app.routes.add("/challenge", challenge)
    page.goto(upstream.url("/blank"))
    prompts = Prompts(browser, page)
    url = upstream.url("/challenge?challenge=Basic")
    assert page.evaluate("(url) => fetch(url).then(({ status }) => status)", url) == 401
    assert prompts.asked == 1
