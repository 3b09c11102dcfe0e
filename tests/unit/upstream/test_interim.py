"""Interim answers (1xx): signs of life for the clock to the head, within a budget that an upload's progress extends."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream import StreamedBody, UpstreamClient
from longwire.upstream.interim import (
    INTERIM_BYTES,
    MAX_INTERIM_ANSWERS,
    MAX_INTERIM_BYTES,
    UPLOADED_PER_INTERIM_BYTES,
    InterimAnswers,
)
from tests.unit.upstream.asking import ask, failing, failure, fetch
from tests.upstreams import bodies, faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority

MIB = 1024 * 1024
SHORT = b"HTTP/1.1 102\r\n\r\n"
TOLD = b"HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: %d\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def big(size: int) -> bytes:
    """One interim answer of that many bytes."""
    start, end = b"HTTP/1.1 103 Early Hints\r\nLink: ", b"\r\n\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


@pytest.mark.parametrize(
    ("at_the_limit", "beyond", "named"),
    [
        (SHORT * MAX_INTERIM_ANSWERS, SHORT, "1,024"),
        (big(MAX_INTERIM_BYTES // 4) * 4, SHORT, "256 KiB"),
        (big(MAX_INTERIM_BYTES - 20), b"HTTP/1.1 103 Early Hints", "256 KiB"),  # also while it has not ended
    ],
)
async def test_as_many_as_the_limit_pass_and_one_more_is_an_error_that_names_it(
    client: UpstreamClient, at_the_limit: bytes, beyond: bytes, named: str
) -> None:
    async with Server(faults.raw(at_the_limit + OK)) as server:
        response, body = await fetch(client, ask(server.url()))
        assert (response.status, body) == (200, b"ok")
    async with Server(faults.raw(at_the_limit + beyond, then="hold")) as server:
        text, code, phase = await failing(client, ask(server.url()))
        assert (code, phase) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)
        assert named in text and "interim answers (1xx)" in text
        await server.connections[0].wait_gone()


async def test_a_flood_of_them_ends_an_upload_that_waits_for_its_page(client: UpstreamClient) -> None:
    async def flood(request: Request) -> None:
        await request.connection.send(SHORT * (MAX_INTERIM_ANSWERS + 1))
        await request.connection.gone.wait()

    async def never_ends() -> AsyncIterator[bytes]:
        yield b"one"
        await anyio.sleep_forever()

    async with Server(flood) as server:
        with anyio.fail_after(10):
            ended = await failure(client, ask(server.url(), method="POST", body=StreamedBody(None, never_ends())))
        assert ended == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)
        await server.connections[0].wait_gone()


@pytest.mark.parametrize(("answers", "size"), [(600, 32 * MIB), (MAX_INTERIM_ANSWERS + 256, 8 * MIB)])
async def test_a_server_may_say_all_along_how_far_it_has_come_with_a_body(
    client: UpstreamClient, answers: int, size: int
) -> None:
    """As resumable uploads do. Without the body, the second is beyond the budget."""
    every = size // answers

    async def tell(request: Request) -> None:
        received = told = 0
        async for piece in request.pieces():
            received += len(piece)
            while told < answers and received >= (told + 1) * every:
                told += 1
                await request.connection.send(TOLD % received)
        await bodies.respond(request.connection, b"%d of %d" % (told, received))

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // 65536):
            yield bytes(65536)

    async with Server(tell) as server:
        response, body = await fetch(client, ask(server.url(), method="PUT", body=StreamedBody(size, pieces())))
    assert (body, response.sent_bytes) == (b"%d of %d" % (answers, size), size)


def test_each_piece_of_a_body_earns_one_more_and_no_two() -> None:
    answers = InterimAnswers()
    answers.feed(SHORT * MAX_INTERIM_ANSWERS)
    answers.uploaded(UPLOADED_PER_INTERIM_BYTES - 1)
    with pytest.raises(StreamError):
        answers.feed(SHORT)
    answers = InterimAnswers()
    answers.uploaded(UPLOADED_PER_INTERIM_BYTES)
    answers.feed(SHORT * (MAX_INTERIM_ANSWERS + 1))
    with pytest.raises(StreamError):
        answers.feed(SHORT)
    answers = InterimAnswers()
    answers.uploaded(UPLOADED_PER_INTERIM_BYTES)
    answers.feed(big(MAX_INTERIM_BYTES + INTERIM_BYTES))
    with pytest.raises(StreamError):
        answers.feed(b"HTTP/1.1 1")


async def test_they_start_the_clock_to_the_head_over_but_not_the_one_in_total(client: UpstreamClient) -> None:
    gap_s = 0.15

    async def slow(request: Request) -> None:
        await request.body()
        for _ in range(8):
            await request.connection.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            await anyio.sleep(gap_s)
        await request.connection.send(OK)

    # The clock is longer than a gap on a busy machine, and shorter than all of them.
    async with Server(slow) as server:
        _, body = await fetch(client, ask(server.url(), header_s=6 * gap_s))
        assert body == b"ok"
        assert await failure(client, ask(server.url(), header_s=6 * gap_s, total_s=6 * gap_s)) == (
            ErrorCode.TOTAL_TIMEOUT,
            Phase.HEADERS,
        )


async def test_a_final_answer_right_behind_one_is_seen_by_an_upload_over_tls(
    client: UpstreamClient, tmp_path: Path
) -> None:
    """Two records that come at once: when the first was read, the socket shows nothing of the second."""
    authority = Authority()

    async def answer(request: Request) -> None:
        await anext(request.pieces())
        # Written past the transport, so that both records leave with the next send.
        request.connection.writer.get_extra_info("ssl_object").write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await request.connection.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        await request.connection.gone.wait()

    async def waits() -> AsyncIterator[bytes]:
        yield b"one"
        await anyio.sleep_forever()

    async with Server(answer, context=authority.server_context()) as server:
        ca_file = authority.write_ca(tmp_path)
        request = ask(server.url(), method="POST", body=StreamedBody(None, waits()), ca_file=ca_file)
        with anyio.fail_after(10):
            response, body = await fetch(client, request)
    assert (response.status, body) == (413, b"no")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 103 Early Hints\r\nBad Name: x\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n: x\r\n\r\n",
        b"HTTP/1.1 103 Early\x00Hints\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 1034\r\n\r\n",
    ],
)
async def test_one_that_is_none_is_an_error(client: UpstreamClient, head: bytes) -> None:
    async with Server(faults.raw(head + OK)) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)


async def test_a_head_or_trailers_of_too_many_fields_end_before_they_are_parsed(client: UpstreamClient) -> None:
    fields = b"a: b\r\n" * 1100
    async with Server(faults.raw(b"HTTP/1.1 200 OK\r\n" + fields, then="hold")) as server:
        text, code, phase = await failing(client, ask(server.url()))
        assert (code, phase) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)
        assert "1024 header fields" in text
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    async with Server(faults.pieces(start + fields, b"a: b\r\n", then="hold")) as server:
        with anyio.fail_after(10):
            text, code, phase = await failing(client, ask(server.url()))
        assert (code, phase) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.BODY)
        assert "1024 trailers" in text
