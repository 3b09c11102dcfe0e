"""When a frame leaves: an event that comes alone at once, what comes together in as few frames as can be."""

from pathlib import Path

import anyio
import anyio.lowlevel

from tests.unit.engine.harness import Bench, ScriptedResponse, running_engine


class WatchedResponse(ScriptedResponse):
    """Remembers how many chunks had left each time more was asked for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bench: Bench
        self.left: list[int] = []

    async def read(self, max_bytes: int) -> bytes:
        self.left.append(len(chunks(self.bench)))
        return await super().read(max_bytes)


def chunks(bench: Bench) -> list[bytes]:
    """What each chunk of the first stream held."""
    return [m["data"] for m in bench.channel.of_stream(1) if m["type"] == "STREAM_CHUNK"]


async def start(bench: Bench) -> WatchedResponse:
    """The first stream, once its head is with the page."""
    response = WatchedResponse()
    response.bench = bench

    async def answer(_: object) -> ScriptedResponse:
        return response

    bench.upstream.answer = answer
    bench.start(1)
    await bench.channel.message("STREAM_HEADERS", 1)
    return response


async def test_an_event_has_left_before_its_stream_reads_on(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        response = await start(bench)
        for number in range(3):
            response.feed(b"event %d" % number)
            await bench.channel.wait_for(lambda _: b"event %d" % number in chunks(bench)[-1:])  # noqa: B023
        response.feed(None)
        await bench.channel.terminal(1)
    assert chunks(bench) == [b"event 0", b"event 1", b"event 2"]
    assert response.left == [0, 1, 2, 3]


async def test_of_what_comes_in_one_round_all_but_the_first_is_one_frame(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        response = await start(bench)
        response.feed(*[b"%02d" % number for number in range(50)], None)
        await bench.channel.terminal(1)
    assert [len(chunk) for chunk in chunks(bench)] == [2, 98]


async def test_what_the_browser_does_not_take_at_once_is_written_later_and_in_order(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        response = await start(bench)
        bench.channel.gate = anyio.Event()
        response.feed(b"first", b"second")
        while len(response.left) < 3:  # it wants the third
            await anyio.lowlevel.checkpoint()
        assert chunks(bench) == []
        bench.channel.gate.set()
        response.feed(None)
        await bench.channel.terminal(1)
    assert b"".join(chunks(bench)) == b"firstsecond"
