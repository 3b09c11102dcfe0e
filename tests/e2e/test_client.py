"""The client library in real Chromium over the real host, and every example of its documentation under faults."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from longwire.demo.pages import EXAMPLE_ORIGIN, examples
from tests.e2e.browser import Browser
from tests.e2e.client import load_client
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.upstreams import bodies, uploads
from tests.upstreams.connection import Request
from tests.upstreams.threaded import ThreadedServer

PARTS = script("example_parts.js")

# What the examples import is put before them; a page of its own would have an import map. Not waited for: some go on.
RUN = script("run_example.js")

EVENT_STREAM = ("Content-Type", "text/event-stream")


@pytest.fixture
def client(page: Page) -> Page:
    """A page with the library, as `client`, and what the examples show things in."""
    load_client(page)
    page.evaluate(PARTS)
    return page


def run_example(page: Page, name: str, upstream: Upstream) -> None:
    """Run an example as it stands, but for the server's name."""
    codes = examples()
    page.evaluate(RUN, [codes["status"], codes[name].replace(f"{EXAMPLE_ORIGIN}/", upstream.root)])


def delta(text: str) -> str:
    """A piece of a chat completion."""
    return json.dumps({"choices": [{"delta": {"content": text}}]})


def test_a_chat_is_stopped_and_what_has_arrived_stays(client: Page, upstream: Upstream) -> None:
    upstream.app.routes.add("/v1/chat/completions", upstream.app.streams)
    events = upstream.app.streams.channel()
    run_example(client, "chat", upstream)
    for piece in ("Hel", "lo, ", "wörld"):
        events.event(delta(piece))
    expect(client.locator("#answer")).to_have_text("Hello, wörld")
    client.click("#stop")
    expect(client.locator("#chat-status")).to_have_text("cancelled")
    upstream.run(upstream.server.connections[-1].wait_gone)
    assert client.inner_text("#answer") == "Hello, wörld"
    (request,) = upstream.server.requests
    assert request.method == "POST" and request.header("content-type") == "application/json"


def test_a_chat_says_when_it_tries_again(client: Page, upstream: Upstream) -> None:
    async def busy(request: Request) -> None:
        await request.body()
        await bodies.respond(request.connection, b"", status=503, headers=[("Retry-After", "4")])

    upstream.app.routes.add("/v1/chat/completions", busy)
    run_example(client, "chat", upstream)
    expect(client.locator("#chat-status")).to_contain_text("The server answered 503")
    expect(client.locator("#chat-status")).to_contain_text(re.compile("retrying in [34] s"))
    client.click("#stop")
    expect(client.locator("#chat-status")).to_have_text("cancelled")
    assert len(upstream.server.requests) == 1


def test_a_feed_resumes_behind_the_last_event(client: Page, upstream: Upstream) -> None:
    asked: list[str | None] = []

    async def feed(request: Request) -> None:
        asked.append(request.header("last-event-id"))
        after = int(asked[-1] or 0)
        # Every connection breaks after two events, in the middle of the third.
        events = "".join(f"id: {number}\ndata: n{number}\n\n" for number in range(after + 1, min(after + 3, 6)))
        whole = after + 2 >= 5
        text = f"retry: 5\n{events}" + ("data: [DONE]\n\n" if whole else "id: 99\ndata: hal")
        await request.connection.send(bodies.head(200, [EVENT_STREAM, ("Transfer-Encoding", "chunked")]))
        await request.connection.send(bodies.chunk(text.encode()) + (b"0\r\n\r\n" if whole else b""))
        if not whole:
            request.connection.close()

    upstream.app.routes.add("/v1/feed", feed)
    run_example(client, "feed", upstream)
    expect(client.locator("#feed-status")).to_have_text("done")
    assert client.locator("#feed").evaluate("feed => feed.textContent") == "1 n1\n2 n2\n3 n3\n4 n4\n5 n5\n"
    assert asked == [None, "2", "4"]


def test_an_upload_shows_its_progress(client: Page, upstream: Upstream) -> None:
    upstream.app.routes.add("/v1/upload", uploads.echo)
    size = 8 << 20
    content = b"".join(bodies.seeded("upload", size))
    client.set_input_files("#file", {"name": "file", "mimeType": "application/octet-stream", "buffer": content})
    run_example(client, "upload", upstream)
    expect(client.locator("#upload-status")).to_contain_text(bodies.digest("upload", size))
    values: list[int] = client.evaluate("values")
    assert values == sorted(values) and len(set(values)) > 3 and values[-1] == size


def test_a_download_shows_its_progress(client: Page, upstream: Upstream) -> None:
    size = 8 << 20

    async def file(request: Request) -> None:
        digest = base64.b64encode(hashlib.sha256(bytes(size)).digest()).decode()
        await bodies.respond(request.connection, bytes(size), headers=[("Repr-Digest", f"sha-256=:{digest}:")])

    upstream.app.routes.add("/v1/download", file)
    run_example(client, "download", upstream)
    expect(client.locator("#download-status")).to_have_text(f"{size / (1 << 20):.1f} MiB, as announced")
    values: list[int] = client.evaluate("values")
    assert values == sorted(values) and len(set(values)) > 3 and values[-1] == size


