"""What goes out: exactly the target, the hop's fields, and the few that HTTP and the fetch standard add."""

from collections.abc import AsyncIterator

import pytest
from anyio.lowlevel import checkpoint

import longwire
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream import StreamedBody, UpstreamClient
from longwire.upstream.request_head import build_request
from longwire.upstream.timers import Timers
from longwire.upstream.upload import Upload
from tests.unit.upstream.asking import ask, fetch, hop
from tests.upstreams import uploads
from tests.upstreams.connection import Request
from tests.upstreams.server import Server


async def sent(client: UpstreamClient, **parts: object) -> Request:
    """The request as the server saw it."""
    async with Server(uploads.echo) as server:
        target = str(parts.pop("target", "/"))
        await fetch(client, ask(server.url(target), **parts))  # type: ignore[arg-type]  # passed on as given
        return server.requests[0]


async def test_the_defaults_and_nothing_else(client: UpstreamClient) -> None:
    request = await sent(client)
    port = request.headers[0][1].rpartition(":")[2]
    assert request.headers == [
        ("Host", f"127.0.0.1:{port}"),
        ("User-Agent", f"Longwire/{longwire.__version__}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ]


@pytest.mark.parametrize(
    "target", ["/", "/a//b/;c?x=1&y=%41%2f?", "/%7Euser/~%20'()*!", "/a|b", "/q?", "/?a=b=c&&", "/%e2%82%ac"]
)
async def test_the_target_is_sent_as_it_is(client: UpstreamClient, target: str) -> None:
    request = await sent(client, target=target)
    assert request.raw_head.startswith(b"GET %b HTTP/1.1\r\n" % target.encode())


async def test_the_hops_fields_are_sent_in_order_and_replace_the_defaults(client: UpstreamClient) -> None:
    given = [("user-agent", "me"), ("ACCEPT", "text/plain"), ("X-A", "1"), ("X-A", "2"), ("accept-encoding", "br")]
    request = await sent(client, headers=given)
    assert request.headers[1:] == given


async def test_a_range_is_asked_for_in_plain_bytes(client: UpstreamClient) -> None:
    request = await sent(client, headers=[("Range", "bytes=0-9")])
    assert request.header("accept-encoding") == "identity"


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("GET", None, None),
        ("DELETE", None, None),
        ("POST", None, "0"),
        ("PUT", None, "0"),
        ("POST", b"", "0"),
        ("POST", b"12345", "5"),
    ],
)
async def test_content_length(client: UpstreamClient, method: str, body: bytes | None, expected: str | None) -> None:
    request = await sent(client, method=method, body=body)
    assert request.header("content-length") == expected
    assert request.header("transfer-encoding") is None


@pytest.mark.parametrize(("size", "length", "coding"), [(5, "5", None), (None, None, "chunked")])
async def test_framing_of_a_streamed_body(
    client: UpstreamClient, size: int | None, length: str | None, coding: str | None
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"123"
        yield b""
        yield b"45"

    request = await sent(client, method="POST", body=StreamedBody(size, pieces()))
    assert request.header("content-length") == length
    assert request.header("transfer-encoding") == coding


async def test_values_are_latin_1(client: UpstreamClient) -> None:
    request = await sent(client, headers=[("X-Name", "caf\u00e9 \x80")])
    assert request.header("x-name") == "caf\u00e9 \x80"


@pytest.mark.parametrize(
    ("url", "host", "sni"),
    [
        ("https://api.test/", b"api.test", "api.test"),
        ("https://api.test:8443/", b"api.test:8443", "api.test"),
        ("http://api.test:443/", b"api.test:443", "api.test"),
        ("https://api.test./", b"api.test.", "api.test"),
        ("https://[2606:4700::1]/", b"[2606:4700::1]", "2606:4700::1"),
        ("https://[2606:4700::1]:99/", b"[2606:4700::1]:99", "2606:4700::1"),
    ],
)
def test_host_and_tls_name(url: str, host: bytes, sni: str) -> None:
    request = build_request("GET", hop(url), None, _no_upload())
    assert request.headers[0] == (b"Host", host)
    assert request.extensions["sni_hostname"] == sni


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "connection", "TE", "Upgrade", "expect"]
)
def test_fields_of_the_connection_are_a_second_lock(name: str) -> None:
    with pytest.raises(StreamError) as caught:
        build_request("GET", hop("http://a.test/", headers=[(name, "x")]), None, _no_upload())
    assert (caught.value.code, caught.value.phase) == (ErrorCode.PROTOCOL, Phase.POLICY)


def test_a_value_outside_latin_1_is_refused_without_being_quoted() -> None:
    with pytest.raises(StreamError) as caught:
        build_request("GET", hop("http://a.test/", headers=[("X-Key", "secret\u20ac")]), None, _no_upload())
    assert caught.value.code is ErrorCode.PROTOCOL
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_are_not_in_the_repr_of_a_hop() -> None:
    assert "s3cret" not in repr(ask("http://a.test/", headers=[("Authorization", "s3cret")]))


def _no_upload() -> Upload:
    return Upload(None, _NoConnection(), Timers(ask("http://a.test/").timeouts), checkpoint)


class _NoConnection:
    taken_bytes = 0

    async def send_body(self, event: object) -> None:
        pytest.fail("nothing is to be sent")

    def end_sending(self) -> None: ...

    def close(self) -> None: ...
