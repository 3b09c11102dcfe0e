"""Kept-alive connections: only fresh, only for the same key, never twice at once, never left behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.records import RedirectMode
from longwire.upstream import RequestBody, StreamedBody, UpstreamClient
from longwire.upstream.idle_connections import MAX_IDLE
from tests.patience import PATIENCE_S
from tests.unit.upstream.asking import ask, failure, fetch
from tests.upstreams import bodies, faults, sse
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority

TLS_RECORD_BYTES = 16384  # RFC 8446 section 5.1

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_the_next_request_uses_the_same_connection(client: UpstreamClient) -> None:
    async with Server(faults.raw(OK)) as server:
        first, _ = await fetch(client, ask(server.url()))
        second, _ = await fetch(client, ask(server.url("/other")))
        assert len(server.connections) == 1
        assert first.timings.connected_at is not None
        assert first.timings.connected_at <= first.timings.headers_at
        assert second.timings.connected_at is None
        assert (client.busy_connections, client.idle_connections) == (0, 1)


async def test_an_answer_that_came_during_an_upload_does_not_stop_the_next_upload(
    client: UpstreamClient,
) -> None:
    answered = anyio.Event()

    async def answer_after_the_first_piece(request: Request) -> None:
        pieces = request.pieces()
        body = await anext(pieces)
        await request.connection.send(OK)
        answered.set()
        bodies_seen.append(body + b"".join([piece async for piece in pieces]))

    async def two_pieces() -> AsyncIterator[bytes]:
        yield b"one, "
        await answered.wait()
        yield b"two"

    bodies_seen: list[bytes] = []
    async with Server(answer_after_the_first_piece) as server:
        await fetch(client, ask(server.url(), method="POST", body=StreamedBody(None, two_pieces())))
        with anyio.fail_after(PATIENCE_S):
            await fetch(client, ask(server.url(), method="POST", body=b"whole"))
        assert len(server.connections) == 1
    assert bodies_seen == [b"one, two", b"whole"]


@pytest.mark.parametrize("difference", ["isolation", "ca_file", "host"])
async def test_connections_are_not_shared_across_keys(client: UpstreamClient, difference: str) -> None:
    async with Server(faults.raw(OK)) as server:
        await fetch(client, ask(server.url()))
        if difference == "isolation":
            other = ask(server.url(), isolation="https://other.test")
        elif difference == "ca_file":
            other = ask(server.url(), ca_file="/nowhere.pem")
        else:
            other = ask(server.url().replace("127.0.0.1", "localhost"))
        await fetch(client, other)
        assert len(server.connections) == 2


async def test_an_idle_connection_is_closed_when_its_time_is_up() -> None:
    client = UpstreamClient(keepalive_s=0.1)
    async with Server(faults.raw(OK)) as server:
        await fetch(client, ask(server.url()))
        await server.connections[0].wait_gone()
        assert client.idle_connections == 0
        await fetch(client, ask(server.url()))
        assert len(server.connections) == 2
    await client.aclose()


async def test_a_connection_that_the_server_closed_is_not_used(client: UpstreamClient) -> None:
    async with Server(faults.raw(OK)) as server:
        await fetch(client, ask(server.url()))
        server.connections[0].close()
        await server.connections[0].closed.wait()
        assert (await fetch(client, ask(server.url())))[1] == b"ok"
        assert len(server.connections) == 2


class Dying:
    """Answers the first request of its first connection, and ends that connection when the next one is there."""

    def __init__(self, *, reset: bool = False, says: bytes = b"", times: int = 1) -> None:
        self._reset = reset
        self._says = says
        self._left = times
        self.seen: list[tuple[str, bytes]] = []

    async def __call__(self, request: Request) -> None:
        self.seen.append((request.method, await request.body()))
        connection = request.connection
        if len(connection.requests) == 1 and (len(self.seen) == 1 or self._left <= 0):
            await connection.send(OK)
            return
        self._left -= 1
        if self._says:
            await connection.send(self._says)
        if self._reset:
            connection.reset()
        else:
            connection.close()


async def chunks() -> AsyncIterator[bytes]:
    yield b"four"


BODIES: dict[str, RequestBody] = {
    "whole": b"four",
    "streamed, still there": StreamedBody(4, chunks(), chunks),
}


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_what_is_idempotent_is_sent_again_when_a_kept_connection_ends_unanswered(
    client: UpstreamClient, method: str, reset: bool
) -> None:
    server_side = Dying(reset=reset)
    async with Server(server_side) as server:
        await fetch(client, ask(server.url()))
        response, _ = await fetch(client, ask(server.url(), method=method))
        assert (response.status, response.timings.connected_at is not None) == (200, True)
        assert len(server.connections) == 2
    assert server_side.seen == [("GET", b""), (method, b""), (method, b"")]


@pytest.mark.parametrize("body", ["whole", "streamed, still there"])
async def test_its_body_is_sent_again_too(client: UpstreamClient, body: str) -> None:
    server_side = Dying()
    async with Server(server_side) as server:
        await fetch(client, ask(server.url()))
        await fetch(client, ask(server.url(), method="PUT", body=BODIES[body]))
    assert server_side.seen[1:] == [("PUT", b"four"), ("PUT", b"four")]


@pytest.mark.parametrize(
    ("method", "body", "says"),
    [
        pytest.param("POST", b"four", b"", id="it may have been acted on"),
        pytest.param("PATCH", b"four", b"", id="so may this"),
        pytest.param("PUT", StreamedBody(4, chunks()), b"", id="its body is gone"),
        pytest.param("GET", None, b"HTTP/1.1 102 Processing\r\n\r\n", id="it was being acted on"),
        pytest.param("GET", None, b"HTTP/1.1 20", id="an answer had begun"),
    ],
)
async def test_nothing_else_is_sent_twice(client: UpstreamClient, method: str, body: RequestBody, says: bytes) -> None:
    server_side = Dying(says=says)
    async with Server(server_side) as server:
        await fetch(client, ask(server.url()))
        code, phase = await failure(client, ask(server.url(), method=method, body=body))
        assert code in (ErrorCode.UPSTREAM_RESET, ErrorCode.UPLOAD_FAILED)
        assert phase is Phase.HEADERS
    assert [seen for seen, _ in server_side.seen] == ["GET", method]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x_http_method", "X-Method-Override"])
async def test_what_may_be_another_method_to_its_server_is_sent_once(client: UpstreamClient, name: str) -> None:
    server_side = Dying()
    async with Server(server_side) as server:
        await fetch(client, ask(server.url()))
        code, _ = await failure(client, ask(server.url(), method="PUT", headers=[(name, "POST")]))
        assert code in (ErrorCode.UPSTREAM_RESET, ErrorCode.UPLOAD_FAILED)
    assert [seen for seen, _ in server_side.seen] == ["GET", "PUT"]


async def test_on_a_new_connection_it_is_sent_once(client: UpstreamClient) -> None:
    server_side = Dying(times=2)
    async with Server(server_side) as server:
        await fetch(client, ask(server.url()))
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_RESET, Phase.HEADERS)
        assert len(server.connections) == 2
    assert len(server_side.seen) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_server_that_says_close_is_believed(client: UpstreamClient, answer: bytes) -> None:
    async with Server(faults.raw(answer, then="hold")) as server:
        assert (await fetch(client, ask(server.url())))[1] == b"ok"
        await server.connections[0].wait_gone()
        assert client.idle_connections == 0


async def test_what_follows_an_answer_in_a_tls_record_of_its_own_is_not_the_next_answer(
    client: UpstreamClient, tmp_path: Path
) -> None:
    authority = Authority()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 16342\r\n\r\n"
    # One record to the byte, so that the second answer is read from the socket with the first, and not decrypted.
    first = head + bytes(TLS_RECORD_BYTES - len(head))

    async def handler(request: Request) -> None:
        await request.connection.send(first + OK.replace(b"ok", b"no") if request.path == "/first" else OK)

    async with Server(handler, context=authority.server_context()) as server:
        ca_file = authority.write_ca(tmp_path)
        await fetch(client, ask(server.url("/first"), ca_file=ca_file))
        for target in ("/second", "/third"):
            assert (await fetch(client, ask(server.url(target), ca_file=ca_file)))[1] == b"ok"
        # The third request shares the second's, because nothing followed that.
        assert len(server.connections) == 2


async def test_a_response_that_is_not_read_to_its_end_takes_its_connection_with_it(client: UpstreamClient) -> None:
    async with Server(bodies.random_bytes(1_000_000)) as server:
        response = await client.open(ask(server.url()))
        await response.read(10)
        await response.aclose()
        await response.aclose()
        await server.connections[0].wait_gone()
        assert (client.busy_connections, client.idle_connections) == (0, 0)


async def test_a_redirect_that_is_given_up_while_it_is_discarded_leaves_no_connection(client: UpstreamClient) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    async with Server(faults.raw(redirect, then="hold")) as server:
        response = await client.open(ask(server.url(), redirect=RedirectMode.MANUAL))
        with anyio.CancelScope() as scope:
            scope.cancel()
            await response.discard()
        assert (client.busy_connections, client.idle_connections) == (0, 0)
        await server.connections[0].wait_gone()


async def test_fifty_streams_to_one_server_at_once(client: UpstreamClient) -> None:
    streams = sse.EventStreams()
    async with Server(streams) as server:
        responses = [await client.open(ask(server.url(f"/?channel={number}"))) for number in range(50)]
        assert server.open_connections == client.busy_connections == 50
        for number in reversed(range(50)):
            streams.channel(str(number)).event(f"for {number}")
        for number, response in enumerate(responses):
            assert await response.read(100) == b"data: for %d\n\n" % number
        for response in responses:
            await response.aclose()
        for connection in server.connections:
            await connection.wait_gone()


async def test_idle_connections_are_bounded(client: UpstreamClient) -> None:
    async with Server(faults.raw(OK)) as server:
        responses = [await client.open(ask(server.url())) for _ in range(MAX_IDLE + 5)]
        for response in responses:
            while await response.read(100):
                pass
        assert client.idle_connections == MAX_IDLE
        # The oldest went.
        for connection in server.connections[:5]:
            await connection.wait_gone()
        assert server.open_connections == MAX_IDLE


async def test_closing_the_client_closes_everything(client: UpstreamClient) -> None:
    async with Server(faults.raw(OK)) as quick, Server(faults.NAMED["body-silent"]) as slow:
        await fetch(client, ask(quick.url()))
        response = await client.open(ask(slow.url()))
        await client.aclose()
        await quick.connections[0].wait_gone()
        await slow.connections[0].wait_gone()
        await response.aclose()
        with pytest.raises(RuntimeError):
            await client.open(ask(quick.url()))


async def test_closing_the_client_while_it_connects() -> None:
    client = UpstreamClient()
    with faults.unanswering_port() as port:
        async with anyio.create_task_group() as group:
            group.start_soon(client.open, ask(f"http://127.0.0.1:{port}/"))
            await anyio.wait_all_tasks_blocked()
            await client.aclose()
            group.cancel_scope.cancel()
    assert client.busy_connections == 0


async def test_two_tasks_cannot_read_one_response(client: UpstreamClient) -> None:
    async with Server(faults.NAMED["body-silent"]) as server:
        response = await client.open(ask(server.url()))
        assert await response.read(100) == b"half"
        async with anyio.create_task_group() as group:
            group.start_soon(response.read, 100)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(RuntimeError):
                await response.read(100)
            group.cancel_scope.cancel()
        with pytest.raises(ValueError, match="positive"):
            await response.read(0)
