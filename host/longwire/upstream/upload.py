"""The request body on its way out: pieces as they come, an end as soon as the response is there, an exact size.

Ending the iteration with an exception is what keeps a cut-off upload from looking complete: httpcore2 sends the
terminal chunk only after an orderly end, and with a Content-Length the bytes are simply missing. The connection is
not used again either way.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.backend import HopStream
from longwire.upstream.model import RequestBody, StreamedBody
from longwire.upstream.timers import Timers

# An inline body goes out in pieces as well, so that its progress is seen.
PIECE_BYTES: Final = 64 * 1024


class Upload:
    """One hop's request body, as the iterable that httpcore2 takes."""

    def __init__(
        self,
        body: RequestBody,
        stream: Callable[[], HopStream],
        timers: Timers,
        step: Callable[[], Awaitable[None]],
    ) -> None:
        """`stream` gives the connection's stream; it is asked once the connection stands. `step`: see `Turns.step`."""
        self._body = body
        self._stream = stream
        self._timers = timers
        self._step = step
        self.sent_bytes = 0
        # False from the first piece until the last one is out.
        self.complete = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._body is None:
            return _nothing()
        return self._send(self._body)

    async def _send(self, body: bytes | StreamedBody) -> AsyncIterator[bytes]:
        stream = self._stream()
        stream.begin_upload()
        self.complete = False
        size = body.size if isinstance(body, StreamedBody) else len(body)
        pieces = body.pieces if isinstance(body, StreamedBody) else _slices(body)
        try:
            while piece := await stream.unless_answered(lambda: self._next_piece(pieces)):
                if size is not None and self.sent_bytes + len(piece) > size:
                    raise _wrong_size(size, "more")
                yield piece
                # Back here, the socket has taken it.
                self.sent_bytes += len(piece)
                self._timers.progress()
                await self._step()
            if size is not None and self.sent_bytes < size:
                raise _wrong_size(size, "less")
            self.complete = True
        finally:
            self._body = None  # sent; the response may live long, and a redirect has the body of the chain
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    async def _next_piece(self, pieces: AsyncIterator[bytes]) -> bytes:
        """The next piece that is not empty; b"" at the end."""
        with self._timers.waiting_for_page():
            async for piece in pieces:
                if piece:
                    return piece
        return b""


def _wrong_size(size: int, word: str) -> StreamError:
    return StreamError(
        ErrorCode.UPLOAD_FAILED,
        f"the request body was announced as {size} bytes, and {word} came. Give its exact size or none",
        Phase.HEADERS,
    )


async def _slices(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield
