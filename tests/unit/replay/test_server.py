"""A real server on a real socket: exact to the byte, for this machine alone, and broken where it is asked to be."""

import asyncio
import contextlib
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from longwire.recording.reader import RecordedStream
from longwire.replay.faults import Faults, Point
from longwire.replay.pace import AtOnce, ByKey
from longwire.replay.server import MAX_CONNECTIONS, PortTaken, ReplayServer
from longwire.replay.steps import Step
from tests.patience import PATIENCE_S
from tests.unit.replay.recorded import end, message, piece, recording, request, response

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Watcher:
    """Remembers."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self._more = asyncio.Condition()

    async def until(self, what: tuple[str, Any], times: int = 1) -> None:
        """Wait until this was told so often."""
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: self.told.count(what) >= times)

    def _tell(self, what: tuple[str, Any]) -> None:
        self.told.append(what)
        self._telling = asyncio.ensure_future(self._notify())

    async def _notify(self) -> None:
        async with self._more:
            self._more.notify_all()

    def began(self, exchange: int, method: str, target: str, stream: RecordedStream) -> None:
        self._tell(("began", stream.number))

    def refused(self, method: str, target: str, why: str) -> None:
        self._tell(("refused", target))

    def waits(self, exchange: int, step: Step) -> None:
        self._tell(("waits", step.act.name))

    def did(self, exchange: int, step: Step, late_ms: float) -> None:
        self._tell(("did", step.act.name))

    def ended(self, exchange: int, **figures: Any) -> None:
        self._tell(("ended", figures["how"]))


def server(*lines: dict[str, Any], pace: Any = AtOnce, watcher: Watcher | None = None, **faults: Any) -> ReplayServer:
    return ReplayServer(recording(*lines), Faults(**faults), pace, watcher or Watcher())


async def ask(port: int, *heads: str, body: bytes = b"") -> bytes:
    """Everything that a server says to these requests, up to its close."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for head in heads:
            writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        writer.write(body)
        async with asyncio.timeout(PATIENCE_S):
            return await reader.read()
    finally:
        writer.close()


def get(target: str, *fields: str, host: str = "127.0.0.1", method: str = "GET", close: bool = True) -> str:
    return "\n".join(
        [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields, *(["Connection: close"] if close else [])]
    )


