"""Coded bodies that are much work and few bytes, or none; and honest ones that look a little like them."""

import gzip
import struct
import sys
import zlib
from collections.abc import Sequence

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SKIPPED = b"\x50\x2a\x4d\x18" + bytes(4)  # a zstd frame to be skipped, of no bytes

# Content-Encoding, and what may be said over and over without a byte coming of it, after what begins the stream.
NOTHINGS: dict[str, tuple[str, bytes, bytes]] = {
    "empty gzip members": ("gzip", b"", gzip.compress(b"", mtime=0)),
    "empty zstd frames": ("zstd", b"", zstd.compress(b"")),
    "skipped zstd frames": ("zstd", b"", _SKIPPED),
    "empty deflate blocks": ("deflate", b"\x78\x9c", b"\0\0\0\xff\xff"),
    "empty gzip blocks": ("gzip", gzip.compress(b"", mtime=0)[:10], b"\0\0\0\xff\xff"),
    "empty brotli meta-blocks": ("br", b"\x0c", b"\x06"),  # a window of 64 KiB, then metadata without bytes
    "empty zstd blocks": ("zstd", zstd.compress(b"x")[:4] + b"\0\0", b"\0\0\0"),
}


def packed_nothing(name: str, size: int, outer: int = 1) -> tuple[bytes, str]:
    """`size` bytes of `NOTHINGS[name]`, packed `outer` times by gzip: body and Content-Encoding."""
    encoding, head, unit = NOTHINGS[name]
    body = head + unit * (size // len(unit))
    for _ in range(outer):
        body = gzip.compress(body, 9, mtime=0)
        encoding += ", gzip"
    return body, encoding


def events(count: int) -> list[bytes]:
    """Server-sent events, every other one a heartbeat that is the same each time."""
    return [b": \n\n" if number % 2 else b'data: {"number": %d}\n\n' % number for number in range(count)]


def flushed(encoding: str, parts: Sequence[bytes]) -> bytes:
    """One coded stream with a flush behind each of `parts`, as servers of events do, and one flush too many."""
    made = []
    if encoding == "br":
        coder = brotli.Compressor(quality=5)
        for part in parts:
            made += [coder.process(part), coder.flush(), coder.flush()]
        made.append(coder.finish())
    elif encoding == "zstd":
        packer = zstd.ZstdCompressor()
        for part in parts:
            made += [packer.compress(part, packer.FLUSH_BLOCK), packer.flush(packer.FLUSH_BLOCK)]
        made.append(packer.flush())
    else:
        deflater = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
        for part in parts:
            made += [deflater.compress(part), deflater.flush(zlib.Z_SYNC_FLUSH), deflater.flush(zlib.Z_FULL_FLUSH)]
        made.append(deflater.flush())
    return b"".join(made)


def blocked_gzip(data: bytes) -> bytes:
    """BGZF as bgzip writes it: members of up to 64 KiB with their length in a field, and an empty one at the end."""
    parts = [data[start : start + 65280] for start in range(0, len(data), 65280)]
    return b"".join(_bgzf_member(part) for part in [*parts, b""])


def _bgzf_member(part: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    body = deflater.compress(part) + deflater.flush()
    head = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(body) + 25)
    return head + body + struct.pack("<II", zlib.crc32(part), len(part))


def seekable_zstd(data: bytes, size: int = 4096) -> bytes:
    """The seekable format: a frame for every `size` bytes, and the table of them in a frame to be skipped."""
    frames = [(zstd.compress(part), len(part)) for part in (data[at : at + size] for at in range(0, len(data), size))]
    table = b"".join(struct.pack("<II", len(frame), plain) for frame, plain in frames)
    table += struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
    skipped = struct.pack("<II", 0x184D2A5E, len(table)) + table
    return b"".join(frame for frame, _ in frames) + skipped


def parallel_zstd(data: bytes, size: int = 4096) -> bytes:
    """As pzstd writes it: in front of each frame one to be skipped, which holds its length."""
    frames = [zstd.compress(data[at : at + size]) for at in range(0, len(data), size)]
    return b"".join(struct.pack("<III", 0x184D2A50, 4, len(frame)) + frame for frame in frames)


def log_lines(count: int) -> tuple[bytes, bytes]:
    """Lines, and a gzip member for each of them, as a logger leaves them that opens its file anew: plain, coded."""
    lines = [b"2026-11-29T17:%02d:%02d GET /item/%d 200\n" % (n // 60 % 60, n % 60, n * 7919) for n in range(count)]
    return b"".join(lines), b"".join(gzip.compress(line, mtime=0) for line in lines)
