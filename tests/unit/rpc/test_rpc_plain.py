"""A peer that speaks to a plain one, of which a test decides every message."""

import asyncio
import json
from typing import Any

import pytest

from longwire.rpc import Peer, PeerOptions, accept
from tests.patience import PATIENCE_S
from tests.unit.rpc.pair import End, Source, all_of, ends, failing, of, turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


async def plain(options: PeerOptions | None = None) -> tuple[Peer, End, End]:
    """A peer, its socket, and the plain one's, of which the test decides every message."""
    socket, other = ends(10_000)
    peer = Peer(options or PeerOptions(), "connect", resumable=False)
    peer.attach(socket)
    await other.send('{"category":"pong","timestamp":0}')
    await peer.opened()
    return peer, socket, other


def told(socket: End) -> list[Any]:
    """What a plain peer was sent, without pings."""
    messages = [json.loads(text) for text in socket.sent]
    return [message for message in messages if message.get("category") != "ping"]


async def test_a_plain_peer_gets_and_sends_the_plain_messages_and_no_others() -> None:
    peer, socket, other = await plain()
    async with peer:
        assert peer.extended is False
        assert await peer.send_stream(of({"a": 1}, 2), "s", batch=(2, 1)) == "s"
        _, stream = peer.receive_stream("r")
        await other.send('{"type":"StreamData","streamId":"r","payload":{"b":1}}')
        await other.send('{"type":"StreamEnd","streamId":"r"}')
        assert await all_of(stream) == [{"b": 1}]
        _, failed = peer.receive_stream("f")
        await other.send('{"type":"StreamError","streamId":"f","error":"it broke"}')
        error = await failing(anext(failed))
        assert (error.code, error.message) == ("REMOTE", "it broke")
        assert (await failing(peer.send_stream([b"x"], "b"))).code == "BINARY_UNSUPPORTED"
        assert told(socket) == [
            {"type": "StreamData", "streamId": "s", "payload": {"a": 1}},
            {"type": "StreamData", "streamId": "s", "payload": 2},
            {"type": "StreamEnd", "streamId": "s"},
            {
                "type": "StreamError",
                "streamId": "b",
                "error": "The other side knows JSON only: send bytes as base64 text",
            },
        ]


@pytest.mark.parametrize(
    "waiting",
    [lambda accepting: accepting, lambda accepting: asyncio.wait_for(accepting, PATIENCE_S)],
    ids=["alone", "in-a-task"],
)
async def test_a_plain_client_may_ask_with_its_first_message(waiting: Any) -> None:
    socket, other = ends(100)
    await other.send('{"category":"request","requestId":"1","data":20}')
    peer = await waiting(accept(socket))
    peer.match(lambda data: data + 1)
    async with peer:
        await turns()
        assert told(socket) == [{"category": "response", "requestId": "1", "data": 21}]


async def test_a_plain_peer_that_does_not_read_slows_the_iterator() -> None:
    socket, other = ends(room=5)
    peer = Peer(PeerOptions(), "connect", resumable=False)
    peer.attach(socket)
    await other.send('{"category":"pong","timestamp":0}')
    await peer.opened()
    async with peer:
        source = Source()
        peer.send_stream(source.items(), "s")
        await turns(500)
        assert 4 <= source.given <= 8
        for _ in range(100):
            await other.receive()
        await turns()
        assert source.given > 90


async def test_a_plain_peer_is_read_within_a_bound() -> None:
    peer, _, other = await plain(PeerOptions(max_plain_bytes=10_000))
    async with peer:
        _, stream = peer.receive_stream("r")
        for _ in range(200):
            await other.send('{"type":"StreamData","streamId":"r","payload":"some text"}')
        await turns(500)
        assert (await failing(all_of(stream))).code == "BUFFER_FULL"
        assert peer.counts["incoming"] == 0


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        "NaN",
        "[1]",
        '{"type":"StreamData","payload":1}',
        '{"type":"StreamError","streamId":"x"}',
        '{"category":"request","data":1}',
        "[" * 200_000,
        b"\x00\x00\x01",
        b"",
    ],
    ids=["no-json", "nan", "no-object", "no-id", "no-error", "no-request-id", "deep", "bytes", "empty"],
)
async def test_a_bad_message_is_warned_of_and_the_peer_served_on(message: str | bytes) -> None:
    warned: list[str] = []
    peer, _, other = await plain(PeerOptions(on_warning=lambda error, _: warned.append(error.code)))
    async with peer:
        await other.send(message)
        _, stream = peer.receive_stream("r")
        await other.send('{"type":"StreamEnd","streamId":"r"}')
        assert await all_of(stream) == []
        assert warned == ["BAD_MESSAGE"]
