"""zstd (RFC 8878). Loaded with the first body in it: see `codings`."""

import sys

from longwire.upstream.account import Account, failed, shown
from longwire.upstream.coding import DecodeError, Members
from longwire.upstream.windows import ZSTD_MAX_BYTES, ZSTD_WINDOW_LOG, zstd_bytes

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class Zstd(Members):
    """Any number of frames, skippable ones included."""

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
