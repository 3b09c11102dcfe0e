"""Heads as rude servers write them: what has one meaning is read as browsers read it, what has two is refused."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode, Phase
from longwire.upstream import UpstreamClient
from longwire.upstream.mending import mend_head
from tests.patience import PATIENCE_S
from tests.unit.upstream.asking import ask, failure, fetch
from tests.upstreams import faults
from tests.upstreams.server import Server

WIKI = b"4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IDENTITY = b"Transfer-Encoding: identity\r\n"


def head(*fields: bytes, status: bytes = b"HTTP/1.1 200 OK\r\n") -> bytes:
    return status + b"".join(fields) + b"\r\n"


RIGHT = [b"X-A: 1\r\n", b"Content-Length: 3\r\n", CHUNKED, b"X: y\r\n z\r\n"]


@given(fields=st.lists(st.sampled_from(RIGHT), unique=True))
def test_a_head_as_it_should_be_is_left_as_it_is(fields: list[bytes]) -> None:
    assert mend_head(head(*fields)) == head(*fields)


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        ([CHUNKED, CHUNKED], CHUNKED),
        ([CHUNKED, b"X-A: 1\r\n", b"transfer-ENCODING:chunked\n"], CHUNKED),
        ([b"Transfer-Encoding: chunked, chunked\r\n"], CHUNKED),
        ([b"Transfer-Encoding: identity, Chunked\r\n"], CHUNKED),
        ([IDENTITY, CHUNKED], CHUNKED),
        ([IDENTITY], b""),
        ([b"Transfer-Encoding: \r\n"], b""),
    ],
)
def test_a_transfer_encoding_with_one_meaning_is_said_once(fields: list[bytes], framing: bytes) -> None:
    rest = [field for field in fields if b"ransfer" not in field]
    assert mend_head(head(*fields)) == head(framing, b"Connection: close\r\n", *rest)


@pytest.mark.parametrize(
    "fields",
    [
        [b"Transfer-Encoding: gzip, chunked\r\n"],
        [b"Transfer-Encoding: x-own\r\n"],
        [CHUNKED, b"Transfer-Encoding: gzip\r\n"],
        [b"Transfer-Encoding: identity\r\n chunked\r\n"],
        [b"Transfer-Encoding: chunked\r\n identity\r\n"],
        [b"Transfer-Encoding : chunked\r\n", CHUNKED],
        # As a space it would make its line one with the line before.
        [b"Content-Length: 4\r\n", b"X-A: 1\r\n", b"\x01" + CHUNKED],
        [b"Content-Length:\r\n", b"\x014\r\n"],
    ],
)
async def test_one_with_two_meanings_is_refused(client: UpstreamClient, fields: list[bytes]) -> None:
    async with Server(faults.raw(head(*fields) + WIKI, then="close")) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (head(CHUNKED, CHUNKED) + WIKI, b"Wikipedia"),
        (head(IDENTITY, b"Content-Length: 4\r\n") + b"Wiki", b"Wiki"),
        (head(IDENTITY, CHUNKED) + WIKI, b"Wikipedia"),
    ],
)
async def test_what_was_mended_is_read_in_any_split_and_its_connection_used_once(
    client: UpstreamClient, answer: bytes, body: bytes
) -> None:
    for size in (1, 7, len(answer)):
        cut = [answer[at : at + size] for at in range(0, len(answer), size)]
        async with Server(faults.pieces(*cut, gap_s=0)) as server:
            response, came = await fetch(client, ask(server.url()))
            assert (response.status, came) == (200, body)
            await server.connections[0].wait_gone()
            assert client.idle_connections == 0


async def test_chunked_twice_and_a_length_stays_a_contradiction(client: UpstreamClient) -> None:
    answer = head(CHUNKED, CHUNKED, b"Content-Length: 4\r\n") + WIKI
    async with Server(faults.raw(answer, then="close")) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)


@pytest.mark.parametrize("code", [code for code in (*range(32), 127) if code not in b"\0\t\n\r"])
async def test_a_control_character_is_a_space_wherever_it_stands(client: UpstreamClient, code: int) -> None:
    control = bytes([code])
    fields = [b"X-A: a%bb\r\n" % control, b"X-B: %b\r\n" % control, b"Content-Length: 2\r\n"]
    answer = head(*fields, status=b"HTTP/1.1 200 O%bK\r\n" % control) + b"o" + control
    async with Server(faults.raw(answer)) as server:
        response, body = await fetch(client, ask(server.url()))
    assert response.reason == "O K"
    assert response.headers == [("x-a", "a b"), ("x-b", ""), ("content-length", "2")]
    assert body == b"o" + control


@pytest.mark.parametrize("control", [b"\0", b"\r"])
@pytest.mark.parametrize("place", [b"HTTP/1.1 200 O%bK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: a%bb\r\n\r\n"])
async def test_what_may_end_a_line_is_refused(client: UpstreamClient, control: bytes, place: bytes) -> None:
    async with Server(faults.raw(place % control, then="close")) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)


@pytest.mark.parametrize(
    "body",
    [b"4\nWiki\n0\n\n", b"4;a=b\nWiki\n", b"4\r\nWiki\r\n5 \npedia", b"4\nWiki\r\n0\r\n\r\n", b"4\r\nWiki\n0\r\n\r\n"],
)
async def test_a_chunk_line_that_ends_in_lf_is_refused_and_not_waited_for(client: UpstreamClient, body: bytes) -> None:
    async with Server(faults.raw(head(CHUNKED) + body, then="hold")) as server:
        with anyio.fail_after(PATIENCE_S):
            assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.BODY)


async def test_trailers_may_end_in_lf(client: UpstreamClient) -> None:
    parts = (head(CHUNKED) + b"4\r\nWiki\r\n0\r\n", b"Abc: d\n", b"A: b\n", b"\n")
    async with Server(faults.pieces(*parts)) as server:
        assert (await fetch(client, ask(server.url())))[1] == b"Wiki"
