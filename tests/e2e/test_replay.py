"""`longwire replay` and `longwire.replay`: a real page reads a recording as it was, and to the millisecond."""

import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from longwire.recording.reader import RecordedStream, parse_recording
from longwire.replay.faults import Faults, Point
from longwire.replay.pace import Pace, Timed
from longwire.replay.server import ReplayServer
from longwire.replay.steps import Step
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S
from tests.printed import say

MAX_GAP_MS = 5.0
HEAD = {"longwire_recording": 1, "made_by": "longwire test", "made_at": "2026-12-01T00:00:00Z"}
REQUEST = {
    "type": "request", "stream": 1, "t": 0, "at": "2026-12-01T00:00:00.000001Z", "kind": "http",
    "page": "http://localhost:1", "method": "GET", "url": "https://api.example/v1/events", "headers": [],
}  # fmt: skip
RESPONSE = {
    "type": "response", "stream": 1, "t": 50.25, "url": "https://api.example/v1/events", "redirected": False,
    "status": 200, "reason": "OK", "headers": [["content-type", "text/event-stream"], ["x-model", "m1"]],
}  # fmt: skip


def recording(count: int, seed: int = 1) -> str:
    """So many events with uneven gaps of 0 to 60 ms, as the text of a file."""
    dice, t = random.Random(seed), 60.0
    lines: list[dict[str, Any]] = [HEAD, REQUEST, RESPONSE]
    for number in range(count):
        t += dice.choice((0, 0.5, 3.25, 20, 60 * dice.random()))
        text = f"data: {number} {'é' * dice.randrange(20)}\n\n"
        lines.append({"type": "piece", "stream": 1, "t": round(t, 3), "way": "down", "text": text})
    lines.append({"type": "end", "stream": 1, "t": t + 5, "how": "whole", "completeness": "chunked"})
    return "\n".join(map(json.dumps, lines))


class Silent:
    """Tells nobody."""

    def began(self, exchange: int, method: str, target: str, stream: RecordedStream) -> None:
        """See Watcher."""

    def refused(self, method: str, target: str, why: str) -> None:
        """See Watcher."""

    def waits(self, exchange: int, step: Step) -> None:
        """See Watcher."""

    def did(self, exchange: int, step: Step, late_ms: float) -> None:
        """See Watcher."""

    def ended(self, exchange: int, **figures: Any) -> None:
        """See Watcher."""


def server_of(text: str, **faults: Any) -> ReplayServer:
    def pace() -> Pace:
        return Timed(asyncio.get_running_loop().time(), 1.0)

    return ReplayServer(parse_recording(text.encode().splitlines()), Faults(**faults), pace, Silent())


@pytest.fixture
def replayed(upstream: Upstream) -> Iterator[ReplayServer]:
    """Thirty events, in the thread of another server."""
    server = server_of(recording(30))
    upstream.run(server.open)
    yield server
    upstream.run(server.close)


def body_of(text: str) -> str:
    return "".join(json.loads(line).get("text", "") for line in text.splitlines())


def test_a_page_of_this_machine_reads_a_replay_by_its_own_fetch(page: Page, replayed: ReplayServer) -> None:
    got = page.evaluate(script("fetch_events.js"), f"{replayed.origin}/v1/events")
    assert (got["status"], got["type"], got["text"]) == (200, "text/event-stream", body_of(recording(30)))
    headers = "async (url) => [...(await fetch(url, { method: 'POST', headers: { 'x-a': '1' } })).headers]"
    # A recording of one stream answers a POST as well, behind the browser's question.
    assert ["x-model", "m1"] in page.evaluate(headers, f"{replayed.origin}/other")


def test_a_page_replays_a_file_by_itself(page: Page) -> None:
    text = recording(30)
    got = page.evaluate(script("replay_in_page.js"), [text, 4])
    assert got["text"] == body_of(text)
    assert got["headers"]["x-model"] == "m1"
    times = [json.loads(line)["t"] / 4 for line in text.splitlines()[3:-1]]
    assert len(got["times"]) == len(times)
    assert all(came >= due - 1 for came, due in zip(got["times"], times, strict=True))


async def lateness_of_a_clock(due: list[float]) -> list[float]:
    """By how many milliseconds this machine misses these times if it does nothing but wait for them."""
    began, missed = time.perf_counter(), []
    for t in due:
        await asyncio.sleep(max(t / 1000 - (time.perf_counter() - began), 0))
        missed.append((time.perf_counter() - began) * 1000 - t)
    return missed


async def lateness_of_a_replay(text: str, lines: list[dict[str, Any]]) -> list[float]:
    """The same of the head and each piece of an answer, as a client gets them."""
    async with server_of(text) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        began = time.perf_counter()
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        missed = []
        async with asyncio.timeout(PATIENCE_S):
            await reader.readuntil(b"\r\n\r\n")
            missed.append((time.perf_counter() - began) * 1000 - lines[0]["t"])
            for line in lines[1:]:
                size = int((await reader.readline()).strip(), 16)
                piece = await reader.readexactly(size + 2)
                missed.append((time.perf_counter() - began) * 1000 - line["t"])
                assert piece[:-2].decode() == line["text"]
        writer.close()
        return missed


@pytest.mark.measures
def test_a_replay_keeps_its_gaps_within_five_milliseconds() -> None:
    text = recording(300)
    lines = [json.loads(line) for line in text.splitlines()[2:-1]]

    async def both() -> tuple[list[float], list[float]]:
        clock = lateness_of_a_clock([line["t"] for line in lines])
        replay, alone = await asyncio.gather(lateness_of_a_replay(text, lines), clock)
        return replay, alone

    # The driver's loop runs in this thread, if a browser was here before.
    with ThreadPoolExecutor() as elsewhere:
        replay, alone = elsewhere.submit(asyncio.run, both()).result()
    assert min(replay) > -1
    gaps, clocks = ([abs(after - before) for before, after in pairwise(missed)] for missed in (replay, alone))
    say(f"replay, {len(gaps)} gaps: median {statistics.median(gaps):.2f} ms off, worst {max(gaps):.2f} ms")
    say(f"  a clock beside it:  median {statistics.median(clocks):.2f} ms off, worst {max(clocks):.2f} ms")
    assert statistics.median(gaps) < MAX_GAP_MS
    # Where the machine is at something else, a clock is late as well.
    most = len(gaps) * 9 // 10
    assert sorted(gaps)[most] < sorted(clocks)[most] + MAX_GAP_MS


def test_a_cut_is_seen_by_a_page_as_one(page: Page, upstream: Upstream) -> None:
    server = server_of(recording(5), cut=Point.parse("event:2"))
    upstream.run(server.open)
    try:
        seen = page.evaluate(script("read_until_cut.js"), f"{server.origin}/")
    finally:
        upstream.run(server.close)
    assert seen["text"].count("data: ") == 2
    assert seen["error"] == "TypeError"
