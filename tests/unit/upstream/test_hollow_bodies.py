"""Bodies that are work and decode to nothing are cut off; honest bodies with empty parts in them never are."""

import gzip
from collections.abc import Sequence

import brotli
import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.decoding import Decoder, make_decoder
from tests.unit.upstream.asking import AnyMemory, at_once, stepped
from tests.upstreams import hollow


def decode(encoding: str, body: bytes, size: int) -> bytes:
    """What comes out of `body` in pieces of `size` bytes."""
    decoder = make_decoder([("content-encoding", encoding)], AnyMemory(), at_once, has_body=True)
    parts: list[bytes] = []
    collect(decoder, body, size, parts)
    decoder.finish()
    return b"".join(parts)


def collect(decoder: Decoder, body: bytes, size: int, parts: list[bytes]) -> None:
    """Feed `body` in pieces of `size` bytes; what each step makes goes to `parts`."""
    for start in range(0, len(body), size):
        decoder.feed(body[start : start + size])
        parts.extend(iter(lambda: stepped(decoder), None))


@pytest.mark.parametrize("name", sorted(hollow.NOTHINGS))
@pytest.mark.parametrize("outer", [1, 2])
def test_a_body_that_decodes_to_nothing_is_cut_off(name: str, outer: int) -> None:
    # 8 MB of nothing, in a hundred bytes to 20 KB.
    body, encoding = hollow.packed_nothing(name, 8_000_000, outer)
    decoder = make_decoder([("content-encoding", encoding)], AnyMemory(), at_once, has_body=True)
    steps: list[bytes] = []
    with pytest.raises(StreamError) as caught:
        collect(decoder, body, 4096, steps)
    assert (caught.value.code, caught.value.phase) == (ErrorCode.DECODE_FAILED, Phase.BODY)
    assert "empty parts" in caught.value.text
    # Half a thousand members are free, then one for each byte and a third that was sent.
    assert len(steps) < 1000 + 2 * len(body)


PLAIN, MEMBERS = hollow.log_lines(3000)
EVENTS = hollow.events(2000)
HONEST: dict[str, tuple[str, bytes, bytes]] = {
    **{
        f"{coding} events": (coding, hollow.flushed(coding, EVENTS), b"".join(EVENTS))
        for coding in ("gzip", "deflate", "br", "zstd")
    },
    "bgzip": ("gzip", hollow.blocked_gzip(PLAIN), PLAIN),
    "a gzip member for each line": ("gzip", MEMBERS, PLAIN),
    "empty gzip members": ("gzip", gzip.compress(b"", mtime=0) * 3000, b""),
    "seekable zstd": ("zstd", hollow.seekable_zstd(PLAIN), PLAIN),
    "parallel zstd": ("zstd", hollow.parallel_zstd(PLAIN), PLAIN),
}


@pytest.mark.parametrize("name", sorted(HONEST))
@pytest.mark.parametrize("size", [1, 1000, 65536])
def test_honest_bodies_with_empty_parts_come_whole(name: str, size: int) -> None:
    encoding, body, plain = HONEST[name]
    assert decode(encoding, body, size) == plain


@pytest.mark.parametrize("name", sorted(set(HONEST) - {"empty gzip members"}))
@pytest.mark.parametrize("outer", ["gzip", "br"])
def test_honest_bodies_with_empty_parts_come_whole_inside_another_coding(name: str, outer: str) -> None:
    encoding, body, plain = HONEST[name]
    packed = gzip.compress(body) if outer == "gzip" else brotli.compress(body)
    assert decode(f"{encoding}, {outer}", packed, 700) == plain


def test_a_stream_of_heartbeats_flushed_through_two_codings_goes_on() -> None:
    beats: Sequence[bytes] = [b": \n\n"] * 20_000
    inner = hollow.flushed("br", beats)
    pieces = [inner[start : start + 10] for start in range(0, len(inner), 10)]
    assert decode("br, gzip", hollow.flushed("gzip", pieces), 100) == b"".join(beats)
