"""Autobahn's cases (by `kosoku`, which runs their files) against the host: engine, policy, connection, no browser.

The page of these tests sends each message back. Sections 12 and 13 are about compression, which is not asked for.
"""

from collections import deque
from pathlib import Path
from typing import Any

import anyio
import pytest
from kosoku import FailureError, run_fuzzingserver

from longwire.protocol.limits import SOCKET_PART_HEAD_BYTES, UPLOAD_CHUNK_BYTES
from longwire.streams.socket_parts import LAST, Kind, part
from tests.patience import PATIENCE_S
from tests.unit.engine.harness import TERMINALS
from tests.unit.engine.test_websocket import SocketBench, bench_for, policy

_NEWEST = "of the pings that wait the newest is answered, as RFC 6455 section 5.5.3 allows"
_AS_BROWSERS = "browsers take any close code of a server but 1005, 1006 and 1015, and pages see it"
SECTIONS = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
# Messages of up to 16 MiB, in up to 65,536 frames or segments, and a thousand round trips.
LARGE = ("9.*",)
# What is not as the suite wants it, and why.
OTHERWISE = {
    "2.10": _NEWEST,
    "2.11": _NEWEST,
    **dict.fromkeys(("7.9.1", "7.9.2", "7.9.3", "7.9.6", "7.9.7", "7.9.8", "7.9.9"), _AS_BROWSERS),
}


class EchoingPage:
    """One socket of the page: each message goes back once it is whole. Looks at each byte that comes once."""

    def __init__(self, bench: SocketBench, number: int) -> None:
        self._bench = bench
        self._number = number
        self._incoming = bytearray()
        self._message = bytearray()
        self._received = 0
        self._outgoing: deque[bytes] = deque()
        self._limit = 0
        self._sent = 0
        self.over = False

    async def run(self, path: str) -> None:
        """Until the socket is over."""
        self._bench.open(self._number, path)
        while not self.over:
            with anyio.fail_after(PATIENCE_S):
                await self._bench.channel.wait_for(len)
            messages = self._bench.channel.written[:]
            self._bench.channel.written.clear()
            for message in messages:
                if message.get("id") == self._number:
                    self._take(message)
            self._send()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "STREAM_CHUNK":
            self._received += len(message["data"])
            self._incoming += message["data"]
            self._bench.channel.send(type="STREAM_ACK", id=self._number, consumed=self._received)
            self._take_parts()
        elif message["type"] == "STREAM_BODY_ACK":
            self._limit = message["consumed"] + message["window"]
        self.over = self.over or message["type"] in TERMINALS

    def _take_parts(self) -> None:
        at = 0
        while len(self._incoming) - at >= SOCKET_PART_HEAD_BYTES:
            data_at = at + SOCKET_PART_HEAD_BYTES
            end = data_at + int.from_bytes(self._incoming[at + 1 : data_at], "big")
            if len(self._incoming) < end:
                break
            first = self._incoming[at]
            self._message += self._incoming[data_at:end]
            at = end
            if first & LAST:
                if first & ~LAST != Kind.CLOSE:
                    self._outgoing.append(part(Kind(first & ~LAST), bytes(self._message), last=True))
                self._message.clear()
        del self._incoming[:at]

    def _send(self) -> None:
        while self._outgoing and not self.over and (size := min(UPLOAD_CHUNK_BYTES, self._limit - self._sent)) > 0:
            data = self._outgoing.popleft()
            self._bench.send(self._number, data[:size])
            self._sent += len(data[:size])
            if len(data) > size:
                self._outgoing.appendleft(data[size:])


@pytest.mark.parametrize("sections", [SECTIONS, pytest.param(LARGE, marks=pytest.mark.long)], ids=["rules", "large"])
async def test_the_host_passes_the_cases_but_for_those_that_are_meant_otherwise(
    tmp_path: Path, sections: tuple[str, ...]
) -> None:
    async with run_fuzzingserver(sections, port=0) as server:
        url = f"ws://127.0.0.1:{server.port}"
        text = policy(url, extra='limits = { message_bytes = "64MiB" }')
        async with bench_for(tmp_path, url, text) as bench:
            bench.open(1, "/getCaseCount")
            (_, count), *_ = await bench.wait_for_messages(1, 1)
            await bench.channel.terminal(1)
            for case in range(1, int(count) + 1):
                await EchoingPage(bench, case + 1).run(f"/runCase?case={case}&agent=longwire")
            bench.open(int(count) + 2, "/updateReports?agent=longwire")
            await bench.channel.terminal(int(count) + 2)
        try:
            results = await server.get_result()
        except FailureError as failure:
            results = failure.results
    failed = {result.case_id: (result.result, result.result_close) for result in results if not result.passed}
    print(f"{len(results)} cases, {len(failed)} not as the suite has it")
    assert len(results) == int(count)
    assert failed.keys() == {case for case in OTHERWISE if case in {result.case_id for result in results}}
