"""A WebSocket's way to a real server, to a scripted one, and how it ends: the same connections and guards as HTTP."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream import UpstreamClient
from longwire.upstream.model import (
    NO_CLOSE_CODE,
    FrameViolation,
    HandshakeRefused,
    SocketClosed,
    SocketEvent,
    SocketFragment,
    UpstreamSocket,
)
from longwire.upstream.websocket import WebSocketClient
from tests.patience import PATIENCE_S
from tests.unit.upstream.asking import ask
from tests.unit.upstream.test_tunnel import via
from tests.upstreams import faults
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Handler, Server
from tests.upstreams.sockets import SocketServer, answer, frame, unmasked
from tests.upstreams.tls import Authority
from tests.upstreams.tunnel import Proxy


@asynccontextmanager
async def opened(
    client: UpstreamClient, url: str, *protocols: str, send_stall_s: float = PATIENCE_S, **parts: Any
) -> AsyncIterator[UpstreamSocket]:
    socket = await WebSocketClient(client, send_stall_s=send_stall_s).open_socket(ask(url, **parts), protocols)
    try:
        yield socket
    finally:
        await socket.aclose()


async def read_until_end(socket: UpstreamSocket) -> list[SocketEvent]:
    events: list[SocketEvent] = []
    with anyio.fail_after(PATIENCE_S):
        while more := await socket.read(65536):
            events += more
            if isinstance(more[-1], SocketClosed):
                await socket.close(more[-1].code, more[-1].reason)
    return events


async def message(socket: UpstreamSocket) -> bytes:
    data = b""
    with anyio.fail_after(PATIENCE_S):
        while True:
            for event in await socket.read(65536):
                assert isinstance(event, SocketFragment)
                data += event.data
                if event.last:
                    return data


def raw(
    *sent: bytes, then: Callable[[Request], Awaitable[None]] | None = None, fields: tuple[str, ...] = ()
) -> Handler:
    """Accepts, and sends that; then holds the connection until the client goes."""

    async def handle(request: Request) -> None:
        request.connection.keep_alive = False
        await request.connection.send(answer(request, *fields) + b"".join(sent))
        if then is not None:
            await then(request)
        else:
            await drain(request)

    return handle


async def drain(request: Request) -> None:
    try:
        while True:
            await request.connection.read_some()
    except PeerGoneError:
        pass


async def test_headers_and_subprotocol_arrive_and_messages_go_both_ways(client: UpstreamClient) -> None:
    headers = [("Authorization", "Bearer of the grant"), ("X-Page", "1")]
    async with SocketServer() as server:
        async with opened(client, f"{server.url}/told?x=1", "superchat", headers=headers) as socket:
            assert socket.protocol == "superchat"
            told = json.loads(await message(socket))
            for text in (True, False):
                await socket.send(SocketFragment(text, "größer".encode(), last=True))
                assert await message(socket) == "größer".encode()
        assert await server.closed() == (1001, "")  # as a browser says it when its page goes
    assert told["path"] == "/told?x=1"
    pairs = [(name.lower(), value) for name, value in told["headers"]]
    assert ("authorization", "Bearer of the grant") in pairs and ("x-page", "1") in pairs
    names = [name for name, _ in pairs]
    # No cookie, no origin, no extension, nothing of a browser's.
    assert sorted(names) == sorted(
        [
            "host",
            "authorization",
            "x-page",
            "user-agent",
            "connection",
            "upgrade",
            "sec-websocket-version",
            "sec-websocket-key",
            "sec-websocket-protocol",
        ]
    )
    assert server.received == ["größer", "größer".encode()]


@pytest.mark.parametrize("compressing", [True, False])
async def test_a_message_of_16_mib_passes_both_ways(client: UpstreamClient, compressing: bool) -> None:
    data = bytes(range(256)) * (64 * 1024)

    async def send(socket: UpstreamSocket) -> None:
        for at in range(0, len(data), 65536):
            await socket.send(SocketFragment(text=False, data=data[at : at + 65536], last=at + 65536 == len(data)))

    async with (
        SocketServer(compression=compressing) as server,
        opened(client, f"{server.url}/echo") as socket,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(send, socket)
        assert await message(socket) == data


async def test_a_hundred_thousand_fragments_are_one_message(client: UpstreamClient) -> None:
    sent = frame(1, b"a", last=False) + frame(0, b"b", last=False) * 99_998 + frame(0, b"c")
    async with Server(raw(sent)) as server, opened(client, f"ws://localhost:{server.port}/") as socket:
        assert await message(socket) == b"a" + b"b" * 99_998 + b"c"


@pytest.mark.parametrize(
    ("code", "reason", "closed"),
    [(1000, "", (1000, "")), (4711, "für dich", (4711, "für dich")), (1011, "x" * 123, (1011, "x" * 123))],
)
async def test_a_servers_close_is_told_with_code_and_reason_and_answered(
    client: UpstreamClient, code: int, reason: str, closed: tuple[int, str]
) -> None:
    async with SocketServer() as server:
        async with opened(client, f"{server.url}/close?code={code}&reason={reason}") as socket:
            assert await read_until_end(socket) == [SocketClosed(*closed)]
        assert await server.closed() == closed


async def test_the_clients_close_reaches_the_server(client: UpstreamClient) -> None:
    async with SocketServer() as server:
        async with opened(client, f"{server.url}/echo") as socket:
            await socket.close(4000, "enough")
            assert not await socket.send(SocketFragment(text=False, data=b"late", last=True))
            assert await read_until_end(socket) == [SocketClosed(4000, "enough")]
        assert await server.closed() == (4000, "enough")
        assert server.received == []


async def test_a_close_without_a_code(client: UpstreamClient) -> None:
    async with SocketServer() as server, opened(client, f"{server.url}/echo") as socket:
        await socket.close(NO_CLOSE_CODE)
        assert await read_until_end(socket) == [SocketClosed(NO_CLOSE_CODE, "")]


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_an_end_without_a_close_frame_is_no_error_and_gives_what_came_before(
    client: UpstreamClient, end: str
) -> None:
    async def then(request: Request) -> None:
        await faults.finish(request, end)  # type: ignore[arg-type]

    async with (
        Server(raw(frame(1, b"last words"), then=then)) as server,
        opened(client, f"ws://localhost:{server.port}/") as socket,
    ):
        events = await read_until_end(socket)
    if end == "close":  # a reset may overtake
        assert events == [SocketFragment(text=True, data=b"last words", last=True)]


async def test_a_violation_is_told_to_both(client: UpstreamClient) -> None:
    heard: list[tuple[int, bytes]] = []

    async def then(request: Request) -> None:
        data = b""
        while (found := unmasked(data)) is None:
            data += await request.connection.read_some()
        heard.append(found[:2])

    async with (
        Server(raw(frame(2, b"x", reserved=0x40), then=then)) as server,
        opened(client, f"ws://localhost:{server.port}/") as socket,
    ):
        with pytest.raises(FrameViolation) as violation:
            await socket.read(65536)
        await socket.close(violation.value.close_code)
        await server.connections[0].closed.wait()
    assert heard == [(0x88, (1002).to_bytes(2, "big"))]


BAD_ANSWERS: dict[str, Callable[[Request], bytes]] = {
    "403": lambda _: b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "200": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "302": lambda _: b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
    "401": lambda _: b'HTTP/1.1 401 U\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    "503": lambda _: b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n",
    "informational before": lambda r: b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(r),
    "wrong accept": lambda r: answer(r).replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: A"),
    "no accept": lambda r: answer(r).replace(b"Sec-WebSocket-Accept: ", b"X-Accept: "),
    "two accepts": lambda r: answer(r, "Sec-WebSocket-Accept: x"),
    "no upgrade": lambda r: answer(r).replace(b"Upgrade: websocket\r\n", b""),
    "another upgrade": lambda r: answer(r).replace(b"Upgrade: websocket", b"Upgrade: h2c"),
    "no connection": lambda r: answer(r).replace(b"Connection: Upgrade", b"Connection: keep-alive"),
    "unasked extension": lambda r: answer(r, "Sec-WebSocket-Extensions: permessage-deflate"),
    "unasked subprotocol": lambda r: answer(r, "Sec-WebSocket-Protocol: chat"),
    "none chosen": answer,
    "two chosen": lambda r: answer(r, "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: superchat"),
    "a list chosen": lambda r: answer(r, "Sec-WebSocket-Protocol: chat, superchat"),
    "in other letters": lambda r: answer(r, "Sec-WebSocket-Protocol: CHAT"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_a_handshake_that_a_browser_refuses_is_refused(client: UpstreamClient, name: str) -> None:
    async def handle(request: Request) -> None:
        await request.connection.send(BAD_ANSWERS[name](request))
        await drain(request)

    protocols = () if name == "unasked subprotocol" else ("chat", "superchat")
    if name in ("wrong accept", "no accept", "two accepts", "unasked extension"):
        protocols = ()
    async with Server(handle) as server:
        with pytest.raises(HandshakeRefused) as refused:
            async with opened(client, f"ws://localhost:{server.port}/", *protocols):
                pass
        assert len(server.requests) == 1  # a redirect is not followed
    assert (refused.value.code, refused.value.phase) == (ErrorCode.HANDSHAKE_FAILED, Phase.HEADERS)
    assert refused.value.status == (int(name) if name.isdigit() else None)
    assert refused.value.retryable == (name == "503")


async def test_an_answer_that_is_no_http_and_one_that_never_comes_or_never_ends(client: UpstreamClient) -> None:
    async def nonsense(request: Request) -> None:
        await request.connection.send(b"SSH-2.0-OpenSSH_9.9\r\n")
        await drain(request)

    async def more_and_more(request: Request) -> None:
        with suppress(PeerGoneError):
            await request.connection.send(answer(request).removesuffix(b"\r\n"))
            while True:
                await request.connection.send(b"X-More: and more\r\n" * 100)

    async def half(request: Request) -> None:
        await request.connection.send(answer(request).removesuffix(b"\r\n"))
        await drain(request)

    for handler, code, parts in (
        (nonsense, ErrorCode.UPSTREAM_PROTOCOL, {}),
        (drain, ErrorCode.HEADER_TIMEOUT, {"header_s": 0.05}),
        (half, ErrorCode.HEADER_TIMEOUT, {"header_s": 0.05}),
        (more_and_more, ErrorCode.UPSTREAM_PROTOCOL, {}),
    ):
        async with Server(handler) as server:
            with pytest.raises(StreamError) as failed:
                async with opened(client, f"ws://localhost:{server.port}/", **parts):
                    pass
        assert failed.value.code is code


@pytest.mark.parametrize("protocols", [("a b",), ("",), ("a,b",), ("a", "a"), ("ä",)])
async def test_a_subprotocol_that_is_no_token_is_not_asked_for(
    client: UpstreamClient, protocols: tuple[str, ...]
) -> None:
    with pytest.raises(StreamError) as refused:
        async with opened(client, "ws://localhost:1/", *protocols):
            pass
    assert (refused.value.code, refused.value.phase) == (ErrorCode.PROTOCOL, Phase.POLICY)


@pytest.mark.parametrize("name", ["Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Upgrade", "Host"])
async def test_a_field_of_the_handshakes_own_is_not_taken(client: UpstreamClient, name: str) -> None:
    with pytest.raises(StreamError) as refused:
        async with opened(client, "ws://localhost:1/", headers=[(name, "x")]):
            pass
    assert refused.value.code is ErrorCode.PROTOCOL


async def test_wss_is_over_tls_with_the_grants_authorities_and_no_others(
    client: UpstreamClient, tmp_path: Path
) -> None:
    authority = Authority()
    ca_file = authority.write_ca(tmp_path)
    async with SocketServer(authority.server_context()) as server:
        async with opened(client, f"{server.url}/echo", ca_file=ca_file) as socket:
            await socket.send(SocketFragment(text=True, data=b"over TLS", last=True))
            assert await message(socket) == b"over TLS"
        with pytest.raises(StreamError) as refused:
            async with opened(client, f"{server.url}/echo"):
                pass
    assert refused.value.code is ErrorCode.UPSTREAM_TLS


@pytest.mark.parametrize("secure", [True, False])
async def test_a_proxy_is_asked_for_a_tunnel_for_both_schemes(
    client: UpstreamClient, tmp_path: Path, secure: bool
) -> None:
    authority = Authority()
    ca_file = authority.write_ca(tmp_path)
    context = authority.server_context("right.test") if secure else None
    async with SocketServer(context) as server:
        through = Proxy(server.port)
        async with Server(through) as proxy:
            url = f"{'wss' if secure else 'ws'}://right.test/echo"
            headers = [("Authorization", "secret")]
            async with opened(client, url, ca_file=ca_file, headers=headers, **via(proxy)) as socket:
                await socket.send(SocketFragment(text=True, data=b"through", last=True))
                assert await message(socket) == b"through"
    assert through.asked == [f"CONNECT right.test:{443 if secure else 80}"]
    assert not any(b"secret" in head for head in through.heads)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/", "ws://[::1]:9/", "ws://localhost:9/"])
async def test_an_address_that_the_grant_does_not_open_is_not_connected_to(client: UpstreamClient, url: str) -> None:
    with pytest.raises(StreamError) as refused:
        async with opened(client, url, network="public"):
            pass
    assert refused.value.code is ErrorCode.POLICY_DENIED


async def test_pings_are_answered_with_the_newest_while_nothing_else_is_sent(client: UpstreamClient) -> None:
    pongs: list[bytes] = []
    enough = anyio.Event()

    async def then(request: Request) -> None:
        data = b""
        try:
            while True:
                while (found := unmasked(data)) is not None:
                    if found[0] == 0x8A:
                        pongs.append(found[1])
                    data = found[2]
                    if found[1] == b"999":
                        enough.set()
                data += await request.connection.read_some()
        except PeerGoneError:
            pass

    pings = b"".join(frame(9, str(number).encode()) for number in range(1000))
    async with (
        Server(raw(pings, then=then)) as server,
        opened(client, f"ws://localhost:{server.port}/") as socket,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(socket.answer_pings)
        tasks.start_soon(read_until_end, socket)
        with anyio.fail_after(PATIENCE_S):
            await enough.wait()
        tasks.cancel_scope.cancel()
    assert pongs == sorted(pongs, key=int)
    assert len(pongs) < 1000


async def test_a_server_that_takes_nothing_is_given_up(client: UpstreamClient) -> None:
    async with (
        Server(raw(then=stalled)) as server,
        opened(client, f"ws://localhost:{server.port}/", send_stall_s=0.2) as socket,
    ):
        with pytest.raises(StreamError) as failed:
            await send_for_ever(socket)
    assert (failed.value.code, failed.value.phase) == (ErrorCode.UPLOAD_FAILED, Phase.BODY)


async def send_for_ever(socket: UpstreamSocket) -> None:
    while True:
        assert await socket.send(SocketFragment(text=False, data=bytes(65536), last=True))


async def stalled(request: Request) -> None:
    request.connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await request.connection.wait_gone()


async def test_nothing_is_read_but_when_it_is_asked_for(client: UpstreamClient) -> None:
    """What leaves an endless server beyond what was read is bounded by the system's buffers."""
    async with SocketServer() as server, opened(client, f"{server.url}/endless?size=1000") as socket:
        read = 0
        for event in await socket.read(4096):
            assert isinstance(event, SocketFragment)
            read += len(event.data)
        before = -1
        with anyio.fail_after(PATIENCE_S):
            while before != server.sent_bytes:
                before = server.sent_bytes
                await anyio.sleep(0.2)
        assert before - read < 8 * 1024 * 1024
        assert read <= 4096


async def test_cancelling_the_handshake_closes_the_connection(client: UpstreamClient) -> None:
    async with Server(drain) as server:
        with anyio.move_on_after(0) as scope:
            scope.deadline = anyio.current_time() + 0.2
            async with opened(client, f"ws://localhost:{server.port}/"):
                pass
        assert scope.cancelled_caught
        for connection in server.connections:
            await connection.wait_gone()
    assert client.busy_connections == 0
