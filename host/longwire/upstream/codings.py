"""The content codings, each undone in bounded steps.

What a decoder will hold is read from the head of the coded stream (`windows`) and asked for before there is a decoder.
"""

import sys
import zlib
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import brotli

from longwire.protocol.limits import KIB
from longwire.upstream.account import MEMBER_COST, Account, failed, shown
from longwire.upstream.windows import (
    ZLIB_BYTES,
    ZSTD_MAX_BYTES,
    ZSTD_WINDOW_LOG,
    brotli_bytes,
    brotli_window_bytes,
    zstd_bytes,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STEP_BYTES: Final = 64 * KIB
_GZIP_MAGIC: Final = b"\x1f\x8b"
# brotli grows its output in blocks of 32 KiB, 64 KiB, … and may fill the block that crosses the limit. Just under the
# first block, a step stays inside it.
_BROTLI_LIMIT: Final = 32_000
# But before it gives anything it fills its window: 7 ms of work for each MiB of it, 130 ms for the largest. Windows of
# up to 512 KiB, the usual size of web servers, are filled in a turn of the event loop; others in a thread.
_BROTLI_LONG_BYTES: Final = brotli_window_bytes(512 * KIB)
# Nor does a limit bound what makes no output: some kilobytes may hold the tables of hundreds of prefix codes, and are
# 0.3 to 1 ms of work each.
_BROTLI_INPUT_BYTES: Final = 4 * KIB


class DecodeError(Exception):
    """A coded stream is corrupt. Never leaves `decoding`."""


class Coding(Protocol):
    """One content coding being undone. Bytes fed are held until steps have used them."""

    def feed(self, data: bytes) -> None:
        """Take more coded bytes; only when `step` has said None."""

    async def step(self, limit: int) -> bytes | None:
        """Do a bounded piece of work: up to about `limit` decoded bytes and never more than STEP_BYTES, b"" if there
        were none yet, None if it needs more to go on.
        """

    def finish(self) -> None:
        """Raise DecodeError unless everything fed makes a whole coded stream, or nothing was fed at all."""


class _Members:
    """What gzip and zstd share: a coded stream is one or more members (frames), each complete in itself.

    What follows a whole member begins the next one. Where it cannot be one, all the rest is ignored.
    """

    def __init__(self, account: Account, index: int) -> None:
        self._account = account
        self._index = index
        self._input = b""
        self._inside = False  # a member has begun and not ended
        self._whole = False  # at least one has ended
        self._ignoring = False

    def feed(self, data: bytes) -> None:
        if not self._ignoring:
            self._input += data  # at most a part of a member's head is held when more is fed

    async def step(self, limit: int) -> bytes | None:
        if not self._inside:
            if self._whole and self._input and not self._follows(self._input):
                self._ignoring, self._input = True, b""
            if not self._input or not self._begin(self._input):
                return None
            self._account.work(MEMBER_COST)
            self._inside = True
        made, self._input, ended = self._work(self._input, limit)
        if ended:
            self._inside, self._whole = False, True
            return made
        # Without output and without input left there is nothing to do until more is fed.
        return made if made or self._input else None

    def finish(self) -> None:
        if self._inside or self._input:
            raise DecodeError

    def _follows(self, head: bytes) -> bool:
        """Whether what comes after a whole member is another, or may yet be one."""
        return True

    def _begin(self, head: bytes) -> bool:
        """Make a fresh decompressor; False if `head` is too short to know which."""
        raise NotImplementedError

    def _work(self, data: bytes, limit: int) -> tuple[bytes, bytes, bool]:
        """Decompress one step of the current member: what came out, what is left of `data`, whether it ended."""
        raise NotImplementedError


class _Gzip(_Members):
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


class _Zstd(_Members):
    """RFC 8878, any number of frames, skippable ones included."""

    def __init__(self, account: Account, index: int) -> None:
        super().__init__(account, index)
        # The most that a frame took: what one frame could have, the next need not fight for.
        self._held = 0

    def _begin(self, head: bytes) -> bool:
        size = zstd_bytes(head)
        if size is None:
            return False
        if size > ZSTD_MAX_BYTES:
            raise failed(f"its zstd window would take {shown(size)}, and no content coding may need more than 8 MiB")
        if size > self._held:
            self._account.hold(self._index, "zstd", size)
            self._held = size
        self._object = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})
        return True

    def _work(self, data: bytes, limit: int) -> tuple[bytes, bytes, bool]:
        try:
            made = self._object.decompress(data, limit)
        except zstd.ZstdError:
            raise DecodeError from None
        if self._object.eof:
            return made, self._object.unused_data, True
        return made, b"", False  # the object keeps what it did not use


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


class _Brotli:
    """RFC 7932."""

    def __init__(self, account: Account, index: int) -> None:
        self._account = account
        self._index = index
        self._object: brotli.Decompressor | None = None
        self._long = False  # a step takes long, whatever its limit
        self._input = b""
        self._ended = False
        # Whether the last call gave nothing. `can_accept_more_data` alone is about input: it says yes as well when
        # all input is used and output is still to come.
        self._drained = True

    def feed(self, data: bytes) -> None:
        self._input += data  # at most a part of the head is held when more is fed

    async def step(self, limit: int) -> bytes | None:
        if self._ended:
            # What came with the end the library refuses. Bytes that come later are not to fare better.
            if self._input:
                raise DecodeError
            return None
        if self._object is None:
            size = brotli_bytes(self._input)
            if size is None:
                return None
            self._account.hold(self._index, "brotli", size)
            self._long = size > _BROTLI_LONG_BYTES
            self._object = brotli.Decompressor()
        elif not self._input and self._drained and self._object.can_accept_more_data():
            return None
        # Input that did not fit is kept inside and used by further calls with none.
        size = 0 if not self._object.can_accept_more_data() else len(self._input) if self._long else _BROTLI_INPUT_BYTES
        data, self._input = self._input[:size], self._input[size:]
        try:
            made = await self._process(self._object, data, min(limit, _BROTLI_LIMIT))
        except brotli.error:
            raise DecodeError from None
        self._drained = not made
        if self._object.is_finished():
            self._ended, self._object = True, None
            self._account.hold(self._index, "brotli", 0)
        return made

    async def _process(self, decompressor: brotli.Decompressor, data: bytes, limit: int) -> bytes:
        work = partial(decompressor.process, data, output_buffer_limit=limit)
        made: bytes = await self._account.aside(work) if self._long else work()
        return made

    def finish(self) -> None:
        if self._object is not None or self._input:
            raise DecodeError


CODINGS: Final[dict[str, Callable[[Account, int], Coding]]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,  # RFC 9110 section 8.4.1.3
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}


def _inflate(decompressor: "zlib._Decompress", data: bytes, limit: int) -> tuple[bytes, bytes, bool]:
    try:
        made = decompressor.decompress(data, limit)
    except zlib.error:
        raise DecodeError from None
    if decompressor.eof:
        return made, decompressor.unused_data, True
    return made, decompressor.unconsumed_tail, False
