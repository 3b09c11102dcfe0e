"""Bytes are exact: any body in any framing, coding and pieces, read at any pace, by a real host over real pipes."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longwire.protocol.limits import (
    CHUNK_ALONE_BYTES,
    CHUNK_SHARED_BYTES,
    KIB,
    MIB,
    WINDOW_FLOOR_BYTES,
    WINDOW_MAX_BYTES,
)
from tests.host_process import TERMINALS, HostProcess, grant, greeted_host
from tests.slices import times
from tests.upstreams import bodies, coded
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# Where something changes: chunks are cut, windows double (32 KiB, 64 KiB, … consumed since the last doubling), a socket
# read and a decoding step end.
EDGES = [
    WINDOW_FLOOR_BYTES,
    CHUNK_SHARED_BYTES,
    3 * WINDOW_FLOOR_BYTES,
    CHUNK_ALONE_BYTES,
    7 * WINDOW_FLOOR_BYTES,
    MIB,
    WINDOW_MAX_BYTES - WINDOW_FLOOR_BYTES,
    WINDOW_MAX_BYTES,
]
SIZES = sorted({0, 1, 2, 3, 251, 4093, 65537, 131071, 524287} | {edge + off for edge in EDGES for off in (-1, 0, 1)})
SMALL_BYTES = 300 * KIB
# An answer in one piece more often than not, else cut anywhere; as chunks of the transfer coding or as writes.
PIECE_SIZES = st.lists(st.sampled_from([1, 2, 7, 1021, 16384, 65535, 65536, 65537, 262147]), max_size=12)
CODINGS = st.one_of(
    st.just(()),
    st.sampled_from([(name,) for name in coded.CODINGS] + [("gzip", "br"), ("zstd", "deflate"), ("br", "gzip")]),
)


@dataclass(frozen=True)
class Case:
    """One response, and how the page reads it."""

    size: int
    seed: str
    random: bool
    framing: bodies.Framing
    pieces: tuple[int, ...]
    codings: tuple[str, ...]
    # The page acknowledges after this part of the window.
    ack_divisor: int

    def plain(self) -> bytes:
        """The body as the page must see it."""
        if self.random:
            return b"".join(bodies.seeded(self.seed, self.size))
        return (b"data: %b\n\n" % self.seed.encode() * (self.size // 9 + 1))[: self.size]


CASES = st.builds(
    Case,
    size=st.one_of(st.sampled_from(SIZES), st.integers(0, SMALL_BYTES)),
    seed=st.sampled_from(["a", "b", "c"]),
    random=st.booleans(),
    framing=st.sampled_from(list(bodies.FRAMINGS.values())),
    pieces=PIECE_SIZES.map(tuple),
    codings=CODINGS,
    ack_divisor=st.sampled_from([1, 2, 4, 16]),
)
# Side by side: a third decoder of this window would be more than one page's frame may hold.
LARGEST_WINDOWS = 2


def fits(together: list[Case]) -> bool:
    """Whether their decoders fit beside each other, should they be read at one time."""
    return sum("br-largest-window" in case.codings for case in together) <= LARGEST_WINDOWS


EMPTY = Case(0, "a", random=True, framing="chunked", pieces=(), codings=("gzip",), ack_divisor=4)
LARGEST = Case(4 * MIB + 1, "a", random=True, framing="close", pieces=(1, 65537), codings=(), ack_divisor=1)


class CaseServer:
    """Answers `/NUMBER` with the case of that number."""

    def __init__(self) -> None:
        self._cases: list[Case] = []

    def add(self, case: Case) -> str:
        """Serve `case`; returns its target."""
        self._cases.append(case)
        return f"/{len(self._cases) - 1}"

    async def __call__(self, request: Request) -> None:
        case = self._cases[int(request.path[1:])]
        body, encoding = coded.encode(case.plain(), case.codings)
        headers = [("Content-Encoding", encoding)] if case.codings else []
        answer = bodies.head(200, headers)[:-2] + bodies.framed(body, case.framing, case.pieces)
        # The same sizes cut the writes: chunk heads and the head of the response are split too.
        for size in case.pieces:
            await request.connection.send(answer[:size])
            answer = answer[size:]
        await request.connection.send(answer)
        if case.framing == "close":
            request.connection.close()


class PageSide:
    """One stream as a page sees it; fails on the first frame that a page would have to refuse."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.received = 0
        self.terminal: dict[str, Any] | None = None
        self.digest = hashlib.sha256()
        self._consumed = 0
        self._window = WINDOW_FLOOR_BYTES

    def take(self, message: dict[str, Any]) -> int | None:
        """One frame of this stream; returns what to acknowledge now, if anything."""
        assert self.terminal is None, "nothing follows the terminal frame"
        if message["type"] in TERMINALS:
            self.terminal = message
        if message["type"] != "STREAM_CHUNK":
            return None
        assert message["offset"] == self.received, "offsets are contiguous"
        assert message["data"], "no chunk is empty"
        self.received += len(message["data"])
        self.digest.update(message["data"])
        self._window = message.get("window", self._window)
        assert self.received <= self._consumed + self._window, "sent <= consumed + window"
        if self.received - self._consumed < self._window // self.case.ack_divisor:
            return None
        self._consumed = self.received
        return self._consumed


