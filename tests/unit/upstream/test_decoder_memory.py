"""A decoder's memory is read from the head of the coded stream and asked for before there is a decoder."""

import ctypes
import sys
import threading
import zlib
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import brotli
import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import DECODER_FLOOR_BYTES, KIB, MIB
from longwire.turns import Turns
from longwire.upstream import UpstreamClient
from longwire.upstream.decoding import BOOKED_BYTES, Decoder, make_decoder
from longwire.upstream.windows import ZLIB_BYTES, ZSTD_MAX_BYTES, brotli_bytes, zstd_bytes
from tests.patience import PATIENCE_S
from tests.unit.upstream.asking import AnyMemory, ask, at_once, stepped
from tests.upstreams import bodies, faults
from tests.upstreams.server import Server

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

T = TypeVar("T")
TEXT = b"".join(b"%d little words, squared %d\n" % (number, number * number) for number in range(60_000))


def packed_brotli(window_log: int, data: bytes = TEXT) -> bytes:
    compressor = brotli.Compressor(quality=5, lgwin=window_log)
    return bytes(compressor.process(data) + compressor.finish())


def packed_zstd(window_log: int, data: bytes = TEXT) -> bytes:
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
    return compressor.compress(data) + compressor.flush()


def test_the_head_says_the_window_of_brotli() -> None:
    tables = 2816 * KIB
    # A body in one part takes its length, and one that is flushed what its window may grow to.
    assert brotli_bytes(packed_brotli(22, b"x" * 5000)) == tables + 8 * KIB
    for window_log in range(10, 25):
        compressor = brotli.Compressor(quality=5, lgwin=window_log)
        flushed = compressor.process(b"x") + compressor.flush()
        assert brotli_bytes(flushed) == tables + (1 << window_log)
    assert brotli_bytes(brotli.compress(b"")) == tables


def test_the_head_says_the_window_of_zstd() -> None:
    for window_log in range(10, 24):
        assert zstd_bytes(packed_zstd(window_log)) in range(1 << window_log, (1 << window_log) + 480 * KIB + 1)
    for size in (0, 100, 255, 256, 257, 65_791, 65_792, 1 * MIB):  # every form of a content's size
        frame = zstd.compress(bytes(size))
        assert frame[4] & 0x20, "its window is its content"
        assert zstd_bytes(frame) == 96 * KIB + size + 3 * min(size, 128 * KIB)


@pytest.mark.parametrize(
    ("read", "bodies"),
    [
        (brotli_bytes, [packed_brotli(log, data) for log in (10, 16, 17, 18, 24) for data in (b"", b"x", TEXT)]),
        (
            zstd_bytes,
            [*(packed_zstd(log) for log in (10, 23)), *(zstd.compress(bytes(size)) for size in (0, 99, 9999))],
        ),
    ],
)
def test_a_part_of_a_head_says_nothing_and_never_something_else(
    read: Callable[[bytes], int | None], bodies: list[bytes]
) -> None:
    for body in bodies:
        said = [read(body[:end]) for end in range(len(body[:30]) + 1)]
        whole = said[-1]
        assert whole is not None
        assert set(said) == {None, whole}
        assert said == sorted(said, key=lambda size: size is not None)


