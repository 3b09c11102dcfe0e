"""How a connection ends, and what may not keep it from ending: silence, lost output, a browser that does not read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import orjson
import pytest

from longwire.engine import engine as engine_module
from longwire.engine.channel import ChannelLost
from longwire.protocol.frames import frame
from longwire.protocol.limits import PEER_SILENCE_MS, PING_INTERVAL_MS
from longwire.streams import scheduler as scheduler_module
from tests.patience import PATIENCE_S
from tests.unit.engine.harness import Bench, ScriptedResponse, page_facts, running_engine


async def test_end_of_input_closes_every_socket_and_ends(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        for stream_id in range(1, 6):
            bench.start(stream_id)
            await bench.response(stream_id)
        bench.channel.close()
        with anyio.fail_after(PATIENCE_S):
            await bench.over.wait()
    assert all(response.closed for response in bench.upstream.responses)


async def test_a_browser_that_does_not_read_stops_the_input_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "MAX_CONTROL_MESSAGES", 10)
    async with running_engine(tmp_path) as bench:
        bench.channel.gate = anyio.Event()
        for request in range(1, 200):
            bench.channel.send(type="STATUS_REQUEST", request=request, page=page_facts())
        for _ in range(500):
            await anyio.lowlevel.checkpoint()
        assert bench.channel.unread > 150
        bench.channel.gate.set()
        await bench.channel.wait_for(lambda written: len(written) == 200)


def count_unread(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Nobody reads from here on. Returns what tells how many bytes wait for that, those of the write under way too."""
    bench.channel.gate = anyio.Event()
    write, under_way = bench.channel.write, 0

    async def count(data: bytes) -> None:
        nonlocal under_way
        under_way = len(data)
        await write(data)
        under_way = 0

    monkeypatch.setattr(bench.channel, "write", count)
    return lambda: under_way + sum(map(len, bench.connection._scheduler._control))


async def test_answers_that_wait_are_bounded_in_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "MAX_CONTROL_BYTES", 20_000)
    async with running_engine(tmp_path) as bench:
        unread = count_unread(bench, monkeypatch)
        asked = (
            frame(orjson.dumps({"type": "STATUS_REQUEST", "request": request, "page": page_facts()}))
            for request in range(1, 2000)
        )
        bench.channel.feed(b"".join(asked))  # all in one read
        for _ in range(3000):
            await anyio.lowlevel.checkpoint()
        assert 20_000 < unread() < 45_000
        bench.channel.gate.set()
        await bench.channel.wait_for(lambda written: len(written) == 2000)


async def test_the_head_of_a_response_waits_where_too_much_waits_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "MAX_CONTROL_BYTES", 100_000)

    async def answer(_: object) -> ScriptedResponse:
        response = ScriptedResponse(headers=[("x-large", "x" * 60_000)])
        bench.upstream.responses.append(response)
        response.feed(None)
        return response

    async with running_engine(tmp_path) as bench:
        bench.upstream.answer = answer
        unread = count_unread(bench, monkeypatch)
        for stream_id in range(1, 21):
            bench.start(stream_id)
        with anyio.fail_after(PATIENCE_S):
            while unread() <= 100_000:
                await anyio.lowlevel.checkpoint()
        for _ in range(1000):
            await anyio.lowlevel.checkpoint()
        assert unread() < 400_000
        bench.channel.gate.set()
        for stream_id in range(1, 21):
            assert (await bench.channel.terminal(stream_id))["type"] == "STREAM_END"


async def test_lost_output_ends_the_connection_although_the_input_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that is killed while it does not read: nothing but the failed write says so."""
    monkeypatch.setattr(scheduler_module, "MAX_CONTROL_MESSAGES", 10)
    killed = anyio.Event()

    async def write(_: bytes) -> None:
        await killed.wait()
        raise ChannelLost("gone")

    async with running_engine(tmp_path) as bench:
        bench.start(1)
        response = await bench.response(1)
        monkeypatch.setattr(bench.channel, "write", write)
        for request in range(1, 50):
            bench.channel.send(type="STATUS_REQUEST", request=request, page=page_facts())
        for _ in range(500):
            await anyio.lowlevel.checkpoint()
        assert bench.channel.unread > 0
        killed.set()
        with anyio.fail_after(PATIENCE_S):
            await bench.over.wait()
    assert response.closed


async def test_a_fatal_error_is_written_although_a_write_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_engine(tmp_path) as bench:
        write, writing = bench.channel.write, anyio.Event()

        async def slowly(data: bytes) -> None:
            writing.set()
            await anyio.sleep(0.02)
            await write(data)

        monkeypatch.setattr(bench.channel, "write", slowly)
        bench.channel.send(type="STATUS_REQUEST", request=1, page=page_facts())
        await writing.wait()
        bench.channel.send(type="STREAM_STARTLE")
        with anyio.fail_after(PATIENCE_S):
            await bench.over.wait()
    assert [message["type"] for message in bench.channel.written] == ["WELCOME", "STATUS", "FATAL"]


async def test_a_silent_extension_is_pinged_and_then_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that goes one second further with each tick, however long a busy machine takes for one."""
    now = 1000.0
    monkeypatch.setattr(anyio, "current_time", lambda: now)
    monkeypatch.setattr(engine_module, "TICK_S", 0.001)
    async with running_engine(tmp_path) as bench:

        def count() -> None:
            nonlocal now
            now += 1

        monkeypatch.setattr(bench.policy, "poke", count)
        bench.start(1)
        response = await bench.response(1)
        began = now
        pings = 2 * PEER_SILENCE_MS // PING_INTERVAL_MS
        for seq in range(1, pings + 1):
            ping = await bench.channel.wait_for(ping_number(seq))
            bench.channel.send(type="STREAM_PONG", seq=ping["seq"])
        assert not bench.over.is_set() and now - began > PEER_SILENCE_MS / 1000  # answered: not silence
        answered = now
        with anyio.fail_after(PATIENCE_S):
            await bench.over.wait()
        assert now - answered >= PEER_SILENCE_MS / 1000 - 1
    assert response.closed


def ping_number(seq: int) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda written: next((m for m in written if m["type"] == "STREAM_PING" and m["seq"] == seq), None)
