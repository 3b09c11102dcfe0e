"""The kind `websocket`: a real server, real frames, the policy's word on all of it, and credit both ways."""

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pybase64
import pytest
import structlog
from structlog.testing import capture_logs

from longwire.engine import websocket as kind_module
from longwire.engine.exchange import Exchange
from longwire.engine.websocket import WebSocket
from longwire.protocol.limits import WINDOW_FLOOR_BYTES
from longwire.streams.socket_parts import Kind, part
from longwire.upstream import UpstreamClient
from longwire.upstream.sockets import SocketStream
from longwire.upstream.websocket import WebSocketClient
from tests.patience import PATIENCE_S
from tests.unit.engine.harness import PAGE, TERMINALS, Bench, running_engine
from tests.unit.upstream.test_websocket import drain, raw
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.sockets import SocketServer, frame, unmasked

SECRET = "sk-live-0123456789abcdefghijklmnop"
HEAD = 5


def policy(url: str, *, extra: str = "", secret: bool = False) -> str:
    inject = 'inject = { Authorization = "Bearer {secret:key}" }' if secret else ""
    source = '[secret.key]\nenv = "LONGWIRE_TEST_SOCKET_KEY"' if secret else ""
    return f"""\
version = 1

[[grant]]
name = "live"
pages = ["{PAGE}"]
destinations = ["{url}/"]
methods = ["GET"]
network = "loopback"
{inject}
{extra}

{source}
"""


class SocketBench:
    """One engine with the kind; sockets by id."""

    def __init__(self, bench: Bench, url: str) -> None:
        self.bench = bench
        self.channel = bench.channel
        self.url = url
        self._sent: dict[int, int] = {}
        self._acked: dict[int, int] = {}

    def open(self, number: int, path: str = "/echo", **changes: Any) -> None:
        body = {"kind": "stream"}
        self.bench.start(number, kind="websocket", url=self.url + path, body=body, **changes)

    def send(self, number: int, data: bytes) -> None:
        offset = self._sent.get(number, 0)
        text = pybase64.b64encode(data).decode()
        self.channel.send(type="STREAM_BODY", id=number, offset=offset, data=text)
        self._sent[number] = offset + len(data)

    async def send_within_credit(self, number: int, data: bytes) -> None:
        """All of it, unless the socket is over before."""

        def room(written: list[dict[str, Any]], sent: int) -> int:
            acks = [m for m in written if m["type"] == "STREAM_BODY_ACK" and m["id"] == number]
            return int(acks[-1]["consumed"] + acks[-1]["window"] - sent) if acks else 0

        while data:
            sent = self._sent.get(number, 0)

            def may_go_on(written: list[dict[str, Any]], sent: int = sent) -> bool:
                return self.over(number) or room(written, sent) > 0

            await self.channel.wait_for(may_go_on)
            if self.over(number):
                return
            size = min(65536, room(self.channel.written, sent))
            self.send(number, data[:size])
            data = data[size:]

    async def granted(self, number: int) -> int:
        """Up to which offset the host takes the page's parts."""
        ack = await self.channel.message("STREAM_BODY_ACK", number)
        return int(ack["consumed"]) + int(ack["window"])

    def body(self, number: int) -> bytes:
        return b"".join(m["data"] for m in self.channel.of_stream(number) if m["type"] == "STREAM_CHUNK")

    def over(self, number: int) -> bool:
        return any(m["type"] in TERMINALS for m in self.channel.of_stream(number))

    def forget(self, number: int) -> None:
        """Keep nothing of it."""
        self.channel.written[:] = [m for m in self.channel.written if m.get("id") != number]

    def acknowledge(self, number: int) -> None:
        self.channel.send(type="STREAM_ACK", id=number, consumed=len(self.body(number)))

    def parts(self, number: int) -> list[tuple[int, bytes]]:
        """First byte and payload of each whole part so far."""
        found, data = [], self.body(number)
        while len(data) >= HEAD and len(data) >= (end := HEAD + int.from_bytes(data[1:HEAD], "big")):
            found.append((data[0], data[HEAD:end]))
            data = data[end:]
        return found

    def messages(self, number: int) -> list[tuple[int, bytes]]:
        found, current = [], b""
        for first, data in self.parts(number):
            current += data
            if first & 0x80:
                found.append((first & 0x7F, current))
                current = b""
        return found

    async def wait_for_messages(self, number: int, count: int, *, reading: bool = True) -> list[tuple[int, bytes]]:
        def enough(_: object) -> bool:
            if reading and len(self.body(number)) > self._acked.get(number, 0):
                self._acked[number] = len(self.body(number))
                self.acknowledge(number)
            return len(self.messages(number)) >= count

        await self.channel.wait_for(enough)
        return self.messages(number)


@asynccontextmanager
async def bench_for(folder: Path, url: str, text: str | None = None, **stall: float) -> AsyncIterator[SocketBench]:
    client = UpstreamClient()
    kinds: dict[str, Any] = {}

    async def kind(exchange: Exchange) -> None:
        await kinds["websocket"](exchange)

    try:
        async with running_engine(folder, policy=text or policy(url), kinds={"websocket": kind}) as bench:
            kinds["websocket"] = WebSocket(WebSocketClient(client, **stall), bench.authorizer)
            yield SocketBench(bench, url)
            assert client.busy_connections <= bench.live_streams
    finally:
        await client.aclose()


def close_part(code: int | None = None, reason: str = "") -> bytes:
    data = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
    return part(Kind.CLOSE, data, last=True)


async def test_a_message_of_the_pages_is_in_the_socket_two_rounds_of_the_loop_after_its_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = 0
    sent_in: list[int] = []
    send = SocketStream.send

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await anyio.lowlevel.checkpoint()

    async def counted(stream: SocketStream, item: bytes) -> None:
        await send(stream, item)
        sent_in.append(rounds)

    monkeypatch.setattr(SocketStream, "send", counted)
    async with SocketServer() as server, bench_for(tmp_path, server.url) as bench, anyio.create_task_group() as tasks:
        bench.open(1)
        await bench.granted(1)
        sent_in.clear()
        tasks.start_soon(count)
        await anyio.lowlevel.checkpoint()
        at = rounds
        bench.send(1, part(Kind.TEXT, b"now", last=True))
        assert await bench.wait_for_messages(1, 1) == [(1, b"now")]
        # One to take it from the channel, one for the task of the socket; a turn that was used up may cost another.
        assert sent_in[0] - at <= 3
        tasks.cancel_scope.cancel()


async def test_messages_go_both_ways_and_the_pages_close_ends_both(tmp_path: Path) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with SocketServer() as server, bench_for(tmp_path, server.url) as bench:
            bench.open(1, protocols=["nothing", "chat"])
            head = await bench.channel.message("STREAM_HEADERS", 1)
            assert (head["status"], head["headers"]) == (101, [["sec-websocket-protocol", "chat"]])
            await bench.granted(1)
            bench.send(1, part(Kind.TEXT, "größer".encode(), last=True) + part(Kind.BINARY, b"", last=True))
            bench.send(1, part(Kind.BINARY, b"\0\xff", last=True))
            echoed = await bench.wait_for_messages(1, 3)
            assert echoed == [(1, "größer".encode()), (2, b""), (2, b"\0\xff")]
            bench.send(1, close_part(4001, "done"))
            end = await bench.channel.terminal(1)
            assert end["type"] == "STREAM_END"
            assert bench.messages(1)[-1] == (8, (4001).to_bytes(2, "big") + b"done")
            assert await server.closed() == (4001, "done")
    said = [line["event"] for line in lines if line.get("stream") == 1]
    assert said == ["start", "headers", "first byte", "end"]