def plain(answer: bytes) -> tuple[str, bytes]:
    """Head and body of an answer in chunks, or by length."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head.lower():
        return head.decode("latin-1"), rest
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return head.decode("latin-1"), body


STREAM = (request(), response(), piece(20, "data: 1\n\n"), piece(30, b"\xff\x00"), end(40))


async def test_an_answer_is_exact_to_the_byte() -> None:
    async with server(*STREAM) as replayed:
        head, body = plain(await ask(replayed.port, get("/events")))
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "content-type: text/event-stream" in head.lower()
    assert body == b"data: 1\n\n\xff\x00"


async def test_a_length_that_was_announced_is_announced_again() -> None:
    coded = [["content-length", "7"], ["content-encoding", "gzip"], ["x-a", "1"], ["X-A", "2"], ["set-cookie", "a=b"]]
    lines = (request(), response(headers=coded), piece(20, "hello"), end(30, how="whole", completeness="length"))
    async with server(*lines) as replayed:
        head, body = plain(await ask(replayed.port, get("/events")))
    assert "Content-Length: 5" in head
    assert "x-a: 1\r\nX-A: 2" in head
    assert "gzip" not in head
    assert "set-cookie" not in head
    assert body == b"hello"


async def test_requests_of_one_connection_are_answered_one_after_another() -> None:
    async with server(*STREAM) as replayed:
        answer = await ask(replayed.port, get("/events", close=False), get("/events"))
    assert answer.count(b"data: 1") == 2


async def test_each_stream_answers_for_what_was_asked_of_it_and_in_turn() -> None:
    two = [request(2), response(number=2), piece(20, "second", 2), end(40, 2)]
    third = [request(3, method="POST"), response(number=3), piece(20, "third", 3), end(40, 3)]
    async with server(*STREAM, *two, *third) as replayed:
        said = [plain(await ask(replayed.port, get(target)))[1] for target in ("/events",) * 3 + ("/stream/2", "/none")]
        post = get("/events", "Content-Length: 3", method="POST")
        assert plain(await ask(replayed.port, post, body=b"abc"))[1] == b"third"
    assert said[:4] == [b"data: 1\n\n\xff\x00", b"second", b"data: 1\n\n\xff\x00", b"second"]
    assert b"no stream of this recording answers GET /none" in said[4]
    assert b'"target": "/events"' in said[4]


async def test_the_only_stream_answers_whatever_is_asked() -> None:
    async with server(*STREAM) as replayed:
        assert b"data: 1" in await ask(replayed.port, get("/v1/chat?x=y", "Content-Length: 0", method="POST"))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("http://127.0.0.1", True),
        ("https://[::1]:8443", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://evil.example:80@localhost", True),
        ("null", False),
    ],
)
async def test_only_pages_of_this_machine_may_read_it(origin: str, allowed: bool) -> None:
    wanted = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-a,authorization")
    async with server(*STREAM) as replayed:
        head, _ = plain(await ask(replayed.port, get("/events", f"Origin: {origin}")))
        before, _ = plain(await ask(replayed.port, get("/events", f"Origin: {origin}", *wanted, method="OPTIONS")))
    assert (f"Access-Control-Allow-Origin: {origin}" in head) == allowed
    assert ("Access-Control-Allow-Headers: x-a,authorization" in before) == allowed
    assert before.startswith("HTTP/1.1 204")


async def test_a_name_that_leads_here_by_somebody_elses_doing_is_refused() -> None:
    watcher = Watcher()
    async with server(*STREAM, watcher=watcher) as replayed:
        answer = await ask(replayed.port, get("/events", host="evil.example"))
    assert answer.startswith(b"HTTP/1.1 421")
    assert b"data: 1" not in answer
    assert watcher.told == [("refused", "/events")]


async def test_it_listens_on_loopback_only_and_says_when_a_port_is_taken() -> None:
    async with server(*STREAM) as first:
        assert first._server is not None
        assert [each.getsockname()[0] for each in first._server.sockets] == ["127.0.0.1"]
        with pytest.raises(PortTaken):
            await server(*STREAM).open(first.port)


@pytest.mark.parametrize(
    "last", [end(40, how="error", code="UPSTREAM_RESET", message="m", phase="body"), end(40, how="stopped")]
)
async def test_what_did_not_end_well_has_no_last_chunk(last: dict[str, Any]) -> None:
    async with server(*STREAM[:-1], last) as replayed:
        answer = await ask(replayed.port, get("/events"))
    assert b"\xff\x00" in answer
    assert not answer.endswith(b"0\r\n\r\n")


async def test_a_cut_comes_behind_its_byte_and_the_rest_never() -> None:
    async with server(*STREAM, cut=Point(6)) as replayed:
        got = await ask(replayed.port, get("/events"))
    assert got.endswith(b"6\r\ndata: \r\n")


async def test_a_stall_lasts_until_the_client_goes() -> None:
    watcher = Watcher()
    async with server(*STREAM, watcher=watcher, stall=Point.parse("event:1")) as replayed:
        reader, writer = await asyncio.open_connection("127.0.0.1", replayed.port)
        writer.write(get("/events").replace("\n", "\r\n").encode() + b"\r\n\r\n")
        await reader.readuntil(b"data: 1\n\n")
        await watcher.until(("did", "STALL"))
        writer.close()
        await watcher.until(("ended", "stalled"))


async def test_each_press_sends_one_step() -> None:
    keys, watcher = ByKey(), Watcher()
    async with server(*STREAM, pace=lambda: keys, watcher=watcher) as replayed:
        asking = asyncio.create_task(ask(replayed.port, get("/events")))
        for done in range(4):
            await watcher.until(("waits", ["HEAD", "DATA", "DATA", "FINISH"][done]), times=2 if done == 2 else 1)
            assert sum(each[0] == "did" for each in watcher.told) == done
            keys.press()
        assert b"data: 1" in await asking


async def test_a_client_that_leaves_ends_its_answer() -> None:
    keys, watcher = ByKey(), Watcher()
    async with server(*STREAM, pace=lambda: keys, watcher=watcher) as replayed:
        _, writer = await asyncio.open_connection("127.0.0.1", replayed.port)
        writer.write(get("/events").replace("\n", "\r\n").encode() + b"\r\n\r\n")
        await watcher.until(("waits", "HEAD"))
        writer.close()
        await watcher.until(("ended", "left by the client"))


async def test_more_connections_than_it_takes_are_closed() -> None:
    keys, watcher = ByKey(), Watcher()
    async with server(*STREAM, pace=lambda: keys, watcher=watcher) as replayed:
        asking = [asyncio.create_task(ask(replayed.port, get("/events"))) for _ in range(MAX_CONNECTIONS)]
        await watcher.until(("began", 1), times=MAX_CONNECTIONS)
        with contextlib.suppress(ConnectionError):
            assert await ask(replayed.port, get("/events")) == b""
        assert watcher.told.count(("began", 1)) == MAX_CONNECTIONS
    assert set(await asyncio.gather(*asking)) == {b""}


SOCKET = (
    request(kind="websocket", url="wss://api.example/feed", protocols=["feed.v1"]),
    response(10, status=101, headers=[["sec-websocket-protocol", "feed.v1"]]),
    message(12, "€!".encode()[:2], more=True),
    message(13, "€!".encode()[2:]),
    message(14, b"\x00\xff", 2),
    message(15, b"\x03\xe8bye", 8),
    end(20),
)


async def test_a_socket_says_what_it_said() -> None:
    async with server(*SOCKET) as replayed:
        uri = f"ws://127.0.0.1:{replayed.port}/feed"
        async with connect(uri, subprotocols=["other", "feed.v1"], proxy=None) as socket:  # type: ignore[list-item]
            assert socket.subprotocol == "feed.v1"
            assert await socket.recv() == "€!"
            assert await socket.recv() == b"\x00\xff"
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "bye")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [(None, True), ("http://localhost:5173", True), ("https://evil.example", False), ("null", False)],
)
async def test_a_socket_is_for_pages_of_this_machine_alone(origin: str | None, allowed: bool) -> None:
    watcher = Watcher()
    async with server(*SOCKET, watcher=watcher) as replayed:
        uri = f"ws://127.0.0.1:{replayed.port}/feed"
        with contextlib.nullcontext() if allowed else pytest.raises(InvalidStatus, match="403"):
            async with connect(uri, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
                assert await socket.recv() == "€!"
    # No browser asks CORS about a socket: a page reads whatever it may open.
    assert (("refused", "/feed") in watcher.told) != allowed


async def test_a_socket_that_ended_by_itself_breaks_off_again() -> None:
    async with server(*SOCKET[:5], end(20)) as replayed:
        async with connect(f"ws://127.0.0.1:{replayed.port}/", proxy=None) as socket:
            assert [await socket.recv(), await socket.recv()] == ["€!", b"\x00\xff"]
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
        assert closed.value.rcvd is None


async def test_a_socket_is_no_answer_to_a_request_nor_the_other_way_round() -> None:
    async with server(*SOCKET[:5], end(20)) as replayed:
        assert (await ask(replayed.port, get("/feed"))).startswith(b"HTTP/1.1 404")


CLOSES = [b"\x03", b"\x00\x00", b"\x03\xed", b"\xff\xff", b"\x03\xe8\xff\xfe", b"\x03\xe8" + b"r" * 500]


@pytest.mark.parametrize("close", CLOSES)
async def test_a_close_that_nobody_may_send_ends_its_socket_and_nothing_else(close: bytes) -> None:
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    lines = (request(kind="websocket"), response(status=101, headers=[]), message(20, "a"), message(30, close, 8))
    async with server(*lines) as replayed:
        async with connect(f"ws://127.0.0.1:{replayed.port}/", proxy=None) as socket, asyncio.timeout(PATIENCE_S):
            assert await socket.recv() == "a"
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        async with connect(f"ws://127.0.0.1:{replayed.port}/", proxy=None) as socket:
            assert await socket.recv() == "a"
    assert faults == []


@pytest.mark.parametrize("reason", ["Made\x01", "Été", "\u20ac", " "])
async def test_a_reason_is_sent_as_far_as_it_can_be(reason: str) -> None:
    async with server(request(), response(reason=reason), piece(20, "a"), end(40)) as replayed:
        head, body = plain(await ask(replayed.port, get("/events")))
    assert head.split("\r\n")[0].startswith("HTTP/1.1 200")
    assert "\x01" not in head
    assert body == b"a"
