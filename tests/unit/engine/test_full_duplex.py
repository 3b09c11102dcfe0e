"""A response that comes while its request body is still being sent, by a real host over real pipes."""

from pathlib import Path

import pybase64

from longwire.protocol.limits import KIB, MIB, UPLOAD_CHUNK_BYTES
from tests.host_process import HostProcess, grant, greeted_host
from tests.upstreams import bodies, uploads
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

STREAMED = {"method": "POST", "body": {"kind": "stream"}}


def give(host: HostProcess, offset: int, data: bytes) -> int:
    """Send a piece of the request body; returns the next offset."""
    host.send(type="STREAM_BODY", id=1, offset=offset, data=pybase64.b64encode(data).decode())
    return offset + len(data)


def send_body(host: HostProcess, size: int) -> bytes:
    """Send the whole request body as a page does; returns the response's."""
    sent = limit = 0
    ended = False
    answer = b""
    while (message := host.next()) is not None and message["type"] != "STREAM_END":
        assert message["type"] != "STREAM_ERROR", message
        if message["type"] == "STREAM_CHUNK":
            answer += message["data"]
        elif message["type"] == "STREAM_BODY_ACK":
            limit = message["consumed"] + message["window"]
        while sent < min(limit, size):
            sent = give(host, sent, bytes(min(UPLOAD_CHUNK_BYTES, limit - sent, size - sent)))
        if sent == size and not ended:
            ended = True
            host.send(type="STREAM_BODY_END", id=1, bytes=sent)
    return answer


def test_the_head_and_each_piece_come_back_before_the_next_is_sent(tmp_path: Path) -> None:
    with ThreadedServer(lambda: Server(uploads.duplex)) as server, greeted_host(tmp_path, grant(server.url())) as host:
        host.start(1, server.url(), **STREAMED)
        assert host.expect("STREAM_HEADERS")["status"] == 200
        assert host.expect("STREAM_CHUNK")["data"] == b"begun "
        sent = 0
        for number in range(15):
            sent = give(host, sent, b"%5d" % number)
            assert host.expect("STREAM_CHUNK")["data"] == b"%5d" % number
        host.send(type="STREAM_BODY_END", id=1, bytes=sent)
        assert host.expect("STREAM_BODY_ACK")["consumed"] == sent
        assert host.expect("STREAM_END")["bytes"] == 6 + sent


def test_eight_mib_follow_an_answer_that_was_over_at_once(tmp_path: Path) -> None:
    answer_first = uploads.AnswerFirst()
    with ThreadedServer(lambda: Server(answer_first)) as server, greeted_host(tmp_path, grant(server.url())) as host:
        host.start(1, server.url(), **STREAMED)
        answer = send_body(host, 8 * MIB)
        assert (answer, server.run(answer_first.arrived)) == (b"ok", bytes(8 * MIB))


def test_a_server_may_tell_all_along_how_far_it_has_come(tmp_path: Path) -> None:
    """As resumable uploads do; with the answers of others that only say that they are alive."""
    every = 32 * MIB // 600

    async def tell(request: Request) -> None:
        received = told = 0
        async for piece in request.pieces():
            received += len(piece)
            while told < 600 and received >= (told + 1) * every:
                told += 1
                line = (b"102 Processing", b"103 Early Hints", b"104 Upload Resumption Supported")[told % 3]
                await request.connection.send(b"HTTP/1.1 %b\r\nUpload-Offset: %d\r\n\r\n" % (line, received))
        await bodies.respond(request.connection, b"%d of %d" % (told, received))

    with ThreadedServer(lambda: Server(tell)) as server, greeted_host(tmp_path, grant(server.url())) as host:
        host.start(1, server.url(), **STREAMED)
        assert send_body(host, 32 * MIB) == b"600 of %d" % (32 * MIB)


def test_an_inline_body_is_sent_on_as_well(tmp_path: Path) -> None:
    body = b"".join(bodies.seeded("inline", 256 * KIB))
    inline = {"kind": "inline", "data": pybase64.b64encode(body).decode()}
    with ThreadedServer(lambda: Server(uploads.duplex)) as server, greeted_host(tmp_path, grant(server.url())) as host:
        host.start(1, server.url(), method="POST", body=inline)
        answer, end = host.body(1)
        assert (answer, end["type"]) == (b"begun " + body, "STREAM_END")


def test_an_error_answer_stops_the_upload_and_is_whole(tmp_path: Path) -> None:
    with (
        ThreadedServer(lambda: Server(uploads.early(413))) as server,
        greeted_host(tmp_path, grant(server.url())) as host,
    ):
        host.start(1, server.url(), **STREAMED)
        # Either may be first: the credit for the body, or an answer that does not wait for it. POLICY comes between.
        due = {"STREAM_BODY_ACK", "STREAM_HEADERS"}
        while due:
            message = host.next()
            assert message is not None and message["type"] in {*due, "POLICY"}
            due.discard(message["type"])
        give(host, 0, b"one")
        answer, end = host.body(1)
        assert (answer, end["type"]) == (b"too large", "STREAM_END")
        server.run(server.server.connections[0].wait_gone)