async def test_what_the_server_took_is_acknowledged_to_the_byte_and_without_waiting_for_more(tmp_path: Path) -> None:
    async with SocketServer() as server, bench_for(tmp_path, server.url) as bench:
        bench.open(1)
        await bench.granted(1)
        message = part(Kind.TEXT, b"hello", last=True)
        bench.send(1, message + message[:3])

        def acknowledged(written: Iterable[dict[str, Any]]) -> bool:
            acks = [m["consumed"] for m in written if m["type"] == "STREAM_BODY_ACK"]
            assert acks[-1] <= len(message)
            return bool(acks[-1] == len(message))

        await bench.channel.wait_for(acknowledged)
        bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        await bench.channel.terminal(1)


@pytest.mark.parametrize("size", [100_000, 8 * 1024 * 1024])
async def test_a_message_larger_than_any_window_passes_both_ways(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    async with SocketServer() as server, bench_for(tmp_path, server.url) as bench:
        bench.open(1)
        await bench.granted(1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.send_within_credit, 1, part(Kind.BINARY, data, last=True))
            ((kind, echoed),) = await bench.wait_for_messages(1, 1)
        assert (kind, echoed == data) == (2, True)


# The smallest messages take the most work for the same bytes.
@pytest.mark.parametrize("size", [100, pytest.param(1, marks=pytest.mark.long)])
async def test_a_page_that_does_not_read_bounds_what_leaves_the_server(tmp_path: Path, size: int) -> None:
    async with SocketServer() as server, bench_for(tmp_path, server.url) as bench:
        bench.open(1, f"/endless?size={size}")
        await bench.channel.wait_for(lambda _: len(bench.body(1)) == WINDOW_FLOOR_BYTES)
        before = -1
        with anyio.fail_after(PATIENCE_S):
            while before != server.sent_bytes:
                before = server.sent_bytes
                await anyio.sleep(0.2)
        assert server.sent_bytes < 8 * 1024 * 1024
        assert len(bench.body(1)) == WINDOW_FLOOR_BYTES
        bench.channel.send(type="STREAM_ABORT", id=1, reason="page-gone")
        assert (await bench.channel.terminal(1))["type"] == "STREAM_ABORTED"


async def test_a_page_that_closes_without_reading_is_answered(tmp_path: Path) -> None:
    """The rest is read without credit and dropped; the server's own close ends it in order."""

    async def then(request: Request) -> None:
        data = b""
        while unmasked(data) is None:
            await request.connection.send(frame(2, bytes(1000)) * 100)
            with anyio.move_on_after(0.001):
                data += await request.connection.read_some()
        await request.connection.send(frame(8, (1000).to_bytes(2, "big")))
        request.connection.keep_alive = False

    async with Server(raw(then=then)) as server:
        url = f"ws://localhost:{server.port}"
        async with bench_for(tmp_path, url) as bench:
            bench.open(1)
            await bench.channel.wait_for(lambda _: len(bench.body(1)) == WINDOW_FLOOR_BYTES)
            bench.send(1, close_part(1000))
            await server.connections[0].closed.wait()
            bench.acknowledge(1)  # as the shim drops what a closing socket still has

            def last(_: object) -> bool:
                bench.acknowledge(1)
                return any(m["type"] == "STREAM_END" for m in bench.channel.of_stream(1))

            await bench.channel.wait_for(last)
            assert bench.parts(1)[-1] == (0x88, (1000).to_bytes(2, "big"))


async def test_a_server_that_never_answers_a_close_ends_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind_module, "CLOSE_PATIENCE_S", 0.1)
    async with Server(raw(then=drain)) as server, bench_for(tmp_path, f"ws://localhost:{server.port}") as bench:
        bench.open(1)
        await bench.granted(1)
        bench.send(1, close_part(1000))
        assert (await bench.channel.terminal(1))["type"] == "STREAM_END"
        assert bench.parts(1) == []


