"""Messages that were deflated: a byte that says what is inside, four with its size (big endian), and a zlib stream."""

import zlib
from typing import Final, TypeGuard

TEXT: Final = 1
BINARY: Final = 2
HEADER: Final = 5


class BrokenMessage(Exception):
    """It cannot be inflated, or would be too large; `code` and `reason` are for the socket's close."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def is_deflated(data: str | bytes) -> TypeGuard[bytes]:
    """Whether it has to be inflated first."""
    return isinstance(data, bytes) and data[:1] in (b"\x01", b"\x02")


def deflated(data: str | bytes) -> bytes | None:
    """None where it would not save a tenth."""
    plain = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    packed = zlib.compress(plain, 1)
    if len(packed) + HEADER > len(plain) * 0.9:
        return None
    return b"".join((bytes((TEXT if isinstance(data, str) else BINARY,)), len(plain).to_bytes(4, "big"), packed))


def inflated(message: bytes, most: int) -> str | bytes:
    """The message inside, of at most `most` bytes: no more are made of it, whatever it says.

    Raises:
        BrokenMessage: it is longer, or it is none.
    """
    size = int.from_bytes(message[1:HEADER], "big")
    if len(message) >= HEADER and size > most:
        raise BrokenMessage(1009, "message too large")
    decoder = zlib.decompressobj()
    try:
        plain = decoder.decompress(message[HEADER:], size + 1)
        if len(message) < HEADER or len(plain) != size or not decoder.eof or decoder.unused_data:
            raise BrokenMessage(1007, "deflated message broken")
        return plain if message[0] == BINARY else plain.decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise BrokenMessage(1007, "deflated message broken") from error
