"""What servers send that is not as it should be, or as it seldom is, by a real host over real pipes."""

from pathlib import Path

import pytest

from longwire.protocol.limits import KIB
from tests.host_process import grant, greeted_host
from tests.upstreams import faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer


# Of one byte in JSON (long), and of two for either reason.
@pytest.mark.parametrize("value", [pytest.param(b"x", marks=pytest.mark.long), b'"', b"\xe9"])
def test_a_head_of_almost_256_kib_reaches_the_page(tmp_path: Path, value: bytes) -> None:
    fields = [b"X-%d: %b" % (number, value * (30 * KIB)) for number in range(8)]
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *fields, b"Content-Length: 2", b"", b"ok"])
    pieces = [head[at : at + 4 * KIB] for at in range(0, len(head), 4 * KIB)]
    with (
        ThreadedServer(lambda: Server(faults.pieces(*pieces, gap_s=0.001))) as server,
        greeted_host(tmp_path, grant(server.url())) as host,
    ):
        host.start(1, server.url())
        headers = dict(host.expect("STREAM_HEADERS")["headers"])
        assert [headers[f"x-{number}"] for number in range(8)] == [(value * (30 * KIB)).decode("latin-1")] * 8
        assert host.body(1)[0] == b"ok"


# With bytes behind it that would be a body by each framing; without them (long) there is less to get wrong.
@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"\r\n", marks=pytest.mark.long),
        b"\r\nsome bytes",
        pytest.param(b"Content-Length: 10\r\n\r\n", marks=pytest.mark.long),
        b"Content-Length: 10\r\n\r\nsome bytes",
        pytest.param(b"Content-Length: 0\r\n\r\n", marks=pytest.mark.long),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n", marks=pytest.mark.long),
        b"Transfer-Encoding: chunked\r\n\r\na\r\nsome bytes\r\n0\r\n\r\n",
    ],
)
def test_a_205_ends_with_its_head_and_holds_no_slot(tmp_path: Path, rest: bytes) -> None:
    """Nobody can read its body: the connection of one that has no length is not closed by the server."""

    async def reset(request: Request) -> None:
        await request.body()
        await request.connection.send(b"HTTP/1.1 205 Reset Content\r\n" + rest)
        if rest != b"Content-Length: 0\r\n\r\n":
            await request.connection.gone.wait()

    with ThreadedServer(lambda: Server(reset)) as server, greeted_host(tmp_path, grant(server.url())) as host:
        # A page has 256 slots.
        count = 300 if rest == b"\r\n" else 3
        for stream_id in range(1, count + 1):
            host.start(stream_id, server.url())
            body, end = host.body(stream_id)
            assert (body, end["type"], end.get("completeness")) == (b"", "STREAM_END", "none")
        # Whatever may still come on such a connection, no other request meets it.
        assert len(server.server.connections) == (1 if rest == b"Content-Length: 0\r\n\r\n" else count)