class Mallinfo(ctypes.Structure):
    """struct mallinfo2 of glibc."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keep",
        )
    ]


def allocated() -> int:
    """Bytes that this process has from malloc."""
    library: Any = ctypes.CDLL(None)
    library.mallinfo2.restype = Mallinfo
    found = library.mallinfo2()
    return int(found.uordblks + found.hblkhd)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc counts what is allocated")
@pytest.mark.parametrize("kind", ["zeros", "text"])
def test_no_decoder_takes_more_than_was_asked_for(kind: str) -> None:
    data = bytes(18 * MIB) if kind == "zeros" else TEXT
    cases: list[tuple[int | None, Callable[[], Any], Callable[[Any, bytes], bytes], bytes]] = [
        (
            ZLIB_BYTES,
            lambda: zlib.decompressobj(31),
            lambda it, part: it.decompress(part),
            zlib.compress(data, wbits=31),
        ),
    ]
    for log in (10, 16, 22, 24):
        body = packed_brotli(log, data)
        cases.append((brotli_bytes(body), brotli.Decompressor, lambda it, part: it.process(part), body))
    for log in (10, 17, 21, 23):
        body = packed_zstd(log, data)
        cases.append((zstd_bytes(body), zstd.ZstdDecompressor, lambda it, part: it.decompress(part, 100_000), body))
    for said, make, work, body in cases:
        before = allocated()
        decoder = make()
        peak = 0
        for start in range(0, min(len(body), 2 * MIB), 4096):
            work(decoder, body[start : start + 4096])
            peak = max(peak, allocated() - before)
        # What is fed and not used yet is the reader's own: zlib and zstd are given up to all of it here.
        assert said is not None
        assert peak <= said + len(body[: 2 * MIB]) * (make is not brotli.Decompressor) + 64 * KIB


def decode_all(decoder: Decoder) -> int:
    """Work until more input is needed; returns how many steps it took."""
    return sum(1 for _ in iter(lambda: stepped(decoder), None))


class NoMemory(AnyMemory):
    """Lends up to `most` bytes."""

    def __init__(self, most: int) -> None:
        self.most = most

    def hold(self, size: int) -> bool:
        """See `DecoderMemory`."""
        return size <= self.most and super().hold(size)


@pytest.mark.parametrize(
    ("encoding", "body", "size"),
    [
        ("br", packed_brotli(24, TEXT * 12), 2816 * KIB + 16 * MIB),
        ("zstd", packed_zstd(23), ZSTD_MAX_BYTES),
        ("gzip", zlib.compress(TEXT, wbits=31), ZLIB_BYTES),
        ("deflate", zlib.compress(TEXT), ZLIB_BYTES),
        ("br, gzip", zlib.compress(packed_brotli(24, TEXT * 12), wbits=31), 2816 * KIB + 16 * MIB + ZLIB_BYTES),
    ],
)
def test_what_is_too_much_is_refused_before_it_is_taken_and_the_rest_is_let_go(
    encoding: str, body: bytes, size: int
) -> None:
    for most, fits in ((size, True), (size - 1, False)):
        memory = NoMemory(most)
        decoder = make_decoder([("content-encoding", encoding)], memory, at_once, has_body=True)
        decoder.feed(body[:2000])
        if fits:
            decode_all(decoder)
            assert memory.held == size
        else:
            with pytest.raises(StreamError, match="of memory") as caught:
                decode_all(decoder)
            assert (caught.value.code, caught.value.phase) == (ErrorCode.LIMIT_EXCEEDED, Phase.BODY)
            assert caught.value.info.retryable
            assert memory.held <= most
        decoder.close()
        assert memory.held == 0


def test_what_was_booked_for_any_coding_is_let_go_once_there_is_none() -> None:
    memory = AnyMemory()
    assert memory.hold(BOOKED_BYTES)
    make_decoder([], memory, at_once, has_body=True)
    assert memory.held == 0


def test_the_floor_is_enough_for_gzip_and_what_is_booked_for_every_zstd() -> None:
    assert ZLIB_BYTES <= DECODER_FLOOR_BYTES
    assert ZSTD_MAX_BYTES <= BOOKED_BYTES
    assert 2816 * KIB + 4 * MIB <= BOOKED_BYTES


def test_a_zstd_window_over_8_mib_is_refused_by_its_head() -> None:
    decoder = make_decoder([("content-encoding", "zstd")], AnyMemory(), at_once, has_body=True)
    decoder.feed(packed_zstd(24)[:6])
    with pytest.raises(StreamError, match="8 MiB") as caught:
        stepped(decoder)
    assert caught.value.code is ErrorCode.DECODE_FAILED


class Held(Turns):
    """A thread that is to decode begins with it when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.released = anyio.Event(), threading.Event()

    async def aside(self, who: Hashable, work: Callable[[], T]) -> T:
        """See `Turns.aside`."""

        def late() -> T:
            anyio.from_thread.run_sync(self.begun.set)
            assert self.released.wait(PATIENCE_S)
            return work()

        return await super().aside(who, late)


@pytest.mark.parametrize("how", ["closed", "cancelled"])
async def test_what_a_thread_decodes_with_is_let_go_when_the_thread_is_done_with_it(how: str) -> None:
    body = packed_brotli(24, bytes(20 * MIB))
    turns = Held()
    client = UpstreamClient(turns=turns)
    answer = bodies.head(200, [("Content-Encoding", "br"), ("Content-Length", str(len(body)))]) + body
    async with Server(faults.raw(answer, then="hold")) as server:
        memory = AnyMemory()
        response = await client.open(replace(ask(server.url()), memory=memory))
        scope = anyio.CancelScope()

        async def read() -> None:
            with scope:
                await response.read(65536)

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read)
                await turns.begun.wait()
                if how == "cancelled":
                    scope.cancel()
                else:
                    await response.aclose()
                    await server.connections[0].wait_gone()
                await anyio.wait_all_tasks_blocked()
                assert memory.held == 2816 * KIB + 16 * MIB
                turns.released.set()
            await server.connections[0].wait_gone()
        assert memory.held == 0
        with pytest.raises(StreamError, match="closed on this side"):
            await response.read(1)
    assert client.busy_connections == 0
