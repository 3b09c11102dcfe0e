"""Content codings undone: equal, bounded, and never a clean end for what is not whole."""

import gzip
import sys
import zlib
from collections.abc import Sequence

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.coding import STEP_BYTES
from longwire.upstream.decoding import MAX_CODINGS, Decoder, make_decoder
from tests.slices import times
from tests.unit.upstream.asking import AnyMemory, at_once, stepped
from tests.upstreams import coded

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ALL = sorted(coded.CODINGS)
PLAIN = b"".join(b"%d little words " % number for number in range(300))


def undo(encoding: str, pieces: Sequence[bytes]) -> bytes:
    """Decode `pieces`, checking that every step stays within its bound."""
    decoder = make_decoder([("content-encoding", encoding)], AnyMemory(), at_once, has_body=True)
    parts = []
    for piece in pieces:
        decoder.feed(piece)
        parts += steps(decoder)
    decoder.finish()
    return b"".join(parts)


def steps(decoder: Decoder) -> list[bytes]:
    parts = []
    while (made := stepped(decoder)) is not None:
        assert len(made) <= STEP_BYTES
        parts.append(made)
    return parts


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """`data` in pieces of these sizes, the rest last."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [piece for piece in [*pieces, data] if piece]


@given(
    part=st.binary(max_size=2000),
    times=st.integers(1, 300),
    names=st.lists(st.sampled_from(ALL), min_size=1, max_size=MAX_CODINGS),
    sizes=st.lists(st.integers(1, 500), max_size=20),
)
@settings(max_examples=times(150, 60), deadline=None)
def test_any_body_in_any_codings_and_pieces_comes_out_equal(
    part: bytes, times: int, names: list[str], sizes: list[int]
) -> None:
    body, encoding = coded.encode(part * times, names)
    assert undo(encoding, cut(body, sizes)) == part * times


@pytest.mark.parametrize("name", ALL)
def test_no_cut_ends_cleanly(name: str) -> None:
    body, encoding = coded.encode(PLAIN[:800], [name])
    # A gzip or zstd body that ends between two members is itself whole: no coding can tell.
    boundary = len(coded.encode(PLAIN[:400], [name.removesuffix("-members").removesuffix("-frames")])[0])
    for end in range(1, len(body)):
        if name in ("gzip-members", "zstd-frames") and end == boundary:
            continue
        with pytest.raises(StreamError) as caught:
            undo(encoding, [body[:end]])
        assert (caught.value.code, caught.value.phase) == (ErrorCode.DECODE_FAILED, Phase.BODY)


@pytest.mark.parametrize("name", ALL)
def test_no_cut_of_a_coding_inside_another_ends_cleanly(name: str) -> None:
    inner, encoding = coded.encode(PLAIN[:300], [name])
    for end in range(1, len(inner)):
        if name in ("gzip-members", "zstd-frames"):
            continue
        with pytest.raises(StreamError):
            undo(f"{encoding}, gzip", [gzip.compress(inner[:end])])


TAILS = [b"x", b"\0", bytes(70_000), b"garbage after the end", b"\x1fx", b"\0" + gzip.compress(b"not this", mtime=0)]


@pytest.mark.parametrize("name", ["gzip", "gzip-members", "deflate", "deflate-raw"])
@pytest.mark.parametrize("tail", TAILS, ids=lambda tail: repr(tail[:9]))
def test_what_follows_a_whole_coded_stream_is_ignored(name: str, tail: bytes) -> None:
    body, encoding = coded.encode(PLAIN, [name])
    for pieces in ([body + tail], [body, tail], [body, tail[:1], tail[1:]], [body[:-1], body[-1:] + tail]):
        assert undo(encoding, [piece for piece in pieces if piece]) == PLAIN


@pytest.mark.parametrize("tail", [b"x", b"\0", b"garbage after the end"])
@pytest.mark.parametrize("name", ["zstd", "br"])
@pytest.mark.parametrize("together", [True, False])
def test_behind_zstd_and_brotli_nothing_else_may_follow(name: str, tail: bytes, together: bool) -> None:
    body, encoding = coded.encode(PLAIN, [name])
    with pytest.raises(StreamError) as caught:
        undo(encoding, [body + tail] if together else [body, tail])
    assert caught.value.code is ErrorCode.DECODE_FAILED


@pytest.mark.parametrize("padding", [b"", bytes(512), b"\r\n"])
def test_every_member_of_a_gzip_body_comes_out_and_the_last_is_whole(padding: bytes) -> None:
    members = [gzip.compress(PLAIN), gzip.compress(b"second"), gzip.compress(b"third")]
    whole = b"".join(members)
    for at in range(0, len(whole), 7):
        assert undo("gzip", [piece for piece in (whole[:at], whole[at:] + padding) if piece]) == PLAIN + b"secondthird"
    for end in range(1, len(members[2])):
        with pytest.raises(StreamError):
            undo("gzip", [members[0] + members[1] + members[2][:end]])


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
def test_a_flipped_bit_at_the_end_is_seen_by_the_checksum(name: str) -> None:
    body, encoding = coded.encode(PLAIN, [name])
    if name == "zstd":  # no checksum unless asked for; its frame header says the size, and that is checked
        body = body[:4] + bytes([body[4] | 4]) + body[5:]
    else:
        body = body[:-5] + bytes([body[-5] ^ 1]) + body[-4:]
    with pytest.raises(StreamError):
        undo(encoding, [body])


@given(garbage=st.binary(min_size=1, max_size=200), name=st.sampled_from(["gzip", "br", "zstd", "deflate"]))
@settings(max_examples=times(200, 80), deadline=None)
def test_garbage_fails_with_a_code_or_decodes_but_never_crashes(garbage: bytes, name: str) -> None:
    codes = []
    try:
        undo(name, [garbage])
    except StreamError as error:
        codes.append(error.code)
    assert codes in ([], [ErrorCode.DECODE_FAILED])


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_an_empty_body_with_a_coding_is_fine(encoding: str) -> None:
    assert undo(encoding, []) == b""


@pytest.mark.parametrize("encoding", ["", "identity", "exi", "gzip, exi", "exi, gzip", "aws-chunked", "compress"])
def test_what_is_not_known_is_handed_on_unchanged(encoding: str) -> None:
    body = gzip.compress(PLAIN)
    assert undo(encoding, [body]) == body


@pytest.mark.parametrize("encoding", ["GZIP", "x-gzip", " gzip ", "identity, gzip", ",gzip,"])
def test_spellings_of_a_coding(encoding: str) -> None:
    assert undo(encoding, [gzip.compress(PLAIN)]) == PLAIN


def test_codings_in_several_fields_are_one_list() -> None:
    body, _ = coded.encode(PLAIN, ["gzip", "br"])
    decoder = make_decoder(
        [("content-encoding", "gzip"), ("x", "y"), ("content-encoding", "br")], AnyMemory(), at_once, has_body=True
    )
    decoder.feed(body)
    assert b"".join(steps(decoder)) == PLAIN


def test_too_many_codings_are_refused_and_one_less_is_not() -> None:
    assert undo(", ".join(["gzip"] * MAX_CODINGS), []) == b""
    with pytest.raises(StreamError) as caught:
        make_decoder(
            [("content-encoding", ", ".join(["gzip"] * (MAX_CODINGS + 1)))], AnyMemory(), at_once, has_body=True
        )
    assert (caught.value.code, caught.value.phase) == (ErrorCode.DECODE_FAILED, Phase.HEADERS)


def test_no_body_needs_no_decoding() -> None:
    decoder = make_decoder([("content-encoding", ", ".join(["gzip"] * 9))], AnyMemory(), at_once, has_body=False)
    assert stepped(decoder) is None
    decoder.finish()


@pytest.mark.parametrize("name", ["gzip", "deflate", "deflate-raw", "br", "zstd"])
def test_a_bomb_comes_out_in_bounded_steps(name: str) -> None:
    body, encoding = coded.encode(bytes(32 * 1024 * 1024), [name])
    decoder = make_decoder([("content-encoding", encoding)], AnyMemory(), at_once, has_body=True)
    total = 0
    for piece in cut(body, [65536] * (len(body) // 65536)):
        decoder.feed(piece)
        while (made := stepped(decoder)) is not None:
            assert len(made) <= STEP_BYTES
            total += len(made)
    decoder.finish()
    assert total == 32 * 1024 * 1024


def test_a_bomb_in_a_bomb_is_cut_off() -> None:
    # 256 MiB of zeros in a few KB: twice through gzip, a ratio of a quarter million.
    inner = zlib.compressobj(wbits=31)
    block = bytes(16 * 1024 * 1024)
    squeezed = b"".join([inner.compress(block) for _ in range(16)]) + inner.flush()
    decoder = make_decoder([("content-encoding", "gzip, gzip")], AnyMemory(), at_once, has_body=True)
    decoder.feed(gzip.compress(squeezed))
    with pytest.raises(StreamError) as caught:
        steps(decoder)
    assert caught.value.code is ErrorCode.DECODE_FAILED


def test_a_step_over_empty_members_is_short() -> None:
    # Three thousand members without a byte in them: one step each, so that a reader can let others run in between.
    decoder = make_decoder([("content-encoding", "gzip")], AnyMemory(), at_once, has_body=True)
    decoder.feed(gzip.compress(b"") * 3000)
    assert steps(decoder) == [b""] * 3000
    decoder.finish()


def test_a_brotli_step_takes_little_input_whatever_comes_of_it() -> None:
    # Metadata without bytes. The tables of prefix codes, 20 ms of work in 64 KiB, are as silent.
    decoder = make_decoder([("content-encoding", "br")], AnyMemory(), at_once, has_body=True)
    decoder.feed(b"\x0c" + b"\x06" * (64 * 1024 - 1))
    assert steps(decoder) == [b""] * 16


def test_a_zstd_window_over_8_mib_is_refused() -> None:
    for window_log, fine in ((23, True), (24, False)):
        compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
        body = compressor.compress(PLAIN) + compressor.flush()
        if fine:
            assert undo("zstd", [body]) == PLAIN
        else:
            with pytest.raises(StreamError):
                undo("zstd", [body])


def test_zstd_frames_to_be_skipped_are_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"abcde"
    body = skipped + zstd.compress(PLAIN) + skipped
    assert undo("zstd", [body]) == PLAIN
    assert undo("zstd", [bytes([byte]) for byte in body]) == PLAIN


def test_the_bound_that_brotli_promises_is_the_one_it_keeps() -> None:
    # The library allocates in blocks; what `_BROTLI_LIMIT` relies on is that a limit inside the first is kept by it.
    decompressor = brotli.Decompressor()
    body = brotli.compress(bytes(1024 * 1024))
    sizes = [len(decompressor.process(body, output_buffer_limit=32_000))]
    while not decompressor.is_finished():
        sizes.append(len(decompressor.process(b"", output_buffer_limit=32_000)))
    assert max(sizes) <= 32 * 1024
    assert sum(sizes) == 1024 * 1024
