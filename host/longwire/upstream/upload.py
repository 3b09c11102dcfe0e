"""The request body on its way out, in a task of its own: an answer may come, and be read, while it is still being sent.

The response decides how long it goes on. One that is no error leaves the upload its time; after an error the server
does not want the rest (RFC 9112 section 9.5). What is cut off must not look complete: the terminal chunk goes out only
after an orderly end, and with a Content-Length the bytes are simply missing. The connection is not used again then.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol

import anyio
import h11
import httpcore2

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.errors import SentBeside
from longwire.upstream.model import RequestBody, StreamedBody
from longwire.upstream.timers import Timers

# An inline body goes out in pieces as well, so that its progress is seen.
PIECE_BYTES: Final = 64 * 1024
# How long an upload may go on after the head of an error. Servers that answer at once and still read the body are
# common enough to let a short upload finish; one that refuses the body must not be fed for longer.
ERROR_GRACE_S: Final = 0.5
# After the whole of another answer: how long its page may take for the next piece, and the server for any of it. Web
# servers themselves drop a connection whose client has sent nothing for so long (nginx: `lingering_timeout`,
# `lingering_time`). The page is told of the end of the answer only then, and may wait for that with its next piece.
PAGE_STALL_S: Final = 5.0
SERVER_STALL_S: Final = 30.0


class Outgoing(Protocol):
    """The connection, as an upload sees it."""

    async def send_body(self, event: h11.Data | h11.EndOfMessage) -> None:
        """Send a part of the request body, or its end. Raises httpcore2.WriteError: no more can be sent."""

    def end_sending(self) -> None:
        """Tell the server that no more comes, in the middle of whatever is being sent."""

    def close(self) -> None:
        """Close the socket."""

    @property
    def taken_bytes(self) -> int:
        """What the kernel took so far."""


class Upload:
    """One hop's request body, as the iterable that httpcore2 takes: it gives nothing and begins to send by itself."""

    def __init__(
        self,
        body: RequestBody,
        connection: Outgoing,
        timers: Timers,
        step: Callable[[], Awaitable[None]],
    ) -> None:
        """`step`: see `Turns.step`."""
        self._body = body
        self._connection = connection
        self._timers = timers
        self._step = step
        self._task: asyncio.Task[None] | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._waits_for_page = False
        self._cut = False
        self.sent_bytes = 0
        # Whether the body was sent to its end, if there is one.
        self.complete = body is None
        # Why the exchange cannot go on: the source failed, or gave another size than it said. The connection is closed.
        self.failure: Exception | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _nothing() if self._body is None else self._begin(self._body)

    @property
    def over(self) -> bool:
        """Whether nothing more will be sent."""
        return self._task is None or self._task.done()

    def answered(self, *, error: bool) -> None:
        """The head of the response is there."""
        if error and not self.over:
            self._grace = asyncio.get_running_loop().call_later(ERROR_GRACE_S, self._end_sending)

    async def finish(self) -> None:
        """The response ended in order: come back when the body has as well, or when it does not go on."""
        step_s = min(PAGE_STALL_S, SERVER_STALL_S)
        still_s = 0.0
        while (task := self._task) is not None and not task.done():
            before = (self._waits_for_page, self.sent_bytes, self._connection.taken_bytes)
            # In steps of the shorter one: whom it waits for may change meanwhile.
            await asyncio.wait([task], timeout=step_s)
            moved = before != (self._waits_for_page, self.sent_bytes, self._connection.taken_bytes)
            still_s = 0.0 if moved else still_s + step_s
            if still_s >= (PAGE_STALL_S if self._waits_for_page else SERVER_STALL_S):
                break
        await self.stop()

    def cancel(self) -> None:
        """Send no more; the connection is closed, or will be."""
        if self._grace is not None:
            self._grace.cancel()
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """`cancel`, and wait until the source is closed."""
        self.cancel()
        if self._task is not None:
            with anyio.CancelScope(shield=True):
                await asyncio.wait([self._task])

    async def _begin(self, body: bytes | StreamedBody) -> AsyncIterator[bytes]:
        self._task = asyncio.get_running_loop().create_task(self._run(body))
        self._body = None  # the response may live long, and a redirect has the body of the chain
        raise SentBeside
        yield

    async def _run(self, body: bytes | StreamedBody) -> None:
        try:
            await self._send(body)
            self.complete = True
        except httpcore2.WriteError:
            pass  # the response says why, or that there is none
        except Exception as error:  # noqa: BLE001  (raised by whoever reads the response)
            self.failure = error
            self._connection.close()

    async def _send(self, body: bytes | StreamedBody) -> None:
        size = body.size if isinstance(body, StreamedBody) else len(body)
        pieces = body.pieces if isinstance(body, StreamedBody) else _slices(body)
        try:
            while piece := await self._next_piece(pieces):
                if size is not None and self.sent_bytes + len(piece) > size:
                    raise _wrong_size(size, "more")
                await self._step()
                await self._connection.send_body(h11.Data(data=piece))
                # No wait from here to the next piece: its source learns what was sent before there is an answer.
                self.sent_bytes += len(piece)
                self._timers.progress()
            if size is not None and self.sent_bytes < size:
                raise _wrong_size(size, "less")
            await self._connection.send_body(h11.EndOfMessage())
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    async def _next_piece(self, pieces: AsyncIterator[bytes]) -> bytes:
        """The next piece that is not empty; b"" at the end."""
        if self._cut:
            raise httpcore2.WriteError
        self._waits_for_page = True
        try:
            with self._timers.waiting_for_page():
                async for piece in pieces:
                    if piece:
                        return piece
        finally:
            self._waits_for_page = False
        return b""

    def _end_sending(self) -> None:
        if self.over:
            return
        self._cut = True
        self._connection.end_sending()
        # A write is over by that, and must not be cancelled: see `SocketStream.end_sending`.
        if self._waits_for_page:
            self.cancel()


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
