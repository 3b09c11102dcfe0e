"""Every error code as a page gets it: typed, before the headers as a rejection, after them through the body."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from longwire.protocol.errors import ErrorCode, Phase
from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.e2e.typed import SHOWN, Where, assert_failed, assert_typed, shows
from tests.host_process import write_policy
from tests.slices import sliced
from tests.upstreams import bodies, faults, redirects
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.tls import Authority

SECRET = "a-secret-of-more-than-12-bytes"


def fetch_text(page: Page, url: str, init: dict[str, Any] | None = None) -> dict[str, Any]:
    """Fetch `url` in the page and read it to its end, whatever that is."""
    result: dict[str, Any] = page.evaluate("([url, init]) => fetchText(url, init)", [url, init or {}])
    return result


# --- what an upstream does, with a plain grant ------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A target of the upstream, and how asking for it fails."""

    target: str
    code: ErrorCode
    where: Where
    phase: Phase
    says: str
    longwire: dict[str, int] = field(default_factory=dict)
    init: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Names the case in a report."""
        return f"{self.target} {self.code}"


def before_headers(target: str, code: ErrorCode, says: str, **more: Any) -> Case:
    """The promise of `fetch` is rejected."""
    return Case(target, code, "headers", Phase.HEADERS, says, **more)


def in_body(target: str, code: ErrorCode, says: str, **more: Any) -> Case:
    """There is a response, and its stream errors."""
    return Case(target, code, "body", Phase.BODY, says, **more)


CASES = [
    before_headers("/fault/reset-at-once", ErrorCode.UPSTREAM_RESET, "broke the connection before it answered"),
    before_headers("/fault/close-at-once", ErrorCode.UPSTREAM_RESET, "closed the connection before it answered"),
    before_headers("/fault/head-cut", ErrorCode.UPSTREAM_RESET, "before it answered"),
    before_headers("/fault/garbage", ErrorCode.UPSTREAM_PROTOCOL, "not valid HTTP/1.1"),
    before_headers("/fault/head-oversize", ErrorCode.UPSTREAM_PROTOCOL, "256 KiB"),
    before_headers("/fault/length-and-chunked", ErrorCode.UPSTREAM_PROTOCOL, ""),
    before_headers("/fault/switching", ErrorCode.UPSTREAM_PROTOCOL, ""),
    before_headers("/fault/silent", ErrorCode.HEADER_TIMEOUT, "headerTimeout", longwire={"headerTimeout": 80}),
    before_headers("/fault/head-endless", ErrorCode.UPSTREAM_PROTOCOL, "256 KiB"),
    before_headers("/fault/head-drip", ErrorCode.HEADER_TIMEOUT, "0.08 s", longwire={"headerTimeout": 80}),
    before_headers("/fault/silent", ErrorCode.TOTAL_TIMEOUT, "totalTimeout", longwire={"totalTimeout": 80}),
    before_headers("/countdown?n=11", ErrorCode.TOO_MANY_REDIRECTS, "10 redirects"),
    before_headers("/countdown?n=1", ErrorCode.REDIRECT_DENIED, '"error"', init={"redirect": "error"}),
    before_headers(
        redirects.to("http://elsewhere.invalid/"), ErrorCode.REDIRECT_DENIED, "a redirect was not followed: no grant"
    ),
    before_headers(redirects.to("ftp://127.0.0.1/"), ErrorCode.REDIRECT_DENIED, "neither http nor https"),
    before_headers(redirects.to("//user:pass@127.0.0.1/"), ErrorCode.REDIRECT_DENIED, "user name or password"),
    before_headers(redirects.to("http://["), ErrorCode.UPSTREAM_PROTOCOL, "not a URL"),
    in_body("/fault/length-reset", ErrorCode.UPSTREAM_RESET, "inside the body"),
    in_body("/fault/length-cut", ErrorCode.UPSTREAM_TRUNCATED, "before the announced end"),
    in_body("/fault/chunked-cut", ErrorCode.UPSTREAM_TRUNCATED, "before the announced end"),
    in_body("/fault/chunked-bad", ErrorCode.UPSTREAM_PROTOCOL, "framing of the body"),
    in_body("/fault/body-silent", ErrorCode.IDLE_TIMEOUT, "idleTimeout", longwire={"idleTimeout": 80}),
    in_body("/fault/body-silent", ErrorCode.TOTAL_TIMEOUT, "totalTimeout", longwire={"totalTimeout": 80}),
    in_body("/coded?coding=gzip&cut=1", ErrorCode.DECODE_FAILED, ""),
    in_body("/coded?coding=deflate&cut=1", ErrorCode.DECODE_FAILED, ""),
    in_body("/coded?coding=br&cut=1", ErrorCode.DECODE_FAILED, ""),
    in_body("/coded?coding=zstd&cut=1", ErrorCode.DECODE_FAILED, ""),
]


# Each code in each phase, by each text of its own; what else leads to one has its test beside the host's client.
SOME = [
    case.id
    for case in CASES
    if case.target
    not in {
        "/fault/head-cut",
        "/fault/head-oversize",
        "/fault/length-and-chunked",
        "/fault/switching",
        "/fault/head-drip",
        "/fault/chunked-cut",
        "/coded?coding=deflate&cut=1",
        "/coded?coding=br&cut=1",
        "/coded?coding=zstd&cut=1",
    }
]


@shows(*(case.code for case in CASES))
@pytest.mark.parametrize("case", sliced({case.id: case for case in CASES}, *SOME))
def test_a_fault_of_the_upstream_reaches_the_page_typed(page: Page, upstream: Upstream, case: Case) -> None:
    result = fetch_text(page, upstream.url(case.target), {**case.init, "longwire": case.longwire})
    assert_failed(result, case.where, case.code, case.phase, case.says)


READERS = {
    "text": "(response) => response.text()",
    "json": "(response) => response.json()",
    "arrayBuffer": "(response) => response.arrayBuffer()",
    "bytes": "(response) => response.bytes()",
    "blob": "(response) => response.blob()",
    "formData": "(response) => response.formData()",
    "clone": "(response) => response.clone().text()",
    "iteration": "async (response) => { for await (const _ of response.body); }",
    "pipe": "(response) => response.body.pipeTo(new WritableStream())",
    "transform": "async (response) => { for await (const _ of response.body.pipeThrough(new TextDecoderStream())); }",
    "tee": "async (response) => { for await (const _ of response.body.tee()[1]); }",
    "byob": """async (response) => {
        const reader = response.body.getReader({ mode: 'byob' })
        while (!(await reader.read(new Uint8Array(100))).done);
    }""",
}


# A method of the response, and each way to its stream.
@pytest.mark.parametrize("reader", sliced(READERS, "text", "clone", "iteration", "pipe", "tee", "byob"))
def test_the_error_of_a_body_is_the_same_whichever_way_it_is_read(page: Page, upstream: Upstream, reader: str) -> None:
    result = page.evaluate(
        f"async (url) => outcome(({reader})(await longwire.fetch(url)))", upstream.url("/fault/length-cut")
    )
    assert_typed(result["error"], ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY, "announced end")


def test_bytes_before_the_failure_are_delivered_and_the_error_stays(page: Page, upstream: Upstream) -> None:
    result = page.evaluate(
        script("read_on_after_an_error.js"),
        upstream.url("/fault/length-cut"),
    )
    assert result["text"] == "half"
    assert_typed(result["first"]["error"], ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY)
    assert result["second"] == result["first"]


# --- the way to the upstream --------------------------------------------------------------------------------------


@shows(ErrorCode.UPSTREAM_DNS)
def test_a_name_that_does_not_exist(browser: Browser, page: Page) -> None:
    browser.grant("http://nowhere.longwire.invalid/")
    result = fetch_text(page, "http://nowhere.longwire.invalid/")
    says = "nowhere.longwire.invalid did not resolve"
    assert_failed(result, "headers", ErrorCode.UPSTREAM_DNS, Phase.CONNECT, says)


@shows(ErrorCode.UPSTREAM_CONNECT)
def test_a_server_that_is_not_there(browser: Browser, page: Page) -> None:
    with faults.refusing_port() as port:
        browser.grant(f"http://127.0.0.1:{port}/")
        result = fetch_text(page, f"http://127.0.0.1:{port}/")
    says = f"127.0.0.1:{port} refused the connection"
    assert_failed(result, "headers", ErrorCode.UPSTREAM_CONNECT, Phase.CONNECT, says)


@shows(ErrorCode.HEADER_TIMEOUT)
def test_a_server_that_does_not_answer_the_connection(browser: Browser, page: Page) -> None:
    with faults.unanswering_port() as port:
        browser.grant(f"http://127.0.0.1:{port}/")
        result = fetch_text(page, f"http://127.0.0.1:{port}/", {"longwire": {"headerTimeout": 80}})
    assert_failed(result, "headers", ErrorCode.HEADER_TIMEOUT, Phase.CONNECT, "0.08 s")


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Nobody trusts it but the grants that name it."""
    return Authority()