@pytest.fixture(scope="module")
def cases() -> CaseServer:
    """What the module's server serves."""
    return CaseServer()


@pytest.fixture(scope="module")
def upstream(cases: CaseServer) -> Iterator[ThreadedServer]:
    """The module's server."""
    with ThreadedServer(lambda: Server(cases)) as threaded:
        yield threaded


class Hosts:
    """Streams of all examples run through one process, one after the other and side by side, until one fails."""

    def __init__(self, home: Path, policy: str) -> None:
        self._home = home
        self._policy = policy
        self._one = ExitStack()
        self._running: HostProcess | None = None

    @contextmanager
    def one(self) -> Iterator[HostProcess]:
        """The host. A failed example takes it along: what it left behind is no frame of the next one's."""
        if self._running is None:
            self._running = self._one.enter_context(greeted_host(self._home, self._policy))
        try:
            yield self._running
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it, if there is one."""
        self._running = None
        self._one.close()


@pytest.fixture(scope="module")
def hosts(upstream: ThreadedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """The module's."""
    hosts = Hosts(tmp_path_factory.mktemp("home"), grant(upstream.url("/")))
    yield hosts
    hosts.close()


_next_id = iter(range(1, 1_000_000))


@settings(max_examples=times(150, 40), deadline=None)
@given(st.lists(CASES, min_size=1, max_size=3).filter(fits))
@example([EMPTY])
@example([LARGEST])
@example([LARGEST, LARGEST, EMPTY])
def test_bodies_arrive_byte_for_byte_whatever_their_size_framing_coding_and_pieces(
    hosts: Hosts, upstream: ThreadedServer, cases: CaseServer, together: list[Case]
) -> None:
    reading = {}
    with hosts.one() as host:
        for case in together:
            stream_id = next(_next_id)
            reading[stream_id] = PageSide(case)
            host.start(stream_id, upstream.url(cases.add(case)))
        while any(page.terminal is None for page in reading.values()):
            message = host.next()
            assert message is not None, host.stderr()
            if message["type"] == "STREAM_PING":  # of no stream, and whenever the host has run for long enough
                continue
            consumed = reading[message["id"]].take(message)
            if consumed is not None:
                host.send(type="STREAM_ACK", id=message["id"], consumed=consumed)
        for page in reading.values():
            assert page.terminal is not None
            assert page.terminal["type"] == "STREAM_END", page.terminal
            assert page.terminal["bytes"] == page.received == page.case.size
            assert page.terminal["completeness"] == page.case.framing
            assert page.digest.digest() == hashlib.sha256(page.case.plain()).digest()
