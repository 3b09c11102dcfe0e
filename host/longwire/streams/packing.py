"""Chunks carried compressed, each by itself: the browser reads our pipe 4 KiB at a time, and that is what takes time.

Credit, offsets and ends count plain bytes and know nothing of it. Nothing is told by it that is not told anyway:
whoever can measure a chunk's length may read its bytes, and the reflection guard looked at them before they came here.
"""

from collections.abc import Callable
from typing import Final

# What an extension says in HELLO that it undoes: the zlib format (RFC 1950), which is what a browser calls "deflate".
ENCODING: Final = "deflate"
# An event is smaller and waits for nobody. Less saves less in the pipe than a decompressor costs the page.
MIN_PACKED_BYTES: Final = 8 * 1024
# A chunk that is hardly smaller goes as it is.
_WORTH_IT: Final = 7 / 8
# After one in vain so many chunks go as they are; twice as many after the next, and so on up to the most. What does not
# compress is tried in one chunk of 65, a tenth of a per cent of its way.
_FIRST_PAUSE: Final = 1
_LONGEST_PAUSE: Final = 64
_LEVEL: Final = 1

Compress = Callable[[bytes | bytearray], bytes]


def _compressor() -> Compress:
    """Loaded with the first chunk that is worth it: a host that carries events alone never needs it."""
    try:
        from isal import isal_zlib
    except ImportError:  # no wheel for this platform
        import zlib

        return lambda data: zlib.compress(data, _LEVEL)
    return lambda data: isal_zlib.compress(data, _LEVEL)


class Packer:
    """One stream's: learns as it runs whether its body compresses."""

    _compress: Compress | None = None

    def __init__(self) -> None:
        self._pause = 0
        self._left = 0  # of the pause, chunks

    def pack(self, data: bytes | bytearray) -> bytes | None:
        """`data` in the zlib format; None where it should go as it is."""
        if len(data) < MIN_PACKED_BYTES:
            return None
        if self._left:
            self._left -= 1
            return None
        if Packer._compress is None:
            Packer._compress = staticmethod(_compressor())
        packed = Packer._compress(data)
        if len(packed) <= len(data) * _WORTH_IT:
            self._pause = 0
            return packed
        self._left = self._pause = min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
        return None