@dataclass(frozen=True)
class Tls:
    """A TLS server's root, and the grant line that makes its authority trusted."""

    threaded: ThreadedServer
    trusted: str

    @property
    def root(self) -> str:
        """As a grant's destination."""
        return self.threaded.url("/")


OpenTls = Callable[..., Tls]


@pytest.fixture
def open_tls(authority: Authority, tmp_path: Path) -> Iterator[OpenTls]:
    """A server with a certificate of `authority`; arguments as `Authority.server_context`."""
    running: list[ThreadedServer] = []

    def start(*names: str, expired: bool = False) -> Tls:
        context = authority.server_context(*names, expired=expired)
        routes = Routes({"/redirect": redirects.redirect, "/": faults.raw(bodies.head(204))})
        threaded = ThreadedServer(lambda: Server(routes, context=context)).__enter__()
        running.append(threaded)
        return Tls(threaded, f"ca_file = '{authority.write_ca(tmp_path)}'")

    yield start
    for threaded in running:
        threaded.__exit__(None, None, None)


def test_a_certificate_of_the_grants_own_authority_is_trusted(browser: Browser, page: Page, open_tls: OpenTls) -> None:
    server = open_tls()
    browser.grant(server.root, more=server.trusted)
    assert fetch_text(page, server.root) == {"where": "done", "status": 204, "text": ""}