def test_an_event_source_with_a_body_reconnects_with_its_last_event_id(client: Page, upstream: Upstream) -> None:
    asked: list[tuple[str, bytes, str | None]] = []

    async def feed(request: Request) -> None:
        last = request.header("last-event-id")
        asked.append((request.method, await request.body(), last))
        if len(asked) == 3:
            await bodies.respond(request.connection, b"", status=204)
        else:
            event = f"retry: 1\nid: é{len(asked)}\nevent: tick\ndata: {len(asked)}\n\n".encode()
            await bodies.respond(request.connection, event, headers=[EVENT_STREAM])

    upstream.app.routes.add("/feed", feed)
    seen = client.evaluate(
        script("event_source_with_a_body.js"),
        upstream.url("/feed"),
    )
    again = "ENDED_EARLY 0"
    assert seen == ["open", "1 é1", again, "open", "2 é2", again, "HTTP_STATUS 2"]
    assert [(method, body) for method, body, _ in asked] == [("POST", b"query")] * 3
    # Our server reads header bytes as Latin-1.
    assert [last and last.encode("latin-1").decode() for _, _, last in asked] == [None, "é1", "é2"]


def test_a_thousand_events_are_shown_in_few_frames_and_none_is_lost(client: Page, upstream: Upstream) -> None:
    calls, text = client.evaluate(
        script("text_by_frames.js"),
        upstream.url("/paced?events=1000&per_second=2000"),
    )
    assert text.count(".") == 1000
    assert 1 < calls < 500


def test_a_page_that_is_frozen_and_thawed_sends_nothing_again(
    client: Page, browser: Browser, upstream: Upstream
) -> None:
    events = upstream.app.streams.channel()
    client.evaluate(
        """(url) => {
            window.reading = client.stream(url, {}, { fetch: longwire.fetch, onText: () => {}, batch: 50 })
            window.over = reading.readToCompletion()
        }""",
        upstream.url("/sse"),
    )
    events.event("one ")
    client.wait_for_function("reading.text === 'one '")
    session = browser.context.new_cdp_session(client)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    events.event("two ")
    session.send("Page.setWebLifecycleState", {"state": "active"})
    events.event("three")
    events.end()
    assert client.evaluate("over.then(({ text }) => text)") == "one two three"
    assert len(upstream.server.requests) == 1


def test_what_the_policy_denies_is_asked_once(client: Page, browser: Browser, upstream: Upstream) -> None:
    ask = """(url) => client.stream(url, {}, { fetch: longwire.fetch, retry: { delay: 1 } }).readToCompletion().then(
        () => 'done', ({ code, category, retryable }) => ({ code, category, retryable }))"""
    assert client.evaluate(ask, upstream.url("/paced?events=1")) == "done"
    # The grant is taken back while the page is open.
    write_policy(browser.home, "version = 1\n")
    denied = {"code": "POLICY_DENIED", "category": "POLICY", "retryable": False}
    assert client.evaluate(ask, upstream.url("/paced?events=1")) == denied
    assert len(upstream.server.requests) == 1


def test_a_post_that_the_server_has_is_not_sent_again_when_the_host_is_lost(
    client: Page, browser: Browser, upstream: Upstream
) -> None:
    client.evaluate(
        """(url) => {
            const init = { method: 'POST', body: 'order one' }
            const reading = client.stream(url, init, { fetch: longwire.fetch, retry: { delay: 1 } })
            window.over = reading.readToCompletion().then(() => 'done', ({ code }) => code)
        }""",
        upstream.url("/fault/silent"),
    )
    upstream.run(lambda: upstream.server.wait_requests(1))
    (host,) = browser.hosts()
    host.kill()
    assert client.evaluate("over") == "HOST_LOST"
    assert len(upstream.server.requests) == 1


def test_a_page_that_goes_away_ends_its_streams(client: Page, site: ThreadedServer, upstream: Upstream) -> None:
    events = upstream.app.streams.channel()
    client.evaluate(
        """(url) => {
            window.reading = client.stream(url, {}, { fetch: longwire.fetch })
            window.over = reading.readToCompletion()
        }""",
        upstream.url("/sse"),
    )
    events.event("one")
    client.wait_for_function("reading.text === 'one'")
    client.goto(site.url("/blank"))
    upstream.run(upstream.server.connections[-1].wait_gone)


def test_a_body_that_fails_is_told_apart_and_never_sent_again(client: Page, upstream: Upstream) -> None:
    error = client.evaluate(
        script("send_failing.js"),
        upstream.url("/mirror"),
    )
    assert error == {"code": "UPLOAD_FAILED", "category": "NETWORK", "cause": "the source failed"}
    assert len(upstream.server.requests) <= 1


def test_an_endless_body_is_let_go_of_with_its_stream(client: Page, upstream: Upstream) -> None:
    ended: Any = client.evaluate(
        script("endless_body.js"),
        upstream.url("/mirror"),
    )
    assert ended == [True, "ended"]
    # None, if the host was told before it had connected.
    for connection in upstream.server.connections:
        upstream.run(connection.wait_gone)


def test_the_header_timeout_of_a_stream_is_the_hosts_too(client: Page, upstream: Upstream) -> None:
    error = client.evaluate(
        script("client_header_timeout.js"),
        upstream.url("/fault/silent"),
    )
    assert error["code"] == "HEADER_TIMEOUT", error
    assert "headerTimeout" in error["message"]


def test_an_error_of_a_server_is_told_in_its_own_words(client: Page, upstream: Upstream) -> None:
    async def refuse(request: Request) -> None:
        body = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
        await bodies.respond(request.connection, body, status=429, headers=[("Content-Type", "application/json")])

    upstream.app.routes.add("/v1/chat/completions", refuse)
    run_example(client, "chat", upstream)
    expect(client.locator("#chat-status")).to_contain_text("The server answered 429")
    expect(client.locator("#chat-status")).to_contain_text(": You exceeded your current quota")
    assert len(upstream.server.requests) == 1
