"""What a decoder will take of memory, read from the head of the coded stream before there is a decoder.

A coding remembers a window of what it has made, and the server says how large. The numbers are upper bounds of what the
libraries allocate, in bytes: window, tables and buffers; measured with mallinfo2, and tested so.
"""

from typing import Final

from longwire.protocol.limits import KIB

# zlib: its state, and the window of 32 KiB (RFC 1951) whatever the head of a zlib stream says.
ZLIB_BYTES: Final = 44 * KIB

# RFC 9659: a zstd content coding needs no larger window than 8 MiB.
ZSTD_WINDOW_LOG: Final = 23
_ZSTD_MAGIC: Final = 0xFD2FB528
_ZSTD_SKIPPABLE: Final = 0x184D2A50  # to …5F
_ZSTD_STATE_BYTES: Final = 96 * KIB
# Three blocks beside the window, each of 128 KiB at most and no larger than the window.
_ZSTD_BLOCK_BYTES: Final = 128 * KIB

# RFC 7932: 256 prefix codes of each of three kinds, in tables of 630, 1,080 and 920 entries of four bytes, and context
# maps. Any meta-block may ask for them in a few bytes.
_BROTLI_STATE_BYTES: Final = 2816 * KIB


def _zstd_bytes(window: int) -> int:
    return _ZSTD_STATE_BYTES + window + 3 * min(window, _ZSTD_BLOCK_BYTES)


ZSTD_MAX_BYTES: Final = _zstd_bytes(1 << ZSTD_WINDOW_LOG)


def zstd_bytes(head: bytes) -> int | None:
    """What the zstd frame that begins with `head` takes; None if `head` is too short to tell. RFC 8878 section 3.1.

    What is no frame takes what a decoder needs to say so.
    """
    if len(head) < 5:
        return None
    magic = int.from_bytes(head[:4], "little")
    if magic & ~0xF == _ZSTD_SKIPPABLE or magic != _ZSTD_MAGIC:
        return _ZSTD_STATE_BYTES
    descriptor = head[4]
    single_segment = descriptor & 0x20
    if not single_segment:
        if len(head) < 6:
            return None
        exponent, mantissa = divmod(head[5], 8)
        window = (1 << (10 + exponent)) * (8 + mantissa) // 8
    else:  # the window is the content, whose size stands behind the dictionary's id
        at = 5 + (0, 1, 2, 4)[descriptor & 3]
        size = (1, 2, 4, 8)[descriptor >> 6]
        if len(head) < at + size:
            return None
        window = int.from_bytes(head[at : at + size], "little") + (256 if size == 2 else 0)
    return _zstd_bytes(window)


def brotli_bytes(head: bytes) -> int | None:
    """What the brotli stream that begins with `head` takes; None if `head` is too short to tell. RFC 7932 section 9.

    The window is allocated as the stream grows; where the first meta-block is the last one, only for its length.
    """
    bits = _Bits(head)
    try:
        window = 1 << _brotli_window_log(bits)
        if bits.take(1):  # ISLAST
            if bits.take(1):  # ISLASTEMPTY
                return _BROTLI_STATE_BYTES
            nibbles = 4 + bits.take(2)
            if nibbles < 7:
                length = bits.take(4 * nibbles) + 1
                window = min(window, 1 << max(10, (length - 1).bit_length()))
    except _TooShort:
        return None
    return brotli_window_bytes(window)


def brotli_window_bytes(window: int) -> int:
    """What a brotli stream with a window of so many bytes takes."""
    return _BROTLI_STATE_BYTES + window


def _brotli_window_log(bits: "_Bits") -> int:
    if not bits.take(1):
        return 16
    if high := bits.take(3):
        return 17 + high
    low = bits.take(3)
    # 1 was given away for windows beyond the format, which no browser's decoder takes, and ours neither.
    return 8 + low if low > 1 else 17


class _TooShort(Exception):
    pass


class _Bits:
    """Bits of `data`, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[:8], "little")
        self._left = 8 * min(len(data), 8)

    def take(self, count: int) -> int:
        if count > self._left:
            raise _TooShort
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value