@pytest.mark.parametrize(
    ("sent", "code", "told"),
    [
        (frame(1, b"\xff"), "UPSTREAM_PROTOCOL", 1007),
        (frame(1, b"x", reserved=0x20), "UPSTREAM_PROTOCOL", 1002),
        (frame(2, bytes(1001)), "BODY_TOO_LARGE", 1009),
        (frame(2, b"x" * 600, last=False) + frame(0, b"x" * 600), "BODY_TOO_LARGE", 1009),
        (frame(2, b"x", last=False) + frame(0, last=False) * 20, "BODY_TOO_LARGE", 1009),
    ],
    ids=["no UTF-8", "reserved bit", "one large frame", "large fragments", "empty continuations without end"],
)
async def test_what_cannot_be_taken_is_a_typed_error_and_the_server_is_told(
    tmp_path: Path, sent: bytes, code: str, told: int
) -> None:
    heard: list[bytes] = []

    async def then(request: Request) -> None:
        data = b""
        while (found := unmasked(data)) is None:
            data += await request.connection.read_some()
        heard.append(found[1])

    async with Server(raw(frame(1, b"before"), sent, then=then)) as server:
        url = f"ws://localhost:{server.port}"
        text = policy(url, extra="limits = { message_bytes = 1000 }")
        async with bench_for(tmp_path, url, text) as bench:
            bench.open(1)
            error = await bench.channel.terminal(1)
            await server.connections[0].closed.wait()
    assert (error["type"], error["code"], error["phase"]) == ("STREAM_ERROR", code, "body")
    assert bench.messages(1) == [(1, b"before")]
    assert heard == [told.to_bytes(2, "big")]


async def test_a_message_of_the_limit_passes_and_one_more_byte_of_the_page_does_not(tmp_path: Path) -> None:
    async with SocketServer() as server:
        text = policy(server.url, extra="limits = { message_bytes = 1000 }")
        async with bench_for(tmp_path, server.url, text) as bench:
            bench.open(1)
            await bench.granted(1)
            bench.send(1, part(Kind.BINARY, bytes(1000), last=True))
            assert await bench.wait_for_messages(1, 1) == [(2, bytes(1000))]
            bench.send(1, part(Kind.BINARY, bytes(1001), last=True))
            error = await bench.channel.terminal(1)
    assert (error["code"], error["phase"]) == ("BODY_TOO_LARGE", "body")
    assert server.received == [bytes(1000)]


@pytest.mark.parametrize(
    "bad",
    [
        b"\x01" + bytes(4),
        b"\x89" + bytes(4),
        part(Kind.TEXT, b"\xff", last=True),
        close_part(1001),
        close_part(2999),
        close_part(1000, "x" * 124),
        part(Kind.CLOSE, b"\x03\xe8\xff", last=True),
    ],
    ids=["fragment", "ping", "no UTF-8", "1001", "2999", "long reason", "reason no UTF-8"],
)
async def test_what_no_shim_sends_ends_the_stream_and_nothing_of_it_reaches_the_server(
    tmp_path: Path, bad: bytes
) -> None:
    async with SocketServer() as server, bench_for(tmp_path, server.url) as bench:
        bench.open(1)
        await bench.granted(1)
        bench.send(1, bad)
        error = await bench.channel.terminal(1)
        assert (error["type"], error["code"]) == ("STREAM_ERROR", "PROTOCOL")
        await server.closed()
        assert server.received == []