@shows(ErrorCode.UPSTREAM_TLS)
def test_a_certificate_that_nobody_vouches_for(browser: Browser, page: Page, open_tls: OpenTls) -> None:
    server = open_tls()
    browser.grant(server.root)
    result = fetch_text(page, server.root)
    says = "an authority that this machine does not trust"
    assert_failed(result, "headers", ErrorCode.UPSTREAM_TLS, Phase.CONNECT, says)


def test_an_expired_certificate(browser: Browser, page: Page, open_tls: OpenTls) -> None:
    server = open_tls(expired=True)
    browser.grant(server.root, more=server.trusted)
    result = fetch_text(page, server.root)
    assert_failed(result, "headers", ErrorCode.UPSTREAM_TLS, Phase.CONNECT, "has expired")


def test_a_certificate_for_another_name(browser: Browser, page: Page, open_tls: OpenTls) -> None:
    server = open_tls("elsewhere.example")
    browser.grant(server.root, more=server.trusted)
    result = fetch_text(page, server.root)
    assert_failed(result, "headers", ErrorCode.UPSTREAM_TLS, Phase.CONNECT, "not for this IP address")


@shows(ErrorCode.REDIRECT_DENIED)
def test_a_redirect_from_https_to_http_although_both_are_granted(
    browser: Browser, page: Page, upstream: Upstream, open_tls: OpenTls
) -> None:
    server = open_tls()
    browser.grant(server.root, upstream.root, more=server.trusted)
    result = fetch_text(page, server.threaded.url(redirects.to(upstream.url("/echo"))))
    assert_failed(result, "headers", ErrorCode.REDIRECT_DENIED, Phase.HEADERS, "from https to http")
    assert upstream.server.requests == []


# --- the policy -----------------------------------------------------------------------------------------------------


@shows(ErrorCode.POLICY_DENIED)
def test_what_no_grant_allows(browser: Browser, page: Page, upstream: Upstream) -> None:
    browser.grant(upstream.url("/granted/"))
    result = fetch_text(page, upstream.url("/other"))
    says = 'nearest is grant "test": the path is not under /granted/'
    assert_failed(result, "headers", ErrorCode.POLICY_DENIED, Phase.POLICY, says)
    result = fetch_text(page, upstream.url("/granted/"), {"method": "DELETE"})
    assert_failed(result, "headers", ErrorCode.POLICY_DENIED, Phase.POLICY, "its methods are GET")
    assert upstream.server.connections == []


