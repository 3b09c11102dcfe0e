"""What is taken out or judged before the HTTP library sees an answer: interim answers, empty lines, the size of a head.

Interim answers (1xx) are signs of life for the clock to the head, within a budget that an upload's progress extends.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream import StreamedBody, UpstreamClient
from longwire.upstream.interim_responses import (
    INTERIM_BYTES,
    MAX_EMPTY_LINE_BYTES,
    MAX_HEAD_BYTES,
    MAX_INTERIM_ANSWERS,
    MAX_INTERIM_BYTES,
    UPLOADED_PER_INTERIM_BYTES,
    InterimAnswers,
)
from tests.patience import PATIENCE_S
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
        with anyio.fail_after(PATIENCE_S):
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
        with anyio.fail_after(PATIENCE_S):
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
        with anyio.fail_after(PATIENCE_S):
            text, code, phase = await failing(client, ask(server.url()))
        assert (code, phase) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.BODY)
        assert "1024 trailers" in text


# --- the size of a head -----------------------------------------------------------------------------------------------


def head_of(size: int) -> bytes:
    """The head of a response without a body, of that many bytes."""
    start, end = b"HTTP/1.1 200 OK\r\n", b"Content-Length: 0\r\n\r\n"
    rest = size - len(start) - len(end)
    fields = b"".join(b"X-%05d: %b\r\n" % (number, b"x" * 4085) for number in range(rest // 4096))
    return start + fields + b"X: %b\r\n" % (b"x" * (rest - len(fields) - 5)) + end


@pytest.mark.parametrize("cut", [4096, 65536, 10**6])
async def test_a_head_has_one_limit_however_it_is_cut(client: UpstreamClient, cut: int) -> None:
    def answers(head: bytes) -> Server:
        return Server(faults.pieces(*(head[at : at + cut] for at in range(0, len(head), cut)), gap_s=0.001))

    for size in (105 * 1024, 125 * 1024, MAX_HEAD_BYTES):
        async with answers(head_of(size)) as server:
            response, _ = await fetch(client, ask(server.url()))
            assert sum(len(name) + len(value) + 4 for name, value in response.headers) == size - len(
                b"HTTP/1.1 200 OK\r\n\r\n"
            )
    async with answers(head_of(MAX_HEAD_BYTES + 1)) as server:
        text, code, phase = await failing(client, ask(server.url()))
    assert (code, phase) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)
    assert "256 KiB" in text


async def test_a_head_that_does_not_end_is_refused_at_its_limit(client: UpstreamClient) -> None:
    async with Server(faults.endless_header) as server:
        with anyio.fail_after(PATIENCE_S):
            text, code, phase = await failing(client, ask(server.url()))
    assert (code, phase) == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)
    assert "256 KiB" in text


@pytest.mark.parametrize("size", [MAX_HEAD_BYTES, MAX_HEAD_BYTES + 1])
def test_interim_answers_before_it_and_a_body_behind_it_do_not_count(size: int) -> None:
    head = head_of(size)
    whole, cut = InterimAnswers(), InterimAnswers()
    data = SHORT * 3 + head + bytes(100_000)
    if size > MAX_HEAD_BYTES:
        with pytest.raises(StreamError):
            whole.feed(data)
        with pytest.raises(StreamError):
            [cut.feed(data[at : at + 1000]) for at in range(0, len(data), 1000)]
    else:
        assert whole.feed(data) == head + bytes(100_000)
        assert b"".join(cut.feed(data[at : at + 1000]) for at in range(0, len(data), 1000)) == head + bytes(100_000)


async def test_a_head_full_of_control_characters_fits_into_a_frame(client: UpstreamClient) -> None:
    """A control character would be six characters in JSON. As a space it is one."""
    fields = b"".join(b"X-%d: a%bz\r\n" % (number, b"\x01" * 50_000) for number in range(4))
    async with Server(faults.raw(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 0\r\n\r\n")) as server:
        response, _ = await fetch(client, ask(server.url()))
    assert [value for name, value in response.headers if name.startswith("x-")] == ["a" + " " * 50_000 + "z"] * 4


# --- empty lines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [b"\r\n", b"\n", b"\r\n\r\n", b"\n" * MAX_EMPTY_LINE_BYTES])
@pytest.mark.parametrize("interim", [b"", SHORT])
async def test_empty_lines_before_a_status_line_are_skipped(
    client: UpstreamClient, lines: bytes, interim: bytes
) -> None:
    """A server that ends a body with one line too many: it comes late, when the next request is out."""
    late = [b"", lines + interim + OK, interim + lines + OK]

    async def handler(request: Request) -> None:
        await request.connection.send(late[len(request.connection.requests) - 1] or OK)

    async with Server(handler) as server:
        for _ in range(3):
            assert (await fetch(client, ask(server.url())))[1] == b"ok"
        assert len(server.connections) == 1


async def test_one_that_comes_in_two_pieces_is_skipped(client: UpstreamClient) -> None:
    async with Server(faults.pieces(b"\r", b"\n", OK[:5], OK[5:])) as server:
        assert (await fetch(client, ask(server.url())))[1] == b"ok"


@pytest.mark.parametrize(
    "junk", [b"\n" * (MAX_EMPTY_LINE_BYTES + 1), b"\r\n" * 1000, b"\r\r\n", b" \r\n", b"\r\nx\r\n"]
)
async def test_nothing_else_is(client: UpstreamClient, junk: bytes) -> None:
    async with Server(faults.raw(junk + OK, then="hold")) as server:
        with anyio.fail_after(PATIENCE_S):
            ended = await failure(client, ask(server.url()))
    assert ended == (ErrorCode.UPSTREAM_PROTOCOL, Phase.HEADERS)


@pytest.mark.parametrize("follows", [b"\r\n", b"\r\n" + OK.replace(b"ok", b"no")])
async def test_what_is_there_behind_an_answer_still_ends_the_connection(client: UpstreamClient, follows: bytes) -> None:
    async with Server(faults.raw(OK + follows)) as server:
        for _ in range(3):
            assert (await fetch(client, ask(server.url())))[1] == b"ok"
        assert len(server.connections) == 3