async def test_an_answer_instead_of_101_has_its_status_and_is_typed(tmp_path: Path) -> None:
    async def forbidden(request: Request) -> None:
        await request.connection.send(b"HTTP/1.1 403 Forbidden\r\nX-Why: no\r\nContent-Length: 0\r\n\r\n")

    async with Server(forbidden) as server, bench_for(tmp_path, f"ws://localhost:{server.port}") as bench:
        bench.open(1)
        error = await bench.channel.terminal(1)
    kinds = [(m["type"], m.get("status"), m.get("headers")) for m in bench.channel.of_stream(1)]
    assert kinds[0] == ("STREAM_HEADERS", 403, [])
    assert (error["code"], "403" in error["message"]) == ("HANDSHAKE_FAILED", True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "websocket", "url": "http://localhost:1/"}, "POLICY_DENIED"),
        ({"kind": "http"}, "PROTOCOL"),
        ({"kind": "websocket", "body": {"kind": "none"}}, "PROTOCOL"),
        ({"kind": "websocket", "method": "POST"}, "PROTOCOL"),
        ({"kind": "websocket", "protocols": ["no token"]}, "PROTOCOL"),
        ({"kind": "websocket", "headers": [["Sec-WebSocket-Key", "x"]]}, "PROTOCOL"),
        ({"kind": "websocket", "headers": [["Upgrade", "h2c"]]}, "PROTOCOL"),
    ],
    ids=["http by the kind", "socket by http", "no body", "POST", "protocol", "key", "upgrade"],
)
async def test_only_a_socket_is_a_socket(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    async with SocketServer() as server, bench_for(tmp_path, server.url) as bench:
        bench.bench.start(1, **({"url": f"{server.url}/echo", "body": {"kind": "stream"}} | changes))
        assert (await bench.channel.terminal(1))["code"] == code
        assert server.closes == []


async def test_a_socket_has_a_grant_of_its_own_scheme(tmp_path: Path) -> None:
    async with SocketServer() as server:
        text = policy(server.url.replace("ws://", "http://"))
        async with bench_for(tmp_path, server.url, text) as bench:
            bench.open(1)
            error = await bench.channel.terminal(1)
    assert (error["code"], "it is for http, not ws" in error["message"]) == ("POLICY_DENIED", True)


async def test_sockets_are_counted_apart_and_their_place_is_free_when_they_are_closed(tmp_path: Path) -> None:
    async with SocketServer() as server:
        text = policy(server.url, extra="limits = { sockets = 1, streams = 1 }")
        async with bench_for(tmp_path, server.url, text) as bench:
            bench.open(1)
            await bench.granted(1)
            bench.open(2)
            error = await bench.channel.terminal(2)
            assert (error["code"], "1 sockets at once" in error["message"]) == ("LIMIT_EXCEEDED", True)
            bench.send(1, close_part())
            await bench.channel.terminal(1)
            bench.open(3)
            await bench.granted(3)
            bench.channel.send(type="STREAM_ABORT", id=3, reason="signal")
            await bench.channel.terminal(3)


@pytest.mark.parametrize(
    "sent",
    [
        frame(1, b"it is " + SECRET.encode()),
        frame(1, SECRET[:20].encode(), last=False) + frame(0, SECRET[20:].encode()),
        frame(2, SECRET[:16].encode()) + frame(2, SECRET[16:].encode()),
        frame(8, (1000).to_bytes(2, "big") + SECRET.encode()),
    ],
    ids=["in a message", "over fragments", "over messages", "in the reason of a close"],
)
async def test_a_secret_that_comes_back_ends_the_socket_before_the_page_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setenv("LONGWIRE_TEST_SOCKET_KEY", SECRET)
    async with Server(raw(frame(1, b"hello"), sent)) as server:
        url = f"ws://localhost:{server.port}"
        async with bench_for(tmp_path, url, policy(url, secret=True)) as bench:
            bench.open(1)
            error = await bench.channel.terminal(1)
            assert error["code"] == "SECRET_REFLECTED"
            assert SECRET[16:] not in str(bench.channel.written)
            bench.open(2)
            assert (await bench.channel.terminal(2))["code"] == "SECRET_REFLECTED"
        assert server.requests[0].header("Authorization") == f"Bearer {SECRET}"
        assert len(server.requests) == 1


async def test_a_policy_that_takes_the_grant_back_ends_the_socket(tmp_path: Path) -> None:
    async with SocketServer() as server, bench_for(tmp_path, server.url) as bench:
        bench.open(1)
        await bench.granted(1)
        bench.bench.policy_file.write_text("version = 1\n")
        bench.bench.policy.poke()
        error = await bench.channel.terminal(1)
        assert error["code"] == "POLICY_DENIED"
        assert await server.closed() == (1001, "")


async def test_a_lost_channel_closes_the_socket(tmp_path: Path) -> None:
    async with SocketServer() as server:
        async with bench_for(tmp_path, server.url) as bench:
            bench.open(1)
            await bench.granted(1)
        assert await server.closed() == (1001, "")
