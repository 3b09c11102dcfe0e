"""The content codings, each undone in bounded steps.

What a decoder will hold is read from the head of the coded stream (`windows`) and asked for before there is a decoder.
The libraries of brotli and zstd are loaded with the first body in them: most hosts never meet one, and the first stream
of a browser waits for none.
"""

import zlib
from collections.abc import Callable
from typing import Final

from longwire.upstream.account import Account
from longwire.upstream.coding import Coding, DecodeError, Members
from longwire.upstream.windows import ZLIB_BYTES

_GZIP_MAGIC: Final = b"\x1f\x8b"


class _Gzip(Members):
    """RFC 1952, any number of members; zlib checks CRC and length of each.

    Servers pad bodies with zeros, or write text behind them. Browsers ignore that, and so does gzip itself. What begins
    as a member must be one: it may have been cut.
    """

    def _follows(self, head: bytes) -> bool:
        return head[:2] == _GZIP_MAGIC[: len(head)]

    def _begin(self, head: bytes) -> bool:
        if self._whole and len(head) < len(_GZIP_MAGIC):
            return False
        self._account.hold(self._index, "gzip", ZLIB_BYTES)
        self._object = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return True

    def _work(self, data: bytes, limit: int) -> tuple[bytes, bytes, bool]:
        return _inflate(self._object, data, limit)


class _Deflate:
    """RFC 9110 section 8.4.1.2 says zlib format; many servers send raw deflate, so the first two bytes decide."""

    def __init__(self, account: Account, index: int) -> None:
        self._account = account
        self._index = index
        self._input = b""
        self._object: zlib._Decompress | None = None

    def feed(self, data: bytes) -> None:
        self._input += data  # at most one byte is held when more is fed

    async def step(self, limit: int) -> bytes | None:
        if self._object is None:
            if len(self._input) < 2:
                return None
            self._account.hold(self._index, "deflate", ZLIB_BYTES)
            # RFC 1950 section 2.2: method 8, and the 16-bit header is a multiple of 31. A raw stream does not begin
            # so: its lowest bits would be a stored block whose padding is not zero.
            is_zlib = self._input[0] & 0x0F == 8 and int.from_bytes(self._input[:2], "big") % 31 == 0
            self._object = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        if self._object.eof:
            self._input = b""  # what follows is ignored, as in browsers
            return None
        made, self._input, ended = _inflate(self._object, self._input, limit)
        return made if made or self._input or ended else None

    def finish(self) -> None:
        if self._input or (self._object is not None and not self._object.eof):
            raise DecodeError


def _brotli(account: Account, index: int) -> Coding:
    from longwire.upstream.brotli_coding import Brotli

    return Brotli(account, index)


def _zstd(account: Account, index: int) -> Coding:
    from longwire.upstream.zstd_coding import Zstd

    return Zstd(account, index)


CODINGS: Final[dict[str, Callable[[Account, int], Coding]]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,  # RFC 9110 section 8.4.1.3
    "deflate": _Deflate,
    "br": _brotli,
    "zstd": _zstd,
}


def _inflate(decompressor: "zlib._Decompress", data: bytes, limit: int) -> tuple[bytes, bytes, bool]:
    try:
        made = decompressor.decompress(data, limit)
    except zlib.error:
        raise DecodeError from None
    if decompressor.eof:
        return made, decompressor.unused_data, True
    return made, decompressor.unconsumed_tail, False
