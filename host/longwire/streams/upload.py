"""The request body's way in: what the host grants, takes and acknowledges. The mirror image of `credit`."""

from collections import deque
from collections.abc import Callable

import pybase64

from longwire.protocol.limits import (
    ACK_WINDOW_DIVISOR,
    UPLOAD_CHUNK_BYTES,
    UPLOAD_WINDOW_BYTES,
    UPLOAD_WINDOW_MAX_BYTES,
)


class BadUpload(ValueError):
    """Body bytes that are out of order, beyond the credit or after the end. The text is for people."""


class Upload:
    """A streamed request body between the channel and the socket. Holds at most `window` bytes.

    Credit is closed until `open`: a page cannot push bytes at a stream that policy has not accepted. A body that a page
    has still may be asked for again: its bytes are not kept here, however many there are.

    The window grows while the server takes all that comes, for then it is the way to the page and back that bounds what
    comes. For a server that is slower than that it stays as it is.
    """

    def __init__(
        self,
        size: int | None,
        window: int = UPLOAD_WINDOW_BYTES,
        borrow: Callable[[int], int] = lambda wanted: 0,
    ) -> None:
        """`borrow`: asked for so many bytes more of a window, gives as many as it may have."""
        self.size = size
        self._window = window
        self._borrow = borrow
        self._again = 0
        self._pieces: deque[bytes | bytearray] = deque()
        self._begin()

    def _begin(self) -> None:
        self._opened = False
        self._received = 0
        self._consumed = 0
        self._acknowledged = 0
        self._grown_at = 0  # `consumed` when the window was last made larger
        self._pieces.clear()
        self._complete = False

    @property
    def complete(self) -> bool:
        """Whether the page said that the body is whole."""
        return self._complete

    @property
    def received(self) -> int:
        """Bytes that came from the page, this time."""
        return self._received

    def open(self) -> tuple[int, int]:
        """Begin to accept bytes; returns (consumed, window) for the first STREAM_BODY_ACK."""
        self._opened = True
        return self._consumed, self._window

    def again(self) -> int:
        """Begin anew, from the first byte; returns what marks the frames of this time. Closed until `open`."""
        self._again += 1
        self._begin()
        return self._again

    def receive(self, offset: int, data: bytes, again: int = 0) -> None:
        """Take one STREAM_BODY. One that was on its way when `again` was called has no effect.

        Raises:
            BadUpload: wrong offset, beyond the credit, past the announced size, after the end, or with an `again` that
                nobody asked for.
        """
        if self._is_late(again):
            return
        if self._complete:
            raise BadUpload("STREAM_BODY after STREAM_BODY_END")
        if offset != self._received:
            raise BadUpload(f"STREAM_BODY at offset {offset}; the next byte is {self._received}")
        end = offset + len(data)
        if not self._opened or end > self._consumed + self._window:
            raise BadUpload(f"STREAM_BODY up to {end} is beyond the upload credit")
        if self.size is not None and end > self.size:
            raise BadUpload(f"STREAM_BODY up to {end} is beyond the announced size of {self.size}")
        self._received = end
        if data:
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        """Tiny pieces in one: each of its own takes 30 bytes more than it holds, which no credit counts."""
        if not self._pieces or len(self._pieces[-1]) + len(data) > UPLOAD_CHUNK_BYTES:
            self._pieces.append(data)
            return
        last = self._pieces[-1]
        if isinstance(last, bytes):
            last = self._pieces[-1] = bytearray(last)
        last += data

    def finish(self, total: int, again: int = 0) -> None:
        """Take STREAM_BODY_END, as `receive` takes STREAM_BODY.

        Raises:
            BadUpload: a second end, or `total` is not what came or what was announced.
        """
        if self._is_late(again):
            return
        if self._complete:
            raise BadUpload("a second STREAM_BODY_END")
        if total != self._received or (self.size is not None and total != self.size):
            raise BadUpload(f"STREAM_BODY_END of {total} bytes after {self._received} were received")
        self._complete = True

    def _is_late(self, again: int) -> bool:
        if again > self._again:
            raise BadUpload(f"a request body with again {again}, which nobody asked for")
        return again < self._again

    def take(self) -> bytes | None:
        """The next piece for the socket, or None while there is none."""
        if not self._pieces:
            return None
        piece = bytes(self._pieces.popleft())
        self._consumed += len(piece)
        return piece

    @property
    def window(self) -> int:
        """How much of it may be on its way and here."""
        return self._window

    def acknowledge(self, held: int = 0, *, prompt: bool = False) -> tuple[int, int] | None:
        """(consumed, window) when a STREAM_BODY_ACK is worth its message, else None. The last byte's always is.

        Called when what was taken is in the socket, but for `held` bytes. `prompt`: whatever was taken is worth it once
        nothing waits here. A page that shows how much is under way has to hear of it.
        """
        consumed = self._consumed - held
        last = consumed == self.size or ((self._complete or prompt) and not self._pieces)
        if consumed - self._acknowledged < (1 if last else self._window // ACK_WINDOW_DIVISOR):
            return None
        return self._acknowledge(consumed)

    def starve(self) -> tuple[int, int] | None:
        """The server took all there is and could have more; as `acknowledge`, where the window has grown for that."""
        if self._complete or self._consumed - self._grown_at < self._window:
            return None
        left = UPLOAD_WINDOW_MAX_BYTES if self.size is None else self.size - self._consumed
        more = min(2 * self._window, UPLOAD_WINDOW_MAX_BYTES, left) - self._window
        if more <= 0 or not (lent := self._borrow(more)):
            return None
        self._window += lent
        self._grown_at = self._consumed
        return self._acknowledge(self._consumed)

    def _acknowledge(self, consumed: int) -> tuple[int, int]:
        self._acknowledged = consumed
        return consumed, self._window


def decode_base64(text: str) -> bytes:
    """Bytes of a message's `data`.

    Raises:
        BadUpload: not canonical base64.
    """
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        raise BadUpload("data is not base64") from None
