"""Peers over a connection in memory: what users are promised, in Python."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from longwire.rpc import NO_RETRY, PASS, AsgiSocket, Peer, PeerOptions, Retry, RpcError, accept, connect
from longwire.rpc.deflate import BrokenMessage, deflated, inflated, is_deflated
from tests.patience import PATIENCE_S
from tests.unit.rpc.pair import NOTHING, End, Source, all_of, ends, failing, of, pair, turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


async def settled(peer: Peer) -> dict[str, int]:
    """What is left once the last words have crossed."""
    await turns(200)
    return peer.counts


async def test_items_of_every_kind_arrive_as_they_were_in_both_directions() -> None:
    items = [0, "text", None, {"deep": [True, "é😀", "\ud83d"]}, [], ""]
    async with pair() as (client, server, _):
        stream_id, there = server.receive_stream()
        back, here = client.receive_stream("back")
        sent = client.send_stream(of(*items), stream_id)
        echoed = server.send_stream([*items, b"\x00\xff", bytearray(b"x"), memoryview(b"y")], back)
        assert await all_of(there) == items
        assert await all_of(here) == [*items, b"\x00\xff", b"x", b"y"]
        assert [await sent, await echoed] == [stream_id, "back"]
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_a_reader_that_does_not_read_stops_its_sender_and_nobody_else() -> None:
    async with pair() as (client, server, _):
        slow = Source()
        _, unread = server.receive_stream("slow", window=65_536)
        _, read = server.receive_stream("fast")
        client.send_stream(slow.items(), "slow")
        fast = client.send_stream(range(2000), "fast")
        assert len(await all_of(read)) == 2000
        await fast
        await turns(2000)
        given = slow.given
        assert 100 < given < 65_536 / 100
        await turns(500)
        assert slow.given == given
        for number in range(given):
            assert await anext(unread) == number
        await turns(500)
        assert slow.given > given


async def test_closing_the_reader_ends_the_iterator_on_the_other_side() -> None:
    async with pair() as (client, server, _):
        source = Source()
        _, there = server.receive_stream("a")
        sent = client.send_stream(source.items(), "a")
        async with aclosing(there):
            async for item in there:
                if item == 3:
                    break
        assert (await failing(sent)).code == "CANCELLED"
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_a_loop_that_is_left_ends_the_stream_when_nobody_has_it() -> None:
    async with pair() as (client, server, _):
        source = Source()
        client.send_stream(source.items(), "a")
        async for _item in server.receive_stream("a")[1]:
            break
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)


async def test_an_abort_ends_the_iterator_here_and_the_reader_there() -> None:
    async with pair() as (client, server, _):
        source = Source()
        _, there = server.receive_stream("a")
        sent = client.send_stream(source.items(), "a")
        await anext(there)
        client.abort_stream("a")
        assert (await failing(sent)).code == "ABORTED"
        assert (await failing(all_of(there))).code == "ABORTED"
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)


async def test_close_receiving_stream_ends_the_reader_in_order() -> None:
    async with pair() as (client, server, _):
        source = Source()
        _, there = server.receive_stream("a")
        client.send_stream(source.items(), "a")
        reading = asyncio.create_task(all_of(there))
        await turns()
        server.close_receiving_stream("a")
        assert await reading
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)


async def test_an_rpc_error_arrives_as_it_was_after_what_was_given() -> None:
    async def failing_source() -> AsyncIterator[int]:
        yield 1
        raise RpcError("QUOTA", "No more for today", name="QuotaError", retryable=True)

    async with pair() as (client, server, _):
        _, there = server.receive_stream("a")
        sent = client.send_stream(failing_source(), "a")
        assert await anext(there) == 1
        error = await failing(anext(there))
        assert (error.name, error.message, error.code, error.retryable) == (
            "QuotaError",
            "No more for today",
            "QUOTA",
            True,
        )
        assert (await failing(sent)).code == "QUOTA"


@pytest.mark.parametrize(("exposed", "message"), [(False, "The other side failed"), (True, "secret path")])
async def test_the_text_of_another_exception_stays_here(exposed: bool, message: str) -> None:
    async def at_once() -> AsyncIterator[int]:
        for text in ["secret path"]:
            raise LookupError(text)
        yield 1

    async with pair(PeerOptions(expose_errors=exposed)) as (client, server, sockets):
        _, there = server.receive_stream("a")
        sent = client.send_stream(at_once(), "a")
        error = await failing(anext(there))
        assert (error.name, error.message) == ("LookupError", message)
        assert isinstance((await failing(sent)).__cause__, LookupError)
        assert exposed or not any("secret" in str(each) for each in sockets[0].sent)


@pytest.mark.parametrize(
    "item",
    [object(), {1, 2}, float("nan"), {"deep": float("inf")}, {(1, 2): 3}],
    ids=["object", "set", "nan", "inf", "key"],
)
async def test_a_payload_that_is_no_json_ends_the_stream_on_both_sides(item: object) -> None:
    async with pair() as (client, server, _):
        _, there = server.receive_stream("a")
        sent = client.send_stream(of(1, item, 3), "a")
        assert await anext(there) == 1
        assert (await failing(anext(there))).code == "BAD_PAYLOAD"
        assert (await failing(sent)).code == "BAD_PAYLOAD"


async def test_a_payload_nested_too_deeply_is_none() -> None:
    deep: list[Any] = []
    for _ in range(200_000):
        deep = [deep]
    async with pair() as (client, server, _):
        _, there = server.receive_stream("a")
        client.send_stream(of(deep), "a")
        assert (await failing(anext(there))).code == "BAD_PAYLOAD"


async def test_a_used_iterator_an_id_in_use_and_what_cannot_be_iterated() -> None:
    async with pair() as (client, _, _):
        items, ended, generator = of(1), of(), (each for each in [1])
        client.send_stream(items, "a")
        client.send_stream(generator, "g")
        await all_of(ended)
        for used in (items, ended, generator):
            with pytest.raises(RpcError, match="ITERATOR_USED"):
                client.send_stream(used, "b")
        with pytest.raises(RpcError, match="STREAM_ID_IN_USE"):
            client.send_stream(of(2), "a")
        no: Any
        for no in (None, 1, "text", b"bytes", {"a": 1}):
            with pytest.raises(TypeError):
                client.send_stream(no, "c")
        for bad in ("", "x" * 257, "😀" * 129):
            with pytest.raises(ValueError, match="stream_id"):
                client.send_stream(of(1), bad)
        held = client.receive_stream("a")
        with pytest.raises(RpcError, match="STREAM_ID_IN_USE"):
            client.receive_stream("a")
        await held[1].aclose()


async def test_what_nobody_receives_ends_with_unclaimed_and_its_iterator() -> None:
    told: list[tuple[str, str | None]] = []
    options = PeerOptions(unclaimed_timeout_s=0.05, on_warning=lambda error, stream: told.append((error.code, stream)))
    async with pair(server=options) as (client, server, _):
        source = Source()
        assert (await failing(client.send_stream(source.items(), "lost"))).code == "UNCLAIMED"
        await asyncio.wait_for(source.closed.wait(), PATIENCE_S)
        assert told == [("UNCLAIMED", "lost")]
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_what_comes_before_receive_stream_is_read_from_the_first() -> None:
    async with pair() as (client, server, _):
        source = Source()
        client.send_stream(source.items(), "early")
        await turns(3000)
        given = source.given
        await turns(200)
        assert source.given == given
        assert 60_000 < server.counts["unclaimed_bytes"] < 70_000
        _, there = server.receive_stream("early")
        assert [await anext(there) for _ in range(given + 50)] == list(range(given + 50))
        await there.aclose()


async def test_an_item_larger_than_the_other_side_takes_ends_its_stream_only() -> None:
    async with pair(server=PeerOptions(max_message_bytes=10_000)) as (client, server, _):
        _, there = server.receive_stream("big")
        sent = client.send_stream(of("x" * 20_000), "big")
        assert (await failing(anext(there))).code == "TOO_LARGE"
        assert (await failing(sent)).code == "TOO_LARGE"
        _, small = server.receive_stream("small")
        client.send_stream(of(1), "small")
        assert await all_of(small) == [1]


async def test_what_compresses_goes_deflated_and_batches_go_as_one() -> None:
    async with pair() as (client, server, sockets):
        _, there = server.receive_stream("a")
        text = "the same again and again, " * 4000
        client.send_stream(of(text, *range(250)), "a", batch=(100, 60))
        assert await all_of(there) == [text, *range(250)]
        sizes = [len(message) for message in sockets[0].sent]
        assert max(sizes) < 10_000
        assert len(sizes) < 10


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


async def test_requests_are_answered_by_the_first_handler_that_has_an_answer() -> None:
    async with pair() as (client, server, _):
        server.match(lambda _: PASS)

        @server.match
        async def add(data: Any) -> Any:
            return sum(data) if isinstance(data, list) else PASS

        server.match(lambda data: None if data == "null" else PASS)
        assert await client.request([1, 2]) == 3
        assert await client.request("null") is None
        assert (await failing(client.request("other"))).code == "NO_ANSWER"


async def test_requests_fail_with_what_the_handler_raised_or_in_time() -> None:
    async with pair() as (client, server, _):
        cancelled = asyncio.Event()

        @server.match
        async def answer(what: str) -> Any:
            if what == "rpc":
                raise RpcError("DENIED", "Not you")
            if what == "plain":
                raise LookupError("secret")
            if what == "bad":
                return object()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        denied = await failing(client.request("rpc"))
        assert (denied.code, denied.message) == ("DENIED", "Not you")
        plain = await failing(client.request("plain"))
        assert (plain.code, plain.message) == ("FAILED", "The other side failed")
        assert (await failing(client.request("bad"))).code == "BAD_PAYLOAD"
        assert (await failing(client.request("hang", timeout=0.05))).code == "REQUEST_TIMEOUT"
        await asyncio.wait_for(cancelled.wait(), PATIENCE_S)
        cancelled.clear()
        asked = asyncio.create_task(client.request("hang"))
        await turns()
        asked.cancel()
        await asyncio.wait_for(cancelled.wait(), PATIENCE_S)
        assert (await failing(client.request(object()))).code == "BAD_PAYLOAD"
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_send_is_answered_by_nobody() -> None:
    async with pair() as (client, server, _):
        seen: asyncio.Queue[Any] = asyncio.Queue()
        server.match(seen.put_nowait)
        client.send({"hello": 1})
        assert await asyncio.wait_for(seen.get(), PATIENCE_S) == {"hello": 1}
        assert await settled(server) == NOTHING


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