def test_a_refusal_is_a_line_of_the_pages_console_and_no_other_failure_is(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    lines: list[tuple[str, str]] = []
    page.on("console", lambda line: lines.append((line.type, line.text)))
    # What a page does with its own console changes nothing, and tells it nothing.
    page.evaluate("void (console.error = (...all) => { (window.overheard ??= []).push(all) })")
    browser.grant(upstream.url("/granted/"))
    refused = fetch_text(page, upstream.url("/other?q=1"))["error"]["message"]
    broken = fetch_text(page, upstream.url("/granted/../fault/length-cut"))
    assert broken["error"]["code"] == "POLICY_DENIED"
    browser.grant(upstream.root)
    assert fetch_text(page, upstream.url("/fault/length-cut"))["error"]["code"] == "UPSTREAM_TRUNCATED"
    assert fetch_text(page, upstream.url("/echo"))["where"] == "done"
    assert lines[0] == ("error", f"Longwire refused GET {upstream.url('/other?q=1')} (POLICY_DENIED): {refused}")
    assert [kind for kind, _ in lines] == ["error", "error"]
    assert page.evaluate("window.overheard") is None


def test_an_address_outside_the_grants_network(browser: Browser, page: Page, upstream: Upstream) -> None:
    browser.grant(upstream.root)
    policy = browser.home / "config" / "longwire" / "policy.toml"
    policy.write_text(policy.read_text().replace("'loopback'", "'public'"))
    result = fetch_text(page, upstream.root)
    says = 'a loopback address, and the grant says network = "public"'
    assert_failed(result, "headers", ErrorCode.POLICY_DENIED, Phase.CONNECT, says)
    assert upstream.server.connections == []


def test_no_policy_file_at_all(browser: Browser, page: Page, upstream: Upstream) -> None:
    (browser.home / "config" / "longwire" / "policy.toml").unlink()
    result = fetch_text(page, upstream.root)
    assert_failed(result, "headers", ErrorCode.POLICY_DENIED, Phase.POLICY, "there is no policy file")


@shows(ErrorCode.POLICY_INVALID)
def test_a_policy_file_with_a_typo_names_line_and_field_and_mends_without_a_restart(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    browser.grant(upstream.root, more="metods = ['GET']")
    written = (browser.home / "config" / "longwire" / "policy.toml").read_text().splitlines()
    result = fetch_text(page, upstream.url("/echo"))
    line = written.index("metods = ['GET']") + 1
    says = f"line {line}, field grant[0].metods"
    assert_failed(result, "headers", ErrorCode.POLICY_INVALID, Phase.POLICY, says)
    assert str(browser.home) not in result["error"]["message"]
    status = page.evaluate(STATUS)
    assert status["state"] == "policy-invalid"
    assert status["destinations"] == []
    (host,) = browser.hosts()
    browser.grant(upstream.root)
    assert fetch_text(page, upstream.url("/echo"))["where"] == "done"
    assert browser.hosts() == [host]


@shows(ErrorCode.SECRET_UNAVAILABLE)
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("file = '/nonexistent/key'", 'secret "key" does not exist'),
        ("env = 'LONGWIRE_TEST_KEY'", 'secret "key" is not set'),
    ],
)
def test_a_secret_that_is_not_there(browser: Browser, page: Page, upstream: Upstream, source: str, says: str) -> None:
    browser.grant(upstream.root, more=f"inject = {{ Authorization = 'Bearer {{secret:key}}' }}\n[secret.key]\n{source}")
    result = fetch_text(page, upstream.url("/echo"))
    assert_failed(result, "headers", ErrorCode.SECRET_UNAVAILABLE, Phase.POLICY, says)
    assert upstream.server.connections == []


async def reflect_in_header(request: Request) -> None:
    """What was in Authorization, in a header of the response."""
    value = request.header("authorization") or ""
    await bodies.respond(request.connection, b"body", headers=[("X-Debug", value)])


@shows(ErrorCode.SECRET_REFLECTED)
@pytest.mark.parametrize(("target", "where", "phase"), [("/echo", "body", "body"), ("/header", "headers", "headers")])
def test_a_secret_that_the_server_sends_back(
    browser: Browser, page: Page, upstream: Upstream, target: str, where: Where, phase: Phase
) -> None:
    upstream.app.routes.add("/header", reflect_in_header)
    key = browser.home / "key"
    key.write_text(f"{SECRET}\n")
    key.chmod(0o600)
    browser.grant(
        upstream.root, more=f"inject = {{ Authorization = 'Bearer {{secret:key}}' }}\n[secret.key]\nfile = '{key}'"
    )
    result = fetch_text(page, upstream.url(target))
    assert_failed(result, where, ErrorCode.SECRET_REFLECTED, phase, 'of the grant "test" back')
    (request,) = upstream.server.requests
    assert request.header("authorization") == f"Bearer {SECRET}"
    assert SECRET not in str(result)
    assert SECRET not in browser.logs()


