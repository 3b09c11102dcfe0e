"""brotli (RFC 7932). Loaded with the first body in it: see `codings`."""

from functools import partial
from typing import Final

import brotli

from longwire.protocol.limits import KIB
from longwire.upstream.account import Account
from longwire.upstream.coding import DecodeError
from longwire.upstream.windows import brotli_bytes, brotli_window_bytes

# brotli grows its output in blocks of 32 KiB, 64 KiB, … and may fill the block that crosses the limit. Just under the
# first block, a step stays inside it.
_BROTLI_LIMIT: Final = 32_000
# But before it gives anything it fills its window: 7 ms of work for each MiB of it, 130 ms for the largest. Windows of
# up to 512 KiB, the usual size of web servers, are filled in a turn of the event loop; others in a thread.
_BROTLI_LONG_BYTES: Final = brotli_window_bytes(512 * KIB)
# Nor does a limit bound what makes no output: some kilobytes may hold the tables of hundreds of prefix codes, and are
# 0.3 to 1 ms of work each.
_BROTLI_INPUT_BYTES: Final = 4 * KIB


class Brotli:
    """One body."""

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
