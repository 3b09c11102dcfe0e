"""The connection of a peer: how it is had, and how it ends."""

import asyncio
import json
from typing import Any

import pytest

from longwire.rpc import NO_RETRY, AsgiSocket, PeerOptions, Retry, RpcError, accept, connect
from longwire.rpc.deflate import BrokenMessage, deflated, inflated, is_deflated
from tests.patience import PATIENCE_S
from tests.unit.rpc.pair import NOTHING, Source, all_of, ends, failing, of, pair, turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


@pytest.mark.parametrize("which", [0, 1], ids=["client", "server"])
async def test_a_connection_that_breaks_ends_everything_on_both_sides(which: int) -> None:
    async with pair() as (client, server, sockets):
        source = Source()
        _, there = server.receive_stream("a")
        sent = client.send_stream(source.items(), "a")
        cancelled = asyncio.Event()

        @server.match
        async def never(_: Any) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        asked = asyncio.create_task(client.request(1))
        assert await anext(there) == 0
        sockets[which].cut()
        for error in (await failing(all_of(there)), await failing(sent), await failing(asked)):
            assert (error.code, error.phase, error.close_code) == ("CONNECTION_CLOSED", "open", 1006)
            assert "Connection closed" in str(error)
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)
        await asyncio.wait_for(cancelled.wait(), PATIENCE_S)
        assert await client.wait_closed() == (1006, "")
        assert [client.counts, server.counts] == [NOTHING, NOTHING]
        with pytest.raises(RpcError, match="CONNECTION_CLOSED"):
            client.send_stream(of(1))
        with pytest.raises(RpcError, match="CONNECTION_CLOSED"):
            client.receive_stream()
        assert (await failing(client.request(1))).code == "CONNECTION_CLOSED"


async def test_a_close_is_told_with_code_and_reason_and_no_task_is_left() -> None:
    before = asyncio.all_tasks()
    async with pair() as (client, server, _):
        _, there = server.receive_stream("a")
        await client.close(4001, "enough")
        assert await server.wait_closed() == (4001, "enough")
        error = await failing(anext(there))
        assert (error.close_code, error.close_reason) == (4001, "enough")
        for code, reason in ((1006, ""), (1000, "é" * 62)):
            with pytest.raises(ValueError, match="the "):
                await client.close(code, reason)
    await turns()
    assert asyncio.all_tasks() == before


def test_what_was_deflated_is_inflated_within_its_bound() -> None:
    for data in ("text é" * 1000, b"bytes" * 1000):
        packed = deflated(data)
        assert packed is not None
        assert is_deflated(packed)
        assert inflated(packed, 10_000) == data
        with pytest.raises(BrokenMessage, match="too large"):
            inflated(packed, 4000)
        understated = packed[:1] + (10).to_bytes(4, "big") + packed[5:]
        for broken in (understated, packed[:-1], packed + b"x", packed[:3], packed[:5] + b"no zlib"):
            with pytest.raises(BrokenMessage, match="broken"):
                inflated(broken, 10_000)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\x01\xff\xff\xff\xff", 1009), (b"\x01\x00\x00\x00\x05nonsense", 1007), ("x" * 20_000, 1009)],
    ids=["bomb", "broken", "large"],
)
async def test_a_message_that_cannot_be_taken_closes_the_socket(data: str | bytes, code: int) -> None:
    async with pair(server=PeerOptions(max_message_bytes=10_000)) as (client, server, sockets):
        _, stream = server.receive_stream("a")
        await sockets[0].send(data)
        error = await failing(anext(stream))
        assert (error.code, error.close_code) == ("CONNECTION_CLOSED", code)
        assert (await client.wait_closed())[0] == code


async def test_what_is_no_socket_and_options_that_cannot_be() -> None:
    with pytest.raises(TypeError, match="a socket is"):
        await accept(object())
    with pytest.raises(ValueError, match="window"):
        PeerOptions(window=0)
    with pytest.raises(ValueError, match="retries"):
        Retry(retries=-1)
    async with pair() as (client, _, _):
        for options in ({"urgency": 8}, {"rate": 0}, {"batch": (0, 1)}):
            given: dict[str, Any] = options
            with pytest.raises(ValueError, match="is"):
                client.send_stream(of(1), "a", **given)
        with pytest.raises(ValueError, match="window"):
            client.receive_stream("a", window=0)


async def test_a_socket_that_closes_before_hello_fails() -> None:
    socket, other = ends()
    other.cut(1008, "no")
    error = await failing(accept(socket))
    assert (error.code, error.close_code) == ("CONNECTION_FAILED", 1008)


async def test_a_server_that_cannot_be_reached_fails_after_its_retries() -> None:
    attempts = 0

    async def refuse() -> Any:
        nonlocal attempts
        attempts += 1
        raise OSError("refused")

    for retry, expected in ((NO_RETRY, 1), (Retry(retries=2, delay_s=0), 3)):
        attempts = 0
        with pytest.raises(RpcError, match="CONNECTION_FAILED"):
            async with connect("ws://nowhere", retry=retry, open_socket=refuse):
                pass
        assert attempts == expected


def test_delays_double_up_to_the_longest() -> None:
    retry = Retry(delay_s=1, max_delay_s=5, jitter=0.5)
    assert [retry.delay_before(attempt, lambda: 0.5) for attempt in (1, 2, 3, 4, 5)] == [1, 2, 4, 5, 5]
    assert [retry.delay_before(1, lambda: 0), retry.delay_before(1, lambda: 1)] == [0.5, 1.5]


async def test_an_asgi_socket_of_the_callables_alone() -> None:
    sent: list[Any] = []
    inbox: asyncio.Queue[Any] = asyncio.Queue()

    async def send(message: Any) -> None:
        sent.append(message)

    socket = AsgiSocket(inbox.get, send)
    inbox.put_nowait({"type": "websocket.connect"})
    await socket.accept("rpc")
    inbox.put_nowait({"type": "websocket.receive", "text": '{"category":"pong"}', "bytes": None})
    peer = await accept(socket)
    inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})
    assert await peer.wait_closed() == (1001, "")
    assert sent[0] == {"type": "websocket.accept", "subprotocol": "rpc"}
    assert json.loads(sent[1]["text"])["category"] == "ping"