@shows(ErrorCode.BODY_TOO_LARGE)
def test_a_body_over_the_grants_limit(browser: Browser, page: Page, upstream: Upstream) -> None:
    browser.grant(upstream.root, more="limits = { bytes = 100000 }")
    assert len(fetch_text(page, upstream.url("/bytes?size=100000"))["text"]) > 0
    result = fetch_text(page, upstream.url("/bytes?size=100001"))
    assert_failed(result, "body", ErrorCode.BODY_TOO_LARGE, Phase.BODY, "100000 bytes")


@shows(ErrorCode.LIMIT_EXCEEDED)
@pytest.mark.parametrize(("limit", "says"), [("streams", "1 streams at once"), ("requests_per_minute", "per minute")])
def test_a_limit_of_the_grant(browser: Browser, page: Page, upstream: Upstream, limit: str, says: str) -> None:
    # A grant of its own name, because the host counts by name as long as it lives.
    write_policy(
        browser.home,
        f"version = 1\n[[grant]]\nname = '{limit}'\npages = ['http://localhost:*']\n"
        f"destinations = ['{upstream.root}']\nmethods = ['GET']\nnetwork = 'loopback'\nlimits = {{ {limit} = 1 }}\n",
    )
    page.evaluate("async (url) => { window.first = await longwire.fetch(url) }", upstream.url("/fault/body-silent"))
    result = fetch_text(page, upstream.url("/echo"))
    assert_failed(result, "headers", ErrorCode.LIMIT_EXCEEDED, Phase.POLICY, says)
    assert len(upstream.server.requests) == 1


# --- the request ----------------------------------------------------------------------------------------------------


@shows(ErrorCode.PROTOCOL)
def test_more_header_characters_than_a_message_may_have(page: Page, upstream: Upstream) -> None:
    headers = {"a": "x" * 60_000, "b": "y" * 60_000}
    result = fetch_text(page, upstream.url("/echo"), {"headers": headers})
    assert_failed(result, "headers", ErrorCode.PROTOCOL, Phase.POLICY, "the limit is 98304")
    result = fetch_text(page, upstream.url("/echo"), {"headers": {"a": "x" * 70_000}})
    assert_failed(result, "headers", ErrorCode.PROTOCOL, Phase.POLICY)
    assert upstream.server.requests == []


@shows(ErrorCode.UPLOAD_FAILED)
def test_a_request_body_whose_source_fails(page: Page, upstream: Upstream) -> None:
    result = page.evaluate(
        script("failing_source.js"),
        upstream.url("/echo"),
    )
    assert_typed(result, ErrorCode.UPLOAD_FAILED, Phase.HEADERS, "its source failed")
    assert result["cause"] == "RangeError: the source broke"
    (connection,) = upstream.server.connections
    upstream.run(connection.wait_gone)


def test_a_request_body_whose_source_fails_after_the_headers(page: Page, upstream: Upstream) -> None:
    async def answer_at_once(request: Request) -> None:
        await request.connection.send(bodies.head(200, [("Content-Length", "1000")]) + b"half")
        await request.connection.gone.wait()

    upstream.app.routes.add("/at-once", answer_at_once)
    result = page.evaluate(
        script("source_that_breaks.js"),
        upstream.url("/at-once"),
    )
    assert_typed(result["error"], ErrorCode.UPLOAD_FAILED, Phase.BODY, "its source failed")
    (connection,) = upstream.server.connections
    upstream.run(connection.wait_gone)


def test_a_server_that_breaks_off_inside_a_request_body(page: Page, upstream: Upstream) -> None:
    async def reset_after_first_piece(request: Request) -> None:
        async for _ in request.pieces():
            request.connection.reset()
            return

    upstream.app.routes.add("/reset", reset_after_first_piece)
    result = page.evaluate(
        """(url) => outcome(longwire.fetch(url, { method: 'POST', body: new Uint8Array(8 << 20) }))""",
        upstream.url("/reset"),
    )
    assert_typed(result["error"], ErrorCode.UPLOAD_FAILED, Phase.HEADERS, "a limit on request size")


# --- all of them ----------------------------------------------------------------------------------------------------


def test_every_code_is_shown_to_a_page_by_some_test() -> None:
    # Also when this file runs alone.
    for file in Path(__file__).parent.glob("test_*.py"):
        if "@shows(" in file.read_text():
            importlib.import_module(f"tests.e2e.{file.stem}")
    assert sorted(SHOWN) == sorted(ErrorCode)
