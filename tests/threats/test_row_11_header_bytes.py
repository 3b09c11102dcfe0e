"""Row 11: a page injects header bytes, overrides Host, smuggles a second request, probes what is injected."""

import pytest

from longwire.protocol.errors import ErrorCode
from tests.threats.conftest import MakeGranted
from tests.upstreams import bodies
from tests.upstreams.connection import Request


async def plain(request: Request) -> None:
    """An ordinary answer."""
    await request.body()
    await bodies.respond(request.connection, b"ok")


@pytest.mark.parametrize(
    "pair",
    [
        ("X-A", "b\r\nHost: evil.test"),
        ("X-A", "b\nGET /admin HTTP/1.1"),
        ("X-A", "b\0"),
        ("X-A\r\nHost", "evil.test"),
        ("X-A:", "b"),
        ("Host", "evil.test"),
        ("hOST", "evil.test"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("transfer-ENCODING", "identity, chunked"),
        ("Connection", "keep-alive, Authorization"),
        ("TE", "trailers"),
        ("Upgrade", "websocket"),
        ("Expect", "100-continue"),
        ("Proxy-Authorization", "Basic x"),
        ("X-HTTP-Method-Override", "CONNECT"),
        ("X_HTTP_Method_Override", "TRACE"),
        ("Content_Length", "0"),
        ("transfer_encoding", "chunked"),
        ("Proxy_Authorization", "Basic x"),
        ("X-Original-URL", "/admin"),
        ("x_rewrite_url", "/admin"),
    ],
)
async def test_no_byte_of_such_a_request_leaves(granted: MakeGranted, pair: tuple[str, str]) -> None:
    site = await granted(plain)
    answer = await site.host.ask(site.url, method="POST", body=b"x", headers=[pair])
    assert answer.code is ErrorCode.PROTOCOL
    assert site.server.connections == []


async def test_a_method_that_is_not_granted_is_asked_for_in_no_spelling(granted: MakeGranted) -> None:
    site = await granted(plain)
    for name in ("X-HTTP-Method-Override", "x_http_method_override", "X-Method_Override", "x-http-METHOD"):
        answer = await site.host.ask(site.url, method="POST", body=b"x", headers=[(name, "DELETE")])
        assert answer.code is ErrorCode.POLICY_DENIED, name
    assert site.server.connections == []


async def test_a_page_writes_beside_an_injected_field_in_no_spelling(granted: MakeGranted) -> None:
    """A server that reads fields as variables would take `X_Api_Key` for the one that was injected."""
    more = 'inject.X-Api-Key = "{secret:key}"'
    site = await granted(plain, inject=more)
    for name in ("x-api-key", "X_Api_Key", "x_api-key"):
        assert (await site.host.ask(site.url, headers=[(name, "mine")])).code is None
    for request in site.server.requests:
        seen = [value for name, value in request.headers if name.lower().replace("_", "-") == "x-api-key"]
        assert seen == [site.secret]


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "trace", "GET /admin HTTP/1.1\r\nX:"])
async def test_nor_by_such_a_method(granted: MakeGranted, method: str) -> None:
    site = await granted(plain)
    answer = await site.host.ask(site.url, method=method[:32])
    assert answer.code is ErrorCode.PROTOCOL
    assert site.server.connections == []


async def test_a_page_can_neither_set_nor_probe_what_is_injected(granted: MakeGranted) -> None:
    site = await granted(plain)
    answers = []
    for value in (None, "dummy", site.secret, f"Bearer {site.secret}"):
        headers = [] if value is None else [("authorization", value), ("AUTHORIZATION", value)]
        answers.append(await site.host.ask(site.url, headers=headers))
    assert answers == [answers[0]] * 4
    for request in site.server.requests:
        assert request.header("authorization") == f"Bearer {site.secret}"
