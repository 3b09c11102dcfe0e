"""Chunks carried compressed: only where that is shorter, and nothing counts otherwise than plain bytes."""

import builtins
import itertools
import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.fair_pool import FairPool
from longwire.protocol.limits import HOST_POOL_BYTES, KIB, MAX_CHUNK_BYTES, PROTOCOL_VERSION, WINDOW_FLOOR_BYTES
from longwire.streams.memory import DecoderLoan, DecoderPools
from longwire.streams.packing import MIN_PACKED_BYTES, Packer
from longwire.streams.stream import Stream
from tests.unit.streams.frames import read_frame
from tests.unit.streams.pair import SUMMARY, Pair, head

TEXT = b'data: {"delta":"the same words again"}\n\n' * 2_000
NOISE = random.Random(1).randbytes(64 * KIB)


def packing_stream(packer: Packer | None) -> Stream:
    stream = Stream(7, "frame", FairPool(HOST_POOL_BYTES), DecoderLoan(DecoderPools(), "tab", "frame"), packer)
    stream.headers(head(7))
    return stream


def plain(chunk: dict[str, Any]) -> bytes:
    data: bytes = chunk["data"]
    return zlib.decompress(data) if chunk.get("encoding") == "deflate" else data


PIECES = {"text": TEXT, "noise": NOISE, "least": TEXT[:MIN_PACKED_BYTES], "event": TEXT[:40], "nothing": b""}


@given(st.lists(st.sampled_from(sorted(PIECES)), max_size=8))
def test_whatever_is_pushed_comes_out_with_offsets_and_credit_in_plain_bytes(names: list[str]) -> None:
    stream, whole, got = packing_stream(Packer()), b"".join(PIECES[name] for name in names), b""
    stream.push(whole)
    while stream.sendable:
        allowed = len(got) + stream.window.size
        chunk = read_frame(stream.take(MAX_CHUNK_BYTES))
        data = plain(chunk)
        assert chunk["offset"] == len(got)
        assert chunk.get("size", len(data)) == len(data)
        assert ("size" in chunk) == ("encoding" in chunk)
        got += data
        assert stream.window.sent == len(got) <= allowed
        stream.window.on_consumed(len(got))
    assert got == whole


def test_an_event_is_never_compressed() -> None:
    stream = packing_stream(Packer())
    stream.push(TEXT[: MIN_PACKED_BYTES - 1])
    assert "encoding" not in read_frame(stream.take())
    stream.push(TEXT[:MIN_PACKED_BYTES])
    assert read_frame(stream.take())["encoding"] == "deflate"


def test_what_does_not_get_shorter_goes_plain_and_is_tried_ever_less() -> None:
    packer, tries = Packer(), []
    for number in range(1_000):
        before = packer._left
        assert packer.pack(NOISE) is None
        if not before:
            tries.append(number)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert gaps[:7] == [2, 3, 5, 9, 17, 33, 65]
    assert set(gaps[7:]) == {65}


def test_a_body_that_becomes_text_is_compressed_again() -> None:
    packer = Packer()
    for _ in range(200):
        packer.pack(NOISE)
    packed = [packer.pack(TEXT) for _ in range(66)]
    assert packed[-1] is not None
    assert zlib.decompress(packed[-1]) == TEXT
    assert packer.pack(TEXT) is not None


def test_an_extension_that_undoes_nothing_gets_plain_chunks() -> None:
    for announced, expected in [(None, False), ([], False), (["gzip"], False), (["br", "deflate"], True)]:
        pair = Pair(greeted=False)
        hello = {} if announced is None else {"chunk_encodings": announced}
        pair.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="1", **hello)
        pair.connection.welcome(SUMMARY)
        stream = pair.start(1)
        pair.connection.headers(stream, head(1))
        pair.connection.push(stream, TEXT[:WINDOW_FLOOR_BYTES])
        chunks = [message for message in pair.read() if message["type"] == "STREAM_CHUNK"]
        assert [("encoding" in chunk) for chunk in chunks] == [expected], announced


def test_without_a_wheel_for_the_platform_the_standard_library_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def no_isal(name: str, *rest: Any) -> Any:
        if name == "isal":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_isal)
    monkeypatch.setattr(Packer, "_compress", None)
    packed = Packer().pack(TEXT)
    assert packed == zlib.compress(TEXT, 1)
    monkeypatch.setattr(Packer, "_compress", None)
