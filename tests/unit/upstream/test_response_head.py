"""The head of a response: how completeness is known, and what is refused."""

import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_HEADER_VALUE_CHARS
from longwire.protocol.records import Completeness
from longwire.upstream import UpstreamClient
from longwire.upstream.response_head import MAX_RESPONSE_PAIRS, judge_head
from tests.unit.upstream.asking import ask, failure, fetch
from tests.upstreams import faults
from tests.upstreams.server import Server

CHUNKED = (b"Transfer-Encoding", b"chunked")
FOUR = (b"Content-Length", b"4")


@pytest.mark.parametrize(
    ("method", "status", "fields", "expected"),
    [
        ("GET", 200, [FOUR], Completeness.LENGTH),
        ("GET", 200, [CHUNKED], Completeness.CHUNKED),
        ("GET", 200, [(b"transfer-encoding", b"Chunked")], Completeness.CHUNKED),
        ("GET", 200, [], Completeness.CLOSE),
        ("HEAD", 200, [FOUR], Completeness.NONE),
        ("HEAD", 200, [CHUNKED], Completeness.NONE),
        ("GET", 204, [], Completeness.NONE),
        ("GET", 304, [FOUR], Completeness.NONE),
        ("POST", 500, [], Completeness.CLOSE),
        ("GET", 205, [], Completeness.NONE),
        ("GET", 205, [(b"Content-Length", b"0")], Completeness.NONE),
        ("GET", 205, [CHUNKED], Completeness.NONE),
        ("GET", 200, [FOUR, FOUR], Completeness.LENGTH),
        ("GET", 200, [(b"Content-Length", b"4, 4")], Completeness.LENGTH),
    ],
)
def test_completeness(method: str, status: int, fields: list[tuple[bytes, bytes]], expected: Completeness) -> None:
    assert judge_head(method, b"HTTP/1.1", status, b"", fields).completeness is expected


@pytest.mark.parametrize(
    ("version", "status", "fields"),
    [
        (b"HTTP/1.1", 200, [FOUR, CHUNKED]),
        (b"HTTP/1.1", 304, [FOUR, CHUNKED]),
        (b"HTTP/1.0", 200, [CHUNKED]),
        (b"HTTP/1.1", 200, [FOUR, (b"content-length", b"5")]),
        (b"HTTP/1.1", 200, [(b"Content-Length", b"4, 5")]),
        (b"HTTP/1.1", 200, [(b"Transfer-Encoding", b"gzip, chunked")]),
        (b"HTTP/1.1", 200, [CHUNKED, CHUNKED]),
        (b"HTTP/1.1", 101, []),
        (b"HTTP/1.1", 199, []),
        (b"HTTP/1.1", 600, []),
        (b"HTTP/1.1", 200, [(b"X", b"")] * (MAX_RESPONSE_PAIRS + 1)),
        (b"HTTP/1.1", 200, [(b"X", b"v" * (MAX_HEADER_VALUE_CHARS + 1))]),
        (b"HTTP/1.1", 200, [(b"X" * 257, b"v")]),
    ],
)
def test_refused_heads(version: bytes, status: int, fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(StreamError) as caught:
        judge_head("GET", version, status, b"", fields)
    assert (caught.value.code, caught.value.phase) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)


def test_heads_at_their_limits_pass() -> None:
    fields = [(b"X" * 256, b"v" * MAX_HEADER_VALUE_CHARS)] + [(b"X", b"")] * (MAX_RESPONSE_PAIRS - 1)
    assert len(judge_head("GET", b"HTTP/1.1", 599, b"r" * 500, fields).headers) == MAX_RESPONSE_PAIRS


async def test_fields_keep_order_duplicates_and_bytes(client: UpstreamClient) -> None:
    fields = b"X-B: 1\r\nSet-Cookie: a=1\r\nx-a: \xff\r\nSET-COOKIE: b=2\r\nContent-Length: 0\r\n"
    answer = b"HTTP/1.1 299 Caf\xe9\r\n" + fields + b"\r\n"
    async with Server(faults.raw(answer)) as server:
        response, body = await fetch(client, ask(server.url("/p?q#frag")))
    assert (response.status, response.reason, body) == (299, "Caf\u00e9", b"")
    assert response.url == server.url("/p?q")
    assert response.redirected is False
    assert response.headers == [
        ("x-b", "1"),
        ("set-cookie", "a=1"),
        ("x-a", "\xff"),
        ("set-cookie", "b=2"),
        ("content-length", "0"),
    ]


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Encoding: br\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n\r\n"),
    ],
)
async def test_responses_without_a_body_end_at_once_and_keep_the_connection(
    client: UpstreamClient, method: str, answer: bytes
) -> None:
    async with Server(faults.raw(answer)) as server:
        for _ in range(2):
            response, body = await fetch(client, ask(server.url(), method=method))
            assert (response.completeness, body) == (Completeness.NONE, b"")
        assert len(server.connections) == 1


@pytest.mark.parametrize("name", ["length-and-chunked", "two-lengths", "odd-coding", "old-chunked", "switching"])
async def test_contradictions_on_the_wire_are_refused(client: UpstreamClient, name: str) -> None:
    async with Server(faults.NAMED[name]) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)
        await server.connections[0].wait_gone()
