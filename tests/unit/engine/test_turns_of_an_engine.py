"""However many frames come in one read, whatever they begin, the loop goes round between. By a clock of the test."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import orjson
import pytest

from longwire.policy import Policy
from longwire.protocol.frames import frame
from longwire.streams.events import ConnectionEvent
from longwire.turns import TURN_S, Turns
from longwire.upstream import UpstreamClient
from tests.unit.engine.harness import PAGE, POLICY, Bench, page_facts, running_engine
from tests.unit.upstream.asking import ask, read_all
from tests.upstreams import faults
from tests.upstreams.server import Server

# So many looks at the clock make a turn, and nothing else takes time. Two turns may meet in one round.
STEPS = 4


def ticking() -> Turns:
    """Turns by a clock that goes on with each look at it, and with nothing else."""
    now_s = 0.0

    def clock() -> float:
        nonlocal now_s
        now_s += TURN_S / STEPS
        return now_s

    return Turns(clock)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_engine(tmp_path) as bench:
        bench.service._turns = ticking()
        yield bench


async def most_between_rounds(count: Any, enough: int) -> int:
    """The most that `count()` grew by while the loop went round once, until it is `enough`."""
    most = 0
    while (before := count()) < enough:
        await anyio.lowlevel.checkpoint()
        most = max(most, count() - before)
    return most


@pytest.mark.parametrize(
    "message",
    [
        {"type": "STREAM_ACK", "id": 9, "consumed": 0},
        {"type": "STREAM_BODY", "id": 9, "offset": 0, "data": "eA=="},
        {"type": "STREAM_ABORT", "id": 9, "reason": "signal"},
        {"type": "STATUS_REQUEST", "request": 1, "page": page_facts()},
    ],
)
async def test_a_thousand_frames_of_one_read_do_not_hold_the_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, message: dict[str, Any]
) -> None:
    seen = 0
    receive = bench.connection._receive

    def count(payload: bytes) -> ConnectionEvent | None:
        nonlocal seen
        seen += 1
        return receive(payload)

    monkeypatch.setattr(bench.connection, "_receive", count)
    bench.channel.feed(frame(orjson.dumps(message)) * 1000)
    assert await most_between_rounds(lambda: seen, 1000) <= 2 * STEPS


async def test_a_hundred_starts_of_one_read_are_decided_in_turns(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    decided = 0
    begin = bench.authorizer.begin

    def count(*args: Any) -> Any:
        nonlocal decided
        decided += 1
        return begin(*args)

    monkeypatch.setattr(bench.authorizer, "begin", count)
    starts = b""
    for number in range(1, 101):
        message = {
            "type": "STREAM_START",
            "id": number,
            "page": page_facts(),
            "method": "GET",
            "url": "http://upstream.test/",
            "headers": [],
            "body": {"kind": "none"},
            "redirect": "follow",
            "timeouts": {},
        }
        starts += frame(orjson.dumps(message))
    bench.channel.feed(starts)
    assert await most_between_rounds(lambda: decided, 100) <= 2 * STEPS


async def test_small_chunks_that_are_there_already_do_not_hold_the_loop() -> None:
    reads = 0
    client = UpstreamClient(turns=ticking())
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 2000 + b"0\r\n\r\n"
    async with Server(faults.raw(body)) as server:
        response = await client.open(ask(server.url()))

        async def read() -> None:
            nonlocal reads
            while await response.read(65536):
                reads += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            assert await most_between_rounds(lambda: reads, 2000) <= 2 * STEPS
        assert await read_all(response) == b""
    await client.aclose()


async def test_what_came_in_one_read_was_asked_at_one_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    current = bench.policy.current

    def count() -> Policy:
        nonlocal looks
        looks += 1
        return current()

    monkeypatch.setattr(bench.policy, "current", count)
    question = frame(orjson.dumps({"type": "STATUS_REQUEST", "request": 1, "page": page_facts()}))
    other = frame(
        orjson.dumps({"type": "STATUS_REQUEST", "request": 2, "page": page_facts(origin="http://other.test")})
    )
    bench.channel.feed((question + other) * 50)
    answers = await bench.channel.wait_for(lambda written: len(written) > 100 and written)
    assert looks == 2  # one for each page, and not for each question
    told = {message["request"]: message["destinations"] for message in answers if message["type"] == "STATUS"}
    assert told == {1: ["http://upstream.test/"], 2: []}
    bench.policy_file.write_text(POLICY.replace("http://upstream.test/", "http://elsewhere.test/"))
    bench.channel.feed(question)
    await bench.channel.wait_for(lambda written: written[-1].get("destinations") == ["http://elsewhere.test/"])


async def test_a_stream_waits_for_what_its_own_page_aborted_and_for_no_other(bench: Bench) -> None:
    closing = anyio.Event()

    async def stuck(_: Any) -> Any:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await closing.wait()

    answer, bench.upstream.answer = bench.upstream.answer, stuck
    bench.start(1)
    while not bench.upstream.requests:
        await anyio.lowlevel.checkpoint()
    bench.upstream.answer = answer
    bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
    other = POLICY.replace(PAGE, "http://other.test")
    assert other != POLICY
    bench.start(2)
    bench.start(3, page=page_facts(origin="http://other.test", tab=2))
    assert (await bench.channel.terminal(3))["code"] == "POLICY_DENIED"  # it was judged: no grant is its
    assert len(bench.upstream.requests) == 1
    closing.set()
    await bench.channel.message("STREAM_HEADERS", 2)
