"""Bodies in content codings, whole or cut anywhere."""

import gzip
import sys
import zlib
from collections.abc import Callable, Sequence

import brotli

from tests.upstreams import bodies
from tests.upstreams.connection import Request

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


def _streamed_zstd(data: bytes) -> bytes:
    """As a server does that does not know the length: the window stands in the head, and not the size."""
    made = zstd.ZstdCompressor()
    return made.compress(data) + made.flush()


# Coding as a test names it: the Content-Encoding it goes under, and the encoder.
CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", lambda data: gzip.compress(data, mtime=0)),
    "gzip-members": ("gzip", lambda data: b"".join(gzip.compress(part, mtime=0) for part in _halves(data))),
    "deflate": ("deflate", zlib.compress),
    "deflate-raw": ("deflate", _raw_deflate),
    "br": ("br", lambda data: bytes(brotli.compress(data, quality=4))),
    "br-largest-window": ("br", lambda data: bytes(brotli.compress(data, quality=4, lgwin=24))),
    "zstd": ("zstd", zstd.compress),
    "zstd-streamed": ("zstd", _streamed_zstd),
    "zstd-frames": ("zstd", lambda data: b"".join(zstd.compress(part) for part in _halves(data))),
}


def encode(data: bytes, names: Sequence[str]) -> tuple[bytes, str]:
    """`data` coded by `names` one after the other, and its Content-Encoding."""
    for name in names:
        data = CODINGS[name][1](data)
    return data, ", ".join(CODINGS[name][0] for name in names)


async def coded(request: Request) -> None:
    """`?size=…&seed=…&coding=gzip,br&cut=…`: random bytes coded; `cut` drops that many bytes from the end of the coded
    stream while the framing stays right, so that only the coding can tell.
    """
    query = request.query
    plain = b"".join(bodies.seeded(query.get("seed", "0"), int(query.get("size", "1000"))))
    data, encoding = encode(plain, query.get("coding", "gzip").split(","))
    data = data[: len(data) - int(query.get("cut", "0"))]
    await bodies.respond(request.connection, data, headers=[("Content-Encoding", encoding)])


def _halves(data: bytes) -> tuple[bytes, bytes]:
    return data[: len(data) // 2], data[len(data) // 2 :]
