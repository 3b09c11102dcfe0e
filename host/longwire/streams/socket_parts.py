"""How the messages of a WebSocket lie in the two bodies of its stream.

A body is a sequence of parts. Each has a head of SOCKET_PART_HEAD_BYTES: a byte for what it is (`Kind`, with `LAST`
where it ends its message), and its length as 32 bits, the highest byte first. The host gives a message in as many parts
as it came in; the page gives each in one. The last part is a `CLOSE`, with what a close frame holds (RFC 6455 section
5.5.1): without one the connection ended by itself.

Boundaries are bytes of the body, so that offsets, credit and order are those of every other stream, and a queue of
messages of any size, empty ones too, holds no more than its window. Nothing is made of a part before it is wanted.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import KIB, SOCKET_PART_HEAD_BYTES

# A message of the page's up to this size is given on whole, a larger one in pieces of it.
WHOLE_BYTES: Final = 64 * KIB
LAST: Final = 0x80
_MAX_CLOSE_BYTES: Final = 125


class Kind(IntEnum):
    """What a part belongs to; the numbers are those of the frames (RFC 6455 section 5.2)."""

    TEXT = 1
    BINARY = 2
    CLOSE = 8


class Piece(NamedTuple):
    """Some of a message, in order; `last` ends it. Of text it may end inside a character."""

    kind: Kind
    data: bytes
    last: bool


def part(kind: Kind, data: bytes, *, last: bool) -> bytes:
    """One part. `data` is shorter than 4 GiB."""
    return bytes((kind | (LAST if last else 0),)) + len(data).to_bytes(4, "big") + data


class PartReader:
    """The page's parts, fed in any split. Holds less than `whole` bytes and a head."""

    def __init__(self, limit: int, whole: int = WHOLE_BYTES) -> None:
        """A message may have `limit` bytes."""
        self._limit = limit
        self._whole = whole
        self._buffer = bytearray()
        self._kind: Kind | None = None
        self._left = 0
        self._pieces = False  # some of this message is given on already
        self._closed = False

    @property
    def held(self) -> int:
        """Bytes that were fed and of which nothing was made yet, the head of what they belong to included."""
        return len(self._buffer) + (SOCKET_PART_HEAD_BYTES if self._kind is not None and not self._pieces else 0)

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Take `data`; gives what can be sent now.

        Raises:
            StreamError: PROTOCOL, no part that a page may send, or one behind CLOSE; BODY_TOO_LARGE, over the limit.
        """
        self._buffer += data
        while self._kind is not None or self._head():
            size = min(self._left, self._whole)
            if len(self._buffer) < size:
                return
            piece = bytes(self._buffer[:size])
            del self._buffer[:size]
            self._left -= size
            kind, last = self._kind, not self._left
            self._pieces = True
            if last:
                self._closed = kind is Kind.CLOSE
                self._kind = None
            assert kind is not None  # noqa: S101  (`_head` gave one)
            yield Piece(kind, piece, last)

    def _head(self) -> bool:
        if len(self._buffer) < SOCKET_PART_HEAD_BYTES:
            return False
        first, size = self._buffer[0], int.from_bytes(self._buffer[1:SOCKET_PART_HEAD_BYTES], "big")
        if self._closed or first not in (LAST | Kind.TEXT, LAST | Kind.BINARY, LAST | Kind.CLOSE):
            raise StreamError(ErrorCode.PROTOCOL, "not a part of a socket's message", Phase.BODY)
        kind = Kind(first & ~LAST)
        if kind is Kind.CLOSE and (size > _MAX_CLOSE_BYTES or size == 1):
            raise StreamError(ErrorCode.PROTOCOL, f"a socket cannot be closed with {size} bytes", Phase.BODY)
        if size > self._limit:
            raise StreamError(
                ErrorCode.BODY_TOO_LARGE,
                f"the page sent a message of {size} bytes, and the grant allows {self._limit}; the policy raises it "
                'with limits = { message_bytes = "…" }',
                Phase.BODY,
            )
        del self._buffer[:SOCKET_PART_HEAD_BYTES]
        self._kind, self._left, self._pieces = kind, size, False
        return True
