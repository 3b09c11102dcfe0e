"""`longwire/compat` in a page, over `longwire.fetch`, from the package as it is built."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.upstreams import bodies
from tests.upstreams.app import make_app
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

EXTENSION = Path(__file__).parents[2] / "extension"
PACKAGE = EXTENSION / "client-package" / "dist"
PARSER = EXTENSION / "node_modules" / "eventsource-parser" / "dist"

HTML = """<!doctype html><title>compat</title>
<script type="importmap">
{ "imports": { "longwire/compat": "/compat.js", "eventsource-parser": "/parser/index.js" } }</script>
<script type="module">window.compat = await import('longwire/compat'); window.ready = true</script>"""


@pytest.fixture
def page(browser: Browser, upstream: Upstream) -> Iterator[Page]:
    """A page with the names, told to post to the upstream."""
    app = make_app()
    app.site.put("/", HTML)
    for folder, below in ((PACKAGE, "/"), (PARSER, "/parser/")):
        for file in folder.glob("*.js"):
            app.site.put(f"{below}{file.name}", file.read_text("utf-8"))
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        browser.grant(upstream.root)
        page = browser.open(site.url("/"))
        page.wait_for_function("window.ready")
        page.evaluate(
            """(root) => compat.configure({ fetch: longwire.fetch, token: 'session-token',
                chatUrl: (id) => `${root}chats/${id}`, modelUrl: `${root}model` })""",
            upstream.root,
        )
        yield page


def test_a_chat_is_streamed_and_its_abort_reaches_the_server(page: Page, upstream: Upstream) -> None:
    upstream.app.routes.add("/chats/7", upstream.app.streams)
    events = upstream.app.streams.channel()
    page.evaluate(script("compat_chat.js"))
    for text in ("one", "two"):
        events.event(json.dumps({"type": "text", "data": text}))
        page.wait_for_function("(text) => seen.at(-1) === text", arg=text)
    page.evaluate("stop.abort()")
    assert page.evaluate("over") == "AbortError"
    upstream.run(upstream.server.connections[-1].wait_gone)
    (request,) = upstream.server.requests
    assert (request.method, request.header("authorization")) == ("POST", "Bearer session-token")


def test_a_model_is_asked_and_an_answer_is_fetched(page: Page, upstream: Upstream) -> None:
    asked: list[object] = []

    async def model(request: Request) -> None:
        asked.append(json.loads(await request.body()))
        answer = b'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\ndata: [DONE]\n\n'
        await bodies.respond(request.connection, answer, headers=[("Content-Type", "text/event-stream")])

    upstream.app.routes.add("/model", model)
    result = page.evaluate(
        script("compat_calls.js"),
        upstream.root,
    )
    assert result == {
        "chunks": ["Hello"],
        "whole": "Hello",
        "status": 200,
        "url": upstream.url("/echo"),
        "failed": "POLICY_DENIED",
    }
    assert asked == [{"stream": True, "model": "m", "messages": []}]
